"""Whether a ``Host`` header names this application (security rule 10). URLs never come from it.

The parser is our own and strict: no user information, no percent-encoding, no lists, no numbers that a
browser would read as an address. A trailing dot is kept: ``app.example.`` is another host to browsers and
cookies, so it is unknown unless it is listed.
"""

from __future__ import annotations

import re
from enum import Enum
from ipaddress import AddressValueError, IPv4Address, IPv6Address

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(
    rf"(?:(?P<name>{_LABEL}(?:\.{_LABEL})*\.?)|\[(?P<ipv6>[0-9a-f:.]{{2,45}})\])(?P<port>:[1-9][0-9]{{0,4}})?"
)
# The WHATWG URL standard reads a host whose last label is a number as an IPv4 address: ``127.1``, ``0x7f.1``.
_ENDS_IN_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?")
_MAX_HOST_CHARACTERS = 255 + len(":65535")
_DEFAULT_PORTS = (":443", ":80")


class HostVerdict(Enum):
    """What a ``Host`` header is.

    ``OK``: one of the accepted. ``ADDRESS``: an IP address that is not (probes use them). ``UNKNOWN``: a name
    that is not (421). ``MALFORMED``: missing, repeated, or not a host (400).
    """

    OK = "ok"
    ADDRESS = "address"
    UNKNOWN = "unknown"
    MALFORMED = "malformed"


def check_host(header: str | None, repeated: bool, accepted: frozenset[str]) -> HostVerdict:
    """Compare a ``Host`` header with the accepted ``host[:port]`` values (lower-case, as ``IDAWARE_HOSTS``
    gives them).

    The port has to be the same. One exception: an accepted host without a port also stands for ``:443`` and
    ``:80``, whatever the scheme is; TLS may end in front of us, so the scheme is hearsay, and nothing is
    built from the header. An accepted host *with* a port stands for exactly that.
    """
    if header is None or repeated:
        return HostVerdict.MALFORMED
    if header in accepted:
        return HostVerdict.OK
    host = canonical_host(header)
    if host is None:
        return HostVerdict.MALFORMED
    if any(host.removesuffix(port) in accepted for port in _DEFAULT_PORTS):
        return HostVerdict.OK
    return HostVerdict.ADDRESS if _address(_without_port(host)) is not None else HostVerdict.UNKNOWN


def canonical_host(header: str) -> str | None:
    """A ``Host`` header in lower case, IPv6 in its short form, the port kept; ``None`` when it is none."""
    if len(header) > _MAX_HOST_CHARACTERS or not header.isascii():
        return None
    match = _HOST.fullmatch(header.lower())
    if match is None:
        return None
    name, ipv6, port = match.group("name", "ipv6", "port")
    if port is not None and int(port[1:]) > 65535:
        return None
    host = name if ipv6 is None else _short_ipv6(ipv6)
    if host is None or (_ENDS_IN_NUMBER.fullmatch(host) and _address(host) is None):
        return None
    return host + (port or "")


def is_loopback_host(header: str | None) -> bool:
    """Whether a ``Host`` header is this machine's: ``localhost``, a name below it, ``127.0.0.0/8``, ``[::1]``.

    Names below ``localhost`` never leave the machine (RFC 6761 section 6.3), and a base URL may have one. Any port.
    """
    host = None if header is None else canonical_host(header)
    if host is None:
        return False
    name = _without_port(host)
    return name == "localhost" or name.endswith(".localhost") or _is_local(_address(name))


def is_loopback_peer(peer: str | None) -> bool:
    """Whether the other end of the socket is on this machine: a loopback address, or ``unix``."""
    if peer is None:
        return False
    return peer == "unix" or _is_local(_address(f"[{peer}]" if ":" in peer else peer))


def _is_local(address: IPv4Address | IPv6Address | None) -> bool:
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return address is not None and address.is_loopback


def _without_port(host: str) -> str:
    return host[: host.index("]") + 1] if host.startswith("[") else host.partition(":")[0]


def _short_ipv6(text: str) -> str | None:
    address = _address(f"[{text}]")
    return None if address is None else f"[{address}]"


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return IPv6Address(host[1:-1]) if host.startswith("[") else IPv4Address(host)
    except AddressValueError:
        return None
