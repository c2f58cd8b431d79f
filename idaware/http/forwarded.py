"""Who is at the far end, when proxies stand between: only configured ones count (security rule 11).

Used for records and nothing else: network addresses are no condition of a policy, and URLs come from the base URL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from idaware.settings.web import Proxy

_Address: TypeAlias = "IPv4Address | IPv6Address"

_MAX_HOPS = 32
_MAX_HEADER_CHARACTERS = 2048
_MAX_ADDRESS_CHARACTERS = 80
_MAX_REMEMBERED = 1024
# RFC 7239 section 4: forwarded-pair = token "=" ( token / quoted-string ); brackets and colons are tolerated unquoted.
_FORWARDED_PAIR = re.compile(
    r'(?:^|;)[ \t]*(for|proto)=(?:"([^"\\]*)"|([^\s",;]*))[ \t]*(?=;|$)', re.IGNORECASE
)
_ELEMENT = re.compile(r'(?:"[^"\\]*"|[^",])+')
_WITH_PORT = re.compile(r"\[(?P<ipv6>[0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?|(?P<ipv4>[0-9.]+):[0-9]{1,5}")
_SCHEMES = {"http": {"ws": "ws"}, "https": {"ws": "wss", "wss": "wss"}}


def client_of(
    peer: str | None, scheme: str, headers: Mapping[str, str], proxies: tuple[Proxy, ...]
) -> tuple[str | None, str]:
    """The client's address and scheme, after trusted proxies: ``(client_ip, scheme)``.

    ``X-Forwarded-For`` is read from the right: the first address that is not a configured proxy is the
    client; what stands left of it is its own invention. Where an entry is no address, the last one that was
    known stands. ``Forwarded`` (RFC 7239) is read only where there is no ``X-Forwarded-For``: a proxy that
    writes one passes the other on as the client sent it. ``X-Forwarded-Proto``, else ``proto``, is taken from
    the nearest proxy. ``client_ip`` is ``None`` for a socket file without a usable header.
    """
    if not proxies or not _is_proxy(peer, proxies):  # security rule 11: the default is none
        return (None if peer == "unix" else peer), scheme
    forwarded_for, proto = headers.get("x-forwarded-for"), headers.get("x-forwarded-proto")
    elements = [] if "forwarded" not in headers else _elements(headers["forwarded"])
    hops = _hops(forwarded_for) if forwarded_for is not None else [pairs.get("for", "") for pairs in elements]
    if proto is None and elements:
        proto = elements[-1].get("proto")
    return _walk(peer, hops, proxies), _scheme(scheme, proto)


def _walk(peer: str | None, hops: list[str], proxies: tuple[Proxy, ...]) -> str | None:
    known = None if peer == "unix" else peer
    for hop in reversed(hops):
        address = _canonical(hop) if len(hop) <= _MAX_ADDRESS_CHARACTERS else None
        if address is None:
            break
        known = address
        if not _is_proxy(known, proxies):
            break
    return known


def _scheme(scheme: str, proto: str | None) -> str:
    if proto is None:
        return scheme
    nearest = proto.rpartition(",")[2].strip(" \t").lower()
    return _SCHEMES[nearest].get(scheme, nearest) if nearest in _SCHEMES else scheme


def _hops(forwarded_for: str) -> list[str]:
    return forwarded_for[-_MAX_HEADER_CHARACTERS:].rsplit(",", _MAX_HOPS)[-_MAX_HOPS:]


def _elements(forwarded: str) -> list[dict[str, str]]:
    if len(forwarded) > _MAX_HEADER_CHARACTERS:
        return []
    elements = _ELEMENT.findall(forwarded)[-_MAX_HOPS:]
    return [{m[1].lower(): m[2] or m[3] or "" for m in _FORWARDED_PAIR.finditer(text)} for text in elements]


@lru_cache(_MAX_REMEMBERED)
def _canonical(hop: str) -> str | None:
    address = _address(hop)
    return None if address is None else str(address)


@lru_cache(_MAX_REMEMBERED)
def _is_proxy(peer: str | None, proxies: tuple[Proxy, ...]) -> bool:
    if peer is None or peer == "unix":
        return peer in proxies
    address = _address(peer)
    return address is not None and any(network != "unix" and address in network for network in proxies)


def _address(text: str) -> _Address | None:
    """An address, with or without brackets and port; a zone is dropped (it may hold any text).

    IPv4 in IPv6 clothes (dual-stack sockets) is IPv4.
    """
    text = text.strip(" \t")
    match = _WITH_PORT.fullmatch(text)
    try:
        address = ip_address((text if match is None else match["ipv6"] or match["ipv4"]).partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
