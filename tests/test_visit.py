"""What goes from a visit into its record."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from idaware.identity import Identity
from idaware.reasons import Reason
from idaware.request import Request
from idaware.visit import MAX_QUERY_KEYS, Recorder, Visit, query_keys

RECORDER = Recorder(app="billing", mode="enforce", policy_version="0123456789ab")


def visit(*, identity: Identity | None = None, **request: Any) -> Visit:
    asked = Request(protocol="http", method="GET", path="/x", peer="203.0.113.9", **request)
    made = Visit(asked, 1.0, "req-1", "198.51.100.4", "https", "billing.corp.example")
    if identity is not None:
        made.identity = identity
    return made


def test_a_record_says_where_a_request_came_from_and_went() -> None:
    record = RECORDER.decision(visit(mount="/apps"), "deny", Reason.NO_RULE)
    assert (record.app, record.mode, record.policy_version) == ("billing", "enforce", "0123456789ab")
    assert (record.decision, record.reason) == ("deny", "no_rule")
    assert (record.client_ip, record.peer_ip, record.scheme) == ("198.51.100.4", "203.0.113.9", "https")
    assert (record.host, record.path, record.mount) == ("billing.corp.example", "/x", "/apps")
    assert (record.actor_type, record.principal, record.rule, record.error) == (
        "anonymous",
        None,
        None,
        UNSET,
    )


def test_a_record_says_who_asked_but_not_the_sessions_id() -> None:
    who = Identity(
        subject="alice", alias="login", actor_type="human", session_id="sid", groups_total=3, amr=("mfa",)
    )
    record = RECORDER.decision(visit(identity=who), "allow", Reason.ALLOWED_BY_RULE)
    assert (record.principal, record.groups_total, record.amr) == ("login/alice", 3, ("mfa",))
    assert record.session_id is not None
    assert "sid" not in record.session_id


def test_a_session_without_an_id_is_recorded_too() -> None:
    who = Identity(subject="ci", alias="k8s", actor_type="workload")
    assert RECORDER.decision(visit(identity=who), "allow", Reason.ALLOWED_BY_RULE).session_id is None


def test_what_is_remembered_about_one_person_is_never_said_of_another() -> None:
    ours = {"alias": "login", "actor_type": "human", "session_id": "sid"}
    alice, bob = Identity(subject="alice", **ours), Identity(subject="bob", **ours)
    said = [
        RECORDER.decision(visit(identity=who), "allow", Reason.ALLOWED_BY_RULE).principal
        for who in (alice, bob, alice)
    ]
    assert said == ["login/alice", "login/bob", "login/alice"]


def test_what_one_request_adds_to_its_record_is_in_no_other() -> None:
    who = Identity(subject="alice", alias="login", actor_type="human", session_id="sid")
    first = visit(identity=who, query="a=1", headers={"user-agent": "Lynx"})
    first.auth_error = Reason.SESSION_INVALID
    RECORDER.decision(first, "error", Reason.INTERNAL_ERROR, error="why")
    second = RECORDER.decision(visit(identity=who), "allow", Reason.ALLOWED_BY_RULE)
    assert (second.query_keys, second.user_agent, second.auth_error) == (None, None, None)
    assert second.error is UNSET


@pytest.mark.parametrize(
    ("traceparent", "expected"),
    [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "0af7651916cd43dd8448eb211c80319c"),
        ("rubbish", None),
    ],
)
def test_a_trace_is_recorded_where_it_is_one(traceparent: str, expected: str | None) -> None:
    record = RECORDER.decision(visit(headers={"traceparent": traceparent}), "allow", Reason.PUBLIC)
    assert record.trace_id == expected


def test_an_event_is_no_decision() -> None:
    record = RECORDER.event(visit(), "login_failed", Reason.LOGIN_STATE_UNKNOWN, error="why")
    assert (record.kind, record.decision, record.error) == ("login_failed", None, "why")


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("a=1&b=2", ("a", "b")),
        ("a=1&a=2", ("a",)),
        ("a", ("a",)),
        ("=1&&", ()),
        ("a%20b=1&c+d=2", ("a b", "c d")),
        ("&".join(f"k{n}=1" for n in range(99)), tuple(f"k{n}" for n in range(MAX_QUERY_KEYS))),
    ],
    ids=["two", "repeated", "without a value", "without a name", "encoded", "too many"],
)
def test_query_keys_are_names_alone(query: str, keys: tuple[str, ...]) -> None:
    assert query_keys(query) == keys


@given(st.text(max_size=300))
def test_no_query_is_too_odd_for_its_keys(query: str) -> None:
    assert len(query_keys(query)) <= MAX_QUERY_KEYS


@given(
    st.lists(
        st.tuples(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.text("SECRET", min_size=6, max_size=6))
    )
)
def test_no_value_is_ever_a_key(pairs: list[tuple[str, str]]) -> None:
    query = "&".join(f"{name}={value}" for name, value in pairs)
    assert not any(character.isupper() for key in query_keys(query) for character in key)
