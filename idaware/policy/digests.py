"""Short names for what a policy wants to know about people: a session lists those that it was cut for.

A session whose list lacks one that the deciding rule needs is stale for that request
(``docs/reference/policy.md``). Rules and sessions have to agree on these digests across releases: do not
change them without a new session format.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterable
from hashlib import sha256
from typing import Literal, TypeAlias

from idaware.identity import Wanted

WantedKind: TypeAlias = Literal["group", "affix", "claim"]


def digest_of(kind: WantedKind, text: str) -> str:
    """Six characters that stand for one wanted thing: a group, an affix (``affix_text``) or a claim path."""
    return urlsafe_b64encode(sha256(f"{kind}\0{text}".encode("utf-8", "surrogatepass")).digest()[:4])[
        :6
    ].decode()


def affix_text(prefix: str, suffix: str) -> str:
    """A group value with a captured segment inside, as ``digest_of`` takes it."""
    return f"{prefix}\0{suffix}"


def digests_of(wanted: Wanted) -> frozenset[str]:
    """The digest of everything in ``wanted``."""
    return frozenset(
        [digest_of("group", group) for group in wanted.groups]
        + [digest_of("affix", affix_text(*affix)) for affix in wanted.group_affixes]
        + [digest_of("claim", claim) for claim in wanted.claims]
    )


def wanted_id(digests: Iterable[str]) -> str:
    """One short name for a whole set of digests: equal sets have equal names."""
    return sha256("".join(sorted(digests)).encode()).hexdigest()[:12]
