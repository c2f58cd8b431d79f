"""One pass over the headers of a request: what the gate reads, what the application must not see (security rule 9).

Identity travels in the scope or the environ, never in headers; so each inbound header that an application or
another front door would take for an identity is taken off, on every path and in every spelling. Names are
compared *folded*: in lower case, with ``_`` and ``.`` as ``-``, because WSGI cannot tell ``X-Forwarded-User``
from ``X_Forwarded_User``.
"""

from __future__ import annotations

import re
from collections.abc import ItemsView, Iterable, Mapping
from enum import Enum
from typing import Final, Literal, TypeAlias, cast

import msgspec

from idaware.settings import fold_header

READ_NAMES = frozenset({
    "accept", "access-control-request-method", "authorization", "content-length", "content-type",
    "cookie", "forwarded", "host", "origin", "purpose", "sec-fetch-dest", "sec-fetch-mode",
    "sec-fetch-site", "sec-purpose", "traceparent", "upgrade", "user-agent", "x-forwarded-for",
    "x-forwarded-proto", "x-request-id", "x-requested-with",
})  # fmt: skip
"""The headers that the gate reads, by their exact names."""

ENVIRON_IDENTITY_KEYS: tuple[str, ...] = ("REMOTE_USER", "AUTH_TYPE")
"""Environ keys by which servers name a user; the WSGI adapter takes inbound ones off (rule 9)."""

MAX_HEADERS_BYTES = 65_536
"""What all headers together may weigh (security rule 12)."""


class _Mark(Enum):
    STRIP = "strip"


STRIP: Final = _Mark.STRIP
"""The verdict on a header that must not reach the application."""

Verdict: TypeAlias = "str | Literal[_Mark.STRIP] | None"
"""The name under which the gate reads a header; ``STRIP``; ``None``: neither."""

_Place: TypeAlias = "str | Literal[_Mark.STRIP] | None"
"""A ``Verdict`` on an environ key, but ``""`` for a header that nobody reads, ``None`` for no header."""

# Hostile names must not grow memory: when this many are known, further ones are judged each time anew.
_MAX_REMEMBERED = 512
_MAX_REMEMBERED_CHARACTERS = 64
_COMMON = (
    "accept-encoding", "accept-language", "access-control-request-headers", "cache-control",
    "content-encoding", "date", "dnt", "if-match", "if-modified-since", "if-none-match", "if-range",
    "if-unmodified-since", "keep-alive", "pragma", "priority", "range", "save-data", "sec-ch-ua",
    "sec-ch-ua-mobile", "sec-ch-ua-platform", "sec-fetch-user", "sec-gpc", "sec-websocket-extensions",
    "sec-websocket-key", "sec-websocket-protocol", "sec-websocket-version", "te", "tracestate",
    "transfer-encoding", "upgrade-insecure-requests", "via", "x-csrf-token", "x-csrftoken",
    "x-forwarded-host", "x-forwarded-port", "x-forwarded-prefix", "x-real-ip",
)  # fmt: skip
_CGI_HEADERS = {"CONTENT_TYPE": "content-type", "CONTENT_LENGTH": "content-length"}
_NOT_REPEATED: frozenset[str] = frozenset()
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110 section 5.6.2


class AsgiScan(msgspec.Struct, frozen=True):
    """What one pass over ASGI headers found.

    ``headers``: what the gate reads, lower-case name to value; repeated ones joined by a comma (cookies by a
    semicolon, RFC 9113 section 8.2.3) and listed in ``repeated``. ``size_bytes``: names and values of all, read or
    not. ``strip``: indexes of those that must not reach the application, ascending; empty in the normal case.
    """

    headers: dict[str, str]
    repeated: frozenset[str]
    size_bytes: int
    strip: list[int]


class WsgiScan(msgspec.Struct, frozen=True):
    """The same of a WSGI environ; ``strip`` holds environ keys.

    ``repeated`` is always empty: servers join repeated headers (or keep the last) before we see them.
    """

    headers: dict[str, str]
    repeated: frozenset[str]
    size_bytes: int
    strip: list[str]


class HeaderFilter:
    """Judges header names: compiled once, then one dictionary look-up for each header.

    ``strip``: names of headers that carry identities, any spelling, a trailing ``*`` for any rest.
    ``set_by_us``: names that the middleware itself sets (``IDAWARE_IDENTITY_HEADERS``). A header that is on
    the list and that the gate reads is read, and then stripped.
    """

    def __init__(self, strip: Iterable[str], set_by_us: Iterable[str] = ()) -> None:
        patterns = [fold_header(pattern) for pattern in (*strip, *set_by_us)]
        self._names = frozenset(pattern for pattern in patterns if not pattern.endswith("*"))
        self._prefixes = tuple({pattern[:-1] for pattern in patterns if pattern.endswith("*")})
        self._asgi: dict[bytes, Verdict] = {}
        self._wsgi: dict[str, _Place] = {}
        for name in (*sorted(READ_NAMES), *_COMMON):
            self.verdict_asgi(name.encode())
            self._place(_environ_key(name))

    def verdict_asgi(self, name: bytes) -> Verdict:
        """What becomes of an ASGI header. ``READ_NAMES`` count exactly, but for case."""
        verdict = self._judge(name.decode("latin-1").lower())
        if len(self._asgi) < _MAX_REMEMBERED and len(name) <= _MAX_REMEMBERED_CHARACTERS:
            self._asgi[name] = verdict
        return verdict

    def scan_asgi(self, headers: Iterable[tuple[bytes, bytes]]) -> AsgiScan:
        """One pass over the headers of an ASGI scope; the ordinary request never leaves this loop."""
        found: dict[str, str] = {}
        size_bytes = 0
        known = self._asgi
        try:
            for name, value in headers:
                size_bytes += len(name) + len(value)
                verdict = known[name]
                if verdict is None:
                    continue
                if verdict is STRIP or verdict in found:  # to be stripped, or repeated
                    return self._scan_asgi_closely(headers)
                found[verdict] = value.decode("latin-1")
        except KeyError:  # a name that was never seen before
            return self._scan_asgi_closely(headers)
        return AsgiScan(found, _NOT_REPEATED, size_bytes, [])

    def scan_wsgi(self, environ: Mapping[str, object]) -> WsgiScan:
        """One pass over a WSGI environ; the ordinary request never leaves this loop."""
        found: dict[str, str] = {}
        size_bytes = 0
        known = self._wsgi
        try:
            # PEP 3333: the values of header keys are native strings
            for key, value in cast("ItemsView[str, str]", environ.items()):
                place = known[key]
                if place is None:
                    continue
                size_bytes += len(key) + len(value)
                if place is STRIP:
                    return self._scan_wsgi_closely(environ)
                if place:
                    found[place] = value
        except (KeyError, TypeError):  # a key that was never seen before, or a server that breaks PEP 3333
            return self._scan_wsgi_closely(environ)
        return WsgiScan(found, _NOT_REPEATED, size_bytes, [])

    def _scan_asgi_closely(self, headers: Iterable[tuple[bytes, bytes]]) -> AsgiScan:
        found: dict[str, str] = {}
        repeated: set[str] = set()
        strip: list[int] = []
        size_bytes = 0
        for index, (name, value) in enumerate(headers):
            size_bytes += len(name) + len(value)
            verdict = self._asgi[name] if name in self._asgi else self.verdict_asgi(name)
            if verdict is STRIP:
                strip.append(index)
                verdict = _read_as(name.decode("latin-1").lower())
            if verdict in found:
                repeated.add(verdict)
                found[verdict] += ("; " if verdict == "cookie" else ", ") + value.decode("latin-1")
            elif verdict is not None:
                found[verdict] = value.decode("latin-1")
        return AsgiScan(found, frozenset(repeated), size_bytes, strip)

    def _scan_wsgi_closely(self, environ: Mapping[str, object]) -> WsgiScan:
        found: dict[str, str] = {}
        strip: list[str] = []
        size_bytes = 0
        for key, value in environ.items():
            place = self._wsgi[key] if key in self._wsgi else self._place(key)
            if place is None:
                continue
            text = value if isinstance(value, str) else ""
            size_bytes += len(key) + len(text)
            if place is STRIP:
                strip.append(key)
                place = _read_as(_header_name(key))
            if place:
                found[place] = text
        return WsgiScan(found, _NOT_REPEATED, size_bytes, strip)

    def _place(self, key: str) -> _Place:
        """What an environ key is. Non-headers are remembered too: every environ holds the same two dozen."""
        place: _Place = _CGI_HEADERS.get(key)
        if key.startswith("HTTP_"):
            place = self._judge(_header_name(key)) or ""
        if len(self._wsgi) < _MAX_REMEMBERED and len(key) <= _MAX_REMEMBERED_CHARACTERS:
            self._wsgi[key] = place
        return place

    def _judge(self, name: str) -> Verdict:
        if self._is_stripped(name):
            return STRIP  # security rule 9
        return _read_as(name)

    def _is_stripped(self, name: str) -> bool:
        if _TOKEN.fullmatch(name) is None:
            return True  # no name by RFC 9110: upper-casing ``cf-acce\xdf-*`` makes ``CF_ACCESS_*`` of it (Django)
        folded = fold_header(name)
        return folded in self._names or folded.startswith(self._prefixes)


def _read_as(name: str) -> str | None:
    return name if name in READ_NAMES else None


def _environ_key(name: str) -> str:
    key = name.upper().replace("-", "_")
    return key if key in _CGI_HEADERS else f"HTTP_{key}"


def _header_name(key: str) -> str:
    """The header of an ``HTTP_`` key; of ``HTTP_CONTENT_TYPE`` one that nobody reads: ``CONTENT_TYPE`` counts."""
    name = key.removeprefix("HTTP_")
    return name.lower() if name in _CGI_HEADERS else name.lower().replace("_", "-")
