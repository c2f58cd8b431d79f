"""Records are numbered, stamped and written once; no sink's trouble reaches a request."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID
from weakref import WeakSet

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idaware.audit.privacy import hash_value
from idaware.audit.record import Record
from idaware.audit.sinks.channel import BATCH_RECORDS, Channel
from idaware.audit.sinks.memory import MemorySink
from idaware.audit.trail import IDLE_ROUNDS, RETRY_SECONDS, ROUND_SECONDS, Trail, _close_all, host_and_pid
from idaware.io.background import Background
from idaware.reasons import Reason


class Clock:
    def __init__(self, now: float = 1_769_847_300.25) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Slow:
    """A sink that is written in the background; ``room`` lines fit, then it fails with ``error``."""

    direct = False

    def __init__(self, name: str = "slow") -> None:
        self.name = name
        self.batches: list[list[bytes]] = []
        self.room: int | None = None
        self.error: Exception = OSError(28, "No space left on device")
        self.closed = 0
        self.during: Callable[[], object] = lambda: None

    def write(self, lines: Sequence[bytes]) -> int:
        self.during()
        if self.room == 0:
            raise self.error
        taken = list(lines[: self.room])
        if self.room is not None:
            self.room -= len(taken)
        self.batches.append(taken)
        return len(taken)

    def close(self) -> None:
        self.closed += 1

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for batch in self.batches for line in batch]


class Steps(Background):
    """A background that the test steps by hand; no thread starts."""

    def __init__(self, *, dead: bool = False) -> None:
        self.clock = Clock(0.0)
        super().__init__(clock=self.clock)
        self.dead = dead
        self.starts = 0

    def start(self) -> bool:
        self.starts += 1
        return not self.dead

    def step(self, seconds: float = 0.0) -> float | None:
        self.clock.now += seconds
        return self.run_due()


def in_memory(**options: Any) -> tuple[Trail, MemorySink]:
    sink = MemorySink()
    return Trail([sink], clock=Clock(), **options), sink


def in_steps(sink: Slow, **options: Any) -> tuple[Trail, Steps]:
    steps = Steps()
    return Trail([sink], clock=options.pop("clock", Clock()), background=steps, **options), steps


# -- stamps --------------------


def test_a_record_is_there_as_soon_as_it_was_emitted_to_memory() -> None:
    trail, sink = in_memory()
    trail.emit(Record(path="/x"))
    assert [record["path"] for record in sink.records] == ["/x"]
    assert (trail.written, trail.lost, trail.failing) == (1, 0, None)


def test_seq_counts_from_one() -> None:
    trail, sink = in_memory()
    for _ in range(3):
        trail.emit(Record())
    assert [record["seq"] for record in sink.records] == [1, 2, 3]


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (1_769_847_300.25, "2026-01-31T08:15:00.250000Z"),
        (1_769_847_300.0001221, "2026-01-31T08:15:00.000122Z"),
        (1_769_847_299.9999998, "2026-01-31T08:14:59.999999Z"),
        (0.0, "1970-01-01T00:00:00.000000Z"),
    ],
    ids=["quarter second", "microseconds", "just before the second", "the epoch"],
)
def test_time_is_rfc_3339_in_utc_with_microseconds(now: float, text: str) -> None:
    trail, sink = in_memory()
    trail._clock = Clock(now)
    trail.emit(Record())
    assert sink.records[0]["time"] == text


@settings(max_examples=100, deadline=None)
@given(st.floats(min_value=0, max_value=4e9))
def test_every_time_has_the_same_form(now: float) -> None:
    trail, sink = in_memory()
    trail._clock = Clock(now)
    trail.emit(Record())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", sink.records[0]["time"])


def test_event_ids_are_uuids_of_version_7_that_grow() -> None:
    trail, sink = in_memory()
    for _ in range(100):
        trail.emit(Record())
    ids = [record["event_id"] for record in sink.records]
    for text in ids:
        assert str(UUID(text)) == text
        assert (UUID(text).version, UUID(text).variant) == (7, "specified in RFC 4122")
        assert UUID(text).int >> 80 == 1_769_847_300_250
    assert ids == sorted(set(ids))


def test_two_processes_do_not_share_event_ids() -> None:
    (one, sink_one), (two, sink_two) = in_memory(), in_memory()
    one.emit(Record())
    two.emit(Record())
    assert sink_one.records[0]["event_id"] != sink_two.records[0]["event_id"]


def test_an_event_id_that_is_set_stays() -> None:
    trail, sink = in_memory()
    trail.emit(Record(kind="completed", event_id="earlier"))
    assert sink.records[0]["event_id"] == "earlier"


def test_app_instance_and_reason_text_are_filled_in_where_they_are_missing() -> None:
    trail, sink = in_memory(app="billing", instance=lambda: "host-7")
    trail.emit(Record(reason=Reason.NO_RULE))
    trail.emit(Record(reason=Reason.NO_RULE, reason_text="Ours.", app="other", instance="host-8"))
    names = ("app", "instance", "reason_text")
    assert [[record[name] for name in names] for record in sink.records] == [
        ["billing", "host-7", Reason.NO_RULE.sentence],
        ["other", "host-8", "Ours."],
    ]


def test_a_process_is_named_by_host_and_process_id() -> None:
    assert re.fullmatch(r".+-\d+", host_and_pid())
    trail, sink = in_memory()
    trail.emit(Record())
    assert sink.records[0]["instance"] == host_and_pid()


def test_with_a_privacy_key_no_name_reaches_a_sink() -> None:
    trail, sink = in_memory(privacy_key=b"k" * 32)
    record = Record(principal="login/alice", email="alice@corp.example")
    trail.emit(record)
    assert b"alice" not in sink.lines[0]
    assert sink.records[0]["principal"] == hash_value(b"k" * 32, "login/alice")
    assert record.principal == "login/alice"


def test_threads_never_share_a_number() -> None:
    trail, sink = in_memory()
    threads = [threading.Thread(target=lambda: [trail.emit(Record()) for _ in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    trail.flush()
    assert sorted(record["seq"] for record in sink.records) == list(range(1, 801))


# -- rounds --------------------


def test_a_record_says_when_it_came_and_not_when_it_was_written() -> None:
    sink, clock = Slow(), Clock()
    trail, steps = in_steps(sink, clock=clock)
    for _ in range(2):
        trail.emit(Record(reason=Reason.NO_RULE))
        clock.now += 5
    steps.step(ROUND_SECONDS)
    assert [record["time"][17:19] for record in sink.records] == ["00", "05"]


@pytest.mark.parametrize("key", [None, b"k" * 32], ids=["plain", "hashed"])
def test_every_sink_gets_the_same_line_whenever_it_is_written(key: bytes | None) -> None:
    first, second, clock, steps = Slow("first"), MemorySink(), Clock(), Steps()
    trail = Trail([first, second], clock=clock, background=steps, privacy_key=key)
    trail.emit(Record(principal="login/alice"))
    clock.now += 5
    steps.step(ROUND_SECONDS)
    assert first.records == second.records


def test_making_a_trail_starts_nothing_and_opens_nothing() -> None:
    sink = Slow()
    _, steps = in_steps(sink)
    assert (steps.starts, sink.batches, steps.step()) == (0, [], None)


def test_a_burst_of_records_is_one_wake_and_one_batch() -> None:
    sink = Slow()
    trail, steps = in_steps(sink)
    for _ in range(50):
        trail.emit(Record())
    assert steps.starts == 1
    assert steps.step() == ROUND_SECONDS
    assert sink.batches == []
    assert steps.step(ROUND_SECONDS) == ROUND_SECONDS
    assert [len(batch) for batch in sink.batches] == [50]


def test_a_full_batch_is_not_left_waiting_for_the_round() -> None:
    sink = Slow()
    trail, steps = in_steps(sink)
    for _ in range(BATCH_RECORDS):
        trail.emit(Record())
    steps.step()
    assert [len(batch) for batch in sink.batches] == [BATCH_RECORDS]


def test_after_idle_rounds_the_thread_sleeps_until_a_record_comes() -> None:
    sink = Slow()
    trail, steps = in_steps(sink)
    trail.emit(Record())
    delays = [steps.step(ROUND_SECONDS) for _ in range(IDLE_ROUNDS + 1)]
    assert delays == [pytest.approx(ROUND_SECONDS)] * IDLE_ROUNDS + [None]
    trail.emit(Record())
    steps.step(ROUND_SECONDS)
    assert len(sink.records) == 2
    assert steps.starts == 2


def test_a_record_that_comes_while_the_thread_goes_to_sleep_is_written() -> None:
    sink = Slow()
    trail, steps = in_steps(sink)
    trail.emit(Record())
    for _ in range(IDLE_ROUNDS):
        steps.step(ROUND_SECONDS)
    trail._queued[0].put(Record(), 0.0)  # as if emit had queued, but not yet looked at the flag
    trail._idle_rounds = IDLE_ROUNDS - 1
    assert trail._round() == ROUND_SECONDS
    assert len(sink.records) == 2


def test_while_the_interpreter_shuts_down_records_are_written_at_once() -> None:
    sink, steps = Slow(), Steps(dead=True)
    trail = Trail([sink], background=steps)
    trail.emit(Record())
    trail.emit(Record())
    assert len(sink.records) == 2


def test_flush_writes_what_is_queued() -> None:
    sink = Slow()
    trail, _ = in_steps(sink)
    trail.emit(Record())
    assert trail.flush() is True
    assert len(sink.records) == 1


def test_close_writes_what_is_queued_and_what_comes_later_at_once() -> None:
    sink = Slow()
    trail, steps = in_steps(sink)
    trail.emit(Record())
    trail.close()
    assert (len(sink.records), sink.closed) == (1, 1)
    trail.emit(Record())
    assert len(sink.records) == 2
    assert steps.step(10.0) is None


def test_close_does_not_close_a_sink_that_is_being_written() -> None:
    sink = Slow()
    trail, _ = in_steps(sink)
    sink.during = lambda: trail.close(0.0)
    trail.emit(Record())
    trail.flush()
    assert sink.closed == 0
    assert len(sink.records) == 1


def test_at_the_end_of_the_process_every_trail_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idaware.audit.trail._open", WeakSet())
    sink = Slow()
    trail, _ = in_steps(sink)
    trail.emit(Record())
    _close_all()
    assert (len(sink.records), sink.closed) == (1, 1)


def test_a_trail_without_sinks_takes_records_and_closes() -> None:
    trail = Trail([])
    trail.emit(Record())
    trail.close()
    assert trail.flush() is True


# -- when a sink fails --------------------


def test_a_sink_that_fails_never_fails_a_request_and_loses_nothing_that_fits(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sink = Slow()
    trail, steps = in_steps(sink)
    sink.room = 0
    for _ in range(3):
        trail.emit(Record())
    assert steps.step(ROUND_SECONDS) == RETRY_SECONDS
    assert steps.step(RETRY_SECONDS) == RETRY_SECONDS
    assert trail.failing == "slow: [Errno 28] No space left on device"
    sink.room = None
    assert steps.step(RETRY_SECONDS) == pytest.approx(ROUND_SECONDS)
    assert [record["seq"] for record in sink.records] == [1, 2, 3]
    assert (trail.failing, trail.lost, trail.written) == (None, 0, 3)
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]


def test_a_bug_in_a_sink_is_a_failure_like_any_other() -> None:
    sink = Slow()
    trail, steps = in_steps(sink)
    sink.room, sink.error = 0, ZeroDivisionError("bug")
    trail.emit(Record())
    steps.step(ROUND_SECONDS)
    assert trail.failing == "slow: bug"


def test_what_could_not_be_written_to_the_end_is_said(caplog: pytest.LogCaptureFixture) -> None:
    sink = Slow()
    trail, _ = in_steps(sink, max_queue=2)
    sink.room = 0
    for _ in range(5):
        trail.emit(Record())
    trail.close()
    assert [record.getMessage() for record in caplog.records][-1] == (
        "audit records are lost: 3 lines that waited, 3 records for which there was no room "
        "(slow: [Errno 28] No space left on device)"
    )  # two records, and the gap record about the other three


def test_what_does_not_fit_is_counted_and_a_gap_record_says_how_many_and_when() -> None:
    sink, clock = Slow(), Clock(1_769_847_300.0)
    trail, steps = in_steps(sink, max_queue=2, clock=clock)
    sink.room = 0
    for _ in range(5):
        trail.emit(Record())
        clock.now += 1
    steps.step(ROUND_SECONDS)
    assert trail.lost == 3
    sink.room = None
    steps.step(RETRY_SECONDS)
    kinds = [(record["kind"], record["seq"]) for record in sink.records]
    assert kinds == [("decision", 1), ("decision", 2), ("gap", 6)]
    gap = sink.records[2]
    assert (gap["count"], gap["first_time"], gap["last_time"]) == (
        3,
        "2026-01-31T08:15:02.000000Z",
        "2026-01-31T08:15:04.000000Z",
    )
    assert gap["event_id"]
    trail.emit(Record())
    trail.flush()
    assert [record["kind"] for record in sink.records].count("gap") == 1


def test_a_gap_record_that_cannot_be_written_is_not_lost_itself() -> None:
    sink = Slow()
    trail, _ = in_steps(sink, max_queue=1)
    trail.emit(Record())
    trail.emit(Record())
    sink.room = 0
    trail.flush()
    trail.flush()
    sink.room = None
    assert trail.flush() is True
    gaps = [record for record in sink.records if record["kind"] == "gap"]
    assert [gap["count"] for gap in gaps] == [1]
    assert trail.flush() is True


def test_a_sink_that_takes_a_part_gets_the_rest_later_and_is_not_called_failing() -> None:
    sink = Slow()
    trail, _ = in_steps(sink)
    for _ in range(3):
        trail.emit(Record())
    sink.room = 2
    assert trail.flush() is False
    assert (trail.failing, trail.written) == (None, 2)
    sink.room = None
    assert trail.flush() is True
    assert [record["seq"] for record in sink.records] == [1, 2, 3]


def test_a_sink_that_takes_no_whole_line_is_failing() -> None:
    class Torn(Slow):
        def write(self, lines: Sequence[bytes]) -> int:
            return 0

    trail, steps = in_steps(Torn())
    trail.emit(Record())
    assert steps.step(ROUND_SECONDS) == RETRY_SECONDS
    assert trail.failing == "slow: it took only a part of a line"


def test_a_sink_that_fails_holds_up_no_other_and_doubles_nothing() -> None:
    bad, good, steps = Slow("bad"), Slow("good"), Steps()
    trail = Trail([bad, good], background=steps)
    bad.room = 0
    trail.emit(Record())
    steps.step(ROUND_SECONDS)
    assert (len(good.records), trail.failing) == (1, "bad: [Errno 28] No space left on device")
    bad.room = None
    steps.step(RETRY_SECONDS)
    assert (len(good.records), len(bad.records), trail.written) == (1, 1, 2)


def test_a_large_queue_is_written_in_batches_until_time_is_up() -> None:
    sink = Slow()
    channel = Channel(sink, max_queue=10**6, line=lambda *_: b"{}\n", gap_line=lambda *_: b"")
    for _ in range(3 * BATCH_RECORDS):
        channel.put(Record(), 0.0)
    assert channel.drain(0.0) is False
    assert len(sink.records) >= BATCH_RECORDS
    assert channel.drain(60.0) is True
    assert len(sink.records) == 3 * BATCH_RECORDS


def test_a_thread_that_is_writing_is_waited_for_no_longer_than_asked() -> None:
    sink, results = Slow(), list[bool]()
    trail, _ = in_steps(sink)

    def look() -> None:
        sink.during = lambda: None
        other = threading.Thread(target=lambda: results.append(trail.flush(0.0)))
        other.start()
        other.join()

    sink.during = look
    trail.emit(Record())
    assert trail.flush() is True
    assert results == [False]


# -- after a fork --------------------


def test_a_forked_child_starts_anew_and_leaves_the_parents_records_to_the_parent() -> None:
    sink, names = Slow(), iter(["host-1", "host-2"])
    trail, _ = in_steps(sink, instance=lambda: next(names), max_queue=1)
    trail.emit(Record())
    trail.emit(Record())
    first = trail._random_start
    trail._make_anew()  # what the fork does in the child
    assert (trail.lost, trail.written, trail.failing) == (0, 0, None)
    trail.emit(Record())
    trail.flush()
    assert [(record["seq"], record["instance"]) for record in sink.records] == [(1, "host-2")]
    assert trail._random_start != first
