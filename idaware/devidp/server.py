"""Serve an ASGI application from a thread of this process, on loopback: for tests, the demo, the examples.

uvicorn (extra ``demo``) is imported when a server is started, and not before.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from idaware.devidp.loopback import check_bind_address
from idaware.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp

    from idaware.devidp.app import DevProvider

START_SECONDS: Final = 15.0
STOP_SECONDS: Final = 10.0
_GRACE_SECONDS: Final = 2
_HIGHEST_PORT: Final = 65_535


@dataclass(slots=True)
class Server:
    """A server that runs. ``url`` is its origin, without a slash at the end."""

    url: str
    _server: uvicorn.Server = field(repr=False)
    _thread: threading.Thread = field(repr=False)

    def stop(self) -> None:
        """Stop it, and wait until it has stopped. Raises ``RuntimeError`` after ``STOP_SECONDS``."""
        self._server.should_exit = True
        self._thread.join(STOP_SECONDS)
        if self._thread.is_alive():
            raise RuntimeError(f"the server at {self.url} did not stop within {STOP_SECONDS:g} s")

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def require_uvicorn() -> None:
    """Raise ``ConfigurationError`` that names the extra when uvicorn is not installed."""
    try:
        import uvicorn  # noqa: F401  # only whether it is there
    except ImportError as error:
        raise ConfigurationError(
            [Problem("uvicorn", "is not installed; install the extra: pip install 'idaware[demo]'")]
        ) from error


def bind(host: str = "localhost", port: int = 0) -> socket.socket:
    """A listening socket on loopback; ``port`` 0 takes a free one. ``localhost`` is 127.0.0.1.

    Raises ``ConfigurationError`` when the address is not on loopback or the port is taken.
    """
    check_bind_address(host)
    if not 0 <= port <= _HIGHEST_PORT:
        raise ConfigurationError([Problem("port", f"{port} is not a port; expected 0 to {_HIGHEST_PORT}")])
    address = "::1" if host == "::1" else "127.0.0.1" if host.lower().endswith("localhost") else host
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((address, port))
        sock.listen(128)
    except OSError as error:
        sock.close()
        raise ConfigurationError(
            [Problem("port", f"{host}:{port} cannot be used: {error.strerror}")]
        ) from error
    return sock


def url_of(host: str, sock: socket.socket) -> str:
    """The origin that a listening socket answers at, under the name that was asked for."""
    port = sock.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run_in_thread(
    app: ASGIApp,
    host: str = "localhost",
    port: int = 0,
    *,
    sock: socket.socket | None = None,
    date_header: bool = True,
) -> Server:
    """Serve ``app`` until ``stop()``; returns when it answers.

    * ``sock``: a socket from ``bind``, where the URL has to be known before the application is made.
    * ``date_header``: whether uvicorn adds ``Date``; the provider brings its own.

    Raises ``ConfigurationError`` for an address that is not on loopback, a port that is taken, or without
    uvicorn; ``RuntimeError`` when the application does not start.
    """
    check_bind_address(host)
    require_uvicorn()
    sock = sock if sock is not None else bind(host, port)
    url = url_of(host, sock)
    ready = threading.Event()
    server = _uvicorn_server(config(app, date_header=date_header), ready.set)
    thread = threading.Thread(target=_run, args=(server, sock, ready), name="idaware-server", daemon=True)
    thread.start()
    if not ready.wait(START_SECONDS) or not server.started:
        server.should_exit = True
        raise RuntimeError(f"the application at {url} did not start")
    return Server(url, server, thread)


def _run(server: uvicorn.Server, sock: socket.socket, ready: threading.Event) -> None:
    try:
        server.run(sockets=[sock])
    except SystemExit:  # how newer releases of uvicorn say that the application did not start
        server.started = False
    finally:
        sock.close()
        ready.set()


def _uvicorn_server(config: uvicorn.Config, when_started: Callable[[], None]) -> uvicorn.Server:
    import uvicorn

    class Announcing(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            when_started()

    return Announcing(config)


def config(app: ASGIApp, *, date_header: bool) -> uvicorn.Config:
    """How we run uvicorn: quiet, without proxy headers."""
    import uvicorn

    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        date_header=date_header,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


def serve(app: ASGIApp, sock: socket.socket) -> None:
    """Serve the provider in this thread until it is interrupted."""
    import uvicorn

    with sock:
        uvicorn.Server(config(app, date_header=False)).run(sockets=[sock])


def start_provider(
    make: Callable[[str], DevProvider] | None = None, *, host: str = "localhost", port: int = 0
) -> tuple[DevProvider, Server]:
    """A provider that runs in a thread. ``make`` makes it for the issuer that it is given.

    Raises as ``run_in_thread`` does.
    """
    from idaware.devidp.app import DevProvider

    sock = bind(host, port)
    issuer = url_of(host, sock)
    provider = make(issuer) if make is not None else DevProvider(issuer=issuer)
    return provider, run_in_thread(provider.app, host, sock=sock, date_header=False)
