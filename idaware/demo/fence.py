"""In front of everything that the demo serves: requests of this machine, and no others.

The demo lets anybody be anybody, and shows its audit records to whoever asks. A tunnel or a proxy must not make that
reachable from elsewhere, nor a foreign name that points at 127.0.0.1 (DNS rebinding).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from idaware.devidp.loopback import refusal_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from idaware.wsgi import Environ, StartResponse, WSGIApp

_HEADERS: Final = (("content-type", "text/plain; charset=utf-8"), ("cache-control", "no-store"))


def _sentence(refusal: str) -> bytes:
    return f"The demo answers this machine only: {refusal}.\n".encode()


class AsgiFence:
    """Around an ASGI application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes what comes from this machine, and the lifespan."""
        refusal = None if scope["type"] == "lifespan" else _refusal_of_scope(scope)
        if refusal is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            headers = [(name.encode(), value.encode()) for name, value in _HEADERS]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": _sentence(refusal)})
        else:
            await send({"type": "websocket.close", "code": 4403})


def _refusal_of_scope(scope: Any) -> str | None:
    client = scope.get("client")
    return refusal_of(scope["headers"], client[0] if client else None)


class WsgiFence:
    """Around a WSGI application."""

    def __init__(self, app: WSGIApp) -> None:
        self.app = app

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Passes what comes from this machine."""
        names = (
            (name.removeprefix("HTTP_").replace("_", "-"), value)
            for name, value in environ.items()
            if name.startswith("HTTP_")
        )
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in names]
        refusal = refusal_of(headers, environ.get("REMOTE_ADDR") or None)
        if refusal is None:
            return self.app(environ, start_response)
        start_response("403 Forbidden", list(_HEADERS))
        return [_sentence(refusal)]
