"""The grants: what a code, a refresh token or a client's own credentials are exchanged for (Authlib's server side).

Authorization code with PKCE S256 for everybody, refresh with rotation, client credentials, revocation,
introspection. Everything that Authlib calls by name stands here and in ``bridge.py``.
"""

from __future__ import annotations

import base64
import binascii
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import unquote_plus, urlsplit

from authlib.oauth2.rfc6749 import (  # type: ignore[import-untyped]  # Authlib carries no types
    AuthorizationServer,
    InvalidClientError,
    InvalidRequestError,
    OAuth2Error,
)
from authlib.oauth2.rfc6749.grants import (  # type: ignore[import-untyped]  # as above
    AuthorizationCodeGrant,
    ClientCredentialsGrant,
    RefreshTokenGrant,
)
from authlib.oauth2.rfc7009 import RevocationEndpoint  # type: ignore[import-untyped]  # as above
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion  # type: ignore[import-untyped]  # as above
from authlib.oauth2.rfc7636 import CodeChallenge  # type: ignore[import-untyped]  # as above
from authlib.oauth2.rfc7662 import IntrospectionEndpoint  # type: ignore[import-untyped]  # as above
from authlib.oauth2.rfc9207 import IssuerParameter  # type: ignore[import-untyped]  # as above
from authlib.oidc.core.grants import OpenIDCode  # type: ignore[import-untyped]  # as above

from idaware.devidp.bridge import Answer, FormRequest
from idaware.devidp.clients import AUTH_METHODS, Client, Clients
from idaware.devidp.memory import ACCESS_TOKEN_SECONDS, CODE_SECONDS, Code, Issued, Login, Memory, SignIn
from idaware.devidp.tokens import Minter
from idaware.identity import Json

_ANY_METHOD: Final = [*AUTH_METHODS]
_CONFIDENTIAL: Final = [method for method in AUTH_METHODS if method != "none"]


@dataclass(frozen=True, slots=True)
class Core:
    """What the grants work on. ``clock`` gives UTC epoch seconds."""

    issuer: str
    token_endpoint: str
    clients: Clients
    memory: Memory
    minter: Minter
    clock: Callable[[], float]


class Server(AuthorizationServer):  # type: ignore[misc]  # Authlib carries no types
    """Authlib's authorization server over our request and answer."""

    def __init__(self, core: Core) -> None:
        super().__init__()
        self.core = core

    def query_client(self, client_id: str) -> Client | None:
        """The client with this id."""
        return self.core.clients.get(client_id)

    def create_oauth2_request(self, request: FormRequest) -> FormRequest:
        """The request as it is: it was adapted when its body was read."""
        return request

    def handle_response(self, status: int, body: Json, headers: list[tuple[str, str]]) -> Answer:
        """An answer that can still be changed."""
        return Answer(status, body, list(headers))

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""


class _Minting:
    """What all grants share: making tokens out of a ``Login`` (or none) and remembering them."""

    request: FormRequest
    server: Server

    def login(self) -> Login | None:
        """The sign-in that the tokens follow from."""
        return None

    def generate_token(
        self, user: object = None, scope: str = "", include_refresh_token: bool = True, **_: object
    ) -> dict[str, Json]:
        """The token answer without an ID token (RFC 6749 section 5.1). ``offline_access`` brings a refresh token."""
        login, client = self.login(), self.request.client
        scope = client.get_allowed_scope(scope)
        resource = resources_of(self.request) or (login.resource if login else ())
        token: dict[str, Json] = {
            "token_type": "Bearer",
            "access_token": self.server.core.minter.access_token(client.client_id, scope, resource, login),
            "expires_in": ACCESS_TOKEN_SECONDS,
            "scope": scope,
        }
        if login and include_refresh_token and "offline_access" in scope.split():
            token["refresh_token"] = secrets.token_urlsafe(32)
        return token

    def save_token(self, token: dict[str, Any]) -> None:
        """Remember the tokens."""
        now = self.server.core.clock()
        self.server.core.memory.add_tokens(
            Issued(
                access_token=token["access_token"],
                refresh_token=token.get("refresh_token"),
                client=self.request.client,
                scope=token["scope"],
                expires_at=now + ACCESS_TOKEN_SECONDS,
                now=now,
                login=self.login(),
            )
        )


class CodeGrant(_Minting, AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib carries no types
    """The authorization code grant. A code is used up by the first attempt, right or wrong."""

    TOKEN_ENDPOINT_AUTH_METHODS = _ANY_METHOD

    def login(self) -> Login:
        """The sign-in that the code was issued for."""
        login: Login = self.request.authorization_code.login
        return login

    def save_authorization_code(self, code: str, request: FormRequest) -> None:
        """Remember a new code with all that its tokens will be made of."""
        core = self.server.core
        sign_in: SignIn = request.user
        login = Login(
            sign_in=sign_in,
            client=request.client,
            scope=_granted_scope(request, core.minter.faults.names(request.faults)),
            nonce=request.get("nonce"),
            resource=resources_of(request),
            family=secrets.token_urlsafe(12),
            faults=request.faults,
        )
        core.memory.add_code(
            Code(
                value=code,
                login=login,
                redirect_uri=request.payload.redirect_uri,
                code_challenge=request.form["code_challenge"],
                code_challenge_method=request.form["code_challenge_method"],
                expires_at=core.clock() + CODE_SECONDS,
            )
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        """The code, unless it is another client's, too old, or used: then what it brought is revoked
        (section 4.1.2).
        """
        core = self.server.core
        found = core.memory.codes.get(code)
        if found is None or found.login.client.client_id != client.client_id:
            return None
        if found.used:
            core.memory.revoke_family(found.login.family)
            return None
        found.used = True
        return found if core.clock() < found.expires_at else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Nothing: it is kept, used, so that a second use is noticed."""

    def authenticate_user(self, authorization_code: Code) -> SignIn:
        """Who signed in."""
        return authorization_code.login.sign_in


class RefreshGrant(_Minting, RefreshTokenGrant):  # type: ignore[misc]  # Authlib carries no types
    """Refresh with rotation: an old refresh token that comes back revokes the family (RFC 9700 section 4.14.2)."""

    TOKEN_ENDPOINT_AUTH_METHODS = _ANY_METHOD
    INCLUDE_NEW_REFRESH_TOKEN = True

    def login(self) -> Login:
        """The sign-in that the refresh token goes back to, within the scope that is asked for now (section 6)."""
        issued: Issued = self.request.refresh_token
        assert issued.login is not None  # only a sign-in brings a refresh token
        scope = issued.client.get_allowed_scope(self.request.get("scope") or issued.scope)
        return replace(issued.login, scope=scope)

    def authenticate_refresh_token(self, refresh_token: str) -> Issued | None:
        """The tokens it came with, unless they were revoked or it was used before."""
        memory = self.server.core.memory
        issued = memory.by_refresh_token.get(refresh_token)
        if issued is None or issued.login is None or not issued.check_client(self.request.client):
            return None
        if issued.rotated:
            memory.revoke_family(issued.login.family)
        return None if issued.revoked else issued

    def authenticate_user(self, refresh_token: Issued) -> SignIn | None:
        """Who signed in."""
        return refresh_token.login.sign_in if refresh_token.login else None

    def revoke_old_credential(self, refresh_token: Issued) -> None:
        """The old refresh token is used up."""
        refresh_token.rotated = True


class MachineGrant(_Minting, ClientCredentialsGrant):  # type: ignore[misc]  # Authlib carries no types
    """Client credentials: an ``at+jwt`` for the resource that was asked for (RFC 9068, RFC 8707)."""

    TOKEN_ENDPOINT_AUTH_METHODS = _CONFIDENTIAL


class IdTokens(OpenIDCode):  # type: ignore[misc]  # Authlib carries no types
    """Adds the ID token to what a code or a refresh token brings."""

    def __init__(self, core: Core) -> None:
        super().__init__(require_nonce=False)
        self.core = core

    def exists_nonce(self, nonce: str, request: FormRequest) -> bool:
        """Never: somebody who presses "reload" at the provider sends the same nonce again."""
        return False

    def process_token(self, grant: _Minting, response: tuple[int, dict[str, Json], object]) -> None:
        """Put the ID token into the token answer, when ``openid`` was granted."""
        _, token, _ = response
        login = grant.login()
        if login is None or "openid" not in login.scope.split():
            return
        refreshed = isinstance(grant, RefreshGrant)
        id_token = self.core.minter.id_token(login, str(token["access_token"]), refreshed=refreshed)
        if id_token is not None:
            token["id_token"] = id_token


class PkceS256(CodeChallenge):  # type: ignore[misc]  # Authlib carries no types
    """PKCE for every client and with S256 alone (RFC 9700 section 2.1.1); Authlib asks public ones only."""

    SUPPORTED_CODE_CHALLENGE_METHOD: Final = ["S256"]

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        """Raise ``invalid_request`` unless there is a challenge with S256."""
        request = grant.request
        if not request.get("code_challenge") or request.get("code_challenge_method") != "S256":
            raise InvalidRequestError("code_challenge with code_challenge_method=S256 is required.")
        super().validate_code_challenge(grant, redirect_uri)


class ResponseIssuer(IssuerParameter):  # type: ignore[misc]  # Authlib carries no types
    """The ``iss`` parameter in every answer of the authorization endpoint (RFC 9207)."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer

    def get_issuer(self) -> str:
        """Our issuer."""
        return self.issuer


class PrivateKeyJwt(JWTBearerClientAssertion):  # type: ignore[misc]  # Authlib carries no types
    """Client authentication with a signed assertion (RFC 7523, OIDC Core 9), each good for one use."""

    CLIENT_AUTH_METHOD = "private_key_jwt"

    def __init__(self, core: Core) -> None:
        super().__init__()
        self.core = core

    def get_audiences(self) -> list[str]:
        """What ``aud`` may be."""
        return [self.core.issuer, self.core.token_endpoint]

    def validate_jti(self, claims: dict[str, Any], jti: object) -> bool:
        """Whether the assertion was not used before."""
        return self.core.memory.use_assertion(f"{claims['sub']} {jti}", float(claims["exp"]))

    def resolve_client_public_key(self, client: Client) -> dict[str, Json]:
        """The registered key. Raises ``invalid_client`` where there is none."""
        if client.public_key is None:
            raise InvalidClientError(description="The client has no key registered.")
        return client.public_jwk


class _ByAnyToken:
    """Look-up for the endpoints that take a token of either kind."""

    server: Server

    def query_token(self, token: str, hint: str | None) -> Issued | None:
        """The tokens of which this is one; the hint may be wrong, so it does not count (RFC 7009 section 2.1)."""
        core = self.server.core
        return core.memory.find(token, core.clock())


class Revocation(_ByAnyToken, RevocationEndpoint):  # type: ignore[misc]  # Authlib carries no types
    """Revocation (RFC 7009): a token of a sign-in takes its family with it."""

    CLIENT_AUTH_METHODS = _ANY_METHOD

    def revoke_token(self, token: Issued, request: FormRequest) -> None:
        """Mark it, and all that follows from the same sign-in."""
        token.revoked = True
        if token.login is not None:
            self.server.core.memory.revoke_family(token.login.family)


class Introspection(_ByAnyToken, IntrospectionEndpoint):  # type: ignore[misc]  # Authlib carries no types
    """Introspection (RFC 7662), for every confidential client."""

    CLIENT_AUTH_METHODS = _CONFIDENTIAL

    def check_permission(self, token: Issued, client: Client, request: FormRequest) -> bool:
        """Any client that authenticated may ask."""
        return True

    def introspect_token(self, token: Issued) -> dict[str, Json]:
        """What is known about it."""
        sub = token.login.sign_in.person.sub if token.login else token.client.client_id
        return {
            "active": True,
            "iss": self.server.core.issuer,
            "sub": sub,
            "client_id": token.client.client_id,
            "scope": token.scope,
            "exp": int(token.expires_at),
            "token_type": "Bearer",
        }


def make_server(core: Core) -> Server:
    """The authorization server with its grants, endpoints and client authentication."""
    # security rule 29: Authlib logs the tokens that it issues at DEBUG
    logging.getLogger("authlib.oauth2.rfc6749.grants").setLevel(logging.INFO)
    server = Server(core)
    id_tokens = IdTokens(core)
    server.register_grant(CodeGrant, [PkceS256(required=True), id_tokens])
    server.register_grant(RefreshGrant, [id_tokens])
    server.register_grant(MachineGrant)
    server.register_endpoint(Revocation)
    server.register_endpoint(Introspection)
    server.register_client_auth_method("client_secret_basic", _authenticate_basic)
    server.register_client_auth_method("private_key_jwt", PrivateKeyJwt(core))
    server.register_client_auth_method("none", _authenticate_none)
    server.register_extension(lambda owner: ResponseIssuer(core.issuer)(owner))
    return server


def _authenticate_basic(query_client: Callable[[str], Client | None], request: FormRequest) -> Client | None:
    """``client_secret_basic``: id and secret are form-encoded first (RFC 6749 section 2.3.1)."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    client = query_client(unquote_plus(client_id))
    return client if client and client.check_client_secret(unquote_plus(secret)) else None


def _authenticate_none(query_client: Callable[[str], Client | None], request: FormRequest) -> Client | None:
    """``none``: a client that sends no credentials at all; wrong ones do not make it public."""
    credentials = ("client_secret", "client_assertion")
    if request.headers.get("authorization") or any(request.get(name) for name in credentials):
        return None
    return query_client(request.get("client_id") or "")


def resources_of(request: FormRequest) -> tuple[str, ...]:
    """The ``resource`` parameters: absolute URIs without a fragment (RFC 8707 section 2). Raises ``invalid_target``."""
    resources = tuple(request.payload.datalist.get("resource", ()))
    if any(not urlsplit(resource).scheme or "#" in resource for resource in resources):
        raise OAuth2Error(error="invalid_target", description="resource is not an absolute URI.")
    return resources


def _granted_scope(request: FormRequest, faults: frozenset[str]) -> str:
    return "openid" if "scope_not_granted" in faults else str(request.scope)
