"""Kinds of values that are about the web: addresses, hosts, paths, cookies, headers, networks, sinks.

Strict on purpose: an address that two parsers may read in two ways is refused here, at the start.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from idaware.settings.kinds import Kind, MalformedError, NotYetError, list_of, pairs_of, show, text_of

Proxy: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network | Literal['unix']"
"""A network whose members' forwarded headers count, or ``unix`` for whoever connects over a socket file."""

_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[a-z0-9._~!$&'()*+,;=:@%/-]*)?",
    re.ASCII | re.IGNORECASE,
)
_HOST_AND_PORT: Final = re.compile(
    r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?", re.ASCII | re.IGNORECASE
)
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?", re.ASCII)
_CLEAN_PATH: Final = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)+", re.ASCII)
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", re.ASCII)  # RFC 9110 section 5.6.2
_PLACEHOLDER: Final = re.compile(r"\{([^{}]*)\}")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}

PLACEHOLDERS: Final = ("subject", "principal", "email", "name", "user", "groups")
"""What an identity header may be made of."""

OWN_LOGIN_PARAMS: Final = frozenset(
    (
        *("response_type", "response_mode", "client_id", "redirect_uri", "scope", "state", "nonce"),
        *("code_challenge", "code_challenge_method", "prompt", "max_age", "acr_values", "login_hint"),
        *("id_token_hint", "request", "request_uri", "client_secret", "client_assertion"),
        *("client_assertion_type", "code", "iss"),
    )
)
"""Parameters of the authorization request that the login itself sets (OpenID Connect Core 3.1.2.1)."""

_UNTOUCHABLE: Final = frozenset(
    (
        *("host", "cookie", "authorization", "connection", "upgrade", "te", "trailer", "transfer-encoding"),
        *("content-length", "content-type", "content-encoding", "expect", "origin", "accept", "date"),
    )
)


@dataclass(frozen=True, slots=True)
class Address:
    """An http(s) address taken apart; ``host`` in lower case, ``port`` unless it is the scheme's own."""

    scheme: str
    host: str
    port: int | None
    path: str

    @property
    def netloc(self) -> str:
        """Host and port as in a ``Host`` header."""
        return self.host if self.port is None else f"{self.host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port (RFC 6454)."""
        return f"{self.scheme}://{self.netloc}"

    @property
    def loopback(self) -> bool:
        """Whether the address never leaves the machine (RFC 6761 section 6.3 for names)."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether ``host`` (in lower case) is ``localhost``, a name below it, or a loopback address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _checked_host(host: str) -> str:
    host = host.lower()
    numeric = host.startswith("[") or host.rpartition(".")[2].isdigit()
    try:
        if numeric:
            return _address(host)
    except ValueError:
        raise MalformedError(f"{show(host)} is no address") from None
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        raise MalformedError(f"{show(host)} is no host name")
    return host


def _address(host: str) -> str:
    if host.startswith("["):
        return f"[{ipaddress.IPv6Address(host[1:-1])}]"
    return str(ipaddress.IPv4Address(host))


def _checked_port(port: str | None) -> int | None:
    if port is None:
        return None
    if not 1 <= int(port) <= 65_535:
        raise MalformedError(f"{port} is no port")
    return int(port)


def parse_address(text: str) -> Address:
    """Take an http(s) address apart; one with credentials, query or fragment is a ``MalformedError``."""
    match = _URL.fullmatch(text)
    if match is None:
        raise MalformedError(_why_no_address(text))
    scheme = match["scheme"].lower()
    port = _checked_port(match["port"])
    kept_port = None if port == _DEFAULT_PORTS[scheme] else port
    return Address(scheme, _checked_host(match["host"]), kept_port, match["path"] or "")


def _why_no_address(text: str) -> str:
    if not re.match(r"https?://", text, re.IGNORECASE):
        return "it does not begin with https://"
    for sign, hint in (("?", "it has a query"), ("#", "it has a fragment"), ("@", "it has credentials")):
        if sign in text:
            return hint
    return ""


def _secure_address(text: str) -> Address:
    address = parse_address(text)
    if address.scheme == "http" and not address.loopback:
        raise MalformedError("plain http is for loopback hosts only")  # security rule 15
    return address


def _clean_path(path: str) -> str:
    if _CLEAN_PATH.fullmatch(path) is None:
        raise MalformedError("its path must be made of clean segments: letters, digits, `.`, `_`, `~`, `-`")
    return path


def _kind(expected: str, parse: Callable[[str], object], nothing: object = None) -> Kind:
    return Kind(expected=expected, read=lambda raw: parse(text_of(raw)), nothing=nothing)


def _issuer(text: str) -> str:
    _secure_address(text)
    return text  # security rule 15: compared byte for byte with what discovery says


ISSUER: Final = _kind("an https address without query (http on loopback)", _issuer)


def _base_url(text: str) -> str:
    address = _secure_address(text)
    path = address.path.rstrip("/")
    return address.origin + (_clean_path(path) if path else "")


BASE_URL: Final = _kind("an https address without query (http on loopback)", _base_url)


def _path(text: str) -> str:
    if not text.startswith("/"):
        raise MalformedError("it does not begin with /")
    if text.endswith("/"):
        raise MalformedError("it ends with /")
    return _clean_path(text)


PREFIX: Final = _kind("a path that begins with `/` and does not end with it", _path)
ROOT_PATH: Final = _kind("a path that begins with `/` and does not end with it", _path, nothing="")


def _host(text: str) -> str:
    match = _HOST_AND_PORT.fullmatch(text)
    if match is None:
        raise MalformedError(
            f"{show(text)} is neither a host nor host:port (international names in their xn-- form)"
        )
    port = _checked_port(match["port"])
    host = _checked_host(match["host"])
    return host if port in (None, *_DEFAULT_PORTS.values()) else f"{host}:{port}"


HOSTS: Final = list_of("host names, each with its port where it is not 80 or 443", _host)


def _origin(text: str) -> str:
    address = _secure_address(text)
    if address.path:
        raise MalformedError(f"{show(text)} has a path; an origin has none")
    return address.origin


ORIGINS: Final = list_of("origins such as `https://tools.corp.example`", _origin)


def _landing(text: str) -> str:
    if text.startswith("/"):
        return text if text == "/" else _path(text)
    _secure_address(text)
    return text


LANDING: Final = _kind("a path on this host, or an https address without query", _landing)

_LINK: Final = re.compile(
    r"https?://[^/?#@\s\\\"'<>]+(?:[/?#][^\s\\\"'<>]*)?|mailto:[^\s\\\"'<>]+", re.IGNORECASE
)


def _link(text: str) -> str:
    if _LINK.fullmatch(text) is None:  # no javascript: on a page of ours
        raise MalformedError("")
    return text


LINK: Final = _kind("an https, http or mailto address", _link)


def _cookie_name(text: str) -> str:
    if _TOKEN.fullmatch(text) is None or len(text) > 64:
        raise MalformedError("")
    return text


COOKIE_NAME: Final = _kind('a cookie name of 64 characters at most, no spaces or `=;,"`', _cookie_name)


def fold_header(name: str) -> str:
    """One spelling for what servers take for the same header (security rule 9): ``X_Id.A`` is ``x-id-a``."""
    return name.lower().replace("_", "-").replace(".", "-")


STRIPPED_BY_DEFAULT: Final = tuple(
    fold_header(name)
    for name in (
        *("X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username"),
        *("X-Forwarded-Access-Token", "X-Forwarded-Id-Token", "X-Auth-Request-*", "X-WEBAUTH-*"),
        *("X-Remote-User", "X-Remote-Email", "X-Remote-Name", "X-Remote-Group*", "X-Remote-Extra-*"),
        *("Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups"),
        *("X-Goog-Authenticated-User-*", "X-Goog-Iap-*", "X-Pomerium-*", "Cf-Access-*"),
        *("X-MS-CLIENT-PRINCIPAL*", "X-MS-TOKEN-*", "X-Amzn-Oidc-*", "X-Authentik-*", "X-Vouch-*"),
        *("X-Authenticated-*", "X-Consumer-*", "X-Credential-*", "X-Userinfo", "OIDC-*"),
        *("Tailscale-User-*", "Teleport-Jwt-Assertion", "X-Idaware-*"),
    )
)
"""What identity-aware front doors call the headers that applications believe."""


def _covers_untouchable(folded: str) -> bool:
    if folded.endswith("*"):
        return any(name.startswith(folded[:-1]) for name in _UNTOUCHABLE)
    return folded in _UNTOUCHABLE


def _strip_pattern(text: str) -> Iterable[str]:
    if text == "default":
        return STRIPPED_BY_DEFAULT
    name = text.removesuffix("*")
    if _TOKEN.fullmatch(name) is None or "*" in name:
        raise MalformedError(f"{show(text)} is no header name (with `*` at its end at most)")
    if text.lower() in (
        "none",
        "off",
        "false",
    ):  # it would be the name of a header, and take none of the others off
        raise MalformedError(f"{show(text)} is no header that anybody sends")
    if _covers_untouchable(fold_header(text)):
        raise MalformedError(f"{show(text)} would take away what HTTP itself needs")
    return (fold_header(text),)


def _read_strip(raw: object) -> tuple[str, ...]:
    patterns = list_of("", _strip_pattern).read(raw)
    assert isinstance(patterns, tuple)
    return tuple(dict.fromkeys(name for group in patterns for name in group))


STRIP: Final = Kind(
    expected="a comma list of header names, `*` at the end for all that begin so, or `default`",
    read=_read_strip,
    nothing=(),
)


def _identity_header(name: str, template: str) -> tuple[str, str]:
    if _TOKEN.fullmatch(name) is None or _covers_untouchable(fold_header(name)):
        raise MalformedError(f"{show(name)} is no name for an identity header")
    used = _PLACEHOLDER.findall(template)
    rest = _PLACEHOLDER.sub("", template)
    if not used or not rest.isascii() or "{" in rest or "}" in rest or not set(used) <= set(PLACEHOLDERS):
        raise MalformedError(f"{show(template)} is not made of {', '.join(f'{{{p}}}' for p in PLACEHOLDERS)}")
    return name, template


IDENTITY_HEADERS: Final = pairs_of(
    "a comma list of `Name={email}`; also {subject}, {principal}, {name}, {user}, {groups}",
    _identity_header,
    fold_header,
)


def _login_param(name: str, value: str) -> tuple[str, str]:
    if name.lower() in OWN_LOGIN_PARAMS:
        raise MalformedError(f"{show(name)} is set by the login itself")
    if not re.fullmatch(r"[A-Za-z0-9._:-]+", name, re.ASCII) or not value:
        raise MalformedError(f"{show(name)} is no parameter with a value")
    return name, value


LOGIN_PARAMS: Final = pairs_of("a comma list of `parameter=value`", _login_param)


def _proxy(text: str) -> Proxy:
    if text == "unix":
        return "unix"
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise MalformedError(_why_no_network(text)) from None


def _why_no_network(text: str) -> str:
    try:
        return f"{show(text)} has host bits set; did you mean '{ipaddress.ip_network(text, strict=False)}'?"
    except ValueError:
        return f"{show(text)} is neither a network nor `unix`"


PROXIES: Final = list_of("networks such as `10.0.0.0/8`, and `unix`", _proxy)

_SINKS_LATER: Final = ("syslog:", "https:", "logger:", "otlp")


def _sink(text: str) -> str:
    if text.startswith(_SINKS_LATER):
        raise NotYetError(f"a sink `{next(sink for sink in _SINKS_LATER if text.startswith(sink))}`")
    if text == "stdout" or re.fullmatch(r"file:/[^/].*", text):
        return text
    raise MalformedError("")


_SINK_LIST: Final = list_of("`stdout` and `file:/absolute/path`", _sink)
SINKS: Final = Kind(
    expected=_SINK_LIST.expected,
    read=_SINK_LIST.read,
    nothing=(),
    discreet=True,  # an address may hold a password or a token
    later=_SINKS_LATER,
)


_STORES_LATER: Final = ("sqlite:", "redis:", "rediss:", "memory")


def _store(text: str) -> str:
    if text == "cookie":
        return text
    if text.startswith(_STORES_LATER):
        raise NotYetError(f"a store `{next(store for store in _STORES_LATER if text.startswith(store))}`")
    raise MalformedError("")


STORE: Final = Kind(
    expected="`cookie`",
    read=lambda raw: _store(text_of(raw)),
    discreet=True,
    later=_STORES_LATER,
)


def _alg(text: str) -> str:
    if text.lower() == "none" or text.upper().startswith("HS"):
        # security rule 16: a token without a signature, or signed with what every client knows
        raise MalformedError(f"{show(text)} is never accepted")
    if text not in SIGNING_ALGS:
        raise MalformedError(f"{show(text)} is none of them")
    return text


SIGNING_ALGS: Final = (
    *(f"{family}{size}" for family in ("RS", "PS", "ES") for size in (256, 384, 512)),
    "EdDSA",
)
"""Signature algorithms of ID tokens that may be allowed (RFC 7518 section 3.1, RFC 8037 section 3.1)."""

ALGS: Final = list_of(f"algorithms out of {', '.join(f'`{alg}`' for alg in SIGNING_ALGS)}", _alg)
