"""What one audit record holds, and its one line of JSON.

Belongs here: the fields, the native form, the cutting rules. Pure: no clock, no queue, no file; ``trail.py``
numbers and stamps records, ``sinks/`` carry the lines away. A field that changes here changes in
``docs/reference/audit.md`` too (a test insists).

INVARIANT: no token, cookie, secret, authorization code or query value has a field here, and none is to be put
into another field (audit promise 5, security rule 27).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import fields, replace

from idaware.reasons import Reason

SCHEMA = "idaware.audit/1"
MAX_RECORD_BYTES = 4_096
"""A whole line with its newline: what POSIX guarantees to be atomic on a pipe (``PIPE_BUF`` on Linux)."""
MAX_PATH_CHARACTERS = 1_024
MAX_USER_AGENT_CHARACTERS = 256

Kind: TypeAlias = Literal[
    "decision", "completed", "login", "login_failed", "logout", "session_refreshed", "session_revoked",
    "connection_closed", "policy_loaded", "policy_rejected", "mode_changed", "started", "stopped", "gap",
    "checkpoint", "counted",
]  # fmt: skip
Decision: TypeAlias = Literal["allow", "deny", "login", "step_up", "error", "bypass"]
Mode: TypeAlias = Literal["enforce", "shadow", "off"]
Diff: TypeAlias = Literal["same", "would_deny", "would_allow", "would_login", "would_step_up"]


class Why(Struct, frozen=True, gc=False):
    """Which conditions of the deciding rule held, failed, or could not be told."""

    held: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


class Record(Struct, kw_only=True, gc=False):
    """One audit record. Fields that default to ``None`` are in every line, ``UNSET`` ones only when set.

    ``docs/reference/audit.md`` says what each field means. ``Trail.emit`` fills in ``event_id``, ``seq``,
    ``time``, ``reason_text``, ``app`` and ``instance`` where they are ``None``. ``auth_time`` is in UTC epoch
    seconds, ``duration_ms`` in milliseconds; other durations are named ``*_seconds``.
    """

    schema: str = SCHEMA
    event_id: str | None = None
    seq: int | None = None
    time: str | None = None
    kind: Kind = "decision"
    decision: Decision | None = None
    reason: Reason | None = None
    reason_text: str | None = None
    mode: Mode | None = None
    would: Decision | None = None
    rule: str | None = None
    pattern: str | None = None
    rule_owner: str | None = None
    policy_version: str | None = None
    why: Why | None = None
    actor_type: str | None = None
    principal: str | None = None
    subject: str | None = None
    issuer: str | None = None
    email: str | None = None
    name: str | None = None
    groups_matched: tuple[str, ...] | None = None
    groups_total: int | None = None
    auth_method: str | None = None
    auth_error: str | None = None
    acr: str | None = None
    amr: tuple[str, ...] | None = None
    auth_time: float | None = None
    session_id: str | None = None
    token_id: str | None = None
    app: str | None = None
    instance: str | None = None
    framework: str | None = None
    method: str | None = None
    scheme: str | None = None
    host: str | None = None
    path: str | None = None
    mount: str | None = None
    query_keys: tuple[str, ...] | None = None
    route: str | None = None
    protocol: str | None = None
    client_ip: str | None = None
    peer_ip: str | None = None
    user_agent: str | None = None
    status: int | None = None
    duration_ms: float | None = None
    request_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    # where relevant
    legacy: str | UnsetType = UNSET
    diff: Diff | UnsetType = UNSET
    direct: bool | UnsetType = UNSET
    stale_seconds: float | UnsetType = UNSET
    grant: str | UnsetType = UNSET
    close_code: int | UnsetType = UNSET
    connection_seconds: float | UnsetType = UNSET
    error: str | UnsetType = UNSET
    truncated: bool | UnsetType = UNSET
    chain: str | UnsetType = UNSET
    count: int | UnsetType = UNSET
    first_time: str | UnsetType = UNSET
    last_time: str | UnsetType = UNSET
    release: str | UnsetType = UNSET
    store: str | UnsetType = UNSET
    bounds: Mapping[str, int] | UnsetType = UNSET
    settings_digest: str | UnsetType = UNSET


def started(
    *,
    release: str,
    mode: Mode,
    policy_version: str | None,
    store: str,
    bounds: Mapping[str, int],
    settings_digest: str,
) -> Record:
    """The record of a process that began to guard the application.

    ``bounds``: what the deployment promises, in seconds (``session_stale_seconds`` for example).
    ``settings_digest``: a digest of the settings without their secrets, to tell deployments apart.
    """
    return Record(
        kind="started", release=release, mode=mode, policy_version=policy_version, store=store, bounds=bounds,
        settings_digest=settings_digest,
    )  # fmt: skip


def stopped(*, release: str, mode: Mode, policy_version: str | None) -> Record:
    """The record of a process that ends in good order; a killed one leaves none."""
    return Record(kind="stopped", release=release, mode=mode, policy_version=policy_version)


@lru_cache(maxsize=4_096)
def hashed_id(session_id: str) -> str:
    """A session id as records show it: 16 hex digits of its SHA-256. The id itself is never recorded."""
    return sha256(session_id.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def encode(record: Record) -> bytes:
    """The record as one line of JSON with its newline, at most ``MAX_RECORD_BYTES`` long. Never raises.

    Control characters (C0, DEL, C1), line separators and direction overrides are escaped (security rule 29).
    """
    path, user_agent = record.path, record.user_agent
    if path is not None and len(path) > MAX_PATH_CHARACTERS:
        record = replace(record, path=_cut(path, MAX_PATH_CHARACTERS), truncated=True)
    if user_agent is not None and len(user_agent) > MAX_USER_AGENT_CHARACTERS:
        record = replace(record, user_agent=_cut(user_agent, MAX_USER_AGENT_CHARACTERS), truncated=True)
    line = _line(record)
    return line if len(line) <= MAX_RECORD_BYTES else _fitted(record)


_encoder = msgspec.json.Encoder(enc_hook=repr)

# JSON escapes C0 by itself. These would reach a terminal or a log viewer as they are: DEL, C1, the Unicode
# line separators (a second "line" in some readers) and the direction overrides ("Trojan Source").
_DEL = 0x7F
_UNSAFE = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def _line(record: Record) -> bytes:
    try:
        line = _encoder.encode_lines([record])
    except (OverflowError, TypeError, ValueError, msgspec.MsgspecError):
        line = _encoder.encode_lines([{name: _plain(value) for name, value in _items(record)}])
    return line if line.isascii() and _DEL not in line else _escaped(line)


def _escaped(line: bytes) -> bytes:
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", line.decode()).encode()  # security rule 29


def _items(record: Record) -> list[tuple[str, Any]]:
    pairs = ((name, getattr(record, name)) for name in _FIELD_NAMES)
    return [(name, value) for name, value in pairs if value is not UNSET]


def _plain(value: object) -> object:
    """``value`` as JSON can hold it: lone surrogates and integers beyond 64 bits become readable text."""
    if isinstance(value, str):
        return str(value).encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Why):
        return {"held": _plain(value.held), "failed": _plain(value.failed), "unknown": _plain(value.unknown)}
    if isinstance(value, Mapping):
        return {str(_plain(str(key))): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return hex(value)
    return value if value is None or isinstance(value, (int, float)) else _plain(repr(value))


def _cut(text: str, characters: int) -> str:
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{text[:characters]}…sha256:{digest}"


_FIELD_NAMES = tuple(field.name for field in fields(Record))
_FIRST_TO_GO = ("user_agent", "query_keys", "why")
_NEVER_GO = frozenset(
    {"schema", "event_id", "seq", "time", "kind", "decision", "reason", "rule", "principal", "path"}
)
_LAST_CUTS = {"path": 64, "principal": 128, "rule": 64}
"""Characters that stay of these where all else was not enough (a character has six bytes at worst)."""


def _fitted(record: Record) -> bytes:
    """Let go of fields, the least telling first, until the line fits (audit promise 5)."""
    record = replace(record, truncated=True)
    for name in _FIRST_TO_GO:
        setattr(record, name, None)
        if len(line := _line(record)) <= MAX_RECORD_BYTES:
            return line
    for keep_bytes in (256, 32):
        _let_go(record, keep_bytes)
        if len(line := _line(record)) <= MAX_RECORD_BYTES:
            return line
    for name, characters in _LAST_CUTS.items():
        value = getattr(record, name)
        if value is not None and len(value) > characters:
            setattr(record, name, _cut(value, characters))
    return _line(record)


def _let_go(record: Record, keep_bytes: int) -> None:
    for name, value in _items(record):
        if name not in _NEVER_GO and len(_escaped(_encoder.encode(_plain(value)))) > keep_bytes:
            setattr(record, name, None)
