"""From a ``Cookie`` header to who is signed in, and for how long still.

Belongs here: finding, verifying and remembering session cookies. What the request may do is the gate's. The
cache holds identities, never decisions: each hit is compared with the clock again, and a new key ring or
policy makes its entries worthless.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from msgspec import Struct

from idaware.http.cookies import find_cookie
from idaware.identity import ANONYMOUS, Identity
from idaware.reasons import Reason
from idaware.session.cookie import CookieCodec
from idaware.session.lifetimes import calm_span, ended_at, state_of
from idaware.session.record import Cut, Session, identify

CACHE_ENTRIES = 1024
MAX_REMEMBERED_CHARACTERS = 4096
"""A ``Cookie`` header that is longer, mostly with cookies of the application, is taken apart each time."""

V = TypeVar("V")


class Reading(Struct, frozen=True):
    """What the cookies of a request say, whatever their age.

    ``session`` and ``identity``: who; ``None`` and ``ANONYMOUS`` without a session. ``last_seen``: when the session
    was last used, as ``Sessions.last_seen`` has it. ``calm_from`` and ``calm_until``: the ``calm_span`` of the
    session. ``error``: why nobody is signed in although a cookie came (``session_invalid``).
    """

    session: Session | None = None
    identity: Identity = ANONYMOUS
    last_seen: float | None = None
    calm_from: float = 0
    calm_until: float = 0
    error: Reason | None = None


@dataclass(frozen=True, slots=True)
class Before:
    """What was in this browser before a sign-in.

    * ``session``: one that goes on (live, due or stale), so that its start survives; else ``None``.
    * ``ended_at``: when one ended by idleness, at its hard end or by an explicit sign-out, so that the sign-in has to
      be newer than that.
    * ``signed_out``: whether somebody signed out on purpose.
    * ``subject``: whose session it was, also of one that ended; ``None`` where the browser no longer knows.
    """

    session: Session | None = None
    ended_at: float | None = None
    signed_out: bool = False
    subject: str | None = None


_NOBODY = Reading()
_INVALID = Reading(error=Reason.SESSION_INVALID)


class Recent(Generic[V]):
    """A bounded cache without locks: two dictionaries, of which the older one is dropped whole.

    Races between threads cost an entry at worst; nothing is deleted while somebody looks (speed trap 4).
    """

    __slots__ = ("_entries", "_old", "_young")

    def __init__(self, entries: int) -> None:
        self._entries = entries
        self._young: dict[str, V] = {}
        self._old: dict[str, V] = {}

    def get(self, key: str) -> V | None:
        """What was put under ``key``, unless it was crowded out."""
        value = self._young.get(key)
        if value is None and (value := self._old.get(key)) is not None:
            self.put(key, value)
        return value

    def put(self, key: str, value: V) -> None:
        """Remember ``value``."""
        if len(self._young) >= self._entries:
            self._old, self._young = self._young, {}
        self._young[key] = value

    def __len__(self) -> int:
        return len(self._young) + len(self._old)


class Sessions:
    """Reads session cookies under one key ring (that of ``codec``), for one policy (``cut``).

    Made anew when either changes, and with it the cache.
    """

    def __init__(self, codec: CookieCodec, cut: Cut, cache_entries: int = CACHE_ENTRIES) -> None:
        self.codec = codec
        self.cut = cut
        self._read: Recent[Reading] = Recent(cache_entries)
        self._verified: Recent[tuple[Session, Identity]] = Recent(cache_entries)
        self._seen: Recent[tuple[str, int]] = Recent(cache_entries)

    def read(self, cookie_header: str) -> Reading:
        """Who the cookies in ``cookie_header`` (raw; empty when there was none) name, and when they were here.

        Whether the session still counts is for ``state_of`` to say, at each request. Only what was verified
        is remembered, so a million forged cookies leave no trace in memory.
        """
        reading = self._read.get(cookie_header)
        if reading is None:
            reading = self._read_closely(cookie_header)
            if reading.session is not None and len(cookie_header) <= MAX_REMEMBERED_CHARACTERS:
                self._read.put(cookie_header, reading)
        return reading

    def _read_closely(self, cookie_header: str) -> Reading:
        text = find_cookie(cookie_header, self.codec.session_name)
        if text is None:
            return _NOBODY
        if not isinstance(text, str):
            return _INVALID  # security rule 22: exactly one cookie of exactly our name
        verified = self._verified.get(text)
        if verified is None:
            session = self.codec.decode(text)
            if session is None:
                return _INVALID
            verified = session, self.identity_of(session)
            self._verified.put(text, verified)
        session, identity = verified
        last_seen = self.last_seen(cookie_header, session)
        calm_from, calm_until = calm_span(session, last_seen, self.codec.lifetimes)
        return Reading(session, identity, last_seen, calm_from, calm_until)

    def identity_of(self, session: Session) -> Identity:
        """Who ``session``'s person is, for the policy in force; for one that was made just now."""
        return identify(session, issuer=self.codec.issuer, cut=self.cut)

    def last_seen(self, cookie_header: str, session: Session) -> float | None:
        """When ``session`` was last used; ``None`` without a valid activity cookie.

        A late answer to an older session may have overwritten the cookie: one that is genuine but another
        session's falls back to when this session's claims were fetched, which was activity too.
        """
        text = find_cookie(cookie_header, self.codec.activity_name)
        if not isinstance(text, str):
            return None
        seen = self._seen.get(text)
        if seen is None:
            activity = self.codec.decode_activity(text)
            if activity is None:
                return None
            seen = (activity.session_id, activity.at)
            self._seen.put(text, seen)
        session_id, at = seen
        return at if session_id == session.id else session.renewed

    def before(self, cookie_header: str, now: float) -> Before:
        """What the next sign-in in this browser has to take into account."""
        signed_out_at = self.codec.signed_out(cookie_header, now)
        signed_out = signed_out_at is not None
        reading = self.read(cookie_header)
        session, last_seen = reading.session, reading.last_seen
        if session is None:
            ended = self._ended_without_session(cookie_header, now)
            return Before(None, ended if signed_out_at is None else signed_out_at, signed_out)
        if state_of(session, last_seen, now, self.codec.lifetimes).ended:
            end = ended_at(session, last_seen, now, self.codec.lifetimes)
            return Before(None, end, signed_out, session.subject)
        return Before(session, None, signed_out, session.subject)

    def _ended_without_session(self, cookie_header: str, now: float) -> float | None:
        """Browsers drop the session cookie at its hard end; the activity cookie still knows of it."""
        text = find_cookie(cookie_header, self.codec.activity_name)
        activity = self.codec.decode_activity(text) if isinstance(text, str) else None
        if activity is None:
            return None
        end = min(activity.at + self.codec.lifetimes.idle_seconds, activity.ends)
        return end if end <= now else None
