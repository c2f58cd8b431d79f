"""Each fault does what its sentence says. A fault without a test here fails the last test."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any

import jwt
import pytest

from idaware.devidp.faults import FAULTS, PER_LOGIN

pytestmark = pytest.mark.anyio

Check = Callable[[Any], Awaitable[None]]
CHECKS: dict[str, Check] = {}


def shows(name: str) -> Callable[[Check], Check]:
    """The decorated check shows fault ``name``, which is on when it runs."""

    def register(check: Check) -> Check:
        CHECKS[name] = check
        return check

    return register


def header_of(token: str) -> dict[str, Any]:
    return jwt.get_unverified_header(token)


def response_error(name: str) -> None:
    @shows(name)
    async def check(world: Any) -> None:
        answer = world.answer_of(await world.authorize())
        assert answer == {
            "error": name,
            "error_description": "As requested.",
            "state": "the-state",
            "iss": "http://localhost:9000",
        }


for error in ("access_denied", "login_required", "temporarily_unavailable", "server_error"):
    response_error(error)


def response_shows(name: str, expected: Callable[[dict[str, str]], bool]) -> None:
    @shows(name)
    async def check(world: Any) -> None:
        assert expected(world.answer_of(await world.sign_in()))


response_shows("response_wrong_issuer", lambda answer: answer["iss"] == "https://another-issuer.example")
response_shows("response_missing_issuer", lambda answer: "iss" not in answer and "code" in answer)
response_shows("response_wrong_state", lambda answer: answer["state"] not in ("", "the-state"))
response_shows("response_missing_state", lambda answer: "state" not in answer and "code" in answer)


@shows("response_wrong_code")
async def _(world: Any) -> None:
    code = world.answer_of(await world.sign_in())["code"]
    assert (await world.redeem(code)).body["error"] == "invalid_grant"


@shows("response_duplicate_parameters")
async def _(world: Any) -> None:
    location = (await world.sign_in()).headers["location"]
    assert location.count("code=") == location.count("state=") == location.count("iss=") == 2


def id_token_shows(name: str, expected: Callable[[dict[str, Any], int], bool]) -> None:
    """The ID token carries a good signature, and claims that ``expected`` finds wrong in the right way."""

    @shows(name)
    async def check(world: Any) -> None:
        claims = await world.verified((await world.tokens()).body["id_token"])
        assert expected(claims, int(world.clock()))


id_token_shows("wrong_nonce", lambda claims, now: claims["nonce"] != "the-nonce")
id_token_shows("missing_nonce", lambda claims, now: "nonce" not in claims)
id_token_shows("wrong_issuer", lambda claims, now: claims["iss"] == "https://another-issuer.example")
id_token_shows("wrong_audience", lambda claims, now: claims["aud"] == "another-client")
id_token_shows(
    "extra_audience", lambda claims, now: claims["aud"] == ["tool", "another-client"] and "azp" not in claims
)
id_token_shows(
    "foreign_azp",
    lambda claims, now: claims["aud"] == ["tool", "another-client"] and claims["azp"] == "another-client",
)
id_token_shows("expired", lambda claims, now: claims["iat"] < claims["exp"] == now - 3600)
id_token_shows("clock_ahead", lambda claims, now: claims["iat"] == now + 600 == claims["exp"] - 300)
id_token_shows("clock_behind", lambda claims, now: claims["iat"] == now - 600 == claims["exp"] - 300)
id_token_shows("missing_sub", lambda claims, now: "sub" not in claims)
id_token_shows("missing_exp", lambda claims, now: "exp" not in claims)
id_token_shows("missing_iat", lambda claims, now: "iat" not in claims)
id_token_shows("old_auth_time", lambda claims, now: claims["auth_time"] == now - 86_400)
id_token_shows("no_at_hash", lambda claims, now: "at_hash" not in claims)


@shows("wrong_at_hash")
async def _(world: Any) -> None:
    first, second = await world.tokens(), await world.tokens(prompt="login")
    assert first.body["access_token"] != second.body["access_token"]
    assert first.id_claims["at_hash"] == second.id_claims["at_hash"]


@shows("wrong_signature")
async def _(world: Any) -> None:
    token = (await world.tokens()).body["id_token"]
    assert header_of(token)["kid"] == world.provider.keys.current.kid
    with pytest.raises(jwt.InvalidSignatureError):
        await world.verified(token)


@shows("alg_none")
async def _(world: Any) -> None:
    token = (await world.tokens()).body["id_token"]
    assert header_of(token)["alg"] == "none"
    assert token.endswith(".")


@shows("alg_hs256")
async def _(world: Any) -> None:
    token = (await world.tokens()).body["id_token"]
    assert header_of(token)["alg"] == "HS256"
    signed, _, signature = token.rpartition(".")
    mac = hmac.digest(world.provider.keys.current.public_pem, signed.encode(), "sha256")
    assert signature == base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


@shows("access_token_as_id_token")
async def _(world: Any) -> None:
    tokens = await world.tokens()
    assert tokens.body["id_token"] == tokens.body["access_token"]
    assert header_of(tokens.body["id_token"])["typ"] == "at+jwt"


@shows("no_id_token")
async def _(world: Any) -> None:
    tokens = await world.tokens()
    assert tokens.status == 200
    assert "id_token" not in tokens.body


@shows("stale_keys")
async def _(world: Any) -> None:
    kid = header_of((await world.tokens()).body["id_token"])["kid"]
    assert kid == world.provider.keys.stranger.kid
    assert kid not in [key["kid"] for key in (await world.http.get("/jwks")).json()["keys"]]


@shows("rotated_keys")
async def _(world: Any) -> None:
    old = world.provider.keys.current.kid
    token = (await world.tokens()).body["id_token"]
    assert header_of(token)["kid"] != old
    assert (await world.verified(token))["sub"] == "alice"
    assert old in [key["kid"] for key in (await world.http.get("/jwks")).json()["keys"]]


def groups_show(
    name: str, in_id_token: Callable[[dict[str, Any]], bool], in_userinfo: Callable[[dict[str, Any]], bool]
) -> None:
    @shows(name)
    async def check(world: Any) -> None:
        tokens = await world.tokens()
        assert in_id_token(tokens.id_claims)
        assert in_userinfo((await world.userinfo(tokens.body["access_token"])).json())


def left_out(claims: dict[str, Any]) -> bool:
    return "groups" not in claims and claims["_claim_names"] == {"groups": "src1"}


def absent(claims: dict[str, Any]) -> bool:
    return not {"groups", "_claim_names"} & set(claims)


groups_show("groups_missing", absent, absent)
groups_show("groups_overage", left_out, left_out)
groups_show("groups_only_in_userinfo", absent, lambda claims: claims["groups"] == ["sre", "engineering"])
groups_show(
    "groups_text",
    lambda claims: claims["groups"] == "sre,engineering",
    lambda claims: claims["groups"] == "sre,engineering",
)


@shows("scope_not_granted")
async def _(world: Any) -> None:
    tokens = await world.tokens()
    assert tokens.body["scope"] == "openid"
    assert not {"groups", "email", "name"} & set(tokens.id_claims)


@shows("userinfo_sub_mismatch")
async def _(world: Any) -> None:
    tokens = await world.tokens()
    assert (await world.userinfo(tokens.body["access_token"])).json()["sub"] != tokens.id_claims["sub"]


@shows("userinfo_401")
async def _(world: Any) -> None:
    answer = await world.userinfo((await world.tokens()).body["access_token"])
    assert answer.status_code == 401
    assert "invalid_token" in answer.headers["www-authenticate"]


def token_endpoint_shows(name: str, status: int, expected: Callable[[Any], bool]) -> None:
    @shows(name)
    async def check(world: Any) -> None:
        form = {
            "grant_type": "authorization_code",
            "code": await world.code(),
            "redirect_uri": "http://127.0.0.1:8000/_idaware/callback",
            "code_verifier": "v" * 43,
        }
        answer = await world.http.post("/token", data=form, auth=("tool", "dev-secret"))
        assert answer.status_code == status
        assert expected(answer)


token_endpoint_shows("token_500", 500, lambda answer: answer.headers["content-type"] == "text/plain")
token_endpoint_shows("token_invalid_client", 401, lambda answer: answer.json() == {"error": "invalid_client"})
token_endpoint_shows("token_invalid_grant", 400, lambda answer: answer.json() == {"error": "invalid_grant"})
token_endpoint_shows("token_html", 200, lambda answer: answer.text.startswith("<!doctype html>"))
token_endpoint_shows("token_empty", 400, lambda answer: answer.content == b"")
token_endpoint_shows("token_429", 429, lambda answer: answer.headers["retry-after"] == "30")
token_endpoint_shows("token_redirect", 307, lambda answer: answer.headers["location"].endswith(":9/token"))
token_endpoint_shows("token_huge", 200, lambda answer: len(answer.content) > 2_000_000)


async def discovery(world: Any) -> Any:
    return await world.http.get("/.well-known/openid-configuration")


@shows("discovery_redirect")
async def _(world: Any) -> None:
    answer = await discovery(world)
    assert answer.status_code == 302
    assert (await world.http.get(answer.headers["location"])).json()["issuer"] == "http://localhost:9000"


@shows("discovery_huge")
async def _(world: Any) -> None:
    assert len((await discovery(world)).content) > 2_000_000


@shows("discovery_other_issuer")
async def _(world: Any) -> None:
    assert (await discovery(world)).json()["issuer"] == "https://another-issuer.example"


@shows("discovery_plain_http")
async def _(world: Any) -> None:
    assert (await discovery(world)).json()["token_endpoint"] == "http://provider.example/token"


@shows("discovery_html")
async def _(world: Any) -> None:
    assert (await discovery(world)).headers["content-type"] == "text/html"


@shows("jwks_empty")
async def _(world: Any) -> None:
    assert (await world.http.get("/jwks")).json() == {"keys": []}


@shows("jwks_html")
async def _(world: Any) -> None:
    assert (await world.http.get("/jwks")).text.startswith("<!doctype html>")


@shows("down")
async def _(world: Any) -> None:
    for path in ("/.well-known/openid-configuration", "/jwks", "/authorize", "/userinfo", "/end-session"):
        assert (await world.http.get(path)).status_code == 503, path
    assert (await world.http.post("/token")).status_code == 503
    assert (await world.http.get("/")).status_code == 200


@shows("slow")
async def _(world: Any) -> None:
    assert (await world.http.get("/jwks")).status_code == 200
    assert world.slept == [3.0]


@pytest.mark.parametrize("name", list(FAULTS))
async def test_a_fault_that_is_switched_on_does_what_it_says(world: Any, name: str) -> None:
    world.provider.faults.set("slow:3" if name == "slow" else name)
    await CHECKS[name](world)


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.where in PER_LOGIN])
async def test_a_fault_for_one_sign_in_happens_once(world: Any, name: str) -> None:
    if name == "wrong_at_hash":
        world.provider.faults.next_login(name, times=2)
    else:
        world.provider.faults.next_login(name)
    await CHECKS[name](world)
    assert world.provider.faults.waiting == ()
    await good_login(world)


@pytest.mark.parametrize(
    "name", [name for name, fault in FAULTS.items() if fault.where in PER_LOGIN and name != "wrong_at_hash"]
)
async def test_a_fault_chosen_on_the_page_is_for_that_sign_in(world: Any, name: str) -> None:
    authorize, choose = world.authorize, world.choose

    async def choose_badly(page: Any, **form: str) -> Any:
        return await choose(page, **form, fault=name)

    async def authorize_and_choose(**changes: Any) -> Any:
        return await choose_badly(await authorize(**changes), person="alice", level="pwd")

    world.choose = choose_badly
    if name in ("access_denied", "login_required", "temporarily_unavailable", "server_error"):
        world.authorize = authorize_and_choose
    await CHECKS[name](world)
    world.authorize, world.choose = authorize, choose
    await good_login(world)


async def good_login(world: Any) -> None:
    tokens = await world.tokens(prompt="login")
    claims = await world.verified(tokens.body["id_token"])
    assert (claims["sub"], claims["nonce"], claims["groups"]) == (
        "alice",
        "the-nonce",
        ["sre", "engineering"],
    )
    assert (await world.userinfo(tokens.body["access_token"])).json()["sub"] == "alice"


def test_every_fault_is_shown_and_nothing_else_is() -> None:
    assert set(CHECKS) == set(FAULTS)


@pytest.mark.parametrize(("fault", "down"), [("down:jwks", {"jwks"}), ("down:token", {"token"})])
async def test_one_endpoint_can_be_down_alone(world: Any, fault: str, down: set[str]) -> None:
    world.provider.faults.set(fault)
    statuses = {
        "jwks": (await world.http.get("/jwks")).status_code,
        "discovery": (await discovery(world)).status_code,
        "token": (await world.http.post("/token")).status_code,
    }
    assert {name for name, status in statuses.items() if status == 503} == down


async def test_one_endpoint_can_be_slow_alone(world: Any) -> None:
    world.provider.faults.set("slow:0.5:token")
    await world.http.get("/jwks")
    await world.http.post("/token")
    assert world.slept == [0.5]


async def test_a_wrong_clock_shows_in_the_date_header(world: Any) -> None:
    right = (await discovery(world)).headers["date"]
    world.provider.faults.set("clock_ahead")
    wrong = (await discovery(world)).headers["date"]
    world.clock.now += 600
    world.provider.faults.clear()
    assert right != wrong == (await discovery(world)).headers["date"]


async def test_two_faults_at_once_both_happen(world: Any) -> None:
    world.provider.faults.next_login("access_denied", "response_missing_issuer")
    answer = world.answer_of(await world.authorize())
    assert (answer["error"], "iss" in answer) == ("access_denied", False)


async def test_an_error_of_its_own_does_not_use_up_a_fault_for_the_next_sign_in(world: Any) -> None:
    world.provider.faults.next_login("wrong_nonce")
    assert world.answer_of(await world.authorize(prompt="none"))["error"] == "login_required"
    assert (await world.tokens()).id_claims["nonce"] != "the-nonce"


async def test_a_fault_of_a_sign_in_follows_it_through_userinfo_and_not_into_others(world: Any) -> None:
    world.provider.faults.next_login("userinfo_sub_mismatch")
    bad = await world.tokens()
    good = await world.tokens(prompt="login")
    assert (await world.userinfo(good.body["access_token"])).json()["sub"] == "alice"
    assert (await world.userinfo(bad.body["access_token"])).json()["sub"] == "somebody-else"


async def test_faults_apply_to_form_post_answers_too(world: Any) -> None:
    world.provider.faults.next_login("response_missing_issuer")
    assert 'name="iss"' not in (await world.sign_in(response_mode="form_post")).text


async def test_endpoints_are_counted(world: Any) -> None:
    await world.http.get("/jwks")
    await world.http.get("/jwks")
    await world.http.get("/")
    assert world.provider.hits == {"jwks": 2}


async def test_the_keys_document_may_be_kept_for_five_minutes(world: Any) -> None:
    answer = await world.http.get("/jwks")
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert json.loads(answer.content)["keys"][0]["use"] == "sig"
