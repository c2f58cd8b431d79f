"""The audit records of a test, as whoever reads the log would see them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, overload

from idaware.audit.sinks.memory import MemorySink
from idaware.audit.trail import Trail
from idaware.testing.applications import runtime_of
from idaware.testing.clients import holder_of


class CapturedAudit(Sequence[dict[str, Any]]):
    """The records since the capture began, oldest first; more come as more requests are made."""

    def __init__(self, sink: MemorySink) -> None:
        self._sink = sink

    @property
    def decisions(self) -> list[dict[str, Any]]:
        """The ``decision`` records: one for each request."""
        return [record for record in self._sink.records if record["kind"] == "decision"]

    @property
    def last(self) -> dict[str, Any]:
        """The last decision. Raises ``LookupError`` when there is none."""
        if not self.decisions:
            raise LookupError("no request was decided on since the capture began")
        return self.decisions[-1]

    def clear(self) -> None:
        """Forget the records so far."""
        self._sink.clear()

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        return self._sink.records[index]

    def __len__(self) -> int:
        return len(self._sink.lines)

    def __repr__(self) -> str:
        return f"<{len(self)} audit records>"


@contextlib.contextmanager
def capture_audit(application: object) -> Iterator[CapturedAudit]:
    """The audit records of ``application`` (or of a test client's) while the block runs.

    They go nowhere else meanwhile. Raises ``LookupError`` when there is no gate in it.
    """
    runtime = runtime_of(holder_of(application))
    settings, sink = runtime.settings, MemorySink()
    key = settings.audit_key if settings.audit_privacy == "hash" else None
    before = runtime.trail
    runtime.trail = Trail(
        [sink], app=runtime.app_name, privacy_key=None if key is None else key.reveal().encode()
    )
    try:
        yield CapturedAudit(sink)
    finally:
        runtime.trail = before
