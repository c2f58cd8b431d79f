"""The ASGI adapter: scope to ``Request``, outcome to ``send``. Nothing is decided here.

An ``if`` in this file is about ASGI, never about identity, policy or paths.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias, Unpack

from starlette.authentication import AuthCredentials, BaseUser

from idaware.assembly import Runtime, application_named, build_runtime
from idaware.errors import ClientError, ConfigurationError, IdawareError
from idaware.http.caching import adjust_caching
from idaware.http.methods import WEBSOCKET
from idaware.http.mounts import split_asgi
from idaware.http.routes import route_agrees
from idaware.io.drivers import run_async
from idaware.reasons import Reason
from idaware.request import Allow, Pending, Request, Respond

if TYPE_CHECKING:
    from idaware.identity import Identity
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
        kind = scope["type"]
        if self._runtime is None:
            await self._closed(scope, receive, send)
        elif kind == "http" or kind == "websocket":
            await self._guard(self._runtime, scope, receive, send)
        elif kind == "lifespan":
            await self.app(scope, receive, send)
        else:
            # security rule 8: what is not known is refused, never passed on
            raise IdawareError(f"ASGI scope type {kind!r} is refused: only http, websocket and lifespan pass")

    async def _guard(self, runtime: Runtime, scope: Scope, receive: Receive, send: Send) -> None:
        runtime.begin()
        gate = runtime.gate
        request: Request | None = None
        stripped: Sequence[int] = ()
        outcome: Allow | Respond | Pending
        try:
            request, stripped = _request_of(runtime, scope)
            outcome = gate.check(request)
            if isinstance(outcome, Pending):
                outcome = await run_async(outcome.flow, runtime.async_ports(_body_reader(receive, request)))
        except Exception as exc:
            outcome = gate.failed(request, exc)
            logger.error("refused: %s", outcome.log, exc_info=exc)
        except BaseException as exc:
            runtime.trail.emit(gate.failed(request, exc).record)  # cancelled by a client that hung up
            raise
        if isinstance(outcome, Respond):
            await _Answer(runtime, scope, receive, send).respond(request, outcome)
        else:
            assert request is not None
            await _Passage(runtime, request, outcome, send).run(self.app, scope, receive, stripped)

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


class _Passage:
    """An allowed request on its way through the application: one record, and our headers on the answer."""

    __slots__ = ("_allow", "_done", "_request", "_runtime", "_scope", "_send", "_started")

    def __init__(self, runtime: Runtime, request: Request, allow: Allow, send: Send) -> None:
        self._runtime = runtime
        self._request = request
        self._allow = allow
        self._send = send
        self._done = False
        self._started = False
        self._scope: _RoutedScope

    async def run(self, app: ASGIApp, scope: Scope, receive: Receive, stripped: Sequence[int]) -> None:
        identity = self._allow.identity
        inner = self._scope = _RoutedScope(scope)
        inner.decided_path = self._request.path
        inner.outer_root = scope.get("root_path", "")
        headers = scope["headers"]
        if stripped:
            headers = [pair for index, pair in enumerate(headers) if index not in stripped]
        if self._allow.identity_headers:
            headers = [
                *headers,
                *((n.encode("latin-1"), v.encode("latin-1")) for n, v in self._allow.identity_headers),
            ]
        dict.__setitem__(inner, "headers", headers)
        dict.__setitem__(inner, "idaware", identity)
        dict.__setitem__(inner, "idaware.path", self._request.path)
        dict.__setitem__(inner, "user", User(identity))
        dict.__setitem__(inner, "auth", Credentials(identity))
        try:
            await app(inner, receive, self._forward)
        except BaseException as exc:
            if inner.mismatch:
                await self._refuse_mismatch(receive)
                return
            self._record(None, error=type(exc).__name__)
            raise
        if inner.mismatch:
            await self._refuse_mismatch(receive)
        self._record(None)

    async def _forward(self, message: Message) -> None:
        kind = message["type"]
        if self._scope.mismatch:
            return  # security rule 6: our own refusal follows in place of the application's answer
        if kind == "http.response.start":
            self._add_headers(message)
            self._record(message["status"])
        elif kind == "websocket.accept":
            self._add_cookies(message)
            self._record(101)
        elif kind == "websocket.close":
            self._record(None if self._done else 403)
        elif kind == "websocket.http.response.start":
            self._record(message["status"])
        await self._send(message)

    def _record(self, status: int | None, *, error: str | None = None) -> None:
        if self._done:
            return
        self._done = True
        record = self._allow.record
        record.status = status
        record.duration_ms = _milliseconds(self._request.started)
        record.route = self._scope.template()
        record.framework = self._scope.framework()
        if error is not None:
            record.error = error
        self._runtime.trail.emit(record)

    async def _refuse_mismatch(self, receive: Receive) -> None:
        """Security rule 6: the application routed elsewhere than the policy decided on."""
        if self._done:
            return
        self._done = True
        refusal = self._runtime.gate.mismatch(self._request, self._allow)
        await _Answer(self._runtime, self._scope, receive, self._send).respond(self._request, refusal)

    def _add_cookies(self, message: Message) -> None:
        if self._allow.set_cookies:
            added = [(b"set-cookie", cookie.encode("latin-1")) for cookie in self._allow.set_cookies]
            message["headers"] = [*message.get("headers", ()), *added]

    def _add_headers(self, message: Message) -> None:
        """Security rule 26: what an identity may have shaped is not for shared caches."""
        self._add_cookies(message)
        if not self._allow.attached and self._allow.public:
            return
        cache_control: bytes | None = None
        vary: bytes | None = None
        validator = False
        for name, value in message.get("headers", ()):
            lowered = name.lower()
            if lowered == b"cache-control":
                cache_control = value if cache_control is None else cache_control + b", " + value
            elif lowered == b"vary":
                vary = value if vary is None else vary + b", " + value
            elif lowered == b"etag" or lowered == b"last-modified":
                validator = True
        new_cache_control, new_vary = adjust_caching(
            None if cache_control is None else cache_control.decode("latin-1"),
            validator,
            None if vary is None else vary.decode("latin-1"),
            attached=self._allow.attached,
            public=self._allow.public,
        )
        headers = list(message.get("headers", ()))
        if new_cache_control is not None:
            headers = [pair for pair in headers if pair[0].lower() != b"cache-control"]
            headers.append((b"cache-control", new_cache_control.encode("latin-1")))
        if new_vary is not None:
            headers = [pair for pair in headers if pair[0].lower() != b"vary"]
            headers.append((b"vary", new_vary.encode("latin-1")))
        message["headers"] = headers


class _Answer:
    """An answer of ours, to a request or to a WebSocket handshake."""

    __slots__ = ("_receive", "_runtime", "_scope", "_send")

    def __init__(self, runtime: Runtime, scope: Scope, receive: Receive, send: Send) -> None:
        self._runtime = runtime
        self._scope = scope
        self._receive = receive
        self._send = send

    async def respond(self, request: Request | None, outcome: Respond) -> None:
        """Record first, then the first byte (audit promise 2)."""
        record = outcome.record
        record.status = outcome.status
        record.duration_ms = None if request is None else _milliseconds(request.started)
        self._runtime.answered(outcome)
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in outcome.headers
        ]
        await _send_plain(
            self._scope, self._receive, self._send, outcome.status, headers, outcome.body, outcome.close_code
        )


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
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
        return
    await receive()  # websocket.connect
    if "websocket.http.response" in scope.get("extensions", {}):
        await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": body})
    else:
        await send({"type": "websocket.close", "code": close_code})


def _milliseconds(started: float) -> float:
    return round((perf_counter() - started) * 1000, 3)


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


def _body_reader(receive: Receive, request: Request) -> Callable[[int], Awaitable[bytes]]:
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


class RouteMismatchError(IdawareError):
    """The application's router chose a route whose template does not fit the decided path (security rule 6)."""


class _RoutedScope(dict[str, Any]):
    """A scope that is told where the application's router goes, at the moment it goes there (security rule 6).

    Starlette and FastAPI put ``route`` into the scope when they dispatch; that is the one place where the route is
    known before the handler runs, without routing a second time.
    """

    decided_path: str
    outer_root: str
    mismatch: bool = False
    _route: Any = None

    def __setitem__(self, key: str, value: Any) -> None:
        dict.__setitem__(self, key, value)
        if key == "route":
            self._check(value)

    def update(self, *args: Any, **kwargs: Any) -> None:
        dict.update(self, *args, **kwargs)
        if args and "route" in args[0]:
            self._check(self["route"])

    def _check(self, route: Any) -> None:
        self._route = route
        path = getattr(route, "path", None)
        if isinstance(path, str) and not route_agrees(
            self._mounted() + path, self.decided_path, prefix=hasattr(route, "routes")
        ):
            self.mismatch = True
            raise RouteMismatchError(f"route {path!r} does not fit the decided path")

    def _mounted(self) -> str:
        root: str = self.get("root_path", "")
        return root[len(self.outer_root) :]

    def template(self) -> str | None:
        """The template of the route that was dispatched to, mounts included; None where no framework told."""
        path = getattr(self._route, "path", None)
        if isinstance(path, str):
            return self._mounted() + path
        told = self.get("idaware.route") or self.get("path_template")
        return told if isinstance(told, str) else None

    def framework(self) -> str | None:
        """The framework that dispatched the request, by its package's name."""
        teller = self._route if self._route is not None else self.get("app")
        return None if teller is None else type(teller).__module__.partition(".")[0]


class User(BaseUser):
    """``request.user`` in Starlette and FastAPI: the identity, in Starlette's words."""

    __slots__ = ("_identity",)

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    @property
    def is_authenticated(self) -> bool:
        """Whether anybody is signed in."""
        return self._identity.is_authenticated

    @property
    def display_name(self) -> str:
        """The person's name, else what ``IDAWARE_USER_CLAIM`` names."""
        return self._identity.name or self._identity.user

    @property
    def identity(self) -> str:
        """The principal: ``alias/sub``; empty for nobody."""
        return self._identity.principal or ""

    @property
    def idaware(self) -> Identity:
        """The whole identity."""
        return self._identity


class Credentials(AuthCredentials):
    """``request.auth``: ``authenticated``, and ``group:<name>`` for each kept group (for ``@requires``)."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    @property
    def scopes(self) -> list[str]:  # type: ignore[override]  # computed when asked for, not on every request
        """The scopes that Starlette's ``@requires`` looks at."""
        if not self._identity.is_authenticated:
            return []
        return ["authenticated", *(f"group:{group}" for group in sorted(self._identity.groups or ()))]


def __getattr__(name: str) -> Any:
    """``idaware.asgi:app``: the application that ``IDAWARE_APP`` names, already wrapped."""
    if name == "app":
        return IdentityMiddleware(application_named(os.environ))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
