"""Starts the demo: the provider, the tool behind the gate, and what shows its records; and stops all of it.

The application is on the name ``localhost`` and the provider on ``127.0.0.1``: browsers share cookies across the ports
of one host name.
"""

from __future__ import annotations

import errno
import logging
import secrets
import socket
import time
from collections.abc import MutableMapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from idaware.asgi import IdentityMiddleware
from idaware.assembly import Runtime, policy_for
from idaware.audit.sinks.memory import MemorySink
from idaware.audit.trail import Trail
from idaware.demo.company import PEOPLE
from idaware.demo.feed import KEPT_RECORDS, Feed
from idaware.demo.fence import AsgiFence
from idaware.demo.frame import BRAND
from idaware.demo.tool import OWN_RULES, Tool
from idaware.devidp import Clients, DevProvider, People
from idaware.devidp.server import bind, require_uvicorn, run_in_thread, url_of
from idaware.errors import ConfigurationError, Problem
from idaware.settings import Settings

APP_HOST: Final = "localhost"
PROVIDER_HOST: Final = "127.0.0.1"
POLICY_FILE: Final = Path(__file__).with_name("policy.yaml")


@dataclass(slots=True)
class Demo:
    """A demo that runs, until ``stop``.

    ``url``: the application's address; ``records_url``: where its records are shown. ``provider``: who signs people in.
    ``feed``: the records. ``notes``: what there is to say about how it was set up.
    """

    url: str
    records_url: str
    provider: DevProvider
    feed: Feed
    notes: tuple[str, ...] = ()
    _stack: ExitStack = field(default_factory=ExitStack, repr=False)

    def stop(self) -> None:
        """Stop everything, and wait until it has stopped."""
        self._stack.close()

    def __enter__(self) -> Demo:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start(*, port: int = 8000, provider_port: int = 9000) -> Demo:
    """The sample tool, on loopback; port 0 takes a free one.

    Raises ``ConfigurationError`` for a port that is taken, or without uvicorn.
    """
    require_uvicorn()
    hush()
    with ExitStack() as stack:
        app_socket = stack.enter_context(claim(APP_HOST, port, "--port"))
        url = url_of(APP_HOST, app_socket)
        secret = secrets.token_urlsafe(32)
        provider = start_provider(stack, PEOPLE, secret, provider_port)
        environ = variables(url, provider.issuer, secret, POLICY_FILE) | {
            "IDAWARE_BRAND": BRAND,
            "IDAWARE_CONTACT": "platform@corp.example",
            "IDAWARE_REQUEST_ACCESS_URL": f"{url}/request-access",
        }
        feed = Feed(own_rules=OWN_RULES)
        app = AsgiFence(guarded_tool(Settings.from_env(environ), feed, stack))
        stack.enter_context(run_in_thread(app, APP_HOST, sock=app_socket))
        stack.callback(feed.close)  # before the servers: a stream that goes on would hold them up
        return Demo(url, f"{url}/records", provider, feed, _stack=stack.pop_all())


def guarded_tool(settings: Settings, feed: Feed, stack: ExitStack) -> IdentityMiddleware:
    """The tool with the gate in front of it; its records go into ``feed``."""
    policy = policy_for(settings, now=time.time())
    tool = Tool(
        policy=policy,
        text=POLICY_FILE.read_text(encoding="utf-8"),
        feed=feed,
        origin=settings.origin,
        provider=settings.issuer,
        prefix=settings.prefix,
    )
    sink = MemorySink(limit=KEPT_RECORDS)
    sink.subscribe(feed.add)
    runtime = Runtime(settings, policy, app_name="billing-console", trail=Trail([sink]))
    stack.callback(runtime.trail.close)
    return IdentityMiddleware.around(tool.app, runtime)


def start_provider(stack: ExitStack, people: People, secret: str, port: int) -> DevProvider:
    """The provider, in a thread; any client on this machine that knows ``secret`` may use it."""
    sock = stack.enter_context(claim(PROVIDER_HOST, port, "--provider-port"))
    provider = DevProvider(people, issuer=url_of(PROVIDER_HOST, sock), clients=Clients(secret=secret))
    stack.enter_context(run_in_thread(provider.app, PROVIDER_HOST, sock=sock, date_header=False))
    return provider


def variables(url: str, issuer: str, secret: str, policy_file: Path | None) -> dict[str, str]:
    """The ``IDAWARE_*`` variables that bind an application at ``url`` to the provider, with fresh secrets."""
    policy = {} if policy_file is None else {"IDAWARE_POLICY_FILE": str(policy_file)}
    return {
        "IDAWARE_ISSUER": issuer,
        "IDAWARE_CLIENT_ID": "idaware-demo",
        "IDAWARE_CLIENT_SECRET": secret,
        "IDAWARE_SECRET_KEYS": secrets.token_urlsafe(48),
        "IDAWARE_BASE_URL": url,
        **policy,
    }


def hush() -> None:
    """Keep one false alarm off the screen: uvicorn calls every WebSocket that was refused with an answer incomplete."""
    logging.getLogger("uvicorn.error").addFilter(_is_no_false_alarm)


def _is_no_false_alarm(entry: logging.LogRecord) -> bool:
    return "without completing handshake" not in entry.getMessage()


def keep_loopback_direct(environ: MutableMapping[str, str]) -> None:
    """A proxy for the outside world must not be asked for this machine's own provider."""
    if not any(environ.get(name) for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")):
        return
    given = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    environ["no_proxy"] = environ["NO_PROXY"] = ",".join(filter(None, (given, APP_HOST, PROVIDER_HOST)))


def claim(host: str, port: int, option: str) -> socket.socket:
    """A listening socket. Raises ``ConfigurationError`` that names the ``option`` where the port is taken."""
    try:
        sock = bind(host, port)
    except ConfigurationError as error:
        raise _taken(option, port, "cannot be used here") from error
    if host == APP_HOST and port and _is_taken_on_ipv6(port):
        # Browsers ask ::1 first for "localhost": whatever listens there would be taken for the demo.
        sock.close()
        raise _taken(option, port, "is in use on [::1]")
    return sock


def _taken(option: str, port: int, why: str) -> ConfigurationError:
    return ConfigurationError([
        Problem(option, f"{port} {why}: is something else listening there? Choose another, or 0 for a free one")
    ])  # fmt: skip


def _is_taken_on_ipv6(port: int) -> bool:
    with suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("::1", port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False
