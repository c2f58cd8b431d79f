"""Who is asking. An ``Identity`` is a value: it knows no session, no token and no provider.

Absent is not empty: ``groups is None`` and a path missing from ``claims`` mean *unknown*, which never allows,
fails inside ``none`` and holds in a ``deny``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

from idaware.errors import ClientError, ConfigurationError, Problem
from idaware.reasons import Reason

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
ActorType: TypeAlias = Literal["human", "workload", "anonymous"]

LEEWAY_SECONDS = 30
"""How far two clocks may be apart; the one constant for it (security rule 16)."""

LOGIN_ALIAS = "login"
"""The alias of the login provider: a person's principal is ``login/<sub>``."""

_NOTHING: Mapping[str, Json] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a policy (or the application) needs to know about people; a session keeps no more than this.

    ``groups``: raw token values. ``group_affixes``: ``(prefix, suffix)`` of values with a captured segment inside.
    ``claims``: paths as they are written in the policy.
    """

    groups: frozenset[str] = frozenset()
    group_affixes: frozenset[tuple[str, str]] = frozenset()
    claims: frozenset[str] = frozenset()

    def keeps_group(self, value: str) -> bool:
        """Whether a session has to remember that its person is in the group ``value``."""
        return value in self.groups or any(
            len(value) > len(prefix) + len(suffix) and value.startswith(prefix) and value.endswith(suffix)
            for prefix, suffix in self.group_affixes
        )

    def __or__(self, other: Wanted) -> Wanted:
        return Wanted(
            self.groups | other.groups, self.group_affixes | other.group_affixes, self.claims | other.claims
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A person, a workload, or nobody (``ANONYMOUS``).

    * ``subject``: the token's ``sub``. ``alias``: our name for its issuer; together the ``principal``.
    * ``email`` and ``email_verified`` as the provider said; ``user``: what is shown and ``REMOTE_USER``.
    * ``groups``: those of the person's groups that the policy, ``keep`` or the application names, as raw token
      values; ``None`` when the provider said nothing usable about groups. ``groups_total``: how many there were.
    * ``claims``: claim path, as written in the policy, to its value; a missing path is unknown.
    * ``auth_time``: UTC epoch seconds of the sign-in at the provider; ``None`` when it did not say.
    * ``auth_method``: ``session``, ``bearer``, ``legacy_basic``, ``legacy_header``, ``assertion:<source>``, ``none``.
    * ``kept``: what this identity was cut for: asking ``in_group`` for anything else is an error, not a "no".
      ``wanted``: what it would be cut for today; more, where the policy was changed since the sign-in.
    """

    subject: str = ""
    issuer: str = ""
    alias: str = ""
    email: str | None = None
    email_verified: bool = False
    name: str | None = None
    user: str = ""
    groups: frozenset[str] | None = None
    groups_total: int | None = None
    claims: Mapping[str, Json] = field(default_factory=lambda: _NOTHING)
    actor_type: ActorType = "anonymous"
    auth_method: str = "none"
    auth_time: float | None = None
    acr: str | None = None
    amr: tuple[str, ...] = ()
    hosted_domain: str | None = None
    session_id: str | None = None
    kept: Wanted = field(default_factory=Wanted, repr=False)
    wanted: Wanted = field(default_factory=Wanted, repr=False)

    @property
    def is_authenticated(self) -> bool:
        """Whether anybody is signed in."""
        return self.actor_type != "anonymous"

    @property
    def principal(self) -> str | None:
        """``alias/sub``, unique across issuers; ``None`` for nobody."""
        return f"{self.alias}/{self.subject}" if self.subject else None

    def in_group(self, group: str) -> bool:
        """Whether this identity is in ``group`` (a raw token value). Nobody is in none.

        Raises ``ConfigurationError`` for a group that nothing names in the policy (``keep`` is the place for it):
        a session does not hold it, and "no" would be a guess. Raises ``ClientError`` (``session_stale``, 401) where
        the policy has come to name it after this person signed in: the next sign-in or renewal knows.
        """
        if not self.is_authenticated:
            return False
        if self.kept.keeps_group(group):
            return self.groups is not None and group in self.groups
        if self.wanted.keeps_group(group):
            raise ClientError(
                Reason.SESSION_STALE, f"the session began before the policy named the group {group!r}", 401
            )
        raise ConfigurationError(
            [
                Problem(
                    f"group {group!r}",
                    "the application asks for a group that sessions do not keep; "
                    "name it under keep.groups in the policy",
                )
            ]
        )

    def in_any_group(self, *groups: str) -> bool:
        """Whether this identity is in at least one of ``groups``. Each is asked, and raises as ``in_group`` does."""
        return True in {self.in_group(group) for group in groups}


ANONYMOUS = Identity()
"""Nobody: no credentials came, or those that came count for nothing on a public path."""
