"""How long a session counts: hard end, idle end, stale, due for renewal.

Belongs here: comparisons of times. Every time is UTC epoch seconds, every duration seconds; ``now`` is handed in. A
time that lies in the future by more than the leeway proves nothing, so it never makes a session live longer.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from idaware.identity import LEEWAY_SECONDS
from idaware.reasons import Reason

if TYPE_CHECKING:
    from idaware.session.record import Session
    from idaware.settings import Settings

ACTIVITY_EVERY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """The configured bounds of a session (``configuration.md``, Sessions)."""

    max_seconds: int
    idle_seconds: int
    refresh_seconds: int
    stale_seconds: int

    @classmethod
    def of(cls, settings: Settings) -> Lifetimes:
        """The lifetimes that ``settings`` hold."""
        return cls(
            settings.session_max, settings.session_idle, settings.session_refresh, settings.session_stale
        )


class SessionState(Enum):
    """What a session is good for right now.

    ``LIVE`` and ``REFRESH_DUE`` pass (the latter renews on the next navigation); ``STALE`` passes nothing
    but a sign-in keeps its start; ``IDLE`` and ``EXPIRED`` have ended. ``reason`` says why a session does not
    pass; it is ``None`` where it does.
    """

    reason: Reason | None

    def __new__(cls, word: str, reason: Reason | None = None) -> SessionState:
        member = object.__new__(cls)
        member._value_ = word
        member.reason = reason
        return member

    LIVE = "live"
    REFRESH_DUE = "refresh_due"
    STALE = "stale", Reason.SESSION_STALE
    IDLE = "idle", Reason.SESSION_IDLE
    EXPIRED = "expired", Reason.SESSION_EXPIRED

    @property
    def ended(self) -> bool:
        """Whether the session is over, so that the next sign-in has to be a real one."""
        return self in (SessionState.IDLE, SessionState.EXPIRED)


def state_of(session: Session, last_seen: float | None, now: float, lifetimes: Lifetimes) -> SessionState:
    """The state of ``session``, last used at ``last_seen`` (``None``: its activity cookie is missing)."""
    # The hot path: comparisons only, no calls.
    if now >= session.expires or now - session.started >= lifetimes.max_seconds:
        return SessionState.EXPIRED  # as ``hard_end`` has it
    if last_seen is None:
        return SessionState.IDLE  # a missing activity cookie is idle
    if not -LEEWAY_SECONDS <= now - last_seen < lifetimes.idle_seconds:
        return SessionState.IDLE
    age_seconds = now - session.renewed
    if (
        not -LEEWAY_SECONDS <= age_seconds < lifetimes.stale_seconds
        or now - session.started < -LEEWAY_SECONDS
    ):
        return SessionState.STALE
    return SessionState.REFRESH_DUE if age_seconds >= lifetimes.refresh_seconds else SessionState.LIVE


def hard_end(session: Session, lifetimes: Lifetimes) -> float:
    """When ``session`` ends whatever happens: as signed into it, or earlier where the setting was lowered."""
    return min(session.expires, session.started + lifetimes.max_seconds)


def ended_at(session: Session, last_seen: float | None, now: float, lifetimes: Lifetimes) -> float:
    """When a session that is ``IDLE`` or ``EXPIRED`` ended. Without ``last_seen``: its claims were last proof."""
    idle_end = (session.renewed if last_seen is None else last_seen) + lifetimes.idle_seconds
    return min(idle_end, hard_end(session, lifetimes), now)


def needs_activity_cookie(last_seen: float | None, now: float, lifetimes: Lifetimes) -> bool:
    """Whether the answer to a session that passes should note activity anew.

    At most once a minute; more often where the idle end would come before that.
    """
    if last_seen is None:
        return True
    age_seconds = now - last_seen
    return age_seconds >= ACTIVITY_EVERY_SECONDS or age_seconds * 3 >= lifetimes.idle_seconds


def calm_span(session: Session, last_seen: float | None, lifetimes: Lifetimes) -> tuple[float, float]:
    """From when until when (excluded) ``session`` is ``LIVE`` and its activity cookie young enough.

    In between ``state_of`` and ``needs_activity_cookie`` have nothing else to say, so that most requests need
    not ask them. The span is empty where there is none.
    """
    if last_seen is None:
        return 0, 0
    begins = max(session.started, session.renewed, last_seen) - LEEWAY_SECONDS
    ends = min(
        hard_end(session, lifetimes),
        session.renewed + min(lifetimes.refresh_seconds, lifetimes.stale_seconds),
        last_seen + min(ACTIVITY_EVERY_SECONDS, lifetimes.idle_seconds / 3),
    )
    return begins, ends
