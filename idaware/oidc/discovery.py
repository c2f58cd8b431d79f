"""The provider's metadata: where it is, what of it is believed (OpenID Connect Discovery 1.0).

Belongs here: reading the document. Fetching and keeping it is ``provider.py``'s business.

Discovery proves presence, never absence: logout, refresh and much else work at providers that do not
announce them. And it never widens what configuration accepts: algorithms listed here are for ``idaware
check`` to compare, no more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import urlsplit

from idaware.errors import ProviderMisbehaved
from idaware.identity import Json
from idaware.settings.web import is_loopback

MAX_URL_CHARS = 2048

_WELL_KNOWN = "/.well-known/openid-configuration"
_URL = re.compile(r"https?://[!-~]+")
_ANNOUNCED = (
    "claims_supported",
    "code_challenge_methods_supported",
    "id_token_signing_alg_values_supported",
    "response_modes_supported",
    "scopes_supported",
    "token_endpoint_auth_methods_supported",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What is used of a provider's metadata; every URL has been checked (security rule 15).

    ``iss_parameter_supported``: the provider promises ``iss`` in its responses (RFC 9207), so one without
    it is refused. ``announced``: the lists of the document by name, for ``idaware check`` alone.
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    iss_parameter_supported: bool = False
    announced: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))


def discovery_url(issuer: str) -> str:
    """Where the metadata of ``issuer`` is: one trailing slash is taken off first (Discovery 1.0 section 4)."""
    return issuer.removesuffix("/") + _WELL_KNOWN


def parse_metadata(body: Json, issuer: str) -> Metadata:
    """Read the metadata document of the configured ``issuer``.

    Raises ``ProviderMisbehaved``, with what to do, when the document is not an object, names another issuer, lacks
    an endpoint that sign-in needs, or has an endpoint that is not ``https`` (security rule 15).
    """
    if not isinstance(body, dict):
        raise ProviderMisbehaved(
            f"{discovery_url(issuer)} did not answer a JSON object; check IDAWARE_ISSUER"
        )
    _check_issuer(body.get("issuer"), issuer)
    loopback = issuer.startswith("http://") and is_loopback_url(issuer)
    return Metadata(
        issuer=issuer,
        authorization_endpoint=_required(body, "authorization_endpoint", loopback),
        token_endpoint=_required(body, "token_endpoint", loopback),
        jwks_uri=_required(body, "jwks_uri", loopback),
        userinfo_endpoint=_endpoint(body, "userinfo_endpoint", loopback),
        end_session_endpoint=_endpoint(body, "end_session_endpoint", loopback),
        iss_parameter_supported=body.get("authorization_response_iss_parameter_supported") is True,
        announced=MappingProxyType({name: _texts(body.get(name)) for name in _ANNOUNCED if name in body}),
    )


def is_loopback_url(url: str) -> bool:
    """Whether the host of ``url`` is this machine, by its spelling."""
    return is_loopback(urlsplit(url).hostname or "")


def _check_issuer(found: Json, issuer: str) -> None:
    if found == issuer:  # byte for byte: Discovery 1.0 section 4.3, security rule 15
        return
    hint = "set IDAWARE_ISSUER to exactly that if it is yours"
    if isinstance(found, str) and "{tenantid}" in found:
        hint = "this is an endpoint of many tenants: put your tenant's id into IDAWARE_ISSUER"
    raise ProviderMisbehaved(f"the metadata of {issuer!r} names the issuer {str(found)[:200]!r}; {hint}")


def _required(body: Mapping[str, Json], name: str, loopback: bool) -> str:
    url = _endpoint(body, name, loopback)
    if url is None:
        raise ProviderMisbehaved(
            f"the provider's metadata has no {name}; is IDAWARE_ISSUER an OpenID provider?"
        )
    return url


def _endpoint(body: Mapping[str, Json], name: str, loopback: bool) -> str | None:
    url = body.get(name)
    if url is None or url == "":
        return None
    if not isinstance(url, str) or not _is_clean_url(url):
        raise ProviderMisbehaved(
            f"the provider's metadata has a {name} that is no usable URL: {str(url)[:200]!r}"
        )
    if not url.startswith("https://") and not (loopback and is_loopback_url(url)):
        raise ProviderMisbehaved(f"the provider's metadata has a {name} without https: {url[:200]!r}")
    return url


def _is_clean_url(url: str) -> bool:
    """Absolute, printable, with a host, without user, fragment or backslash. An empty segment (``//``) is fine."""
    if len(url) > MAX_URL_CHARS or not _URL.fullmatch(url) or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return bool(parts.hostname) and port != 0 and "@" not in parts.netloc and "#" not in url


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()
