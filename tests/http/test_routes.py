"""Security rule 6: the literals of the dispatched route's template stand in the path that the policy decided on."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from starlette.routing import compile_path
from werkzeug.exceptions import NotFound
from werkzeug.routing import Map, RequestRedirect, Rule

from idaware.http.paths import check_path
from idaware.http.route_regex import ANY, MAYBE, ONE, OPTIONAL_SLASH, marks_of_regex
from idaware.http.routes import RoutePart, mounted, parts_agree, route_agrees


@pytest.mark.parametrize(
    ("template", "path"),
    [
        pytest.param("/jobs", "/jobs", id="literal"),
        pytest.param("/jobs/", "/jobs", id="a trailing slash does not count, in the template"),
        pytest.param("/jobs", "/jobs/", id="a trailing slash does not count, in the path"),
        pytest.param("/", "/", id="root"),
        pytest.param("", "/", id="empty template at the root of a mount"),
        pytest.param("/jobs/{id}", "/jobs/7", id="Starlette placeholder"),
        pytest.param("/jobs/{id:int}/log", "/jobs/7/log", id="Starlette converter"),
        pytest.param("/jobs/v{n:int}.json", "/jobs/v7.json", id="placeholder inside a segment"),
        pytest.param("/files/{rest:path}", "/files/a/b/c", id="Starlette path converter"),
        pytest.param("/files/{rest:path}", "/files/", id="Starlette path converter, empty"),
        pytest.param("/files/{rest:path}/raw", "/files/a/b/raw", id="literal after an open end"),
        pytest.param(
            "/dates/{d:day}/x", "/dates/2026/01/02/x", id="a converter of the application's may take slashes"
        ),
        pytest.param("/jobs/<id>", "/jobs/7", id="Flask placeholder"),
        pytest.param("/jobs/<int(min=1):id>", "/jobs/7", id="Flask converter with arguments"),
        pytest.param("/<any(a,b):kind>/x", "/b/x", id="Flask any"),
        pytest.param("/files/<path:rest>", "/files/a/b", id="Flask path converter"),
        pytest.param(
            "/at/<re('a/b|(c)'):x>/log", "/at/a/b/log", id="Flask converter with a slash in its arguments"
        ),
        pytest.param("/été/<name>", "/été/x", id="not only ASCII"),
    ],
)
def test_an_honest_route_agrees(template: str, path: str) -> None:
    assert route_agrees(template, path)


@pytest.mark.parametrize(
    ("template", "path"),
    [
        pytest.param("/admin", "/Admin", id="a router that folds case"),
        pytest.param("/admin", "/public", id="another literal"),
        pytest.param("/admin/{x}", "/public/x", id="another literal before a placeholder"),
        pytest.param("/{x}/admin", "/x/public", id="another literal after a placeholder"),
        pytest.param("/files/{rest:path}/raw", "/files/a/b/cooked", id="another literal after an open end"),
        pytest.param("/files/{rest:path}", "/public/a", id="another literal before an open end"),
        pytest.param("/admin", "/admin/x", id="more segments"),
        pytest.param("/admin/x", "/admin", id="fewer segments"),
        pytest.param("/", "/x", id="the root is not everything"),
        pytest.param("/admin", "/", id="everything is not the root"),
        pytest.param("/static-{rest:path}", "/public/a", id="another beginning of an open segment"),
        pytest.param("/static-{rest:path}", "/", id="no open segment at all"),
        pytest.param("/a//b", "/a/b", id="merged slashes"),
    ],
)
def test_a_literal_that_differs_is_seen(template: str, path: str) -> None:
    assert not route_agrees(template, path)


def test_a_mount_leaves_the_rest_to_its_own_application() -> None:
    assert route_agrees("/tools", "/tools/a/b", prefix=True)
    assert route_agrees("/tools", "/tools", prefix=True)
    assert route_agrees("", "/anything/at/all", prefix=True)
    assert not route_agrees("/tools", "/public/a", prefix=True)


def parts(*texts: str) -> tuple[RoutePart, ...]:
    """``path`` unless it begins like a regular expression."""
    return tuple(("regex", text[3:]) if text.startswith("re:") else ("path", text) for text in texts)


@pytest.mark.parametrize(
    ("route", "path"),
    [
        pytest.param(parts("jobs/<int:id>/"), "/jobs/7/", id="path"),
        pytest.param(parts("api/", "jobs/<slug:id>"), "/api/jobs/x", id="include"),
        pytest.param(parts("en/", "about/"), "/en/about/", id="language prefix"),
        pytest.param(parts(""), "/", id="root"),
        pytest.param(parts("re:^jobs/(?P<id>[0-9]+)/delete/$"), "/jobs/7/delete/", id="named group"),
        pytest.param(
            parts("api/", "re:^v(1|2)/users$"), "/api/v2/users", id="include of a regular expression"
        ),
        pytest.param(
            parts("re:^api/", "users/<int:n>/"), "/api/users/1/", id="regular expression with an include"
        ),
        pytest.param(parts("re:^users/?$"), "/users", id="optional slash, absent"),
        pytest.param(parts("re:^users/?$"), "/users/", id="optional slash, present"),
        pytest.param(parts("re:^a/?b$"), "/ab", id="optional slash inside, absent"),
        pytest.param(parts("re:^a/?b$"), "/a/b", id="optional slash inside, present"),
        pytest.param(parts("re:^x/(\\d*)$"), "/x/", id="last segment may be empty"),
        pytest.param(parts("re:^app/"), "/app/any/thing", id="not bounded at its end"),
        pytest.param(parts("re:^app"), "/apples/1", id="not bounded inside a segment"),
        pytest.param(parts("re:"), "/any/thing", id="empty regular expression"),
        pytest.param(parts("re:.*\\.pdf\\Z"), "/a/b.pdf", id="anything before an ending"),
        pytest.param(parts("re:[.]pdf\\Z"), "/a/b.pdf", id="matches in the middle of a segment"),
        pytest.param(parts("re:^(?:en|de|a/b)/about/$"), "/a/b/about/", id="alternatives with a slash"),
        pytest.param(parts("re:^one/$|^two/three/$"), "/two/three/", id="alternatives of the whole"),
        pytest.param(parts("re:^a(?:/(?P<b>\\w+))?/$"), "/a/b/", id="optional group with a slash"),
        pytest.param(parts("re:^a(?=/b)/b$"), "/a/b", id="lookahead"),
        pytest.param(parts("re:^(?x) a / b $"), "/a/b", id="verbose: not read"),
        pytest.param(parts("re:^(?P<x>a)/(?P=x)$"), "/a/a", id="reference: not read"),
        pytest.param(parts("re:^\\x61/b$"), "/a/b", id="numbered character: not read"),
        pytest.param(
            (("unknown", "?"), ("path", "users/")), "/anything/users/", id="a pattern class of its own"
        ),
    ],
)
def test_an_honest_django_route_agrees(route: tuple[RoutePart, ...], path: str) -> None:
    assert parts_agree(route, path)


@pytest.mark.parametrize(
    ("route", "path"),
    [
        pytest.param(parts("admin/"), "/public/", id="path"),
        pytest.param(parts("api/", "admin/"), "/api/public/", id="include"),
        pytest.param(parts("re:(?i)^admin/users/$"), "/ADMIN/users/", id="case folded by a flag"),
        pytest.param(parts("re:^(?i:admin)/users/$"), "/ADMIN/users/", id="case folded in a group"),
        pytest.param(parts("re:admin/"), "/public/admin/", id="matched in the middle of the path"),
        pytest.param(parts("re:^jobs/(?P<id>\\d+)/delete/$"), "/jobs/7/read/", id="literal after a group"),
        pytest.param(parts("re:^admin"), "/public", id="beginning of an open segment"),
        pytest.param(parts("re:^a.b$"), "/a/b", id="a dot that took a slash"),
        pytest.param(parts("re:^[^x]admin$"), "/a/admin", id="a class that took a slash"),
        pytest.param(parts("re:^.*/admin/$"), "/x/public/", id="literal after an open end"),
    ],
)
def test_a_literal_that_differs_in_a_django_route_is_seen(route: tuple[RoutePart, ...], path: str) -> None:
    assert not parts_agree(route, path)


@pytest.mark.parametrize(
    ("regex", "marks"),
    [
        pytest.param("^a$", "a", id="literal"),
        pytest.param(
            "^a+b?c*d{2}e{0,3}f{,2}$", f"{ONE}{MAYBE}{MAYBE}{ONE}{MAYBE}{MAYBE}", id="repeated literals"
        ),
        pytest.param("^{}x{y}$", "{}x{y}", id="braces that repeat nothing"),
        pytest.param("^a/?$", f"a{OPTIONAL_SLASH}", id="optional slash"),
        pytest.param("^a/+$", f"a{ANY}", id="slashes"),
        pytest.param("^[^/]+[^/]$", f"{ONE}{ONE}", id="class without a slash"),
        pytest.param("^[]x]*[^]]+[\\]/]$", f"{MAYBE}{ANY}{ONE}", id="classes with a bracket inside"),
        pytest.param("^\\d\\w+\\s*\\D\\W+$", f"{ONE}{ONE}{MAYBE}{ONE}{ANY}", id="classes by name"),
        pytest.param("^\\.\\-\\/$", ".-/", id="escaped literals"),
        pytest.param("^(?P<a>x)(?:y)(z)$", "xyz", id="groups that are literal"),
        pytest.param("^(?:a|b)(?:a|)(?:.|a)$", f"{ONE}{MAYBE}{ANY}", id="alternatives"),
        pytest.param("^(a)+(b*)+(.)*$", f"{ONE}{MAYBE}{ANY}", id="repeated groups"),
        pytest.param("^(?#about)a(?<!b)(?!c)\\b$", "a", id="no width"),
        pytest.param("^\\b?a$", f"{MAYBE}a", id="repeated no width"),
        pytest.param("^a\\Z", "a", id="another way to end"),
        pytest.param("a", f"{ANY}a{ANY}", id="bounded nowhere"),
        pytest.param("^(a", ANY, id="not closed"),
        pytest.param("^a)", ANY, id="closed twice"),
        pytest.param("^a\\", ANY, id="nothing escaped"),
        pytest.param("^(?=a", ANY, id="lookahead not closed"),
        pytest.param("^(?>a)$", ANY, id="atomic group: not read"),
    ],
)
def test_what_of_a_regular_expression_is_literal(regex: str, marks: str) -> None:
    assert marks_of_regex(regex, endpoint=True) == marks


def test_an_included_pattern_goes_on_where_it_ends() -> None:
    assert marks_of_regex("^api", endpoint=False) == "api"


@pytest.mark.parametrize(
    ("decided", "routed", "root", "outer", "expected"),
    [
        pytest.param("/a", "/a", "", "", "", id="no mount"),
        pytest.param("/in/a", "/a", "/in", "", "/in", id="mounted inside"),
        pytest.param("/in/a", "/a", "/out/in", "/out", "/in", id="mounted inside and outside"),
        pytest.param("/a", "/a", "/told", "", "", id="an address that the application tells itself"),
        pytest.param("/public/admin", "/admin", "", "", "", id="a path rewritten inside is no mount"),
    ],
)
def test_what_was_taken_off_inside(decided: str, routed: str, root: str, outer: str, expected: str) -> None:
    assert mounted(decided, routed, root, outer) == expected


SEGMENTS = st.text("abAB01.-_é{}<>:+*()", min_size=1, max_size=5)
PATHS = st.lists(SEGMENTS, max_size=5).map(lambda segments: "/" + "/".join(segments))
CONVERTERS = ("", ":int", ":str", ":path", ":uuid", ":float")


@st.composite
def starlette_templates(draw: st.DrawFn) -> str:
    pieces = draw(
        st.lists(st.one_of(st.text("ab", min_size=1, max_size=2), st.sampled_from(CONVERTERS)), max_size=4)
    )
    names = (f"{{n{index}{piece}}}" if piece in CONVERTERS else piece for index, piece in enumerate(pieces))
    return "/" + "/".join(names)


@st.composite
def paths_for(draw: st.DrawFn, template: str) -> str:
    """Mostly paths that fit ``template``, so that the routers below match often."""

    def fill(found: re.Match[str]) -> str:
        return draw(st.sampled_from(["a", "ab", "1", "1.5", "a/b", "b/a/1"]))

    return re.sub(r"\{[^}]*\}|<[^>]*>", fill, template) if draw(st.booleans()) else draw(PATHS)


@settings(max_examples=200)
@given(st.data(), starlette_templates())
def test_what_starlette_matches_agrees(data: st.DataObject, template: str) -> None:
    path = data.draw(paths_for(template))
    assume(check_path(path, None) is None)
    if compile_path(template)[0].match(path):
        assert route_agrees(template, path)


@settings(max_examples=200)
@given(st.data(), starlette_templates())
def test_what_flask_matches_agrees(data: st.DataObject, template: str) -> None:
    rule = re.sub(r"\{(n\d)(?::str)?\}|\{(n\d)(?::(\w+))\}", _as_flask, template)
    path = data.draw(paths_for(rule))
    assume(check_path(path, None) is None)
    try:
        matched, _ = Map([Rule(rule, endpoint="x")]).bind("h").match(path, return_rule=True)
    except (NotFound, RequestRedirect):
        return
    assert route_agrees(matched.rule, path)


def _as_flask(found: re.Match[str]) -> str:
    return f"<{found[1]}>" if found[1] else f"<{found[3]}:{found[2]}>"


@settings(max_examples=100)
@given(starlette_templates(), PATHS)
def test_one_literal_that_differs_is_enough(template: str, path: str) -> None:
    literals = [i for i, part in enumerate(template.strip("/").split("/")) if part and "{" not in part]
    assume(literals and ":path" not in template)
    segments = [re.sub(r"\{.*", "x", part) for part in template.strip("/").split("/")]
    segments[literals[0]] = segments[literals[0]].upper()
    assert not route_agrees(template, "/" + "/".join(segments))
