"""One daemon thread a process, started on first use, for jobs that are due."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from idaware.io.background import Background


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Counter:
    def __init__(self) -> None:
        self.runs = 0
        self.again: float | None = None
        self.error: Exception | None = None

    def count(self) -> None:
        self.runs += 1
        if self.error is not None:
            raise self.error

    def work(self) -> float | None:
        self.count()
        return self.again


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Unstarted(Background):
    """Stepped by hand; no thread starts."""

    def start(self) -> bool:
        return True


@pytest.fixture
def background(clock: Clock) -> Background:
    return Unstarted(clock=clock)


def test_a_periodic_job_runs_when_it_is_due(background: Background, clock: Clock) -> None:
    counter = Counter()
    background.every(10.0, "count", counter.count)
    assert (background.run_due(), counter.runs) == (10.0, 0)
    clock.now = 10.0
    assert (background.run_due(), counter.runs) == (10.0, 1)
    clock.now = 14.0
    assert (background.run_due(), counter.runs) == (6.0, 1)


def test_the_next_due_job_sets_the_pace(background: Background, clock: Clock) -> None:
    slow, quick = Counter(), Counter()
    background.every(10.0, "slow", slow.count)
    background.every(3.0, "quick", quick.count)
    assert background.run_due() == 3.0
    clock.now = 9.0
    assert background.run_due() == 1.0
    assert (slow.runs, quick.runs) == (0, 1)


def test_a_job_on_demand_sleeps_until_it_is_woken(background: Background, clock: Clock) -> None:
    counter = Counter()
    job = background.on_demand("count", counter.work)
    assert (background.run_due(), counter.runs) == (None, 0)
    assert job.wake(0.5) is True
    assert (background.run_due(), counter.runs) == (0.5, 0)
    clock.now = 0.5
    assert (background.run_due(), counter.runs) == (None, 1)


def test_a_job_on_demand_may_ask_to_run_again(background: Background, clock: Clock) -> None:
    counter = Counter()
    counter.again = 2.0
    background.on_demand("count", counter.work).wake()
    assert (background.run_due(), counter.runs) == (2.0, 1)


def test_a_wake_never_delays_a_job(background: Background) -> None:
    job = background.on_demand("count", Counter().work)
    job.wake(1.0)
    job.wake(5.0)
    assert background.run_due() == 1.0


def test_a_wake_during_a_run_is_not_lost(background: Background) -> None:
    runs = []

    def work() -> float | None:
        runs.append(1)
        if len(runs) == 1:
            job.wake()
        return None

    job = background.on_demand("count", work)
    job.wake()
    assert background.run_due() == 0.0
    background.run_due()
    assert len(runs) == 2


def test_a_cancelled_job_never_runs(background: Background, clock: Clock) -> None:
    kept, gone = Counter(), Counter()
    background.every(1.0, "kept", kept.count)
    background.every(1.0, "gone", gone.count).cancel()
    clock.now = 5.0
    background.run_due()
    assert (kept.runs, gone.runs) == (1, 0)


def test_a_job_that_fails_is_logged_once_and_tried_again_and_holds_up_no_other(
    background: Background, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = Counter(), Counter()
    bad.error = ZeroDivisionError("bug")
    background.every(1.0, "bad", bad.count)
    background.every(1.0, "good", good.count)
    for clock.now in (1.0, 2.0, 3.0):
        background.run_due()
    assert (bad.runs, good.runs) == (3, 3)
    assert [record.getMessage() for record in caplog.records] == [
        "the background job 'bad' failed; it is tried again"
    ]
    bad.error = None
    clock.now = 4.0
    background.run_due()
    bad.error = ZeroDivisionError("again")
    clock.now = 5.0
    background.run_due()
    assert len(caplog.records) == 2


def test_the_thread_runs_what_is_woken_and_what_is_added_while_it_sleeps() -> None:
    background, ran = Background(), threading.Event()
    before = threading.active_count()
    job = background.on_demand("set", lambda: ran.set())
    assert threading.active_count() == before
    assert background.start() is True
    assert background.start() is True
    assert threading.active_count() == before + 1
    job.wake()
    assert ran.wait(10)
    again = threading.Event()
    added = background.every(0.01, "again", again.set)
    assert again.wait(10)
    added.cancel()


def test_two_threads_that_start_it_at_once_start_one() -> None:
    background = Background()
    assert background._start() is True
    thread = background._thread
    assert background._start() is True
    assert background._thread is thread


def test_where_no_thread_can_be_started_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    background = Background()
    job = background.on_demand("never", Counter().work)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert (background.start(), job.wake()) == (False, False)
    monkeypatch.undo()
    assert background.start() is True


FORKED = """
import os, threading
from idaware.io.background import Background
ran = threading.Event()
background = Background()
background.every(0.01, "set", ran.set)
background.start()
assert ran.wait(10)
ran.clear()
with background._lock:  # another thread of the parent holds it while it forks
    child = os.fork()
    if child == 0:
        assert threading.active_count() == 1
        ran = threading.Event()
        woken = background.on_demand("woken", lambda: ran.set())
        woken.wake()
        assert ran.wait(10)
        assert threading.active_count() == 2
        os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""


def test_a_forked_child_starts_a_thread_of_its_own() -> None:
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORKED], check=True, timeout=60)
