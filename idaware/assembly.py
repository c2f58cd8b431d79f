"""Puts the parts together: settings, policy, gate, audit trail, ports. The one place that knows all of them.

Nothing starts here: connections, files and the background thread are made at the first request of a process.
"""

from __future__ import annotations

import atexit
import importlib
import logging
import os
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import idaware
from idaware.answers import Answers
from idaware.audit.record import Record, started, stopped
from idaware.audit.sinks import make_sink
from idaware.audit.trail import Trail
from idaware.endpoints import Endpoints
from idaware.errors import ConfigurationError, Problem
from idaware.gate import Gate
from idaware.http.headers import HeaderFilter
from idaware.io.background import SHARED, Background
from idaware.io.forks import after_fork
from idaware.io.request_ids import RequestIds
from idaware.oidc.login import Login
from idaware.oidc.login_state import LoginStates
from idaware.oidc.provider import Provider
from idaware.oidc.providers import quirks_for
from idaware.pages import Pages
from idaware.policy.load import load_policies, load_policy, one_line_policy
from idaware.policy.model import PolicyContext
from idaware.policy.policy import Policy
from idaware.reasons import Reason
from idaware.request import Respond
from idaware.session.cookie import CookieCodec
from idaware.session.keys import KeyRing
from idaware.session.record import Cut
from idaware.session.sessions import Sessions
from idaware.settings import Settings, reread_secrets
from idaware.signin import SignIn
from idaware.visit import Recorder

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from idaware.io.async_ import AsyncHttp
    from idaware.io.blocking import BlockingHttp
    from idaware.io.ports import CarriesOut, CarriesOutAsync
    from idaware.request import Request
    from idaware.settings import SettingsOverrides

REREAD_SECONDS = 5.0
"""How often files of secrets are read again: a change counts within 10 s (``configuration.md``)."""

Clock = Callable[[], float]

logger = logging.getLogger("idaware")


class Runtime:
    """One guarded application: everything that an adapter needs, assembled once.

    ``gate`` is replaced whole when a secret was rotated; a request keeps the one it began with.
    ``clock``: UTC epoch seconds. ``token(n)``: random text of ``n`` bytes. ``new_id``: a fresh request id.
    ``blocking_http``, ``async_http``: how the provider is reached, where it is not over the network.
    """

    def __init__(
        self,
        settings: Settings,
        policy: Policy,
        *,
        app_name: str,
        reread: Callable[[Settings], Settings] = lambda settings: settings,
        trail: Trail | None = None,
        clock: Clock = time.time,
        token: Callable[[int], str] = secrets.token_urlsafe,
        new_id: Callable[[], str] | None = None,
        background: Background = SHARED,
        blocking_http: BlockingHttp | None = None,
        async_http: AsyncHttp | None = None,
    ) -> None:
        self.settings = settings
        self.policy = policy
        self.app_name = settings.app_name or policy.app or app_name
        self.headers = HeaderFilter(settings.strip_headers, [name for name, _ in settings.identity_headers])
        self.provider = Provider(settings, quirks_for(settings.issuer, settings.provider), clock=clock)
        self.trail = trail or self._make_trail()
        self._clock = clock
        self._token = token
        self._new_id = new_id or RequestIds()
        self._reread = reread
        self.gate = self._make_gate(settings)
        self._background = background
        self._blocking_http = blocking_http
        self._async_http = async_http
        self._announced = False
        after_fork(self._forget_process)
        background.every(REREAD_SECONDS, "secrets", self.reread_secrets)

    # -- for the adapters --------------------------------------------------------------------------------------

    def blocking_ports(self, read_body: Callable[[int], bytes]) -> CarriesOut:
        """What ``run_blocking`` carries effects out with, for one request."""
        from idaware.io.blocking import BlockingHttp, BlockingPorts

        http = self._blocking_http
        if http is None:
            http = self._blocking_http = BlockingHttp(
                self.settings.http_timeout, ca_file=self.settings.ca_file
            )
        return BlockingPorts(http, read_body)

    def async_ports(self, read_body: Callable[[int], Awaitable[bytes]]) -> CarriesOutAsync:
        """What ``run_async`` carries effects out with, for one request."""
        from idaware.io.async_ import AsyncHttp, AsyncPorts

        http = self._async_http
        if http is None:
            http = self._async_http = AsyncHttp(self.settings.http_timeout, ca_file=self.settings.ca_file)
        return AsyncPorts(http, read_body)

    def answered(self, outcome: Respond, request: Request | None) -> None:
        """Record an answer of ours, and what happened beside it."""
        self.completed(outcome.record, request, outcome.status)
        for event in outcome.events:
            self.trail.emit(event)
        if outcome.log is not None:
            level = logging.WARNING if outcome.cause is None else logging.ERROR
            logger.log(
                level, "%s (request %s)", outcome.log, outcome.record.request_id, exc_info=outcome.cause
            )

    def completed(self, record: Record, request: Request | None, status: int | None) -> None:
        """Record a decision: the answer starts with ``status``, or there is none."""
        record.status = status
        if request is not None:
            record.duration_ms = int((time.perf_counter() - request.started) * 1_000_000) / 1000
        self.trail.emit(record)

    def failed(self, gate: Gate, request: Request | None, exc: BaseException) -> Respond:
        """The closed answer to whatever went wrong before the application was reached (security rule 28)."""
        try:
            return gate.failed(request, exc)
        except Exception as second:  # noqa: BLE001 - not even a refusal can be made: a clock or a page is broken
            return self._bare_refusal(second)

    def abandoned(self, gate: Gate, request: Request | None, exc: BaseException) -> None:
        """Record a request whose client went away, or whose worker is being stopped, before it was decided."""
        self.completed(self.failed(gate, request, exc).record, request, None)

    def begin(self) -> None:
        """At the first request of a process: say so in the audit trail, start the background thread."""
        if self._announced:
            return
        self._announced = True
        _say_stopped_at_exit(self)
        self._background.start()
        self.trail.emit(
            started(
                release=idaware.__version__,
                mode=self.settings.mode,
                policy_version=self.policy.version,
                store=self.settings.session_store,
                bounds={
                    "session_stale_seconds": self.settings.session_stale,
                    "session_idle_seconds": self.settings.session_idle,
                    "session_max_seconds": self.settings.session_max,
                },
                settings_digest=self.settings.digest,
            )
        )
        if self.settings.mode == "off":
            logger.critical("IDAWARE_MODE=off: NOTHING IS PROTECTED. Only loopback requests are answered.")

    def end(self) -> None:
        """At the end of a process in good order: say so in the audit trail."""
        if not self._announced:  # a forked child that answered nothing
            return
        self._announced = False
        self.trail.emit(
            stopped(release=idaware.__version__, mode=self.settings.mode, policy_version=self.policy.version)
        )

    def reread_secrets(self) -> None:
        """Take up secrets whose files have changed."""
        fresh = self._reread(self.settings)
        if fresh is not self.settings:
            self.settings = self.provider.settings = fresh
            self.gate = self._make_gate(fresh)
            logger.info("secrets were rotated")

    # -- parts -------------------------------------------------------------------------------------------------

    def _make_gate(self, settings: Settings) -> Gate:
        ring = KeyRing(settings.secret_keys, settings.issuer, settings.client_id, settings.base_url)
        codec = CookieCodec(ring, settings)
        sessions = Sessions(codec, Cut.of(self.policy.wanted))
        states = LoginStates(ring, settings)
        login = Login(settings, self.provider, states, sessions)
        pages = Pages(
            brand=settings.brand or self.app_name,
            contact=settings.contact,
            request_access_url=settings.request_access_url,
            prefix=settings.base_path + settings.prefix,
            home=settings.base_path + "/",
            frame_origins=settings.trusted_origins,
        )
        answers = Answers(settings, pages)
        recorder = Recorder(app=self.app_name, mode=settings.mode, policy_version=self.policy.version)
        signin = SignIn(
            settings, self.provider, login, answers, recorder, clock=self._clock, token=self._token
        )
        endpoints = Endpoints(
            settings, self.policy, self.provider, signin, login, sessions, answers, recorder,
            clock=self._clock, token=self._token, audit_problem=lambda: self.trail.failing,
        )  # fmt: skip
        return Gate(
            settings,
            self.policy,
            sessions=sessions,
            signin=signin,
            endpoints=endpoints,
            answers=answers,
            recorder=recorder,
            clock=self._clock,
            new_id=self._new_id,
        )

    def _make_trail(self) -> Trail:
        key = self.settings.audit_key
        return Trail(
            [make_sink(spec) for spec in self.settings.audit],
            app=self.app_name,
            privacy_key=key.reveal().encode()
            if key is not None and self.settings.audit_privacy == "hash"
            else None,
        )

    def _bare_refusal(self, exc: Exception) -> Respond:
        """What is left to say when not even a refusal can be made."""
        reason = Reason.INTERNAL_ERROR
        record = Record(decision="error", reason=reason, mode=self.settings.mode, error=type(exc).__name__)
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")]
        body = f"{reason.sentence}\n".encode()
        return Respond(
            status=500, record=record, headers=headers, body=body, close_code=1011, log=f"{reason}", cause=exc
        )

    def _forget_process(self) -> None:
        self._announced = False


_running: WeakSet[Runtime] = WeakSet()


def _say_stopped_at_exit(runtime: Runtime) -> None:
    if not _running:
        # INVARIANT: registered after the trail's own, so that it runs before the trail is closed.
        atexit.register(_end_all)
    _running.add(runtime)


def _end_all() -> None:
    for runtime in list(_running):
        runtime.end()


def build_runtime(
    app: object, overrides: SettingsOverrides | Mapping[str, object], environ: Mapping[str, str] | None = None
) -> Runtime:
    """The runtime for ``app`` from ``IDAWARE_*`` and keyword arguments. Raises ``ConfigurationError``."""
    environ = os.environ if environ is None else environ
    frozen = {name: value for name, value in environ.items() if name.startswith("IDAWARE_")}
    given: dict[str, Any] = dict(overrides)
    settings = Settings.from_env(frozen, given)
    policy = policy_for(settings, now=time.time())

    def reread(current: Settings) -> Settings:
        again = reread_secrets(current, frozen, given)
        for problem in again.problems:
            logger.error("a rotated secret is not taken up: %s", problem)
        return again.settings

    for warning in policy.warnings:
        logger.warning("policy: %s", warning)
    logger.setLevel(settings.log_level.upper())
    return Runtime(settings, policy, app_name=_module_of(app), reread=reread)


def policy_for(settings: Settings, *, now: float) -> Policy:
    """The policy that the settings name. Raises ``PolicyError`` with every problem, each with its place."""
    quirks = quirks_for(settings.issuer, settings.provider)
    context = PolicyContext(
        now=now,
        prefix=settings.prefix,
        multi_tenant=quirks.multi_tenant,
        email_verified_required=settings.email_verified == "required",
        hosted_domain_checked=quirks.hosted_domain,
        require_ids=settings.policy_require,
    )
    if settings.policy_file is None:
        return one_line_policy(
            groups=settings.allow_groups,
            email_domains=settings.allow_email_domains,
            emails=settings.allow_emails,
            signed_in=settings.allow_signed_in,
            context=context,
        )
    path = Path(settings.policy_file)
    try:
        if path.is_dir():
            files = sorted(entry for entry in path.glob("*.yaml") if not entry.name.startswith(".."))
            return load_policies([(str(file), file.read_bytes()) for file in files], context=context)
        return load_policy(path.read_bytes(), source=str(path), context=context)
    except OSError as exc:
        raise ConfigurationError([
            Problem("IDAWARE_POLICY_FILE", f"{settings.policy_file!r} cannot be read: {exc.strerror}")
        ]) from exc  # fmt: skip


def application_named(environ: Mapping[str, str]) -> Any:
    """The application that ``IDAWARE_APP`` (``module:attribute``) names. Raises ``ConfigurationError``."""
    return load_application(environ.get("IDAWARE_APP", ""), "IDAWARE_APP")


def load_application(name: str, where: str) -> Any:
    """Import ``module:attribute``; ``where`` is what to name in an error. Raises ``ConfigurationError``."""
    module_name, _, attribute = name.partition(":")
    if not module_name or not attribute:
        raise ConfigurationError(
            [Problem(where, f"holds {name!r}; expected module:attribute, such as billing.web:app")]
        )
    if "" not in sys.path:
        sys.path.insert(
            0, ""
        )  # as every server does: applications live in the directory they are started from
    try:
        found: Any = importlib.import_module(module_name)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as exc:
        raise ConfigurationError([Problem(where, f"{name!r} cannot be loaded: {exc}")]) from exc
    return found


def _module_of(app: object) -> str:
    """The name of an application that says none: the module it was made in."""
    owner = getattr(app, "__self__", app)
    named = getattr(owner, "import_name", None) or getattr(owner, "title", None)
    if isinstance(named, str) and named:
        return named
    return str(getattr(owner, "__module__", None) or type(owner).__module__)
