"""The company behind the sample tool: its people, invoices and payroll. All made up, all in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Final

from idaware.devidp.people import DEFAULT_PEOPLE, People

_TEAMS: Final = {
    "alice": "team-platform",
    "bob": "team-payments",
    "carol": "team-payments",
    "heidi": "team-platform",
    "judy": "team-payments",
}

PEOPLE: Final = People(
    replace(person, groups=(*(person.groups or ()), _TEAMS[person.sub])) if person.sub in _TEAMS else person
    for person in DEFAULT_PEOPLE
)
"""The development provider's people, some of them in a team."""


@dataclass(frozen=True, slots=True)
class Invoice:
    """One invoice. ``amount``: euros, as written. ``due``: an ISO date."""

    number: str
    customer: str
    amount: str
    due: str
    paid: bool = False


class Ledger:
    """The invoices; one can be paid, and that is all that anybody can change in the demo."""

    def __init__(self, invoices: Sequence[Invoice]) -> None:
        self._invoices = {invoice.number: invoice for invoice in invoices}

    def all(self) -> list[Invoice]:
        """Every invoice, in order."""
        return list(self._invoices.values())

    def pay(self, number: str) -> Invoice | None:
        """Mark an invoice as paid; ``None`` where there is none of this number."""
        invoice = self._invoices.get(number)
        if invoice is not None:
            invoice = self._invoices[number] = replace(invoice, paid=True)
        return invoice


def ledger() -> Ledger:
    """The books as they are when the demo starts."""
    return Ledger(
        [
            Invoice("2041", "Northwind Traders", "1,240.00", "2026-08-04", paid=True),
            Invoice("2042", "Fabrikam Robotics", "18,900.00", "2026-08-11"),
            Invoice("2043", "Contoso Logistics", "760.50", "2026-08-15"),
            Invoice("2044", "Tailspin Toys", "4,310.00", "2026-08-22"),
        ]
    )


PAYROLL: Final = (
    ("Alice Ahlgren", "Platform", "6,480.00"),
    ("Bob Baumann", "Finance", "5,930.00"),
    ("Judy Jones", "Payments", "6,110.00"),
)
"""Name, department, monthly pay in euros."""

_PAYERS: Final = ("Northwind Traders", "Fabrikam Robotics", "Contoso Logistics", "Tailspin Toys")


def payments() -> Iterator[dict[str, str]]:
    """Payments as they come in, for ever."""
    return (
        {
            "from": _PAYERS[number % len(_PAYERS)],
            "amount": f"{120 + 37 * number % 900}.{number * 7 % 100:02d}",
        }
        for number in count()
    )
