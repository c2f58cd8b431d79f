"""The page of a refusal: who you are, what was refused and by which rule, whom to ask, and the ways on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from idaware.identity import ANONYMOUS, Identity
from idaware.pages import parts
from idaware.pages.document import Page, card
from idaware.pages.house import House
from idaware.pages.parts import Link
from idaware.pages.wording import groups_left_out_wording, refusal_wording
from idaware.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The facts of one refusal; text in any field may be a stranger's.

    * ``detail``: a further sentence about this very request, e.g. what was wrong with the path.
    * ``rule_reason``: the rule's own ``reason``, written for whoever is refused. ``rule_owner``: whom to ask.
    * ``login_url``: where to sign in (a 401). ``switch_url``: where to sign in as somebody else.
    * ``groups_left_out``: ``overage``, ``not_granted``, ``malformed``, ``absent``, where groups failed.
    * ``headers``: further headers, e.g. ``WWW-Authenticate`` or ``Retry-After``.
    """

    status: int
    reason: Reason
    identity: Identity = ANONYMOUS
    method: str | None = None
    path: str | None = None
    detail: str | None = None
    rule_id: str | None = None
    rule_reason: str | None = None
    rule_owner: str | None = None
    request_id: str | None = None
    login_url: str | None = None
    switch_url: str | None = None
    groups_left_out: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


DEFAULT_CHALLENGE: Final = ("WWW-Authenticate", 'Bearer realm="idaware"')


def with_challenge(facts: Refusal) -> tuple[tuple[str, str], ...]:
    """The headers of a refusal: a 401 must carry a challenge (RFC 9110 section 15.5.2)."""
    challenged = any(name.lower() == "www-authenticate" for name, _ in facts.headers)
    return facts.headers if facts.status != 401 or challenged else (*facts.headers, DEFAULT_CHALLENGE)


_QUOTE: Final = Markup("<blockquote>{}</blockquote>")


def _from_the_rule(facts: Refusal) -> Markup:
    if not facts.rule_reason:
        return Markup("")
    lines = facts.rule_reason.split("\n")[:20]
    quote = _QUOTE.format(Markup("").join(parts.paragraph(parts.shown(line)) for line in lines))
    return parts.notice("What the rule says", quote, "ask")


_WITHOUT: Final = "Without them nobody can tell which pages are for you."


def groups_notice(left_out: str | None) -> Markup:
    """Told exactly: the sign-in left the groups out, why, and what to do about it."""
    if left_out is None:
        return Markup("")
    happened, remedy = groups_left_out_wording(left_out)
    body = parts.paragraph(f"{happened} {_WITHOUT}") + parts.paragraph(remedy)
    return parts.notice("Your groups are missing", body, "warn")


def _request_line(facts: Refusal) -> Markup | None:
    if facts.path is None:
        return None
    return parts.code(f"{facts.method} {facts.path}" if facts.method else facts.path)


def _whom_to_ask(house: House, facts: Refusal) -> Markup | None:
    contact = house.contact or facts.rule_owner
    return parts.reachable(contact) if contact else None


def _rule(facts: Refusal) -> Markup | None:
    if facts.rule_id is None:
        return None
    if not facts.rule_owner:
        return parts.code(facts.rule_id)
    return parts.with_small(
        parts.code(facts.rule_id), Markup("Owner: {}").format(parts.value(facts.rule_owner))
    )


def _facts(house: House, facts: Refusal) -> Markup:
    return parts.facts(
        [
            ("Signed in as", parts.person(facts.identity)),
            ("You asked for", _request_line(facts)),
            ("Rule", _rule(facts)),
            ("Reason", parts.with_small(parts.code(facts.reason.value), facts.reason.sentence)),
            ("Whom to ask", _whom_to_ask(house, facts)),
            ("Request ID", parts.code(facts.request_id) if facts.request_id else None),
        ]
    )


_ACCESS_HELPS: Final = frozenset({Reason.DENIED_BY_RULE, Reason.NOT_IN_ALLOW, Reason.CLAIM_UNKNOWN})

_RELOAD: Final = Markup('<a class="button" href="">Try again</a>')


def _ways_on(house: House, facts: Refusal) -> Markup:
    signed_in = facts.identity.is_authenticated
    may_ask = signed_in and facts.reason in _ACCESS_HELPS
    may_repeat = facts.status == 503 and facts.method in ("GET", "HEAD")
    return parts.actions(
        [
            Link("Sign in", facts.login_url),
            Link("Request access", house.request_access_url if may_ask else None),
            Link("Sign in as somebody else", facts.switch_url if signed_in else None),
            Link("My access", house.url("me") if signed_in else None),
        ],
        before=_RELOAD if may_repeat else None,
    )


def refusal_page(house: House, facts: Refusal) -> Page:
    """The page for people. It never names what would have let them in: that is the rule owner's to tell."""
    words = refusal_wording(facts.reason, facts.status)
    body = Markup("\n").join(
        [
            parts.lead(words.lead),
            parts.paragraph(parts.value(facts.detail)) if facts.detail else Markup(""),
            _from_the_rule(facts),
            groups_notice(facts.groups_left_out),
            _ways_on(house, facts),
            _facts(house, facts),
        ]
    )
    main = card(
        words.title, body, eyebrow=f"{words.label} · {facts.status}", icon=words.icon, tone=words.tone
    )
    return house.page(words.title, main, status=facts.status, headers=with_challenge(facts))
