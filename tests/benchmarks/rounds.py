"""How things are timed: thread CPU time, in interleaved rounds, as medians and minima, as ratios.

A machine that does other things makes every single figure wrong, and all figures of one round wrong alike. So all
subjects take turns in each round, what is added is a difference within a round, and ratios are between subjects of
the same round. The median of the rounds and the ratio of the minima have to agree.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat
from statistics import median
from time import process_time_ns, thread_time_ns

SLICE_NS = 5_000_000
"""How long one subject runs before it is the next one's turn."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Something to time. ``call``: one request. ``beneath``: the same without what is to be measured.

    ``settle``: finishes what the calls left to other threads; then the time of all threads counts.
    """

    name: str
    call: Callable[[], object]
    beneath: Subject | None = None
    settle: Callable[[], object] | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What a subject costs beyond what is beneath it, in nanoseconds a call: one figure a round, and of the minima."""

    rounds: tuple[float, ...]
    least: float

    @property
    def middle(self) -> float:
        return median(self.rounds)

    def over(self, other: Cost) -> tuple[float, float]:
        """This cost as a multiple of another: the median over the rounds, and the ratio of the minima."""
        each = [mine / theirs for mine, theirs in zip(self.rounds, other.rounds, strict=True)]
        return median(each), self.least / other.least


def measure(subjects: Sequence[Subject], rounds: int) -> dict[str, Cost]:
    """The cost of each subject, by name; those beneath them are timed along, and have a cost as well."""
    everything = list({s.name: s for subject in subjects for s in (subject, subject.beneath) if s}.values())
    calls = {subject.name: _calibrated(subject) for subject in everything}
    times: dict[str, list[float]] = {subject.name: [] for subject in everything}
    gc.collect()
    for turn in range(rounds):
        order = everything if turn % 2 == 0 else everything[::-1]
        for subject in order:
            times[subject.name].append(_timed(subject, calls[subject.name]))
    return {subject.name: _cost(subject, times) for subject in everything}


def _cost(subject: Subject, times: dict[str, list[float]]) -> Cost:
    own = times[subject.name]
    if subject.beneath is None:
        return Cost(tuple(own), min(own))
    beneath = times[subject.beneath.name]
    return Cost(tuple(a - b for a, b in zip(own, beneath, strict=True)), min(own) - min(beneath))


def _timed(subject: Subject, calls: int) -> float:
    call, settle = subject.call, subject.settle
    clock = thread_time_ns if settle is None else process_time_ns
    before = clock()
    for _ in repeat(None, calls):
        call()
    if settle is not None:
        settle()
    return (clock() - before) / calls


def _calibrated(subject: Subject) -> int:
    """How many calls fill a slice."""
    _timed(subject, 20)  # whatever is done once is done now
    return max(20, int(SLICE_NS / _timed(subject, 200)))
