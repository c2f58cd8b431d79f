"""The normalised form of a policy: equal for policies that mean the same, whatever their order and layout.

Its digest is the version that stands in every record.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

import msgspec

from idaware.identity import Json, Wanted
from idaware.policy.model import Rule

_VERSION_DIGITS: Final = 12


def version_of(app: str | None, keep: Wanted, rules: Iterable[Rule]) -> str:
    """The first 12 hex digits of the SHA-256 of the normalised form."""
    form: Json = {
        "version": 1,
        "app": app,
        "keep": {"groups": list[Json](sorted(keep.groups)), "claims": list[Json](sorted(keep.claims))},
        "rules": [_normal(rule) for rule in sorted(rules, key=lambda rule: rule.id)],
    }
    encoded = msgspec.json.encode(form, order="sorted")
    return sha256(encoded).hexdigest()[:_VERSION_DIGITS]


def _normal(rule: Rule) -> Json:
    require = rule.requires
    return {
        "id": rule.id,
        "paths": [pattern.text for pattern in rule.patterns],
        "methods": list[Json](rule.methods),
        "allow": "public" if rule.public else rule.allow.normal() if rule.allow is not None else None,
        "deny": rule.deny.normal() if rule.deny is not None else None,
        "require": None
        if require is None
        else [list[Json](require.acr), list[Json](require.amr), require.auth_within],
        "shared": rule.shared,
        "owner": rule.owner,
        "review_by": rule.review_by.isoformat() if rule.review_by is not None else None,
        "reason": rule.reason,
        "unauthenticated": rule.unauthenticated,
        "preflight": rule.preflight,
        "authorization": rule.authorization,
        "origins": list[Json](rule.origins),
        "allow_in_path": list[Json](sorted(rule.allow_in_path)),
    }
