"""The tutorial says what happens: its table, its requests, its commands and its excerpts are held to the demo."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from idaware.audit.record import Decision, Kind
from idaware.cli import parser
from idaware.demo import company, terminal
from idaware.demo.hosting import POLICY_FILE
from idaware.demo.own_app import KEPT_VARIABLES
from idaware.demo.places import PLACES
from idaware.devidp.faults import FAULTS
from idaware.reasons import Reason

PAGE = (Path(__file__).parents[2] / "docs/tutorial/demo.md").read_text(encoding="utf-8")
WORDS = {"open": (200, 303), "sign in": (302, 401), "second factor": (302,), "refused": (403,)}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def commands(program: str) -> list[list[str]]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith(f"{program} ")]


def table() -> list[tuple[str, str, str]]:
    """Who, request, outcome."""
    head, _, *rows = [
        [cell.strip(" `") for cell in line.strip("|").split("|")]
        for line in PAGE.splitlines()
        if line[:1] == "|"
    ]
    return [(who, row[0], outcome) for row in rows for who, outcome in zip(head[1:], row[1:], strict=True)]


@pytest.mark.parametrize(("who", "request_line", "outcome"), table())
def test_the_table_is_true(person: Any, who: str, request_line: str, outcome: str) -> None:
    somebody = person(None if who == "nobody" else who.lower())
    answer = somebody.ask(*request_line.split())
    assert answer.status_code in WORDS[outcome]


def test_the_requests_are_answered_as_the_list_below_them_says(demo: Any, person: Any) -> None:
    said = [int(status) for status in re.findall(r"^\d\. `(\d{3})`", PAGE, re.MULTILINE)]
    got = []
    for arguments in commands("curl"):
        method = "POST" if "POST" in arguments else "GET"
        path = arguments[-1].removeprefix("http://localhost:8000")
        got.append(_raw(demo.url, method, path))
    assert got == said
    assert len(said) == 3


def _raw(url: str, method: str, path: str) -> int:
    """The status of a request whose path nobody tidies up on the way."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", int(url.rpartition(":")[2]), timeout=10)
    try:
        connection.request(method, path, headers={"Host": url.removeprefix("http://"), "Accept": "*/*"})
        return connection.getresponse().status
    finally:
        connection.close()


def test_the_commands_are_ones() -> None:
    found = commands("idaware")
    assert len(found) == 4
    for arguments in found:
        assert parser().parse_args(arguments).command == "demo"


def test_the_rule_on_the_page_is_the_policy_s() -> None:
    [excerpt] = blocks("yaml")
    assert excerpt in POLICY_FILE.read_text(encoding="utf-8")


def test_the_lines_of_the_terminal_are_such_lines() -> None:
    [excerpt] = blocks("text")
    heading, *lines = excerpt.splitlines()
    assert heading == terminal.heading()
    for line in lines:
        _, who, request, decision, rule, reason = re.split("  +", line)
        record = {
            "time": "2026-03-01T14:02:11Z",
            "actor_type": "anonymous" if who == "nobody" else "human",
            "subject": who,
            "method": request.split()[0],
            "path": request.split()[1],
            "decision": decision,
            "rule": rule,
            "reason": reason,
        }
        assert terminal.line(record, colour=False)[8:] == line[8:]
        assert decision in Decision.__args__  # type: ignore[attr-defined]
        assert reason in {one.value for one in Reason}


def test_every_page_and_person_that_is_named_is_there() -> None:
    names = {person.name for person in company.PEOPLE}
    assert set(re.findall(r"\*\*((?:Alice|Bob|Carol|Erin) \w+)\*\*", PAGE)) <= names
    pages = {place.name for place in PLACES}
    assert {
        "Status",
        "Invoices",
        "Payroll",
        "Administration",
        "Team Payments",
        "Team Platform",
        "A forgotten page",
    } <= pages
    rules = set(re.findall(r"rule,? `([a-z-]+)`", PAGE))
    assert rules == {"read-invoices", "change-invoices", "live-payments", "live-records"}
    assert all(f"- id: {rule}\n" in POLICY_FILE.read_text(encoding="utf-8") for rule in rules)


def test_every_code_that_is_named_is_one() -> None:
    known = {one.value for one in Reason} | set(Decision.__args__) | set(Kind.__args__) | set(FAULTS)  # type: ignore[attr-defined]
    assert set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", PAGE)) <= known


def test_variables_that_are_said_to_count_do() -> None:
    named = set(re.findall(r"`(IDAWARE_[A-Z_]+)`", PAGE.rpartition("Variables of your own")[2]))
    assert named
    assert named <= KEPT_VARIABLES
