"""What ``idaware check`` looks at, one area a function; each yields findings and raises nothing.

The order is that of a start: settings, policy, audit, application, provider. What depends on something that failed is
left out.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from idaware.assembly import load_application, policy_for
from idaware.audit.sinks import make_sink
from idaware.effects import FetchJson
from idaware.errors import ConfigurationError, ProviderError
from idaware.identity import LEEWAY_SECONDS
from idaware.io.blocking import BlockingHttp, BlockingPorts
from idaware.io.clients import Outbound, failures, fault_of
from idaware.io.drivers import run_blocking
from idaware.oidc.discovery import Metadata, discovery_url
from idaware.oidc.protocol import authorization_url, token_request
from idaware.oidc.provider import Provider
from idaware.oidc.providers import quirks_for
from idaware.outermost import outside_the_gate
from idaware.session.keys import KeyRing
from idaware.settings import Settings

if TYPE_CHECKING:
    from idaware.policy.policy import Policy

Level: TypeAlias = Literal["ok", "note", "warning", "error"]

MIN_FREE_BYTES = 64 << 20
"""Less room than this on the disk of an audit file is an error: about 60,000 records."""

CLOCK_SECONDS = 10
"""A clock further off than this is worth a warning; tokens allow ``LEEWAY_SECONDS``."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``todo``: what to do about it, empty where there is nothing to do."""

    area: str
    level: Level
    message: str
    todo: str = ""


def all_findings(
    environ: Mapping[str, str], *, now: float, offline: bool, app: str | None
) -> Iterator[Finding]:
    """Everything; ``now`` in UTC epoch seconds. ``offline``: without the provider. ``app``: ``module:app``."""
    try:
        settings = Settings.from_env({k: v for k, v in environ.items() if k.startswith("IDAWARE_")})
    except ConfigurationError as exc:
        yield from (Finding("settings", "error", str(problem)) for problem in exc.problems)
        return
    yield Finding("settings", "ok", f"{settings.client_id} at {settings.issuer}, settings {settings.digest}")
    yield from address_findings(settings)
    yield from session_findings(settings)
    yield from client_key_findings(settings)
    yield from policy_findings(settings, now)
    yield from audit_findings(settings)
    if app is not None:
        yield from application_findings(app)
    if not offline:
        yield from provider_findings(settings)


def address_findings(settings: Settings) -> Iterator[Finding]:
    """Where people find the application, and what has to be registered for it."""
    yield Finding(
        "base URL",
        "ok",
        f"{settings.base_url}; register {settings.redirect_uri} as redirect URI at the provider",
    )
    if settings.secure:
        yield Finding(
            "cookie", "ok", f"{settings.cookie_name} (Secure, HttpOnly, SameSite={settings.cookie_samesite})"
        )
    else:
        yield Finding(
            "cookie", "note", f"{settings.cookie_name}, without Secure: plain http is for this machine only"
        )
    if settings.mode == "off":
        yield Finding(
            "mode",
            "warning",
            "off: nothing is protected",
            "unset IDAWARE_MODE anywhere but on your own machine",
        )
    wide = [proxy for proxy in settings.trusted_proxies if proxy != "unix" and proxy in _EVERYBODY]
    if wide:
        yield Finding(
            "proxies", "warning", "IDAWARE_TRUSTED_PROXIES trusts everybody: clients choose the address in records",
            "name the addresses of your proxies",
        )  # fmt: skip


_EVERYBODY = (ip_network("0.0.0.0/0"), ip_network("::/0"))


def session_findings(settings: Settings) -> Iterator[Finding]:
    """What is promised about sessions, and what the store cannot do."""
    yield Finding(
        "sessions",
        "ok",
        f"claims are never older than {_span(settings.session_stale)}; idle end {_span(settings.session_idle)}, "
        f"hard end {_span(settings.session_max)}",
    )
    ring = KeyRing(settings.secret_keys, settings.issuer, settings.client_id, settings.base_url)
    yield Finding(
        "sessions",
        "ok",
        f"{len(settings.secret_keys)} key(s), key set {ring.generation}: all replicas have to show the same",
    )
    yield Finding(
        "sessions",
        "note",
        f"store 'cookie': a single session cannot be revoked before {_span(settings.session_stale)}; a person who is "
        "disabled at the provider is out within that time",
    )
    yield Finding(
        "sessions",
        "note",
        "on WebSockets alone nothing counts as activity: the idle end needs an HTTP answer",
    )


def policy_findings(settings: Settings, now: float) -> Iterator[Finding]:
    """Whether the policy loads, and what it warns of."""
    try:
        policy = policy_for(settings, now=now)
    except ConfigurationError as exc:
        yield from (
            Finding("policy", "error", str(problem), "nothing of this policy is in force")
            for problem in exc.problems
        )
        return
    yield Finding("policy", "ok", f"{len(policy.rules)} rules, version {policy.version}")
    for warning in policy.warnings:
        yield Finding("policy", "warning", warning, "review the rule and set a new date")
    yield from _open_rules(policy)


def _open_rules(policy: Policy) -> Iterator[Finding]:
    unsafe = {"POST", "PUT", "PATCH", "DELETE"}
    for rule in policy.rules:
        if rule.public and (not rule.methods or unsafe.intersection(rule.methods)):
            patterns = ", ".join(pattern.text for pattern in rule.patterns)
            yield Finding("policy", "note", f"rule {rule.id} lets anybody change things at {patterns}")


def audit_findings(settings: Settings) -> Iterator[Finding]:
    """Whether records can be written where they are to go."""
    for spec in settings.audit:
        if not spec.startswith("file:"):
            yield Finding("audit", "ok", spec)
            continue
        sink = make_sink(spec)
        try:
            sink.write([])
            with Path(spec.removeprefix("file:")).open("ab"):
                pass
        except OSError as exc:
            yield Finding(
                "audit", "error", f"{spec} cannot be written: {exc.strerror}",
                "create the directory, give the application's user the right to write, make room",
            )  # fmt: skip
        else:
            yield room_finding(spec, _free_bytes(Path(spec.removeprefix("file:"))))
        finally:
            sink.close()


def room_finding(spec: str, free_bytes: int) -> Finding:
    """Whether there is room for records: a full disk takes an empty write without complaint."""
    if free_bytes < MIN_FREE_BYTES:
        return Finding(
            "audit", "error", f"{spec} can be written, but only {free_bytes >> 20} MB are free on its disk",
            "make room: records wait in memory, 10,000 at most, and what does not fit is lost",
        )  # fmt: skip
    return Finding("audit", "ok", f"{spec} can be written")


def _free_bytes(path: Path) -> int:
    disk = os.statvfs(path)
    return disk.f_bavail * disk.f_frsize


def application_findings(name: str) -> Iterator[Finding]:
    """What answers before the gate in an application."""
    try:
        app = load_application(name, "--app")
    except ConfigurationError as exc:
        yield from (Finding("application", "error", str(problem)) for problem in exc.problems)
        return
    outside = outside_the_gate(app)
    if outside is None:
        yield Finding("application", "note", f"{name}: what stands outside the gate cannot be seen from here")
    elif not outside:
        yield Finding("application", "ok", f"{name}: nothing answers before the gate")
    for middleware in outside or ():
        yield Finding(
            "application",
            "warning",
            f"{middleware} answers before the gate",
            "add IdentityMiddleware last (outermost)",
        )


# -- the provider ----------------------------------------------------------------------------------------------


def provider_findings(settings: Settings) -> Iterator[Finding]:
    """Discovery, keys, clock, and whether our registration at the provider works."""
    provider = Provider(settings, quirks_for(settings.issuer, settings.provider))
    http = BlockingHttp(settings.http_timeout, ca_file=settings.ca_file)
    ports = BlockingPorts(http, lambda _limit: b"")
    try:
        metadata = run_blocking(provider.metadata(time.time()), ports)
    except ProviderError as exc:
        yield Finding(
            "provider", "error", str(exc),
            "people who are signed in go on; nobody new can sign in until this is mended (see docs/how-to/bad-days.md)",
        )  # fmt: skip
        return
    yield Finding(
        "provider", "ok", f"{discovery_url(settings.issuer)} answers, its issuer is ours byte for byte"
    )
    yield from announced_findings(settings, metadata)
    yield from _key_findings(provider, ports)
    yield from _clock_findings(settings, http)
    yield from _secret_findings(settings, metadata, ports)
    yield from _redirect_findings(settings, metadata)


def announced_findings(settings: Settings, metadata: Metadata) -> Iterator[Finding]:
    """What the provider announces, against what we are going to ask. Silence proves nothing."""
    expected: Iterable[tuple[str, str, set[str], str]] = (
        ("code_challenge_methods_supported", "PKCE", {"S256"}, "S256 is always sent; ask the provider to verify it"),
        ("scopes_supported", "scopes", set(settings.scopes), "correct IDAWARE_SCOPES"),
        (
            "token_endpoint_auth_methods_supported",
            "client authentication",
            {settings.client_auth},
            "correct IDAWARE_CLIENT_AUTH",
        ),
        ("response_modes_supported", "response mode", {settings.response_mode}, "correct IDAWARE_RESPONSE_MODE"),
    )  # fmt: skip
    for name, area, wanted, todo in expected:
        announced = metadata.announced.get(name)
        missing = sorted(wanted.difference(announced)) if announced else []
        if missing:
            yield Finding("provider", "warning", f"{area}: {', '.join(missing)} is not announced", todo)
    algs = metadata.announced.get("id_token_signing_alg_values_supported")
    if algs and not set(algs).intersection(settings.allowed_algs):
        yield Finding(
            "provider", "error", f"it signs with {', '.join(algs)}, IDAWARE_ALLOWED_ALGS has none of these",
            "add one that is asymmetric",
        )  # fmt: skip
    if settings.logout_provider and metadata.end_session_endpoint is None:
        yield Finding("provider", "note", "no end_session_endpoint: signing out ends the session here only")
    if settings.groups_claim not in metadata.announced.get("claims_supported", (settings.groups_claim,)):
        quirks = quirks_for(settings.issuer, settings.provider)
        yield Finding(
            "provider", "note", f"claim {settings.groups_claim!r} is not announced", quirks.groups_hint
        )


def _key_findings(provider: Provider, ports: BlockingPorts) -> Iterator[Finding]:
    try:
        run_blocking(provider.key_set(time.time()), ports)
    except ProviderError as exc:
        yield Finding("keys", "error", str(exc), "no ID token can be verified until this is mended")
        return
    yield Finding("keys", "ok", "the provider's keys can be read")


def _clock_findings(settings: Settings, http: BlockingHttp) -> Iterator[Finding]:
    try:
        date = http.fetch_json(FetchJson(discovery_url(settings.issuer))).date
    except ProviderError:
        return
    if date is None:
        yield Finding("clock", "note", "the provider does not say its time")
        return
    off = date - time.time()
    if abs(off) <= CLOCK_SECONDS:
        yield Finding("clock", "ok", "agrees with the provider's")
    else:
        ahead = "ahead of" if off > 0 else "behind"
        yield Finding(
            "clock",
            "error" if abs(off) > LEEWAY_SECONDS else "warning",
            f"the provider's is {abs(off):.0f} s {ahead} ours",
            f"start time synchronisation on both machines; sign-ins fail beyond {LEEWAY_SECONDS} s",
        )


def client_key_findings(settings: Settings) -> Iterator[Finding]:
    """With ``private_key_jwt``, where the public half of our key is: the provider needs it."""
    if settings.client_key is not None:
        yield Finding("client", "ok", f"register our public key: {settings.url(settings.prefix)}/jwks.json")


def _secret_findings(settings: Settings, metadata: Metadata, ports: BlockingPorts) -> Iterator[Finding]:
    """Ask for a token with a code that nobody issued: the provider says whether it knows *us*."""
    request = token_request(
        metadata,
        settings,
        code="idaware-check",
        code_verifier="idaware-check-" * 4,
        now=time.time(),
        token=secrets.token_urlsafe,
    )
    try:
        answer = ports.post_form(request)
    except ProviderError as exc:
        yield Finding(
            "client", "warning", f"the token endpoint: {exc}", "nobody new can sign in until it answers"
        )
        return
    error = answer.body.get("error") if isinstance(answer.body, dict) else None
    if error == "invalid_grant":
        yield Finding("client", "ok", "the provider accepts our client authentication")
    elif error in ("invalid_client", "unauthorized_client") or answer.status in (401, 403):
        yield Finding(
            "client", "error", f"the provider refuses our client authentication ({error or answer.status})",
            "check IDAWARE_CLIENT_ID, IDAWARE_CLIENT_SECRET (or _CLIENT_KEY) and IDAWARE_CLIENT_AUTH",
        )  # fmt: skip
    else:
        yield Finding(
            "client",
            "note",
            f"the token endpoint answered {answer.status} {error or ''}: nothing to be learned",
        )


def _redirect_findings(settings: Settings, metadata: Metadata) -> Iterator[Finding]:
    """Start a silent sign-in without a session: only a provider that knows our redirect URI sends us back there."""
    import httpx2

    url = authorization_url(
        metadata,
        settings,
        state="idaware-check",
        nonce="idaware-check",
        code_verifier="idaware-check-" * 4,
        prompt="none",
    )
    outbound = Outbound(settings.http_timeout, ca_file=settings.ca_file)
    try:
        with httpx2.Client(**outbound.options()) as client:
            answer = client.get(url)
    except failures() as exc:
        yield Finding("redirect URI", "note", f"the authorization endpoint: {fault_of(url, exc)}")
        return
    location = answer.headers.get("location", "")
    if location.startswith(settings.redirect_uri):
        yield Finding("redirect URI", "ok", "is registered at the provider")
    elif settings.redirect_uri in answer.text and answer.status_code == 200:
        yield Finding("redirect URI", "ok", "is registered at the provider (form_post)")
    elif answer.status_code >= 400:
        yield Finding(
            "redirect URI", "error", f"the provider answered {answer.status_code} instead of coming back",
            f"register {settings.redirect_uri} for client {settings.client_id}, byte for byte",
        )  # fmt: skip
    else:
        yield Finding(
            "redirect URI", "note", f"the provider answered {answer.status_code}: nothing to be learned"
        )


def _span(seconds: int) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
