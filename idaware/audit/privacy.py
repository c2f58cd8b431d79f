"""``IDAWARE_AUDIT_PRIVACY=hash``: records tell people apart without naming them.

HMAC-SHA256 under a key of its own, so that a value hashes alike in every replica and after a rotation of the
session keys, and nobody without the key can try names. An auditor who holds the key finds a person's
records by hashing the value again: ``hash_value(key, "alice@corp.example")``.

NOT CHECKED: a path, a host or a user agent may name a person too; they are recorded as they came.
"""

from __future__ import annotations

import hmac
import re

from msgspec.structs import replace

from idaware.audit.record import Record, Why

_DIGITS = 32


def hash_value(key: bytes, value: str) -> str:
    """``value`` as it stands in hashed records: ``hmac:`` and 128 bits of its HMAC-SHA256 in hex."""
    return "hmac:" + hmac.digest(key, value.encode("utf-8", "surrogatepass"), "sha256").hex()[:_DIGITS]


def hash_record(record: Record, key: bytes) -> Record:
    """A copy of ``record`` with ``principal``, ``subject``, ``email`` and ``name`` hashed, also inside ``why``."""
    plain = (record.principal, record.email, record.subject, record.name)
    hashes = {value: hash_value(key, value) for value in plain if value}
    return replace(
        record,
        principal=hashes.get(record.principal or "", record.principal),
        subject=hashes.get(record.subject or "", record.subject),
        email=hashes.get(record.email or "", record.email),
        name=hashes.get(record.name or "", record.name),
        why=_hash_why(record.why, hashes),
    )


def _hash_why(why: Why | None, hashes: dict[str, str]) -> Why | None:
    """A condition that names people (``emails: [alice@corp.example]``) would give away whom it let in."""
    if why is None or not hashes:
        return why
    lowered = {value.lower(): digest for value, digest in hashes.items()}
    longest_first = sorted(lowered, key=len, reverse=True)
    names = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)

    def hashed(texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(names.sub(lambda found: lowered.get(found[0].lower(), "hmac:?"), text) for text in texts)

    return Why(hashed(why.held), hashed(why.failed), hashed(why.unknown))
