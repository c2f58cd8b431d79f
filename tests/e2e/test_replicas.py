"""Two replicas of one tool that take turns, request by request."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from e2e.chromium import Visitor
from e2e.providers import SignsPeopleIn
from e2e.running import Program, free_port, status_of
from e2e.tool import Tool

DIFFERENT_KEYS = ("one-key-of-forty-characters-for-replicas", "another-key-of-forty-characters-for-tests")
TURNS = [
    pytest.param((0, 1), id="each-request-another-replica"),
    pytest.param((0, 0, 1, 1), id="each-second-request-another-replica"),
]
MAX_ANSWERS = 12
"""More answers than that to one visit is a loop."""


@pytest.fixture
def replicas(
    provider_at: Callable[..., SignsPeopleIn],
    tool_at: Callable[..., Tool],
    nginx_at: Callable[..., Program],
) -> Callable[..., Tool]:
    """Starts two replicas with these keys behind one address, where every browser is signed in as alice."""

    def start(keys: tuple[str, str], turns: tuple[int, ...]) -> Tool:
        port = free_port()
        base_url = f"http://localhost:{port}"
        provider = provider_at("development", base_url)
        provider.provider.auto_sign_in("alice")  # type: ignore[attr-defined]  # the development provider's own
        tools = [
            tool_at(
                "flask",
                "waitress",
                provider.issuer,
                base_url=base_url,
                env={"IDAWARE_SECRET_KEYS": key},
                name=f"replica-{number}",
            )
            for number, key in enumerate(keys)
        ]
        nginx_at(port, [tools[turn].port for turn in turns])
        return tools[0]

    return start


@pytest.mark.parametrize("turns", TURNS)
def test_with_the_same_keys_they_are_one(
    turns: tuple[int, ...], replicas: Callable[..., Tool], visitor: Callable[..., Visitor]
) -> None:
    tool = replicas(DIFFERENT_KEYS[:1] * 2, turns)
    alice = visitor()
    for page in range(6):
        assert alice.go(tool.url(f"/dash/{page}")) == 200
        assert alice.who == "alice@corp.example"
    assert len(alice.answered_by(tool.base_url)) <= 6 + 2 + 6, "six pages, one sign-in, and icons for tabs"


def test_with_different_keys_a_failed_sign_in_is_explained(
    replicas: Callable[..., Tool], visitor: Callable[..., Visitor]
) -> None:
    """The answer of the provider comes to the replica that did not send the person there."""
    tool = replicas(DIFFERENT_KEYS, (0, 1))
    alice = visitor()
    assert alice.go(tool.url("/dash/1")) == 400
    alice.saw("different-keys")
    assert "login_state_unknown" in alice.text
    alice.page.click("text=Try again")
    assert "login_state_unknown" in alice.text
    alice.page.click("text=Try again")
    alice.saw("stopped")
    assert "Signing in does not work at the moment" in alice.text
    assert "do all replicas have the same IDAWARE_SECRET_KEYS" in tool.program.log


def test_with_different_keys_a_session_that_cannot_be_read_does_not_loop(
    replicas: Callable[..., Tool], visitor: Callable[..., Visitor]
) -> None:
    """Each sign-in succeeds at one replica, and the next request comes to the one that cannot read it."""
    tool = replicas(DIFFERENT_KEYS, (0, 0, 1, 1))
    # nginx was asked once whether it is there; with one more request the next turns are both the other's
    assert status_of(int(tool.base_url.rpartition(":")[2]), "/health") == 200
    alice = visitor()
    assert alice.go(tool.url("/dash/1")) == 401
    alice.saw("unreadable")
    assert "Each new sign-in gives a session that the next request cannot read." in alice.text
    assert len(alice.answered_by(tool.base_url)) <= MAX_ANSWERS
