"""Who may ask the development provider to sign people in: applications, registered or waved through."""

from __future__ import annotations

import hmac
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from idaware.devidp import yamlfile
from idaware.devidp.loopback import is_loopback_url
from idaware.errors import ConfigurationError, Problem
from idaware.identity import Json

DEFAULT_SECRET: Final = "dev-secret"  # noqa: S105 - published on purpose: the provider is on loopback only
"""The secret of every client that was not registered."""

AUTH_METHODS: Final = ("client_secret_basic", "client_secret_post", "private_key_jwt", "none")
"""How a client may authenticate (OIDC Core section 9)."""

SCOPES: Final = ("openid", "profile", "email", "groups", "offline_access")
"""What can be asked for; unknown scopes are left out of the grant (RFC 6749 section 3.3)."""


class AnyLoopbackUrl(Container[str]):
    """Holds every URL on this machine: the redirect URIs of a client that was not registered."""

    def __contains__(self, url: object) -> bool:
        return isinstance(url, str) and is_loopback_url(url)

    def __repr__(self) -> str:
        return "AnyLoopbackUrl()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An application. The methods are those that Authlib asks for (``ClientMixin``, RFC 6749 section 2).

    * ``client_secret``: ``None`` for a public client.
    * ``public_key``: PEM; the client then authenticates with ``private_key_jwt`` and nothing else.
    * ``backchannel_logout_uri``: where logout tokens go, on loopback.

    Raises ``ConfigurationError`` when a URL is not on loopback.
    """

    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    redirect_uris: Container[str] = ()
    post_logout_redirect_uris: Container[str] = ()
    backchannel_logout_uri: str | None = None
    public_key: str | None = None

    def __post_init__(self) -> None:
        urls = [*_urls(self.redirect_uris), *_urls(self.post_logout_redirect_uris)]
        if self.backchannel_logout_uri is not None:
            urls.append(self.backchannel_logout_uri)
        problems = [
            Problem(f"client {self.client_id!r}", f"{url!r} is not a URL on this machine")
            for url in urls
            if not is_loopback_url(url)
        ]
        if self.public_key is not None and not self._key_is_usable():
            problems.append(
                Problem(f"client {self.client_id!r}", "public_key is not an RSA or EC key in PEM")
            )
        if problems:
            raise ConfigurationError(problems)

    def _key_is_usable(self) -> bool:
        try:
            return bool(self.public_jwk)
        except ValueError:
            return False

    @property
    def public_jwk(self) -> dict[str, Json]:
        """``public_key`` as a JWK. Raises ``ValueError`` where there is none, or it is no RSA or EC key."""
        key = load_pem_public_key((self.public_key or "").encode())
        if isinstance(key, RSAPublicKey):
            return RSAAlgorithm.to_jwk(key, as_dict=True)
        if isinstance(key, EllipticCurvePublicKey):
            return ECAlgorithm.to_jwk(key, as_dict=True)
        raise ValueError("expected an RSA or EC public key")

    def get_allowed_scope(self, scope: str | None) -> str:
        """The part of ``scope`` that is known here."""
        return " ".join(name for name in (scope or "").split() if name in SCOPES)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether ``redirect_uri`` is registered, by plain comparison (RFC 9700 section 2.1)."""
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether the secret is right, in constant time."""
        own = self.client_secret
        return own is not None and hmac.compare_digest(own.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Whether this client may authenticate so. A client with a key may not fall back to less."""
        if self.public_key is not None:
            return method == "private_key_jwt"
        if self.client_secret is None:
            return method == "none"
        return method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type: str) -> bool:
        """The code flow, and no other."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Every grant; client credentials for confidential clients alone (RFC 6749 section 4.4)."""
        confidential = self.client_secret is not None or self.public_key is not None
        return grant_type != "client_credentials" or confidential


@dataclass(frozen=True, slots=True, kw_only=True)
class UnregisteredClient(Client):
    """Whoever comes: any client id, any loopback redirect URI, the secret that all share, or none at all."""

    redirect_uris: Container[str] = AnyLoopbackUrl()
    post_logout_redirect_uris: Container[str] = AnyLoopbackUrl()

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """By secret, or as a public client; a key would have to be registered."""
        return method != "private_key_jwt"


def _urls(container: Container[str]) -> Iterable[str]:
    return container if isinstance(container, list | tuple | set | frozenset) else ()


class Clients:
    """Who is known. When nobody is registered (or ``anyone`` says so), every other client id is waved through too.

    ``secret`` is what unregistered clients share.
    """

    def __init__(
        self, registered: Iterable[Client] = (), *, secret: str = DEFAULT_SECRET, anyone: bool | None = None
    ) -> None:
        self._registered = {one.client_id: one for one in registered}
        self.secret = secret
        self.anyone = not self._registered if anyone is None else anyone

    def get(self, client_id: str) -> Client | None:
        """The client with this id."""
        known = self._registered.get(client_id)
        if known is None and self.anyone and client_id:
            return UnregisteredClient(client_id=client_id, client_secret=self.secret)
        return known


def load(text: str, *, secret: str = DEFAULT_SECRET) -> Clients:
    """Read clients from YAML (``clients:`` with a list; without it anybody is waved through)."""
    return Clients(map(_client, yamlfile.read(text).clients or ()), secret=secret)


def _client(entry: yamlfile.ClientEntry) -> Client:
    return Client(
        client_id=entry.client_id,
        client_secret=entry.client_secret,
        redirect_uris=tuple(entry.redirect_uris),
        post_logout_redirect_uris=tuple(entry.post_logout_redirect_uris),
        backchannel_logout_uri=entry.backchannel_logout_uri,
        public_key=entry.public_key,
    )
