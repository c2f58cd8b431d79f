"""A tool behind the gate on a real server, a provider it can fall out with, and a person with a browser.

Everything is on loopback: the tool at ``http://127.0.0.1:PORT``, the provider at ``http://localhost:PORT``, so that
each keeps its own cookies. What is a page for people, a line for operators and a record for auditors is read from the
outside: from answers, from the log, from the audit file.
"""

from __future__ import annotations

import html
import json
import re
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx2

from bad_days.waiting import wait_until
from idaware.asgi import IdentityMiddleware
from idaware.assembly import Runtime, policy_for
from idaware.audit.trail import Trail
from idaware.devidp.server import Server, bind, run_in_thread, url_of
from idaware.settings import Settings

CLIENT_ID = "my-tool"
CLIENT_SECRET = "dev-secret"
SECRET_KEY = "one-key-of-forty-characters-for-bad-days"
POLICY = """
version: 1
app: billing
rules:
  - {id: health, paths: [/healthz], allow: public}
  - {id: read, paths: [/**], methods: [GET, HEAD], allow: {groups: [sre]}, owner: platform@corp.example}
"""
HTML = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
_TAGS = re.compile(r"<style.*?</style>|<[^>]+>", re.DOTALL)


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """The application: it says hello, to whoever gets there."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"hello"})


@dataclass
class Page:
    """What a browser ended up with. ``words``: what a person can read."""

    url: str
    status: int
    text: str

    @property
    def words(self) -> str:
        return " ".join(html.unescape(_TAGS.sub(" ", self.text)).split())

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Person:
    """One person with one browser: follows redirects, keeps cookies."""

    def __init__(self, verify: ssl.SSLContext | bool = True) -> None:
        self.http = httpx2.Client(timeout=10, trust_env=False, verify=verify)

    def visit(self, url: str, *, hops: int = 20) -> Page:
        """Open ``url`` and go wherever it leads."""
        for _ in range(hops):
            answer = self.http.get(url, headers=HTML)
            if answer.status_code not in (302, 303):
                return Page(str(answer.url), answer.status_code, answer.text)
            url = urljoin(url, answer.headers["location"])
        raise AssertionError(f"more than {hops} hops, the last to {url}")

    def submit(self, page: Page, **fields: str) -> Page:
        """Fill in the form of ``page`` and send it."""
        action = re.search(r'<form[^>]* action="([^"]+)"', page.text)
        assert action is not None, page.text
        hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text)
        url = urljoin(page.url, html.unescape(action[1]))
        given = {name: html.unescape(value) for name, value in hidden} | fields
        answer = self.http.post(url, data=given, headers=HTML)
        return self.visit(urljoin(url, answer.headers["location"]))

    def ask(self, url: str) -> Page:
        """What a program gets."""
        answer = self.http.get(url, headers={"Accept": "application/json"})
        return Page(str(answer.url), answer.status_code, answer.text)


class Clock:
    """The time, and what a test adds to it: nobody waits for an hour."""

    def __init__(self) -> None:
        self.ahead_seconds = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_seconds


@dataclass
class Tool:
    """A guarded application that is served. ``settings``: its keyword arguments."""

    url: str
    settings: dict[str, Any]
    audit: Path
    clock: Clock
    server: Server = field(repr=False)
    trails: list[Trail] = field(repr=False)

    @property
    def environ(self) -> dict[str, str]:
        """The same settings as variables, for ``idaware check``."""
        return {f"IDAWARE_{name.upper()}": value for name, value in self.settings.items()}

    def records(self, kind: str) -> list[dict[str, Any]]:
        """The records of this kind so far."""
        for trail in self.trails:
            trail.flush()
        lines = self.audit.read_text("utf-8").splitlines()
        records = [record for record in map(json.loads, filter(None, lines)) if record["kind"] == kind]
        return sorted(records, key=lambda record: record["time"])

    def last(self, kind: str = "decision") -> dict[str, Any]:
        """The newest record of this kind."""
        return self.records(kind)[-1]


def settings_for(issuer: str, base_url: str, directory: Path, **changes: Any) -> dict[str, Any]:
    """What guards the tool; ``None`` takes a setting out."""
    policy = directory / "policy.yaml"
    if not policy.exists():
        policy.write_text(POLICY, encoding="utf-8")
    usual = {
        "issuer": issuer,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "secret_keys": SECRET_KEY,
        "base_url": base_url,
        "policy_file": str(policy),
        "audit": f"file:{directory / 'audit.jsonl'}",
        "http_timeout": "2s",
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def guard(given: dict[str, Any], clock: Clock, application: Any = hello) -> Any:
    """An application behind the gate."""
    settings = Settings.from_env({}, given)
    policy = policy_for(settings, now=clock())
    return IdentityMiddleware.around(application, Runtime(settings, policy, app_name="tool", clock=clock))


def start_tool(
    issuer: str,
    directory: Path,
    *,
    application: Any = hello,
    guarded: Callable[[dict[str, Any], Clock], Any] | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    clock: Clock | None = None,
    **changes: Any,
) -> Tool:
    """Serve the application behind the gate, under uvicorn in a thread."""
    sock, clock = bind(host, port), clock or Clock()
    base_url = url_of(host, sock)
    settings = settings_for(issuer, base_url, directory, **changes)
    app = guard(settings, clock, application) if guarded is None else guarded(settings, clock)
    trails = [part.runtime.trail for part in getattr(app, "replicas", (app,))]
    server = run_in_thread(app, host, sock=sock)
    return Tool(base_url, settings, directory / "audit.jsonl", clock, server, trails)


class TlsServer:
    """An application behind TLS on loopback, with the certificate of the day."""

    def __init__(self, app: Any, certificate: Path, key: Path, port: int) -> None:
        import uvicorn

        self._server = uvicorn.Server(
            uvicorn.Config(
                app, host="127.0.0.1", port=port, log_level="critical", access_log=False, proxy_headers=False,
                date_header=False, ssl_certfile=str(certificate), ssl_keyfile=str(key), timeout_graceful_shutdown=1,
            )
        )  # fmt: skip
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        wait_until(lambda: self._server.started, "a TLS server")

    def __enter__(self) -> TlsServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)
