"""The endpoints that programs use: discovery, keys, token, userinfo, revocation, introspection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from authlib.oauth2.rfc6749 import (  # type: ignore[import-untyped]  # Authlib carries no types
    OAuth2Error,
    ResourceProtector,
)
from authlib.oauth2.rfc6750 import BearerTokenValidator  # type: ignore[import-untyped]  # as above
from authlib.oauth2.rfc6750.errors import InvalidTokenError  # type: ignore[import-untyped]  # as above
from starlette.requests import Request
from starlette.responses import Response

from idaware.devidp.answers import RESPONSE_MODES
from idaware.devidp.authorize import ACR_VALUES
from idaware.devidp.bridge import Answer, FormRequest, error_answer, oauth_request
from idaware.devidp.clients import AUTH_METHODS, SCOPES
from idaware.devidp.faults import Active
from idaware.devidp.memory import Issued
from idaware.devidp.state import State
from idaware.devidp.tokens import OTHER_ISSUER
from idaware.identity import Json

KEYS_MAX_AGE_SECONDS: Final = 300
_HUGE: Final = 2_100_000
_HTML: Final = "<!doctype html><title>Sorry</title><p>This is a page, where a program expected JSON."


def _json_error(status: int, error: str) -> Answer:
    return Answer(status, {"error": error}, [("Content-Type", "application/json")])


_TOKEN_FAULTS: Final[dict[str, Callable[[], Answer]]] = {
    "token_500": lambda: Answer(500, "Internal Server Error", [("Content-Type", "text/plain")]),
    "token_invalid_client": lambda: _json_error(401, "invalid_client"),
    "token_invalid_grant": lambda: _json_error(400, "invalid_grant"),
    "token_html": lambda: Answer(200, _HTML, [("Content-Type", "text/html")]),
    "token_empty": lambda: Answer(400, "", []),
    "token_429": lambda: Answer(429, "", [("Retry-After", "30")]),
    "token_redirect": lambda: Answer(307, "", [("Location", "http://127.0.0.1:9/token")]),
    "token_huge": lambda: Answer(200, {"padding": "x" * _HUGE}, [("Content-Type", "application/json")]),
}


class _Validator(BearerTokenValidator):  # type: ignore[misc]  # Authlib carries no types
    """Finds access tokens of people (not of clients, and no refresh tokens)."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self.state = state

    def authenticate_token(self, token_string: str) -> Issued | None:
        """The tokens, unless they are a client's own."""
        issued = self.state.memory.find(token_string, self.state.clock())
        if issued is None or issued.login is None or issued.access_token != token_string:
            return None
        return issued


class Endpoints:
    """What programs ask."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.protector = ResourceProtector()
        self.protector.register_token_validator(_Validator(state))

    async def discovery(self, request: Request) -> Response:
        """The provider's metadata (OIDC Discovery section 4)."""
        names = self.state.faults.names()
        if "discovery_redirect" in names and not request.url.path.endswith("/moved"):
            return Answer(302, "", [("Location", f"{self.state.url('discovery')}/moved")]).to_response()
        if "discovery_html" in names:
            return Answer(200, _HTML, [("Content-Type", "text/html")]).to_response()
        return _json(self._spoilt(metadata(self.state), names)).to_response()

    def _spoilt(self, document: dict[str, Json], names: frozenset[str]) -> dict[str, Json]:
        if "discovery_other_issuer" in names:
            document["issuer"] = OTHER_ISSUER
        if "discovery_plain_http" in names:
            document["token_endpoint"] = "http://provider.example/token"  # noqa: S105 - a URL
        if "discovery_huge" in names:
            document["padding"] = "x" * _HUGE
        return document

    async def jwks(self, request: Request) -> Response:
        """The public keys (RFC 7517 section 5)."""
        names = self.state.faults.names()
        if "jwks_html" in names:
            return Answer(200, _HTML, [("Content-Type", "text/html")]).to_response()
        keys: dict[str, Json] = {"keys": []} if "jwks_empty" in names else self.state.keys.jwks()
        answer = _json(keys)
        answer.headers.append(("Cache-Control", f"public, max-age={KEYS_MAX_AGE_SECONDS}"))
        return answer.to_response()

    async def token(self, request: Request) -> Response:
        """The token endpoint (RFC 6749 section 3.2)."""
        return await _answer(request, self._token)

    def _token(self, oauth: FormRequest) -> Answer:
        names = self.state.faults.names(self._bound_faults(oauth))
        for name, spoilt in _TOKEN_FAULTS.items():
            if name in names:
                return spoilt()
        answer: Answer = self.state.server.create_token_response(oauth)
        return answer

    def _bound_faults(self, oauth: FormRequest) -> tuple[Active, ...]:
        """What the sign-in does wrong that this code belongs to; a refresh goes well, unless all of them fail."""
        code = self.state.memory.codes.get(oauth.get("code") or "")
        return code.login.faults if code is not None else ()

    async def revoke(self, request: Request) -> Response:
        """Revocation (RFC 7009)."""
        return await _answer(
            request, lambda oauth: self.state.server.create_endpoint_response("revocation", oauth)
        )

    async def introspect(self, request: Request) -> Response:
        """Introspection (RFC 7662)."""
        return await _answer(
            request, lambda oauth: self.state.server.create_endpoint_response("introspection", oauth)
        )

    async def userinfo(self, request: Request) -> Response:
        """Who the access token's person is (OIDC Core 5.3), by GET or POST with a bearer header."""
        try:
            issued: Issued = self.protector.validate_request(["openid"], request)
            assert issued.login is not None  # the validator finds no others
            if "userinfo_401" in self.state.faults.names(issued.login.faults):
                raise InvalidTokenError()
        except OAuth2Error as error:
            return error_answer(error).to_response()
        return _json(self.state.minter.userinfo(issued.login)).to_response()


def _json(document: dict[str, Json]) -> Answer:
    return Answer(200, document, [("Content-Type", "application/json")])


async def _answer(request: Request, handle: Callable[[FormRequest], Any]) -> Response:
    """The answer of ``handle``, or the JSON of an error that reading the request brought."""
    try:
        oauth = await oauth_request(request)
        oauth.check()
        answer: Answer = handle(oauth)
    except OAuth2Error as error:
        answer = error_answer(error)
    return answer.to_response()


Handler = Callable[[Request], Awaitable[Response]]


def metadata(state: State) -> dict[str, Json]:
    """The discovery document, all of it true."""
    methods: list[Json] = list(AUTH_METHODS)
    return {
        "issuer": state.issuer,
        "authorization_endpoint": state.url("authorize"),
        "token_endpoint": state.url("token"),
        "userinfo_endpoint": state.url("userinfo"),
        "jwks_uri": state.url("jwks"),
        "revocation_endpoint": state.url("revoke"),
        "introspection_endpoint": state.url("introspect"),
        "end_session_endpoint": state.url("end_session"),
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": list(RESPONSE_MODES),
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [state.keys.alg],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "ES256"],
        "code_challenge_methods_supported": ["S256"],
        "acr_values_supported": list(ACR_VALUES),
        "prompt_values_supported": ["none", "login", "select_account", "consent"],
        "claims_supported": ["sub", "name", "preferred_username", "email", "email_verified", "groups"],
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
    }
