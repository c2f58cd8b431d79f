"""The WSGI adapter: environ to ``Request``, outcome to ``start_response``. Nothing is decided here.

An ``if`` in this file is about WSGI, never about identity, policy or paths.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, Unpack, cast

from msgspec import Struct
from werkzeug.wsgi import ClosingIterator

from idaware.assembly import Runtime, application_named, build_runtime
from idaware.errors import ClientError, ConfigurationError
from idaware.http.answer_headers import TEXT, with_ours
from idaware.http.headers import ENVIRON_IDENTITY_KEYS
from idaware.http.methods import WEBSOCKET, is_websocket_upgrade
from idaware.http.mounts import split_wsgi
from idaware.http.routes import mounted
from idaware.io.drivers import run_blocking
from idaware.reasons import Reason
from idaware.request import Allow, Pending, Request, Respond

if TYPE_CHECKING:
    from types import TracebackType

    from idaware.settings import SettingsOverrides

Environ: TypeAlias = dict[str, Any]
ExcInfo: TypeAlias = "tuple[type[BaseException], BaseException, TracebackType | None]"
Write: TypeAlias = Callable[[bytes], object]


class StartResponse(Protocol):
    """``start_response`` of PEP 3333."""

    def __call__(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None, /
    ) -> Write:
        """Begin the answer; returns the ``write`` callable."""


WSGIApp: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]

logger = logging.getLogger("idaware")


class IdentityMiddleware:
    """Let only those requests reach ``app`` that the policy allows; sign people in; record every decision.

    ``app`` is any WSGI application (PEP 3333). Everything else comes from ``IDAWARE_*`` variables; each has a keyword
    argument of the same name in lower case that beats it. Raises ``ConfigurationError`` with every problem; only where
    nothing at all is configured it is kept, and every request closed with 500: an image build, a migration or a
    test may import the application, and nobody gets in.
    """

    def __init__(self, app: WSGIApp, **overrides: Unpack[SettingsOverrides]) -> None:
        self.app = app
        self._runtime: Runtime | None = None
        self._error: ConfigurationError | None = None
        try:
            self._runtime = build_runtime(app, overrides)
        except ConfigurationError as exc:
            if overrides or any(name.startswith("IDAWARE_") for name in os.environ):
                raise
            self._error = exc
            logger.error("idaware does not start, nothing is configured:\n%s", exc)
        _hear_frameworks()

    @classmethod
    def around(cls, app: WSGIApp, runtime: Runtime) -> IdentityMiddleware:
        """The middleware with a runtime that was assembled elsewhere: for the demo and for tests."""
        middleware = cls.__new__(cls)
        middleware.app, middleware._runtime, middleware._error = app, runtime, None
        _hear_frameworks()
        return middleware

    @property
    def runtime(self) -> Runtime:
        """What was assembled; raises the ``ConfigurationError`` that prevented it."""
        if self._runtime is None:
            raise self._error or ConfigurationError([])
        return self._runtime

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """One request (PEP 3333)."""
        runtime = self._runtime
        if runtime is None:
            return _closed(start_response)
        gate = runtime.gate
        request: Request | None = None
        stripped: Sequence[str] = ()
        outcome: Allow | Respond | Pending
        try:
            runtime.begin()
            request, stripped = _request_of(runtime, environ)
            outcome = gate.check(request)
            if isinstance(outcome, Pending):
                outcome = run_blocking(outcome.flow, runtime.blocking_ports(_body_reader(environ)))
        except Exception as exc:  # noqa: BLE001 - security rule 28: whatever it is, it ends in a refusal
            outcome = runtime.failed(gate, request, exc)
        except BaseException as exc:
            runtime.abandoned(gate, request, exc)  # the worker is being stopped
            raise
        if isinstance(outcome, Respond):
            return _respond(runtime, environ, request, outcome, start_response)
        assert request is not None
        _introduce(environ, request, outcome, stripped)
        return _Passage(runtime, request, outcome, environ, start_response).run(self.app)


class _Passage(Struct):
    """An allowed request on its way through the application: one record, and our headers on the answer."""

    runtime: Runtime
    request: Request
    allow: Allow
    environ: Environ
    start_response: StartResponse
    status: int | None = None
    done: bool = False

    def run(self, app: WSGIApp) -> Iterable[bytes]:
        try:
            chunks = app(self.environ, self.start)
        except BaseException as exc:
            if self.mismatch:
                return self.refuse_mismatch()
            self.record(error=type(exc).__name__)
            raise
        if self.mismatch:
            getattr(chunks, "close", _nothing)()
            return self.refuse_mismatch()
        if self.status is not None:
            # The answer has begun: the iterable goes to the server as it is (``wsgi.file_wrapper`` stays itself).
            self.record()
            return chunks
        return ClosingIterator(self.first_chunk(chunks), [self.record, getattr(chunks, "close", _nothing)])

    def first_chunk(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """For applications that call ``start_response`` when iterated: record before the first byte leaves."""
        try:
            for chunk in chunks:
                if self.mismatch:
                    break
                self.record()
                yield chunk
        except BaseException as exc:
            if not self.mismatch:
                self.record(error=type(exc).__name__)
                raise
        if self.mismatch and not self.done:
            yield from self.refuse_mismatch()

    @property
    def mismatch(self) -> bool:
        """Security rule 6: the application's framework told, at dispatch, that it routes elsewhere."""
        return "idaware.mismatch" in self.environ

    def refuse_mismatch(self) -> Iterable[bytes]:
        """Our own refusal, in place of the application's answer."""
        self.done = True
        refusal = self.runtime.gate.mismatch(self.request, self.allow)
        refusal.record.route, refusal.record.framework = _route_of(self.environ)
        return _respond(self.runtime, self.environ, self.request, refusal, self.start_response)

    def start(self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None) -> Write:
        if self.mismatch:
            return _swallowed
        self.status = int(status[:3])
        allow = self.allow
        headers = with_ours(
            headers, TEXT, set_cookies=allow.set_cookies, attached=allow.attached, public=allow.public
        )
        write = (
            self.start_response(status, headers)
            if exc_info is None
            else self.start_response(status, headers, exc_info)
        )

        def recorded_write(data: bytes) -> object:
            self.record()
            return write(data)

        return recorded_write

    def record(self, *, error: str | None = None) -> None:
        if self.done:
            return
        self.done = True
        record = self.allow.record
        record.route, record.framework = _route_of(self.environ)
        if error is not None:
            record.error = error
        self.runtime.completed(record, self.request, self.status)


def _introduce(environ: Environ, request: Request, allow: Allow, stripped: Sequence[str]) -> None:
    """Put into the environ who is asking, and take out whatever else says so (security rule 9)."""
    for key in (*stripped, *ENVIRON_IDENTITY_KEYS):
        environ.pop(key, None)
    identity = allow.identity
    environ["idaware.identity"] = identity
    environ["idaware.path"] = request.path
    environ["idaware.mount"] = environ.get("SCRIPT_NAME", "")
    if identity.is_authenticated:
        environ["REMOTE_USER"] = identity.user
        environ["AUTH_TYPE"] = "idaware"
    for name, value in allow.identity_headers:
        environ["HTTP_" + name.upper().replace("-", "_")] = value


def _respond(
    runtime: Runtime,
    environ: Environ,
    request: Request | None,
    outcome: Respond,
    start_response: StartResponse,
) -> Iterable[bytes]:
    """An answer of ours: record first, then the first byte (audit promise 2)."""
    runtime.answered(outcome, request)
    headers = [*outcome.headers, ("Content-Length", str(len(outcome.body)))]
    start_response(f"{outcome.status} {_phrase(outcome.status)}", headers)
    return [b"" if environ.get("REQUEST_METHOD") == "HEAD" else outcome.body]


def _closed(start_response: StartResponse) -> Iterable[bytes]:
    """Everything is refused while nothing is configured (security rule 28)."""
    message = b"This application is not configured correctly, so nobody is let in. Its log says why.\n"
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Cache-Control", "no-store"),
        ("Content-Length", str(len(message))),
    ]
    start_response("500 Internal Server Error", headers)
    return [message]


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase


def _swallowed(data: bytes) -> object:
    """``write`` for an answer that is refused."""
    return None


def _nothing() -> None:
    """What an iterable without ``close`` does when it is closed."""


def _request_of(runtime: Runtime, environ: Environ) -> tuple[Request, Sequence[str]]:
    """Security rule 1: the path is ``PATH_INFO``, which the inner router will route on, and nothing else."""
    started = perf_counter()
    path, mount, mount_ok = split_wsgi(
        environ.get("PATH_INFO", ""), environ.get("SCRIPT_NAME", ""), runtime.settings.root_path
    )
    scan = runtime.headers.scan_wsgi(environ)
    method = environ["REQUEST_METHOD"]
    websocket = is_websocket_upgrade(method, scan.headers.get("upgrade"))
    return Request(
        protocol="websocket" if websocket else "http",
        method=WEBSOCKET if websocket else method,
        path=path,
        raw_path=_raw_path(environ),
        mount=mount,
        mount_ok=mount_ok,
        query=environ.get("QUERY_STRING", ""),
        headers=scan.headers,
        repeated=scan.repeated,
        headers_bytes=scan.size_bytes,
        scheme=environ.get("wsgi.url_scheme", "http"),
        peer=environ.get("REMOTE_ADDR") or "unix",
        started=started,
        upgrade=websocket,
    ), scan.strip


def _raw_path(environ: Environ) -> bytes | None:
    """The undecoded path where the server gives it (gunicorn, Werkzeug and uWSGI do)."""
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if not isinstance(raw, str):
        return None
    return raw.partition("?")[0].encode("latin-1", "replace")


def _body_reader(environ: Environ) -> Callable[[int], bytes]:
    def read(limit_bytes: int) -> bytes:
        text = environ.get("CONTENT_LENGTH") or "0"
        length = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1
        if length < 0:
            raise ClientError(Reason.REQUEST_TOO_LARGE, "the request says no usable Content-Length")
        if length > limit_bytes:  # security rule 12
            raise ClientError(Reason.REQUEST_TOO_LARGE, f"more than {limit_bytes} bytes were announced", 413)
        body = cast(bytes, environ["wsgi.input"].read(length))
        if len(body) < length:
            raise ClientError(Reason.REQUEST_TOO_LARGE, "the client hung up before its request was complete")
        return body

    return read


def _hear_frameworks() -> None:
    """Flask tells by a signal where it routes (security rule 6). By name: no Flask, no import."""
    if "flask" in sys.modules:
        importlib.import_module("idaware.flask")


def inner_mount(environ: Environ, routed: str) -> str:
    """What applications inside took off the decided path before a router looked at ``routed``; for integrations."""
    root, outer = environ.get("SCRIPT_NAME", ""), environ["idaware.mount"]
    taken_off = mounted(environ["idaware.path"], routed, root, outer)
    return taken_off.encode("latin-1", "replace").decode("utf-8", "replace")


def _route_of(environ: Environ) -> tuple[str | None, str | None]:
    """The template of the route that was dispatched to, and the framework, where an integration told them."""
    return environ.get("idaware.route"), environ.get("idaware.framework")


def __getattr__(name: str) -> Any:
    """``idaware.wsgi:app``: the application that ``IDAWARE_APP`` names, already wrapped."""
    if name == "app":
        return IdentityMiddleware(application_named(os.environ))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
