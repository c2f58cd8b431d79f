"""What an audit record holds, and what its line never does."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import fields

from idaware.audit.record import (
    MAX_RECORD_BYTES,
    Kind,
    Record,
    Why,
    encode,
    hashed_id,
    started,
    stopped,
)
from idaware.reasons import Reason

ALWAYS = [
    "schema", "event_id", "seq", "time", "kind", "decision", "reason", "reason_text", "mode", "would",
    "rule", "pattern", "rule_owner", "policy_version", "why", "actor_type", "principal", "subject",
    "issuer", "email", "name", "groups_matched", "groups_total", "auth_method", "auth_error", "acr",
    "amr", "auth_time", "session_id", "token_id", "app", "instance", "framework", "method", "scheme",
    "host", "path", "mount", "query_keys", "route", "protocol", "client_ip", "peer_ip", "user_agent",
    "status", "duration_ms", "request_id", "trace_id", "span_id",
]  # fmt: skip
WHERE_RELEVANT = [
    "legacy", "diff", "direct", "stale_seconds", "grant", "close_code", "connection_seconds", "error",
    "truncated", "chain", "count", "first_time", "last_time", "release", "store", "bounds",
    "settings_digest",
]  # fmt: skip
DOCS = Path(__file__).parents[2] / "docs" / "reference" / "audit.md"


def read(record: Record) -> dict[str, Any]:
    line = encode(record)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert len(line) <= MAX_RECORD_BYTES
    document: dict[str, Any] = json.loads(line)
    return document


def test_a_record_that_knows_nothing_has_every_common_field_as_null() -> None:
    document = read(Record())
    assert list(document) == ALWAYS
    known = {name: value for name, value in document.items() if value is not None}
    assert known == {"schema": "idaware.audit/1", "kind": "decision"}


def test_every_field_is_either_always_there_or_there_where_relevant() -> None:
    assert [field.name for field in fields(Record)] == ALWAYS + WHERE_RELEVANT
    assert [field.name for field in fields(Record) if field.default is UNSET] == WHERE_RELEVANT


@pytest.mark.parametrize("name", ALWAYS + WHERE_RELEVANT)
def test_every_field_is_documented(name: str) -> None:
    assert f"`{name}`" in DOCS.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", get_args(Kind))
def test_every_kind_is_documented(kind: str) -> None:
    assert f"`{kind}`" in DOCS.read_text(encoding="utf-8").partition("## Kinds")[2]


def test_the_documented_example_is_a_record() -> None:
    example = DOCS.read_text(encoding="utf-8").partition("```json\n")[2].partition("```")[0]
    record = msgspec.json.decode(example, type=Record)
    assert json.loads(encode(record)) == json.loads(example)
    assert record.reason is Reason.NOT_IN_ALLOW
    assert record.reason_text == Reason.NOT_IN_ALLOW.sentence
    assert UUID(record.event_id).version == 7


def test_a_field_that_is_relevant_is_in_the_line() -> None:
    document = read(Record(legacy="htpasswd", stale_seconds=12.5, close_code=4403, direct=True))
    assert [document[name] for name in ("legacy", "stale_seconds", "close_code", "direct")] == [
        "htpasswd",
        12.5,
        4403,
        True,
    ]


def test_a_reason_is_its_code_and_why_an_object() -> None:
    document = read(Record(reason=Reason.NOT_IN_ALLOW, why=Why(failed=("groups: sre",))))
    assert document["reason"] == "not_in_allow"
    assert document["why"] == {"held": [], "failed": ["groups: sre"], "unknown": []}


@pytest.mark.parametrize(
    "text",
    [
        "\x00",
        "a\nb",
        "a\rb",
        "\x1b[31m",
        "\x7f",
        "\x85",
        "\x9b31m",
        "\u2028",
        "\u2029",
        "\u202e",
        "\u2066",
        "\u200f",
    ],
    ids=["NUL", "LF", "CR", "ESC", "DEL", "NEL", "CSI", "LS", "PS", "RLO", "LRI", "RLM"],
)
def test_control_characters_are_escaped_and_come_back_whole(text: str) -> None:
    line = encode(Record(path=f"/é{text}"))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\u200e\u200f]", line.decode())
    assert json.loads(line)["path"] == f"/é{text}"


def test_a_backslash_before_a_control_character_stays_a_backslash() -> None:
    assert read(Record(path="/\\\x85\\"))["path"] == "/\\\x85\\"


@pytest.mark.parametrize(
    ("record", "name", "expected"),
    [
        (Record(path="/\udc80x"), "path", "/\\udc80x"),
        (Record(groups_total=2**70, name="\ud800"), "groups_total", hex(2**70)),
        (Record(auth_time=float("nan")), "auth_time", None),
        (Record(amr=("\ud800",)), "amr", ["\\ud800"]),
        (Record(why=Why(held=("\ud800",))), "why", {"held": ["\\ud800"], "failed": [], "unknown": []}),
        (Record(bounds={"\ud800": 1}), "bounds", {"\\ud800": 1}),
        (Record(name=object), "name", "<class 'object'>"),  # type: ignore[arg-type] - it must not raise either
        (Record(name=b"\xff", path="\ud800"), "name", "b'\\xff'"),  # type: ignore[arg-type] - nor this
    ],
    ids=["surrogate", "huge integer", "NaN", "in a list", "in why", "in a key", "odd type", "odd bytes"],
)  # fmt: skip
def test_what_json_cannot_hold_becomes_readable_text(record: Record, name: str, expected: object) -> None:
    assert read(record)[name] == expected


def test_a_long_path_is_cut_with_a_hash_of_the_whole() -> None:
    path = "/" + "é" * 2000
    document = read(Record(path=path))
    digest = sha256(path.encode()).hexdigest()[:16]
    assert document["path"] == f"{path[:1024]}…sha256:{digest}"
    assert document["truncated"] is True


def test_a_long_user_agent_is_cut_with_a_hash_of_the_whole() -> None:
    document = read(Record(user_agent="M" * 257))
    assert document["user_agent"].startswith("M" * 256 + "…sha256:")
    assert document["truncated"] is True


def test_what_is_just_short_enough_is_not_cut() -> None:
    document = read(Record(path="/" * 1024, user_agent="M" * 256))
    assert "truncated" not in document
    assert (len(document["path"]), len(document["user_agent"])) == (1024, 256)


def test_cutting_leaves_the_record_itself_alone() -> None:
    record = Record(path="/" * 5000, user_agent="x" * 300, name="n" * 5000)
    encode(record)
    assert (len(record.path or ""), len(record.name or ""), record.truncated) == (5000, 5000, UNSET)


@pytest.mark.parametrize(
    ("record", "gone", "left"),
    [
        (
            Record(path="/" * 1024, name="n" * 2200, user_agent="u" * 256),
            ["user_agent"],
            ["query_keys", "why"],
        ),
        (Record(query_keys=("k" * 4000,), user_agent="u"), ["user_agent", "query_keys"], ["why"]),
        (Record(why=Why(("h" * 4000,)), user_agent="u"), ["user_agent", "query_keys", "why"], ["name"]),
        (Record(email="e" * 4000, name="n" * 200), ["user_agent", "query_keys", "why", "email"], ["name"]),
        (Record(groups_matched=("g" * 90,) * 50), ["user_agent", "groups_matched"], ["name"]),
    ],
    ids=["the user agent first", "then query keys", "then why", "then the longest others", "lists too"],
)
def test_fields_go_in_order_when_the_record_is_too_long(
    record: Record, gone: list[str], left: list[str]
) -> None:
    for name, value in {"user_agent": "u", "query_keys": ("k",), "why": Why(("h",)), "name": "n"}.items():
        if getattr(record, name) is None:
            setattr(record, name, value)
    document = read(record)
    assert document["truncated"] is True
    assert [document[name] for name in gone] == [None] * len(gone)
    assert None not in [document[name] for name in left]


def test_principal_rule_and_reason_are_cut_at_worst_but_never_gone() -> None:
    worst = "\x01" * 5000
    everything: dict[str, Any] = dict.fromkeys(ALWAYS + WHERE_RELEVANT, worst)
    everything |= {"schema": "idaware.audit/1", "kind": "connection_closed"}
    everything |= {"reason": Reason.METHOD_NOT_COVERED, "decision": "deny", "seq": 2**60}
    everything |= {"event_id": "0" * 36, "time": "2026-01-31T08:15:00.123456Z", "groups_matched": (worst,)}
    document = read(Record(**everything))
    assert document["principal"].startswith("\x01" * 64)
    assert document["rule"].startswith("\x01" * 64)
    assert document["path"].startswith("\x01" * 64)
    assert document["reason"] == "method_not_covered"
    assert document["decision"] == "deny"


def test_a_few_hundred_fields_of_middle_length_fit_without_cutting_the_principal() -> None:
    document = read(
        Record(principal="login/" + "p" * 120, **dict.fromkeys(("name", "email", "issuer"), "x" * 2000))
    )
    assert document["principal"] == "login/" + "p" * 120


texts = st.one_of(
    st.none(), st.text(st.characters(), max_size=40), st.text(st.characters(), min_size=900, max_size=1500)
)


@settings(max_examples=100, deadline=None)
@given(
    st.fixed_dictionaries(
        dict.fromkeys(("path", "user_agent", "principal", "rule", "name", "email", "host", "route"), texts)
    ),
    st.lists(st.text(st.characters()), max_size=40),
)
def test_whatever_comes_in_one_whole_line_of_json_comes_out(values: dict[str, Any], keys: list[str]) -> None:
    document = read(Record(query_keys=tuple(keys), **values))
    for name in ("principal", "rule", "path"):
        assert (document[name] is None) == (values[name] is None)


def test_a_number_of_thousands_of_digits_does_not_get_in_the_way() -> None:
    assert read(Record(groups_total=10**5000, rule="r"))["rule"] == "r"


def test_a_session_id_is_recorded_as_a_short_hash() -> None:
    assert hashed_id("secret-id") == sha256(b"secret-id").hexdigest()[:16]
    assert hashed_id("\ud800") != hashed_id("\ud801")


def test_a_started_record_says_what_the_process_promises() -> None:
    document = read(
        started(
            release="1.2.3",
            mode="enforce",
            policy_version="0123456789ab",
            store="cookie",
            bounds={"session_stale_seconds": 900},
            settings_digest="abc",
        )
    )
    expected = {"kind": "started", "release": "1.2.3", "mode": "enforce", "policy_version": "0123456789ab"}
    expected |= {"store": "cookie", "settings_digest": "abc"}
    assert {name: document[name] for name in expected} == expected
    assert document["bounds"] == {"session_stale_seconds": 900}


def test_a_stopped_record_names_release_and_policy() -> None:
    document = read(stopped(release="1.2.3", mode="off", policy_version=None))
    assert [document[name] for name in ("kind", "release", "mode", "policy_version")] == [
        "stopped",
        "1.2.3",
        "off",
        None,
    ]
