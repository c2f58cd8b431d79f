"""Every setting there is. One row says everything about it; nothing else in the package repeats it.

The rows about signing in are next door, in ``rows_login.py``. The order is that of the reference page and of the
problems in an error. What contradicts what stands in ``checks.py``, what follows from others in ``derive.py``.
"""

from __future__ import annotations

from typing import Final

from idaware.settings import kinds, web
from idaware.settings.kinds import BOOLEAN, DURATION, matching, one_of, text
from idaware.settings.rows_login import CLAIMS, PROVIDER, SESSIONS
from idaware.settings.table import Section, Setting

_WORDS: Final = text("text")
_FILE: Final = text("a path")

_APPLICATION: Final = (
    Setting(
        name="mode",
        kind=one_of("enforce", "off", later=("shadow",)),
        section="Application",
        default="enforce",
        meaning="`enforce`: the policy decides. `off`: nothing is decided, loudly; for a loopback base "
        "URL only.",
    ),
    Setting(
        name="app",
        kind=text("`module:app`", r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*"),
        section="Application",
        meaning="The application behind `idaware.asgi:app` and `idaware.wsgi:app`.",
        keyword=False,  # the middleware's first argument has this name, and is the application itself
    ),
    Setting(
        name="app_name",
        kind=_WORDS,
        section="Application",
        default_note="`app:` of the policy, else the module's name",
        meaning="The application's name in audit records.",
    ),
    Setting(
        name="base_url",
        kind=web.BASE_URL,
        section="Application",
        required=True,
        meaning="The public address, with the external path prefix if there is one. Used to build "
        "addresses; what a request claims about its host is never used for that.",
    ),
    Setting(
        name="hosts",
        kind=web.HOSTS,
        section="Application",
        default_note="the host of the base URL",
        meaning="Accepted `Host` values; others are answered 421. The host of the base URL must be one of "
        "them.",
    ),
    Setting(
        name="root_path",
        kind=web.ROOT_PATH,
        section="Application",
        meaning="The mount prefix that the server or the parent application takes off. Anything else is "
        "refused.",
    ),
    Setting(
        name="prefix",
        kind=web.PREFIX,
        section="Application",
        default="/_idaware",
        meaning="Where the endpoints of idaware are (`login`, `callback`, `logout`, `me`, …).",
    ),
)

_POLICY: Final = (
    Setting(
        name="policy_file",
        kind=_FILE,
        section="Who may come in",
        meaning="The policy: a YAML file, or a directory of them. This or a one-line policy has to be there.",
    ),
    Setting(
        name="policy_require",
        kind=matching("rule ids", r"[a-z0-9-]+"),
        section="Who may come in",
        meaning="Rules that must be in the policy, so that no team can drop one of the organisation's.",
    ),
    Setting(
        name="allow_groups",
        kind=matching("group names as they are in the token", r".+"),
        section="Who may come in",
        meaning="One-line policy: members of any of these groups.",
    ),
    Setting(
        name="allow_email_domains",
        kind=matching("domains such as `corp.example`", r"[^@\s/:]+\.[^@\s/:]+"),
        section="Who may come in",
        meaning="One-line policy: people whose verified e-mail address is in any of these domains.",
    ),
    Setting(
        name="allow_emails",
        kind=matching("e-mail addresses", r"[^@\s]+@[^@\s]+"),
        section="Who may come in",
        meaning="One-line policy: people with any of these verified e-mail addresses.",
    ),
    Setting(
        name="allow_signed_in",
        kind=BOOLEAN,
        section="Who may come in",
        default="false",
        meaning="One-line policy: everybody who can sign in. Refused at issuers where anybody can "
        "(Google, GitLab.com, Entra's common endpoints).",
    ),
)

_REQUESTS: Final = (
    Setting(
        name="trusted_proxies",
        kind=web.PROXIES,
        section="Requests",
        meaning="Whose forwarded headers count. None by default; `unix` stands for a socket file.",
    ),
    Setting(
        name="trusted_origins",
        kind=web.ORIGINS,
        section="Requests",
        meaning="Origins, beside our own, for WebSockets and for unsafe methods on a cookie session.",
    ),
    Setting(
        name="identity_headers",
        kind=web.IDENTITY_HEADERS,
        section="Requests",
        meaning="Headers for applications that read them: "
        "`X-Forwarded-User={email},X-Forwarded-Groups={groups}`. The same names are stripped from "
        "what comes in.",
    ),
    Setting(
        name="strip_headers",
        kind=web.STRIP,
        section="Requests",
        default="default",
        meaning="Inbound identity headers that never reach the application, in every spelling. A list "
        "replaces the shipped one, unless `default` is a member of it. "
        f"Shipped: {', '.join(f'`{name}`' for name in web.STRIPPED_BY_DEFAULT)}.",
    ),
)

_AUDIT: Final = (
    Setting(
        name="audit",
        kind=web.SINKS,
        section="Audit",
        default="stdout",
        meaning="Where audit records go.",
    ),
    Setting(
        name="audit_format",
        kind=one_of("native", later=("ocsf", "ecs")),
        section="Audit",
        default="native",
        meaning="How audit records are written.",
    ),
    Setting(
        name="audit_privacy",
        kind=one_of("plain", "hash"),
        section="Audit",
        default="plain",
        meaning="`hash`: principal, e-mail and name are hashed under `AUDIT_KEY`, the same on all replicas.",
    ),
    Setting(name="audit_key", kind=kinds.KEY, section="Audit", meaning="The key of `AUDIT_PRIVACY=hash`."),
)

_PAGES: Final = (
    Setting(
        name="contact",
        kind=_WORDS,
        section="Pages and operation",
        meaning="Whom to ask, on pages that refuse somebody.",
    ),
    Setting(
        name="request_access_url",
        kind=web.LINK,
        section="Pages and operation",
        meaning="Where access is asked for, on pages that refuse somebody.",
    ),
    Setting(
        name="brand", kind=_WORDS, section="Pages and operation", meaning="The name at the head of our pages."
    ),
    Setting(
        name="log_level",
        kind=one_of("debug", "info", "warning", "error", "critical"),
        section="Pages and operation",
        default="info",
        meaning="How much idaware logs.",
    ),
)


def _later(name: str, meaning: str, kind: kinds.Kind = _WORDS, default: str = "") -> Setting:
    section: Section = "Later releases"
    return Setting(name=name, kind=kind, section=section, meaning=meaning, default=default, later=True)


_LATER: Final = (
    _later("shadow_until", "When `MODE=shadow` ends."),
    _later("workload_token_file", "The token for `CLIENT_AUTH=workload_token`."),
    _later("session_grace", "How long a provider that is down is bridged.", DURATION, "5m"),
    _later("session_refresh_on_error", "What follows then.", one_of("reauth", "deny", "keep"), "reauth"),
    _later("jwt_issuers", "Issuers whose bearer tokens count."),
    _later("kubernetes", "A cluster whose service accounts count."),
    _later("kubernetes_audiences", "Audiences of their tokens."),
    _later("introspection", "Opaque bearer tokens.", BOOLEAN, "false"),
    _later("assertions", "Signed assertions of other front doors."),
    _later("close_streams", "End live connections with their session.", BOOLEAN, "true"),
    _later("ssf_issuer", "Shared signals: the transmitter."),
    _later("ssf_audience", "Shared signals: our name there."),
    _later("gtr_issuer", "Global Token Revocation: who may revoke."),
    _later("audit_fail", "`closed`: no record, no request.", one_of("open", "closed"), "open"),
    _later("audit_chain", "Records linked and signed.", BOOLEAN, "false"),
    _later("legacy_htpasswd", "The old way in, by password file."),
    _later("legacy_user_header", "The old way in, by a proxy's header."),
    _later("legacy_networks", "Names for networks of the old way in."),
    _later("legacy_until", "When the old way in ends."),
    _later("metrics", "`PREFIX/metrics`.", BOOLEAN, "false"),
)

SETTINGS: Final[tuple[Setting, ...]] = (
    _APPLICATION + _POLICY + PROVIDER + CLAIMS + SESSIONS + _REQUESTS + _AUDIT + _PAGES + _LATER
)
"""The table. A test holds ``model.Settings`` and ``overrides.SettingsOverrides`` against it."""
