from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idaware.reasons import Reason
from idaware.session.lifetimes import (
    Lifetimes,
    SessionState,
    calm_span,
    ended_at,
    hard_end,
    needs_activity_cookie,
    state_of,
)
from idaware.session.record import Session
from idaware.settings import Settings

NOW = 1_800_000_000
TIMES = Lifetimes(max_seconds=28_800, idle_seconds=3600, refresh_seconds=900, stale_seconds=3600)
LIVE, DUE, STALE = SessionState.LIVE, SessionState.REFRESH_DUE, SessionState.STALE
IDLE, EXPIRED = SessionState.IDLE, SessionState.EXPIRED


def session(started: int, renewed: int, expires: int | None = None) -> Session:
    expires = NOW + started + 28_800 if expires is None else NOW + expires
    return Session(1, "id", NOW + started, expires, NOW + renewed, "sub")


@pytest.mark.parametrize(
    ("started", "renewed", "seen", "state"),
    [
        pytest.param(0, 0, 0, LIVE, id="just signed in"),
        pytest.param(-899, -899, 0, LIVE, id="a second before it is due"),
        pytest.param(-900, -900, 0, DUE, id="due"),
        pytest.param(-3599, -3599, 0, DUE, id="a second before it is stale"),
        pytest.param(-3600, -3600, 0, STALE, id="stale"),
        pytest.param(-28_799, 0, 0, LIVE, id="a second before its hard end"),
        pytest.param(-28_800, 0, 0, EXPIRED, id="renewed, and at its hard end all the same"),
        pytest.param(-315_360_000, 0, 0, EXPIRED, id="SA-037 ten years old"),
        pytest.param(0, 0, -3599, LIVE, id="a second before it is idle"),
        pytest.param(0, 0, -3600, IDLE, id="idle"),
        pytest.param(0, 0, None, IDLE, id="no activity cookie"),
        pytest.param(0, 0, 30, LIVE, id="seen by a clock that is ahead within the leeway"),
        pytest.param(0, 0, 31, IDLE, id="seen in the future"),
        pytest.param(0, 30, 0, LIVE, id="made by a clock that is ahead within the leeway"),
        pytest.param(0, 31, 0, STALE, id="renewed in the future"),
        pytest.param(31, 0, 0, STALE, id="started in the future"),
        pytest.param(-28_800, -4000, None, EXPIRED, id="the hard end comes before idle and stale"),
        pytest.param(-4000, -4000, None, IDLE, id="idle comes before stale"),
    ],
)
def test_state_of_a_session(started: int, renewed: int, seen: int | None, state: SessionState) -> None:
    last_seen = None if seen is None else NOW + seen
    assert state_of(session(started, renewed), last_seen, NOW, TIMES) is state


def test_a_lowered_maximum_counts_for_sessions_that_exist() -> None:
    made = session(-3000, 0)
    lowered = Lifetimes(max_seconds=3000, idle_seconds=3600, refresh_seconds=900, stale_seconds=3600)
    assert state_of(made, NOW, NOW, TIMES) is LIVE
    assert state_of(made, NOW, NOW, lowered) is EXPIRED


@given(st.integers(-40_000, 100), st.integers(-40_000, 40_000), st.integers(-100, 100))
def test_the_hard_end_is_the_moment_a_session_expires(started: int, expires: int, around: int) -> None:
    made = session(started, 0, expires)
    now = hard_end(made, TIMES) + around
    assert (state_of(made, NOW, now, TIMES) is EXPIRED) == (around >= 0)


def test_a_raised_maximum_does_not_lengthen_sessions_that_exist() -> None:
    assert state_of(session(-100, 0, expires=0), NOW, NOW, TIMES) is EXPIRED


@given(st.integers(0, 40_000), st.integers(0, 40_000), st.integers(0, 40_000), st.integers(0, 5000))
def test_a_session_never_gets_better_by_waiting(started: int, renewed: int, seen: int, later: int) -> None:
    order = [LIVE, DUE, STALE, IDLE, EXPIRED]
    made = session(-started, -renewed)
    now_state = state_of(made, NOW - seen, NOW, TIMES)
    assert order.index(state_of(made, NOW - seen, NOW + later, TIMES)) >= order.index(now_state)


@pytest.mark.parametrize(
    ("state", "ended", "reason"),
    [
        (LIVE, False, None),
        (DUE, False, None),
        (STALE, False, Reason.SESSION_STALE),
        (IDLE, True, Reason.SESSION_IDLE),
        (EXPIRED, True, Reason.SESSION_EXPIRED),
    ],
)
def test_what_a_state_is_good_for(state: SessionState, ended: bool, reason: Reason | None) -> None:
    assert (state.ended, state.reason) == (ended, reason)


@pytest.mark.parametrize(
    ("started", "seen", "end"),
    [
        pytest.param(-10_000, -4000, -400, id="idle"),
        pytest.param(-28_900, -100, -100, id="hard end"),
        pytest.param(-10_000, None, 0, id="activity unknown, claims new: now"),
    ],
)
def test_when_a_session_ended(started: int, seen: int | None, end: int) -> None:
    last_seen = None if seen is None else NOW + seen
    assert ended_at(session(started, 0), last_seen, NOW, TIMES) == NOW + end


@pytest.mark.parametrize(
    ("seen", "idle", "needed"),
    [
        pytest.param(-59, 3600, False, id="within the minute"),
        pytest.param(-60, 3600, True, id="after a minute"),
        pytest.param(-19, 60, False, id="short idle time, not yet"),
        pytest.param(-20, 60, True, id="short idle time: noted before it ends"),
        pytest.param(None, 3600, True, id="never noted"),
    ],
)
def test_activity_is_noted_at_most_once_a_minute(seen: int | None, idle: int, needed: bool) -> None:
    times = Lifetimes(max_seconds=28_800, idle_seconds=idle, refresh_seconds=900, stale_seconds=3600)
    last_seen = None if seen is None else NOW + seen
    assert needs_activity_cookie(last_seen, NOW, times) is needed


def test_lifetimes_come_from_settings(make_settings: Callable[..., Settings]) -> None:
    made = make_settings(session_max="4h", session_idle="20m", session_refresh="5m", session_stale="30m")
    assert Lifetimes.of(made) == Lifetimes(14_400, 1200, 300, 1800)


@given(
    st.lists(st.integers(-40_000, 40_000), min_size=3, max_size=3),
    st.integers(0, 40_000),
    st.lists(st.integers(1, 30_000), min_size=4, max_size=4),
    st.sampled_from([-31, -30, -1, 0, 1]),
    st.booleans(),
)
def test_a_session_is_calm_exactly_while_it_is_live_and_its_activity_was_just_noted(
    ages: list[int], left: int, bounds: list[int], offset: int, at_the_start: bool
) -> None:
    started, renewed, seen = ages
    made, times = session(started, renewed, left), Lifetimes(*bounds)
    begins, ends = calm_span(made, NOW + seen, times)
    for now in (NOW, (begins if at_the_start else ends) + offset, (begins + ends) / 2):
        quiet = not needs_activity_cookie(NOW + seen, now, times)
        assert (begins <= now < ends) == (state_of(made, NOW + seen, now, times) is LIVE and quiet)


def test_a_session_whose_activity_is_unknown_is_never_calm() -> None:
    begins, ends = calm_span(session(0, 0), None, TIMES)
    assert begins >= ends
