"""Security rule 7: which methods are acceptable, and what is a WebSocket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idaware.http.methods import KNOWN_METHODS, WEBSOCKET, check_method, is_websocket_upgrade
from idaware.reasons import Reason


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "M-SEARCH", "X"]
)
def test_method_in_upper_case_is_acceptable(method):
    assert check_method(method) is None


@pytest.mark.parametrize(
    "method",
    [
        pytest.param("get", id="lower case"),
        pytest.param("Post", id="mixed case"),
        pytest.param("TRACE", id="trace"),
        pytest.param("CONNECT", id="connect"),
        pytest.param("", id="empty"),
        pytest.param("GET%2f", id="PC-229 odd token"),
        pytest.param("GET ", id="trailing blank"),
        pytest.param("GET\n", id="trailing line feed"),
        pytest.param("-GET", id="leading hyphen"),
        pytest.param("GÉT", id="not ASCII"),
        pytest.param("ſ".upper() + "ſ", id="long s"),
        pytest.param("A" * 65, id="too long"),
        pytest.param(WEBSOCKET, id="the word for a handshake, sent by a client"),
    ],
)
def test_other_method_is_refused(method):
    assert check_method(method) is Reason.METHOD_INVALID


def test_handshake_has_its_own_method_and_no_other():
    assert check_method(WEBSOCKET, "websocket") is None
    assert check_method("GET", "websocket") is Reason.METHOD_INVALID


def test_known_methods_are_acceptable():
    assert {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", WEBSOCKET} == KNOWN_METHODS
    assert all(check_method(method) is None for method in KNOWN_METHODS - {WEBSOCKET})


@given(st.text(max_size=8))
def test_any_method_ends_in_a_verdict_and_upper_casing_changes_no_accepted_one(method):
    if check_method(method) is None:
        assert method == method.upper()
        assert method.isascii()


@pytest.mark.parametrize(
    ("method", "upgrade", "is_handshake"),
    [
        pytest.param("GET", "websocket", True, id="as browsers send it"),
        pytest.param("GET", "WebSocket", True, id="any case"),
        pytest.param("GET", "h2c, \twebsocket ", True, id="in a list"),
        pytest.param("GET", "h2c", False, id="another protocol"),
        pytest.param("GET", "websockets", False, id="longer word"),
        pytest.param("GET", None, False, id="no upgrade"),
        pytest.param("POST", "websocket", False, id="not a GET"),
    ],
)
def test_wsgi_handshake_is_a_get_with_an_upgrade(method, upgrade, is_handshake):
    assert is_websocket_upgrade(method, upgrade) is is_handshake
