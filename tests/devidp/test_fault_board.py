"""How faults are named, switched on and off, and by whom."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idaware.devidp.faults import FAULTS, Active, FaultBoard, parse_fault
from idaware.devidp.state import PATHS
from idaware.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "active"),
    [
        ("wrong_nonce", Active("wrong_nonce")),
        (" down ", Active("down")),
        ("down:userinfo", Active("down", endpoint="userinfo")),
        ("slow:1.5", Active("slow", 1.5)),
        ("slow:2:jwks", Active("slow", 2.0, "jwks")),
    ],
)
def test_faults_are_read(text: str, active: Active) -> None:
    assert parse_fault(text) == active


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("wrong_nonse", "did you mean 'wrong_nonce'"),
        ("", "unknown fault"),
        ("zzz", "unknown fault"),
        ("wrong_nonce:1", "takes nothing after a colon"),
        ("down:a:b", "takes nothing after a colon"),
        ("down:login", "unknown endpoint"),
        ("slow", "expected slow:SECONDS"),
        ("slow:1:token:x", "expected slow:SECONDS"),
        ("slow:soon", "not a number"),
        ("slow:-1", "not between"),
        ("slow:nan", "not between"),
        ("slow:1:login", "unknown endpoint"),
    ],
)
def test_what_is_no_fault_is_refused_with_a_reason(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        parse_fault(text)


@given(
    st.text(max_size=30)
    | st.sampled_from(["slow", "down"]).flatmap(lambda n: st.text().map(lambda t: f"{n}:{t}"))
)
def test_any_text_is_a_fault_or_a_configuration_error(text: str) -> None:
    with suppress(ConfigurationError):
        assert parse_fault(text).name in FAULTS


def test_every_fault_has_a_sentence_and_endpoints_are_those_that_exist() -> None:
    from idaware.devidp.faults import ENDPOINTS

    assert all(fault.sentence.endswith(".") for fault in FAULTS.values())
    assert set(ENDPOINTS) == set(PATHS)


def test_a_board_keeps_one_fault_for_each_endpoint_and_clears_by_name() -> None:
    board = FaultBoard()
    board.set("down:jwks", "down:token", "wrong_nonce", "slow:1", "slow:2")
    assert [(active.name, active.endpoint) for active in board.always] == [
        ("down", "jwks"),
        ("down", "token"),
        ("wrong_nonce", None),
        ("slow", None),
    ]
    board.clear("down")
    assert board.names() == {"wrong_nonce", "slow"}
    board.next_login("missing_sub", times=2)
    board.clear("slow")
    assert len(board.waiting) == 2
    board.clear()
    assert board.always == board.waiting == ()


def test_nothing_of_a_wrong_list_is_switched_on() -> None:
    board = FaultBoard()
    with pytest.raises(ConfigurationError):
        board.set("wrong_nonce", "nonsense")
    assert board.always == ()


@pytest.mark.parametrize("name", ["down", "slow:1", "jwks_empty", "discovery_huge"])
def test_what_happens_to_everybody_cannot_happen_to_one_sign_in(name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot happen to one sign-in alone"):
        FaultBoard().next_login(name)


# --- /faults, /keys/rotate, /auto-sign-in


@pytest.mark.anyio
async def test_faults_are_switched_by_other_programs_as_json(world: Any) -> None:
    wish = {"set": ["down:token", "slow:2:jwks"], "next_login": ["wrong_nonce"], "times": 2}
    answer = (await world.http.post("/faults", json=wish)).json()
    assert answer["always"] == ["down:token", "slow:2:jwks"]
    assert answer["next_logins"] == [["wrong_nonce"], ["wrong_nonce"]]
    assert set(answer["known"]) == set(FAULTS)
    assert (await world.http.get("/faults")).json() == answer
    answer = (await world.http.post("/faults", json={"clear": ["down"]})).json()
    assert answer["always"] == ["slow:2:jwks"]
    assert (await world.http.delete("/faults")).json()["always"] == []
    assert world.provider.faults.waiting == ()


@pytest.mark.anyio
@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b'{"sett": []}', b'{"set": ["nonsense"]}', b'{"next_login": ["down"]}', b"x" * 70_000],
    ids=["empty", "a list", "unknown key", "unknown fault", "not for one sign-in", "too large"],
)
async def test_a_wrong_wish_is_refused(world: Any, content: bytes) -> None:
    answer = await world.http.post("/faults", content=content)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert world.provider.faults.always == ()


@pytest.mark.anyio
async def test_faults_are_switched_by_the_forms_of_our_page(world: Any) -> None:
    for _ in range(2):
        answer = await world.http.post("/faults", data={"set": "jwks_empty"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/#faults")
    assert "Switch jwks_empty off" in (await world.http.get("/")).text
    await world.http.post("/faults", data={"clear": "jwks_empty"})
    assert world.provider.faults.always == ()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/faults"), ("DELETE", "/faults"), ("POST", "/keys/rotate"), ("POST", "/auto-sign-in")],
)
async def test_another_sites_page_cannot_use_the_switches(world: Any, method: str, path: str) -> None:
    kid = world.provider.keys.current.kid
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://127.0.0.1:8000"}):
        answer = await world.http.request(method, path, headers=headers, json={"set": ["down"], "sub": "bob"})
        assert answer.status_code == 403
    assert world.provider.faults.always == ()
    assert world.provider.keys.current.kid == kid
    assert world.provider.state.auto is None


@pytest.mark.anyio
async def test_with_faults_closed_nobody_is_offered_any(make_world: Callable[..., Any]) -> None:
    world = make_world(faults=False)
    assert (await world.http.get("/faults")).status_code == 404
    assert (await world.http.post("/faults", json={"set": ["down"]})).status_code == 404
    page = await world.authorize()
    assert "go wrong" not in page.text
    assert "go wrong" not in (await world.http.get("/")).text
    answer = await world.choose(page, person="alice", fault="missing_sub")
    assert (await world.redeem(world.answer_of(answer)["code"])).id_claims["sub"] == "alice"


@pytest.mark.anyio
async def test_keys_rotate_on_request_and_the_previous_one_stays_for_a_while(world: Any) -> None:
    first = world.provider.keys.current.kid
    token = (await world.tokens()).body["id_token"]
    second = (await world.http.post("/keys/rotate")).json()["kid"]
    assert await world.verified(token)
    browser = await world.http.post("/keys/rotate", headers={"Accept": "text/html"})
    assert (browser.status_code, browser.headers["location"]) == (303, "/")
    kids = [key["kid"] for key in (await world.http.get("/jwks")).json()["keys"]]
    assert second in kids
    assert first not in kids
    assert world.provider.keys.rotate(keep=0).kid
    assert len(world.provider.keys.published) == 1


@pytest.mark.anyio
async def test_automatic_sign_in_is_switched_by_other_programs(world: Any) -> None:
    answer = await world.http.post("/auto-sign-in", json={"sub": "bob", "level": "mfa"})
    assert answer.json() == {"sub": "bob", "level": "mfa"}
    tokens = await world.redeem(world.answer_of(await world.authorize())["code"])
    assert (tokens.id_claims["sub"], tokens.id_claims["amr"]) == ("bob", ["pwd", "mfa"])
    assert (await world.http.post("/auto-sign-in", json={"sub": "mallory"})).status_code == 400
    assert (await world.http.post("/auto-sign-in", json={"sub": None})).status_code == 200
    assert world.provider.state.auto is None
