"""The ASGI adapter: scope to ``Request``, outcome to ``send``. Nothing is decided here.

An ``if`` in this file is about ASGI, never about identity, policy or paths.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias, Unpack

from msgspec import Struct

from idaware.asgi_scope import Dispatch, RoutedScope, inner_scope
from idaware.assembly import Runtime, application_named, build_runtime
from idaware.errors import ClientError, ConfigurationError, IdawareError
from idaware.http.answer_headers import BYTES, with_ours
from idaware.http.methods import WEBSOCKET
from idaware.http.mounts import split_asgi
from idaware.io.drivers import run_async
from idaware.outermost import outside_the_gate
from idaware.reasons import Reason
from idaware.request import Allow, Pending, Request, Respond

if TYPE_CHECKING:
    from idaware.settings import SettingsOverrides

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

logger = logging.getLogger("idaware")


class IdentityMiddleware:
    """Let only those requests reach ``app`` that the policy allows; sign people in; record every decision.

    ``app`` is any ASGI application. Everything else comes from ``IDAWARE_*`` variables; each has a keyword argument
    of the same name in lower case that beats it. A configuration error does not raise here: it is answered to
    ``lifespan.startup`` and closes every request with 500, because some servers swallow exceptions at import.
    """

    def __init__(self, app: ASGIApp, **overrides: Unpack[SettingsOverrides]) -> None:
        self.app = app
        self._runtime: Runtime | None = None
        self._error: ConfigurationError | None = None
        try:
            self._runtime = build_runtime(app, overrides)
        except ConfigurationError as exc:
            self._error = exc
            logger.error("idaware does not start:\n%s", exc)

    @classmethod
    def around(cls, app: ASGIApp, runtime: Runtime) -> IdentityMiddleware:
        """The middleware with a runtime that was assembled elsewhere: for the demo and for tests."""
        middleware = cls.__new__(cls)
        middleware.app, middleware._runtime, middleware._error = app, runtime, None
        return middleware

    @property
    def runtime(self) -> Runtime:
        """What was assembled; raises the ``ConfigurationError`` that prevented it."""
        if self._runtime is None:
            raise self._error or ConfigurationError([])
        return self._runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, WebSocket or lifespan (ASGI 3.0)."""
        runtime = self._runtime
        if runtime is None or scope["type"] not in ("http", "websocket"):
            await self._beside(scope, receive, send)
            return
        gate = runtime.gate
        request: Request | None = None
        stripped: Sequence[int] = ()
        outcome: Allow | Respond | Pending
        try:
            runtime.begin()
            request, stripped = _request_of(runtime, scope)
            outcome = gate.check(request)
            if isinstance(outcome, Pending):
                outcome = await run_async(outcome.flow, runtime.async_ports(_body_reader(receive)))
        except Exception as exc:  # noqa: BLE001 - security rule 28: whatever it is, it ends in a refusal
            outcome = runtime.failed(gate, request, exc)
        except BaseException as exc:
            runtime.abandoned(gate, request, exc)  # cancelled by a client that hung up
            raise
        if isinstance(outcome, Respond):
            await _respond(runtime, scope, receive, send, request, outcome)
        else:
            assert request is not None
            inner = inner_scope(scope, request, outcome, stripped)
            await _Passage(runtime, request, outcome, send, inner, inner.dispatch).run(self.app, receive)

    async def _beside(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Whatever is no request, and everything while the configuration is wrong."""
        kind = scope["type"]
        if kind not in ("http", "websocket", "lifespan"):
            # security rule 8: what is not known is refused, never passed on
            raise IdawareError(f"ASGI scope type {kind!r} is refused: only http, websocket and lifespan pass")
        if self._runtime is None:
            await self._closed(scope, receive, send)
        else:
            _name_what_is_outside(scope)
            await self.app(scope, receive, send)

    async def _closed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Everything is refused while the configuration is wrong (security rule 28)."""
        if scope["type"] == "lifespan":
            await receive()
            await send(
                {"type": "lifespan.startup.failed", "message": f"idaware does not start:\n{self._error}"}
            )
            return
        message = b"This application is not configured correctly, so nobody is let in. Its log says why.\n"
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
        await _send_plain(scope, receive, send, 500, headers, message, 1011)


def _name_what_is_outside(scope: Scope) -> None:
    """At start-up: what answers before the gate is neither guarded nor recorded."""
    for name in outside_the_gate(scope.get("app")) or ():
        logger.warning(
            "%s answers before the gate: add IdentityMiddleware last, so that it is outermost", name
        )


class _Passage(Struct):
    """An allowed request on its way through the application: one record, and our headers on the answer."""

    runtime: Runtime
    request: Request
    allow: Allow
    send: Send
    scope: RoutedScope
    dispatch: Dispatch
    done: bool = False

    async def run(self, app: ASGIApp, receive: Receive) -> None:
        try:
            await app(self.scope, receive, self.forward)
        except BaseException as exc:
            if not self.dispatch.mismatch:
                self.record(None, error=type(exc).__name__)
                raise
        if self.dispatch.mismatch:
            await self.refuse_mismatch(receive)
        self.record(None)

    def forward(self, message: Message) -> Awaitable[None]:
        """``send`` for the application. Not itself a coroutine: the server's has to be awaited in any case."""
        if self.dispatch.mismatch:
            return _nothing()  # security rule 6: our own refusal follows in place of the application's answer
        kind = message["type"]
        if kind == "http.response.start":
            allow = self.allow
            message["headers"] = with_ours(
                message.get("headers", ()),
                BYTES,
                set_cookies=allow.set_cookies,
                attached=allow.attached,
                public=allow.public,
            )
            self.record(message["status"])
        elif kind == "websocket.accept":
            self.record(101)
        elif kind == "websocket.close":
            self.record(403)  # what servers answer to a handshake that is closed before it was accepted
        elif kind == "websocket.http.response.start":
            self.record(message["status"])
        return self.send(message)

    def record(self, status: int | None, *, error: str | None = None) -> None:
        if self.done:
            return
        self.done = True
        record = self.allow.record
        record.route, record.framework = self.dispatch.route_and_framework(self.scope)
        if error is not None:
            record.error = error
        self.runtime.completed(record, self.request, status)

    async def refuse_mismatch(self, receive: Receive) -> None:
        """Security rule 6: the application routed elsewhere than the policy decided on."""
        if self.done:
            return
        self.done = True
        refusal = self.runtime.gate.mismatch(self.request, self.allow)
        refusal.record.route, refusal.record.framework = self.dispatch.route_and_framework(self.scope)
        await _respond(self.runtime, self.scope, receive, self.send, self.request, refusal)


async def _nothing() -> None:
    """What awaiting a message does that is not sent."""


async def _respond(
    runtime: Runtime, scope: Scope, receive: Receive, send: Send, request: Request | None, outcome: Respond
) -> None:
    """An answer of ours: record first, then the first byte (audit promise 2)."""
    runtime.answered(outcome, request)
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in outcome.headers]
    await _send_plain(scope, receive, send, outcome.status, headers, outcome.body, outcome.close_code)


async def _send_plain(
    scope: Scope,
    receive: Receive,
    send: Send,
    status: int,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
    close_code: int,
) -> None:
    headers = [*headers, (b"content-length", str(len(body)).encode("ascii"))]
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope.get("method") == "HEAD" else body})
        return
    if (await receive())["type"] == "websocket.disconnect":
        return  # nobody is there any more
    if "websocket.http.response" in scope.get("extensions", {}):
        await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": body})
    else:
        await send({"type": "websocket.close", "code": close_code})


def _request_of(runtime: Runtime, scope: Scope) -> tuple[Request, Sequence[int]]:
    """Security rule 1: the path is the one that the inner router will route on, never a URL or a forwarded header."""
    started = perf_counter()
    path, mount, mount_ok = split_asgi(
        scope["path"], scope.get("root_path", ""), scope.get("app_root_path"), runtime.settings.root_path
    )
    scan = runtime.headers.scan_asgi(scope["headers"])
    client = scope.get("client")
    websocket = scope["type"] == "websocket"
    return Request(
        protocol="websocket" if websocket else "http",
        method=WEBSOCKET if websocket else scope["method"],
        path=path,
        raw_path=scope.get("raw_path"),
        mount=mount,
        mount_ok=mount_ok,
        query=scope.get("query_string", b"").decode("latin-1"),
        headers=scan.headers,
        repeated=scan.repeated,
        headers_bytes=scan.size_bytes,
        scheme=_HTTP_SCHEMES.get(scope.get("scheme", "http"), "http"),
        peer="unix" if not client else client[0] or "unix",
        started=started,
    ), scan.strip


_HTTP_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


def _body_reader(receive: Receive) -> Callable[[int], Awaitable[bytes]]:
    async def read(limit_bytes: int) -> bytes:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                raise ClientError(
                    Reason.REQUEST_TOO_LARGE, "the client hung up before its request was complete"
                )
            body += message.get("body", b"")
            if len(body) > limit_bytes:  # security rule 12
                raise ClientError(Reason.REQUEST_TOO_LARGE, f"more than {limit_bytes} bytes were sent", 413)
            if not message.get("more_body", False):
                return bytes(body)

    return read


def __getattr__(name: str) -> Any:
    """``idaware.asgi:app``: the application that ``IDAWARE_APP`` names, already wrapped."""
    if name == "app":
        return IdentityMiddleware(application_named(os.environ))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
