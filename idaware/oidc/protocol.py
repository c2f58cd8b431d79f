"""OAuth and OpenID Connect messages: the one module that talks to Authlib, which has no annotations.

Belongs here: how a message is spelled. When it is sent, and what becomes of the answer, is in ``login.py``.
Authlib's framework clients are not used: they do I/O, and a refused sign-in would silently become another grant.

Two things are ours although Authlib has them: ``client_secret_basic``, since RFC 6749 section 2.3.1 wants id and
secret form-encoded first, and the checks of a token (``tokens.py``), to which Authlib's are a second opinion.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote_plus

from authlib.common.urls import add_params_to_uri  # type: ignore[import-untyped]  # no annotations
from authlib.oauth2.auth import ClientAuth  # type: ignore[import-untyped]  # no annotations
from authlib.oauth2.rfc6749.parameters import (  # type: ignore[import-untyped]  # no annotations
    prepare_grant_uri,
    prepare_token_request,
)
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]  # no annotations

from idaware.effects import JsonAnswer, PostForm
from idaware.errors import ProviderMisbehaved, ProviderRefused
from idaware.identity import Json
from idaware.oidc.discovery import Metadata
from idaware.oidc.providers import quirks_for
from idaware.settings.client_key import signing_alg

if TYPE_CHECKING:
    from idaware.settings import Settings

ASSERTION_SECONDS = 120
"""How long a client assertion is valid: it is made for one request."""

MAX_DESCRIPTION_CHARS = 200
"""How much of a provider's ``error_description`` is kept."""

_NO_SECRETS = frozenset({"grant_type", "redirect_uri", "client_id", "client_assertion_type"})
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """What the token endpoint answered (RFC 6749 section 5.1, OpenID Connect Core 3.1.3.3). NOT CHECKED: the ID token.

    ``scope``: what was granted, ``None`` when the provider did not say (then it is what was asked for).
    ``answered_at``: the provider's clock, UTC epoch seconds.
    """

    id_token: str = field(repr=False)
    access_token: str = field(repr=False)
    scope: str | None
    answered_at: float | None


def authorization_url(
    metadata: Metadata,
    settings: Settings,
    *,
    state: str,
    nonce: str,
    code_verifier: str,
    prompt: str | None = None,
    max_age: int | None = None,
    acr_values: str | None = None,
    login_hint: str | None = None,
) -> str:
    """Where the browser goes to sign in (OpenID Connect Core 3.1.2.1), with PKCE S256 (security rule 13).

    ``max_age`` is in seconds, ``acr_values`` separated by spaces.
    """
    own = {
        "nonce": nonce,
        "code_challenge": create_s256_code_challenge(code_verifier),
        "code_challenge_method": "S256",
        "response_mode": "form_post" if settings.response_mode == "form_post" else None,
        "prompt": prompt,
        "max_age": None if max_age is None else str(max_age),
        "acr_values": acr_values,
        "login_hint": login_hint,
    }
    # Settings refuse the names in ``own``, so nothing here can be given twice.
    endpoint = add_params_to_uri(metadata.authorization_endpoint, settings.login_params)
    return str(
        prepare_grant_uri(
            endpoint,
            settings.client_id,
            "code",
            redirect_uri=settings.redirect_uri,  # security rule 10
            scope=" ".join(settings.scopes),
            state=state,
            **own,
        )
    )


def token_request(
    metadata: Metadata,
    settings: Settings,
    *,
    code: str,
    code_verifier: str,
    now: float,
    token: Callable[[int], str],
) -> PostForm:
    """The code for tokens (RFC 6749 section 4.1.3, RFC 7636 section 4.5), authenticated as configured.

    ``token`` makes random text of that many bytes.
    """
    body = prepare_token_request(
        "authorization_code", redirect_uri=settings.redirect_uri, code=code, code_verifier=code_verifier
    )
    return _authenticated(metadata, settings, str(body), now, token)


def _authenticated(
    metadata: Metadata, settings: Settings, body: str, now: float, token: Callable[[int], str]
) -> PostForm:
    """``body`` for the token endpoint with the client's authentication (OpenID Connect Core section 9)."""
    url = metadata.token_endpoint
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    secret = settings.client_secret.reveal() if settings.client_secret is not None else ""
    if settings.client_auth == "client_secret_basic":
        return PostForm(
            url, body, {**headers, "Authorization": basic_credentials(settings.client_id, secret)}
        )
    if settings.client_auth == "private_key_jwt":
        assertion = client_assertion(metadata, settings, now=now, token=token)
        extra = {"client_assertion_type": _ASSERTION_TYPE, "client_assertion": assertion}
        body = f"{body}&client_id={quote_plus(settings.client_id)}" + "".join(
            f"&{name}={quote_plus(value)}" for name, value in extra.items()
        )
        return PostForm(url, body, headers)
    _, headers, body = ClientAuth(settings.client_id, secret, settings.client_auth).prepare(
        "POST", url, headers, body
    )
    return PostForm(url, body, headers)


def basic_credentials(client_id: str, secret: str) -> str:
    """The ``Authorization`` header of ``client_secret_basic``: both parts form-encoded first (RFC 6749 2.3.1)."""
    text = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + b64encode(text.encode("ascii")).decode("ascii")


def client_assertion(
    metadata: Metadata, settings: Settings, *, now: float, token: Callable[[int], str]
) -> str:
    """The signed text of ``private_key_jwt`` (RFC 7523 section 3), valid ``ASSERTION_SECONDS``, with a fresh ``jti``.

    Its audience is the token endpoint, as OpenID Connect Core section 9 has it, but at providers that ask
    for their issuer (``Quirks.assertion_audience``). There is one provider here, whose metadata names its
    own endpoints, so an assertion cannot be passed on to another one.
    """
    from authlib.oauth2.rfc7523 import private_key_jwt_sign  # type: ignore[import-untyped]  # no annotations

    key, alg = _client_key(settings)
    by_issuer = quirks_for(settings.issuer, settings.provider).assertion_audience == "issuer"
    return str(
        private_key_jwt_sign(
            key,
            settings.client_id,
            metadata.issuer if by_issuer else metadata.token_endpoint,
            alg=alg,
            claims={"jti": token(16)},
            issued_at=int(now),
            expires_at=int(now) + ASSERTION_SECONDS,
            header={"kid": key.thumbprint()},
        )
    )


def client_jwks(settings: Settings) -> dict[str, Json]:
    """Our public keys as a JWK Set, for the provider to fetch; empty without ``private_key_jwt``."""
    if settings.client_auth != "private_key_jwt":
        return {"keys": []}
    key, alg = _client_key(settings)
    return {"keys": [{**key.as_dict(private=False), "kid": key.thumbprint(), "use": "sig", "alg": alg}]}


def _client_key(settings: Settings) -> tuple[Any, str]:
    """The key of ``private_key_jwt`` as Authlib takes it, and the algorithm that goes with it."""
    from joserfc.jwk import ECKey, RSAKey

    assert settings.client_key is not None
    pem = settings.client_key.reveal()
    alg = signing_alg(pem)
    assert alg is not None  # settings refuse a key that cannot be used
    return (RSAKey if alg == "RS256" else ECKey).import_key(pem), alg


def secrets_sent(request: PostForm, settings: Settings) -> tuple[str, ...]:
    """What of a token request must not come back in a message: code, verifier, credentials (security rule 29)."""
    form = tuple(value for name, value in parse_qsl(request.body) if name not in _NO_SECRETS)
    secret = () if settings.client_secret is None else (settings.client_secret.reveal(),)
    return (*form, *request.headers.get("Authorization", "").split()[1:], *secret)


def read_token_response(answer: JsonAnswer, sent: Collection[str] = ()) -> TokenResponse:
    """What came back from the token endpoint. ``sent``: secrets that a provider may repeat and we must not.

    Raises ``ProviderRefused`` for an OAuth error or any other 4xx (some answer those with an empty body or plain
    text), ``ProviderMisbehaved`` for an answer without ``id_token`` or that is not for ``Bearer`` use.
    """
    body = answer.body if isinstance(answer.body, dict) else {}
    error = body.get("error")
    if answer.status != 200 or isinstance(error, str):
        raise _refusal(body, answer.status, sent)
    if str(body.get("token_type")).lower() != "bearer":  # RFC 6749 section 7.1
        raise ProviderMisbehaved("the token response is not of token_type Bearer")
    id_token, access_token, scope = (body.get(name) for name in ("id_token", "access_token", "scope"))
    if not isinstance(id_token, str) or not isinstance(access_token, str):
        raise ProviderMisbehaved(
            "the token response lacks id_token or access_token; is 'openid' in IDAWARE_SCOPES?"
        )
    return TokenResponse(id_token, access_token, scope if isinstance(scope, str) else None, answer.date)


def _refusal(body: Mapping[str, Json], status: int, sent: Collection[str]) -> ProviderRefused:
    error = _plain(body.get("error"), sent) or f"http_{status}"
    description = _plain(body.get("error_description"), sent)
    if error == "invalid_client" or status in (401, 403):
        todo = "check IDAWARE_CLIENT_ID, IDAWARE_CLIENT_SECRET and IDAWARE_CLIENT_AUTH"
        description = f"{description}; {todo}" if description else todo
    return ProviderRefused(error, description, status)


def _plain(value: Json, sent: Collection[str]) -> str:
    """A provider's text for our messages: printable, short (RFC 6749 section 5.2 allows no more than
    ASCII); nothing of one that repeats a secret.
    """
    text = value if isinstance(value, str) else ""
    if any(secret in text or quote_plus(secret) in text for secret in sent):
        return ""
    return "".join(character if character.isprintable() else " " for character in text)[
        :MAX_DESCRIPTION_CHARS
    ]


def logout_url(
    metadata: Metadata, settings: Settings, *, logout_hint: str | None = None, state: str | None = None
) -> str | None:
    """Where the browser goes to end the provider's session too (RP-Initiated Logout 1.0 section 2).

    ``None`` when the provider has no ``end_session_endpoint`` or ``IDAWARE_LOGOUT_PROVIDER`` is off. There
    is no ``id_token_hint``: a cookie session keeps no token (security rule 27).
    """
    if metadata.end_session_endpoint is None or not settings.logout_provider:
        return None
    params = {
        "client_id": settings.client_id,
        "logout_hint": logout_hint,
        "post_logout_redirect_uri": _after_logout(settings),
        "state": state,
    }
    given = [(name, value) for name, value in params.items() if value is not None]
    return str(add_params_to_uri(metadata.end_session_endpoint, given))


def _after_logout(settings: Settings) -> str:
    """Security rule 10: out of the base URL, never out of a request."""
    target = settings.logout_redirect
    if target is None:
        return settings.url(f"{settings.prefix}/logged-out")
    return settings.origin + target if target.startswith("/") else target


def second_opinion(
    claims: Mapping[str, Json],
    header: Mapping[str, Json],
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    max_age: int | None,
    access_token: str | None,
    now: float,
    leeway_seconds: int,
) -> str | None:
    """What Authlib's rules for ID tokens of the code flow object to; ``None`` when it agrees.

    NOT CHECKED by it: ``jti`` and other claims that mean nothing in an ID token.
    """
    from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]  # no annotations
    from joserfc.errors import JoseError

    known = {name: claims[name] for name in CodeIDToken.REGISTERED_CLAIMS if claims.get(name) is not None}
    token = CodeIDToken(
        known,
        dict(header),
        options={
            "iss": {"essential": True, "values": [issuer]},
            "aud": {"essential": True, "values": [client_id]},
        },
        params={"client_id": client_id, "nonce": nonce, "max_age": max_age, "access_token": access_token},
    )
    try:
        token.validate(now=now, leeway=leeway_seconds)
    except JoseError as error:
        return str(error)[:200]
    return None
