"""Which request methods are acceptable (security rule 7). Whether a rule covers one is for the policy."""

from __future__ import annotations

import re

from idaware.reasons import Reason
from idaware.request import Protocol

WEBSOCKET = "WEBSOCKET"
"""The method of a WebSocket handshake in policies and records, under either protocol."""

KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", WEBSOCKET})
"""Methods that a rule without ``methods`` may cover. Any other is denied unless a rule names it."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110 section 9.2.1), less ``TRACE``, which is never accepted."""

_HTTP = KNOWN_METHODS - {WEBSOCKET}
_REFUSED = frozenset({"TRACE", "CONNECT", WEBSOCKET})
# No other token characters: nothing registered uses them, and Flask and Django would upper-case lower-case ones.
_UPPER_CASE = re.compile(r"[A-Z](?:[A-Z0-9-]{0,62}[A-Z0-9])?")


def check_method(method: str, protocol: Protocol = "http") -> Reason | None:
    """Refuse a method that is not in upper case, is no token, or is ``TRACE`` or ``CONNECT`` (security rule 7).

    ``WEBSOCKET`` is the method of a handshake (``protocol="websocket"``) and of nothing else: a client that
    sends the word itself must not be decided by the rule for sockets. Returns ``METHOD_INVALID`` or ``None``.
    """
    if protocol == "websocket":
        return None if method == WEBSOCKET else Reason.METHOD_INVALID
    if method in _HTTP:
        return None
    if method in _REFUSED or not _UPPER_CASE.fullmatch(method):
        return Reason.METHOD_INVALID
    return None


def is_websocket_upgrade(method: str, upgrade: str | None) -> bool:
    """Whether a WSGI request opens a WebSocket: a ``GET`` whose ``Upgrade`` lists ``websocket`` (RFC 6455).

    ``Connection`` is not asked for: servers differ in whether they look at it, and taking a request for a
    handshake is the stricter reading (the right to read must not open a channel to write).
    """
    if upgrade is None or method != "GET":
        return False
    return any(token.strip(" \t").lower() == "websocket" for token in upgrade.split(","))
