"""What a browser keeps while its person is at the provider: one signed cookie for each login, and a count of failures.

Belongs here: writing, finding, bounding and deleting those cookies. The dialogue with the provider is in
``login.py``. Several tabs may sign in at once, so each login has a cookie of its own, named after its ``state``;
``nonce`` and ``code_verifier`` are derived from the state by HMAC, so they take no room (security rule 13).
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from idaware.http.cookies import expire_cookie, find_cookie, find_cookies_with_prefix, set_cookie
from idaware.identity import LEEWAY_SECONDS

if TYPE_CHECKING:
    from idaware.session.keys import KeyRing
    from idaware.settings import Settings

Kind: TypeAlias = Literal["login", "renew", "step_up", "popup"]
"""``renew`` is silent (``prompt=none``); ``popup`` is the window at ``PREFIX/renew``; the rest are what they say."""

VERSION = 1
LOGIN_SECONDS = 600
MAX_LOGINS = 8
MAX_STATES_BYTES = 3072
"""All login cookies together: with a session cookie of 4,096 bytes a ``Cookie`` header stays below the 8,190 bytes
that the strictest of the common servers accept."""
MAX_NEXT_BYTES = 512
STATE_BYTES = 24
FAILURES_SECONDS = 60
MAX_FAILURES = 3
RENEWAL_PAUSE_SECONDS = 300

_STATE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_SUFFIX = re.compile(r"[A-Za-z0-9_-]{8}")
_TIME = re.compile(r"[0-9]{1,11}")
_NAMED_AFTER = 8  # how much of the state is in the cookie's name


class LoginState(msgspec.Struct, frozen=True, array_like=True, kw_only=True):
    """One login that is under way, as its cookie holds it. Times are UTC epoch seconds.

    * ``next``: the external path to go to afterwards.
    * ``max_age``: how old the sign-in at the provider may be, in seconds from ``created``; checked, not only asked.
    * ``reauthenticate``: whether ``prompt=login`` was asked.
    * ``requirement``: digest of what the page requires, where the login is to meet it.
    * ``subject``, ``started``: whose session goes on (a digest) and its first start; ``None`` for a new one.
    * ``key``: which key of the ring ``nonce`` and ``code_verifier`` are derived from.
    """

    v: int
    state: str
    created: int
    key: str
    kind: Kind
    next: str
    max_age: int | None = None
    reauthenticate: bool = False
    requirement: str | None = None
    subject: str | None = None
    started: int | None = None

    def continues(self, subject: str) -> bool:
        """Whether the person ``subject`` is the one whose session goes on."""
        return self.subject is not None and hmac.compare_digest(self.subject, subject_digest(subject))


@dataclass(frozen=True, slots=True)
class Derived:
    """What goes to the provider beside ``state``. Secrets: never in a record or a log."""

    nonce: str
    code_verifier: str


_login_state = msgspec.msgpack.Decoder(LoginState)


def subject_digest(subject: str) -> str:
    """A short name for a ``sub``, so that login cookies stay small."""
    return base64.urlsafe_b64encode(sha256(subject.encode()).digest()[:12]).decode("ascii")


class LoginStates:
    """Login cookies under one key ring.

    ``SameSite=Lax`` for ``response_mode`` ``query``; ``None`` with ``Secure`` for ``form_post``, whose
    cross-site POST brings no others.
    """

    def __init__(self, ring: KeyRing, settings: Settings) -> None:
        self.prefix = f"{settings.cookie_name}-l-"
        self.failures_name = f"{settings.cookie_name}-f"
        self._root = settings.base_path + "/"
        self._secure = settings.secure
        self._samesite = "none" if settings.response_mode == "form_post" else "lax"
        self._seal = ring.seal("login-state")
        keys = ring.keys("login-derive")
        self._keys = {sha256(key).hexdigest()[:6]: key for key in keys}
        self._newest = next(iter(self._keys))

    # -- one login -----------------------------------------------------------------------------------------

    def start(
        self,
        cookie_header: str,
        *,
        kind: Kind,
        next_url: str,
        now: float,
        token: Callable[[int], str],
        max_age: int | None = None,
        reauthenticate: bool = False,
        requirement: str | None = None,
        subject: str | None = None,
        started: int | None = None,
    ) -> tuple[LoginState, tuple[str, ...]]:
        """Begin a login: its state, and the ``Set-Cookie`` values that keep it and drop what is too much.

        ``next_url`` has passed ``safe_next``; beyond 512 bytes it becomes the root. ``token(n)`` gives
        ``n`` random bytes as URL-safe text. ``subject`` is the digest of the ``sub`` whose session goes on,
        ``started`` that session's start.
        """
        login = LoginState(
            v=VERSION,
            state=token(STATE_BYTES),
            created=int(now),
            key=self._newest,
            kind=kind,
            next=next_url if len(next_url) <= MAX_NEXT_BYTES else self._root,
            max_age=max_age,
            reauthenticate=reauthenticate,
            requirement=requirement,
            subject=subject,
            started=started,
        )
        name, value = self._name(login.state), self._seal.close(msgspec.msgpack.encode(login))
        new = set_cookie(name, value, max_age=LOGIN_SECONDS, secure=self._secure, samesite=self._samesite)
        return login, (new, *self._surplus(cookie_header, now, len(name) + len(value)))

    def find(self, cookie_header: str, state: str, now: float) -> LoginState | None:
        """The login that ``state`` belongs to, when this browser began it within the last ten minutes."""
        if not _STATE.fullmatch(state):
            return None
        text = find_cookie(cookie_header, self._name(state))
        login = self._open(text) if isinstance(text, str) else None
        # security rule 32; the cookie's name holds only the beginning of the state
        if login is None or not hmac.compare_digest(login.state, state):
            return None
        return login if _counts(login, now) else None

    def why_unknown(self, cookie_header: str, state: str) -> str:
        """For the operator's log: what this browser brought instead of a login that ``find`` accepts."""
        if not _STATE.fullmatch(state):
            return "the callback's state is missing, or not one that we make"
        text = find_cookie(cookie_header, self._name(state))
        if isinstance(text, str) and self._seal.open(text) is None:
            return (
                "the browser began this sign-in, but not here: do all replicas have the same IDAWARE_SECRET_KEYS, "
                "IDAWARE_BASE_URL and IDAWARE_CLIENT_ID?"
            )
        if text is None and not find_cookies_with_prefix(cookie_header, self.prefix):
            return (
                "the browser brought no cookie of a sign-in: it was completed already or is older than 10 minutes, "
                "it began under another host name, or the browser refuses cookies"
            )
        return "the callback's state is not one that this browser began in the last 10 minutes"

    def derived(self, login: LoginState) -> Derived:
        """``nonce`` and ``code_verifier`` (RFC 7636 section 4.1: 43 characters) of ``login``."""
        key = self._keys[login.key]
        return Derived(_derive(key, b"nonce", login.state), _derive(key, b"verifier", login.state))

    def drop(self, login: LoginState) -> str:
        """``Set-Cookie`` that deletes the login: a state is for one use (security rule 13)."""
        return self._expire(self._name(login.state))

    def renewal_pending(self, cookie_header: str, now: float) -> bool:
        """Whether a silent renewal is under way, never came back, or failed, within the last 5 minutes.

        Then the page passes until ``SESSION_STALE`` instead of trying again.
        """
        since = now - RENEWAL_PAUSE_SECONDS
        if any(at > since for at in self._failed(cookie_header)):
            return True
        pending = (login for _, _, login in self._present(cookie_header) if login is not None)
        return any(login.kind == "renew" and login.created > since for login in pending)

    # -- failures ------------------------------------------------------------------------------------------

    def failures(self, cookie_header: str, now: float) -> int:
        """How many callbacks failed in this browser in the last minute: at ``MAX_FAILURES`` stop trying."""
        return sum(0 <= now - at < FAILURES_SECONDS for at in self._failed(cookie_header))

    def note_failure(self, cookie_header: str, now: float) -> str:
        """``Set-Cookie`` that counts one more failed callback.

        The count is not signed, or replicas with different keys would never get beyond one. Whoever changes it
        only changes when they themselves are told.
        """
        times = (*self._failed(cookie_header), int(now))[-MAX_FAILURES:]
        return set_cookie(
            self.failures_name,
            ".".join(map(str, times)),
            max_age=RENEWAL_PAUSE_SECONDS,
            secure=self._secure,
            samesite=self._samesite,
        )

    def forget_failures(self) -> str:
        """``Set-Cookie`` after a sign-in that succeeded."""
        return self._expire(self.failures_name)

    def _failed(self, cookie_header: str) -> list[int]:
        text = find_cookie(cookie_header, self.failures_name)
        parts = text.split(".")[-MAX_FAILURES:] if isinstance(text, str) else []
        return [int(part) for part in parts if _TIME.fullmatch(part)]

    # -- inside --------------------------------------------------------------------------------------------

    def _name(self, state: str) -> str:
        return self.prefix + state[:_NAMED_AFTER]

    def _open(self, text: str) -> LoginState | None:
        payload = self._seal.open(text)
        if payload is None:
            return None
        try:
            login = _login_state.decode(payload)
        except (
            msgspec.DecodeError,
            UnicodeDecodeError,
        ):  # msgspec raises the latter for text that is not UTF-8
            return None
        return login if login.v == VERSION else None

    def _present(self, cookie_header: str) -> list[tuple[str, int, LoginState | None]]:
        """Name, size and content of each login cookie."""
        found = find_cookies_with_prefix(cookie_header, self.prefix)
        # A name that we would not make is not ours to delete, nor could it be written.
        return [
            (name, len(name) + len(value), self._open(value))
            for name, value in found
            if _SUFFIX.fullmatch(name, len(self.prefix))
        ]

    def _surplus(self, cookie_header: str, now: float, new_bytes: int) -> tuple[str, ...]:
        """Deletions that keep at most 8 logins and 3 KB beside a new one; oldest, expired, foreign first."""
        dropped: list[str] = []
        kept, kept_bytes = 1, new_bytes
        present = self._present(cookie_header)
        ages = {name: login.created if login and _counts(login, now) else 0 for name, _, login in present}
        for name, size_bytes, _ in sorted(present, key=lambda entry: ages[entry[0]], reverse=True):
            kept, kept_bytes = kept + 1, kept_bytes + size_bytes
            if not ages[name] or kept > MAX_LOGINS or kept_bytes > MAX_STATES_BYTES:
                dropped.append(self._expire(name))
        return tuple(dropped)

    def _expire(self, name: str) -> str:
        return expire_cookie(name, secure=self._secure, samesite=self._samesite)


def _counts(login: LoginState, now: float) -> bool:
    return -LEEWAY_SECONDS <= now - login.created < LOGIN_SECONDS


def _derive(key: bytes, label: bytes, state: str) -> str:
    mac = hmac.digest(key, label + b"\0" + state.encode("ascii"), "sha256")
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode("ascii")
