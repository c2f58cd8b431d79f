"""The whole code flow, and each way in which a request is not one."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from idaware.devidp import Client, Clients
from idaware.errors import ConfigurationError

pytestmark = pytest.mark.anyio

CALLBACK = "http://127.0.0.1:8000/_idaware/callback"


async def test_a_person_is_signed_in_by_code_with_pkce(world: Any) -> None:
    answer = world.answer_of(await world.sign_in("alice"))
    assert answer["state"] == "the-state"
    assert answer["iss"] == "http://localhost:9000"
    tokens = await world.redeem(answer["code"])
    assert tokens.status == 200
    assert tokens.body["token_type"] == "Bearer"
    assert "refresh_token" not in tokens.body
    claims = await world.verified(tokens.body["id_token"])
    now = int(world.clock())
    assert claims["iss"] == "http://localhost:9000"
    assert (claims["sub"], claims["aud"], claims["nonce"]) == ("alice", "tool", "the-nonce")
    assert (claims["iat"], claims["exp"], claims["auth_time"]) == (now, now + 300, now)
    assert (claims["acr"], claims["amr"]) == ("pwd", ["pwd"])
    assert claims["groups"] == ["sre", "engineering"]
    assert claims["email"] == "alice@corp.example"
    assert claims["email_verified"] is True
    assert claims["department"] == "Platform"


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_each_signing_algorithm_verifies_and_its_at_hash_fits(
    make_world: Callable[..., Any], alg: str
) -> None:
    world = make_world(signing_alg=alg)
    tokens = await world.tokens()
    claims = await world.verified(tokens.body["id_token"])
    hashing = hashlib.sha512 if alg == "EdDSA" else hashlib.sha256  # Ed25519 hashes with SHA-512 (RFC 8032)
    digest = hashing(tokens.body["access_token"].encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    assert claims["at_hash"] == half
    document = (await world.http.get("/.well-known/openid-configuration")).json()
    assert document["id_token_signing_alg_values_supported"] == [alg]


def test_an_unknown_signing_algorithm_is_refused(make_world: Callable[..., Any]) -> None:
    with pytest.raises(ConfigurationError, match="HS256"):
        make_world(signing_alg="HS256")


@pytest.mark.parametrize("issuer", ["http://localhost:9000/", "http://127.0.0.1:9000/realms/dev"])
async def test_an_issuer_may_have_a_path_or_a_trailing_slash(
    make_world: Callable[..., Any], issuer: str
) -> None:
    world = make_world(issuer=issuer)
    document = (await world.http.get(issuer.rstrip("/") + "/.well-known/openid-configuration")).json()
    assert document["issuer"] == issuer
    page = await world.http.get(document["authorization_endpoint"], params=world.params())
    assert page.status_code == 200
    path = urlsplit(issuer).path.rstrip("/")
    assert f'action="{path}/authorize/choose"' in page.text
    signed_in = await world.http.post(
        f"{path}/authorize/choose", data={"request": urlencode(world.params()), "person": "bob"}
    )
    assert world.answer_of(signed_in)["iss"] == issuer
    assert (await world.http.get(document["jwks_uri"])).json()["keys"]


async def test_discovery_names_endpoints_that_answer(world: Any) -> None:
    document = (await world.http.get("/.well-known/openid-configuration")).json()
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["authorization_response_iss_parameter_supported"] is True
    for name, url in document.items():
        if name.endswith("_endpoint") or name == "jwks_uri":
            assert (await world.http.get(url)).status_code != 404, name


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"client_id": None}, "No client", id="no client"),
        pytest.param({"redirect_uri": None}, "redirect_uri", id="no redirect URI"),
        pytest.param(
            {"redirect_uri": "https://evil.example/cb"}, "redirect_uri", id="redirect off this machine"
        ),
        pytest.param(
            {"redirect_uri": 'http://localhost/"'}, "unusable characters", id="quote in redirect URI"
        ),
        pytest.param({"response_mode": "fragment"}, "response_mode", id="response mode"),
    ],
)
async def test_a_request_that_cannot_be_trusted_ends_on_a_page_without_redirect(
    world: Any, changes: dict[str, str], words: str
) -> None:
    answer = await world.authorize(**changes)
    assert answer.status_code == 400
    assert words in answer.text
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"response_type": "token"}, "unsupported_response_type", id="implicit"),
        pytest.param({"code_challenge": None}, "invalid_request", id="no PKCE"),
        pytest.param({"code_challenge_method": None}, "invalid_request", id="PKCE without method"),
        pytest.param({"code_challenge_method": "plain"}, "invalid_request", id="plain PKCE"),
        pytest.param({"code_challenge": "short"}, "invalid_request", id="challenge too short"),
        pytest.param({"prompt": "none"}, "login_required", id="silent, nobody here"),
        pytest.param({"prompt": "none login"}, "invalid_request", id="none with another prompt"),
        pytest.param({"max_age": "soon"}, "invalid_request", id="max_age no number"),
        pytest.param({"resource": "billing"}, "invalid_target", id="relative resource"),
    ],
)
async def test_a_wrong_request_is_answered_by_an_error_redirect_with_state_and_iss(
    world: Any, changes: dict[str, str], error: str
) -> None:
    response = await world.authorize(**changes)
    if response.status_code == 200:
        response = await world.choose(response, person="alice", level="pwd")
    answer = world.answer_of(response)
    assert answer["error"] == error
    assert answer["state"] == "the-state"
    assert answer["iss"] == "http://localhost:9000"
    assert "code" not in answer


@pytest.mark.parametrize("name", ["state", "nonce", "client_id", "code_challenge", "redirect_uri", "prompt"])
async def test_a_parameter_that_comes_twice_is_refused(world: Any, name: str) -> None:
    pairs = [*world.params().items(), (name, "again")]
    if name == "prompt":
        pairs.append((name, "login"))
    answer = await world.http.get("/authorize", params=pairs)
    assert answer.status_code == 400
    assert "more than once" in answer.text


async def test_too_many_parameters_are_refused(world: Any) -> None:
    answer = await world.http.get("/authorize?" + "&".join(f"p{n}=1" for n in range(70)))
    assert answer.status_code == 400


async def test_authorization_by_post_works_as_by_get(world: Any) -> None:
    page = await world.http.post("/authorize", data=world.params())
    assert page.status_code == 200
    assert "Who do you want to be?" in page.text


@pytest.mark.parametrize(
    "content", [{"json": {}}, {"data": {"x": "y" * 70_000}}], ids=["not a form", "more than 64 KiB"]
)
async def test_a_body_that_is_no_form_or_too_large_is_refused(world: Any, content: dict[str, Any]) -> None:
    for path in ("/authorize", "/token", "/authorize/choose", "/end-session", "/end-session/confirm"):
        assert (await world.http.post(path, **content)).status_code in (400, 413), path


async def test_form_post_answers_a_page_that_posts_the_answer(world: Any) -> None:
    response = await world.sign_in("alice", response_mode="form_post")
    assert response.status_code == 200
    assert f'<form method="post" action="{CALLBACK}">' in response.text
    for name in ("code", "state", "iss"):
        assert f'name="{name}"' in response.text
    assert "form-action 'self' http://127.0.0.1:8000;" in response.headers["content-security-policy"]


async def test_a_query_of_the_redirect_uri_is_kept(world: Any) -> None:
    response = await world.sign_in("alice", redirect_uri=CALLBACK + "?tenant=a")
    assert response.headers["location"].startswith(CALLBACK + "?tenant=a&code=")


async def test_refusing_on_the_page_is_access_denied(world: Any) -> None:
    answer = world.answer_of(await world.choose(await world.authorize(), refuse="yes"))
    assert answer["error"] == "access_denied"
    assert answer["state"] == "the-state"


@pytest.mark.parametrize(
    "form",
    [
        {"person": "mallory"},
        {},
        {"person": "alice", "level": "root"},
        {"person": "alice", "fault": "nonsense"},
        {"person": "alice", "fault": "down"},
    ],
    ids=["unknown person", "nobody", "level not on offer", "unknown fault", "fault for everybody"],
)
async def test_what_the_page_does_not_offer_is_refused(world: Any, form: dict[str, str]) -> None:
    assert (await world.choose(await world.authorize(), **form)).status_code == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://127.0.0.1:8000"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost:9000"}, 303),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({}, 303),
    ],
)
async def test_only_our_own_page_may_pick_somebody(world: Any, headers: dict[str, str], status: int) -> None:
    data = {"request": urlencode(world.params()), "person": "alice"}
    answer = await world.http.post("/authorize/choose", data=data, headers=headers)
    assert answer.status_code == status


# --- the token endpoint


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"code_verifier": "w" * 43}, "invalid_grant", id="another verifier"),
        pytest.param({"code_verifier": None}, "invalid_request", id="no verifier"),
        pytest.param(
            {"redirect_uri": "http://127.0.0.1:8000/other"}, "invalid_grant", id="another redirect URI"
        ),
        pytest.param({"grant_type": "password"}, "unsupported_grant_type", id="another grant"),
        pytest.param({"resource": "relative"}, "invalid_target", id="relative resource"),
        pytest.param({"auth": ("other", "dev-secret")}, "invalid_grant", id="another client"),
        pytest.param({"auth": ("tool", "wrong")}, "invalid_client", id="wrong secret"),
        pytest.param({"auth": None}, "invalid_client", id="no credentials"),
    ],
)
async def test_a_wrong_token_request_is_refused(world: Any, changes: dict[str, Any], error: str) -> None:
    answer = await world.redeem(await world.code(), **changes)
    assert answer.status in (400, 401)
    assert answer.body["error"] == error


async def test_a_code_expires(world: Any) -> None:
    code = await world.code()
    world.clock.now += 60
    assert (await world.redeem(code)).body["error"] == "invalid_grant"


async def test_a_code_is_used_up_by_the_first_attempt_even_a_wrong_one(world: Any) -> None:
    code = await world.code()
    await world.redeem(code, code_verifier="w" * 43)
    assert (await world.redeem(code)).body["error"] == "invalid_grant"


async def test_a_code_that_comes_back_revokes_what_it_brought(world: Any) -> None:
    code = await world.code()
    first = await world.redeem(code)
    assert (await world.userinfo(first.body["access_token"])).status_code == 200
    assert (await world.redeem(code)).body["error"] == "invalid_grant"
    assert (await world.userinfo(first.body["access_token"])).status_code == 401


async def test_an_unknown_code_is_refused(world: Any) -> None:
    assert (await world.redeem("made-up")).body["error"] == "invalid_grant"


async def test_without_openid_there_is_no_id_token(world: Any) -> None:
    tokens = await world.tokens(scope="email", nonce=None)
    assert "id_token" not in tokens.body
    assert (await world.userinfo(tokens.body["access_token"])).status_code == 403


async def test_unknown_scopes_are_left_out_and_scope_decides_the_claims(world: Any) -> None:
    tokens = await world.tokens(scope="openid email admin")
    assert tokens.body["scope"] == "openid email"
    assert "email" in tokens.id_claims
    assert not {"name", "groups", "department"} & set(tokens.id_claims)
    assert "groups" in (await world.tokens(scope="openid groups", prompt="login")).id_claims


async def test_the_nonce_is_only_there_when_it_was_sent(world: Any) -> None:
    assert "nonce" not in (await world.tokens(nonce=None)).id_claims


# --- client authentication


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("header", "works"),
    [
        pytest.param(basic("tool", "a+secret%3A+with+%2B+and+%25"), True, id="form-encoded"),
        pytest.param(basic("tool", "a secret: with + and %"), False, id="not form-encoded"),
        pytest.param(basic("nobody", "x"), False, id="unknown client"),
        pytest.param("Basic !!!", False, id="not base64"),
        pytest.param("Basic " + base64.b64encode(b"\xff\xfe").decode(), False, id="not UTF-8"),
        pytest.param("Bearer x", False, id="another scheme"),
    ],
)
async def test_client_secret_basic_is_form_encoded(
    make_world: Callable[..., Any], registered: Clients, header: str, works: bool
) -> None:
    world = make_world(clients=registered)
    form = {"grant_type": "client_credentials"}
    answer = await world.http.post("/token", data=form, headers={"Authorization": header})
    assert answer.status_code == (200 if works else 401)


async def test_client_secret_post_works(world: Any) -> None:
    answer = await world.redeem(await world.code(), auth=None, client_id="tool", client_secret="dev-secret")
    assert answer.status == 200


async def test_a_public_client_needs_no_secret_but_wrong_credentials_do_not_make_one_public(
    world: Any,
) -> None:
    assert (await world.redeem(await world.code(), auth=None, client_id="tool")).status == 200
    wrong = await world.redeem(await world.code(prompt="login"), auth=("tool", "wrong"), client_id="tool")
    assert wrong.body["error"] == "invalid_client"


async def test_a_confidential_client_may_not_leave_its_secret_out(
    make_world: Callable[..., Any], registered: Clients
) -> None:
    world = make_world(clients=registered)
    assert (await world.redeem(await world.code(), auth=None, client_id="tool")).body[
        "error"
    ] == "invalid_client"


async def test_a_registered_public_client_signs_people_in_and_gets_nothing_for_itself(
    make_world: Callable[..., Any], registered: Clients
) -> None:
    world = make_world(clients=registered)
    world.client_id = "public"
    assert (await world.redeem(await world.code(), auth=None, client_id="public")).status == 200
    own = await world.token(None, grant_type="client_credentials", client_id="public")
    assert own.body["error"] == "invalid_client"


async def test_unregistered_clients_and_redirects_are_refused_once_clients_are_registered(
    make_world: Callable[..., Any], registered: Clients
) -> None:
    world = make_world(clients=registered)
    assert (await world.authorize(client_id="other")).status_code == 400
    assert (await world.authorize(redirect_uri="http://127.0.0.1:8000/elsewhere")).status_code == 400


def pem(key: Any) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def assertion(key: Any, alg: str, **changes: Any) -> str:
    claims = {
        "iss": "tool",
        "sub": "tool",
        "aud": "http://localhost:9000/token",
        "exp": int(time.time()) + 60,
        "jti": "one",
    } | changes
    return jwt.encode(claims, key, algorithm=alg)


KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def with_key(key: Any) -> Clients:
    return Clients([Client(client_id="tool", public_key=pem(key), redirect_uris=(CALLBACK,))])


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
async def test_private_key_jwt_works_once_per_assertion(make_world: Callable[..., Any], alg: str) -> None:
    key: Any = (
        rsa.generate_private_key(65537, 2048) if alg == "RS256" else ec.generate_private_key(ec.SECP256R1())
    )
    world = make_world(clients=with_key(key))
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": KIND,
        "client_assertion": assertion(key, alg),
    }
    assert (await world.token(None, **form)).status == 200
    assert (await world.token(None, **form)).body["error"] == "invalid_client"


@pytest.mark.parametrize(
    "changes",
    [{"aud": "https://other.example"}, {"exp": 1}, {"iss": "other"}, {"sub": "other", "iss": "other"}],
    ids=["audience", "expired", "issuer", "another client"],
)
async def test_a_wrong_assertion_is_refused(make_world: Callable[..., Any], changes: dict[str, Any]) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    world = make_world(clients=with_key(key))
    token = assertion(key, "ES256", **changes)
    answer = await world.token(
        None, grant_type="client_credentials", client_assertion_type=KIND, client_assertion=token
    )
    assert answer.body["error"] == "invalid_client"


async def test_an_assertion_of_a_client_without_a_key_is_refused(world: Any) -> None:
    token = assertion(ec.generate_private_key(ec.SECP256R1()), "ES256")
    answer = await world.token(
        None, grant_type="client_credentials", client_assertion_type=KIND, client_assertion=token
    )
    assert answer.body["error"] == "invalid_client"


async def test_a_client_with_a_key_may_not_use_less(make_world: Callable[..., Any]) -> None:
    world = make_world(clients=with_key(ec.generate_private_key(ec.SECP256R1())))
    assert (await world.token(None, grant_type="client_credentials", client_id="tool")).body["error"]


@pytest.mark.parametrize(
    "key", ["nonsense", pem(ed25519.Ed25519PrivateKey.generate())], ids=["no PEM", "Ed25519"]
)
def test_a_client_key_that_cannot_be_used_is_refused_at_once(key: str) -> None:
    with pytest.raises(ConfigurationError, match="public_key"):
        Client(client_id="tool", public_key=key)


def test_secrets_do_not_show_in_a_repr() -> None:
    assert "hidden" not in repr(Client(client_id="tool", client_secret="hidden"))


# --- client credentials


@pytest.mark.parametrize(
    ("resource", "audience"),
    [
        pytest.param(None, "http://localhost:9000", id="the issuer by default"),
        pytest.param(["api://billing"], "api://billing", id="one resource"),
        pytest.param(
            ["api://a", "https://b.example/"], ["api://a", "https://b.example/"], id="two resources"
        ),
    ],
)
async def test_client_credentials_bring_an_access_token_of_rfc_9068(
    world: Any, resource: list[str] | None, audience: object
) -> None:
    answer = await world.token(
        grant_type="client_credentials", scope="openid offline_access", resource=resource
    )
    token = answer.body["access_token"]
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    claims = await world.verified(token)
    assert claims["aud"] == audience
    assert claims["sub"] == claims["client_id"] == "tool"
    assert claims["exp"] - claims["iat"] == answer.body["expires_in"] == 3600
    assert claims["jti"]
    assert "id_token" not in answer.body
    assert "refresh_token" not in answer.body


async def test_a_persons_access_token_is_for_the_resource_that_was_asked_for(world: Any) -> None:
    tokens = await world.tokens(resource="api://billing")
    assert tokens.access_claims["aud"] == "api://billing"
    assert tokens.access_claims["sub"] == "alice"
    assert tokens.access_claims["amr"] == ["pwd"]


async def test_userinfo_refuses_a_clients_own_token_and_anything_else(world: Any) -> None:
    own = (await world.token(grant_type="client_credentials", scope="openid")).body["access_token"]
    tokens = await world.tokens(scope="openid offline_access")
    assert (await world.userinfo(own)).status_code == 401
    assert (await world.userinfo(tokens.body["refresh_token"])).status_code == 401
    assert (await world.userinfo("made-up")).status_code == 401
    assert (await world.http.get("/userinfo")).status_code == 401
    world.clock.now += 3600
    assert (await world.userinfo(tokens.body["access_token"])).status_code == 401


# --- refresh, revocation, introspection


async def refreshed(world: Any, token: str, **changes: Any) -> Any:
    return await world.token(grant_type="refresh_token", refresh_token=token, **changes)


async def test_refresh_rotates_and_keeps_who_and_when(world: Any) -> None:
    first = await world.tokens("bob", scope="openid profile offline_access")
    world.clock.now += 100
    second = await refreshed(world, first.body["refresh_token"])
    assert second.status == 200
    assert second.body["refresh_token"] != first.body["refresh_token"]
    claims = await world.verified(second.body["id_token"])
    assert claims["sub"] == "bob"
    assert claims["auth_time"] == claims["iat"] - 100
    assert "nonce" not in claims
    third = await refreshed(world, second.body["refresh_token"])
    assert third.status == 200


async def test_an_old_refresh_token_that_comes_back_revokes_the_family(world: Any) -> None:
    other = await world.tokens("bob", scope="openid")
    first = await world.tokens(scope="openid offline_access", prompt="login")
    second = await refreshed(world, first.body["refresh_token"])
    assert (await refreshed(world, first.body["refresh_token"])).body["error"] == "invalid_grant"
    assert (await refreshed(world, second.body["refresh_token"])).body["error"] == "invalid_grant"
    assert (await world.userinfo(second.body["access_token"])).status_code == 401
    assert (await world.userinfo(other.body["access_token"])).status_code == 200


async def test_a_refresh_may_narrow_the_scope_and_never_widen_it(world: Any) -> None:
    first = await world.tokens(scope="openid email offline_access")
    wider = await refreshed(world, first.body["refresh_token"], scope="openid profile")
    assert wider.body["error"] == "invalid_scope"
    second = await refreshed(world, first.body["refresh_token"], scope="openid offline_access")
    assert second.body["scope"] == "openid offline_access"
    assert "email" not in second.id_claims


@pytest.mark.parametrize(
    "auth", [("other", "dev-secret"), ("tool", "wrong")], ids=["another client", "wrong secret"]
)
async def test_only_its_client_can_use_a_refresh_token_and_others_do_no_harm(
    world: Any, auth: tuple[str, str]
) -> None:
    first = await world.tokens(scope="openid offline_access")
    assert (await refreshed(world, first.body["refresh_token"], auth=auth)).status in (400, 401)
    assert (await refreshed(world, first.body["refresh_token"])).status == 200


async def test_an_unknown_refresh_token_is_refused(world: Any) -> None:
    assert (await refreshed(world, "made-up")).body["error"] == "invalid_grant"


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
async def test_revoking_one_token_revokes_its_family(world: Any, which: str) -> None:
    tokens = await world.tokens(scope="openid offline_access")
    form = {"token": tokens.body[which], "token_type_hint": which}
    assert (await world.http.post("/revoke", data=form, auth=("tool", "dev-secret"))).status_code == 200
    assert (await world.userinfo(tokens.body["access_token"])).status_code == 401
    assert (await refreshed(world, tokens.body["refresh_token"])).body["error"] == "invalid_grant"


async def test_a_client_revokes_its_own_token_and_nobody_elses(world: Any) -> None:
    own = (await world.token(grant_type="client_credentials")).body["access_token"]
    other = await world.http.post("/revoke", data={"token": own}, auth=("other", "dev-secret"))
    assert other.status_code == 400
    assert await is_active(world, own)
    assert (
        await world.http.post("/revoke", data={"token": own}, auth=("tool", "dev-secret"))
    ).status_code == 200
    assert not await is_active(world, own)


async def is_active(world: Any, token: str) -> bool:
    answer = await world.http.post("/introspect", data={"token": token}, auth=("tool", "dev-secret"))
    assert answer.status_code == 200
    return bool(answer.json()["active"])


async def test_introspection_tells_confidential_clients_about_a_token(world: Any) -> None:
    tokens = await world.tokens("bob")
    form = {"token": tokens.body["access_token"]}
    answer = (await world.http.post("/introspect", data=form, auth=("tool", "dev-secret"))).json()
    assert (answer["active"], answer["sub"], answer["client_id"]) == (True, "bob", "tool")
    assert (await world.http.post("/introspect", data=form | {"client_id": "tool"})).status_code == 401
    assert not await is_active(world, "made-up")
    own = (await world.token(grant_type="client_credentials")).body["access_token"]
    assert (await world.http.post("/introspect", data={"token": own}, auth=("tool", "dev-secret"))).json()[
        "sub"
    ] == "tool"


async def test_no_token_is_logged_even_at_debug(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    tokens = await world.tokens(scope="openid offline_access")
    for name in ("access_token", "id_token", "refresh_token"):
        assert tokens.body[name] not in caplog.text
