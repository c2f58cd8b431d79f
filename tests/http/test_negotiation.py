"""Who is sent to the provider, who gets a page, who gets a document."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idaware.http.negotiation import in_frame, is_navigation, wants_html
from idaware.request import Request

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
NAVIGATION = {
    "accept": BROWSER,
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
    "sec-fetch-site": "none",
}


def a_request(method: str = "GET", protocol: str = "http", **changes: str | None) -> Request:
    headers = NAVIGATION | {name.replace("_", "-"): value for name, value in changes.items()}
    headers = {name: value for name, value in headers.items() if value is not None}
    return Request(protocol=protocol, method=method, path="/", headers=headers)


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(a_request(), id="a browser"),
        pytest.param(a_request("HEAD"), id="HEAD"),
        pytest.param(
            a_request(sec_fetch_mode=None, sec_fetch_dest=None), id="plain HTTP: no Sec-Fetch headers"
        ),
        pytest.param(a_request(authorization="Basic x"), id="browser with old credentials"),
        pytest.param(a_request(sec_fetch_site="cross-site"), id="a link from elsewhere"),
    ],
)
def test_top_level_navigation_may_be_sent_to_the_provider(request_):
    assert is_navigation(request_)
    assert not in_frame(request_)


NOT_LOADING = [
    pytest.param({"method": "POST"}, id="POST"),
    pytest.param({"method": "WEBSOCKET", "protocol": "websocket"}, id="WebSocket"),
    pytest.param({"protocol": "websocket"}, id="WebSocket under another method"),
    pytest.param({"sec_fetch_mode": "cors"}, id="fetch"),
    pytest.param({"sec_fetch_mode": "navigate, navigate"}, id="repeated mode"),
    pytest.param({"sec_purpose": "prefetch"}, id="prefetch"),
    pytest.param({"sec_purpose": "Prefetch;prerender"}, id="prerender"),
    pytest.param({"purpose": "prefetch"}, id="prefetch of older browsers"),
    pytest.param({"x_requested_with": "XMLHttpRequest"}, id="XMLHttpRequest"),
    pytest.param({"x_requested_with": ""}, id="X-Requested-With without a value"),
    pytest.param({"authorization": "bearer x"}, id="bearer"),
    pytest.param({"authorization": "Bearer"}, id="bearer without a token"),
    pytest.param({"accept": None}, id="no Accept"),
    pytest.param({"accept": "*/*"}, id="a program's Accept"),
    pytest.param({"accept": "application/json"}, id="JSON wanted"),
]


@pytest.mark.parametrize(
    "changes", [*NOT_LOADING, pytest.param({"sec_fetch_dest": "empty"}, id="fetch without mode")]
)
def test_anything_else_is_not_sent_to_the_provider(changes):
    assert not is_navigation(a_request(**changes))


@pytest.mark.parametrize("dest", ["iframe", "frame", "fencedframe", "embed", "object"])
def test_page_of_a_frame_gets_a_link_instead(dest):
    framed = a_request(sec_fetch_dest=dest)
    assert in_frame(framed)
    assert not is_navigation(framed)


@pytest.mark.parametrize("changes", NOT_LOADING)
def test_frame_counts_only_when_it_loads_a_page(changes):
    assert not in_frame(a_request(**({"sec_fetch_dest": "iframe"} | changes)))


def test_without_a_destination_there_is_no_frame():
    assert not in_frame(a_request(sec_fetch_dest=None))


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        pytest.param(BROWSER, True, id="browser"),
        pytest.param("TEXT/HTML", True, id="any case"),
        pytest.param("text/*", True, id="any text"),
        pytest.param("application/xhtml+xml", True, id="XHTML"),
        pytest.param("application/json", False, id="JSON"),
        pytest.param("application/problem+json", False, id="problem details"),
        pytest.param("application/*", False, id="any application type"),
        pytest.param("application/json, text/html;q=0.5", False, id="JSON rather than HTML"),
        pytest.param("application/json;q=0.5, text/html", True, id="HTML rather than JSON"),
        pytest.param("application/json, text/html", True, id="both alike"),
        pytest.param("text/html;q=0", False, id="HTML ruled out"),
        pytest.param("text/html;q=2", False, id="weight out of range"),
        pytest.param("text/html;q=nan", False, id="weight that is no number"),
        pytest.param("text/html; charset=utf-8 ; q=0.3 , x/y", True, id="parameters"),
        pytest.param("*/*", False, id="anything"),
        pytest.param("text/htmlx", False, id="another type"),
        pytest.param("", False, id="empty"),
        pytest.param(None, False, id="absent"),
        pytest.param("x/y," * 1000 + "text/html", False, id="too far behind"),
    ],
)
def test_accept_is_weighed(accept, html):
    assert wants_html(accept) is html


@given(st.text(max_size=40) | st.text(alphabet="text/html;q=0.19,jsonaplic ", max_size=40))
def test_any_accept_ends_in_an_answer(accept):
    assert wants_html(accept) in (True, False)
