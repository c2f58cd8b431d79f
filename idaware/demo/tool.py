"""The sample tool: a billing console in Starlette. It has no sign-in code and asks nobody who they are.

All it knows of identities is ``request.scope["idaware"]``, which the middleware in front of it fills in.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from idaware.demo import company, pages
from idaware.demo.feed import Feed
from idaware.demo.frame import View
from idaware.demo.stream import response, stream
from idaware.identity import ANONYMOUS
from idaware.pages import Page
from idaware.policy.policy import Policy

PAYMENT_SECONDS: Final = 2.0
"""So often a payment comes in."""

OWN_RULES: Final = frozenset({"live-records"})
"""The rule that the live view's own requests are decided by."""


class Tool:
    """The console. ``origin``: its own address; ``provider``: the provider's. ``text``: of the policy.

    ``clock``: UTC epoch seconds. ``prefix``: of the gate's endpoints.
    """

    def __init__(
        self,
        *,
        policy: Policy,
        text: str,
        feed: Feed,
        origin: str,
        provider: str,
        prefix: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._policy = policy
        self._text = text
        self._feed = feed
        self._origin = origin
        self._provider = provider
        self._prefix = prefix
        self._clock = clock
        self._ledger = company.ledger()
        self.app: Starlette = Starlette(
            routes=[
                Route("/", self._shown(pages.start)),
                Route("/policy", self._shown(lambda view: pages.policy(view, self._text))),
                Route("/request-access", self._shown(pages.request_access)),
                Route("/status", self._shown(pages.status)),
                Route("/records", self._records),
                Route("/records/stream", self._stream),
                Route("/invoices", self._shown(lambda view: pages.invoices(view, self._ledger.all()))),
                Route("/invoices/{number}", self._pay, methods=["POST"]),
                Route("/api/invoices", self._api),
                Route("/payroll", self._shown(pages.payroll)),
                Route("/admin", self._shown(pages.admin)),
                Route("/teams/{team}", self._team),
                Route("/debug", self._shown(pages.debug)),
                WebSocketRoute("/live/payments", live_payments),
            ],
            exception_handlers={404: self._not_found},
        )

    def _view(self, request: Request) -> View:
        return View(
            who=request.scope.get("idaware", ANONYMOUS),
            path=request.url.path,
            now=self._clock(),
            origin=self._origin,
            prefix=self._prefix,
            provider=self._provider,
            policy=self._policy,
        )

    def _shown(self, make: Callable[[View], Page]) -> Callable[[Request], Awaitable[Response]]:
        async def show(request: Request) -> Response:
            return response(make(self._view(request)))

        return show

    async def _pay(self, request: Request) -> Response:
        if self._ledger.pay(request.path_params["number"]) is None:
            return response(pages.not_found(self._view(request)))
        return RedirectResponse("/invoices", status_code=303)

    async def _team(self, request: Request) -> Response:
        return response(pages.team(self._view(request), request.path_params["team"]))

    async def _api(self, request: Request) -> Response:
        return JSONResponse([asdict(invoice) for invoice in self._ledger.all()])

    async def _records(self, request: Request) -> Response:
        return response(pages.records(self._origin))

    async def _stream(self, request: Request) -> Response:
        return stream(self._feed, request)

    async def _not_found(self, request: Request, exc: Exception) -> Response:
        return response(pages.not_found(self._view(request)))


async def live_payments(socket: WebSocket) -> None:
    """Payments as they come in, until the browser has heard enough."""
    payments = company.payments()
    await socket.accept()
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await socket.send_json(next(payments))
            await asyncio.sleep(PAYMENT_SECONDS)
