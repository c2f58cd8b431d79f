"""One line a record, for the terminal: time, who, request, decision, rule, reason.

Everything in a record may be a stranger's text; what could move the cursor or turn the line round is spelled out
(security rule 29).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from idaware.demo.feed import AuditRecord
from idaware.pages.parts import shown

_COLUMNS: Final = (("time", 8), ("who", 9), ("request", 26), ("decision", 9), ("rule", 16), ("reason", 0))
_COLOURS: Final = {
    "allow": "32",
    "deny": "1;31",
    "login": "36",
    "step_up": "33",
    "error": "1;35",
    "bypass": "36",
}
_DIM: Final = "2"
_EVENT_COLOUR: Final = "2;36"


def heading() -> str:
    """The names of the columns."""
    return _row([name for name, _ in _COLUMNS])


def line(record: AuditRecord, *, colour: bool) -> str:
    """One record. Events beside decisions (a login, a logout) show their kind where the decision would be."""
    decision = record.get("decision")
    cells = [
        _time(record),
        _who(record),
        _request(record),
        _text(decision or f"· {record.get('kind')}"),
        _text(record.get("rule")),
        _reason(record),
    ]
    if not colour:
        return _row(cells)
    if decision is None:
        return f"\x1b[{_EVENT_COLOUR}m{_row(cells)}\x1b[0m"
    if record.get("reason") == "own_endpoint":
        return f"\x1b[{_DIM}m{_row(cells)}\x1b[0m"
    return _row(cells, tint=_COLOURS.get(str(decision)))


def _row(cells: list[str], *, tint: str | None = None) -> str:
    padded = [cell.ljust(width) for cell, (_, width) in zip(cells, _COLUMNS, strict=True)]
    if tint is not None:
        padded[3] = f"\x1b[{tint}m{padded[3]}\x1b[0m"
    return "  ".join(padded).rstrip()


def _time(record: AuditRecord) -> str:
    """The time of day where the terminal is."""
    return datetime.fromisoformat(str(record.get("time"))).astimezone().strftime("%H:%M:%S")


def _who(record: AuditRecord) -> str:
    if record.get("actor_type") == "anonymous":
        return "nobody"
    return _text(record.get("subject"))


def _request(record: AuditRecord) -> str:
    method, path = record.get("method"), record.get("path")
    return _text(f"{method} {path}") if method else "-"


def _reason(record: AuditRecord) -> str:
    """The reason, and the conditions that tipped it: those that held for an allow, else those that did not."""
    why = record.get("why") or {}
    outcomes = ("held",) if record.get("decision") == "allow" else ("failed", "unknown", "held")
    tipped = next((why[outcome] for outcome in outcomes if why.get(outcome)), ())
    reason = _text(record.get("reason"))
    return f"{reason} ({_text(', '.join(tipped))})" if tipped else reason


def _text(value: object) -> str:
    return "-" if value is None else shown(str(value), limit=120)
