"""The cookies of a session: the session itself, its last activity, and the mark of an explicit sign-out.

Belongs here: what is written into which cookie, and reading it back. The session cookie never changes between
sign-in and renewal, so a slow answer cannot bring back an old one; what changes is a second cookie (session
id, time) that proves nothing alone. Not here: whether a session still counts (``lifetimes.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from idaware.errors import ClientError
from idaware.http.cookies import expire_cookie, find_cookie, set_cookie
from idaware.reasons import Reason
from idaware.session.lifetimes import Lifetimes, hard_end
from idaware.session.record import VERSION, Session, pack, unpack

if TYPE_CHECKING:
    from idaware.session.keys import KeyRing
    from idaware.settings import Settings

MAX_COOKIE_BYTES = 4096
REMEMBERED_SECONDS = 7 * 86_400
"""How long a browser remembers that a session here ended: until then the next sign-in has to be a real one.
"""


class Activity(msgspec.Struct, frozen=True, array_like=True):
    """When a session was last used. ``ends`` is its hard end, known here after its own cookie is gone."""

    v: int
    session_id: str
    at: int
    ends: int


class _SignedOut(msgspec.Struct, frozen=True, array_like=True):
    v: int
    until: int


_T = TypeVar("_T")
_activity = msgspec.msgpack.Decoder(Activity)
_signed_out = msgspec.msgpack.Decoder(_SignedOut)


def _read(decoder: msgspec.msgpack.Decoder[_T], payload: bytes) -> _T | None:
    """``None`` for what another version wrote: not ours."""
    try:
        return decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):  # msgspec raises the latter for text that is not UTF-8
        return None


class CookieCodec:
    """Writes and reads the session's cookies under one key ring.

    ``session_name``, ``activity_name``, ``signed_out_name`` are the cookies' names. ``lifetimes``: the
    configured bounds.
    """

    def __init__(self, ring: KeyRing, settings: Settings) -> None:
        self.lifetimes = Lifetimes.of(settings)
        self.issuer = settings.issuer
        self.session_name = settings.cookie_name
        self.activity_name = f"{settings.cookie_name}-a"
        self.signed_out_name = f"{settings.cookie_name}-out"
        self._remembered_seconds = self.lifetimes.idle_seconds + REMEMBERED_SECONDS
        self._secure = settings.secure
        self._samesite = settings.cookie_samesite
        self._frame_bytes = len(self._set(self.session_name, "", 9_999_999_999))
        self._session_seal = ring.seal("session")
        self._activity_seal = ring.seal("activity")
        self._signed_out_seal = ring.seal("signed-out")

    # -- the session -----------------------------------------------------------------------------------

    def encode(self, session: Session) -> str:
        """The value of the session cookie.

        Raises ``ClientError`` (``session_too_large``) where the whole cookie would have more than 4,096 bytes, name
        and attributes included: a browser would drop it without a word. What the session was cut for goes first.
        """
        for candidate in (session, msgspec.structs.replace(session, cut=b"")):
            value = self._session_seal.close(pack(candidate))
            size_bytes = self._frame_bytes + len(value)
            if size_bytes <= MAX_COOKIE_BYTES:
                return value
        raise ClientError(
            Reason.SESSION_TOO_LARGE,
            f"the session cookie would have {size_bytes} bytes, browsers keep {MAX_COOKIE_BYTES}; "
            "have the policy name fewer groups and claims",
        )

    def decode(self, text: str) -> Session | None:
        """The session in a cookie's value; ``None`` unless this ring signed it in this version."""
        payload = self._session_seal.open(text)
        return None if payload is None else unpack(payload)

    def session_cookie(self, session: Session, now: float) -> str:
        """``Set-Cookie`` for ``session``; the browser drops it at the hard end. Raises as ``encode`` does."""
        max_age_seconds = max(1, int(hard_end(session, self.lifetimes) - now))
        return self._set(self.session_name, self.encode(session), max_age_seconds)

    # -- its activity ----------------------------------------------------------------------------------

    def encode_activity(self, session: Session, at: float) -> str:
        """The value of the activity cookie: ``session`` was used at ``at``."""
        record = Activity(VERSION, session.id, int(at), int(hard_end(session, self.lifetimes)))
        return self._activity_seal.close(msgspec.msgpack.encode(record))

    def decode_activity(self, text: str) -> Activity | None:
        """What an activity cookie says; ``None`` unless this ring signed it in this version."""
        payload = self._activity_seal.open(text)
        record = None if payload is None else _read(_activity, payload)
        return record if record is not None and record.v == VERSION else None

    def activity_cookie(self, session: Session, now: float) -> str:
        """``Set-Cookie`` that notes activity now. It outlives the session and holds nothing personal."""
        return self._set(self.activity_name, self.encode_activity(session, now), self._remembered_seconds)

    # -- beginning and end -----------------------------------------------------------------------------

    def sign_in_cookies(self, session: Session, now: float) -> tuple[str, ...]:
        """What a completed sign-in sets: session, activity; the mark of an earlier sign-out goes."""
        return (
            self.session_cookie(session, now),
            self.activity_cookie(session, now),
            self._expire(self.signed_out_name, "lax"),
        )

    def sign_out_cookies(self, now: float) -> tuple[str, ...]:
        """What an explicit sign-out sets: no session, no activity, and a mark that the next sign-in asks anew."""
        mark = _SignedOut(VERSION, int(now) + REMEMBERED_SECONDS)
        value = self._signed_out_seal.close(msgspec.msgpack.encode(mark))
        return (
            self._expire(self.session_name, self._samesite),
            self._expire(self.activity_name, self._samesite),
            # Lax: a link from elsewhere that starts the next sign-in brings it, also with COOKIE_SAMESITE=strict.
            set_cookie(
                self.signed_out_name, value, max_age=REMEMBERED_SECONDS, secure=self._secure, samesite="lax"
            ),
        )

    def signed_out(self, cookie_header: str, now: float) -> float | None:
        """When somebody explicitly signed out in this browser; ``None`` where nobody did, or signed in since."""
        text = find_cookie(cookie_header, self.signed_out_name)
        payload = self._signed_out_seal.open(text) if isinstance(text, str) else None
        mark = None if payload is None else _read(_signed_out, payload)
        if mark is None or mark.v != VERSION or now >= mark.until:
            return None
        return min(now, mark.until - REMEMBERED_SECONDS)

    def _set(self, name: str, value: str, max_age: int | None) -> str:
        return set_cookie(name, value, max_age=max_age, secure=self._secure, samesite=self._samesite)

    def _expire(self, name: str, samesite: str) -> str:
        return expire_cookie(name, secure=self._secure, samesite=samesite)
