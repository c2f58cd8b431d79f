"""The one daemon thread of a process, for what no request should wait for: audit flush, secret files, reload.

Nothing starts at import or construction: the thread starts at the first ``start`` or ``wake`` in a process, and anew
in each forked child. It sleeps until the next job is due, so that an idle process stays idle. Jobs must be short:
they share the thread. Under gevent (monkey-patched before this module is imported) it is a greenlet.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from math import inf
from typing import TypeAlias

from idaware.io.forks import after_fork

_log = logging.getLogger("idaware.background")

Work: TypeAlias = Callable[[], "float | None"]
"""What a job does: returns the seconds until its next run, or ``None`` to sleep until it is woken."""


class Job:
    """Work that a ``Background`` does now and then."""

    __slots__ = ("_background", "due", "failing", "name", "retry_seconds", "work")

    def __init__(
        self, background: Background, name: str, work: Work, *, due: float, retry_seconds: float
    ) -> None:
        self._background = background
        self.name = name
        self.work = work
        self.due = due
        self.retry_seconds = retry_seconds
        self.failing = False

    def wake(self, in_seconds: float = 0.0) -> bool:
        """Have the job run ``in_seconds`` from now, or earlier where it was due earlier.

        ``False`` where no thread can be started any more: the interpreter is shutting down.
        """
        return self._background.wake(self, in_seconds)

    def cancel(self) -> None:
        """Never run the job again; a run that is on its way ends as usual."""
        self._background.forget(self)

    def run(self) -> float | None:
        """One run; the seconds until the next. A failure is logged once, and tried again."""
        try:
            again = self.work()
        except Exception:  # noqa: BLE001 - a job that fails must not end the thread that others live on
            if not self.failing:
                _log.warning("the background job %r failed; it is tried again", self.name, exc_info=True)
            self.failing = True
            return self.retry_seconds
        self.failing = False
        return again


class Background:
    """A clockwork of jobs on one daemon thread. Use ``SHARED``, the process's own; tests step theirs by hand.

    ``clock``: seconds of a monotonic clock.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._jobs: tuple[Job, ...] = ()
        self._lock: threading.Lock
        self._event: threading.Event
        self._thread: threading.Thread | None
        self._make_anew()
        after_fork(self._make_anew)

    def every(self, seconds: float, name: str, work: Callable[[], None]) -> Job:
        """Do ``work`` every ``seconds``, the first time ``seconds`` from now. Starts no thread: ``start`` does."""

        def periodic() -> float:
            work()
            return seconds

        return self._add(Job(self, name, periodic, due=self._clock() + seconds, retry_seconds=seconds))

    def on_demand(self, name: str, work: Work) -> Job:
        """Do ``work`` when the job is woken, and again when it says so itself."""
        return self._add(Job(self, name, work, due=inf, retry_seconds=1.0))

    def start(self) -> bool:
        """Make sure that the thread runs in this process; cheap enough for every request.

        ``False`` where none can be started any more: the interpreter is shutting down.
        """
        return self._thread is not None or self._start()

    def wake(self, job: Job, in_seconds: float) -> bool:
        """See ``Job.wake``."""
        job.due = min(job.due, self._clock() + in_seconds)
        running = self.start()
        self._event.set()
        return running

    def forget(self, job: Job) -> None:
        """See ``Job.cancel``."""
        with self._lock:
            self._jobs = tuple(known for known in self._jobs if known is not job)

    def run_due(self) -> float | None:
        """Run every job that is due; the seconds until the next one, ``None`` where none is planned."""
        for job in self._jobs:
            if job.due <= self._clock():
                job.due = inf  # before the run: a wake during it must not get lost
                if (again := job.run()) is not None:
                    job.due = min(job.due, self._clock() + again)
        next_due = min((job.due for job in self._jobs), default=inf)
        return None if next_due == inf else max(0.0, next_due - self._clock())

    def _add(self, job: Job) -> Job:
        with self._lock:
            self._jobs = (*self._jobs, job)
        self._event.set()
        return job

    def _start(self) -> bool:
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._live, name="idaware", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # "can't create new thread at interpreter shutdown"
                    return False
                self._thread = thread
        return True

    def _live(self) -> None:
        while True:
            self._event.wait(self.run_due())
            self._event.clear()

    def _make_anew(self) -> None:
        """The state that a forked child must not take over; the jobs stay."""
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._thread = None


SHARED = Background()
"""The process's own. Making it starts nothing."""
