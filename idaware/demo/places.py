"""Where one can go in the sample tool, and what the policy would say: the tool asks the same policy as the gate.

A look ahead, for the page only. What decides is the gate, when the request comes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from idaware.identity import Identity
from idaware.policy.model import Decision
from idaware.policy.policy import Policy

Verdict: TypeAlias = Literal["public", "open", "sign_in", "step_up", "refused"]


@dataclass(frozen=True, slots=True)
class Place:
    """A page of the tool, or something else that it answers. ``link``: whether one can go there by a link."""

    name: str
    method: str
    path: str
    link: bool = True


PLACES: Final = (
    Place("Start", "GET", "/"),
    Place("Status", "GET", "/status"),
    Place("Invoices", "GET", "/invoices"),
    Place("Mark as paid", "POST", "/invoices/2042", link=False),
    Place("Live payments", "WEBSOCKET", "/live/payments", link=False),
    Place("Invoices as JSON", "GET", "/api/invoices"),
    Place("Payroll", "GET", "/payroll"),
    Place("Administration", "GET", "/admin"),
    Place("Team Payments", "GET", "/teams/payments"),
    Place("Team Platform", "GET", "/teams/platform"),
    Place("A forgotten page", "GET", "/debug"),
)
"""Everything that the tool lists beside each page, with what the policy says about it."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a person would get at a place, and by which rule; ``rule`` is ``None`` where none covers it.

    ``refused_by``: the shared rule that denies, where it is not the deciding one. ``because``: the conditions that
    tipped it.
    """

    verdict: Verdict
    rule: str | None
    refused_by: str | None
    reason: str
    because: tuple[str, ...]


def outlook(policy: Policy, who: Identity, method: str, path: str, now: float) -> Outlook:
    """What ``policy`` says to ``who`` at this method and path. ``now``: UTC epoch seconds."""
    match = policy.find("", method, path)
    decision = policy.decide(match, who, now)
    by = decision.refused_by
    return Outlook(
        verdict=_verdict(decision, public=match.public),
        rule=decision.rule_id,
        refused_by=by if by != decision.rule_id else None,
        reason=decision.reason.value,
        because=_because(decision),
    )


def _verdict(decision: Decision, *, public: bool) -> Verdict:
    if public:
        return "public"
    verdicts: dict[str, Verdict] = {
        "allow": "open",
        "login": "sign_in",
        "step_up": "step_up",
        "deny": "refused",
    }
    return verdicts[decision.effect]


def _because(decision: Decision) -> tuple[str, ...]:
    if decision.effect == "allow":
        return decision.held
    return decision.failed or decision.unknown or decision.held
