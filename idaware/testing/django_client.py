"""Django's test clients: they call Django and not ``wsgi.py``, so the gate is put before them here.

Belongs here: one request of ``django.test.Client`` or ``AsyncClient`` through the application's own gate, giving the
``HttpResponse`` that a test expects, or the gate's answer as one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from io import BytesIO
from typing import Any

# Django has no type hints of its own.
from django.conf import settings as django_settings  # type: ignore[import-untyped]
from django.core.handlers.asgi import ASGIRequest  # type: ignore[import-untyped]
from django.core.handlers.wsgi import WSGIRequest  # type: ignore[import-untyped]
from django.http import HttpResponse, HttpResponseBase  # type: ignore[import-untyped]
from django.http.request import split_domain_port, validate_host  # type: ignore[import-untyped]
from django.test.client import AsyncClientHandler  # type: ignore[import-untyped]
from django.utils.module_loading import import_string  # type: ignore[import-untyped]

from idaware.asgi import IdentityMiddleware as AsgiGate
from idaware.assembly import Runtime
from idaware.settings import Settings
from idaware.testing.applications import runtime_of
from idaware.testing.clients import is_answered, parsed_cookie
from idaware.wsgi import IdentityMiddleware as WsgiGate

Headers = list[tuple[str, str]]

_TEST_HOST = b"testserver"


def _host(settings: Settings) -> str:
    """What a client asks for that says nothing: the base URL's host, or Django's usual one where it must be that."""
    own = settings.origin.partition("://")[2]
    usual = _TEST_HOST.decode("ascii")
    allowed = validate_host(split_domain_port(own)[0], django_settings.ALLOWED_HOSTS or ["localhost"])
    return own if allowed or not is_answered(usual, settings) else usual


def guarded(client: Any) -> object:
    """Put the gate of ``WSGI_APPLICATION`` (or ``ASGI_APPLICATION``) before ``client``; what to look for it in."""
    if isinstance(client.handler, GuardedHandler | GuardedAsyncHandler):
        return client.handler
    name = getattr(django_settings, "WSGI_APPLICATION", None) or getattr(
        django_settings, "ASGI_APPLICATION", None
    )
    if not name:
        raise LookupError(
            "settings.WSGI_APPLICATION is not set, so there is no guarded application to be found"
        )
    runtime = runtime_of(import_string(name))
    kind = GuardedAsyncHandler if isinstance(client.handler, AsyncClientHandler) else GuardedHandler
    client.handler = kind(client.handler, runtime)
    return client.handler


class GuardedHandler:
    """The handler of a ``Client``: the gate, and the handler that was there before."""

    def __init__(self, handler: Callable[[dict[str, Any]], HttpResponseBase], runtime: Runtime) -> None:
        self.runtime = runtime
        self._handler = handler

    def __call__(self, environ: dict[str, Any]) -> HttpResponseBase:
        """One request. Django's client names no host, as no browser does."""
        environ.setdefault("HTTP_HOST", _host(self.runtime.settings))
        passed: list[HttpResponseBase] = []
        begun: list[tuple[str, Headers]] = []

        def application(inner: dict[str, Any], start_response: Any) -> Iterable[bytes]:
            response = self._handler(inner)
            passed.append(response)
            start_response(f"{response.status_code} {response.reason_phrase}", _headers_of(response))
            return []

        def start_response(status: str, headers: Headers, exc_info: object = None, /) -> Any:
            begun.append((status, headers))

        body = b"".join(WsgiGate.around(application, self.runtime)(environ, start_response))
        status, headers = begun[-1]
        if not body and passed and passed[0].status_code == int(status[:3]):
            return _with_headers(passed[0], headers)
        response = _answered(int(status[:3]), headers, body)
        response.wsgi_request = WSGIRequest(environ)
        return response


class GuardedAsyncHandler:
    """The same for an ``AsyncClient``."""

    def __init__(
        self, handler: Callable[[dict[str, Any]], Awaitable[HttpResponseBase]], runtime: Runtime
    ) -> None:
        self.runtime = runtime
        self._handler = handler

    async def __call__(self, scope: dict[str, Any]) -> HttpResponseBase:
        """One request. Django's client always says ``testserver``, and the query as text, as no server does."""
        host = _host(self.runtime.settings).encode("ascii")
        scope["headers"] = [(n, host if (n, v) == (b"host", _TEST_HOST) else v) for n, v in scope["headers"]]
        if isinstance(scope.get("query_string"), str):
            scope["query_string"] = scope["query_string"].encode("utf-8")
        passed: list[HttpResponseBase] = []
        sent: list[Any] = []

        async def application(inner: Any, receive: Any, send: Any) -> None:
            response = await self._handler(inner)
            passed.append(response)
            headers = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in _headers_of(response)]
            await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
            await send({"type": "http.response.body", "body": b""})

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await AsgiGate.around(application, self.runtime)(scope, receive, send)
        start, body = sent[0], b"".join(message["body"] for message in sent[1:])
        headers = [(n.decode("latin-1"), v.decode("latin-1")) for n, v in start["headers"]]
        if not body and passed and passed[0].status_code == start["status"]:
            return _with_headers(passed[0], headers)
        response = _answered(start["status"], headers, body)
        response.asgi_request = ASGIRequest(scope, BytesIO())
        return response


def _headers_of(response: HttpResponseBase) -> Headers:
    """What of the application's answer the gate looks at; its cookies stay where they are."""
    return [(name, value) for name, value in response.items()]


def _with_headers(response: HttpResponseBase, headers: Headers) -> HttpResponseBase:
    """The answer with its headers as the gate leaves them."""
    for name, value in headers:
        if name.lower() == "set-cookie":
            response.cookies.load(value)
        else:
            response[name] = value
    return response


def _answered(status: int, headers: Headers, body: bytes) -> HttpResponse:
    """The gate's own answer, for Django's client."""
    response = HttpResponse(body, status=status)
    del response["Content-Type"]
    return _with_headers(response, headers)


class DjangoCookies:
    """See ``clients._Cookies``."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def ask_for(self, settings: Settings) -> None:
        """The handler before the gate sees to that."""

    def take(self, set_cookie: str) -> None:
        """As from an answer."""
        name, value = parsed_cookie(set_cookie)
        if value:
            self._client.cookies[name] = value

    def forget(self, names: Iterable[str]) -> None:
        """Forget them."""
        for name in names:
            self._client.cookies.pop(name, None)
