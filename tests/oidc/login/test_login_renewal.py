"""Renewal or sign-in: what becomes of the session that was there before."""

from __future__ import annotations

from typing import Any

import pytest

from idaware.errors import ProviderUnavailable
from idaware.oidc.login import Completed, LoginRedirect
from idaware.policy.model import Require
from idaware.reasons import Reason
from idaware.session.lifetimes import SessionState
from idaware.session.step_up import step_up_was_tried

NOW = 1_800_000_000


# -- renewal or sign-in


def test_a_silent_renewal_keeps_the_start_and_brings_claims_up_to_date(world: Any) -> None:
    first = world.sign_in().session
    world.now += 1000
    world.claims = {"groups": ["finance"]}
    done = world.sign_in("renew", next_url="/page")
    assert (done.kind, done.next) == ("renew", "/page")
    assert (done.session.started, done.session.expires) == (first.started, first.expires)
    assert (done.session.renewed, done.session.groups) == (NOW + 1000, ("finance",))


def test_the_hard_end_is_real_however_often_a_session_is_renewed(world: Any) -> None:
    world.sign_in()
    for _ in range(9):
        world.now += 900
        world.claims = {"auth_time": int(world.now) - 5}
        world.sign_in("renew")
    world.now = NOW + 28_799
    world.take((world.codec.activity_cookie(world.sessions.read(world.cookies).session, world.now),))
    assert world.session_state() in (SessionState.REFRESH_DUE, SessionState.STALE)
    world.now += 1
    assert world.session_state() is SessionState.EXPIRED


@pytest.mark.parametrize(
    ("kind", "auth_time", "anew"),
    [
        pytest.param("login", None, False, id="an ordinary sign-in for a stale session"),
        pytest.param("login", NOW - 50, False, id="the provider's session went on"),
        pytest.param("login", NOW + 25, False, id="the same sign-in, by a clock that is ahead"),
        pytest.param("login", NOW + 3000, True, id="the person signed in again"),
        pytest.param("popup", NOW + 3000, True, id="the person signed in again in the window"),
        pytest.param("popup", None, False, id="the window"),
        pytest.param("step_up", NOW + 3000, True, id="step-up"),
        pytest.param("renew", NOW + 3000, False, id="silently: at another tool, which changes nothing here"),
    ],
)
def test_a_session_that_goes_on_keeps_its_start_unless_the_person_signed_in_again(
    kind: str, auth_time: int | None, anew: bool, world: Any
) -> None:
    world.sign_in()
    world.now += 3500
    world.claims = {} if auth_time is None else {"auth_time": auth_time}
    assert world.sign_in(kind).session.started == (NOW + 3500 if anew else NOW)


@pytest.mark.parametrize(
    ("auth_time", "anew"),
    [
        pytest.param(None, True, id="the provider does not say when"),
        pytest.param(NOW - 50, False, id="the provider did not heed prompt=login"),
    ],
)
def test_prompt_login_is_a_new_sign_in_unless_auth_time_says_otherwise(
    auth_time: int | None, anew: bool, world: Any
) -> None:
    world.sign_in()
    world.now += 3500
    world.claims = {} if auth_time is None else {"auth_time": auth_time}
    assert world.sign_in("login", prompt="login").session.started == (NOW + 3500 if anew else NOW)


@pytest.mark.parametrize("kind", ["renew", "login", "step_up", "popup"])
def test_another_person_gets_a_session_of_their_own(kind: str, world: Any) -> None:
    world.sign_in()
    world.now += 1000
    world.claims = {"sub": "bob"}
    session = world.sign_in(kind).session
    assert (session.subject, session.started) == ("bob", NOW + 1000)


def test_after_the_idle_end_the_sign_in_has_to_be_newer_than_it(world: Any) -> None:
    world.sign_in()
    world.now += 5000
    assert world.session_state() is SessionState.IDLE
    assert world.begin()["max_age"] == str(5000 - 3600)
    world.claims = {"auth_time": NOW - 10}
    assert world.fails().reason is Reason.LOGIN_TOKEN_REJECTED
    world.claims = {"auth_time": NOW + 4990}
    assert world.sign_in().session.started == NOW + 5000


def test_after_the_hard_end_the_sign_in_has_to_be_newer_than_it(world: Any) -> None:
    session = world.sign_in().session
    world.now += 28_900
    world.jar.pop(world.codec.session_name)  # the browser drops it at its Max-Age
    world.take((world.codec.activity_cookie(session, NOW + 28_700),))
    assert world.begin()["max_age"] == "100"
    world.claims = {"auth_time": NOW}
    assert world.fails().reason is Reason.LOGIN_TOKEN_REJECTED


def test_a_provider_that_does_not_say_when_is_refused_after_an_end(world: Any) -> None:
    world.sign_in()
    world.now += 5000
    world.begin()
    outcome = world.fails()
    assert outcome.reason is Reason.LOGIN_TOKEN_REJECTED
    assert "auth_time" in outcome.log


def test_the_minutes_that_a_sign_in_takes_do_not_count_against_it(world: Any) -> None:
    world.sign_in()
    world.now += 3605
    assert world.begin()["max_age"] == "5"
    world.claims = {"auth_time": int(world.now) + 10}
    world.now += 500
    assert isinstance(world.come_back(), Completed)


def test_a_provider_known_not_to_say_when_is_asked_to_prompt(make_world: Any) -> None:
    world = make_world(auth_time=False)
    world.sign_in()
    world.now += 5000
    sent = world.begin()
    assert (sent["prompt"], "max_age" in sent) == ("login", False)
    assert isinstance(world.come_back(), Completed)


@pytest.mark.parametrize(
    ("auth_within", "sent"), [(60, "60"), (9000, "1400")], ids=["page stricter", "end stricter"]
)
def test_the_stricter_max_age_is_sent(auth_within: int, sent: str, world: Any) -> None:
    world.sign_in()
    world.now += 5000
    assert world.begin(require=Require(auth_within=auth_within))["max_age"] == sent


def test_an_age_that_only_the_page_requires_is_left_to_the_policy(world: Any) -> None:
    world.claims = {"auth_time": NOW - 5000}
    world.begin(require=Require(auth_within=60))
    assert isinstance(world.come_back(), Completed)


def test_after_an_explicit_sign_out_the_provider_is_asked_to_prompt(world: Any) -> None:
    world.sign_in()
    world.take(world.codec.sign_out_cookies(world.now))
    world.now += 86_400
    world.claims = {"auth_time": world.now}
    assert world.begin(prompt="select_account")["prompt"] == "login"
    assert isinstance(world.come_back(), Completed)
    assert "prompt" not in world.begin()


def test_a_prompt_that_somebody_took_out_of_the_address_is_missed(world: Any) -> None:
    """Whoever sits down at a browser where somebody signed out must not go on with the provider's session."""
    world.sign_in()
    world.take(world.codec.sign_out_cookies(world.now))
    world.now += 600
    world.claims = {"auth_time": world.now - 3600}
    assert world.begin()["max_age"] == "600"
    assert world.fails().reason is Reason.LOGIN_TOKEN_REJECTED
    world.claims = {"auth_time": world.now}
    world.begin()
    assert isinstance(world.come_back(), Completed)


def test_a_sign_in_that_was_given_up_keeps_the_mark_of_the_sign_out(world: Any) -> None:
    world.sign_in()
    world.take(world.codec.sign_out_cookies(world.now))
    world.begin()
    assert world.begin()["prompt"] == "login"


# -- silent renewal that comes to nothing


@pytest.mark.parametrize(
    "back",
    [
        pytest.param({"code": None, "error": "login_required"}, id="login_required"),
        pytest.param({"code": None, "error": "interaction_required"}, id="interaction_required"),
        pytest.param({"code": None}, id="an odd answer"),
        pytest.param({"iss": "https://evil.example"}, id="another issuer"),
    ],
)
def test_a_silent_renewal_that_fails_leads_to_exactly_one_ordinary_sign_in(
    back: dict[str, Any], world: Any
) -> None:
    started = world.sign_in().session.started
    world.now += 1000
    world.begin("renew", next_url="/page")
    silent = world.sent["state"]
    outcome = world.come_back(**back)
    assert isinstance(outcome, LoginRedirect)
    sent = world.follow(outcome)
    assert not {"prompt", "max_age"} & set(sent)
    assert world.states.find(world.cookies, silent, world.now) is None
    again = world.fails(code=None, error="access_denied")
    assert (again.kind, again.next) == ("login", "/")
    assert world.session_state() is SessionState.REFRESH_DUE
    world.begin()
    done = world.come_back()
    assert isinstance(done, Completed)
    assert done.session.started == started


def test_the_ordinary_sign_in_after_a_renewal_goes_where_the_renewal_went(world: Any) -> None:
    started = world.sign_in().session.started
    world.now += 1000
    world.begin("renew", next_url="/page")
    outcome = world.come_back(code=None, error="login_required")
    assert isinstance(outcome, LoginRedirect)
    world.follow(outcome)
    done = world.come_back()
    assert isinstance(done, Completed)
    assert (done.next, done.kind, done.session.started) == ("/page", "login", started)


def test_a_renewal_whose_token_is_not_good_leads_to_an_ordinary_sign_in(world: Any) -> None:
    world.sign_in()
    world.begin("renew")
    world.claims = {"nonce": "another"}
    assert isinstance(world.come_back(), LoginRedirect)


@pytest.mark.parametrize("down", ["token endpoint", "callback"])
def test_a_renewal_that_meets_a_provider_that_is_down_goes_on_with_the_page(down: str, world: Any) -> None:
    world.sign_in()
    world.now += 1000
    world.begin("renew", next_url="/page")
    if down == "token endpoint":
        world.token_answer = ProviderUnavailable("timed out")
        outcome = world.fails()
    else:
        outcome = world.fails(code=None, error="temporarily_unavailable")
    assert (outcome.reason, outcome.next) == (Reason.PROVIDER_UNAVAILABLE, "/page")
    assert world.session_state() is SessionState.REFRESH_DUE
    assert world.states.renewal_pending(world.cookies, world.now)


def test_a_renewal_that_fails_while_discovery_fails_too_is_unavailable(world: Any) -> None:
    world.sign_in()
    world.begin("renew", next_url="/page")
    world.forget()
    world.discovery = ProviderUnavailable("refused")
    outcome = world.fails(code=None, error="login_required")
    assert (outcome.reason, outcome.status, outcome.next) == (Reason.PROVIDER_UNAVAILABLE, 503, "/page")


# -- step-up


@pytest.mark.parametrize("kind", ["login", "step_up"])
def test_a_sign_in_remembers_what_it_was_to_meet(kind: str, world: Any) -> None:
    needs = Require(acr=("gold",))
    session = world.sign_in(kind, require=needs).session
    assert step_up_was_tried(session, needs, world.now)
    assert not step_up_was_tried(session, Require(acr=("silver",)), world.now)
    assert not step_up_was_tried(world.sign_in().session, needs, world.now)
