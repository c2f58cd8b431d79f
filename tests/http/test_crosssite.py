"""Security rules 8 and 27: what another site made a browser send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idaware.http.crosssite import cross_site, websocket_origin_ok

OWN = frozenset({"https://app.example", "https://trusted.example"})


@pytest.mark.parametrize(
    ("site", "origin"),
    [
        pytest.param("cross-site", "https://evil.example", id="another site"),
        pytest.param("same-site", "https://sibling.example", id="a sibling host"),
        pytest.param("cross-site", None, id="another site without an origin"),
        pytest.param("cross-site", "null", id="another site, origin hidden"),
        pytest.param("same-origin, cross-site", None, id="repeated header"),
        pytest.param("SAME-ORIGIN", None, id="value that no browser sends"),
        pytest.param("", None, id="empty value"),
        pytest.param(None, "https://evil.example", id="old browser, foreign origin"),
        pytest.param(None, "null", id="old browser, origin null"),
        pytest.param(None, "http://app.example", id="own host over plain HTTP"),
        pytest.param(None, "https://app.example:8443", id="own host, other port"),
        pytest.param(None, "https://app.example.", id="own host with a dot"),
        pytest.param(None, "https://APP.example", id="no browser spells it so"),
        pytest.param(None, "https://app.example, https://app.example", id="repeated origin"),
        pytest.param(None, "", id="empty origin"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PROPFIND"])
def test_unsafe_request_of_another_site_is_cross_site(method, site, origin):
    assert cross_site(method, site, origin, OWN)


@pytest.mark.parametrize(
    ("site", "origin"),
    [
        pytest.param("same-origin", "https://app.example", id="our own page"),
        pytest.param("none", None, id="the person's own doing"),
        pytest.param("same-origin", None, id="our own page without an origin"),
        pytest.param("same-origin", "null", id="our own page with a strict referrer policy"),
        pytest.param("cross-site", "https://trusted.example", id="trusted origin of another site"),
        pytest.param("same-site", "https://trusted.example", id="trusted origin of the same site"),
        pytest.param(None, "https://app.example", id="old browser, own origin"),
        pytest.param(None, "https://trusted.example", id="old browser, trusted origin"),
        pytest.param(None, None, id="a program"),
    ],
)
def test_unsafe_request_of_our_own_or_a_trusted_origin_passes(site, origin):
    assert not cross_site("POST", site, origin, OWN)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_safe_request_may_come_from_anywhere(method):
    assert not cross_site(method, "cross-site", "https://evil.example", OWN)


@pytest.mark.parametrize(
    ("origin", "ok"),
    [
        ("https://app.example", True),
        ("https://trusted.example", True),
        ("https://evil.example", False),
        ("https://app.example.evil.example", False),
        ("http://app.example", False),
        ("null", False),
        ("", False),
        (None, False),
    ],
)
def test_websocket_on_a_cookie_needs_a_listed_origin(origin, ok):
    assert websocket_origin_ok(origin, OWN) is ok


@given(
    method=st.text(max_size=8), site=st.none() | st.text(max_size=12), origin=st.none() | st.text(max_size=20)
)
def test_any_header_ends_in_an_answer(method, site, origin):
    assert cross_site(method, site, origin, OWN) in (True, False)
