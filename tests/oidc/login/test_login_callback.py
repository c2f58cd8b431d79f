"""From a callback to a session, and what a callback is refused for."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from idaware.oidc.login import Completed
from idaware.reasons import Reason
from idaware.session.lifetimes import SessionState

ISSUER = "https://login.corp.example"
NOW = 1_800_000_000


# -- and back


def test_a_sign_in_makes_a_session_of_what_is_wanted(world: Any) -> None:
    world.claims = {"auth_time": NOW - 100, "acr": "gold", "amr": ["pwd", "mfa"]}
    done = world.sign_in()
    session = done.session
    assert (done.next, done.kind, done.notes) == ("/dash?x=1", "login", ())
    assert (session.subject, session.email, session.email_verified, session.name) == (
        "alice",
        "alice@corp.example",
        True,
        "Alice",
    )
    assert (session.groups, session.groups_total, session.groups_left_out) == (("sre",), 3, None)
    assert session.claims == {"department": "finance"}
    assert (session.auth_time, session.acr, session.amr) == (NOW - 100, "gold", ("pwd", "mfa"))
    assert (session.started, session.renewed, session.expires) == (NOW, NOW, NOW + 28_800)
    assert (session.cut_digests, session.wanted_id) == (
        world.sessions.cut.digests,
        world.sessions.cut.wanted_id,
    )
    assert (session.step_up_tried, session.step_up_at) == (None, 0)
    assert world.session_state() is SessionState.LIVE
    assert world.sessions.identity_of(session).principal == "login/alice"


def test_a_code_is_redeemed_with_the_verifier_of_its_challenge(world: Any) -> None:
    world.sign_in()
    (request,) = world.token_requests
    form = parse_qs(request.body)
    assert request.url == f"{ISSUER}/token"
    assert form["code"] == ["the-code"]
    assert len(form["code_verifier"][0]) == 43
    assert form["code_verifier"][0] not in world.sent.values()


def test_no_token_of_the_provider_reaches_the_browser(world: Any) -> None:
    done = world.sign_in()
    everything = "".join(done.set_cookies) + repr(done)
    assert "the-access-token" not in everything
    assert "the-code" not in everything
    assert "eyJ" not in everything


def test_a_sign_in_uses_its_state_up(world: Any) -> None:
    world.sign_in()
    assert world.fails().reason is Reason.LOGIN_STATE_UNKNOWN
    assert len(world.token_requests) == 1


def test_two_tabs_both_end_signed_in_at_their_own_targets(world: Any) -> None:
    first = world.begin(next_url="/one")
    world.begin(next_url="/two")
    assert world.come_back().next == "/two"
    world.sent = first
    assert world.come_back().next == "/one"


def test_sa_001_a_session_id_that_the_browser_brings_is_never_adopted(world: Any) -> None:
    first = world.sign_in().session.id
    second = world.sign_in().session.id
    assert first != second
    reading = world.sessions.read(world.cookies)
    assert reading.session is not None
    assert reading.session.id == second


def test_a_session_id_is_nothing_that_went_through_an_address(world: Any) -> None:
    """Addresses are logged and shared: whoever reads ``state`` or ``nonce`` there must not learn an id by it."""
    sent = world.begin()
    outcome = world.come_back()
    assert isinstance(outcome, Completed)
    assert outcome.session.id not in (*sent.values(), "the-code")


@pytest.mark.parametrize("kind", ["renew", "step_up", "popup"])
def test_sa_003_the_id_is_new_after_each_way_of_signing_in(kind: str, world: Any) -> None:
    first = world.sign_in().session.id
    assert world.sign_in(kind).session.id != first


def test_groups_that_are_unknown_stay_unknown_and_say_why(world: Any) -> None:
    world.claims = {"groups": ..., "_claim_names": {"groups": "src1"}}
    session = world.sign_in().session
    assert (session.groups, session.groups_left_out) == (None, "overage")


def test_form_post_brings_no_lax_cookies_and_works_all_the_same(make_world: Any) -> None:
    world = make_world(response_mode="form_post")
    started = world.sign_in().session.started
    world.now += 1000
    sent = world.begin("renew")
    assert sent["response_mode"] == "form_post"
    lax = (world.codec.session_name, world.codec.activity_name, world.codec.signed_out_name)
    world.jar = {name: value for name, value in world.jar.items() if name not in lax}
    outcome = world.come_back()
    assert isinstance(outcome, Completed)
    assert outcome.session.started == started


# -- what a callback is refused for


@pytest.mark.parametrize(
    ("changed", "reason", "status"),
    [
        pytest.param({"state": None}, Reason.LOGIN_STATE_UNKNOWN, 400, id="no state"),
        pytest.param({"state": "x" * 32}, Reason.LOGIN_STATE_UNKNOWN, 400, id="made-up state"),
        pytest.param(
            {"state": "x" * 32, "code": None, "error": "access_denied"},
            Reason.LOGIN_STATE_UNKNOWN,
            400,
            id="an error needs a valid state as well",
        ),
        pytest.param({"iss": "https://evil.example"}, Reason.ISSUER_UNKNOWN, 400, id="mixed up"),
        pytest.param({"code": None}, Reason.LOGIN_REFUSED_BY_PROVIDER, 400, id="no code"),
        pytest.param(
            {"code": None, "error": "access_denied", "error_description": "No."},
            Reason.LOGIN_REFUSED_BY_PROVIDER,
            403,
            id="access denied",
        ),
        pytest.param(
            {"code": None, "error": "temporarily_unavailable"}, Reason.PROVIDER_UNAVAILABLE, 503, id="later"
        ),
        pytest.param({"code": "x" * 9000}, Reason.REQUEST_TOO_LARGE, 413, id="too large"),
    ],
)
def test_an_unfit_callback_makes_no_token_request(
    changed: dict[str, Any], reason: Reason, status: int, world: Any
) -> None:
    world.begin()
    outcome = world.fails(**changed)
    assert (outcome.reason, outcome.status, outcome.next, outcome.retry_allowed) == (
        reason,
        status,
        "/",
        True,
    )
    assert world.token_requests == []
    assert world.session_state() is None


@pytest.mark.parametrize(
    ("changed", "recorded"),
    [
        ({"code": None, "error": "s3cret"}, "the provider answered an error that no specification knows"),
        (
            {"code": None, "error": "access_denied", "error_description": "s3cret"},
            "the provider answered access_denied",
        ),
        (
            {"code": None, "error": "invalid_scope", "error_description": "s3cret"},
            "the provider answered invalid_scope",
        ),
        ({"iss": "https://s3cret.example"}, "the callback is refused: it says another iss"),
        (
            {"state": "s3cret" * 4},
            "the callback's state is not one that this browser began in the last 10 minutes",
        ),
        ({"code": None, "s3cret": "s3cret"}, "the callback is refused: it holds neither code nor error"),
    ],
    ids=["another error", "a description", "an error of ours", "iss", "state", "a name of their own"],
)
def test_what_is_recorded_of_a_failure_holds_no_value_of_the_query(
    changed: dict[str, Any], recorded: str, world: Any
) -> None:
    """Audit promise 5: whoever sends somebody to the callback must not write into the records."""
    world.begin()
    outcome = world.fails(**changed)
    assert outcome.recorded == recorded


@pytest.mark.parametrize("name", ["state", "code", "iss", "error"])
def test_a_repeated_parameter_makes_no_token_request(name: str, world: Any) -> None:
    sent = world.begin()
    params = {"state": [sent["state"]], "code": ["the-code"]} | {name: [sent["state"], sent["state"]]}
    assert world.callback(params).reason is Reason.LOGIN_REFUSED_BY_PROVIDER
    assert world.token_requests == []


def test_a_promised_iss_that_is_missing_makes_no_token_request(make_world: Any) -> None:
    world = make_world(metadata={"authorization_response_iss_parameter_supported": True})
    world.begin()
    assert world.fails().reason is Reason.ISSUER_UNKNOWN
    assert world.token_requests == []


def test_a_promised_iss_that_is_there_is_fine(make_world: Any) -> None:
    world = make_world(metadata={"authorization_response_iss_parameter_supported": True})
    assert world.sign_in(back={"iss": ISSUER}).session.subject == "alice"


def test_an_error_without_the_promised_iss_is_shown_as_an_error(make_world: Any) -> None:
    world = make_world(metadata={"authorization_response_iss_parameter_supported": True})
    world.begin()
    outcome = world.fails(code=None, error="access_denied", error_description="Not you.")
    assert outcome.message == "access_denied: Not you."
    assert world.token_requests == []


def test_a_late_callback_is_refused(world: Any) -> None:
    world.begin()
    world.now += 600
    assert world.fails().reason is Reason.LOGIN_STATE_UNKNOWN


def test_a_failed_callback_uses_its_state_up(world: Any) -> None:
    world.begin()
    world.come_back(code=None, error="access_denied")
    assert world.fails().reason is Reason.LOGIN_STATE_UNKNOWN
    assert world.token_requests == []


def test_the_third_failure_in_a_minute_allows_no_further_try(world: Any) -> None:
    allowed = []
    for _ in range(3):
        world.begin()
        allowed.append(world.fails(code=None, error="access_denied").retry_allowed)
        world.now += 10
    assert allowed == [True, True, False]


def test_a_success_forgets_the_failures_before_it(world: Any) -> None:
    world.begin()
    world.come_back(code=None, error="access_denied")
    assert world.states.failures(world.cookies, world.now) == 1
    world.sign_in()
    assert world.states.failures(world.cookies, world.now) == 0


@given(
    st.dictionaries(st.sampled_from(["state", "code", "iss", "error", "x"]), st.lists(st.text(max_size=20)))
)
@hypothesis_settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_parameters_end_in_a_refusal(make_world: Any, params: dict[str, list[str]]) -> None:
    world = make_world()
    assert world.callback(params).status in (400, 413)
    assert world.effects == []


def test_below_a_path_prefix_a_failure_goes_to_the_prefix(make_world: Any) -> None:
    world = make_world(base_url="https://tools.corp.example/billing")
    world.begin()
    outcome = world.fails(code=None, error="access_denied")
    assert outcome.next == "/billing/"
