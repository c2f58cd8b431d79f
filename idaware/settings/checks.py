"""What contradicts what (security rule 30: a setting that is not used, or contradicted by another, stops the start).

Each check names the settings that it looks at, and is skipped where one of them could not be read: a wrong
value is one problem, not three.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from idaware.errors import Problem
from idaware.provider_facts import GENERIC, is_multi_tenant, recognise_host
from idaware.settings.derive import HOST_ONLY
from idaware.settings.read import Draft
from idaware.settings.web import HOSTS, parse_address

MIN_IDLE_SECONDS: Final = 120
"""Activity is noted once a minute, so a shorter idle time would end sessions of people who are busy."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check: it runs when all of ``names`` could be read, and yields ``(name, message)``."""

    names: tuple[str, ...]
    find: Callable[[Mapping[str, Any]], Iterator[tuple[str, str]]]


CHECKS: Final[list[Check]] = []


def _check(
    *names: str,
) -> Callable[[Callable[[Mapping[str, Any]], Iterator[tuple[str, str]]]], None]:
    def register(find: Callable[[Mapping[str, Any]], Iterator[tuple[str, str]]]) -> None:
        CHECKS.append(Check(names, find))

    return register


def contradictions(draft: Draft) -> Iterator[Problem]:
    """Every contradiction between settings that could be read."""
    for check in CHECKS:
        if all(name in draft.values for name in check.names):
            for name, message in check.find(draft.values):
                yield Problem(draft.where(name), message)


_NOBODY_MAY_COME_IN: Final = (
    "is missing, and so is every IDAWARE_ALLOW_*; expected a policy file, or a one-line policy such as "
    "IDAWARE_ALLOW_GROUPS=sre,finance"
)
_NO_FORM_POST: Final = (
    "holds 'form_post', which needs an https base URL: what a page of the provider posts here brings "
    "SameSite=None cookies only, and browsers keep those only when they are Secure; expected 'query'"
)
_ONE_LINE: Final = ("allow_groups", "allow_email_domains", "allow_emails", "allow_signed_in")


@_check("policy_file", "policy_require", *_ONE_LINE)
def _policy(v: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    one_line = [name for name in _ONE_LINE if v[name]]
    if not one_line and v["policy_file"] is None:
        # "Who may come in" has no default (security rule 28).
        yield "policy_file", _NOBODY_MAY_COME_IN
    if one_line and v["policy_file"] is not None:
        yield (
            one_line[0],
            "contradicts IDAWARE_POLICY_FILE; expected one of them: move it into the policy file",
        )
    if v["allow_signed_in"] and len(one_line) > 1:
        yield (
            "allow_signed_in",
            "lets everybody in whom the other IDAWARE_ALLOW_* name; expected it alone, or not",
        )
    if v["policy_require"] and v["policy_file"] is None:
        yield "policy_require", "is of no use without IDAWARE_POLICY_FILE"


@_check("issuer", "provider", "allow_signed_in", "email_verified")
def _shared_issuer(v: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not is_multi_tenant(v["issuer"], v["provider"]):
        return
    if v["allow_signed_in"]:
        yield (
            "allow_signed_in",
            "is true, but anybody can sign in at this issuer; expected groups, domains or addresses",
        )
    if v["email_verified"] == "ignored":
        yield (
            "email_verified",
            "is 'ignored', but anybody can sign in at this issuer with any address; expected 'required'",
        )


@_check("issuer", "provider")
def _provider(v: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    found = recognise_host(v["issuer"])
    if found not in (GENERIC, v["provider"]):
        yield (
            "provider",
            f"holds '{v['provider']}', but the issuer is one of {found}; expected '{found}', or none",
        )


@_check("client_auth", "client_secret", "client_key")
def _client_authentication(v: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    method = v["client_auth"]
    wanted = {
        "client_secret_basic": "client_secret",
        "client_secret_post": "client_secret",
        "private_key_jwt": "client_key",
    }.get(method)
    if wanted is not None and v[wanted] is None:
        other = "" if wanted == "client_key" else "; a public client has IDAWARE_CLIENT_AUTH=none"
        yield wanted, f"is missing; IDAWARE_CLIENT_AUTH={method} needs it (or its _FILE){other}"
    for name in ("client_secret", "client_key"):
        if v[name] is not None and name != wanted:
            yield name, f"is not used with IDAWARE_CLIENT_AUTH={method}; leave it out, or change the other"


@_check("client_secret", "secret_keys")
def _one_secret_for_two(v: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Whoever runs the provider, or can read its clients, could make sessions here."""
    if v["client_secret"] is not None and v["client_secret"] in v["secret_keys"]:
        yield "secret_keys", "holds the client secret, which the provider knows too; expected keys of its own"


@_check("session_max", "session_idle", "session_refresh", "session_stale")
def _lifetimes(v: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    longest, idle = v["session_max"], v["session_idle"]
    refresh, stale = v["session_refresh"], v["session_stale"]
    if longest < MIN_IDLE_SECONDS:
        yield "session_max", f"is {longest}s; expected {MIN_IDLE_SECONDS}s or more"
    elif idle < MIN_IDLE_SECONDS:
        yield (
            "session_idle",
            f"is {idle}s; expected {MIN_IDLE_SECONDS}s or more: activity is noted once a minute",
        )
    if idle > longest:
        yield "session_idle", f"is {idle}s, longer than IDAWARE_SESSION_MAX, {longest}s"
    if stale > longest:
        yield "session_stale", f"is {stale}s, longer than IDAWARE_SESSION_MAX, {longest}s"
    if refresh >= stale:
        yield "session_refresh", f"is {refresh}s; expected less than IDAWARE_SESSION_STALE, {stale}s"


@_check("mode", "base_url")
def _mode(v: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if v["mode"] == "off" and not parse_address(v["base_url"]).loopback:
        yield "mode", "holds 'off', which is for a loopback IDAWARE_BASE_URL only; expected 'enforce'"


@_check("response_mode", "base_url")
def _response_mode(v: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if v["response_mode"] == "form_post" and not v["base_url"].startswith("https:"):
        yield (
            "response_mode",
            _NO_FORM_POST,
        )


@_check("cookie_name", "base_url")
def _cookie_name(v: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    name, secure = v["cookie_name"], v["base_url"].startswith("https:")
    if secure and not name.startswith(HOST_ONLY):  # security rule 22
        yield "cookie_name", f"holds '{name}'; over https it must begin with {HOST_ONLY}"
    if not secure and name.lower().startswith(("__host-", "__secure-")):
        yield "cookie_name", f"holds '{name}'; over plain http no browser keeps a cookie of that prefix"


@_check("hosts", "base_url")
def _hosts(v: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    own = HOSTS.read(parse_address(v["base_url"]).netloc)
    assert isinstance(own, tuple)
    if own[0] not in v["hosts"]:
        yield "hosts", f"lacks '{own[0]}', the host of IDAWARE_BASE_URL, where people are sent to"


@_check("audit_privacy", "audit_key")
def _audit_key(v: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    hashed = v["audit_privacy"] == "hash"
    if hashed and v["audit_key"] is None:
        yield "audit_key", "is missing; IDAWARE_AUDIT_PRIVACY=hash needs it (or its _FILE)"
    if not hashed and v["audit_key"] is not None:
        yield "audit_key", "is of no use without IDAWARE_AUDIT_PRIVACY=hash"


@_check("scopes")
def _scopes(v: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "openid" not in v["scopes"]:
        yield "scopes", "lacks 'openid', without which there is no ID token (OpenID Connect Core 3.1.2.1)"
