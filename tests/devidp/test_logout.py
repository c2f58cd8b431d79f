"""Signing out: with a confirmation, to registered addresses only, and the other applications are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import anyio
import httpx2
import jwt
import pytest

from idaware.devidp import Client, Clients
from idaware.devidp.logout import BACKCHANNEL_SECONDS
from idaware.devidp.tokens import BACKCHANNEL_EVENT

pytestmark = pytest.mark.anyio

BYE = "http://127.0.0.1:8000/bye"
CALLBACK = "http://127.0.0.1:8000/_idaware/callback"


async def end_session(world: Any, **params: str) -> Any:
    return await world.http.get("/end-session", params=params)


async def confirm(world: Any, answer: str = "yes", **params: str) -> Any:
    page = await end_session(world, **params)
    assert page.status_code == 200, page.text
    found = page.text.split('name="request" value="')[1].split('"')[0].replace("&amp;", "&")
    return await world.http.post("/end-session/confirm", data={"request": found, "answer": answer})


async def is_here(world: Any) -> bool:
    return "code" in world.answer_of(await world.authorize(prompt="none"))


async def test_signing_out_asks_then_ends_the_session_and_goes_back_with_state(world: Any) -> None:
    await world.sign_in("alice")
    response = await confirm(world, client_id="tool", post_logout_redirect_uri=BYE, state="s&1")
    assert response.status_code == 303
    assert response.headers["location"] == BYE + "?state=s%261"
    assert not await is_here(world)


async def test_the_question_names_who_is_here_and_who_asks(world: Any) -> None:
    await world.sign_in("alice")
    page = await end_session(world, client_id="tool")
    assert "Alice Ahlgren" in page.text
    assert "<code>tool</code>" in page.text
    assert await is_here(world)


async def test_saying_no_changes_nothing(world: Any) -> None:
    await world.sign_in("alice")
    response = await confirm(world, "no", client_id="tool", post_logout_redirect_uri=BYE)
    assert "still signed in" in response.text
    assert await is_here(world)


async def test_without_an_address_it_ends_on_a_page(world: Any) -> None:
    await world.sign_in("alice")
    response = await confirm(world)
    assert "You are signed out" in response.text
    assert not await is_here(world)


async def test_where_nobody_is_signed_in_it_goes_straight_on(world: Any) -> None:
    response = await end_session(world, client_id="tool", post_logout_redirect_uri=BYE + "?x=1", state="s")
    assert response.headers["location"] == BYE + "?x=1&state=s"
    assert "You are signed out" in (await end_session(world)).text


async def test_with_automatic_sign_in_nobody_is_asked(world: Any) -> None:
    world.provider.auto_sign_in("alice")
    await world.authorize()
    response = await end_session(world, client_id="tool", post_logout_redirect_uri=BYE)
    assert response.headers["location"] == BYE
    assert not await is_here(world)


async def test_an_id_token_hint_names_the_client_however_old_and_whichever_key_signed_it(world: Any) -> None:
    hint = (await world.tokens()).body["id_token"]
    world.clock.now += 90_000
    world.provider.keys.rotate()
    page = await world.http.post(
        "/end-session", data={"id_token_hint": hint, "post_logout_redirect_uri": BYE}
    )
    assert "<code>tool</code>" in page.text


@pytest.mark.parametrize(
    ("params", "words"),
    [
        pytest.param({"post_logout_redirect_uri": BYE}, "post_logout_redirect_uri", id="no client"),
        pytest.param(
            {"client_id": "tool", "post_logout_redirect_uri": "https://evil.example/"},
            "post_logout_redirect_uri",
            id="address off this machine",
        ),
        pytest.param({"id_token_hint": "nonsense"}, "id_token_hint", id="hint is no token"),
        pytest.param(
            {"id_token_hint": jwt.encode({"aud": "tool"}, "k" * 32, headers={"kid": "?"})},
            "id_token_hint",
            id="hint with an unknown key",
        ),
    ],
)
async def test_a_wrong_sign_out_ends_on_a_page_and_signs_nobody_out(
    world: Any, params: dict[str, str], words: str
) -> None:
    await world.sign_in("alice")
    response = await end_session(world, **params)
    assert response.status_code == 400
    assert words in response.text
    forced = await world.http.post(
        "/end-session/confirm", data={"request": httpx2.QueryParams(params), "answer": "yes"}
    )
    assert forced.status_code == 400
    assert await is_here(world)


async def test_a_hint_with_a_foreign_signature_is_refused(world: Any) -> None:
    keys = world.provider.keys
    forged = keys.stranger.sign({"aud": "tool", "iss": world.provider.issuer}, kid=keys.current.kid)
    assert (await end_session(world, id_token_hint=forged)).status_code == 400


async def test_a_hint_of_another_issuer_or_without_audience_is_refused(world: Any) -> None:
    sign = world.provider.keys.current.sign
    assert (
        await end_session(world, id_token_hint=sign({"aud": "x", "iss": "https://o.example"}))
    ).status_code == 400
    assert (await end_session(world, id_token_hint=sign({"iss": world.provider.issuer}))).status_code == 400


async def test_a_client_id_that_is_not_the_hints_is_refused(world: Any) -> None:
    hint = (await world.tokens()).body["id_token"]
    assert (await end_session(world, id_token_hint=hint, client_id="other")).status_code == 400
    assert (await end_session(world, id_token_hint=hint, client_id="tool")).status_code == 200


async def test_a_registered_client_goes_back_only_where_it_registered(
    make_world: Callable[..., Any], registered: Clients
) -> None:
    world = make_world(clients=registered)
    good = await end_session(world, client_id="tool", post_logout_redirect_uri=BYE)
    assert good.headers["location"] == BYE
    bad = await end_session(world, client_id="tool", post_logout_redirect_uri=BYE + "/x")
    assert bad.status_code == 400


async def test_another_sites_page_cannot_confirm(world: Any) -> None:
    await world.sign_in("alice")
    data = {"request": "", "answer": "yes"}
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert (await world.http.post("/end-session/confirm", data=data, headers=headers)).status_code == 403
    assert await is_here(world)


# --- the back channel


def listening(*names: str) -> Clients:
    return Clients(
        [
            Client(
                client_id=name,
                redirect_uris=(CALLBACK,),
                backchannel_logout_uri=f"http://127.0.0.1:8000/{name}/backchannel",
            )
            for name in names
        ]
    )


async def test_every_application_that_listens_gets_a_logout_token(make_world: Callable[..., Any]) -> None:
    received: dict[str, str] = {}

    def answer(request: httpx2.Request) -> httpx2.Response:
        form = parse_qs(request.content.decode())
        received[request.url.path] = form["logout_token"][0]
        return httpx2.Response(200 if "one" in request.url.path else 400)

    world = make_world(clients=listening("one", "two", "three"), transport=httpx2.MockTransport(answer))
    for client in ("one", "two"):
        world.client_id = client
        response = await (world.sign_in("bob") if client == "one" else world.authorize())
        assert "code" in world.answer_of(response)
    told = await confirm(world)
    assert set(received) == {"/one/backchannel", "/two/backchannel"}
    assert "<code>one</code> knows" in told.text
    assert "<code>two</code> did not answer" in told.text


async def test_a_logout_token_has_the_shape_of_the_specification(make_world: Callable[..., Any]) -> None:
    received: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        received.append(parse_qs(request.content.decode())["logout_token"][0])
        return httpx2.Response(204)

    world = make_world(clients=listening("tool"), transport=httpx2.MockTransport(answer))
    tokens = await world.redeem(await world.code("bob"), auth=None, client_id="tool")
    assert await world.provider.sign_out_everywhere("bob") == {"tool": True}
    [token] = received
    assert jwt.get_unverified_header(token)["typ"] == "logout+jwt"
    claims = await world.verified(token)
    now = int(world.clock())
    assert claims.pop("jti")
    assert claims == {
        "iss": "http://localhost:9000",
        "sub": "bob",
        "aud": "tool",
        "iat": now,
        "exp": now + 120,
        "events": {BACKCHANNEL_EVENT: {}},
        "sid": tokens.id_claims["sid"],
    }
    assert not await is_here(world)
    assert await world.provider.sign_out_everywhere("alice") == {}


async def test_an_application_that_cannot_be_reached_does_not_stop_the_sign_out(
    make_world: Callable[..., Any],
) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    world = make_world(clients=listening("tool"), transport=httpx2.MockTransport(answer))
    await world.sign_in("bob")
    assert "did not answer" in (await confirm(world)).text


async def test_an_application_that_hangs_is_given_up(
    make_world: Callable[..., Any], monkeypatch: Any
) -> None:
    assert BACKCHANNEL_SECONDS == 2.5
    monkeypatch.setattr("idaware.devidp.logout.BACKCHANNEL_SECONDS", 0.01)

    async def answer(request: httpx2.Request) -> httpx2.Response:
        await anyio.sleep_forever()
        raise AssertionError

    world = make_world(clients=listening("tool"), transport=httpx2.MockTransport(answer))
    await world.sign_in("bob")
    assert await world.provider.sign_out_everywhere("bob") == {"tool": False}


async def test_somebody_else_in_another_browser_stays(world: Any) -> None:
    await world.sign_in("bob")
    assert await world.provider.sign_out_everywhere("alice") == {}
    assert await is_here(world)
