"""The pages of the sample tool, one function each. Data in, ``Page`` out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from markupsafe import Markup

from idaware.demo.company import PAYROLL, Invoice
from idaware.demo.frame import BRAND, View, document, live_view, page
from idaware.demo.tour import tour
from idaware.pages import Page, card
from idaware.pages.parts import code, facts, lead, notice, paragraph, shown, value


def start(view: View) -> Page:
    """What this is, and what to try."""
    line = Markup("<pre>app = IdentityMiddleware(app)</pre>")
    body = (
        lead(
            "A tool of a company that does not exist. One line and a policy stand before it; it has no sign-in code."
        )
        + line
        + paragraph(
            Markup(
                'The list beside says what the <a href="/policy">policy</a> has for you, and by which rule. What will '
                "be refused is linked all the same. Each step leaves its record below. You sign in at a "
                '<a href="{}/">provider of its own</a>, where much can be made to go wrong.'
            ).format(view.provider)
        )
        + Markup('<h2>What to try</h2><p class="muted progress">Steps that you have seen get a tick.</p>')
        + tour(view.origin)
    )
    return page(view, "Try to get in", body, eyebrow="idaware demo", icon="lock", tone="ask")


def status(view: View) -> Page:
    """Public."""
    body = lead("All systems work.") + facts([("Invoicing", value("up")), ("Payments", value("up"))])
    return page(view, "Status", body, eyebrow="For everybody", icon="check", tone="good")


_LEDGER: Final = Markup(
    '<table class="stack ledger" role="table"><thead role="rowgroup"><tr role="row">{}</tr></thead>'
    '<tbody role="rowgroup">\n{}</tbody></table>'
)
_COLUMN: Final = Markup('<th role="columnheader" scope="col">{}</th>')
_CELL: Final = Markup('<td role="cell" data-label="{}">{}</td>')
_ROW: Final = Markup('<tr role="row">{}</tr>\n')
_PAY: Final = Markup(
    '<form method="post" action="/invoices/{0}"><button class="quiet" aria-label="Mark {0} as paid">'
    "Mark as paid</button></form>"
)
_PAID: Final = Markup('<span class="verdict good">Paid</span>')
_AMOUNT: Final = Markup('<span class="amount">{} €</span>')


def table(columns: Sequence[str], rows: Sequence[Sequence[Markup | str]]) -> Markup:
    """A table that becomes blocks in a narrow window."""
    head = Markup("").join(map(_COLUMN.format, columns))
    lines = (
        _ROW.format(
            Markup("").join(_CELL.format(name, cell) for name, cell in zip(columns, row, strict=True))
        )
        for row in rows
    )
    return _LEDGER.format(head, Markup("").join(lines))


def _invoice(invoice: Invoice) -> list[Markup | str]:
    last = _PAID if invoice.paid else _PAY.format(invoice.number)
    return [code(invoice.number), value(invoice.customer), invoice.due, _AMOUNT.format(invoice.amount), last]


def invoices(view: View, books: Sequence[Invoice]) -> Page:
    """Reading is for two groups, the buttons for one, the socket for the other."""
    body = (
        table(["Invoice", "Customer", "Due", "Amount", "State"], [_invoice(invoice) for invoice in books])
        + paragraph(
            Markup(
                "The buttons are there for everybody who reads this page; the rule {} decides who may press them. "
                "There is no token in the form: the gate refuses what another site sends."
            ).format(code("change-invoices"))
        )
        + Markup(
            '<h2>Payments as they come in</h2><p class="muted socket-state">Connecting …</p>'
            '<ul class="socket" data-socket="/live/payments"></ul>'
        )
    )
    return page(view, "Invoices", body, eyebrow="For sre and finance", icon="lock", tone="ask")


def payroll(view: View) -> Page:
    """Behind a second factor."""
    rows = [[value(name), value(where), _AMOUNT.format(pay)] for name, where, pay in PAYROLL]
    body = (
        table(["Name", "Department", "Pay a month"], rows)
        + Markup("<h2>How you got here</h2>")
        + facts([("acr", code(view.who.acr or "–")), ("amr", code(", ".join(view.who.amr) or "–"))])
    )
    return page(view, "Payroll", body, eyebrow="With a second factor", icon="lock", tone="ask")


def admin(view: View) -> Page:
    """For whoever is signed in, less whom the shared rule denies."""
    body = lead(
        "Everybody who is signed in may come here, but contractors, and whoever might be one."
    ) + facts([("Currency", value("EUR")), ("Reminder after", value("14 days"))])
    return page(view, "Administration", body, eyebrow="Signed in, not a contractor", icon="lock", tone="ask")


def team(view: View, name: str) -> Page:
    """For the members of one team."""
    body = lead("One rule for every team: the name in the path stands in the name of the group.") + facts(
        [("Path", code(view.path)), ("Group", code(f"team-{name}"))]
    )
    return page(view, f"Team {shown(name, 40)}", body, eyebrow="For a team", icon="person", tone="ask")


def debug(view: View) -> Page:
    """What somebody forgot in the code. No rule names it, so nobody ever sees it."""
    body = lead("If you can read this, the policy has a hole.")
    return page(view, "Debug", body, eyebrow="Forgotten", icon="alert", tone="bad")


def request_access(view: View) -> Page:
    """Where the button on a refusal leads."""
    body = lead("In your company this would be the form that asks for access.") + paragraph(
        Markup("The address is a setting, {}. <a href='/'>Back to the tour</a>").format(
            code("IDAWARE_REQUEST_ACCESS_URL")
        )
    )
    return page(view, "Request access", body, eyebrow="Not part of the demo", icon="person")


def not_found(view: View) -> Page:
    """The tool's own 404: the policy let you in, and there is nothing."""
    body = lead("The policy let you in, but there is nothing here.")
    return page(view, "Not found", body, eyebrow="404", icon="alert", status=404)


_RULE_STARTS: Final = re.compile(r"^  - id: ([a-z0-9-]+)$", re.MULTILINE)
_BLOCK: Final = Markup('<pre id="{}" tabindex="0">{}</pre>\n')


def policy_blocks(text: str) -> list[tuple[str, str]]:
    """The policy's text in pieces: an id for a page, and the piece; comments go with the rule below them."""
    starts = [
        (_with_comments(text, found.start()), f"rule-{found[1]}") for found in _RULE_STARTS.finditer(text)
    ]
    edges = [(0, "rules"), *starts, (len(text), "")]
    return [
        (name, text[begin:end].strip("\n"))
        for (begin, name), (end, _) in pairwise(edges)
        if text[begin:end].strip()
    ]


def _with_comments(text: str, start: int) -> int:
    """Where the comment lines directly above ``start`` begin."""
    while True:
        above = text.rfind("\n", 0, start - 1) + 1
        if not text[above:start].startswith("  #"):
            return start
        start = above


def policy(view: View, text: str) -> Page:
    """The policy, a block a rule."""
    blocks = Markup("").join(_BLOCK.format(name, block) for name, block in policy_blocks(text))
    body = (
        lead("The whole policy. The order of its rules means nothing; the most specific pattern decides.")
        + facts([("Version", code(view.policy.version))])
        + Markup('<div class="rules">{}</div>').format(blocks)
    )
    return page(view, "The policy", body, eyebrow="policy.yaml", icon="lock")


_FILTERS: Final = Markup(
    '<form class="filters" action="">'
    '<div><label for="text">Person, request, rule or reason</label><input id="text" name="text" type="search"></div>'
    '<div class="narrow"><label for="decision">Decision</label><select id="decision" name="decision">'
    '<option value="">every record</option><option>allow</option><option>deny</option><option>login</option>'
    "<option>step_up</option><option>error</option><option value='event'>events</option></select></div>"
    '<label class="tick"><input type="checkbox" name="own" checked> sign-in traffic</label>'
    '<label class="tick"><input type="checkbox" name="pause"> pause</label></form>'
)


def records(origin: str, *, stream: str = "/records/stream", public: bool = True, brand: str = BRAND) -> Page:
    """The live view on a page of its own. ``public``: it is behind the gate, on a rule that is."""
    why = paragraph(
        "Each request leaves one record, whatever becomes of it. This is what your auditors get, as it happens."
    )
    if public:
        why += notice(
            "Who may see this?",
            paragraph(
                Markup(
                    "Everybody, in this demo: you are all of them. The page and its stream passed the gate on "
                    "the rule {}; in a tool of yours that rule would name the auditors."
                ).format(code("live-records"))
            ),
        )
    body = card("Audit records, live", why + _FILTERS, eyebrow="Every decision", icon="clock", tone="ask")
    return document(
        "Audit records", body + live_view(whole_page=True, stream=stream), origin=origin, brand=brand
    )
