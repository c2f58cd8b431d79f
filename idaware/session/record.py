"""What a session knows, and what it was cut for.

Belongs here: the record and its compact binary form. Signing and cookies are in ``cookie.py``, times in
``lifetimes.py``. The record is positional: fields are only ever *added at the end, with a default*, so that
the release before and the release after can read it; anything else needs a new ``VERSION``.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec

from idaware.identity import LOGIN_ALIAS, Identity, Wanted
from idaware.policy.digests import affix_text, digest_of, digests_of, wanted_id

VERSION = 1
DIGEST_BYTES = 4
MAX_CUT_BYTES = 1024
"""A cut longer than this is left out: then only ``wanted_id`` tells what the session was cut for."""


class Session(msgspec.Struct, frozen=True, array_like=True):
    """One sign-in of one person in one browser. Times are UTC epoch seconds.

    * ``id``: random; new at each sign-in, renewal and step-up (security rule 24).
    * ``started``: the first start; it survives renewal. ``expires``: the hard end as it was when this was made.
    * ``renewed``: when the claims were fetched.
    * ``groups``: those of the person's groups that were wanted, ``None`` when unknown; ``groups_total`` of
      all; ``groups_left_out``: why they are unknown (``overage``, ``not_granted``).
    * ``claims``: claim path, as written in the policy, to its value.
    * ``cut``: digests of what the session was cut for, packed; empty where there were too many of them.
      ``wanted_id``: name of that set as a whole.
    * ``step_up_tried``, ``step_up_at``: digest of the requirement that this sign-in was to meet, and when.
    """

    v: int
    id: str
    started: int
    expires: int
    renewed: int
    subject: str
    email: str | None = None
    email_verified: bool = False
    name: str | None = None
    user: str = ""
    groups: tuple[str, ...] | None = None
    groups_total: int | None = None
    groups_left_out: str | None = None
    # Any: msgspec reads no recursive aliases; the values are ``Json`` since they came from JSON.
    claims: dict[str, Any] = msgspec.field(default_factory=dict)
    auth_time: int | None = None
    acr: str | None = None
    amr: tuple[str, ...] = ()
    hosted_domain: str | None = None
    cut: bytes = b""
    wanted_id: str = ""
    step_up_tried: str | None = None
    step_up_at: int = 0

    @property
    def cut_digests(self) -> frozenset[str]:
        """What the session was cut for, as digests; unpacked at each call."""
        return unpack_digests(self.cut)

    def covers(self, needs: frozenset[str], in_force: str) -> bool:
        """Whether the session was cut for everything that a decision names (``needs``, as digests).

        ``in_force`` is the ``wanted_id`` of the policy in force. A superset always covers, so replicas with
        an old and a new policy do not fight.
        """
        return self.wanted_id == in_force or needs <= self.cut_digests


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Session)


def pack(session: Session) -> bytes:
    """``session`` in its binary form (MessagePack)."""
    return _encoder.encode(session)


def unpack(payload: bytes) -> Session | None:
    """The session in ``payload``; ``None`` for another version or form: not ours, so nobody is signed in."""
    try:
        session = _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):  # msgspec raises the latter for text that is not UTF-8
        return None
    return session if session.v == VERSION else None


def pack_digests(digests: Iterable[str]) -> bytes:
    """Digests (base64url) as one sorted byte string; empty beyond ``MAX_CUT_BYTES``."""
    packed = b"".join(sorted(base64.urlsafe_b64decode(digest + "==") for digest in digests))
    return packed if len(packed) <= MAX_CUT_BYTES else b""


def unpack_digests(packed: bytes) -> frozenset[str]:
    """The digests in ``packed``."""
    pieces = (packed[at : at + DIGEST_BYTES] for at in range(0, len(packed), DIGEST_BYTES))
    return frozenset(base64.urlsafe_b64encode(piece)[:6].decode("ascii") for piece in pieces)


@dataclass(frozen=True, slots=True)
class Cut:
    """What sessions are cut for: the wanted items of the policy in force, their digests, the set's name."""

    wanted: Wanted
    digests: frozenset[str]
    wanted_id: str

    @classmethod
    def of(cls, wanted: Wanted) -> Cut:
        """The cut for ``wanted``: what the policy, its ``keep`` and the application's guards name."""
        digests = digests_of(wanted)
        return cls(wanted, digests, wanted_id(digests))

    def common(self, digests: frozenset[str]) -> Wanted:
        """Those wanted items that a session with the cut ``digests`` holds."""
        wanted = self.wanted
        return Wanted(
            frozenset(group for group in wanted.groups if digest_of("group", group) in digests),
            frozenset(
                affix for affix in wanted.group_affixes if digest_of("affix", affix_text(*affix)) in digests
            ),
            frozenset(claim for claim in wanted.claims if digest_of("claim", claim) in digests),
        )


def identify(session: Session, *, issuer: str, cut: Cut) -> Identity:
    """Who ``session``'s person is, as far as the policy in force (``cut``) may ask about it."""
    kept = cut.wanted if session.wanted_id == cut.wanted_id else cut.common(session.cut_digests)
    return Identity(
        subject=session.subject,
        issuer=issuer,
        alias=LOGIN_ALIAS,
        email=session.email,
        email_verified=session.email_verified,
        name=session.name,
        user=session.user,
        groups=None if session.groups is None else frozenset(session.groups),
        groups_total=session.groups_total,
        claims=MappingProxyType(session.claims),
        actor_type="human",
        auth_method="session",
        auth_time=session.auth_time,
        acr=session.acr,
        amr=session.amr,
        hosted_domain=session.hosted_domain,
        session_id=session.id,
        kept=kept,
        wanted=cut.wanted,
    )
