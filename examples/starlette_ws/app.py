"""A billing console in Starlette, behind idaware, with a page that hears of payments over a WebSocket."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from idaware.asgi import IdentityMiddleware
from idaware.starlette import current_identity, require_groups

INVOICES: dict[int, dict[str, Any]] = {
    1001: {"customer": "Acme", "amount": 1200, "state": "open"},
    1002: {"customer": "Globex", "amount": 830, "state": "open"},
    1003: {"customer": "Initech", "amount": 96, "state": "paid"},
}
LISTENERS: set[WebSocket] = set()

PAGE = Markup("""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Billing</title>
<style>:root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }}
body {{ max-width: 44rem; margin: 2rem auto; padding: 0 1rem }} td {{ padding: .2rem 1rem .2rem 0 }}</style>
<p><a href="/">Invoices</a> <a href="/admin">Admin</a> <a href="/about">About</a> · {who}</p>
<h1>{title}</h1>{main}</html>""")
SIGNED_IN = Markup('{} · <a href="/_idaware/me">me</a> · <a href="/_idaware/logout">sign out</a>')
ROW = Markup("""<tr><td>{number}</td><td>{customer}</td><td>{amount} €</td><td id="i{number}">{state}</td>
<td><form method="post" action="/invoices/{number}/pay"><button>Mark as paid</button></form></td></tr>""")
LIVE = Markup("""<p>Open this page twice: what one marks as paid, the other hears of.</p>
<script>
  const socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/live");
  socket.onmessage = ({ data }) => {
    const { number, state } = JSON.parse(data);
    document.getElementById("i" + number).textContent = state;
  };
</script>""")


def page(request: Request, title: str, main: Markup | str) -> HTMLResponse:
    """A page with whoever is asking in its head."""
    who = Markup('<a href="/_idaware/login">sign in</a>')
    if request.user.is_authenticated:
        who = SIGNED_IN.format(request.user.display_name)
    return HTMLResponse(PAGE.format(title=title, main=main, who=who))


async def change(request: Request, state: str) -> Response:
    """Change an invoice and tell everybody who listens."""
    number = request.path_params["number"]
    if number not in INVOICES:
        raise HTTPException(404, "There is no such invoice.")
    INVOICES[number]["state"] = state
    for listener in [*LISTENERS]:
        await listener.send_json(
            {"number": number, "state": state, "by": current_identity(request).principal}
        )
    return RedirectResponse("/", 303)


async def health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def about(request: Request) -> Response:
    return page(
        request, "About", "The billing console. This page is for everybody; the others ask who you are."
    )


async def dashboard(request: Request) -> Response:
    rows = Markup().join(ROW.format(number=number, **invoice) for number, invoice in INVOICES.items())
    return page(request, "Invoices", Markup("<table>{}</table>{}").format(rows, LIVE))


async def pay(request: Request) -> Response:
    return await change(request, "paid")


@require_groups("sre")
async def void(request: Request) -> Response:
    return await change(request, "void")


async def api(request: Request) -> Response:
    invoices = {str(number): invoice for number, invoice in INVOICES.items()}
    return JSONResponse({"for": current_identity(request).principal, "invoices": invoices})


async def admin(request: Request) -> Response:
    acr = current_identity(request).acr
    return page(request, "Admin", f"{len(LISTENERS)} listening. You are here with a second factor ({acr}).")


async def live(websocket: WebSocket) -> None:
    await websocket.accept()
    LISTENERS.add(websocket)
    try:
        async for _ in websocket.iter_text():
            """Whoever listens has nothing to say."""
    finally:
        LISTENERS.discard(websocket)


app = IdentityMiddleware(
    Starlette(
        routes=[
            Route("/healthz", health),
            Route("/about", about),
            Route("/", dashboard),
            Route("/invoices/{number:int}/pay", pay, methods=["POST"]),
            Route("/invoices/{number:int}/void", void, methods=["POST"]),
            Route("/api/invoices", api),
            Route("/admin", admin),
            WebSocketRoute("/live", live),
        ]
    )
)
