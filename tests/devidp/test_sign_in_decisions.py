"""When somebody is asked, when not, and what the answer says about how they signed in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idaware.devidp.authorize import (
    Question,
    levels_on_offer,
    methods,
    next_step,
    parse_acr_values,
    parse_max_age,
)
from idaware.devidp.memory import SignIn
from idaware.devidp.people import Person
from idaware.errors import ConfigurationError

ALICE = Person(sub="alice")
BOB = Person(sub="bob")
HERE = SignIn(person=ALICE, auth_time=1000, acr="pwd", amr=("pwd",), sid="s")


@pytest.mark.parametrize(
    ("question", "sign_in", "step"),
    [
        pytest.param({}, None, "ask", id="nobody here"),
        pytest.param({"prompt": {"none"}}, None, "login_required", id="nobody here, silent"),
        pytest.param({}, HERE, "go", id="somebody here"),
        pytest.param({"prompt": {"none"}}, HERE, "go", id="somebody here, silent"),
        pytest.param({"prompt": {"login"}}, HERE, "ask", id="prompt login"),
        pytest.param({"prompt": {"select_account"}}, HERE, "ask", id="prompt select_account"),
        pytest.param({"prompt": {"consent"}}, HERE, "ask", id="prompt consent"),
        pytest.param({"max_age": 100}, HERE, "go", id="max_age just met"),
        pytest.param({"max_age": 99}, HERE, "ask", id="max_age missed"),
        pytest.param(
            {"max_age": 99, "prompt": {"none"}}, HERE, "login_required", id="max_age missed, silent"
        ),
        pytest.param({"acr_values": ("pwd",)}, HERE, "go", id="level met"),
        pytest.param({"acr_values": ("mfa", "pwd")}, HERE, "go", id="one of the levels met"),
        pytest.param({"acr_values": ("mfa",)}, HERE, "ask", id="level missed"),
        pytest.param(
            {"acr_values": ("mfa",), "prompt": {"none"}}, HERE, "go", id="levels are voluntary when silent"
        ),
        pytest.param({"person": ALICE}, HERE, "go", id="hint at who is here"),
        pytest.param({"person": BOB}, HERE, "ask", id="hint at somebody else"),
        pytest.param(
            {"person": BOB, "prompt": {"none"}}, HERE, "login_required", id="hint at somebody else, silent"
        ),
    ],
)
def test_the_next_step(question: dict[str, Any], sign_in: SignIn | None, step: str) -> None:
    assert next_step(Question(**question), sign_in, 1100.0) == step


@given(st.frozensets(st.sampled_from(["none", "login"])), st.none() | st.integers(0, 10**6), st.booleans())
def test_a_silent_request_never_asks(prompt: frozenset[str], max_age: int | None, here: bool) -> None:
    question = Question(prompt=prompt | {"none"}, max_age=max_age)
    assert next_step(question, HERE if here else None, 5000.0) != "ask"


@pytest.mark.parametrize("text", ["-1", "1.5", "", "a", "١", "9" * 12])
def test_a_max_age_that_is_no_number_of_seconds_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="max_age"):
        parse_max_age(text)


def test_max_age_is_read_as_seconds() -> None:
    assert parse_max_age("0") == 0
    assert parse_max_age(None) is None


def test_levels_asked_for_come_first_and_are_bounded() -> None:
    assert parse_acr_values("b a b") == ("b", "a")
    assert len(parse_acr_values(" ".join(map(str, range(50))))) == 8
    assert levels_on_offer(Question(acr_values=("gold", "pwd"))) == ("gold", "pwd", "mfa")


@pytest.mark.parametrize(
    ("level", "amr"),
    [("pwd", ("hwk",)), ("mfa", ("hwk", "mfa")), ("gold", ("hwk", "mfa"))],
)
def test_every_level_but_the_plain_one_takes_a_second_factor(level: str, amr: tuple[str, ...]) -> None:
    assert methods(Person(sub="judy", amr=("hwk",)), level) == amr


# --- through the endpoint


@pytest.mark.anyio
async def test_a_browser_is_remembered_and_signs_in_silently(world: Any) -> None:
    first = await world.tokens("bob", "mfa")
    world.clock.now += 50
    answer = world.answer_of(await world.authorize(prompt="none"))
    second = await world.redeem(answer["code"])
    assert second.id_claims["sub"] == "bob"
    assert second.id_claims["auth_time"] == first.id_claims["auth_time"]
    assert second.id_claims["amr"] == ["pwd", "mfa"]
    assert second.id_claims["sid"] == first.id_claims["sid"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "changes", [{"max_age": "10"}, {"login_hint": "alice"}], ids=["too old", "somebody else"]
)
async def test_a_silent_request_that_the_session_does_not_answer_is_login_required(
    world: Any, changes: dict[str, str]
) -> None:
    await world.sign_in("bob")
    world.clock.now += 50
    assert world.answer_of(await world.authorize(prompt="none", **changes))["error"] == "login_required"


@pytest.mark.anyio
async def test_a_step_up_keeps_the_session_and_dates_it_anew(world: Any) -> None:
    first = await world.tokens("alice")
    world.clock.now += 50
    page = await world.authorize(acr_values="urn:corp:gold", prompt="login")
    assert "In this browser you are <b>Alice Ahlgren</b>" in page.text
    answer = world.answer_of(await world.choose(page, person="alice", level="urn:corp:gold"))
    second = (await world.redeem(answer["code"])).id_claims
    assert (second["acr"], second["amr"]) == ("urn:corp:gold", ["pwd", "mfa"])
    assert second["auth_time"] == first.id_claims["auth_time"] + 50
    assert second["sid"] == first.id_claims["sid"]


@pytest.mark.anyio
async def test_somebody_else_gets_a_session_of_their_own(world: Any) -> None:
    first = await world.tokens("alice")
    second = await world.tokens("bob", prompt="select_account")
    assert second.id_claims["sub"] == "bob"
    assert second.id_claims["sid"] != first.id_claims["sid"]


@pytest.mark.anyio
async def test_each_sign_in_makes_a_new_cookie_and_the_old_one_counts_for_nothing(world: Any) -> None:
    response = await world.sign_in("alice")
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("idaware-dev-idp-9000=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    old = world.http.cookies["idaware-dev-idp-9000"]
    await world.sign_in("alice", prompt="login")
    assert world.http.cookies["idaware-dev-idp-9000"] != old
    world.http.cookies.set("idaware-dev-idp-9000", old, domain="localhost.local")
    world.http.cookies.clear()
    again = await world.http.get(
        "/authorize",
        params=world.params(prompt="none"),
        headers={"Cookie": f"idaware-dev-idp-9000={old}"},
    )
    assert world.answer_of(again)["error"] == "login_required"


@pytest.mark.anyio
async def test_the_hinted_person_comes_first_by_sub_or_by_address(world: Any) -> None:
    for hint in ("dave", "DAVE@corp.example"):
        page = (await world.authorize(login_hint=hint)).text
        assert page.index('value="dave"') < page.index('value="alice"')
    page = (await world.authorize(login_hint="nobody")).text
    assert page.index('value="alice"') < page.index('value="dave"')


@pytest.mark.anyio
async def test_automatic_sign_in_needs_no_page(world: Any) -> None:
    world.provider.auto_sign_in("bob")
    tokens = await world.redeem(world.answer_of(await world.authorize())["code"])
    assert (tokens.id_claims["sub"], tokens.id_claims["acr"]) == ("bob", "pwd")
    asked = await world.redeem(world.answer_of(await world.authorize(acr_values="mfa"))["code"])
    assert asked.id_claims["acr"] == "mfa"
    world.provider.auto_sign_in("alice", level="pwd")
    tokens = await world.redeem(world.answer_of(await world.authorize(acr_values="mfa"))["code"])
    assert (tokens.id_claims["sub"], tokens.id_claims["acr"]) == ("alice", "pwd")
    world.provider.auto_sign_in(None)
    assert (await world.authorize(prompt="login")).status_code == 200


@pytest.mark.anyio
async def test_automatic_sign_in_does_not_answer_a_silent_request_for_a_browser_it_never_saw(
    world: Any,
) -> None:
    world.provider.auto_sign_in("bob")
    assert world.answer_of(await world.authorize(prompt="none"))["error"] == "login_required"


def test_automatic_sign_in_of_nobody_is_refused(world: Any) -> None:
    with pytest.raises(ConfigurationError, match="mallory"):
        world.provider.auto_sign_in("mallory")


@pytest.mark.anyio
async def test_over_https_the_cookie_is_secure_and_bound_to_the_issuers_path(
    make_world: Callable[..., Any],
) -> None:
    world = make_world(issuer="https://localhost/dev")
    page = await world.http.get("/dev/authorize", params=world.params())
    assert page.status_code == 200
    world.provider.auto_sign_in("bob")
    cookie = (await world.http.get("/dev/authorize", params=world.params())).headers["set-cookie"]
    assert cookie.startswith("idaware-dev-idp-https=")
    assert "Secure" in cookie
    assert "Path=/dev" in cookie
