"""The trail of audit records: numbers and stamps them, queues their lines, has them written.

``emit`` is all that a request waits for: a queue takes the record, and the process's background thread makes a line
of it and writes it (``audit/sinks/channel.py``, ``io/background.py``). Nothing starts before the first record.
"""

from __future__ import annotations

import atexit
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import count
from weakref import WeakSet

from idaware.audit.privacy import hash_record
from idaware.audit.record import Record, encode
from idaware.audit.sinks import Sink
from idaware.audit.sinks.channel import BATCH_RECORDS, Channel
from idaware.io.background import SHARED, Background, Job
from idaware.io.forks import after_fork

ROUND_SECONDS = 0.1
"""Records are written in rounds: a thread that wakes for each request costs more than the request."""
IDLE_ROUNDS = 10
RETRY_SECONDS = 1.0
CLOSE_SECONDS = 2.0


def host_and_pid() -> str:
    """Which process this is: ``<host name>-<process id>``."""
    return f"{socket.gethostname()}-{os.getpid()}"


class Trail:
    """Where records go, once each.

    ``app`` and ``instance`` stand in each record that does not name its own. ``clock``: UTC epoch seconds.
    ``max_queue``: so many records wait for each sink that fails; further ones are counted, and a ``gap`` record says
    so later. ``privacy_key``: hash what names a person (``audit/privacy.py``); ``None`` records it plainly.
    """

    def __init__(
        self,
        sinks: Iterable[Sink],
        *,
        app: str | None = None,
        instance: Callable[[], str] = host_and_pid,
        clock: Callable[[], float] = time.time,
        max_queue: int = 10_000,
        privacy_key: bytes | None = None,
        background: Background = SHARED,
    ) -> None:
        self.app = app
        self._name_instance = instance
        self._clock = clock
        self._privacy_key = privacy_key
        self._channels = tuple(
            Channel(sink, max_queue=max_queue, line=self._line, gap_line=self._gap_line) for sink in sinks
        )
        self._direct = tuple(channel for channel in self._channels if channel.sink.direct)
        self._queued = tuple(channel for channel in self._channels if not channel.sink.direct)
        self._second: tuple[int, str]
        self._milli: tuple[int, str]
        self._asleep: bool
        self._closed = False
        self._job = background.on_demand("audit", self._round) if self._queued else None
        self._make_anew()
        after_fork(self._make_anew)
        _close_at_exit(self)

    def emit(self, record: Record) -> None:
        """Take one record. Never waits for a sink, and no sink's failure gets out of here (audit promise 4).

        Call it once for each record (audit promise 1), and leave the record alone from then on. What ``Record`` names
        is filled in when its line is made.
        """
        now = self._clock()
        record.seq = next(self._seq)
        for channel in self._channels:
            channel.put(record, now)
        for channel in self._direct:
            channel.drain()
        if self._job is not None:
            self._see_to_writing(self._job)

    def flush(self, timeout_seconds: float = CLOSE_SECONDS) -> bool:
        """Write what is queued, on this thread; whether all of it could be written in that time."""
        deadline = time.monotonic() + timeout_seconds
        done = [channel.drain(max(0.0, deadline - time.monotonic())) for channel in self._channels]
        return all(done)

    def close(self, timeout_seconds: float = CLOSE_SECONDS) -> None:
        """Write what is queued and let go of files. Records that come later are written at once."""
        self._closed = True
        if self._job is not None:
            self._job.cancel()
        self.flush(timeout_seconds)
        for channel in self._channels:
            channel.close()

    @property
    def lost(self) -> int:
        """How many records no room was left for since the process began, over all sinks."""
        return sum(channel.lost for channel in self._channels)

    @property
    def written(self) -> int:
        """How many records were written since the process began, over all sinks."""
        return sum(channel.written for channel in self._channels)

    @property
    def failing(self) -> str | None:
        """Which sink cannot write at the moment, and why; ``None`` when all is well."""
        return next((channel.failing for channel in self._channels if channel.failing), None)

    def _line(self, record: Record, now: float) -> bytes:
        """The line of a record that was emitted at ``now``. INVARIANT: the same in each channel, whichever is first."""
        self._stamp(record, now)
        return encode(record if self._privacy_key is None else hash_record(record, self._privacy_key))

    def _stamp(self, record: Record, now: float) -> None:
        record.time = self._rfc3339(now)
        if record.event_id is None:
            record.event_id = self._uuid7(now, record.seq or 0)
        if record.app is None:
            record.app = self.app
        if record.instance is None:
            record.instance = self._instance
        if record.reason_text is None and record.reason is not None:
            record.reason_text = record.reason.sentence

    # Both texts are put together from ``str`` and ``hex``: format specifications cost three times as much.

    def _rfc3339(self, now: float) -> str:
        """``2026-01-31T08:15:00.123456Z`` (RFC 3339 section 5.6); the text of a second is made once."""
        micros = int(now * 1_000_000)
        second = micros // 1_000_000
        known, text = self._second
        if known != second:
            text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
            self._second = second, text  # one assignment: threads may race, and none sees a half of it
        return f"{text}{str(micros + 1_000_000)[-6:]}Z"  # with a second more there are always six digits

    def _uuid7(self, now: float, seq: int) -> str:
        """RFC 9562 section 5.7; ``rand_a`` and ``rand_b`` are one counter from a random start (section 6.2)."""
        milli = int(now * 1000)
        known, text = self._milli
        if known != milli:
            digits = hex(milli | 1 << 48)  # "0x1" and always twelve digits
            text = f"{digits[3:11]}-{digits[11:]}-{self._random_middle}-"
            self._milli = milli, text
        return text + hex(self._random_start + seq)[3:]

    def _gap_line(self, lost: int, first: float, last: float) -> bytes:
        first_time, last_time = self._rfc3339(first), self._rfc3339(last)
        record = Record(
            kind="gap", seq=next(self._seq), count=lost, first_time=first_time, last_time=last_time
        )
        return self._line(record, self._clock())

    def _see_to_writing(self, job: Job) -> None:
        if self._closed:
            self.flush()
        elif self._asleep:
            self._asleep = False
            if not job.wake(ROUND_SECONDS):
                self._asleep = True
                self.flush()  # the interpreter is shutting down: no thread will write it later
        elif len(self._queued[0].queue) == BATCH_RECORDS:
            job.wake()

    def _round(self) -> float | None:
        """One round of the background thread; the seconds until the next, ``None`` after enough idle ones."""
        if any(channel.waiting for channel in self._queued):
            self._idle_rounds = 0
            drained = [channel.drain() for channel in self._queued]
            return ROUND_SECONDS if all(drained) or not self.failing else RETRY_SECONDS
        self._idle_rounds += 1
        if self._idle_rounds < IDLE_ROUNDS:
            return ROUND_SECONDS
        # INVARIANT: first the flag, then a last look. ``emit`` queues first and looks at the flag then.
        self._idle_rounds = 0
        self._asleep = True
        return ROUND_SECONDS if any(channel.waiting for channel in self._queued) else None

    def _make_anew(self) -> None:
        """In a forked child: its own numbers, its own queue, its own name."""
        self._seq = count(1)
        self._second = (-1, "")
        self._milli = (-1, "")
        self._random_start = 1 << 48 | secrets.randbits(47)  # "0x1" and twelve digits, however long it counts
        self._random_middle = f"7{secrets.randbits(12):03x}-{0x8000 | secrets.randbits(14):04x}"
        self._instance = self._name_instance()
        self._asleep = True
        self._idle_rounds = 0
        for channel in self._channels:
            channel.make_anew()


_open: WeakSet[Trail] = WeakSet()


def _close_at_exit(trail: Trail) -> None:
    if not _open:
        atexit.register(_close_all)
    _open.add(trail)


def _close_all() -> None:
    for trail in list(_open):
        trail.close()
