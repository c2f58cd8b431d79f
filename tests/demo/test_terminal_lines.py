"""One line a record in the terminal, whatever is in the record."""

from __future__ import annotations

import re
from typing import Any

import pytest

from idaware.demo import terminal


def record(**fields: Any) -> dict[str, Any]:
    return {
        "time": "2026-03-01T12:00:00.000000Z",
        "kind": "decision",
        "decision": "allow",
        "reason": "allowed_by_rule",
        "rule": "read-invoices",
        "actor_type": "human",
        "subject": "alice",
        "method": "GET",
        "path": "/invoices",
        "why": {"held": ["groups: sre"], "failed": [], "unknown": []},
        **fields,
    }


def cells(**fields: Any) -> list[str]:
    return re.split(r"  +", terminal.line(record(**fields), colour=False))


def test_a_decision_is_time_who_request_decision_rule_reason() -> None:
    [at, *rest] = cells()
    assert re.fullmatch(r"\d\d:00:00|\d\d:30:00", at)
    assert rest == ["alice", "GET /invoices", "allow", "read-invoices", "allowed_by_rule (groups: sre)"]


def test_the_columns_have_names_and_stand_below_them() -> None:
    line, heading = terminal.line(record(), colour=False), terminal.heading()
    for name, cell in [
        ("who", "alice"),
        ("request", "GET"),
        ("decision", "allow"),
        ("rule", "read-"),
        ("reason", "allowed_"),
    ]:
        assert line.index(cell) == heading.index(name)


@pytest.mark.parametrize(
    ("fields", "cell", "text"),
    [
        ({"actor_type": "anonymous", "subject": None}, 1, "nobody"),
        ({"actor_type": None, "subject": None, "method": None}, 1, "-"),
        ({"method": None}, 2, "-"),
        ({"rule": None}, 4, "-"),
        ({"kind": "logout", "decision": None}, 3, "· logout"),
        ({"why": None}, 5, "allowed_by_rule"),
        (
            {
                "decision": "deny",
                "reason": "denied_by_rule",
                "why": {"held": ["x: groups: a"], "failed": [], "unknown": []},
            },
            5,
            "denied_by_rule (x: groups: a)",
        ),
        (
            {
                "decision": "step_up",
                "reason": "step_up_required",
                "why": {"held": ["a"], "failed": ["b", "c"], "unknown": []},
            },
            5,
            "step_up_required (b, c)",
        ),
        (
            {
                "decision": "deny",
                "reason": "claim_unknown",
                "why": {"held": ["a"], "failed": [], "unknown": ["u"]},
            },
            5,
            "claim_unknown (u)",
        ),
    ],
    ids=["nobody", "no one", "no request", "no rule", "event", "no why", "held deny", "failed", "unknown"],
)
def test_each_cell_says_what_is_known(fields: dict[str, Any], cell: int, text: str) -> None:
    assert cells(**fields)[cell] == text


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize(
    "hostile", ["\x1b[2J", "\r\n12:00:00  alice", "\x9b31m", "\u202egpj", "\x07"], ids=ascii
)
def test_what_a_stranger_sends_moves_no_cursor(hostile: str, colour: bool) -> None:
    why = {"held": [hostile], "failed": [], "unknown": []}
    line = terminal.line(record(path=f"/{hostile}", subject=hostile, rule=hostile, why=why), colour=colour)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", line) if colour else line
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202e]", plain)


def test_a_long_path_is_cut() -> None:
    assert len(terminal.line(record(path="/" + "x" * 5000), colour=False)) < 400


@pytest.mark.parametrize(
    ("fields", "begins"),
    [
        ({}, "\x1b[32mallow"),
        ({"decision": "deny"}, "\x1b[1;31mdeny"),
        ({"decision": "step_up"}, "\x1b[33mstep_up"),
        ({"decision": "login"}, "\x1b[36mlogin"),
        ({"decision": "error"}, "\x1b[1;35merror"),
        ({"decision": None, "kind": "login"}, "\x1b[2;36m"),
        ({"reason": "own_endpoint"}, "\x1b[2m"),
    ],
    ids=["allow", "deny", "step-up", "login", "error", "event", "sign-in traffic"],
)
def test_colours_tell_decisions_apart_and_end_on_the_line(fields: dict[str, Any], begins: str) -> None:
    line = terminal.line(record(**fields), colour=True)
    assert begins in line
    assert line.count("\x1b[0m") == 1
    assert re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() == terminal.line(record(**fields), colour=False)
