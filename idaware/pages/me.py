"""``me``: who I am here, in which groups, what I may reach, when my session ends. As a page and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from markupsafe import Markup

from idaware.identity import Identity, Json
from idaware.pages import parts
from idaware.pages.document import Page, card
from idaware.pages.house import House
from idaware.pages.parts import Link
from idaware.pages.problem import json_page
from idaware.pages.refusal import groups_notice
from idaware.pages.signout import SIGN_OUT_FORM
from idaware.pages.style import ICONS

Answer: TypeAlias = Literal["yes", "no", "step_up"]

MOST_RULES_SHOWN: Final = 200
"""Rules that the page lists; the JSON form lists all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFacts:
    """When what happens to the session, in UTC epoch seconds; ``None`` where it does not apply.

    * ``started``: the first sign-in.
    * ``renews_at``: from then on the next page brings the claims up to date.
    * ``stale_at``: from then on nothing passes on the old claims.
    * ``idle_at``: the end, if nothing happens until then. ``ends_at``: the end, whatever happens.
    """

    started: float | None = None
    renews_at: float | None = None
    stale_at: float | None = None
    idle_at: float | None = None
    ends_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """One rule and what it answers this person; no ``methods``: every method that no other rule names."""

    rule_id: str
    patterns: tuple[str, ...]
    methods: tuple[str, ...] = ()
    answer: Answer
    public: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Me:
    """What ``me`` tells. ``now`` and all times: UTC epoch seconds. ``groups_left_out`` as in ``Refusal``."""

    identity: Identity
    now: float
    session: SessionFacts = SessionFacts()
    reach: Sequence[Reach] = ()
    groups_left_out: str | None = None
    login_url: str | None = None
    switch_url: str | None = None


_VERDICTS: Final[dict[Answer, tuple[str, str, str]]] = {
    "yes": ("good", "check", "Yes"),
    "no": ("bad", "cross", "No"),
    "step_up": ("warn", "up", "After step-up"),
}

_VERDICT: Final = Markup('<span class="verdict {tone}">{icon}{word}</span>')
_ROW: Final = Markup(
    '<tr role="row"><td role="cell">{verdict}</td><td role="cell">{what}</td>'
    '<td role="cell" data-label="Rule">{rule}</td></tr>\n'
)
_TABLE: Final = Markup(  # roles, since a narrow window turns the rows into blocks
    '<h2 id="reach">What you may reach</h2>\n<table class="stack" role="table" aria-labelledby="reach">\n'
    '<thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Open to you</th>'
    '<th role="columnheader" scope="col">Pages and methods</th>'
    '<th role="columnheader" scope="col">Rule</th></tr></thead>\n'
    '<tbody role="rowgroup">\n{rows}</tbody>\n</table>\n{more}'
)


def _row(one: Reach) -> Markup:
    tone, icon, word = _VERDICTS[one.answer]
    patterns = Markup(", ").join(parts.code(pattern) for pattern in one.patterns)
    methods = ", ".join(one.methods) if one.methods else "any method"
    rule = parts.code(one.rule_id)
    return _ROW.format(
        verdict=_VERDICT.format(tone=tone, icon=ICONS[icon], word=word),
        what=parts.with_small(patterns, parts.shown(methods)),
        rule=parts.with_small(rule, "public") if one.public else rule,
    )


def _reach(rules: Sequence[Reach]) -> Markup:
    if not rules:
        return Markup("")
    rest = len(rules) - MOST_RULES_SHOWN
    more = Markup('<p class="muted">… and {} more rules.</p>').format(rest) if rest > 0 else Markup("")
    return _TABLE.format(rows=Markup("").join(map(_row, rules[:MOST_RULES_SHOWN])), more=more)


_CHIPS: Final = Markup('<ul class="chips">{}</ul>')
_CHIP: Final = Markup("<li>{}</li>")


def _groups(identity: Identity) -> Markup:
    if identity.groups is None:
        return Markup("Unknown")
    if not identity.groups:
        return Markup("None that this application uses")
    return _CHIPS.format(
        Markup("").join(_CHIP.format(parts.value(group)) for group in sorted(identity.groups))
    )


def _groups_fact(identity: Identity) -> Markup:
    groups, total = _groups(identity), identity.groups_total
    if identity.groups is None or total is None or total == len(identity.groups):
        return groups
    kept = len(identity.groups)
    matter = "matters" if kept == 1 else "matter"
    return parts.with_small(groups, f"{kept} of your {total} groups {matter} here")


def _about(identity: Identity) -> Markup:
    return parts.facts(
        [
            ("E-mail", parts.value(identity.email) if identity.email else None),
            ("Principal", parts.code(identity.principal or "")),
            ("Groups", _groups_fact(identity)),
            ("Signed in with", parts.value(", ".join(identity.amr)) if identity.amr else None),
        ]
    )


_SESSION: Final = Markup("<h2>Your session</h2>\n{}")


def _session(me: Me) -> Markup:
    session, now = me.session, me.now
    times = parts.facts(
        [
            ("Signed in", parts.time_and_span(me.identity.auth_time or session.started, now)),
            ("Renews", parts.time_and_span(session.renews_at, now)),
            ("Good until, if it cannot renew", parts.time_and_span(session.stale_at, now)),
            ("Ends, if not used", parts.time_and_span(session.idle_at, now)),
            ("Ends at the latest", parts.time_and_span(session.ends_at, now)),
        ]
    )
    return _SESSION.format(times) if times else times


def me_page(house: House, me: Me) -> Page:
    """The page for people."""
    identity = me.identity
    if not identity.is_authenticated:
        return _nobody(house, me)
    form = SIGN_OUT_FORM.format(action=house.url("logout"), kind=Markup(' class="quiet"'))
    body = Markup("\n").join(
        [
            groups_notice(me.groups_left_out),
            _about(identity),
            _session(me),
            parts.actions([Link("Sign in as somebody else", me.switch_url)], before=form),
            _reach(me.reach),
        ]
    )
    who = identity.name or identity.email or identity.user or identity.subject
    main = card(parts.shown(who), body, eyebrow="You are signed in", icon="person", tone="good")
    return house.page("My access", main)


def _nobody(house: House, me: Me) -> Page:
    body = Markup("\n").join(
        [
            parts.lead("You see what everybody sees."),
            parts.actions([Link("Sign in", me.login_url)]),
            _reach(me.reach),
        ]
    )
    main = card("You are not signed in", body, eyebrow="Nobody is signed in", icon="person", tone="plain")
    return house.page("My access", main)


def _iso(at: float | None) -> str | None:
    when = parts.moment(at)
    return None if when is None else when.isoformat().replace("+00:00", "Z")


def _session_json(session: SessionFacts) -> Json:
    return {
        "started": _iso(session.started),
        "renews_at": _iso(session.renews_at),
        "stale_at": _iso(session.stale_at),
        "idle_at": _iso(session.idle_at),
        "ends_at": _iso(session.ends_at),
    }


def _reach_json(one: Reach) -> Json:
    return {
        "rule": one.rule_id,
        "patterns": [*one.patterns],
        "methods": [*one.methods],
        "answer": one.answer,
        "public": one.public,
    }


def _identity_json(identity: Identity) -> dict[str, Json]:
    return {
        "signed_in": identity.is_authenticated,
        "actor_type": identity.actor_type,
        "principal": identity.principal,
        "subject": identity.subject or None,
        "issuer": identity.issuer or None,
        "user": identity.user or None,
        "email": identity.email,
        "email_verified": identity.email_verified,
        "name": identity.name,
        "groups": None if identity.groups is None else [*sorted(identity.groups)],
        "groups_total": identity.groups_total,
        "auth_method": identity.auth_method,
        "auth_time": _iso(identity.auth_time),
        "acr": identity.acr,
        "amr": [*identity.amr],
    }


def me_json(house: House, me: Me) -> Page:
    """The same for programs: RFC 3339 times, ``null`` for the unknown; no token in it (rule 27)."""
    further: dict[str, Json] = {
        "groups_left_out": me.groups_left_out,
        "session": _session_json(me.session),
        "reach": [_reach_json(one) for one in me.reach],
        "login_url": me.login_url,
        "switch_url": me.switch_url,
        "logout_url": house.url("logout") if me.identity.is_authenticated else None,
    }
    return json_page(200, _identity_json(me.identity) | further)
