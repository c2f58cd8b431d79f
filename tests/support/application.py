"""The application behind the gate, told once for both protocols, and what it got to see."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from idaware.identity import Identity


@dataclass
class Seen:
    """One request that reached the application. ``headers``: names folded, as WSGI would have them."""

    method: str
    path: str
    mount: str
    query: str
    headers: dict[str, str]
    identity: Identity
    remote_user: str | None
    body_bytes_taken: int
    raw: dict[str, Any] = field(repr=False, default_factory=dict)
    """The scope or the environ."""
    body: bytes = b""

    def as_json(self) -> bytes:
        """What ``Application`` answers by default: equal under both protocols."""
        facts = {
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "headers": dict(sorted(self.headers.items())),
            "principal": self.identity.principal,
            "groups": sorted(self.identity.groups or ()),
        }
        return json.dumps(facts).encode()


@dataclass
class Application:
    """An application that answers alike under both protocols; ``asgi`` and ``wsgi`` are its two sides.

    * ``chunks``: the body in pieces; ``None``: what it saw, as JSON.
    * ``fails_before``, ``fails_after``: raised before the answer begins, or after its first piece.
    * ``silent``: ends without an answer. ``reads_body``: reads the request to its end.
    * ``seen``: every request that reached it.
    """

    status: int = 200
    headers: Iterable[tuple[str, str]] = ()
    chunks: tuple[bytes, ...] | None = None
    fails_before: Exception | None = None
    fails_after: Exception | None = None
    silent: bool = False
    reads_body: bool = False
    seen: list[Seen] = field(default_factory=list)

    def _body(self) -> tuple[bytes, ...]:
        return (self.seen[-1].as_json(),) if self.chunks is None else self.chunks

    # -- ASGI --------------------------------------------------------------------------------------------------

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        self.seen.append(_seen_in_scope(scope))
        if scope["type"] == "websocket":
            await self._live(receive, send)
            return
        if self.reads_body:
            self.seen[-1].body = await _read(receive)
        if self.fails_before is not None:
            raise self.fails_before
        if self.silent:
            return
        headers = [(name.encode(), value.encode("latin-1")) for name, value in self.headers]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        for chunk in self._body():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            if self.fails_after is not None:
                raise self.fails_after
        await send({"type": "http.response.body", "body": b""})

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        if self.fails_before is not None:
            raise self.fails_before
        if self.silent:
            return
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 1000})

    # -- WSGI --------------------------------------------------------------------------------------------------

    def wsgi(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.seen.append(_seen_in_environ(environ))
        if self.reads_body:
            self.seen[-1].body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if self.fails_before is not None:
            raise self.fails_before
        if self.silent:
            return []
        status = 101 if self.seen[-1].headers.get("upgrade") == "websocket" else self.status
        start_response(f"{status} {HTTPStatus(status).phrase}", list(self.headers))
        return self._pieces() if status != 101 else []

    def _pieces(self) -> Iterable[bytes]:
        for chunk in self._body():
            yield chunk
            if self.fails_after is not None:
                raise self.fails_after


async def _read(receive: Any) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


def fold(name: str) -> str:
    return name.lower().replace("_", "-")


def _seen_in_scope(scope: Any) -> Seen:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = fold(raw_name.decode("latin-1")), raw_value.decode("latin-1")
        joint = "; " if name == "cookie" else ", "
        headers[name] = f"{headers[name]}{joint}{value}" if name in headers else value
    return Seen(
        method=scope.get("method", "GET"),
        path=scope["path"].removeprefix(scope["root_path"]) or "/",
        mount=scope["root_path"],
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        identity=scope["idaware"],
        remote_user=None,
        body_bytes_taken=scope["test.upload"].taken,
        raw=scope,
    )


def _seen_in_environ(environ: dict[str, Any]) -> Seen:
    headers = {fold(key[5:]): value for key, value in environ.items() if key.startswith("HTTP_")}
    for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if key in environ:
            headers[fold(key)] = environ[key]
    return Seen(
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"].encode("latin-1").decode() or "/",
        mount=environ["SCRIPT_NAME"],
        query=environ["QUERY_STRING"],
        headers=headers,
        identity=environ["idaware.identity"],
        remote_user=environ.get("REMOTE_USER"),
        body_bytes_taken=environ["test.upload"].taken,
        raw=environ,
    )
