"""Conditions joined: ``all``, ``any`` and ``none``, in Kleene's logic of true, false and unknown.

Unknown never allows, fails inside ``none`` and holds in a ``deny``. With three values no nesting of ``none`` turns a
gap into a "yes": what is unknown stays so, and ``decide`` reads it to the disadvantage of whoever asks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from idaware.identity import Identity, Json, Wanted
from idaware.policy.conditions import Captures, Condition, Why, as_json

_NOT: Final = "not "


@dataclass(frozen=True, slots=True)
class _Joined(ABC):
    """What the three have in common."""

    members: tuple[Condition, ...]

    key: ClassVar[str]

    @abstractmethod
    def outcome(self, outcomes: list[bool | None]) -> bool | None:
        """The outcome, from those of the members."""

    def judge(self, who: Identity, captures: Captures, now: float) -> tuple[bool | None, Why]:
        """See ``Condition``. All members are asked: the explanation depends on no order."""
        judged = [member.judge(who, captures, now) for member in self.members]
        return self.outcome([outcome for outcome, _ in judged]), _join([why for _, why in judged])

    def wanted(self) -> Wanted:
        """See ``Condition``."""
        wanted = Wanted()
        for member in self.members:
            wanted = wanted | member.wanted()
        return wanted

    def normal(self) -> Json:
        """See ``Condition``."""
        return {self.key: [member.normal() for member in self.members]}


class All(_Joined):
    """Every member holds."""

    __slots__ = ()
    key = "all"

    def outcome(self, outcomes: list[bool | None]) -> bool | None:
        """False beats unknown beats true."""
        return False if False in outcomes else None if None in outcomes else True

    def names_somebody(self) -> bool:
        """When one of its members does."""
        return any(member.names_somebody() for member in self.members)


class AnyOf(_Joined):
    """At least one member holds."""

    __slots__ = ()
    key = "any"

    def outcome(self, outcomes: list[bool | None]) -> bool | None:
        """True beats unknown beats false."""
        return True if True in outcomes else None if None in outcomes else False

    def names_somebody(self) -> bool:
        """When each of its members does."""
        return all(member.names_somebody() for member in self.members)


class NoneOf(_Joined):
    """No member holds. With an unknown one, and none that holds, it is unknown itself."""

    __slots__ = ()
    key = "none"

    def outcome(self, outcomes: list[bool | None]) -> bool | None:
        """The contrary of ``any``."""
        return False if True in outcomes else None if None in outcomes else True

    def judge(self, who: Identity, captures: Captures, now: float) -> tuple[bool | None, Why]:
        """See ``Condition``. What fails inside holds outside: ``not groups: contractors``."""
        outcome, why = super().judge(who, captures, now)
        held, failed, unknown = (_negated(labels) for labels in (why.failed, why.held, why.unknown))
        return outcome, why._replace(held=held, failed=failed, unknown=unknown)

    def names_somebody(self) -> bool:
        """Never: it names who is kept out."""
        return False


def ordered(members: Iterable[Condition]) -> tuple[Condition, ...]:
    """Members in an order of their own, so that their order in the file changes nothing, explanations included."""
    return tuple(sorted(members, key=lambda member: as_json(member.normal())))


def _join(parts: list[Why]) -> Why:
    """Several explanations as one."""
    return Why(
        held=tuple(text for part in parts for text in part.held),
        failed=tuple(text for part in parts for text in part.failed),
        unknown=tuple(text for part in parts for text in part.unknown),
        groups=tuple(sorted({group for part in parts for group in part.groups})),
        unknown_groups=any(part.unknown_groups for part in parts),
    )


def _negated(labels: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(label[len(_NOT) :] if label.startswith(_NOT) else _NOT + label for label in labels)
