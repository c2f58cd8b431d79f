"""The groups claim is missing, in the ID token and in userinfo."""

from __future__ import annotations

from collections.abc import Callable

from bad_days.people import Person, Tool
from idaware.devidp import DevProvider

Start = Callable[..., Tool]
Log = Callable[[], list[str]]
Quoted = Callable[[str], None]


def test_missing_groups_are_told_to_the_person_and_to_operators(
    tool_at: Start, provider: DevProvider, alice: Person, log: Log, quoted: Quoted
) -> None:
    tool = tool_at(provider.issuer)
    provider.faults.set("groups_missing")
    page = alice.visit(tool.url + "/x")
    assert page.status == 403
    for sentence in (
        "We could not tell whether you have access",
        "Your provider said nothing about your groups when you signed in.",
        "Ask an administrator of the provider to send your groups to this application.",
    ):
        assert sentence in page.words
        quoted(sentence)
    record = tool.last()
    assert (record["reason"], record["why"]["unknown"]) == ("claim_unknown", ["groups: sre"])
    assert record["groups_total"] is None
    quoted(log()[-1])
    assert "the claim 'groups' is missing" in log()[-1]
    me = alice.ask(tool.url + "/_idaware/me").json
    assert me["groups_left_out"] == "absent"


def test_groups_that_come_again_count_with_the_next_sign_in(
    tool_at: Start, provider: DevProvider, alice: Person
) -> None:
    tool = tool_at(provider.issuer)
    provider.faults.set("groups_missing")
    assert alice.visit(tool.url + "/x").status == 403
    provider.faults.clear()
    assert alice.visit(tool.url + "/x").status == 403, "the session knows what it was made with"
    assert alice.visit(tool.url + "/_idaware/login?next=/x").text == "hello"


def test_a_provider_that_leaves_empty_lists_out_can_be_told_apart(
    tool_at: Start, provider: DevProvider, alice: Person, log: Log
) -> None:
    tool = tool_at(provider.issuer, groups_absent="empty")
    provider.faults.set("groups_missing")
    page = alice.visit(tool.url + "/x")
    assert page.status == 403
    assert tool.last()["reason"] == "not_in_allow"
    assert log() == []
