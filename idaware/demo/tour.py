"""What to try in the demo, step by step; a step is done when a record says so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to try.

    ``does``: what to do, ``shows``: what it shows. ``path``: where the link leads; ``command``: what to type instead,
    with ``{origin}`` in it. ``seen``: fields of the record that says it was done.
    """

    does: str
    shows: str
    seen: Mapping[str, str]
    path: str | None = None
    command: str | None = None


STEPS: Final = (
    Step(
        "Look at the status page.",
        "Nobody has to sign in there, and still there is a record.",
        {"rule": "status", "decision": "allow"},
        "/status",
    ),
    Step(
        "Open the invoices, and be Alice Ahlgren (sre).",
        "You are sent to sign in and come back to the page that you asked for.",
        {"rule": "read-invoices", "decision": "allow", "subject": "alice"},
        "/invoices",
    ),
    Step(
        "Mark an invoice as paid.",
        "Changing is another rule than reading. Later try it as Bob, who may only read.",
        {"rule": "change-invoices", "decision": "allow"},
        "/invoices",
    ),
    Step(
        "Open the payroll.",
        "One factor is not enough here: you are asked for a second one, not turned away.",
        {"rule": "payroll", "decision": "allow"},
        "/payroll",
    ),
    Step(
        "Open the forgotten page.",
        "The code still has /debug. No rule names it, so not even Alice gets there.",
        {"decision": "deny", "reason": "no_rule"},
        "/debug",
    ),
    Step(
        "Be Carol Costa (a contractor), and open the administration.",
        "Everybody who is signed in may go there, but a shared rule denies contractors. Deny wins.",
        {"rule": "admin", "decision": "deny", "subject": "carol"},
        "/admin",
    ),
    Step(
        "As Carol, open the pages of a team that is not hers.",
        "One rule for all teams: the name in the path has to be in her groups.",
        {"rule": "team-pages", "decision": "deny", "subject": "carol"},
        "/teams/platform",
    ),
    Step(
        "Be Erin Eriksen, whose sign-in says nothing about groups, and open the administration.",
        "Unknown is not no: whoever might be a contractor stays out, and is told why.",
        {"rule": "admin", "decision": "deny", "reason": "claim_unknown"},
        "/admin",
    ),
    Step(
        "Ask as a program does.",
        "No redirect to a page for people: 401, and a problem in JSON that says where to sign in.",
        {"rule": "read-api", "decision": "login"},
        command="curl -i {origin}/api/invoices",
    ),
    Step(
        "Try to be clever about the path.",
        "What can be read in two ways is not read at all.",
        {"decision": "deny", "reason": "path_ambiguous"},
        command="curl -i --path-as-is {origin}/status/../admin",
    ),
    Step(
        "Let a sign-in go wrong.",
        "Sign in as somebody else; on the provider's page choose wrong_signature under “Let this sign-in go wrong”.",
        {"kind": "login_failed"},
        "/_idaware/login?switch=1",
    ),
    Step("Sign out.", "Here and at the provider.", {"kind": "logout"}, "/_idaware/logout"),
)

_TOUR: Final = Markup('<ol class="tour">\n{}</ol>')
_STEP: Final = Markup(
    '<li data-step="{seen}"><p><span class="seen-only-by-readers"></span>{does}</p>'
    '<p class="muted">{shows}</p>{how}</li>\n'
)


def tour(origin: str) -> Markup:
    """The steps as a list; ``origin`` is the tool's own."""
    return _TOUR.format(Markup("").join(_step(step, origin) for step in STEPS))


def _step(step: Step, origin: str) -> Markup:
    does: Markup | str = step.does
    if step.path is not None:
        does = Markup('<a href="{}">{}</a>').format(step.path, step.does)
    how = Markup("<pre>{}</pre>").format(step.command.format(origin=origin)) if step.command else ""
    return _STEP.format(seen=json.dumps(dict(step.seen)), does=does, shows=step.shows, how=how)


def as_text(origin: str) -> list[str]:
    """The steps for the terminal, numbered."""
    lines = []
    for number, step in enumerate(STEPS, 1):
        where = step.command.format(origin=origin) if step.command else step.path
        lines.append(f"{number:3}. {step.does}  {where}")
    return lines
