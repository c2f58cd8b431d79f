"""What the provider may answer to the code, and to questions about a person."""

from __future__ import annotations

from typing import Any

import pytest

from idaware.effects import FetchJson, JsonAnswer
from idaware.errors import IdawareError, ProviderMisbehaved, ProviderUnavailable
from idaware.identity import Wanted
from idaware.oidc.claims import Person
from idaware.oidc.login_session import groups_note
from idaware.reasons import Reason

ISSUER = "https://login.corp.example"
NOW = 1_800_000_000


# -- what the provider may answer


@pytest.mark.parametrize(
    ("answer", "reason", "status", "log"),
    [
        pytest.param(
            JsonAnswer(401, None),
            Reason.LOGIN_CLIENT_REFUSED,
            503,
            "IDAWARE_CLIENT_SECRET",
            id="401, empty",
        ),
        pytest.param(
            JsonAnswer(403, {"error": "invalid_client"}),
            Reason.LOGIN_CLIENT_REFUSED,
            503,
            "IDAWARE_CLIENT_SECRET",
            id="403, wrong secret",
        ),
        pytest.param(
            JsonAnswer(400, {"error": "invalid_grant", "error_description": "used"}),
            Reason.LOGIN_CLIENT_REFUSED,
            400,
            "invalid_grant",
            id="code used before",
        ),
        pytest.param(
            JsonAnswer(400, None, content_type="text/plain"),
            Reason.LOGIN_CLIENT_REFUSED,
            503,
            "400",
            id="plain text",
        ),
        pytest.param(
            JsonAnswer(200, None, content_type="text/html"),
            Reason.LOGIN_TOKEN_REJECTED,
            400,
            "Bearer",
            id="a page with 200",
        ),
        pytest.param(JsonAnswer(200, []), Reason.LOGIN_TOKEN_REJECTED, 400, "Bearer", id="a list"),
        pytest.param(
            JsonAnswer(200, {"token_type": "DPoP", "access_token": "a", "id_token": "b"}),
            Reason.LOGIN_TOKEN_REJECTED,
            400,
            "Bearer",
            id="another token type",
        ),
        pytest.param(
            JsonAnswer(200, {"token_type": "Bearer", "access_token": "a"}),
            Reason.LOGIN_TOKEN_REJECTED,
            400,
            "openid",
            id="no ID token",
        ),
        pytest.param(
            JsonAnswer(200, {"token_type": "bearer", "access_token": "a", "id_token": "a.b.c"}),
            Reason.LOGIN_TOKEN_REJECTED,
            400,
            "",
            id="no JWT",
        ),
        pytest.param(JsonAnswer(429, None), Reason.PROVIDER_UNAVAILABLE, 503, "429", id="429"),
        pytest.param(JsonAnswer(500, None), Reason.PROVIDER_UNAVAILABLE, 503, "500", id="500"),
        pytest.param(
            ProviderUnavailable("timed out"), Reason.PROVIDER_UNAVAILABLE, 503, "timed out", id="time-out"
        ),
        pytest.param(
            ProviderMisbehaved("a redirect"), Reason.LOGIN_TOKEN_REJECTED, 400, "a redirect", id="redirect"
        ),
    ],
)
def test_a_token_endpoint_that_says_no_ends_in_a_refusal(
    answer: JsonAnswer | IdawareError, reason: Reason, status: int, log: str, world: Any
) -> None:
    world.begin()
    world.token_answer = answer
    outcome = world.fails()
    assert (outcome.reason, outcome.status) == (reason, status)
    assert log in outcome.log
    assert "IDAWARE" not in outcome.message
    assert world.session_state() is None


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        pytest.param({"nonce": "another"}, Reason.LOGIN_NONCE_MISMATCH, id="nonce of another sign-in"),
        pytest.param({"nonce": ...}, Reason.LOGIN_NONCE_MISMATCH, id="no nonce"),
        pytest.param({"aud": "payroll"}, Reason.LOGIN_TOKEN_REJECTED, id="for another client"),
        pytest.param({"iss": "https://evil.example"}, Reason.LOGIN_TOKEN_REJECTED, id="of another issuer"),
        pytest.param({"exp": NOW - 60}, Reason.LOGIN_TOKEN_REJECTED, id="expired"),
        pytest.param({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, Reason.LOGIN_TOKEN_REJECTED, id="at_hash"),
    ],
)
def test_a_token_that_is_not_good_makes_no_session(
    claims: dict[str, Any], reason: Reason, world: Any
) -> None:
    world.begin()
    world.claims = claims
    outcome = world.fails()
    assert (outcome.reason, outcome.status) == (reason, 400)
    assert world.session_state() is None


def test_the_token_is_measured_by_the_clock_after_the_provider_answered(world: Any) -> None:
    world.slow_seconds = 400
    assert world.sign_in().session.renewed == NOW


def test_another_audience_counts_only_where_it_is_trusted(make_world: Any) -> None:
    claims = {"aud": ["billing-admin", "api://billing"], "azp": "billing-admin"}
    for trusted, outcome in (("", "Failed"), ("api://billing", "Completed")):
        world = make_world(trusted_audiences=trusted)
        world.begin()
        world.claims = claims
        assert type(world.come_back()).__name__ == outcome


def test_a_scope_that_was_not_granted_leaves_groups_unknown_and_says_so(make_world: Any) -> None:
    world = make_world(scopes="openid,email,groups", groups_absent="empty")
    world.claims = {"groups": ...}
    world.granted = "openid email"
    session = world.sign_in().session
    assert (session.groups, session.groups_left_out) == (None, "not_granted")


def test_a_session_that_does_not_fit_is_refused_at_sign_in(make_world: Any) -> None:
    world = make_world()
    world.begin()
    world.claims = {"department": "x" * 4000}
    outcome = world.fails()
    assert (outcome.reason, outcome.status) == (Reason.SESSION_TOO_LARGE, 400)
    assert world.session_state() is None


def test_a_provider_that_is_down_at_the_callback_is_unavailable(world: Any) -> None:
    world.begin()
    world.forget()
    world.discovery = ProviderUnavailable("refused")
    outcome = world.fails()
    assert (outcome.reason, outcome.status) == (Reason.PROVIDER_UNAVAILABLE, 503)


# -- userinfo


def test_userinfo_is_asked_only_when_a_needed_claim_is_missing(world: Any) -> None:
    world.sign_in()
    assert FetchJson(f"{ISSUER}/userinfo", "the-access-token") not in world.effects


def test_userinfo_fills_in_what_is_missing(world: Any) -> None:
    world.claims = {"groups": ...}
    world.userinfo = JsonAnswer(200, {"sub": "alice", "groups": ["finance"]})
    assert world.sign_in().session.groups == ("finance",)
    assert FetchJson(f"{ISSUER}/userinfo", "the-access-token") in world.effects


def test_userinfo_about_somebody_else_ends_the_sign_in(world: Any) -> None:
    world.claims = {"groups": ...}
    world.userinfo = JsonAnswer(200, {"sub": "mallory", "groups": ["sre"]})
    world.begin()
    assert world.fails().reason is Reason.LOGIN_TOKEN_REJECTED


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(JsonAnswer(403, None), id="403"),
        pytest.param(JsonAnswer(200, None, content_type="application/jwt"), id="signed"),
        pytest.param(ProviderMisbehaved("a redirect"), id="redirect"),
    ],
)
def test_userinfo_that_cannot_be_used_leaves_claims_unknown_and_a_note(
    answer: JsonAnswer | IdawareError, world: Any
) -> None:
    world.claims = {"groups": ...}
    world.userinfo = answer
    done = world.sign_in()
    assert done.session.groups is None
    assert len(done.notes) == 2
    assert "userinfo" in done.notes[0] or "redirect" in done.notes[0]


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        pytest.param({"groups": ...}, "the claim 'groups' is missing. Have the provider", id="absent"),
        pytest.param({"hasgroups": True}, "left out because there are too many", id="overage"),
        pytest.param({"groups": {"a": 1}}, "IDAWARE_GROUPS_FORMAT", id="malformed"),
    ],
)
def test_a_sign_in_without_groups_is_noted_for_operators(
    claims: dict[str, Any], words: str, world: Any
) -> None:
    world.claims = claims
    (note,) = world.sign_in().notes
    assert words in note
    assert "alice" not in note, "records name people, logs need not"


def test_groups_that_were_not_granted_are_noted(make_world: Any) -> None:
    world = make_world(scopes="openid,groups")
    world.claims, world.granted = {"groups": ...}, "openid"
    (note,) = world.sign_in().notes
    assert "not among what was granted" in note


def test_a_silent_renewal_notes_nothing_again(world: Any) -> None:
    world.claims = {"groups": ...}
    world.sign_in()
    assert world.sign_in("renew").notes == ()


def test_groups_that_no_rule_asks_for_are_not_missed(make_world: Any) -> None:
    world = make_world()
    person = Person(subject="alice", user="alice", claims={}, groups_left_out="absent")
    quirks = world.provider.quirks
    assert groups_note(person, Wanted(claims=frozenset({"department"})), world.settings, quirks) is None
    assert groups_note(person, Wanted(group_affixes=frozenset({("team-", "")})), world.settings, quirks)


def test_userinfo_that_is_unavailable_ends_the_sign_in(world: Any) -> None:
    world.claims = {"groups": ...}
    world.userinfo = ProviderUnavailable("timed out")
    world.begin()
    assert world.fails().reason is Reason.PROVIDER_UNAVAILABLE


def test_a_provider_without_userinfo_leaves_claims_unknown(make_world: Any) -> None:
    world = make_world(metadata={"userinfo_endpoint": None})
    world.claims = {"groups": ...}
    assert world.sign_in().session.groups is None


def test_nothing_that_a_flow_leaves_behind_holds_a_secret(world: Any) -> None:
    world.begin()
    world.token_answer = JsonAnswer(400, {"error": "invalid_grant", "error_description": "nope"})
    outcome = world.come_back()
    assert "the-code" not in repr(outcome)
    assert "the-secret" not in repr(world.token_requests)


def test_effects_do_not_show_their_secrets(world: Any) -> None:
    world.claims = {"groups": ...}
    world.sign_in()
    assert "the-access-token" not in repr(world.effects)
