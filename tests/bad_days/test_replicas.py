"""Two replicas of one tool that do not have the same keys."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from typing import Any

import pytest

from bad_days.people import Clock, Person, Tool, guard
from idaware.devidp import DevProvider

Start = Callable[..., Tool]
Log = Callable[[], list[str]]
Quoted = Callable[[str], None]

OTHER_KEY = "another-key-of-forty-characters-for-days"


class Balanced:
    """Two replicas behind one address; ``order`` says which of them gets the next request."""

    def __init__(self, settings: dict[str, Any], clock: Clock, order: str) -> None:
        self.replicas = guard(settings, clock), guard(settings | {"secret_keys": OTHER_KEY}, clock)
        self._order = cycle("AB".index(letter) for letter in order)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        which = next(self._order) if scope["type"] == "http" else 0
        await self.replicas[which](scope, receive, send)


@pytest.fixture
def balanced(tool_at: Start, provider: DevProvider) -> Callable[[str], Tool]:
    def start(order: str) -> Tool:
        return tool_at(provider.issuer, guarded=lambda settings, clock: Balanced(settings, clock, order))

    return start


def test_a_callback_at_the_other_replica_names_the_keys(
    balanced: Callable[[str], Tool], alice: Person, log: Log, quoted: Quoted
) -> None:
    tool = balanced("AB")
    pages = [alice.visit(tool.url + "/x") for _ in range(3)]
    assert [page.status for page in pages] == [400, 400, 400]
    assert "This sign-in is no longer good" in pages[0].words
    quoted("This sign-in is no longer good")
    assert "Signing in does not work at the moment" in pages[2].words
    quoted("Signing in does not work at the moment")
    assert tool.last("login_failed")["reason"] == "login_state_unknown"
    assert "do all replicas have the same IDAWARE_SECRET_KEYS" in log()[-1]
    quoted(log()[-1])


def test_a_session_of_the_other_replica_ends_in_an_explanation_and_not_in_a_loop(
    balanced: Callable[[str], Tool], alice: Person, log: Log, quoted: Quoted
) -> None:
    tool = balanced("AABB")
    page = alice.visit(tool.url + "/x", hops=20)
    assert page.status == 401
    assert "Each new sign-in gives a session that the next request cannot read." in page.words
    quoted("Each new sign-in gives a session that the next request cannot read.")
    assert tool.last()["auth_error"] == "session_invalid"
    quoted(log()[-1])


@pytest.mark.parametrize("order", ["AB", "AABB", "AAB", "ABBA", "ABB", "AAAB"])
def test_no_order_of_replicas_ends_in_a_loop(
    order: str, balanced: Callable[[str], Tool], newcomer: Callable[[], Person]
) -> None:
    tool, person = balanced(order), newcomer()
    for _ in range(4):
        assert person.visit(tool.url + "/x", hops=20).status in (200, 400, 401)


def test_replicas_with_the_same_keys_are_one(tool_at: Start, provider: DevProvider, alice: Person) -> None:
    class Same(Balanced):
        def __init__(self, settings: dict[str, Any], clock: Clock) -> None:
            super().__init__(settings, clock, "AB")
            self.replicas = guard(settings, clock), guard(settings, clock)

    tool = tool_at(provider.issuer, guarded=Same)
    for _ in range(4):
        assert alice.visit(tool.url + "/x").text == "hello"
