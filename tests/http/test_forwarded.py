"""Security rule 11: forwarded addresses and schemes count from configured proxies only."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idaware.http.forwarded import client_of

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"), "unix")


def test_without_proxies_no_header_counts():
    headers = {
        "x-forwarded-for": "6.6.6.6",
        "x-forwarded-proto": "https",
        "forwarded": "for=6.6.6.6;proto=https",
    }
    assert client_of("10.0.0.1", "http", headers, ()) == ("10.0.0.1", "http")


@pytest.mark.parametrize("peer", ["192.0.2.1", "2001:db8::1", "testclient", "", None, "::ffff:192.0.2.1"])
def test_header_from_another_peer_does_not_count(peer):
    headers = {"x-forwarded-for": "6.6.6.6", "x-forwarded-proto": "https"}
    assert client_of(peer, "http", headers, PROXIES) == (peer, "http")


def test_socket_file_counts_only_where_it_is_configured():
    headers = {"x-forwarded-for": "192.0.2.7"}
    assert client_of("unix", "http", headers, PROXIES) == ("192.0.2.7", "http")
    assert client_of("unix", "http", headers, PROXIES[:1]) == (None, "http")
    assert client_of("unix", "http", {}, PROXIES) == (None, "http")


@pytest.mark.parametrize(
    ("forwarded_for", "client"),
    [
        pytest.param("192.0.2.7", "192.0.2.7", id="one hop"),
        pytest.param("6.6.6.6, 192.0.2.7", "192.0.2.7", id="what the client invented stays on the left"),
        pytest.param("6.6.6.6,192.0.2.7, 10.2.2.2", "192.0.2.7", id="through two proxies"),
        pytest.param("10.3.3.3, 10.2.2.2", "10.3.3.3", id="proxies only: the farthest"),
        pytest.param("6.6.6.6, unknown", "10.0.0.1", id="what is no address ends the walk"),
        pytest.param("6.6.6.6, unknown, 10.2.2.2", "10.2.2.2", id="last known hop stands"),
        pytest.param("", "10.0.0.1", id="empty"),
        pytest.param("192.0.2.7:4711", "192.0.2.7", id="IPv4 with a port"),
        pytest.param("[2001:db8::7]:4711", "2001:db8::7", id="IPv6 with a port"),
        pytest.param("[2001:db8::7]", "2001:db8::7", id="IPv6 in brackets"),
        pytest.param("2001:DB8:0::7", "2001:db8::7", id="bare IPv6"),
        pytest.param("::ffff:192.0.2.7", "192.0.2.7", id="IPv4 in IPv6 clothes"),
        pytest.param("fe80::7%<script>", "fe80::7", id="zone is dropped"),
        pytest.param(", ".join(["6.6.6.6", *["10.1.1.1"] * 40]), "10.1.1.1", id="more hops than anybody has"),
        pytest.param(" " * 100 + "6.6.6.6", "10.0.0.1", id="entry too long for an address"),
        pytest.param("x" * 5000 + ", 192.0.2.7", "192.0.2.7", id="long"),
    ],
)
def test_forwarded_for_is_read_from_the_right(forwarded_for, client):
    assert client_of("10.0.0.1", "http", {"x-forwarded-for": forwarded_for}, PROXIES) == (client, "http")


def test_peer_in_ipv6_clothes_is_the_configured_ipv4_proxy():
    assert client_of("::ffff:10.0.0.1", "http", {"x-forwarded-for": "192.0.2.7"}, PROXIES)[0] == "192.0.2.7"


@pytest.mark.parametrize(
    ("forwarded", "client", "scheme"),
    [
        pytest.param("for=192.0.2.7;proto=https", "192.0.2.7", "https", id="plain"),
        pytest.param('For="[2001:db8::7]:4711"; Proto=HTTPS', "2001:db8::7", "https", id="quoted, any case"),
        pytest.param("for=6.6.6.6, for=192.0.2.7;by=10.0.0.1", "192.0.2.7", "http", id="from the right"),
        pytest.param("for=192.0.2.7, for=10.2.2.2", "192.0.2.7", "http", id="through two proxies"),
        pytest.param("for=6.6.6.6, for=_hidden", "10.0.0.1", "http", id="hidden hop ends the walk"),
        pytest.param("for=6.6.6.6, proto=https", "10.0.0.1", "https", id="element without an address"),
        pytest.param('for="6.6.6.6, for=192.0.2.7', "192.0.2.7", "http", id="open quote"),
        pytest.param('for="";proto=""', "10.0.0.1", "http", id="empty quotes"),
        pytest.param("xfor=6.6.6.6", "10.0.0.1", "http", id="another parameter"),
        pytest.param("", "10.0.0.1", "http", id="empty"),
        pytest.param("for=6.6.6.6;" * 500, "10.0.0.1", "http", id="too long"),
    ],
)
def test_forwarded_header_is_read_where_it_is_alone(forwarded, client, scheme):
    assert client_of("10.0.0.1", "http", {"forwarded": forwarded}, PROXIES) == (client, scheme)


def test_forwarded_that_a_client_slips_past_an_x_forwarded_for_proxy_does_not_count():
    headers = {
        "x-forwarded-for": "192.0.2.7",
        "x-forwarded-proto": "https",
        "forwarded": "for=6.6.6.6;proto=http",
    }
    assert client_of("10.0.0.1", "http", headers, PROXIES) == ("192.0.2.7", "https")


@pytest.mark.parametrize(
    ("scheme", "proto", "result"),
    [
        pytest.param("http", "https", "https", id="TLS ends at the proxy"),
        pytest.param("http", "HTTPS", "https", id="any case"),
        pytest.param("https", "http", "http", id="plain at the proxy"),
        pytest.param("http", "http, https", "https", id="nearest proxy"),
        pytest.param("ws", "https", "wss", id="WebSocket"),
        pytest.param("ws", "http", "ws", id="plain WebSocket"),
        pytest.param("http", "javascript", "http", id="not a scheme"),
        pytest.param("http", "", "http", id="empty"),
        pytest.param("http", None, "http", id="absent"),
    ],
)
def test_scheme_comes_from_the_nearest_proxy(scheme, proto, result):
    headers = {} if proto is None else {"x-forwarded-proto": proto}
    assert client_of("10.0.0.1", scheme, headers, PROXIES)[1] == result


VALUES = st.text(max_size=30) | st.text(alphabet='for=",;[]:.%10 ', max_size=40)


@settings(max_examples=200)
@given(
    peer=st.sampled_from(["10.0.0.1", "unix", "192.0.2.1"]),
    headers=st.dictionaries(st.sampled_from(["x-forwarded-for", "x-forwarded-proto", "forwarded"]), VALUES),
)
def test_any_header_ends_in_an_address_and_a_scheme(peer, headers):
    client, scheme = client_of(peer, "http", headers, PROXIES)
    assert client is None or ip_address(client)
    assert scheme in ("http", "https")
