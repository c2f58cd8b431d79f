"""What a page may require of the sign-in itself, and whether a sign-in was already asked for it.

Belongs here: telling a first try from a loop. Whether a requirement is met is for the policy to say.
"""

from __future__ import annotations

import base64
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from idaware.session.record import Session

STEP_UP_WINDOW_SECONDS = 60


class Requirement(Protocol):
    """What a rule requires: any of ``acr``, all of ``amr``, a sign-in at most ``auth_within`` seconds old."""

    @property
    def acr(self) -> tuple[str, ...]:
        """Acceptable authentication contexts."""

    @property
    def amr(self) -> tuple[str, ...]:
        """Authentication methods, all of which are needed."""

    @property
    def auth_within(self) -> int | None:
        """Greatest age of ``auth_time`` in seconds."""


def requirement_digest(requirement: Requirement) -> str:
    """A short name for ``requirement``; the order of its members does not count."""
    parts = (sorted(requirement.acr), sorted(requirement.amr), requirement.auth_within)
    return base64.urlsafe_b64encode(sha256(msgspec.json.encode(parts)).digest()[:9]).decode("ascii")


def step_up_was_tried(session: Session, requirement: Requirement, now: float) -> bool:
    """Whether the sign-in that made ``session`` was asked for ``requirement``, just now.

    If so and it is still unmet, another try would loop: refuse with ``step_up_unmet``. After a minute (or
    after ``auth_within`` seconds, when a sign-in that met it then has aged) a new try is a person's wish.
    """
    window_seconds = min(STEP_UP_WINDOW_SECONDS, requirement.auth_within or STEP_UP_WINDOW_SECONDS)
    tried = session.step_up_tried == requirement_digest(requirement)
    return tried and now - session.step_up_at <= window_seconds
