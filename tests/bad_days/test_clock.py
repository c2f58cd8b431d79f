"""The provider's clock and ours are ten minutes apart."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from bad_days.people import Person, Tool
from idaware.devidp import DevProvider
from idaware.devidp.server import start_provider

Start = Callable[..., Tool]
Check = Callable[[Tool], list[str]]
Log = Callable[[], list[str]]
Quoted = Callable[[str], None]


@pytest.mark.parametrize("seconds", [600, -600], ids=["the provider is ahead", "the provider is behind"])
def test_clocks_that_are_apart_are_told_by_how_much(
    seconds: int,
    closing: ExitStack,
    tool_at: Start,
    alice: Person,
    log: Log,
    check: Check,
    quoted: Quoted,
) -> None:
    provider, server = start_provider(
        lambda issuer: DevProvider(issuer=issuer, signing_alg="ES256", clock=lambda: time.time() + seconds)
    )
    closing.callback(server.stop)
    provider.auto_sign_in("alice")
    tool = tool_at(provider.issuer)
    page = alice.visit(tool.url + "/x")
    assert page.status == 400
    assert "The provider's answer could not be trusted" in page.words
    quoted("The provider's answer could not be trusted")
    failed = tool.last("login_failed")
    assert failed["reason"] == "login_token_rejected"
    assert failed["error"] in log()[-1]
    assert "the clocks differ by about" in log()[-1]
    quoted(log()[-1])
    (found,) = check(tool)
    quoted(found)


def test_a_clock_within_the_leeway_is_no_trouble(
    closing: ExitStack, tool_at: Start, alice: Person, check: Check
) -> None:
    provider, server = start_provider(
        lambda issuer: DevProvider(issuer=issuer, signing_alg="ES256", clock=lambda: time.time() + 20)
    )
    closing.callback(server.stop)
    provider.auto_sign_in("alice")
    tool = tool_at(provider.issuer)
    assert alice.visit(tool.url + "/x").text == "hello"
    (found,) = check(tool)
    assert found.startswith("clock: the provider's is")
