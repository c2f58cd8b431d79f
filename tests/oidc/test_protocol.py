"""Messages, as they go over the wire."""

from __future__ import annotations

import hashlib
from base64 import b64decode, urlsafe_b64encode
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from idaware.effects import JsonAnswer, PostForm
from idaware.errors import ProviderMisbehaved, ProviderRefused, SettingsError
from idaware.oidc.discovery import Metadata
from idaware.oidc.protocol import (
    ASSERTION_SECONDS,
    authorization_url,
    basic_credentials,
    client_jwks,
    logout_url,
    read_token_response,
    second_opinion,
    secrets_sent,
    token_request,
)

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

METADATA = Metadata(
    issuer="https://op.example.com",
    authorization_endpoint="https://op.example.com/authorize",
    token_endpoint="https://op.example.com/token",
    jwks_uri="https://op.example.com/jwks",
    end_session_endpoint="https://op.example.com/logout?x=1",
)


def pem(key: Any) -> str:
    text: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return text.decode()


def query(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query, keep_blank_values=True)


def sign_in(settings: Any, metadata: Metadata = METADATA, **asked: Any) -> list[tuple[str, str]]:
    url = authorization_url(metadata, settings, state="st&1", nonce="n=1", code_verifier=VERIFIER, **asked)
    assert url.startswith("https://op.example.com/authorize?")
    return query(url)


# -- authorization request -----------------------------------------------------------------------------------


def test_sign_in_asks_for_a_code_with_state_nonce_and_pkce_s256(op: Any) -> None:
    assert sorted(sign_in(op.settings)) == [
        ("client_id", "rp-client"),
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),  # RFC 7636, appendix B
        ("code_challenge_method", "S256"),
        ("nonce", "n=1"),
        ("redirect_uri", "https://billing.corp.example/_idaware/callback"),
        ("response_type", "code"),
        ("scope", "openid profile email"),
        ("state", "st&1"),
    ]


def test_verifier_never_goes_through_the_browser(op: Any) -> None:
    url = authorization_url(METADATA, op.settings, state="s", nonce="n", code_verifier=VERIFIER)
    assert VERIFIER not in url


def test_sign_in_carries_what_is_asked_of_it(op: Any) -> None:
    asked = {"prompt": "login", "max_age": 0, "acr_values": "a b", "login_hint": "a@corp.example"}
    sent = dict(sign_in(op.settings, **asked))
    assert {name: sent[name] for name in asked} == {**asked, "max_age": "0"}


def test_form_post_is_asked_for_and_query_is_what_goes_without_saying(op: Any) -> None:
    assert dict(sign_in(op.configure(response_mode="form_post")))["response_mode"] == "form_post"
    assert "response_mode" not in dict(sign_in(op.settings))


def test_login_params_are_added_whatever_they_are_called(op: Any) -> None:
    sent = sign_in(op.configure(login_params="hd=corp.example,uri=x,resource=a"))
    assert ("hd", "corp.example") in sent
    assert ("uri", "x") in sent
    assert ("resource", "a") in sent


@pytest.mark.parametrize("name", ["state", "nonce", "redirect_uri", "code_challenge", "prompt", "max_age"])
def test_login_params_never_name_what_the_sign_in_sets(op: Any, name: str) -> None:
    with pytest.raises(SettingsError):
        op.configure(login_params=f"{name}=x")


def test_query_of_the_endpoint_itself_is_kept(op: Any) -> None:
    tenant = Metadata(
        issuer="https://op.example.com",
        authorization_endpoint="https://op.example.com/authorize?tenant=a%26b",
        token_endpoint="https://op.example.com/token",
        jwks_uri="https://op.example.com/jwks",
    )
    assert ("tenant", "a&b") in sign_in(op.settings, tenant)


# -- token request -------------------------------------------------------------------------------------------


def request(settings: Any, now: float = 1_800_000_000.9) -> tuple[PostForm, dict[str, str]]:
    form = token_request(
        METADATA,
        settings,
        code="c+/=&",
        code_verifier=VERIFIER,
        now=now,
        token=lambda size: f"random-{size}",
    )
    assert form.url == METADATA.token_endpoint
    assert form.headers["Content-Type"] == "application/x-www-form-urlencoded"
    pairs = parse_qsl(form.body, keep_blank_values=True)
    assert len(pairs) == len(dict(pairs))
    return form, dict(pairs)


GRANT = {
    "grant_type": "authorization_code",
    "code": "c+/=&",
    "code_verifier": VERIFIER,
    "redirect_uri": "https://billing.corp.example/_idaware/callback",
}


def test_client_secret_basic_is_form_encoded_first(op: Any) -> None:
    form, body = request(op.configure(client_id="a:b c", client_secret="p%s:+/é correct horse battery"))
    assert body == GRANT
    scheme, _, credentials = form.headers["Authorization"].partition(" ")
    client_id, _, secret = b64decode(credentials).decode("ascii").partition(":")
    assert scheme == "Basic"
    assert unquote_plus(client_id) == "a:b c"
    assert unquote_plus(secret) == "p%s:+/é correct horse battery"


def test_basic_credentials_of_plain_texts_are_what_everybody_expects() -> None:
    assert basic_credentials("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw") == (
        "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"
    )


def test_client_secret_post_is_in_the_body_alone(op: Any) -> None:
    form, body = request(op.configure(client_auth="client_secret_post"))
    assert body == {**GRANT, "client_id": "rp-client", "client_secret": "correct horse battery staple"}
    assert "Authorization" not in form.headers


def test_public_client_names_itself_and_proves_nothing(op: Any) -> None:
    form, body = request(op.configure(client_auth="none", client_secret=None))
    assert body == {**GRANT, "client_id": "rp-client"}
    assert "Authorization" not in form.headers


def test_representation_of_a_token_request_shows_no_secret_and_no_code(op: Any) -> None:
    form, _ = request(op.settings)
    assert "c%2B" not in repr(form)
    assert "Basic" not in repr(form)


@pytest.mark.parametrize(("name", "alg"), [("k1", "RS256"), ("ec", "ES256"), ("ec384", "ES384")])
def test_private_key_jwt_is_signed_for_this_request_alone(op: Any, name: str, alg: str) -> None:
    settings = op.configure(
        client_auth="private_key_jwt", client_secret=None, client_key=pem(op.private[name])
    )
    form, body = request(settings)
    assertion = body.pop("client_assertion")
    assert body == {
        **GRANT,
        "client_id": "rp-client",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    assert "Authorization" not in form.headers
    assert jwt.decode(
        assertion,
        op.private[name].public_key(),
        algorithms=[alg],
        audience=METADATA.token_endpoint,
        options={"verify_exp": False, "verify_iat": False},
    ) == {
        "iss": "rp-client",
        "sub": "rp-client",
        "aud": METADATA.token_endpoint,
        "iat": 1_800_000_000,
        "exp": 1_800_000_000 + ASSERTION_SECONDS,
        "jti": "random-16",
    }
    (published,) = client_jwks(settings)["keys"]
    assert jwt.get_unverified_header(assertion)["kid"] == published["kid"]
    assert published["alg"] == alg


def test_audience_of_the_assertion_is_the_issuer_where_the_provider_asks_for_it(op: Any) -> None:
    environ = {"client_auth": "private_key_jwt", "client_secret": None, "client_key": pem(op.private["k1"])}
    _, body = request(op.configure(**environ, provider="auth0"))
    claims = jwt.decode(body["client_assertion"], options={"verify_signature": False})
    assert claims["aud"] == METADATA.issuer


@pytest.mark.parametrize("name", ["weak", "ed", "koblitz"])
def test_client_key_that_cannot_be_used_is_a_matter_of_configuration(op: Any, name: str) -> None:
    with pytest.raises(SettingsError, match=r"CLIENT_KEY.*it is not an RSA key of 2048 bits") as caught:
        op.configure(client_auth="private_key_jwt", client_secret=None, client_key=pem(op.private[name]))
    assert pem(op.private[name]).splitlines()[1] not in str(caught.value)


def test_published_keys_are_public_and_there_are_none_without_private_key_jwt(op: Any) -> None:
    settings = op.configure(
        client_auth="private_key_jwt", client_secret=None, client_key=pem(op.private["k1"])
    )
    (key,) = client_jwks(settings)["keys"]
    assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}
    assert client_jwks(op.settings) == {"keys": []}


# -- token response ------------------------------------------------------------------------------------------

TOKENS: dict[str, Any] = {"id_token": "a.b.c", "access_token": "at", "token_type": "Bearer"}


@pytest.mark.parametrize("token_type", ["Bearer", "bearer", "BEARER"])
def test_token_response_is_read(token_type: str) -> None:
    body = {**TOKENS, "token_type": token_type, "scope": "openid email"}
    response = read_token_response(JsonAnswer(200, body, date=1_800_000_001.0))
    assert (response.id_token, response.access_token) == ("a.b.c", "at")
    assert (response.scope, response.answered_at) == ("openid email", 1_800_000_001.0)
    assert "a.b.c" not in repr(response)


def test_scope_that_is_no_text_is_not_said() -> None:
    assert read_token_response(JsonAnswer(200, {**TOKENS, "scope": ["openid"]})).scope is None
    assert read_token_response(JsonAnswer(200, TOKENS)).scope is None


@pytest.mark.parametrize(
    "changes",
    [
        {"token_type": "mac"},
        {"token_type": None},
        {"token_type": ["Bearer"]},
        {"id_token": None},
        {"id_token": {"a": 1}},
        {"access_token": None},
        {"access_token": 7},
    ],
    ids=repr,
)
def test_token_response_that_lacks_something_is_the_providers_fault(changes: dict[str, Any]) -> None:
    with pytest.raises(ProviderMisbehaved, match="token response"):
        read_token_response(JsonAnswer(200, {**TOKENS, **changes}))


@pytest.mark.parametrize(
    ("answer", "error", "hint"),
    [
        (JsonAnswer(400, {"error": "invalid_grant", "error_description": "used"}), "invalid_grant", "used"),
        (JsonAnswer(401, {"error": "invalid_client"}), "invalid_client", "IDAWARE_CLIENT_SECRET"),
        (JsonAnswer(400, {"error": "invalid_client"}), "invalid_client", "IDAWARE_CLIENT_SECRET"),
        (JsonAnswer(403, None), "http_403", "IDAWARE_CLIENT_SECRET"),
        (
            JsonAnswer(401, {"error": "invalid_client", "error_description": "expired"}),
            "invalid_client",
            "expired; check IDAWARE_CLIENT_ID",
        ),
        (JsonAnswer(401, None), "http_401", "IDAWARE_CLIENT_SECRET"),
        (JsonAnswer(400, None), "http_400", ""),
        (JsonAnswer(404, ["x"]), "http_404", ""),
        (JsonAnswer(400, {"error": ["x"]}), "http_400", ""),
        (JsonAnswer(200, {**TOKENS, "error": "access_denied"}), "access_denied", ""),
        (JsonAnswer(201, TOKENS), "http_201", ""),
    ],
    ids=lambda value: f"{value.status}_{value.body!r:.30}" if isinstance(value, JsonAnswer) else None,
)
def test_refusal_of_the_token_endpoint_is_read_in_every_form(
    answer: JsonAnswer, error: str, hint: str
) -> None:
    with pytest.raises(ProviderRefused) as caught:
        read_token_response(answer)
    assert (caught.value.error, caught.value.status) == (error, answer.status)
    assert hint in caught.value.description
    assert bool(hint) == bool(caught.value.description)
    assert hint == "IDAWARE_CLIENT_SECRET" or caught.value.description.startswith(hint)


def test_text_of_a_refusal_is_short_and_printable() -> None:
    body: dict[str, Any] = {"error": "x\r\ny", "error_description": "a\x1b[31m\n" + "z" * 500}
    with pytest.raises(ProviderRefused) as caught:
        read_token_response(JsonAnswer(400, body))
    assert caught.value.error == "x  y"
    assert len(caught.value.description) == 200
    assert caught.value.description.isprintable()


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
@pytest.mark.parametrize("member", ["error", "error_description"])
def test_what_a_provider_repeats_of_our_secrets_is_in_no_message(op: Any, method: str, member: str) -> None:
    settings = op.configure(client_auth=method, client_secret="p%s:+ correct horse battery staple")
    form, _ = request(settings)
    secrets = [
        "c+/=&",
        VERIFIER,
        settings.client_secret.reveal(),
        *form.headers.get("Authorization", "").split()[1:],
    ]
    assert set(secrets_sent(form, settings)) == set(secrets)
    for text in (form.body, *(f"what is {secret}?" for secret in secrets)):
        answer = JsonAnswer(400, {"error": "invalid_grant", member: text})
        with pytest.raises(ProviderRefused) as caught:
            read_token_response(answer, secrets)
        assert not [secret for secret in secrets if secret in str(caught.value)]
        assert "what is" not in str(caught.value)
    answer = JsonAnswer(400, {"error": "invalid_grant", "error_description": "too late"})
    with pytest.raises(ProviderRefused, match="too late"):
        read_token_response(answer, secrets)


# -- sign-out ------------------------------------------------------------------------------------------------


def test_sign_out_at_the_provider_names_the_client_and_no_token(op: Any) -> None:
    url = logout_url(METADATA, op.settings, logout_hint="u1", state="s")
    assert url is not None
    assert query(url) == [
        ("x", "1"),
        ("client_id", "rp-client"),
        ("logout_hint", "u1"),
        ("post_logout_redirect_uri", "https://billing.corp.example/_idaware/logged-out"),
        ("state", "s"),
    ]


@pytest.mark.parametrize(
    ("configured", "target"),
    [
        ("/bye", "https://billing.corp.example/bye"),
        ("https://corp.example/bye", "https://corp.example/bye"),
    ],
)
def test_sign_out_ends_where_configuration_says(op: Any, configured: str, target: str) -> None:
    settings = op.configure(logout_redirect=configured, base_url="https://billing.corp.example/tool")
    url = logout_url(METADATA, settings)
    assert url is not None
    sent = dict(query(url))
    assert sent["post_logout_redirect_uri"] == target
    assert "logout_hint" not in sent
    assert "state" not in sent


def test_sign_out_stays_here_without_an_endpoint_or_when_configured(op: Any) -> None:
    bare = Metadata(issuer="i", authorization_endpoint="a", token_endpoint="t", jwks_uri="j")
    assert logout_url(bare, op.settings) is None
    assert logout_url(METADATA, op.configure(logout_provider="false")) is None


# -- second opinion ------------------------------------------------------------------------------------------


def opinion(claims: dict[str, Any], **changes: Any) -> str | None:
    rules: dict[str, Any] = {
        "issuer": "https://op.example.com",
        "client_id": "rp-client",
        "nonce": "n",
        "max_age": None,
        "access_token": "at",
        "now": 1000.0,
        "leeway_seconds": 30,
        **changes,
    }
    good = {"iss": "https://op.example.com", "aud": "rp-client", "sub": "u1", "exp": 1300, "iat": 990.5}
    return second_opinion({**good, "nonce": "n", **claims}, {"alg": "RS256"}, **rules)


def test_authlib_agrees_with_a_good_token() -> None:
    digest = hashlib.sha256(b"at").digest()[:16]
    at_hash = urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert opinion({"at_hash": at_hash, "aud": ["rp-client"], "auth_time": None}) is None


@pytest.mark.parametrize(
    ("claims", "rules"),
    [
        ({"iss": "https://evil.example"}, {}),
        ({"aud": "other", "azp": "rp-client"}, {}),
        ({"azp": "other"}, {}),
        ({"exp": 969}, {}),
        ({"iat": 1031}, {}),
        ({"nonce": "other"}, {}),
        ({"at_hash": "AAAA"}, {}),
        ({}, {"max_age": 60}),
        ({"sub": None}, {}),
    ],
    ids=["iss", "aud", "azp", "exp", "iat", "nonce", "at_hash", "auth_time", "sub"],
)
def test_authlib_objects_by_itself(claims: dict[str, Any], rules: dict[str, Any]) -> None:
    assert opinion(claims, **rules)


def test_importing_the_client_brings_no_http_library() -> None:
    import subprocess
    import sys

    program = (
        "import sys, idaware.oidc.tokens, idaware.oidc.provider, idaware.oidc.claims, idaware.oidc.protocol\n"
        "import authlib.oidc.core, authlib.oauth2.rfc7523\n"
        "print({'requests', 'httpx', 'httpx2', 'starlette', 'werkzeug', 'asyncio'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
