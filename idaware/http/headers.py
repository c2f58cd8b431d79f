"""One pass over the headers of a request: what the gate reads, what the application must not see (security
rule 9).

Identity travels in the scope or the environ, never in headers; so each inbound header that an application or
another front door would take for an identity is taken off, on every path and in every spelling. Names are
compared *folded*: in lower case, with ``_`` and ``.`` as ``-``, because WSGI cannot tell ``X-Forwarded-User``
from ``X_Forwarded_User``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Final, Literal, NamedTuple, TypeAlias

READ_NAMES = frozenset({
    "accept", "access-control-request-method", "authorization", "connection", "content-length",
    "content-type", "cookie", "expect", "forwarded", "host", "origin", "purpose", "referer",
    "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "sec-purpose", "traceparent", "upgrade",
    "user-agent", "x-forwarded-for", "x-forwarded-proto", "x-request-id", "x-requested-with",
})  # fmt: skip
"""The headers that the gate reads, by their exact names."""

DEFAULT_STRIP: tuple[str, ...] = (
    # oauth2-proxy, Traefik forward-auth, nginx auth_request, Apache, Grafana and Kubernetes conventions
    "x-forwarded-user", "x-forwarded-email", "x-forwarded-groups", "x-forwarded-preferred-username",
    "x-forwarded-access-token", "x-auth-request-*", "x-webauth-*", "x-authenticated-*", "x-user",
    "x-remote-user", "x-remote-group", "x-remote-groups", "x-remote-email", "x-remote-name",
    "x-remote-extra-*",
    # Authelia, authentik, Vouch, mod_auth_openidc, Tailscale
    "remote-user", "remote-groups", "remote-name", "remote-email", "x-authentik-*", "x-vouch-*",
    "oidc-claim-*", "oidc-access-token*", "oidc-id-token*", "tailscale-user-*",
    # clouds (Google, Cloudflare, Azure, AWS) and Pomerium
    "x-goog-authenticated-user-*", "x-goog-iap-jwt-assertion", "cf-access-*", "x-ms-client-principal*",
    "x-ms-token-*", "x-amzn-oidc-*", "x-pomerium-*",
)  # fmt: skip
"""Folded names of identity headers, default of ``IDAWARE_STRIP_HEADERS``; a trailing ``*`` is any rest."""

ENVIRON_IDENTITY_KEYS: tuple[str, ...] = ("REMOTE_USER", "AUTH_TYPE")
"""Environ keys by which servers name a user; the WSGI adapter takes inbound ones off (rule 9)."""

MAX_HEADERS_BYTES = 65_536
"""What all headers together may weigh (security rule 12)."""


class _Mark(Enum):
    STRIP = "strip"
    UNSEEN = "unseen"


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
_FOLD = str.maketrans("_.", "--")


class AsgiScan(NamedTuple):
    """What one pass over ASGI headers found.

    ``headers``: what the gate reads, lower-case name to value; repeated ones joined by a comma (cookies by a
    semicolon, RFC 9113 section 8.2.3) and listed in ``repeated``. ``size_bytes``: names and values of all,
    read or not. ``strip``: indexes of those that must not reach the application, ascending; empty in the
    normal case.
    """

    headers: dict[str, str]
    repeated: frozenset[str]
    size_bytes: int
    strip: list[int]


class WsgiScan(NamedTuple):
    """The same of a WSGI environ; ``strip`` holds environ keys.

    ``repeated`` is always empty: servers join repeated headers (or keep the last) before we see them.
    """

    headers: dict[str, str]
    repeated: frozenset[str]
    size_bytes: int
    strip: list[str]


def fold(name: str) -> str:
    """The spelling under which header names are compared: ``X_Forwarded.User`` is ``x-forwarded-user``."""
    return name.lower().translate(_FOLD)


class HeaderFilter:
    """Judges header names: compiled once, then one dictionary look-up for each header.

    ``strip``: names of headers that carry identities, any spelling, a trailing ``*`` for any rest.
    ``set_by_us``: names that the middleware itself sets (``IDAWARE_IDENTITY_HEADERS``). Raises ``ValueError``
    when they cover a header that the gate has to read.
    """

    def __init__(self, strip: Iterable[str], set_by_us: Iterable[str] = ()) -> None:
        patterns = [fold(pattern) for pattern in (*strip, *set_by_us)]
        self._names = frozenset(pattern for pattern in patterns if not pattern.endswith("*"))
        self._prefixes = tuple({pattern[:-1] for pattern in patterns if pattern.endswith("*")})
        covered = sorted(name for name in READ_NAMES if self._is_stripped(name))
        if covered:
            raise ValueError(f"headers that the middleware reads cannot be stripped: {', '.join(covered)}")
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
        known = self._asgi.get
        for name, value in headers:
            size_bytes += len(name) + len(value)
            verdict = known(name, STRIP)
            if verdict is None:
                continue
            if verdict is STRIP or verdict in found:  # to be stripped, repeated, or never seen before
                return self._scan_closely(headers)
            found[verdict] = value.decode("latin-1")
        return AsgiScan(found, _NOT_REPEATED, size_bytes, [])

    def scan_wsgi(self, environ: Mapping[str, object]) -> WsgiScan:
        """One pass over a WSGI environ."""
        found: dict[str, str] = {}
        strip: list[str] = []
        size_bytes = 0
        known = self._wsgi.get
        for key, value in environ.items():
            place = known(key, _Mark.UNSEEN)
            if place is None:
                continue
            if place is _Mark.UNSEEN:
                place = self._place(key)
                if place is None:
                    continue
            text = value if isinstance(value, str) else ""
            size_bytes += len(key) + len(text)
            if place is STRIP:
                strip.append(key)
            elif place:
                found[place] = text
        return WsgiScan(found, _NOT_REPEATED, size_bytes, strip)

    def _scan_closely(self, headers: Iterable[tuple[bytes, bytes]]) -> AsgiScan:
        found: dict[str, str] = {}
        repeated: set[str] = set()
        strip: list[int] = []
        size_bytes = 0
        for index, (name, value) in enumerate(headers):
            size_bytes += len(name) + len(value)
            verdict = self._asgi[name] if name in self._asgi else self.verdict_asgi(name)
            if verdict is STRIP:
                strip.append(index)
            elif verdict in found:
                repeated.add(verdict)
                found[verdict] += ("; " if verdict == "cookie" else ", ") + value.decode("latin-1")
            elif verdict is not None:
                found[verdict] = value.decode("latin-1")
        return AsgiScan(found, frozenset(repeated), size_bytes, strip)

    def _place(self, key: str) -> _Place:
        """What an environ key is. Non-headers are remembered too: every environ holds the same two dozen."""
        place: _Place = _CGI_HEADERS.get(key)
        if key.startswith("HTTP_"):
            name = key.removeprefix("HTTP_")
            # HTTP_CONTENT_TYPE is not the type of the content: CONTENT_TYPE is
            place = "" if name in _CGI_HEADERS else self._judge(name.lower().replace("_", "-")) or ""
        if len(self._wsgi) < _MAX_REMEMBERED and len(key) <= _MAX_REMEMBERED_CHARACTERS:
            self._wsgi[key] = place
        return place

    def _judge(self, name: str) -> Verdict:
        if self._is_stripped(name):
            return STRIP  # security rule 9
        return name if name in READ_NAMES else None

    def _is_stripped(self, name: str) -> bool:
        folded = fold(name)
        return folded in self._names or folded.startswith(self._prefixes)


def _environ_key(name: str) -> str:
    key = name.upper().replace("-", "_")
    return key if key in _CGI_HEADERS else f"HTTP_{key}"
