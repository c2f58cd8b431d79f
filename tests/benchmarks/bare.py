"""The application that everything is wrapped around: it does nothing. And one call of it, as a server does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from itertools import cycle
from typing import Any

from visitor import PATH, environ, scope

Environ = dict[str, Any]


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"hi"})


def wsgi(environ: Environ, start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hi"]


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(message: dict[str, Any]) -> None:
    """What a server writes to its socket."""


def _ignore(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
    return _ignored


def _ignored(data: bytes) -> None:
    """The ``write`` callable."""


def asgi_call(
    app: Callable[..., Awaitable[None]], headers: dict[str, str], *cookies: str | None, path: str = PATH
) -> Callable[[], None]:
    """One request through an ASGI application; with several ``cookies`` each call brings the next.

    As on a server each request has its own header names and values, whose hashes nobody knows yet.
    """
    template = scope({}, None, path)
    block_of = cycle([_block(headers, value) for value in cookies]).__next__

    def call() -> None:
        pieces = block_of().split(b"\0")
        coroutine = app(
            {**template, "headers": list(zip(pieces[::2], pieces[1::2], strict=True))}, _receive, _send
        )
        try:
            coroutine.send(None)  # type: ignore[attr-defined]  # nothing suspends: no event loop is measured
        except StopIteration:
            return
        raise AssertionError("it waits for something")

    return call


def wsgi_call(
    app: Callable[..., Iterable[bytes]], headers: dict[str, str], *cookies: str | None
) -> Callable[[], None]:
    """One request through a WSGI application, closed as a server closes it; otherwise as ``asgi_call``."""
    template = environ({}, None)
    block_of = cycle([_block(headers, value).decode() for value in cookies]).__next__

    def call() -> None:
        pieces = block_of().split("\0")
        own = template.copy()
        for name, value in zip(pieces[::2], pieces[1::2], strict=True):
            own["HTTP_" + name.upper().replace("-", "_")] = value
        chunks = app(own, _ignore)
        for _ in chunks:
            pass
        close = getattr(chunks, "close", None)
        if close is not None:
            close()

    return call


def _block(headers: dict[str, str], cookies: str | None) -> bytes:
    named = {**headers, **({} if cookies is None else {"cookie": cookies})}
    return "\0".join(text for pair in named.items() for text in pair).encode()


def asgi_status(app: Callable[..., Awaitable[None]], headers: dict[str, str], cookies: str | None) -> int:
    """The status of one request, to know that the right thing is measured."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    with suppress(StopIteration):
        app(scope(headers, cookies), _receive, send).send(None)  # type: ignore[attr-defined]
    return int(sent[0]["status"])


def wsgi_status(app: Callable[..., Iterable[bytes]], headers: dict[str, str], cookies: str | None) -> int:
    """The same for WSGI."""
    seen: list[str] = []

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        seen.append(status)
        return _ignored

    list(app(environ(headers, cookies), start))
    return int(seen[0][:3])
