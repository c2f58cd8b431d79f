"""Conditions joined: ``all``, ``any`` and ``none``, in Kleene's logic of true, false and unknown.

Unknown never allows, fails inside ``none`` and holds in a ``deny``. With three values no nesting of
``none`` turns a gap into a "yes": what is unknown stays so, and ``decide`` reads it to the disadvantage of
whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from idaware.identity import Identity, Json, Wanted
from idaware.policy.conditions import Captures, Condition, Why, as_json

_NOT: Final = "not "


@dataclass(frozen=True, slots=True)
class All:
    """Every member holds."""

    members: tuple[Condition, ...]

    def test(self, who: Identity, captures: Captures, now: float) -> bool | None:
        """See ``Condition``."""
        outcomes = [member.test(who, captures, now) for member in self.members]
        return False if False in outcomes else (None if None in outcomes else True)

    def why(self, who: Identity, captures: Captures, now: float) -> Why:
        """See ``Condition``."""
        return join(member.why(who, captures, now) for member in self.members)

    def wanted(self) -> Wanted:
        """See ``Condition``."""
        return _wanted_by(self.members)

    def names_somebody(self) -> bool:
        """When one of its members does."""
        return any(member.names_somebody() for member in self.members)

    def normal(self) -> Json:
        """See ``Condition``."""
        return {"all": [member.normal() for member in self.members]}


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one member holds."""

    members: tuple[Condition, ...]

    def test(self, who: Identity, captures: Captures, now: float) -> bool | None:
        """See ``Condition``."""
        outcomes = [member.test(who, captures, now) for member in self.members]
        return True if True in outcomes else (None if None in outcomes else False)

    def why(self, who: Identity, captures: Captures, now: float) -> Why:
        """See ``Condition``."""
        return join(member.why(who, captures, now) for member in self.members)

    def wanted(self) -> Wanted:
        """See ``Condition``."""
        return _wanted_by(self.members)

    def names_somebody(self) -> bool:
        """When each of its members does."""
        return all(member.names_somebody() for member in self.members)

    def normal(self) -> Json:
        """See ``Condition``."""
        return {"any": [member.normal() for member in self.members]}


@dataclass(frozen=True, slots=True)
class NoneOf:
    """No member holds. With an unknown one, and none that holds, it is unknown itself."""

    members: tuple[Condition, ...]

    def test(self, who: Identity, captures: Captures, now: float) -> bool | None:
        """See ``Condition``."""
        outcomes = [member.test(who, captures, now) for member in self.members]
        return False if True in outcomes else (None if None in outcomes else True)

    def why(self, who: Identity, captures: Captures, now: float) -> Why:
        """See ``Condition``. What fails inside holds outside: ``not groups: contractors``."""
        inside = join(member.why(who, captures, now) for member in self.members)
        return inside._replace(
            held=_negated(inside.failed), failed=_negated(inside.held), unknown=_negated(inside.unknown)
        )

    def wanted(self) -> Wanted:
        """See ``Condition``."""
        return _wanted_by(self.members)

    def names_somebody(self) -> bool:
        """Never: it names who is kept out."""
        return False

    def normal(self) -> Json:
        """See ``Condition``."""
        return {"none": [member.normal() for member in self.members]}


def ordered(members: Iterable[Condition]) -> tuple[Condition, ...]:
    """Members in an order of their own, so that their order in the file changes nothing, explanations
    included.
    """
    return tuple(sorted(members, key=lambda member: as_json(member.normal())))


def join(parts: Iterable[Why]) -> Why:
    """Several explanations as one."""
    parts = tuple(parts)
    return Why(
        held=tuple(text for part in parts for text in part.held),
        failed=tuple(text for part in parts for text in part.failed),
        unknown=tuple(text for part in parts for text in part.unknown),
        groups=tuple(sorted({group for part in parts for group in part.groups})),
        unknown_groups=any(part.unknown_groups for part in parts),
    )


def _negated(labels: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(label[len(_NOT) :] if label.startswith(_NOT) else _NOT + label for label in labels)


def _wanted_by(members: Iterable[Condition]) -> Wanted:
    wanted = Wanted()
    for member in members:
        wanted = wanted | member.wanted()
    return wanted
