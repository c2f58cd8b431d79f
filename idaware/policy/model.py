"""What a policy is made of, and what it answers. Values only: how they are read, matched and decided is elsewhere.

A new key of a rule changes ``Rule`` here, ``read_rules`` (reading), ``normal`` (the version) and
``docs/reference/policy.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from idaware.policy.conditions import Condition
from idaware.policy.document import Place
from idaware.policy.patterns import Pattern
from idaware.reasons import Reason

Effect: TypeAlias = Literal["allow", "deny", "login", "step_up"]
Unauthenticated: TypeAlias = Literal["auto", "redirect", "challenge"]
Preflight: TypeAlias = Literal["refuse", "pass"]
Authorization: TypeAlias = Literal["ours", "app"]

NO_CAPTURES: Final[Mapping[str, str]] = MappingProxyType({})
_NONE: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyContext:
    """What a policy has to know about the deployment it is loaded for.

    * ``prefix``: where our own endpoints are; rules may not name them (security rule 4).
    * ``multi_tenant``: anybody can sign in at the issuer, so being signed in means nothing.
    * ``email_verified_required``: an e-mail counts only when the provider says that it is verified.
    * ``hosted_domain_checked``: an e-mail domain counts only with an equal ``hd`` claim (Google).
    * ``require_ids``: ids of rules that must be present.
    * ``now``: UTC epoch seconds, for the dates of reviews.
    """

    now: float
    prefix: str = "/_idaware"
    multi_tenant: bool = False
    email_verified_required: bool = True
    hosted_domain_checked: bool = False
    require_ids: tuple[str, ...] = ()


class Require(msgspec.Struct, frozen=True):
    """What a sign-in has to be like. ``acr``: any of these. ``amr``: all of these. ``auth_within``: seconds."""

    acr: tuple[str, ...] = ()
    amr: tuple[str, ...] = ()
    auth_within: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rule:
    """One rule, whole and checked. Keys and their meaning: ``docs/reference/policy.md``.

    * ``methods``: sorted; empty for every method. ``reason``: shown to whoever is refused.
    * ``allow`` is ``None`` where ``public`` or ``shared``. ``needs``: digests of what the conditions ask for.
    """

    id: str
    patterns: tuple[Pattern, ...]
    place: Place
    methods: tuple[str, ...] = ()
    public: bool = False
    shared: bool = False
    allow: Condition | None = None
    deny: Condition | None = None
    requires: Require | None = None
    needs: frozenset[str] = _NONE
    owner: str | None = None
    reason: str | None = None
    review_by: date | None = None
    unauthenticated: Unauthenticated = "auto"
    preflight: Preflight = "refuse"
    authorization: Authorization = "ours"
    origins: tuple[str, ...] = ()
    allow_in_path: frozenset[str] = _NONE


class Applied(msgspec.Struct, frozen=True):
    """A shared rule that holds for a request, with what its pattern captured."""

    rule: Rule
    captures: Mapping[str, str]


class Deny(NamedTuple):
    """A deny that holds for a request: whose, what it asks, and what the pattern captured."""

    rule: Rule
    condition: Condition
    captures: Mapping[str, str]


class Match(msgspec.Struct, frozen=True):
    """Which rule decides about a host, method and path, and which shared rules hold beside it.

    * ``rule`` is ``None`` where none does; ``reason`` is then ``NO_RULE`` or ``METHOD_NOT_COVERED``.
    * ``beside``: the shared rules with their captures, sorted by id; none for a public rule.
    * ``needs``: digests of everything that the deciding and the shared rules ask for.
    * ``denies`` and ``requires`` (rule and what it requires): the rule's own first, then those of ``beside``.
    """

    rule: Rule | None
    pattern: str | None
    captures: Mapping[str, str] = NO_CAPTURES
    beside: tuple[Applied, ...] = ()
    reason: Reason | None = None
    needs: frozenset[str] = _NONE
    public: bool = False
    denies: tuple[Deny, ...] = ()
    requires: tuple[tuple[Rule, Require], ...] = ()

    @classmethod
    def of(
        cls,
        rule: Rule,
        pattern: str,
        captures: Mapping[str, str],
        beside: tuple[Applied, ...],
        needs: frozenset[str],
    ) -> Match:
        """What a rule that is not public decides, with the shared rules beside it."""
        applied = (Applied(rule, captures), *beside)
        denies = tuple(Deny(a.rule, a.rule.deny, a.captures) for a in applied if a.rule.deny is not None)
        # a shared rule whose patterns match twice requires once
        requires = {a.rule.id: (a.rule, a.rule.requires) for a in applied if a.rule.requires is not None}
        return cls(rule, pattern, captures, beside, None, needs, False, denies, tuple(requires.values()))

    def capturing(self, captures: Mapping[str, str]) -> Match:
        """The same for one request's captured segments; only the deciding rule's own deny has to know them."""
        rule, denies = self.rule, self.denies
        if rule is not None and rule.deny is not None:
            denies = (Deny(rule, rule.deny, captures), *denies[1:])
        return Match(
            rule, self.pattern, captures, self.beside, None, self.needs, False, denies, self.requires
        )


class Decision(msgspec.Struct, frozen=True):
    """What the policy says about one identity and one match, and why.

    * ``rule_id``, ``pattern``, ``rule_owner``: the deciding rule's, on a refusal too.
    * ``held``, ``failed``, ``unknown``: short texts such as ``groups: sre``; those of a shared rule begin
      with its id. They name what the policy asks for and never hold an address or a name of the person.
    * ``groups_matched``: the person's groups that mattered. ``unknown_groups``: that nothing usable was
      said about groups is why this is a refusal.
    * ``require``: the strictest of all that hold here, for a step-up or a first sign-in.
    * ``refused_by``: the id of the rule that refused, the deciding or a shared one; ``rule_reason`` and
      ``refused_by_owner`` are that rule's.
    """

    effect: Effect
    reason: Reason
    rule_id: str | None = None
    pattern: str | None = None
    rule_owner: str | None = None
    held: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    groups_matched: tuple[str, ...] = ()
    require: Require | None = None
    rule_reason: str | None = None
    unknown_groups: bool = False
    refused_by: str | None = None
    refused_by_owner: str | None = None
