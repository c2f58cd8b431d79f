"""What a guard in the application says, in words that each framework's integration turns into its own.

Belongs here: whether an identity passes ``require_groups``. How a refusal looks is the framework's.
"""

from __future__ import annotations

from typing import Final

from idaware.errors import ClientError, ConfigurationError, Problem
from idaware.identity import Identity
from idaware.reasons import Reason

CHALLENGE: Final = 'Bearer realm="idaware"'
"""``WWW-Authenticate`` of a 401 (RFC 9110 section 11.6.1)."""

CLOSED_UNAUTHENTICATED: Final = 4401
CLOSED_REFUSED: Final = 4403
"""What a WebSocket is closed with, as the gate itself does."""


def group_names(groups: tuple[object, ...]) -> tuple[str, ...]:
    """The arguments of ``require_groups``. Raises ``TypeError`` when there are none, or one is not text."""
    names = tuple(group for group in groups if isinstance(group, str) and group)
    if not names or names != groups:
        raise TypeError("require_groups takes names of groups: require_groups('sre', 'finance')")
    return names


def guard(identity: Identity, groups: tuple[str, ...]) -> None:
    """Let an identity pass that is in any of ``groups``.

    Raises ``ClientError``: 401 for nobody, and for a session that has to be renewed first; 403 for somebody else.
    Raises ``ConfigurationError`` for a group that sessions do not keep: never a silent "no".
    """
    if not identity.is_authenticated:
        raise ClientError(Reason.NO_IDENTITY, "Sign in first.", 401)
    if not identity.in_any_group(*groups):
        raise ClientError(Reason.NOT_IN_ALLOW, "You are not in a group that may do this.", 403)


def close_code(refusal: ClientError) -> int:
    """The close code of a WebSocket for ``refusal``."""
    return CLOSED_UNAUTHENTICATED if refusal.status == 401 else CLOSED_REFUSED


def checked_identity(found: object, how: str) -> Identity:
    """The identity that the gate left with a request. Raises ``ConfigurationError`` where there is none.

    ``how`` says how to put the gate outside the application. Without it anybody could walk past the policy.
    """
    if isinstance(found, Identity):
        return found
    raise ConfigurationError([Problem("idaware", f"this request did not come through the gate; {how}")])
