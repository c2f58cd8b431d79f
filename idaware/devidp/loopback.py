"""Loopback only: what may be bound, be an issuer, be a redirect target, be a ``Host``, and what is refused.

The development provider signs anybody in as anybody. It must never be reachable from another machine, nor hand a
code to one, nor answer a page that a foreign name points at 127.0.0.1 (DNS rebinding). Pure functions and no more.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from idaware.errors import ConfigurationError, Problem

_LOCALHOST: Final = re.compile(r"(?:[a-z0-9-]+\.)*localhost", re.ASCII)
_URL_CHARACTERS: Final = re.compile(r"[\x21-\x5b\x5d-\x7e]+")
"""Printable ASCII without the backslash, which browsers read as ``/`` and ``urlsplit`` does not."""

_PROXY_HEADERS: Final = (
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
    "via",
)


def is_loopback_name(host: str) -> bool:
    """Whether ``host`` (no port, no brackets) is ``localhost``, a name below it (RFC 6761) or 127.0.0.0/8, ``::1``."""
    if _LOCALHOST.fullmatch(host.lower()):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address in ipaddress.ip_network("127.0.0.0/8") or address == ipaddress.ip_address("::1")


def is_loopback_url(url: str) -> bool:
    """Whether ``url`` is an absolute http(s) URL on loopback, without user information or fragment."""
    if not _URL_CHARACTERS.fullmatch(url) or "#" in url:
        return False
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or not port_is_valid:
        return False
    return is_loopback_name(parts.hostname or "")


def is_loopback_host_header(value: str) -> bool:
    """Whether a ``Host`` header names loopback, with or without a port."""
    return "/" not in value and "?" not in value and is_loopback_url(f"http://{value}/")


def refusal_of(headers: list[tuple[bytes, bytes]], peer: str | None) -> str | None:
    """Why a request is not one from this machine, or ``None`` when it is.

    Exactly one ``Host``, and it is loopback (DNS rebinding); no trace of a proxy, since that is how others
    would get in; and a peer address, where the server knows one, on loopback.
    """
    hosts = [value for name, value in headers if name.lower() == b"host"]
    if len(hosts) != 1 or not is_loopback_host_header(hosts[0].decode("latin-1")):
        return "the Host header does not name this machine (localhost, 127.0.0.1 or [::1])"
    if any(name.lower().decode("latin-1") in _PROXY_HEADERS for name, _ in headers):
        return "the request came through a proxy"
    if peer is not None and _is_foreign_address(peer):
        return "the request came from another machine"
    return None


def _is_foreign_address(peer: str) -> bool:
    try:
        ipaddress.ip_address(peer)
    except ValueError:  # a test client's made-up name, a socket file
        return False
    return not is_loopback_name(peer)


def check_issuer(issuer: str) -> None:
    """Raise ``ConfigurationError`` unless ``issuer`` is a loopback URL without query (OIDC Discovery section 3)."""
    if not is_loopback_url(issuer) or "?" in issuer:
        raise ConfigurationError(
            [
                Problem(
                    "issuer",
                    f"{issuer!r} is not an issuer for the development provider, which lets anybody sign in "
                    "as anybody; give a URL on this machine, for example http://localhost:9000",
                )
            ]
        )


def check_bind_address(host: str) -> None:
    """Raise ``ConfigurationError`` unless ``host`` is an address that only this machine reaches."""
    if not is_loopback_name(host):
        raise ConfigurationError(
            [
                Problem(
                    "host",
                    f"{host!r} can be reached from other machines, and the development provider lets anybody "
                    "sign in as anybody; use localhost, 127.0.0.1 or ::1",
                )
            ]
        )
