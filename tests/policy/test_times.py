from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from idaware.identity import ANONYMOUS
from idaware.policy.conditions import Leaf
from idaware.policy.document import Mapping, Place, Scalar, Sequence
from idaware.policy.fields import Problems
from idaware.policy.read_times import read_hours, read_not_before, read_until
from idaware.policy.times import end_of, parse_date, parse_duration, parse_moment, parse_time_of_day

PLACE = Place("p.yaml", 1, 1)


def moment(text: str) -> float:
    parsed = parse_moment(text)
    assert parsed is not None
    return parsed


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0.0),
        ("1970-01-01t00:00:01z", 1.0),
        ("1970-01-01T01:00:00+01:00", 0.0),
        ("1970-01-01T00:00:00.5Z", 0.5),
        ("1970-01-01T00:00:00", None),
        ("1970-01-01 00:00:00Z", None),
        ("1970-01-01", None),
        ("1970-01-01T24:00:00Z", None),
        ("1970-01-01T00:00:60Z", None),
        ("1970-01-01T00:00:00+0100", None),
        ("٢٠٢٦-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+23:59", None),
    ],
)
def test_moment_is_rfc_3339_with_an_offset(text: str, seconds: float | None) -> None:
    if text.startswith("0001"):
        assert isinstance(parse_moment(text), float | None)
    else:
        assert parse_moment(text) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(
            ("90s", 90),
            ("15m", 900),
            ("8h", 28_800),
            ("7d", 604_800),
            ("15", None),
            ("0s", None),
            ("1.5h", None),
        ),
        *(("15 m", None), ("-1s", None), ("1w", None), ("1h30m", None), ("٥s", None), ("9999999999s", None)),
    ],
)
def test_duration_has_a_unit(text: str, seconds: int | None) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("00:00", 0),
        ("09:30", 570),
        ("23:59", 1439),
        ("24:00", 1440),
        ("24:01", None),
        ("9:30", None),
        ("09:60", None),
    ],
)
def test_time_of_day(text: str, minutes: int | None) -> None:
    assert parse_time_of_day(text) == minutes


def test_date_is_a_day_that_ends_at_midnight_utc() -> None:
    assert parse_date("2027-01-31") == date(2027, 1, 31)
    assert parse_date("2027-1-31") is None
    assert parse_date("2027-02-30") is None
    assert end_of(date(2027, 1, 31)) == moment("2027-02-01T00:00:00Z")


def holds(condition: Leaf | None, at: str | float) -> bool | None:
    assert condition is not None
    now = moment(at) if isinstance(at, str) else at
    outcome, why = condition.judge(ANONYMOUS, {}, now)
    assert (
        why == ((condition.label,), (), (), (), False)
        if outcome
        else why == ((), (condition.label,), (), (), False)
    )
    return outcome


def test_until_is_exclusive_and_not_before_inclusive() -> None:
    text = "2026-12-01T18:00:00Z"
    until = read_until(Scalar(PLACE, text, plain=True), "", Problems())
    begins = read_not_before(Scalar(PLACE, text, plain=True), "", Problems())
    exactly = moment(text)
    assert [holds(until, exactly + delta) for delta in (-0.001, 0, 0.001)] == [True, False, False]
    assert [holds(begins, exactly + delta) for delta in (-0.001, 0, 0.001)] == [False, True, True]


def hours(tz: str, start: str, end: str, *days: str) -> Leaf:
    entries = [("tz", tz), ("from", start), ("to", end)]
    node = Mapping(PLACE, [(Scalar(PLACE, key), Scalar(PLACE, text)) for key, text in entries])
    if days:
        node.entries.append((Scalar(PLACE, "days"), Sequence(PLACE, [Scalar(PLACE, day) for day in days])))
    problems = Problems()
    condition = read_hours(node, "", problems)
    assert condition is not None, problems.found
    return condition


@pytest.mark.parametrize(
    ("local", "inside"),
    [
        ("2027-01-15 08:59:59", False),
        ("2027-01-15 09:00:00", True),
        ("2027-01-15 16:59:59", True),
        ("2027-01-15 17:00:00", False),
        ("2027-01-16 12:00:00", False),
        ("2027-07-16 09:00:00", True),
    ],
    ids=["before", "from is inside", "last second", "to is outside", "Saturday", "in summer time"],
)
def test_hours_are_half_open_on_the_clocks_of_their_zone(local: str, inside: bool) -> None:
    at = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    assert holds(hours("Europe/Berlin", "09:00", "17:00", "mon", "fri"), at) is inside


@pytest.mark.parametrize(
    ("at", "inside"),
    [
        ("2027-01-15T21:59:59Z", False),
        ("2027-01-15T22:00:00Z", True),
        ("2027-01-16T05:59:59Z", True),
        ("2027-01-16T06:00:00Z", False),
        ("2027-01-16T22:00:00Z", False),
        ("2027-01-15T05:00:00Z", False),
    ],
    ids=[
        "before",
        "from",
        "Saturday morning",
        "to",
        "Saturday evening",
        "Friday morning belongs to Thursday",
    ],
)
def test_hours_may_cross_midnight_and_belong_to_the_day_on_which_they_begin(at: str, inside: bool) -> None:
    assert holds(hours("UTC", "22:00", "06:00", "fri"), at) is inside


def test_sunday_night_goes_on_into_monday() -> None:
    assert holds(hours("UTC", "22:00", "06:00", "sun"), "2027-01-18T05:00:00Z")


def test_hours_without_days_are_every_day_and_may_end_at_24() -> None:
    night = hours("UTC", "18:00", "24:00")
    assert holds(night, "2027-01-16T23:59:59Z")
    assert not holds(night, "2027-01-17T00:00:00Z")
    assert night.label == "hours: mon,tue,wed,thu,fri,sat,sun 18:00-24:00 UTC"
