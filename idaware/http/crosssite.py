"""Requests that another site made a browser send (security rules 8 and 27).

Origins are compared whole, byte for byte, as browsers serialise them (RFC 6454 section 6.2): scheme and host
in lower case, no default port, no slash. ``null`` is nobody's.
"""

from __future__ import annotations

from idaware.http.methods import SAFE_METHODS

OWN_SITE = frozenset({"same-origin", "none"})
"""What ``Sec-Fetch-Site`` says of a request that no other site caused."""


def cross_site(
    method: str, sec_fetch_site: str | None, origin: str | None, own_origins: frozenset[str]
) -> bool:
    """Whether an unsafe request comes from another site, so that it must not ride on a session (security rule 27).

    ``Sec-Fetch-Site`` decides where it is sent, and any value but ``same-origin`` and ``none`` counts as
    foreign; else a foreign ``Origin`` does. Neither header: no browser, no cross-site request. A listed
    ``Origin`` is allowed either way. ``own_origins`` holds the application's own origin and the trusted ones.
    """
    if method in SAFE_METHODS or (origin is not None and origin in own_origins):
        return False
    if sec_fetch_site is not None:
        return sec_fetch_site not in OWN_SITE
    return origin is not None


def websocket_origin_ok(origin: str | None, own_origins: frozenset[str]) -> bool:
    """Whether a WebSocket that rides on a cookie may open: its ``Origin`` is ours or listed (security rule 8).

    Browsers always send one with a handshake, so a missing ``Origin`` is not ok.
    """
    return origin is not None and origin in own_origins
