"""The frame of a page: security headers and the Content-Security-Policy."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from markupsafe import Markup

from idaware.pages import BASE_CSS, Page, card, html_page
from idaware.pages.document import plain_headers

BODY = Markup("<h1>Title</h1>")


def directives(page: Page) -> dict[str, str]:
    policy = dict(page.headers)["Content-Security-Policy"]
    return dict(part.split(" ", 1) for part in policy.split("; "))


def source_hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_policy_allows_nothing_but_the_one_stylesheet() -> None:
    assert directives(html_page("T", BODY)) == {
        "default-src": "'none'",
        "style-src": source_hash(BASE_CSS),
        "img-src": "data:",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }


def test_the_hashes_are_those_of_what_the_page_holds(parse) -> None:
    page = html_page("T", BODY, extra_css=".x{color:red}", script="let a = 1 < 2;")
    parsed = parse(page)
    assert directives(page)["style-src"] == source_hash("".join(parsed.data["style"]))
    assert directives(page)["script-src"] == source_hash("".join(parsed.data["script"]))
    assert "".join(parsed.data["style"]).endswith(".x{color:red}")


def test_no_page_may_run_an_inline_script_or_style_by_keyword(every) -> None:
    for name, page in every("x").items():
        policy = dict(page.headers)["Content-Security-Policy"]
        assert "unsafe" not in policy, name
        assert "*" not in policy, name
        assert "http" not in policy.replace("https://access.corp.example", ""), name


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Content-Type", "text/html; charset=utf-8"),
    ],
)
def test_every_page_carries_the_safety_headers_once(every, header: str, value: str) -> None:
    for name, page in every("x").items():
        assert [its for key, its in page.headers if key == header] == [value], name


def test_every_page_is_cut_off_from_its_opener_but_the_renewal_window(every) -> None:
    for name, page in every("x").items():
        expected = None if name.startswith("renewed") else "same-origin"
        assert dict(page.headers).get("Cross-Origin-Opener-Policy") == expected, name


def test_no_page_may_be_framed_but_the_one_for_frames(every) -> None:
    for name, page in every("x").items():
        expected = "'self'" if name == "sign-in link" else "'none'"
        assert directives(page)["frame-ancestors"] == expected, name


def test_only_the_renewal_window_runs_a_script(every, parse) -> None:
    for name, page in every("x").items():
        has_script = name.startswith("renewed")
        assert ("script-src" in directives(page)) == has_script, name
        assert (parse(page).count("script") == 1) == has_script, name


def test_csp_directives_can_be_replaced_and_added() -> None:
    page = html_page(
        "T", BODY, csp={"connect-src": "'self'", "form-action": "'self' https://idp.example:8443"}
    )
    assert directives(page)["connect-src"] == "'self'"
    assert directives(page)["form-action"] == "'self' https://idp.example:8443"


@pytest.mark.parametrize(
    "value",
    ["'self'; script-src *", "'self', default-src *", "'self'\r\nSet-Cookie: a=b", "", " ", "'self' ", "é"],
    ids=[
        "another directive",
        "another policy",
        "another header",
        "empty",
        "blank",
        "trailing blank",
        "not ASCII",
    ],
)
def test_csp_value_that_would_say_more_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="Content-Security-Policy"):
        html_page("T", BODY, csp={"form-action": value})


@pytest.mark.parametrize("script", ["x = '</script>'", "<!-- x"], ids=["end tag", "comment"])
def test_script_that_would_end_its_element_is_refused(script: str) -> None:
    with pytest.raises(ValueError, match="end its element"):
        html_page("T", BODY, script=script)


def test_stylesheet_that_would_end_its_element_is_refused() -> None:
    with pytest.raises(ValueError, match="end its element"):
        html_page("T", BODY, extra_css="</style><script>")


def test_title_names_the_page_and_the_application(parse) -> None:
    assert parse(html_page("Sign out", BODY, brand="Billing")).data["title"] == ["Sign out · Billing"]
    assert parse(html_page("Billing", BODY, brand="Billing")).data["title"] == ["Billing"]


def test_a_card_escapes_its_words(parse) -> None:
    page = html_page("T", card("<b>", Markup("<p>x</p>"), eyebrow="<i>", icon="lock", tone="bad"), status=418)
    parsed = parse(page)
    assert page.status == 418
    assert (parsed.count("b"), parsed.count("i"), parsed.count("p")) == (0, 0, 2)


def test_wide_pages_and_further_headers(parse) -> None:
    page = html_page("T", BODY, wide=True, headers=[("Retry-After", "5")])
    assert parse(page).values("body", "class") == ["wide"]
    assert ("Retry-After", "5") in page.headers
    assert parse(html_page("T", BODY)).values("body", "class") == []


def test_nothing_is_fetched_from_anywhere(every, parse) -> None:
    for name, page in every("x").items():
        parsed = parse(page)
        assert all(value.startswith("data:") for value in parsed.values("link", "href")), name
        assert not [value for _, its, value in parsed.attributes if its in ("src", "srcset", "poster")], name
        assert not re.search(r"url\(|@import", BASE_CSS), name


def test_nothing_is_styled_or_handled_in_an_attribute(every, parse) -> None:
    for name, page in every("x").items():
        assert not [its for _, its, _ in parse(page).attributes if its == "style" or its.startswith("on")], (
            name
        )


def test_answers_that_are_not_html_are_not_stored_and_not_sniffed() -> None:
    headers = dict(plain_headers("application/json", [("Retry-After", "1")]))
    assert headers["Content-Type"] == "application/json"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Retry-After"] == "1"
