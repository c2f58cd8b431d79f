"""How dates, durations and conditions about time are written: from nodes to ``times``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Final, TypeVar

from idaware.policy import fields, times
from idaware.policy.document import Node, Scalar
from idaware.policy.fields import Problems
from idaware.policy.times import DAYS, Hours, NotBefore, Until

_T = TypeVar("_T")
_ZONE: Final = "a time zone that this machine knows, such as Europe/Berlin"
_MOMENT: Final = "a moment with its offset, such as 2026-12-01T18:00:00Z"


def read_date(node: Node, path: str, problems: Problems) -> date | None:
    """A day; it ends at 24:00 UTC."""
    return _read(node, path, problems, times.parse_date, "a date such as 2027-01-31")


def read_duration(node: Node, path: str, problems: Problems) -> int | None:
    """A duration in seconds; its unit is mandatory."""
    return _read(
        node, path, problems, times.parse_duration, "a duration with its unit, such as 90s, 15m, 8h, 7d"
    )


def read_not_before(node: Node, path: str, problems: Problems) -> NotBefore | None:
    """``not_before: 2026-12-01T18:00:00Z``."""
    moment = _read(node, path, problems, times.parse_moment, _MOMENT)
    return NotBefore(moment, f"not_before: {_text(node)}") if moment is not None else None


def read_until(node: Node, path: str, problems: Problems) -> Until | None:
    """``until: 2026-12-01T18:00:00Z``."""
    moment = _read(node, path, problems, times.parse_moment, _MOMENT)
    return Until(moment, f"until: {_text(node)}") if moment is not None else None


def read_hours(node: Node, path: str, problems: Problems) -> Hours | None:
    """``hours: {tz: Europe/Berlin, days: [mon, tue], from: 08:00, to: 18:00}``; without ``days``: every day."""
    record = fields.read_record(node, path, problems, known=("tz", "days", "from", "to"))
    if record is None:
        return None
    for key in ("tz", "from", "to"):
        if key not in record:
            problems.add(node.place, path, f"'{key}' is missing")
    zone = _read(record["tz"], f"{path}.tz", problems, times.find_zone, _ZONE) if "tz" in record else None
    start, end = (_read_time_of_day(record, key, path, problems) for key in ("from", "to"))
    days = _read_days(record, path, problems)
    if zone is None or start is None or end is None or not days:
        return None
    if start == end or start == 24 * 60:
        problems.add(node.place, path, "'from' and 'to' have to differ, and 'from' is before 24:00")
        return None
    shown = ",".join(DAYS[day] for day in sorted(days))
    label = f"hours: {shown} {_text(record['from'])}-{_text(record['to'])} {zone.key}"
    return Hours(zone, days, start, end, label)


def _read_time_of_day(record: dict[str, Node], key: str, path: str, problems: Problems) -> int | None:
    if key not in record:
        return None
    return _read(
        record[key], f"{path}.{key}", problems, times.parse_time_of_day, "a time of the day, 00:00 to 24:00"
    )


def _read_days(record: dict[str, Node], path: str, problems: Problems) -> frozenset[int]:
    if "days" not in record:
        return frozenset(range(7))
    days = []
    for day, item_path, item in fields.read_texts(record["days"], f"{path}.days", problems, what="a day"):
        if day in DAYS:
            days.append(DAYS.index(day))
        else:
            problems.add(item.place, item_path, f"expected one of {', '.join(DAYS)}, found '{day}'")
    return frozenset(days)


def _read(
    node: Node, path: str, problems: Problems, parse: Callable[[str], _T | None], what: str
) -> _T | None:
    """A scalar that ``parse`` understands. Plain ones count too: nothing here is a group name or an id."""
    quoted = replace(node, plain=False) if isinstance(node, Scalar) else node
    text = fields.read_text(quoted, path, problems, what=what)
    value = parse(text) if text is not None else None
    if value is None and text is not None:
        problems.add(node.place, path, f"expected {what}, found '{text[:60]}'")
    return value


def _text(node: Node) -> str:
    assert isinstance(node, Scalar)
    return node.text
