"""What a sign-in means for the session: what it asks of the provider, and what the new session inherits.

Belongs here: *renewal or sign-in?* A session that goes on keeps its first start: always when it is renewed
silently; otherwise unless the person really signed in again (an ``auth_time`` after that start; where the
provider does not say, ``prompt=login``). One that ended does not go on: then the sign-in has to be newer than
the end (``max_age``, checked), so that idle and hard end are real although the provider's own session may
live on. After an explicit sign-out, ``prompt=login``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idaware.identity import LEEWAY_SECONDS
from idaware.session.record import VERSION, Cut, Session, pack_digests

if TYPE_CHECKING:
    from idaware.identity import Wanted
    from idaware.oidc.claims import LeftOut, Person
    from idaware.oidc.login_state import Kind, LoginState
    from idaware.oidc.providers import Quirks
    from idaware.session.sessions import Before
    from idaware.session.step_up import Requirement
    from idaware.settings import Settings


@dataclass(frozen=True, slots=True)
class Demand:
    """What a sign-in asks of the provider.

    ``max_age``: from a session's end; held against ``auth_time`` when the answer comes. ``auth_within``: what
    the page requires; asked for here, held against ``auth_time`` by the policy. Both in seconds.
    """

    prompt: str | None = None
    max_age: int | None = None
    auth_within: int | None = None
    acr_values: str | None = None

    @property
    def asked_max_age(self) -> int | None:
        """The ``max_age`` to send: the stricter one."""
        return min((age for age in (self.max_age, self.auth_within) if age is not None), default=None)


def demand_of(
    kind: Kind,
    before: Before,
    now: float,
    *,
    require: Requirement | None,
    prompt: str | None,
    auth_time: bool,
) -> Demand:
    """What to ask. ``auth_time``: whether the provider says when somebody signed in.

    ``prompt`` is what the person asked for; having to sign in again goes before it.
    """
    if kind == "renew":
        return Demand(prompt="none")
    ended = before.ended_at is not None
    anew = before.signed_out or (ended and not auth_time) or (require is not None and _only_amr(require))
    return Demand(
        prompt="login" if anew else prompt,
        max_age=max(1, int(now - before.ended_at)) if before.ended_at is not None and auth_time else None,
        auth_within=None if require is None else require.auth_within,
        acr_values=None if require is None else " ".join(require.acr) or None,
    )


def _only_amr(require: Requirement) -> bool:
    """There is no parameter that asks for methods: only a new sign-in may bring them."""
    return bool(require.amr) and not require.acr and require.auth_within is None


def session_of(
    person: Person, login: LoginState, *, session_id: str, cut: Cut, session_max: int, now: float
) -> Session:
    """The session of ``person``, who signed in by ``login``.

    ``session_id`` is fresh: never one that the browser brings (security rule 24). ``session_max``: seconds.
    """
    started = _started(login, person, now)
    return Session(
        v=VERSION,
        id=session_id,
        started=started,
        expires=started + session_max,
        renewed=int(now),
        subject=person.subject,
        email=person.email,
        email_verified=person.email_verified,
        name=person.name,
        user=person.user,
        groups=None if person.groups is None else tuple(sorted(person.groups)),
        groups_total=person.groups_total,
        groups_left_out=person.groups_left_out,
        claims=dict(person.claims),
        auth_time=None if person.auth_time is None else int(person.auth_time),
        acr=person.acr,
        amr=person.amr,
        hosted_domain=person.hosted_domain,
        cut=pack_digests(cut.digests),
        wanted_id=cut.wanted_id,
        step_up_tried=login.requirement,
        step_up_at=int(now) if login.requirement is not None else 0,
    )


def groups_note(person: Person, wanted: Wanted, settings: Settings, quirks: Quirks) -> str | None:
    """For the operator's log: the policy asks for groups, and this sign-in brought none that can be read."""
    if person.groups_left_out is None or not (wanted.groups or wanted.group_affixes):
        return None
    return (
        f"signed in without groups, so rules on groups refuse this person: the claim {settings.groups_claim!r} is "
        f"{_LEFT_OUT[person.groups_left_out]}. {quirks.groups_hint}"
    )


_LEFT_OUT: Mapping[LeftOut, str] = {
    "overage": "left out because there are too many",
    "not_granted": "not among what was granted",
    "absent": "missing",
    "malformed": "not of the form that IDAWARE_GROUPS_FORMAT says",
}


def _started(login: LoginState, person: Person, now: float) -> int:
    """The first start of the session that a sign-in makes (see the top of this module)."""
    if login.started is None or not login.continues(person.subject):
        return int(now)  # nothing to go on with, or another person
    if person.auth_time is None:
        again = login.reauthenticate  # NOT CHECKED: whether the provider heeded prompt=login; it does not say
    else:
        again = person.auth_time > login.started + LEEWAY_SECONDS
    return int(now) if again and login.kind != "renew" else login.started
