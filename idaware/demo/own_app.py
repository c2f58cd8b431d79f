"""``idaware demo --app``: an application of one's own against the development provider.

The variables are set before the application is imported, so that its own ``IdentityMiddleware`` finds them.
"""

from __future__ import annotations

import secrets
import tempfile
import threading
import time
from collections.abc import MutableMapping
from contextlib import ExitStack
from pathlib import Path
from socket import socket
from typing import Any, Final, cast

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from idaware.assembly import load_application, policy_for
from idaware.cli.run import interface_of
from idaware.demo import pages
from idaware.demo.feed import Feed
from idaware.demo.fence import AsgiFence, WsgiFence
from idaware.demo.hosting import APP_HOST, PROVIDER_HOST, Demo, claim, hush, start_provider, variables
from idaware.demo.stream import response, stream
from idaware.demo.tail import Tail
from idaware.devidp import People
from idaware.devidp.server import require_uvicorn, run_in_thread, url_of
from idaware.errors import ConfigurationError, Problem
from idaware.settings import Settings

KEPT_VARIABLES: Final = frozenset(
    f"IDAWARE_{name}"
    for name in (
        "POLICY_FILE", "POLICY_REQUIRE", "ALLOW_GROUPS", "ALLOW_EMAIL_DOMAINS", "ALLOW_EMAILS", "ALLOW_SIGNED_IN",
        "APP_NAME", "BRAND", "CONTACT", "REQUEST_ACCESS_URL", "PREFIX", "IDENTITY_HEADERS", "STRIP_HEADERS",
        "SESSION_MAX", "SESSION_IDLE", "SESSION_REFRESH", "SESSION_STALE", "LOG_LEVEL",
    )
)  # fmt: skip
"""What stays of the environment: what says something about the application, not about its provider or place."""

_WRAPPED_IN: Final = ("app", "_app", "wsgi_app", "application", "asgi_app")
"""Where applications and middlewares keep the application that they stand around."""


def start(
    name: str,
    *,
    policy: Path | None,
    people: People,
    environ: MutableMapping[str, str],
    port: int = 8000,
    provider_port: int = 9000,
) -> Demo:
    """Serve ``name`` (``module:app``) on loopback; ``environ``: the process's, which the application reads.

    Raises ``ConfigurationError``: settings or policy that do not fit, no such application, a port that is taken.
    """
    require_uvicorn()
    hush()
    with ExitStack() as stack:
        app_socket = stack.enter_context(claim(APP_HOST, port, "--port"))
        url = url_of(APP_HOST, app_socket)
        secret = secrets.token_urlsafe(32)
        provider = start_provider(stack, people, secret, provider_port)
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="idaware-demo-")))
        records = directory / "audit.jsonl"
        ours = variables(url, provider.issuer, secret, policy) | {"IDAWARE_AUDIT": f"file:{records}"}
        notes = take_over(environ, ours)
        feed = Feed()
        app = _guarded(name, notes)
        stack.enter_context(Tail(records, feed.add))
        _serve(stack, app, app_socket)
        records_url = _show_records(stack, feed, name)
        stack.callback(feed.close)
        return Demo(url, records_url, provider, feed, tuple(notes), _stack=stack.pop_all())


def take_over(environ: MutableMapping[str, str], ours: dict[str, str]) -> list[str]:
    """Put our variables into ``environ`` and set aside those that speak of another provider or place; say which.

    Raises ``ConfigurationError`` with all that is wrong with the settings or the policy.
    """
    keys = [name for name in environ if name.startswith("IDAWARE_")]
    kept = {name: environ[name] for name in keys if name in KEPT_VARIABLES}
    if "IDAWARE_POLICY_FILE" in ours:
        kept = {name: value for name, value in kept.items() if not name.startswith("IDAWARE_ALLOW_")}
    merged = kept | ours
    policy_for(Settings.from_env(merged), now=time.time())
    for name in keys:
        del environ[name]
    environ.update(merged)
    aside = sorted(set(keys) - set(kept) | (set(keys) & set(ours)))
    return [f"Set aside for the demo: {', '.join(aside)}."] if aside else []


def _guarded(name: str, notes: list[str]) -> Any:
    """The application, with the gate around it; where it brings none, ours."""
    app = load_application(name, "--app")
    if is_guarded(app):
        return app
    notes.append(f"{name} has no IdentityMiddleware that the demo can see, so it has put one around it.")
    if interface_of(app) == "asgi":
        from idaware.asgi import IdentityMiddleware as Asgi

        return Asgi(app)
    from idaware.wsgi import IdentityMiddleware as Wsgi

    return Wsgi(app)


def is_guarded(app: object) -> bool:
    """Whether an ``IdentityMiddleware`` stands around ``app``, or around what it keeps inside, or is on its list."""
    seen: list[object] = []
    todo = [app]
    while todo:
        one = todo.pop()
        if type(one).__name__ == "IdentityMiddleware":
            return True
        if any(one is known for known in seen):
            continue
        seen.append(one)
        stack = getattr(one, "user_middleware", None) or ()
        if any(
            getattr(getattr(entry, "cls", None), "__name__", "") == "IdentityMiddleware" for entry in stack
        ):
            return True
        inner = (getattr(one, attribute, None) for attribute in _WRAPPED_IN)
        todo += [found for found in inner if found is not None and callable(found)]
    return False


def _serve(stack: ExitStack, app: Any, sock: socket) -> None:
    if interface_of(app) == "asgi":
        try:
            stack.enter_context(run_in_thread(AsgiFence(app), APP_HOST, sock=sock))
        except RuntimeError as error:
            raise ConfigurationError(
                [Problem("--app", "does not start; what it says stands above")]
            ) from error
    else:
        serve_wsgi(stack, app, sock)


def serve_wsgi(stack: ExitStack, app: Any, sock: socket) -> None:
    """Serve a WSGI application from threads of this process until ``stack`` closes."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """The records tell more."""

    host, port = sock.getsockname()[:2]
    server = make_server(
        host, port, cast(Any, WsgiFence(app)), threaded=True, request_handler=Quiet, fd=sock.fileno()
    )
    thread = threading.Thread(
        target=server.serve_forever, args=(0.05,), name="idaware-demo-wsgi", daemon=True
    )
    thread.start()
    stack.callback(thread.join)
    stack.callback(server.shutdown)


def _show_records(stack: ExitStack, feed: Feed, name: str) -> str:
    """The live view on an address of its own, since the application's paths are its own; where it is."""
    sock = stack.enter_context(claim(PROVIDER_HOST, 0, "--port"))
    url = url_of(PROVIDER_HOST, sock)

    async def page(request: Request) -> Response:
        return response(pages.records(url, stream="/stream", public=False, brand=name))

    async def events(request: Request) -> Response:
        return stream(feed, request)

    app = Starlette(routes=[Route("/", page), Route("/stream", events)])
    stack.enter_context(run_in_thread(AsgiFence(app), PROVIDER_HOST, sock=sock))
    return url
