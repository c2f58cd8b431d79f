"""From a person to the cookies of a real session, by the same steps as a sign-in, without a provider."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from idaware.assembly import Runtime
from idaware.identity import Json
from idaware.oidc.claims import read_person
from idaware.oidc.login_session import session_of
from idaware.oidc.login_state import VERSION, LoginState
from idaware.session.cookie import CookieCodec
from idaware.session.keys import KeyRing
from idaware.session.record import Cut
from idaware.settings import Settings


def session_cookies(
    runtime: Runtime, claims: Mapping[str, Json], auth_age: float | timedelta
) -> tuple[str, ...]:
    """``Set-Cookie`` texts for a person with these ID-token claims, who signed in ``auth_age`` (seconds) ago."""
    settings, now = runtime.settings, time.time()
    age_seconds = auth_age.total_seconds() if isinstance(auth_age, timedelta) else auth_age
    person = read_person(
        {"auth_time": int(now - age_seconds), **claims},
        None,
        settings=settings,
        quirks=runtime.provider.quirks,
        wanted=runtime.policy.wanted,
        userinfo_offered=False,
    )
    login = LoginState(v=VERSION, state="", created=int(now), key="", kind="login", next="/")
    session = session_of(
        person,
        login,
        session_id=secrets.token_urlsafe(18),
        cut=Cut.of(runtime.policy.wanted),
        session_max=settings.session_max,
        now=now,
    )
    return _codec(settings).sign_in_cookies(session, now)


def session_cookie_names(settings: Settings) -> tuple[str, ...]:
    """The names of the cookies that a session consists of."""
    codec = _codec(settings)
    return (codec.session_name, codec.activity_name, codec.signed_out_name)


def claims_of(
    settings: Settings,
    *,
    groups: Iterable[str] | None,
    sub: str,
    email: str | None,
    email_verified: bool,
    name: str | None,
    claims: Mapping[str, Any],
    acr: str | None,
    amr: Iterable[str],
) -> dict[str, Json]:
    """The claims of an ID token, as a provider would write them for the application's settings."""
    if isinstance(groups, str):
        raise TypeError(f"groups is the text {groups!r}; expected a list of group names")
    found: dict[str, Json] = {"sub": sub, "amr": [*amr]}
    if acr is not None:
        found["acr"] = acr
    if groups is not None:
        found[settings.groups_claim] = _as_configured([*groups], settings.groups_format)
    if email is not None:
        found |= {"email": email, settings.email_claim: email, "email_verified": email_verified}
    if name is not None:
        found[settings.name_claim] = name
    return {**found, **claims}


def _as_configured(groups: list[str], groups_format: str) -> Json:
    if groups_format == "list":
        return [*groups]
    if groups_format == "single" and len(groups) > 1:
        raise ValueError("IDAWARE_GROUPS_FORMAT=single: a person has one group at most")
    return (" " if groups_format == "space" else ",").join(groups)


def _codec(settings: Settings) -> CookieCodec:
    ring = KeyRing(settings.secret_keys, settings.issuer, settings.client_id, settings.base_url)
    return CookieCodec(ring, settings)
