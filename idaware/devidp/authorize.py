"""What becomes of an authorization request: go on silently, ask who it is, or refuse. Pure.

OIDC Core 3.1.2.1 in the order of its text: ``prompt``, ``max_age``, ``login_hint``, ``acr_values``.
``id_token_hint`` is not read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from idaware.devidp.memory import SignIn
from idaware.devidp.people import Person

Step: TypeAlias = Literal["go", "ask", "login_required"]

PASSWORD: Final = "pwd"  # noqa: S105 - an acr value
SECOND_FACTOR: Final = "mfa"
ACR_VALUES: Final = (PASSWORD, SECOND_FACTOR)
"""Levels that are always on offer; what an application asks for beyond them is offered as well."""

MAX_ACR_VALUES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What an authorization request asks, beyond what Authlib looks at.

    ``person`` is whom ``login_hint`` means, where it means anybody. ``max_age`` is in seconds.
    """

    prompt: frozenset[str] = frozenset()
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()
    person: Person | None = None


def parse_acr_values(text: str | None) -> tuple[str, ...]:
    """The levels asked for, in order of preference, without repetition."""
    return tuple(dict.fromkeys((text or "").split()))[:MAX_ACR_VALUES]


def parse_max_age(text: str | None) -> int | None:
    """``max_age`` in seconds; ``ValueError`` for what is no number of seconds."""
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise ValueError("max_age is not a number of seconds")
    return int(text)


def next_step(question: Question, sign_in: SignIn | None, now: float) -> Step:
    """Whether the browser's own sign-in answers the question, or somebody has to be asked.

    ``acr_values`` are voluntary (Core 3.1.2.1): with ``prompt=none`` the answer is whatever the sign-in had.
    """
    silent = "none" in question.prompt
    if sign_in is None or not _still_good(question, sign_in, now):
        return "login_required" if silent else "ask"
    if silent:
        return "go"
    lacks_level = bool(question.acr_values) and sign_in.acr not in question.acr_values
    return "ask" if question.prompt or lacks_level else "go"


def _still_good(question: Question, sign_in: SignIn, now: float) -> bool:
    if question.person is not None and question.person.sub != sign_in.person.sub:
        return False
    return question.max_age is None or now - sign_in.auth_time <= question.max_age


def levels_on_offer(question: Question) -> tuple[str, ...]:
    """The levels that somebody can choose from; those asked for first, so that the first is what meets the wish."""
    return tuple(dict.fromkeys((*question.acr_values, *ACR_VALUES)))


def methods(person: Person, level: str) -> tuple[str, ...]:
    """``amr`` of a person at a level: every level but the plain one takes a second factor."""
    return person.amr if level == PASSWORD else (*person.amr, "mfa")
