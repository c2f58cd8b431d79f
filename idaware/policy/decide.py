"""What the policy says about an identity, once it is known which rules are asked.

The order is ``docs/reference/policy.md``'s: denies, the rule's own and the shared ones; ``allow``;
``require``. Deny wins, a deny is never a step-up, and what is unknown never lets anybody in.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from idaware.identity import LEEWAY_SECONDS, Identity
from idaware.policy.conditions import Why
from idaware.policy.model import Decision, Match, Require, Rule
from idaware.reasons import Reason

_NOT_A_PERSON: Final = Why(failed=("a person",))


def decide(match: Match, who: Identity, now: float) -> Decision:
    """Decide about one request. ``now``: UTC epoch seconds."""
    rule = match.rule
    if rule is None:  # security rule 4
        return Decision("deny", match.reason or Reason.NO_RULE, None, match.pattern)
    if match.public:
        return Decision("allow", Reason.PUBLIC, rule.id, match.pattern, rule.owner)
    if who.actor_type == "anonymous":  # before the denies: who nobody is, no deny can know
        return _login(match, rule)
    if match.denies:
        refused = _denied(match, rule, who, now)
        if refused is not None:
            return refused
    allow = rule.allow
    assert allow is not None
    if who.actor_type != "human":  # NOT CHECKED further: no condition lets a workload in
        return _refused(match, rule, rule, Reason.NOT_IN_ALLOW, _NOT_A_PERSON)
    outcome, why = allow.judge(who, match.captures, now)
    if outcome is not True:
        reason = Reason.CLAIM_UNKNOWN if outcome is None else Reason.NOT_IN_ALLOW
        return _refused(match, rule, rule, reason, why)
    if match.requires:
        return _required(match, rule, who, now, why)
    held, failed, unknown, groups, _ = why
    return Decision(
        "allow", Reason.ALLOWED_BY_RULE, rule.id, match.pattern, rule.owner, held, failed, unknown, groups
    )


def merge_require(match: Match) -> Require | None:
    """The strictest of everything that is required here: what a first sign-in should already bring.

    ``amr`` of all together; the shortest ``auth_within``; ``acr`` that satisfy all. Where no ``acr`` satisfies all,
    it names those of each, and ``decide`` goes on refusing: every single ``require`` has to be met.
    """
    requires = [require for _, require in match.requires]
    if len(requires) < 2:
        return requires[0] if requires else None
    choices = [frozenset(require.acr) for require in requires if require.acr]
    common = frozenset.intersection(*choices) if choices else frozenset()
    return Require(
        acr=tuple(sorted(common or frozenset().union(*choices))),
        amr=tuple(sorted({method for require in requires for method in require.amr})),
        auth_within=min((r.auth_within for r in requires if r.auth_within is not None), default=None),
    )


def _login(match: Match, rule: Rule) -> Decision:
    return Decision(
        "login", Reason.NO_IDENTITY, rule.id, match.pattern, rule.owner, require=merge_require(match)
    )


def _refused(match: Match, rule: Rule, by: Rule, reason: Reason, why: Why) -> Decision:
    return Decision(
        "deny",
        reason,
        rule.id,
        match.pattern,
        rule.owner,
        *why[:4],
        rule_reason=by.reason,
        unknown_groups=reason is Reason.CLAIM_UNKNOWN and why.unknown_groups,
        refused_by=by.id,
        refused_by_owner=by.owner,
    )


def _denied(match: Match, rule: Rule, who: Identity, now: float) -> Decision | None:
    """The refusal by the first deny that holds; failing that, by the first that is unknown."""
    unknown = None
    for by, deny, captures in match.denies:
        outcome, why = deny.judge(who, captures, now)
        if outcome is False:
            continue
        why = _labelled(why, "" if by is rule else f"{by.id}: ")
        if outcome:
            return _refused(match, rule, by, Reason.DENIED_BY_RULE, why)
        unknown = unknown or _refused(match, rule, by, Reason.CLAIM_UNKNOWN, why)
    return unknown


def _labelled(why: Why, prefix: str) -> Why:
    held, failed, unknown = (tuple(prefix + label for label in labels) for labels in why[:3])
    return why._replace(held=held, failed=failed, unknown=unknown)


def _required(match: Match, rule: Rule, who: Identity, now: float, why: Why) -> Decision:
    outcomes = [
        (label if by is rule else f"{by.id}: {label}", met)
        for by, require in match.requires
        for label, met in _check(require, who, now)
    ]
    held = (*why.held, *(label for label, met in outcomes if met))
    failed = (*why.failed, *(label for label, met in outcomes if not met))
    step_up = any(not met for _, met in outcomes)
    return Decision(
        "step_up" if step_up else "allow",
        Reason.STEP_UP_REQUIRED if step_up else Reason.ALLOWED_BY_RULE,
        rule.id,
        match.pattern,
        rule.owner,
        held,
        failed,
        why.unknown,
        why.groups,
        require=merge_require(match) if step_up else None,
        rule_reason=rule.reason if step_up else None,
    )


def _check(require: Require, who: Identity, now: float) -> Iterator[tuple[str, bool]]:
    """Each requirement, and whether this sign-in meets it. What the provider did not say is not met."""
    if require.acr:
        yield f"acr: {', '.join(require.acr)}", who.acr in require.acr
    if require.amr:
        yield f"amr: {', '.join(require.amr)}", set(require.amr) <= set(who.amr)
    if require.auth_within is not None:
        yield f"auth_within: {require.auth_within}s", _is_fresh(who.auth_time, require.auth_within, now)


def _is_fresh(auth_time: float | None, within: int, now: float) -> bool:
    """Missing and 0 mean that the provider does not know; a time in the future is no evidence either."""
    if not auth_time or auth_time > now + LEEWAY_SECONDS:
        return False
    return now - auth_time <= within
