"""A billing console in FastAPI, behind idaware: a page and an API for two groups, changes for some, an admin page."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from idaware.asgi import IdentityMiddleware
from idaware.fastapi import CurrentIdentity, require_groups
from idaware.identity import Identity

app = FastAPI(title="Billing console")

INVOICES: dict[int, dict[str, Any]] = {
    1001: {"customer": "Acme", "amount": 1200, "state": "open"},
    1002: {"customer": "Globex", "amount": 830, "state": "open"},
    1003: {"customer": "Initech", "amount": 96, "state": "paid"},
}

PAGE = Markup("""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Billing</title>
<style>:root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }}
body {{ max-width: 44rem; margin: 2rem auto; padding: 0 1rem }} td {{ padding: .2rem 1rem .2rem 0 }}</style>
<p><a href="/">Invoices</a> <a href="/admin">Admin</a> <a href="/docs">API</a> <a href="/about">About</a> · {who}</p>
<h1>{title}</h1>{main}</html>""")
SIGNED_IN = Markup('{} · <a href="/_idaware/me">me</a> · <a href="/_idaware/logout">sign out</a>')
ROW = Markup('<tr><td><a href="/invoices/{}">{}</a></td><td>{}</td><td>{} €</td><td>{}</td></tr>')


def page(identity: Identity, title: str, main: Markup | str) -> HTMLResponse:
    """A page with whoever is asking in its head."""
    who = Markup('<a href="/_idaware/login">sign in</a>')
    if identity.is_authenticated:
        who = SIGNED_IN.format(identity.name or identity.user)
    return HTMLResponse(PAGE.format(title=title, main=main, who=who))


def known(number: int) -> dict[str, Any]:
    """A dependency: the invoice with the number in the path."""
    if number not in INVOICES:
        raise HTTPException(404, "There is no such invoice.")
    return INVOICES[number]


Invoice = Annotated[dict[str, Any], Depends(known)]


@app.get("/healthz")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/about", response_class=HTMLResponse)
def about(identity: CurrentIdentity) -> HTMLResponse:
    return page(
        identity, "About", "The billing console. This page is for everybody; the others ask who you are."
    )


@app.get("/", response_class=HTMLResponse)
def dashboard(identity: CurrentIdentity) -> HTMLResponse:
    rows = Markup().join(
        ROW.format(n, n, i["customer"], i["amount"], i["state"]) for n, i in INVOICES.items()
    )
    return page(identity, "Invoices", Markup("<table>{}</table>").format(rows))


@app.get("/invoices/{number}")
def invoice(invoice: Invoice) -> dict[str, Any]:
    return invoice


@app.post("/invoices/{number}/pay")
def pay(invoice: Invoice, identity: CurrentIdentity) -> dict[str, Any]:
    invoice |= {"state": "paid", "by": identity.principal}
    return invoice


@app.post("/invoices/{number}/void", dependencies=[Depends(require_groups("sre"))])
def void(invoice: Invoice) -> dict[str, Any]:
    invoice["state"] = "void"
    return invoice


@app.get("/api/invoices")
def api(identity: CurrentIdentity) -> dict[str, Any]:
    return {"for": identity.principal, "invoices": INVOICES}


@app.get("/admin", response_class=HTMLResponse)
def admin(identity: CurrentIdentity) -> HTMLResponse:
    amount = sum(invoice["amount"] for invoice in INVOICES.values() if invoice["state"] == "open")
    return page(identity, "Admin", f"Open: {amount} €. You are here with a second factor ({identity.acr}).")


app.add_middleware(IdentityMiddleware)  # last, so that it stands outside of all others
