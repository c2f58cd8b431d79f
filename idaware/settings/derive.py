"""Defaults that follow from other settings. What they follow from may be missing: then so are they."""

from __future__ import annotations

import hashlib
from typing import Any, Final

from idaware.provider_facts import recognise
from idaware.settings.web import HOSTS, parse_address

HOST_ONLY: Final = "__Host-"
"""Cookies of this prefix come over https only, from this very host, for all paths (RFC 6265bis 4.1.3.2)."""


_DERIVED: Final = ("provider", "cookie_name", "session_idle", "session_stale", "session_refresh")


def fill_in(values: dict[str, Any]) -> None:
    """Give every derived setting that nobody set its value, in place."""
    _lifetimes(values)
    if "issuer" in values and values.get("provider", "") is None:
        values["provider"] = recognise(values["issuer"])
    if "base_url" in values:
        _from_base_url(values)
    for name in _DERIVED:  # what could not be derived counts as not read: no check looks at it
        if name in values and values[name] is None:
            del values[name]


def _lifetimes(values: dict[str, Any]) -> None:
    longest = values.get("session_max")
    if longest is None:
        return
    for name in ("session_idle", "session_stale"):
        if values.get(name, 0) is None:
            values[name] = min(3600, longest)
    if values.get("session_refresh", 0) is None and "session_stale" in values:
        values["session_refresh"] = max(1, min(900, values["session_stale"] // 4))


def _from_base_url(values: dict[str, Any]) -> None:
    base = parse_address(values["base_url"])
    if values.get("hosts") == ():
        values["hosts"] = HOSTS.read(base.netloc)
    if "trusted_origins" in values:
        values["trusted_origins"] = tuple(o for o in values["trusted_origins"] if o != base.origin)
    if values.get("cookie_name", "") is None and "client_id" in values:
        values["cookie_name"] = _cookie_name(values["client_id"], values["base_url"], base.scheme)


def _cookie_name(client_id: str, base_url: str, scheme: str) -> str:
    tag = hashlib.sha256(f"{client_id}\n{base_url}".encode()).hexdigest()[:8]
    return f"{HOST_ONLY if scheme == 'https' else ''}idaware-{tag}"
