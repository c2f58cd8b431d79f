"""``Settings``: every setting as a typed value, and the way from the environment to it."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from typing import Literal

import msgspec

from idaware.errors import Problem, SettingsError
from idaware.settings.checks import contradictions
from idaware.settings.derive import fill_in
from idaware.settings.read import Draft, Environ, Overrides, ReadText, read, read_file, read_one
from idaware.settings.rows import SETTINGS
from idaware.settings.secret import Secret
from idaware.settings.web import Proxy, parse_address


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the reference page documents, under the same names; durations are in seconds.

    Made by ``Settings.from_env`` only, so that whoever holds one knows that nothing in it contradicts the rest.
    """

    mode: Literal["enforce", "off"]
    app: str | None
    app_name: str | None
    base_url: str
    """Without a trailing slash; scheme and host in lower case, no default port."""
    hosts: tuple[str, ...]
    """In lower case, ``host`` or ``host:port``, without the ports 80 and 443."""
    root_path: str
    prefix: str
    policy_file: str | None
    policy_require: tuple[str, ...]
    allow_groups: tuple[str, ...]
    allow_email_domains: tuple[str, ...]
    allow_emails: tuple[str, ...]
    allow_signed_in: bool
    issuer: str
    client_id: str
    client_secret: Secret | None
    client_auth: Literal["client_secret_basic", "client_secret_post", "private_key_jwt", "none"]
    client_key: Secret | None
    provider: str
    """One of ``provider_facts.FACTS``; ``generic`` when the issuer is none of them."""
    scopes: tuple[str, ...]
    response_mode: Literal["query", "form_post"]
    login_params: tuple[tuple[str, str], ...]
    allowed_algs: tuple[str, ...]
    trusted_audiences: tuple[str, ...]
    http_timeout: float
    ca_file: str | None
    user_claim: str
    email_claim: str
    name_claim: str
    groups_claim: str
    groups_format: Literal["list", "single", "comma", "space"]
    groups_absent: Literal["unknown", "empty"]
    email_verified: Literal["required", "ignored"]
    claims_from: tuple[str, ...]
    secret_keys: tuple[Secret, ...]
    """Newest first: the first signs, all verify."""
    cookie_name: str
    cookie_samesite: Literal["lax", "strict"]
    session_store: Literal["cookie"]
    session_max: int
    session_idle: int
    session_refresh: int
    session_stale: int
    logout_redirect: str | None
    logout_provider: bool
    trusted_proxies: tuple[Proxy, ...]
    trusted_origins: tuple[str, ...]
    """Without our own."""
    identity_headers: tuple[tuple[str, str], ...]
    strip_headers: tuple[str, ...]
    """Folded (``web.fold_header``); a ``*`` at the end stands for whatever begins so."""
    audit: tuple[str, ...]
    audit_format: Literal["native"]
    audit_privacy: Literal["plain", "hash"]
    audit_key: Secret | None
    contact: str | None
    request_access_url: str | None
    brand: str | None
    log_level: Literal["debug", "info", "warning", "error", "critical"]

    @classmethod
    def from_env(
        cls, environ: Environ, overrides: Overrides | None = None, *, read_text: ReadText = read_file
    ) -> Settings:
        """Read the settings from ``environ``; ``overrides`` are keyword arguments, which beat it.

        ``read_text`` reads the files of secrets. An override that is ``None`` counts as not given.
        Raises ``SettingsError`` with every problem there is; no message holds a secret.
        """
        draft = read(environ, overrides or {}, read_text)
        fill_in(draft.values)
        problems = [*draft.problems, *contradictions(draft)]
        if problems:
            raise SettingsError(problems)
        return cls(**{field.name: draft.values[field.name] for field in dataclasses.fields(cls)})

    @property
    def secure(self) -> bool:
        """Whether the base URL is https, and cookies are ``Secure``."""
        return self.base_url.startswith("https:")

    @property
    def origin(self) -> str:
        """Scheme, host and port of the base URL (RFC 6454)."""
        return parse_address(self.base_url).origin

    @property
    def base_path(self) -> str:
        """The path of the base URL; empty when it has none."""
        return parse_address(self.base_url).path

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends people back to; this has to be registered there."""
        return self.url(f"{self.prefix}/callback")

    def url(self, path: str) -> str:
        """The public address of ``path`` (security rule 10: out of the base URL, never out of a request)."""
        return self.base_url + path

    @property
    def digest(self) -> str:
        """The first 12 hex digits of SHA-256 over all values but the secrets: same digest, same settings."""
        values = {s.name: getattr(self, s.name) for s in SETTINGS if not s.later and not s.secret}
        encoded = msgspec.json.encode(values, order="sorted", enc_hook=str)
        return hashlib.sha256(encoded).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Reread:
    """Settings after their secrets were read again.

    ``settings`` is the very same object when nothing changed; a secret that is wrong now keeps its old
    value, and ``problems`` says what is wrong with the new one.
    """

    settings: Settings
    problems: tuple[Problem, ...] = ()


def reread_secrets(
    settings: Settings,
    environ: Environ,
    overrides: Overrides | None = None,
    *,
    read_text: ReadText = read_file,
) -> Reread:
    """Read all secrets again, from where they came (``environ`` and ``overrides`` as at the start)."""
    draft = Draft()
    for setting in SETTINGS:
        if setting.secret:
            read_one(setting, environ, overrides or {}, read_text, draft)
    used = {name: new for name, new in draft.values.items() if getattr(settings, name)}
    draft.problems += [Problem(draft.where(name), "is gone") for name, new in used.items() if not new]
    changed = {name: new for name, new in used.items() if new and new != getattr(settings, name)}
    fresh = dataclasses.replace(settings, **changed) if changed else settings
    return Reread(fresh, tuple(draft.problems))
