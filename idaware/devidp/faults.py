"""Faults on request: what the provider can be told to do wrong, and for whom.

``FAULTS`` is the one table; the pages, ``/faults``, the docs and the tests are made from it. A new fault is a line
here, its effect in ``tokens.py``, ``answers.py``, ``endpoints.py`` or ``guard.py``, and its row in the tests.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Final

from idaware.errors import ConfigurationError, Problem

ENDPOINTS: Final = (
    "discovery",
    "jwks",
    "authorize",
    "token",
    "userinfo",
    "revoke",
    "introspect",
    "end_session",
)
"""Names of the provider's endpoints, as ``down`` and ``slow`` take them and ``hits`` counts them."""


class Where(StrEnum):
    """What a fault is done to."""

    RESPONSE = "the answer in the browser"
    ID_TOKEN = "the ID token"  # noqa: S105 - a heading
    CLAIMS = "groups and userinfo"
    TOKEN_ENDPOINT = "the token endpoint"  # noqa: S105 - a heading
    DOCUMENTS = "discovery and keys documents"
    AVAILABILITY = "availability"


PER_LOGIN: Final = frozenset({Where.RESPONSE, Where.ID_TOKEN, Where.CLAIMS, Where.TOKEN_ENDPOINT})
"""What can go wrong in one sign-in alone; the rest goes wrong for everybody while it is switched on."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave: its name, what it is done to, and a sentence for people."""

    name: str
    where: Where
    sentence: str

    @property
    def per_login(self) -> bool:
        """Whether it can be chosen for one sign-in."""
        return self.where in PER_LOGIN


@dataclass(frozen=True, slots=True)
class Active:
    """A fault that is on. ``seconds`` counts for ``slow``, ``endpoint`` for ``slow`` and ``down``."""

    name: str
    seconds: float = 0.0
    endpoint: str | None = None


_TABLE: Final = {
    Where.RESPONSE: {
        "access_denied": "The answer is the error access_denied: the person refused.",
        "login_required": "The answer is the error login_required, whatever was asked.",
        "temporarily_unavailable": "The answer is the error temporarily_unavailable.",
        "server_error": "The answer is the error server_error.",
        "response_wrong_issuer": "The iss parameter of the answer names another issuer (RFC 9207, mix-up).",
        "response_missing_issuer": "The iss parameter is missing, though discovery promises it.",
        "response_wrong_state": "The state that comes back is not the one that was sent.",
        "response_missing_state": "No state comes back.",
        "response_wrong_code": "The code is one that was never issued.",
        "response_duplicate_parameters": "Every parameter of the answer comes twice.",
    },
    Where.ID_TOKEN: {
        "wrong_signature": "The ID token names the published key and is signed with another.",
        "alg_none": "The ID token has alg none and no signature.",
        "alg_hs256": "The ID token is signed with HS256, the public key serving as the secret.",
        "wrong_nonce": "The nonce in the ID token belongs to another sign-in.",
        "missing_nonce": "The ID token has no nonce.",
        "wrong_issuer": "The ID token comes from another issuer.",
        "wrong_audience": "The ID token is for another client.",
        "extra_audience": "The ID token is also for another client, and azp is missing.",
        "foreign_azp": "The ID token is for two clients, and azp names the other one.",
        "expired": "The ID token expired an hour ago.",
        "clock_ahead": "The provider's clock is ten minutes ahead.",
        "clock_behind": "The provider's clock is ten minutes behind.",
        "missing_sub": "The ID token has no sub.",
        "missing_exp": "The ID token has no exp.",
        "missing_iat": "The ID token has no iat.",
        "old_auth_time": "The ID token says that the person signed in a day ago, whatever max_age asked.",
        "no_at_hash": "The ID token has no at_hash (which is allowed).",
        "wrong_at_hash": "The at_hash in the ID token belongs to another access token.",
        "access_token_as_id_token": "The access token (at+jwt) stands where the ID token should.",
        "no_id_token": "The token endpoint answers without an ID token.",
        "stale_keys": "The ID token is signed with a key that the keys document does not list.",
        "rotated_keys": "A new key signs from now on; the keys document lists it beside the old (allowed).",
    },
    Where.CLAIMS: {
        "groups_missing": "The groups claim is missing everywhere.",
        "groups_overage": "Too many groups: a reference stands where they would be (as Entra does).",
        "groups_text": "The groups claim is a text instead of a list.",
        "groups_only_in_userinfo": "The groups are in userinfo and not in the ID token.",
        "scope_not_granted": "The person grants openid alone: no name, e-mail or groups; scope says so.",
        "userinfo_sub_mismatch": "Userinfo answers about somebody else.",
        "userinfo_401": "Userinfo refuses the access token that was just issued.",
    },
    Where.TOKEN_ENDPOINT: {
        "token_500": "The token endpoint answers 500 with plain text.",
        "token_invalid_client": "The token endpoint answers 401 invalid_client.",
        "token_invalid_grant": "The token endpoint answers 400 invalid_grant.",
        "token_html": "The token endpoint answers 200 with an HTML page.",
        "token_empty": "The token endpoint answers 400 with an empty body.",
        "token_429": "The token endpoint answers 429 with Retry-After: 30.",
        "token_redirect": "The token endpoint redirects to another address.",
        "token_huge": "The token endpoint answers with more than 2 MB.",
    },
    Where.DOCUMENTS: {
        "discovery_redirect": "Discovery redirects to another address, where the right document lies.",
        "discovery_huge": "The discovery document has more than 2 MB.",
        "discovery_other_issuer": "The discovery document names another issuer.",
        "discovery_plain_http": "The discovery document sends codes to plain http on another machine.",
        "discovery_html": "Discovery answers 200 with an HTML page.",
        "jwks_empty": "The keys document lists no key.",
        "jwks_html": "The keys document is an HTML page.",
    },
    Where.AVAILABILITY: {
        "down": "503 on everything, or on one endpoint: down:token.",
        "slow": "Answers wait: slow:3 for three seconds, slow:3:token at one endpoint.",
    },
}

FAULTS: Final[dict[str, Fault]] = {
    name: Fault(name, where, sentence)
    for where, faults in _TABLE.items()
    for name, sentence in faults.items()
}
"""Every fault by name."""

ERROR_REDIRECTS: Final = ("access_denied", "login_required", "temporarily_unavailable", "server_error")
"""Faults that end a sign-in before anybody is asked who they are."""

CLOCK_SHIFT_SECONDS: Final = {"clock_ahead": 600, "clock_behind": -600}
"""By how much a wrong clock is wrong."""


def parse_fault(text: str) -> Active:
    """Read ``name``, ``down:ENDPOINT``, ``slow:SECONDS`` or ``slow:SECONDS:ENDPOINT``.

    Raises ``ConfigurationError`` for an unknown name, endpoint or number, with the nearest known name.
    """
    name, *arguments = text.strip().split(":")
    if name not in FAULTS:
        raise _problem(text, f"unknown fault{_suggestion(name, FAULTS)}")
    if name == "slow":
        return _parse_slow(text, arguments)
    if name == "down" and len(arguments) == 1:
        return Active(name, endpoint=_parse_endpoint(text, arguments[0]))
    if arguments:
        raise _problem(text, f"{name} takes nothing after a colon")
    return Active(name)


def _parse_slow(text: str, arguments: list[str]) -> Active:
    if len(arguments) not in (1, 2):
        raise _problem(text, "expected slow:SECONDS or slow:SECONDS:ENDPOINT")
    try:
        seconds = float(arguments[0])
    except ValueError:
        raise _problem(text, f"{arguments[0]!r} is not a number of seconds") from None
    if not 0 <= seconds <= 600:
        raise _problem(text, f"{arguments[0]!r} is not between 0 and 600 seconds")
    endpoint = _parse_endpoint(text, arguments[1]) if len(arguments) == 2 else None
    return Active("slow", seconds, endpoint)


def _parse_endpoint(text: str, endpoint: str) -> str:
    if endpoint not in ENDPOINTS:
        raise _problem(text, f"unknown endpoint {endpoint!r}; expected one of {', '.join(ENDPOINTS)}")
    return endpoint


def _suggestion(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _problem(text: str, message: str) -> ConfigurationError:
    return ConfigurationError([Problem(f"fault {text!r}", message)])


class FaultBoard:
    """Which faults are on. Tests set them from another thread than the one that serves, so a lock guards them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._always: dict[tuple[str, str | None], Active] = {}
        self._next: deque[tuple[Active, ...]] = deque()

    def set(self, *faults: str) -> None:
        """Switch faults on for everything, until ``clear``."""
        wanted = [parse_fault(text) for text in faults]
        with self._lock:
            self._always.update({(active.name, active.endpoint): active for active in wanted})

    def next_login(self, *faults: str, times: int = 1) -> None:
        """Let the next ``times`` sign-ins go wrong in these ways, and what follows from them (refresh, userinfo).

        Raises ``ConfigurationError`` for a fault that cannot happen to one sign-in alone.
        """
        wanted = tuple(parse_for_login(text) for text in faults)
        with self._lock:
            self._next.extend([wanted] * times)

    def clear(self, *names: str) -> None:
        """Switch these off, at every endpoint; without names, all, those for the next sign-ins too."""
        with self._lock:
            if not names:
                self._next.clear()
            self._always = {
                key: active for key, active in self._always.items() if names and active.name not in names
            }

    @property
    def always(self) -> tuple[Active, ...]:
        """What is on for everything."""
        with self._lock:
            return tuple(self._always.values())

    @property
    def waiting(self) -> tuple[tuple[Active, ...], ...]:
        """What the next sign-ins will do wrong, one tuple each."""
        with self._lock:
            return tuple(self._next)

    def names(self, bound: tuple[Active, ...] = ()) -> frozenset[str]:
        """The names of what is on for everything and of what is ``bound`` to one sign-in."""
        return frozenset(active.name for active in (*self.always, *bound))

    def peek_login(self) -> frozenset[str]:
        """What the sign-in that ends next would do wrong."""
        waiting = self.waiting
        return self.names(waiting[0] if waiting else ())

    def take_login(self) -> tuple[Active, ...]:
        """What this sign-in does wrong beside what is on for everything; counts as used up."""
        with self._lock:
            return self._next.popleft() if self._next else ()


def parse_for_login(text: str) -> Active:
    """Like ``parse_fault``, for a fault that can happen to one sign-in alone."""
    active = parse_fault(text)
    if not FAULTS[active.name].per_login:
        raise _problem(text, "cannot happen to one sign-in alone; switch it on with set()")
    return active
