"""Two servers on paper: from one request to a scope or an environ, and from what is sent back to an ``Answer``."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_to_bytes

from starlette.routing import Mount, Router
from werkzeug.middleware.dispatcher import DispatcherMiddleware

if TYPE_CHECKING:
    from support.site import Answer


@dataclass
class Ask:
    """One request as it comes over the wire.

    * ``target``: path and query, percent-encoded, with every prefix.
    * ``root_path``: what the server was told is its prefix.
    * ``raw``: whether the server hands over the undecoded path. ``extension``: whether it can answer a WebSocket
      handshake with HTTP. ``hangs_up``: the client goes away before its body is complete.
    """

    target: str
    method: str = "GET"
    root_path: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    websocket: bool = False
    scheme: str = "https"
    peer: str | None = "203.0.113.9"
    raw: bool = True
    extension: bool = True
    hangs_up: bool = False


class Upload(io.BytesIO):
    """A request's body that knows how much of it was taken."""

    @property
    def taken(self) -> int:
        return self.tell()


def mounted(app: Any, adapter: str, prefix: str) -> Any:
    """``app`` below ``prefix``, in process."""
    if adapter == "asgi":
        return Router([Mount(prefix, app=app)])
    return DispatcherMiddleware(_not_found, {prefix: app})


def _not_found(environ: Any, start_response: Any) -> Iterable[bytes]:
    start_response("404 Not Found", [])
    return []


def serve(app: Any, adapter: str, ask: Ask, answer: Answer) -> None:
    """Carry ``ask`` to ``app`` and what comes back into ``answer``."""
    if adapter == "asgi":
        asyncio.run(serve_asgi(app, ask, answer))
    else:
        serve_wsgi(app, ask, answer)


# -- ASGI ------------------------------------------------------------------------------------------------------


def scope_of(ask: Ask) -> dict[str, Any]:
    """The scope that uvicorn would make."""
    raw_path, _, query = ask.target.partition("?")
    scope: dict[str, Any] = {
        "type": "websocket" if ask.websocket else "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": ask.scheme.replace("http", "ws") if ask.websocket else ask.scheme,
        "path": unquote(raw_path),
        "root_path": ask.root_path,
        "query_string": query.encode("latin-1", "replace"),
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in ask.headers],
        "client": None if ask.peer is None else (ask.peer, 50_000),
        "server": ("billing.corp.example", 443),
        "state": {},
        "test.upload": Upload(ask.body),
    }
    if ask.raw:
        scope["raw_path"] = raw_path.encode("latin-1", "replace")
    if ask.websocket:
        scope["subprotocols"] = []
        scope["extensions"] = {"websocket.http.response": {}} if ask.extension else {}
    else:
        scope["method"] = ask.method
    return scope


async def serve_asgi(app: Any, ask: Ask, answer: Answer) -> None:
    scope = scope_of(ask)
    upload: Upload = scope["test.upload"]
    connected = False

    async def receive() -> dict[str, Any]:
        nonlocal connected
        if not connected:
            connected = True
            if ask.websocket:
                return {"type": "websocket.connect"}
        elif ask.websocket or upload.taken == len(ask.body):
            return {"type": "websocket.disconnect" if ask.websocket else "http.disconnect", "code": 1001}
        if ask.hangs_up:
            return {"type": "http.disconnect"}
        chunk = upload.read(40_000)
        return {"type": "http.request", "body": chunk, "more_body": upload.taken < len(ask.body)}

    async def send(message: Any) -> None:
        kind = message["type"]
        if kind.endswith("response.start") or kind == "websocket.accept":
            answer.status = message.get("status", 101)
            answer.headers = [
                (name.decode("latin-1").lower(), value.decode("latin-1"))
                for name, value in message.get("headers", ())
            ]
        elif kind.endswith("response.body"):
            answer.body += message.get("body", b"")
        elif kind == "websocket.close":
            answer.close_code = message.get("code", 1000)
            answer.status = answer.status or 403

    try:
        await app(scope, receive, send)
    except Exception as exc:
        answer.error = exc


# -- WSGI ------------------------------------------------------------------------------------------------------


def environ_of(ask: Ask) -> dict[str, Any]:
    """The environ that gunicorn would make."""
    raw_path, _, query = ask.target.partition("?")
    path = unquote_to_bytes(raw_path).decode("latin-1")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": ask.method,
        "SCRIPT_NAME": ask.root_path,
        "PATH_INFO": path.removeprefix(ask.root_path),
        "QUERY_STRING": query,
        "SERVER_NAME": "billing.corp.example",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": ask.peer or "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": ask.scheme,
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    upload = Upload(b"" if ask.hangs_up else ask.body)
    environ["wsgi.input"] = environ["test.upload"] = upload
    if ask.raw:
        environ["RAW_URI"] = ask.target
    for name, value in ask.headers:
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        joint = "; " if key == "HTTP_COOKIE" else ", "
        environ[key] = f"{environ[key]}{joint}{value}" if key in environ else value
    return environ


def serve_wsgi(app: Any, ask: Ask, answer: Answer) -> None:
    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        if exc_info is not None and answer.body:
            raise exc_info[1]
        answer.status = int(status[:3])
        answer.headers = [(name.lower(), value) for name, value in headers]
        return lambda data: setattr(answer, "body", answer.body + data)

    chunks: Any = ()
    try:
        chunks = app(environ_of(ask), start_response)
        for chunk in chunks:
            answer.body += chunk
    except Exception as exc:
        answer.error = exc
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
