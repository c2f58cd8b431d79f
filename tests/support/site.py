"""One guarded application behind one adapter, in process: ask it something, get the answer and its records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from idaware.asgi import IdentityMiddleware as AsgiMiddleware
from idaware.assembly import Runtime, policy_for
from idaware.audit.sinks.memory import MemorySink
from idaware.audit.trail import Trail
from idaware.io.async_ import AsyncHttp
from idaware.io.background import Background
from idaware.io.blocking import BlockingHttp
from idaware.oidc.providers import quirks_for
from idaware.policy.load import load_policy
from idaware.policy.model import PolicyContext
from idaware.policy.policy import Policy
from idaware.session.cookie import CookieCodec
from idaware.session.keys import KeyRing
from idaware.session.record import VERSION, Cut, Session, pack_digests
from idaware.settings import Settings
from idaware.wsgi import IdentityMiddleware as WsgiMiddleware
from support import servers
from support.application import Application
from support.clock import NOW, Clock, Tokens
from support.provider import CLIENT_ID, CLIENT_SECRET, ISSUER, ScriptedProvider

ADAPTERS: Final = ("asgi", "wsgi")
MOUNT: Final = "/apps/billing"
ORIGIN: Final = "https://billing.corp.example"
HTML: Final = "text/html,application/xhtml+xml,*/*;q=0.8"
JSON: Final = "application/json"

POLICY: Final = """
version: 1
app: billing
rules:
  - {id: open, paths: ["/public/**", /healthz], allow: public}
  - {id: read, paths: [/, "/dash/**"], methods: [GET, HEAD], allow: {groups: [sre, finance]},
     owner: platform@corp.example, reason: Dashboards are for operations.}
  - {id: change, paths: ["/dash/**"], methods: [POST, PUT, PATCH, DELETE], allow: {groups: [sre]}}
  - {id: admin, paths: ["/admin/**"], allow: {groups: [admins]}, owner: platform@corp.example}
  - {id: vault, paths: ["/vault/**"], allow: {groups: [sre]}, require: {auth_within: 15m}}
  - {id: safe, paths: ["/safe/**"], allow: {groups: [sre]}, require: {acr: [gold]}}
  - {id: live, paths: ["/live/**"], allow: {groups: [sre]}}
  - {id: api, paths: ["/api/{name}/**"], allow: {groups: [sre]}, preflight: pass}
  - {id: no-contractors, paths: ["/**"], shared: true, deny: {groups: [contractors]}, reason: Ask your agency.}
"""

SETTINGS: Final = {
    "issuer": ISSUER,
    "client_id": CLIENT_ID,
    "client_secret": CLIENT_SECRET,
    "secret_keys": ["w4fJ0vQx8Z2mT7rK5bN9cL1sD6hG3pYa"],
    "policy_file": "policy.yaml",
}


class _StillBackground(Background):
    """Starts no thread: a test that wants a job done says ``run_due``."""

    def start(self) -> bool:
        return True


@dataclass
class Answer:
    """What came back. ``headers``: lower-case names, in order. ``records``: everything recorded for this request.

    ``status`` is ``None`` where nothing was answered, 101 for a WebSocket that was accepted; ``close_code`` is what
    one was closed with. ``error``: what came out of the adapter.
    """

    status: int | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    close_code: int | None = None
    error: BaseException | None = None
    records: list[dict[str, Any]] = field(default_factory=list)

    def header(self, name: str) -> str | None:
        """The value of the one header called ``name``; ``None`` when there is none."""
        values = self.header_list(name)
        assert len(values) < 2, f"{name} is there {len(values)} times"
        return values[0] if values else None

    def header_list(self, name: str) -> list[str]:
        return [value for known, value in self.headers if known == name]

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def location(self) -> str:
        return self.header("location") or ""

    @property
    def record(self) -> dict[str, Any]:
        """The decision record: exactly one for every request (audit promise 1)."""
        decisions = [record for record in self.records if record["kind"] == "decision"]
        assert len(decisions) == 1, f"{len(decisions)} decision records"
        return decisions[0]

    @property
    def decided(self) -> tuple[str, str]:
        """``decision`` and ``reason`` of the record."""
        return self.record["decision"], self.record["reason"]

    def events(self) -> list[str]:
        """The kinds of the records beside the decision's."""
        return [record["kind"] for record in self.records if record["kind"] not in ("decision", "started")]

    def set_cookies(self) -> dict[str, str]:
        """Cookie name to the whole ``Set-Cookie`` value."""
        return {value.partition("=")[0]: value for value in self.header_list("set-cookie")}


class Site:
    """``app`` behind one adapter.

    ``place``: ``plain``; or, below ``/apps/billing``: ``stripped`` (a proxy takes the prefix off), ``mounted`` (in
    process: ``Mount``, ``DispatcherMiddleware``), ``server`` (``root_path`` or ``SCRIPT_NAME`` of the server). Paths
    that tests name are always the application's own. ``policy``: YAML text, or ``None`` for the one-line settings.
    """

    def __init__(
        self,
        adapter: str,
        place: str = "plain",
        *,
        app: Any = None,
        policy: str | None = POLICY,
        provider: ScriptedProvider | None = None,
        clock: Clock | None = None,
        **settings: Any,
    ) -> None:
        self.adapter = adapter
        self.place = place
        self.clock = clock or Clock()
        self.provider = provider or ScriptedProvider(self.clock)
        self.app = Application() if app is None else app
        self.external = "" if place == "plain" else MOUNT
        self.answers: list[Answer] = []
        self.sink = MemorySink()
        self.background = _StillBackground()
        self.runtime = self._assemble(policy, settings)
        self.settings = self.runtime.settings
        inner = getattr(self.app, adapter, self.app)
        middleware: Any = AsgiMiddleware if adapter == "asgi" else WsgiMiddleware
        self.guarded: Any = middleware.around(inner, self.runtime)
        self.outermost = servers.mounted(self.guarded, adapter, MOUNT) if place == "mounted" else self.guarded

    def _assemble(self, policy: str | None, given: Mapping[str, Any]) -> Runtime:
        # In process, ASGI tells a mount from the server's prefix; WSGI knows one SCRIPT_NAME for both.
        prefixed = self.place == "server" or (self.place == "mounted" and self.adapter == "wsgi")
        defaults = {
            **SETTINGS,
            "base_url": ORIGIN + self.external,
            "root_path": MOUNT if prefixed else "",
        }
        if policy is None:
            del defaults["policy_file"]
        settings = Settings.from_env({}, {**defaults, **given})
        tokens = Tokens()
        http: dict[str, Any] = {"transport": self.provider.transport()}
        return Runtime(
            settings,
            policy_for(settings, now=NOW) if policy is None else compiled(policy, _context(settings)),
            app_name="application",
            trail=Trail([self.sink], clock=self.clock, instance=lambda: "test"),
            clock=self.clock,
            token=tokens,
            new_id=tokens.request_id,
            background=self.background,
            blocking_http=BlockingHttp(**http),
            async_http=AsyncHttp(**http),
        )

    # -- asking ------------------------------------------------------------------------------------------------

    def ask(
        self,
        target: str = "/",
        method: str = "GET",
        *,
        accept: str | None = None,
        host: str | None = "",
        headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        cookies: Mapping[str, str] | str | None = None,
        body: bytes | None = None,
        websocket: bool = False,
        **server: Any,
    ) -> Answer:
        """One request. ``target``: path and query as a client writes them, without the mount prefix.

        ``host=""`` is the site's own, ``None`` none at all. ``server``: facts of the connection, see ``servers.Ask``.
        """
        given = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
        if host is not None:
            given.insert(0, ("Host", host or urlsplit(self.settings.base_url).netloc))
        if accept is not None:
            given.append(("Accept", accept))
        if cookies:
            text = cookies if isinstance(cookies, str) else "; ".join(f"{n}={v}" for n, v in cookies.items())
            given.append(("Cookie", text))
        if body is not None:
            given.append(("Content-Length", str(len(body))))
        if websocket:
            given += [("Upgrade", "websocket"), ("Connection", "Upgrade")]
        ask = servers.Ask(
            method=method,
            target=target if self.place in ("plain", "stripped") else MOUNT + target,
            root_path=MOUNT if self.place == "server" else "",
            headers=given,
            body=body or b"",
            websocket=websocket,
            **server,
        )
        before = len(self.sink.lines)
        answer = Answer()
        servers.serve(self.outermost, self.adapter, ask, answer)
        answer.records = [msgspec.json.decode(line) for line in list(self.sink.lines)[before:]]
        self.answers.append(answer)
        return answer

    # -- shortcuts ---------------------------------------------------------------------------------------------

    @property
    def codec(self) -> CookieCodec:
        """Writes session cookies as this site would."""
        chosen = self.settings
        ring = KeyRing(chosen.secret_keys, chosen.issuer, chosen.client_id, chosen.base_url)
        return CookieCodec(ring, chosen)

    def signed_in(
        self,
        sub: str = "alice",
        groups: tuple[str, ...] | None = ("sre",),
        *,
        age: float = 0,
        idle: float = 0,
        **more: Any,
    ) -> dict[str, str]:
        """The cookies of a session that began ``age`` seconds ago and was last used ``idle`` seconds ago.

        ``more``: other fields of ``Session``.
        """
        began = int(self.clock() - age)
        cut = Cut.of(self.runtime.policy.wanted)
        fields: dict[str, Any] = {
            "v": VERSION, "id": f"sid-{sub}", "started": began, "expires": began + self.settings.session_max,
            "renewed": began, "subject": sub, "email": f"{sub}@corp.example", "email_verified": True, "user": sub,
            "groups": groups, "groups_total": None if groups is None else len(groups), "auth_time": began,
            "cut": pack_digests(cut.digests), "wanted_id": cut.wanted_id, **more,
        }  # fmt: skip
        session, codec = Session(**fields), self.codec
        return {
            codec.session_name: codec.encode(session),
            codec.activity_name: codec.encode_activity(session, self.clock() - idle),
        }


def drive(adapter: str, target: str, method: str = "GET", *, place: str = "plain", **options: Any) -> Answer:
    """One request to a fresh site. What ``Site.ask`` knows goes there, everything else is a setting."""
    asked = ("accept", "host", "headers", "cookies", "body", "websocket", "peer", "scheme")
    request = {name: options.pop(name) for name in asked if name in options}
    return Site(adapter, place, **options).ask(target, method, **request)


@lru_cache
def compiled(policy: str, context: PolicyContext) -> Policy:
    """A policy, loaded once for all sites that have it."""
    return load_policy(policy.encode(), source="policy.yaml", context=context)


def _context(settings: Settings) -> PolicyContext:
    quirks = quirks_for(settings.issuer, settings.provider)
    return PolicyContext(now=NOW, prefix=settings.prefix, multi_tenant=quirks.multi_tenant)
