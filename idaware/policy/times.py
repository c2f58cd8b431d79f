"""Conditions about time. The moment is handed in; nothing here reads a clock.

Time is always known, so these are never unknown. A moment is UTC epoch seconds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from idaware.identity import Identity, Json
from idaware.policy.conditions import Captures, Leaf

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_MOMENT: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)  # RFC 3339 section 5.6
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME_OF_DAY: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00", re.ASCII)
_DURATION: Final = re.compile(r"([1-9]\d{0,8})([smhd])", re.ASCII)
_UNIT_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_MINUTES_A_DAY: Final = 24 * 60


class _TimeLeaf(Leaf):
    __slots__ = ()

    def names_somebody(self) -> bool:
        """Time names nobody."""
        return False


@dataclass(frozen=True, slots=True)
class NotBefore(_TimeLeaf):
    """From this moment on."""

    moment: float
    label: str

    def test(self, who: Identity, captures: Captures, now: float) -> bool | None:
        """See ``Leaf``."""
        return now >= self.moment

    def normal(self) -> Json:
        """See ``Condition``."""
        return {"not_before": self.moment}


@dataclass(frozen=True, slots=True)
class Until(_TimeLeaf):
    """Before this moment, which itself is too late."""

    moment: float
    label: str

    def test(self, who: Identity, captures: Captures, now: float) -> bool | None:
        """See ``Leaf``."""
        return now < self.moment

    def normal(self) -> Json:
        """See ``Condition``."""
        return {"until": self.moment}


@dataclass(frozen=True, slots=True)
class Hours(_TimeLeaf):
    """Between two times of the day, the second excluded, as clocks in ``zone`` show them.

    ``start`` and ``end`` are minutes since midnight. Where ``end`` is not after ``start`` the hours go on
    past midnight, and ``days`` (0 is Monday) are those on which they begin.
    """

    zone: ZoneInfo
    days: frozenset[int]
    start: int
    end: int
    label: str

    def test(self, who: Identity, captures: Captures, now: float) -> bool | None:
        """See ``Leaf``."""
        local = datetime.fromtimestamp(now, self.zone)
        minute, today = local.hour * 60 + local.minute, local.weekday()
        if self.start < self.end:
            return today in self.days and self.start <= minute < self.end
        began_today = minute >= self.start and today in self.days
        return began_today or (minute < self.end and (today - 1) % 7 in self.days)

    def normal(self) -> Json:
        """See ``Condition``."""
        days: list[Json] = [DAYS[day] for day in sorted(self.days)]
        return {"hours": [self.zone.key, self.start, self.end], "days": days}


def parse_moment(text: str) -> float | None:
    """A moment with its offset (RFC 3339) as UTC epoch seconds; ``None`` for anything else."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).timestamp()
    except (ValueError, OverflowError):
        return None


def parse_date(text: str) -> date | None:
    """A day, ``2027-01-31``; ``None`` for anything else."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def end_of(day: date) -> float:
    """The end of a day: 24:00 UTC, as UTC epoch seconds."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return start.timestamp() + 86_400


def parse_duration(text: str) -> int | None:
    """A duration with its unit (``90s``, ``15m``, ``8h``, ``7d``) in seconds; ``None`` for anything else."""
    parts = _DURATION.fullmatch(text)
    return int(parts[1]) * _UNIT_SECONDS[parts[2]] if parts else None


def parse_time_of_day(text: str) -> int | None:
    """``09:30`` as minutes since midnight, ``24:00`` included; ``None`` for anything else."""
    parts = _TIME_OF_DAY.fullmatch(text)
    if parts is None:
        return None
    return int(parts[1]) * 60 + int(parts[2]) if parts[1] else _MINUTES_A_DAY


def find_zone(name: str) -> ZoneInfo | None:
    """A time zone of the IANA database; ``None`` where the machine does not know it."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
