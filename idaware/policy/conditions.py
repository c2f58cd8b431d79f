"""What ``allow`` and ``deny`` ask, as small objects that answer ``True``, ``False`` or ``None``: unknown.

Absent is not empty: what the sign-in did not bring is unknown. Unknown never allows, fails inside ``none``
and holds in a ``deny``; the logic is Kleene's, so that no nesting turns a gap into a "yes".

``judge`` answers and tells why, leaf by leaf, for records and pages. How conditions are written is in
``read_conditions``, conditions about time are in ``times``. A new key is a class here and a reader there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, TypeAlias

import msgspec

from idaware.identity import LOGIN_ALIAS, Identity, Json, Wanted
from idaware.policy.mail import canonical_domain, domain_of, fold_address

Captures: TypeAlias = Mapping[str, str]
ClaimValue: TypeAlias = "str | int"
"""What a claim may be compared with: text, a whole number, ``true`` or ``false``."""

_NOTHING: Final = Wanted()
_SHOWN_NAMES: Final = 8


class Why(NamedTuple):
    """The conditions that held, failed and were unknown, as short texts.

    ``groups``: those of the person's groups that were found. ``unknown_groups``: groups were asked for and unknown.
    """

    held: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    unknown_groups: bool = False


class Condition(Protocol):
    """One condition, or several joined."""

    def judge(self, who: Identity, captures: Captures, now: float) -> tuple[bool | None, Why]:
        """Whether it holds for ``who``, and why; ``None`` when the sign-in did not bring what it asks for."""

    def wanted(self) -> Wanted:
        """What has to be known about a person for it."""

    def names_somebody(self) -> bool:
        """Whether it asks for more than that somebody is signed in."""

    def normal(self) -> Json:
        """What it means, in one form whatever the order in the file."""


class Leaf(ABC):
    """A condition about one thing. ``label`` says it in a record; it never holds an address of a person.

    A leaf says in ``test`` whether it holds. ``Groups``, on the hot path, does without and answers ``judge``.
    """

    __slots__ = ()
    label: str

    @abstractmethod
    def test(self, who: Identity, captures: Captures, now: float) -> bool | None:
        """Whether it holds; ``None`` is unknown."""

    def judge(self, who: Identity, captures: Captures, now: float) -> tuple[bool | None, Why]:
        """See ``Condition``."""
        outcome = self.test(who, captures, now)
        if outcome is None:
            return None, Why(unknown=(self.label,))
        return outcome, Why(held=(self.label,)) if outcome else Why(failed=(self.label,))

    def wanted(self) -> Wanted:
        """Nothing beyond what every session holds."""
        return _NOTHING

    def names_somebody(self) -> bool:
        """Most leaves do."""
        return True


@dataclass(frozen=True, slots=True)
class SignedIn(Leaf):
    """A person authenticated by the login provider; never a workload."""

    label: str = "signed_in"

    def test(self, who: Identity, captures: Captures, now: float) -> bool | None:
        """See ``Leaf``."""
        return who.actor_type == "human" and who.alias == LOGIN_ALIAS

    def names_somebody(self) -> bool:
        """It does not."""
        return False

    def normal(self) -> Json:
        """See ``Condition``."""
        return "signed_in"


@dataclass(frozen=True, slots=True)
class Template:
    """A group value with a captured segment inside: ``team-{team}``. The segment is inserted as it is."""

    prefix: str
    name: str
    suffix: str

    def value(self, captures: Captures) -> str:
        """The raw group value for one request."""
        return self.prefix + captures[self.name] + self.suffix

    def __str__(self) -> str:
        return f"{self.prefix}{{{self.name}}}{self.suffix}"


@dataclass(frozen=True, slots=True)
class Groups:
    """Any of these groups. ``written``: raw token value -> its name in the policy (an alias, or itself).

    The rest is made beforehand, since this is the hot path: ``values``, ``label``, and the explanations for somebody
    who is in one of them alone, in none, or whose groups are unknown.
    """

    written: Mapping[str, str]
    templates: tuple[Template, ...]
    values: frozenset[str]
    label: str
    alone: Mapping[str, Why]
    outside: Why
    unknown: Why

    @classmethod
    def of(cls, written: Mapping[str, str], templates: Iterable[Template] = ()) -> Groups:
        """The condition, compiled."""
        templates = tuple(sorted(templates, key=str))
        label = f"groups: {names({*written.values(), *map(str, templates)})}"
        alone = {raw: Why(held=(f"groups: {name}",), groups=(raw,)) for raw, name in written.items()}
        outside, unknown = Why(failed=(label,)), Why(unknown=(label,), unknown_groups=True)
        return cls(dict(written), templates, frozenset(written), label, alone, outside, unknown)

    def judge(self, who: Identity, captures: Captures, now: float) -> tuple[bool | None, Why]:
        """See ``Condition``."""
        if who.actor_type != "human":
            return False, self.outside
        groups = who.groups
        if groups is None:
            return None, self.unknown
        found = self.values & groups
        if self.templates:
            found = found.union(self._filled(groups, captures))
        if len(found) == 1:
            [group] = found
            return True, self.alone.get(group) or Why((f"groups: {group}",), (), (), (group,))
        if found:
            shown = {self.written.get(group, group) for group in found}
            return True, Why(held=(f"groups: {names(shown)}",), groups=tuple(sorted(found)))
        if self._kept(who.kept, captures):
            return False, self.outside
        return None, self.unknown

    def names_somebody(self) -> bool:
        """See ``Condition``."""
        return True

    def _kept(self, kept: Wanted, captures: Captures) -> bool:
        """Whether these groups would be there if the person were in them: a session that was cut for an older
        policy holds fewer, and what it was not asked to keep is unknown.
        """
        if not self.values <= kept.groups and not all(map(kept.keeps_group, self.values)):
            return False
        return all(kept.keeps_group(template.value(captures)) for template in self.templates)

    def _filled(self, groups: frozenset[str], captures: Captures) -> Iterable[str]:
        """The groups that templates name for this request, and that the person is in."""
        return [value for template in self.templates if (value := template.value(captures)) in groups]

    def wanted(self) -> Wanted:
        """See ``Condition``."""
        return Wanted(
            groups=self.values,
            group_affixes=frozenset((template.prefix, template.suffix) for template in self.templates),
        )

    def normal(self) -> Json:
        """See ``Condition``."""
        pairs: list[Json] = [[raw, name] for raw, name in sorted(self.written.items())]
        return {"groups": pairs, "templates": [str(template) for template in self.templates]}


@dataclass(frozen=True, slots=True)
class Users(Leaf):
    """Any of these people: ``values`` are principals, ``alias/sub``."""

    values: frozenset[str]
    label: str

    def test(self, who: Identity, captures: Captures, now: float) -> bool | None:
        """See ``Leaf``."""
        return who.actor_type == "human" and who.principal in self.values

    def normal(self) -> Json:
        """See ``Condition``."""
        return {"users": list[Json](sorted(self.values))}


@dataclass(frozen=True, slots=True)
class Emails(Leaf):
    """Any of these addresses (folded). ``verified``: only when the provider says that it is verified."""

    values: frozenset[str]
    verified: bool
    label: str

    def test(self, who: Identity, captures: Captures, now: float) -> bool | None:
        """See ``Leaf``."""
        if who.actor_type != "human":
            return False
        if who.email is None or who.email.count("@") != 1:
            return None
        if self.verified and not who.email_verified:
            return False
        return fold_address(who.email) in self.values

    def normal(self) -> Json:
        """See ``Condition``."""
        return {"emails": list[Json](sorted(self.values))}


@dataclass(frozen=True, slots=True)
class EmailDomains(Leaf):
    """An address in any of these domains (ASCII form). ``hosted``: only with an equal ``hd`` claim (Google)."""

    values: frozenset[str]
    verified: bool
    hosted: bool
    label: str

    def test(self, who: Identity, captures: Captures, now: float) -> bool | None:
        """See ``Leaf``."""
        if who.actor_type != "human":
            return False
        domain = domain_of(who.email) if who.email is not None else None
        if domain is None:
            return None
        if self.verified and not who.email_verified:
            return False
        if self.hosted and canonical_domain(who.hosted_domain or "") != domain:
            return False
        return domain in self.values

    def normal(self) -> Json:
        """See ``Condition``."""
        return {"email_domains": list[Json](sorted(self.values))}


@dataclass(frozen=True, slots=True)
class Claim(Leaf):
    """A claim equals one of some values, or is a list that contains one. Types are strict: ``"1"`` is not ``1``."""

    path: str
    values: frozenset[tuple[type, ClaimValue]]
    types: frozenset[type]
    label: str

    @classmethod
    def of(cls, path: str, values: Iterable[ClaimValue]) -> Claim:
        """The condition, compiled."""
        typed = frozenset((type(value), value) for value in values)
        shown = names(value if isinstance(value, str) else as_json(value) for _, value in typed)
        return cls(path, typed, frozenset(kind for kind, _ in typed), f"claims: {path} = {shown}")

    def test(self, who: Identity, captures: Captures, now: float) -> bool | None:
        """See ``Leaf``. A value of another type than asked for is unknown, not different."""
        if who.actor_type != "human":
            return False
        claim = who.claims.get(self.path)
        found = claim if isinstance(claim, list) else [claim]
        if any(isinstance(value, (str, int)) and (type(value), value) in self.values for value in found):
            return True
        return False if all(type(value) in self.types for value in found) else None

    def wanted(self) -> Wanted:
        """See ``Condition``."""
        return Wanted(claims=frozenset({self.path}))

    def normal(self) -> Json:
        """See ``Condition``."""
        return {"claim": self.path, "values": sorted((value for _, value in self.values), key=as_json)}


def names(words: Iterable[str]) -> str:
    """A few words, sorted; the first eight of many."""
    words = sorted(words)
    more = f", … ({len(words) - _SHOWN_NAMES} more)" if len(words) > _SHOWN_NAMES else ""
    return ", ".join(words[:_SHOWN_NAMES]) + more


def as_json(value: Json) -> str:
    return msgspec.json.encode(value, order="sorted").decode()
