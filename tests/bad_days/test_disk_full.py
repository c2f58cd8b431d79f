"""The disk that audit records go to is full."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bad_days.people import Person, Tool
from bad_days.waiting import wait_until
from idaware.devidp import DevProvider

Start = Callable[..., Tool]
Check = Callable[[Tool], list[str]]
Log = Callable[[], list[str]]
Quoted = Callable[[str], None]


def test_a_full_disk_fails_no_request_and_loses_nothing_that_fits_in_memory(
    tool_at: Start,
    provider: DevProvider,
    alice: Person,
    tmp_path: Path,
    log: Log,
    check: Check,
    quoted: Quoted,
) -> None:
    audit = tmp_path / "audit.jsonl"
    audit.symlink_to("/dev/full")
    tool = tool_at(provider.issuer)
    assert alice.visit(tool.url + "/x").text == "hello"
    (trail,) = tool.trails
    trail.flush()
    assert alice.ask(tool.url + "/_idaware/readyz").json["parts"]["audit"]["status"] == "degraded"
    assert trail.failing is not None
    quoted(log()[-1])
    assert log()[-1].startswith("audit records cannot be written and wait")
    (found,) = check(tool)
    quoted(found)
    audit.unlink()  # somebody made room: here, by another file in its place
    assert [record["path"] for record in tool.records("decision")] == [
        "/x", "/_idaware/callback", "/x", "/_idaware/readyz",
    ]  # fmt: skip
    assert [record["kind"] for record in tool.records("started")] == ["started"]
    wait_until(lambda: trail.failing is None, "a write that works")
    assert log()[-1].startswith("audit records are written again")
    quoted(log()[-1])
    assert check(tool) == []
