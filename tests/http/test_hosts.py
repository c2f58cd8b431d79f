"""Security rule 10: which ``Host`` headers name this application."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idaware.http.hosts import HostVerdict, canonical_host, check_host, is_loopback_host, is_loopback_peer

ACCEPTED = frozenset(
    {"app.example", "app.example:8443", "10.1.2.3", "[2001:db8::1]", "pinned.example:443", "odd_name"}
)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("app.example", id="exact"),
        pytest.param("APP.Example", id="any case"),
        pytest.param("app.example:443", id="default port of https"),
        pytest.param("app.example:80", id="default port of http"),
        pytest.param("app.example:8443", id="listed port"),
        pytest.param("10.1.2.3", id="listed address"),
        pytest.param("10.1.2.3:80", id="listed address with a default port"),
        pytest.param("[2001:DB8:0::1]", id="listed IPv6 address in another spelling"),
        pytest.param("[2001:db8::1]:443", id="listed IPv6 address with a default port"),
        pytest.param("pinned.example:443", id="pinned port"),
        pytest.param("PINNED.example:443", id="pinned port, any case"),
        pytest.param("odd_name", id="underscore"),
    ],
)
def test_accepted_host_is_ok(header):
    assert check_host(header, False, ACCEPTED) is HostVerdict.OK


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("evil.example", id="another name"),
        pytest.param("app.example.", id="trailing dot"),
        pytest.param("app.example:8080", id="another port"),
        pytest.param("app.example:4430", id="port that begins like a default one"),
        pytest.param("pinned.example", id="pinned port left out"),
        pytest.param("pinned.example:80", id="pinned port replaced"),
        pytest.param("xapp.example", id="glued prefix"),
        pytest.param("app.example.evil", id="suffix"),
        pytest.param("localhost", id="localhost"),
        pytest.param("app.example:65535", id="last port"),
        pytest.param("1a.2b", id="label that begins with a digit"),
    ],
)
def test_another_name_is_unknown(header):
    assert check_host(header, False, ACCEPTED) is HostVerdict.UNKNOWN


@pytest.mark.parametrize(
    "header", ["10.9.9.9", "10.9.9.9:8000", "127.0.0.1", "[::1]", "[::1]:8000", "[::ffff:10.0.0.1]"]
)
def test_another_address_is_an_address(header):
    assert check_host(header, False, ACCEPTED) is HostVerdict.ADDRESS


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="missing"),
        pytest.param("", id="empty"),
        pytest.param("app.example, app.example", id="joined by a server"),
        pytest.param("app.example,evil.example", id="PC-255 two hosts joined"),
        pytest.param("user@app.example", id="user information"),
        pytest.param("evil.example/app.example", id="path"),
        pytest.param("app.example?x", id="query"),
        pytest.param("app.example#x", id="fragment"),
        pytest.param("http://app.example", id="URL"),
        pytest.param(" app.example", id="blank before"),
        pytest.param("app.example\n", id="line feed after"),
        pytest.param("app.example\x00", id="NUL"),
        pytest.param("app%2eexample", id="percent-encoding"),
        pytest.param("аpp.example", id="Cyrillic letter"),
        pytest.param("app。example", id="ideographic stop"),
        pytest.param("\u212a.example", id="Kelvin sign, a k in lower case"),
        pytest.param(".app.example", id="leading dot"),
        pytest.param("app..example", id="empty label"),
        pytest.param("-app.example", id="leading hyphen"),
        pytest.param("app-.example", id="trailing hyphen in a label"),
        pytest.param("a" * 64 + ".example", id="long label"),
        pytest.param(".".join(["a" * 60] * 5), id="long name"),
        pytest.param("app.example:", id="empty port"),
        pytest.param("app.example:0", id="port zero"),
        pytest.param("app.example:0443", id="port with a leading zero"),
        pytest.param("app.example:65536", id="port out of range"),
        pytest.param("app.example:443:443", id="two ports"),
        pytest.param("app.example:x", id="port that is no number"),
        pytest.param("2001:db8::1", id="IPv6 without brackets"),
        pytest.param("[2001:db8::1", id="open bracket"),
        pytest.param("[2001:db8:::1]", id="not an IPv6 address"),
        pytest.param("[fe80::1%25eth0]", id="zone"),
        pytest.param("[v1.x]", id="address of the future"),
        pytest.param("[]", id="empty brackets"),
        pytest.param("256.1.1.1", id="number out of range"),
        pytest.param("127.1", id="short IPv4"),
        pytest.param("0x7f.1", id="hexadecimal and short"),
        pytest.param("app.0x7f000001", id="ends in a hexadecimal number"),
        pytest.param("2130706433", id="IPv4 as one number"),
        pytest.param("127.0.0.1.", id="address with a trailing dot"),
        pytest.param("010.1.2.3", id="octal"),
    ],
)
def test_what_is_not_a_host_is_malformed(header):
    assert check_host(header, False, ACCEPTED) is HostVerdict.MALFORMED


def test_repeated_host_is_malformed_even_when_accepted():
    assert check_host("app.example", True, ACCEPTED) is HostVerdict.MALFORMED


def test_canonical_host_keeps_the_port_and_shortens_ipv6():
    assert canonical_host("[2001:DB8:0:0::1]:8000") == "[2001:db8::1]:8000"


@settings(max_examples=200)
@given(st.text(max_size=20) | st.text(alphabet="aA1.:[]-@%x0", max_size=20))
def test_any_host_ends_in_a_verdict(header):
    assert check_host(header, False, ACCEPTED) in HostVerdict
    canonical = canonical_host(header)
    assert canonical is None or canonical_host(canonical) == canonical


@pytest.mark.parametrize(
    "header",
    ["localhost", "LOCALHOST:8000", "tool.localhost:8000", "127.0.0.1", "127.8.9.10:80", "[::1]:8000"],
)
def test_loopback_host_is_this_machine(header):
    assert is_loopback_host(header)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "unix",
        "::1",
        "10.0.0.1",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.1",
        "[::2]",
    ],
)
def test_host_that_only_looks_like_this_machine_is_not(header):
    assert not is_loopback_host(header)


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "unix"])
def test_loopback_peer_is_this_machine(peer):
    assert is_loopback_peer(peer)


@pytest.mark.parametrize(
    "peer",
    [
        None,
        "",
        "localhost",
        "testclient",
        "10.0.0.1",
        "::ffff:10.0.0.1",
        "2001:db8::1",
        "127.1",
        "127.0.0.1:80",
    ],
)
def test_other_peer_is_not_this_machine(peer):
    assert not is_loopback_peer(peer)
