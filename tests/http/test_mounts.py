"""Security rules 1 and 3: the decided path is what the router routes on; the mount is the configured one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette._utils import get_route_path
from starlette.routing import Match, Mount

from idaware.http.mounts import split_asgi, split_wsgi
from idaware.http.paths import check_path


@pytest.mark.parametrize(
    ("path", "root_path", "app_root_path", "expected", "split"),
    [
        pytest.param("/a", "", None, "", ("/a", "", True), id="no mount"),
        pytest.param("", "", None, "", ("", "", True), id="empty path stays empty"),
        pytest.param("/app/a", "/app", None, "/app", ("/a", "/app", True), id="configured prefix"),
        pytest.param("/app/", "/app", None, "/app", ("/", "/app", True), id="root of the mount"),
        pytest.param("/app", "/app", None, "/app", ("/", "/app", True), id="bare mount is its root"),
        pytest.param(
            "/app//a", "/app", None, "/app", ("//a", "/app", True), id="double slash is left to check_path"
        ),
        pytest.param("/in/a", "/in", "", "", ("/a", "/in", True), id="in-process mount"),
        pytest.param(
            "/app/in/a", "/app/in", "/app", "/app", ("/a", "/app/in", True), id="in-process mount below"
        ),
        pytest.param("/app/a", "/app", "/app", "/app", ("/a", "/app", True), id="mounted at the root"),
        pytest.param("/a", "", "", "", ("/a", "", True), id="mounted at the empty path"),
    ],
)
def test_asgi_path_is_what_the_inner_router_sees(path, root_path, app_root_path, expected, split):
    assert split_asgi(path, root_path, app_root_path, expected) == split


@pytest.mark.parametrize(
    ("path", "root_path", "app_root_path", "expected"),
    [
        pytest.param("/open/admin", "/open", None, "", id="PC-203 root path from a header"),
        pytest.param("/open/admin", "/open", "", "/app", id="other prefix below a mount"),
        pytest.param("/admin", "", None, "/app", id="prefix missing"),
        pytest.param("/admin", "", "", "/app", id="prefix missing below a mount"),
        pytest.param("/admin", "/app", None, "/app", id="PC-216 path outside the prefix"),
        pytest.param("/appadmin", "/app", None, "/app", id="PC-220 glued to the prefix"),
        pytest.param("/app/a", "/app/", None, "/app", id="prefix with a trailing slash"),
        pytest.param("/open/in/a", "/open/in", "/open", "", id="header prefix around an in-process mount"),
        pytest.param("/in/a", "/in", "/app", "/app", id="root path that is not below the server's"),
        pytest.param("/app", "/", None, "", id="a slash for a prefix"),
        pytest.param("/a//b/c", "/a//b", "", "", id="ambiguous in-process mount"),
        pytest.param("/a/../b", "/a/..", "", "", id="dot segments in an in-process mount"),
        pytest.param("/a", "", "/app", "", id="server prefix that vanished"),
    ],
)
def test_asgi_mount_that_is_not_the_configured_one_is_not_ok(path, root_path, app_root_path, expected):
    assert split_asgi(path, root_path, app_root_path, expected) == (path, root_path, False)


TEXT = st.lists(st.sampled_from(["/", "/app", "app", "/in", "a", "", "é", "."]), max_size=5).map("".join)


@settings(max_examples=200)
@given(path=TEXT, root_path=TEXT, app_root_path=st.none() | TEXT, expected=TEXT)
def test_accepted_asgi_path_agrees_with_starlette(path, root_path, app_root_path, expected):
    inner, mount, ok = split_asgi(path, root_path, app_root_path, expected)
    if ok:
        routed = get_route_path({"type": "http", "path": path, "root_path": root_path})
        assert inner == routed or (inner == "/" and routed == "" and mount)


@pytest.mark.parametrize("outer", ["", "/app"], ids=["at the root", "below a server's prefix"])
def test_scope_of_a_starlette_mount_is_split_where_starlette_splits_it(outer):
    scope = {"type": "http", "path": f"{outer}/in/a", "root_path": outer}
    match, child = Mount("/in", app=lambda *_: None).matches(scope)
    assert match is Match.FULL
    scope.update(child)
    assert split_asgi(scope["path"], scope["root_path"], scope["app_root_path"], outer) == (
        "/a",
        f"{outer}/in",
        True,
    )


@pytest.mark.parametrize(
    ("path_info", "script_name", "expected", "split"),
    [
        pytest.param("/a", "", "", ("/a", "", True), id="no mount"),
        pytest.param("", "", "", ("", "", True), id="empty path without a mount stays empty"),
        pytest.param("", "/app", "/app", ("/", "/app", True), id="bare mount is its root"),
        pytest.param("/a", "/app", "/app", ("/a", "/app", True), id="configured prefix"),
        pytest.param("/Ã©", "/Ã¼", "/ü", ("/é", "/ü", True), id="UTF-8 in the clothes of Latin-1"),
        pytest.param("/a", "/open", "", ("/a", "/open", False), id="script name from a header"),
        pytest.param("/a", "", "/app", ("/a", "", False), id="prefix missing"),
        pytest.param("/a", "/app/", "/app", ("/a", "/app/", False), id="prefix with a trailing slash"),
        pytest.param("/admin/users", "/app", "/app", ("/admin/users", "/app", True), id="PC-210 cut blindly"),
    ],
)
def test_wsgi_path_is_the_path_info(path_info, script_name, expected, split):
    assert split_wsgi(path_info, script_name, expected) == split


@pytest.mark.parametrize(
    "path_info",
    [
        pytest.param("/a\xff", id="not UTF-8"),
        pytest.param("/\xc0\xafadmin", id="overlong slash"),
        pytest.param("/a\xc3", id="cut short"),
        pytest.param("/a\xed\xa0\x80", id="surrogate"),
        pytest.param("/日本", id="a server that hands over characters instead of bytes"),
        pytest.param("/a\ud800", id="lone surrogate"),
        pytest.param("", id="empty"),
    ],
)
def test_wsgi_path_that_cannot_be_decoded_is_refused(path_info):
    path, _, _ = split_wsgi(path_info, "", "")
    assert check_path(path, None) is not None


@given(path_info=st.text(max_size=20), script_name=st.text(max_size=10))
def test_any_wsgi_path_splits(path_info, script_name):
    path, mount, ok = split_wsgi(path_info, script_name, "/app")
    assert ok is (mount == "/app")
    assert isinstance((path + mount).encode("utf-8"), bytes), "records can hold it"
