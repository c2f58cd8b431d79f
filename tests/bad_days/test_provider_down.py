"""The provider does not answer: at the start, later, or at one endpoint."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bad_days.people import Person, Tool
from bad_days.ports import free_port
from idaware.devidp import DevProvider
from idaware.devidp.server import start_provider
from idaware.oidc.remembered import RETRY_SECONDS

Start = Callable[..., Tool]
Check = Callable[[Tool], list[str]]
Log = Callable[[], list[str]]
Quoted = Callable[[str], None]


def test_down_at_the_start_is_told_and_passes_by_itself(
    tool_at: Start, alice: Person, log: Log, check: Check, quoted: Quoted
) -> None:
    port = free_port()
    tool = tool_at(f"http://localhost:{port}")
    page = alice.visit(tool.url + "/x")
    assert page.status == 503
    assert "Signing in is not possible right now" in page.words
    quoted("The sign-in provider does not answer. Please try again in a minute.")
    record = tool.last()
    assert (record["decision"], record["reason"], record["error"]) == (
        "error", "provider_unavailable", "ProviderUnavailable",
    )  # fmt: skip
    quoted(log()[-1])
    assert "nobody can sign in" in log()[-1]
    (found,) = check(tool)
    quoted(found)
    assert alice.ask(tool.url + "/x").status == 401, "programs are told to sign in, as ever"
    assert alice.ask(tool.url + "/healthz").text == "hello", "public pages are open"
    assert alice.ask(tool.url + "/_idaware/healthz").json == {"status": "ok"}
    assert alice.ask(tool.url + "/_idaware/readyz").json == {"status": "degraded"}

    provider, server = start_provider(port=port)
    with server:
        provider.auto_sign_in("alice")
        tool.clock.ahead_seconds += RETRY_SECONDS
        assert alice.visit(tool.url + "/x").text == "hello"
        assert alice.ask(tool.url + "/_idaware/readyz").json["status"] == "ok"


def test_down_later_does_not_touch_who_is_signed_in(
    tool_at: Start, provider: DevProvider, alice: Person, log: Log
) -> None:
    tool = tool_at(provider.issuer)
    assert alice.visit(tool.url + "/x").text == "hello"
    provider.faults.set("down")
    for minutes in (0, 20, 40, 59):
        tool.clock.ahead_seconds = minutes * 60
        assert alice.visit(tool.url + "/x").text == "hello", f"after {minutes} minutes"
    tool.clock.ahead_seconds = 3600
    assert alice.ask(tool.url + "/x").json["reason"] == "session_stale"
    stale = alice.visit(tool.url + "/x")
    assert (stale.status, stale.text) == (503, "As requested, the development provider is down.")
    provider.faults.clear()
    tool.clock.ahead_seconds = 0
    assert alice.visit(tool.url + "/x").text == "hello"
    assert log() == [], "nothing was asked that could have failed, but for renewals that were left alone"


def test_whoever_comes_anew_meets_the_dead_provider_itself(
    tool_at: Start, provider: DevProvider, newcomer: Callable[[], Person], check: Check, quoted: Quoted
) -> None:
    tool = tool_at(provider.issuer)
    newcomer().visit(tool.url + "/x")
    provider.faults.set("down")
    page = newcomer().visit(tool.url + "/x")
    assert page.url.startswith(provider.issuer)
    assert tool.last()["reason"] == "no_identity"
    (found,) = check(tool)
    quoted(found)


@pytest.mark.parametrize("fault", ["down:token", "token_500", "token_429", "slow:3:token", "down:jwks"])
def test_an_endpoint_that_is_down_ends_the_sign_in_and_the_next_one_works(
    fault: str, tool_at: Start, provider: DevProvider, alice: Person, log: Log
) -> None:
    tool = tool_at(provider.issuer, http_timeout="1s")
    provider.faults.set(fault)
    page = alice.visit(tool.url + "/x")
    assert page.status == 503
    assert "The sign-in provider does not answer." in page.words
    assert "Try again" in page.words
    failed = tool.last("login_failed")
    assert failed["reason"] == "provider_unavailable"
    assert failed["error"] in log()[-1]
    assert tool.last()["decision"] == "error"
    provider.faults.clear()
    tool.clock.ahead_seconds += RETRY_SECONDS
    assert alice.visit(tool.url + "/x").text == "hello"
