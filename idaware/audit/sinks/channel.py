"""One sink with its queue, and what is known about its health.

Each sink has a queue of its own: one that fails neither holds up nor doubles what the others get.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from idaware.audit.record import Record
from idaware.audit.sinks import Sink

_log = logging.getLogger("idaware.audit")

BATCH_RECORDS = 512
"""So many records, at most, are one batch: about half a megabyte."""

Line: TypeAlias = Callable[[Record, float], bytes]
"""Makes the line of a record that was handed over at a time."""
GapLine: TypeAlias = Callable[[int, float, float], bytes]
"""Makes the line of a ``gap`` record: how many were lost, when the first, when the last."""


class Channel:
    """The way of records to one sink.

    ``lost`` and ``written`` count records since the process began; ``failing`` says why nothing can be
    written at the moment, ``None`` when all is well.
    """

    def __init__(self, sink: Sink, *, max_queue: int, line: Line, gap_line: GapLine) -> None:
        self.sink = sink
        self._max_queue = max_queue
        self._line = line
        self._gap_line = gap_line
        self.make_anew()

    def make_anew(self) -> None:
        """As new, in a forked child: what was queued is the parent's to write."""
        self.lost = 0
        self.written = 0
        self.failing: str | None = None
        self.queue: deque[tuple[Record, float]] = deque()
        self._held: list[bytes] = []
        self._gap: tuple[int, float, float] | None = None
        self._writing = threading.Lock()
        self._counting = threading.Lock()

    def put(self, record: Record, now: float) -> None:
        """Queue a record; where the queue is full, count it as lost (audit promise 4). Never waits."""
        if len(self.queue) < self._max_queue:
            self.queue.append((record, now))
            return
        with self._counting:
            self.lost += 1
            count, first, _ = self._gap or (0, now, now)
            self._gap = (count + 1, first, now)

    def drain(self, timeout_seconds: float = 1.0) -> bool:
        """Write what is queued until nothing is left, the sink takes no more, or time is up.

        Returns whether nothing is left. Waits for another thread that is writing, within the same time.
        """
        deadline = time.monotonic() + timeout_seconds
        if not self._writing.acquire(timeout=timeout_seconds):
            return False
        try:
            while self._fill():
                if not self._write() or time.monotonic() > deadline:
                    break
            return not self.waiting
        finally:
            self._writing.release()

    @property
    def waiting(self) -> bool:
        """Whether anything waits to be written."""
        return bool(self.queue or self._held or self._gap)

    def _fill(self) -> list[bytes]:
        while self.queue and len(self._held) < BATCH_RECORDS:
            self._held.append(self._line(*self.queue.popleft()))
        if self._gap is not None and self.failing is None:
            with self._counting:
                gap, self._gap = self._gap, None
            self._held.append(self._gap_line(*gap))
        return self._held

    def _write(self) -> bool:
        try:
            whole = self.sink.write(self._held)
        except Exception as error:  # noqa: BLE001 - promise 4: a sink that fails never fails a request
            self._note_failure(error)
            return False
        del self._held[:whole]
        self.written += whole
        if whole:
            self._note_success()
        else:
            self._note_failure(OSError("it took only a part of a line"))
        return not self._held

    def _note_failure(self, error: Exception) -> None:
        message = f"{self.sink.name}: {error}"
        if self.failing is None:
            _log.error("audit records cannot be written and wait: %s", message)
        self.failing = message

    def _note_success(self) -> None:
        if self.failing is not None:
            _log.warning("audit records are written again: %s", self.sink.name)
        self.failing = None

    def close(self) -> None:
        """Let go of the sink's files, unless another thread is writing right now; say what is lost with the end."""
        if self._writing.acquire(blocking=False):
            try:
                if self.waiting:
                    _log.error(
                        "audit records are lost: %d lines that waited, %d records for which there was no room (%s)",
                        len(self.queue) + len(self._held), self.lost, self.failing,
                    )  # fmt: skip
                self.sink.close()
            finally:
                self._writing.release()
