"""The pieces of pages: text made safe to show, addresses made safe to link, lists of facts, ways on.

Everything takes plain text and gives ``Markup``; escaping is ``Markup.format``'s (security rule 32).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from markupsafe import Markup, escape

from idaware.identity import Identity
from idaware.pages.style import Tone

LONGEST_SHOWN: Final = 300
"""Characters of one value that a page shows."""

_UNSEEN: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    r"\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Controls, and what turns or hides text: a page must not seem to show another address than was asked for."""


def shown(text: str, limit: int = LONGEST_SHOWN) -> str:
    """``text`` as people can trust it: controls and direction marks spelled out, ``limit`` characters."""
    cut = text if len(text) <= limit else f"{text[:limit]}…"
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", cut)  # security rule 29


_LINKABLE: Final = re.compile(
    r"(?:/(?![/\\])|(?P<origin>https?://(?:\[[0-9a-fA-F:.]+\]|[\w.\-]+)(?::[0-9]{1,5})?)(?=[/?#]|\Z))"
    r"[^\x00-\x20\\\x7f-\xa0\ud800-\udfff]*"
)


def linkable(url: str | None) -> str | None:
    """``url`` if a link may lead there: a path on this origin, or ``http(s)``; ``None`` otherwise.

    A second fence: callers hand in checked addresses, and one that would run a script still does not get in.
    """
    return url if url is not None and _LINKABLE.fullmatch(url) else None


def origin_of(url: str | None) -> str | None:
    """The origin (``https://host:port``) of a linkable, absolute ``url``; ``None`` for anything else."""
    found = _LINKABLE.fullmatch(url or "")
    origin = found["origin"] if found else None
    return origin.lower() if origin is not None and origin.isascii() else None


_VALUE: Final = Markup("<bdi>{}</bdi>")
_CODE: Final = Markup("<code><bdi>{}</bdi></code>")


def value(text: str) -> Markup:
    """Text that came from elsewhere; set apart so that its direction cannot turn the sentence round it."""
    return _VALUE.format(shown(text))


def code(text: str) -> Markup:
    """The same in the typewriter's letters: ids, paths, reason codes."""
    return _CODE.format(shown(text))


_FACT: Final = Markup("<div><dt>{}</dt><dd>{}</dd></div>\n")
_FACTS: Final = Markup('<dl class="facts">\n{}</dl>')


def facts(pairs: Iterable[tuple[str, Markup | None]]) -> Markup:
    """A list of names and values; pairs without a value are left out."""
    rows = [_FACT.format(name, content) for name, content in pairs if content is not None]
    return _FACTS.format(Markup("").join(rows)) if rows else Markup("")


_WITH_SMALL: Final = Markup("{} <small>{}</small>")


def with_small(main: Markup | str, small: Markup | str) -> Markup:
    """A value and, below it, what explains it."""
    return _WITH_SMALL.format(main, small)


@dataclass(frozen=True, slots=True)
class Link:
    """A way on, shown as a button. Left out where ``url`` cannot be linked to."""

    label: str
    url: str | None
    new_tab: bool = False


_LINK: Final = Markup('<li><a class="{kind}" href="{url}"{target}>{label}</a></li>\n')
_NEW_TAB: Final = Markup(' target="_blank" rel="noopener noreferrer"')
_ACTIONS: Final = Markup('<ul class="actions">\n{}</ul>')


def actions(links: Sequence[Link], *, before: Markup | None = None) -> Markup:
    """The ways on, the first one as the main one. ``before`` is a form that stands first."""
    usable = [link for link in links if linkable(link.url) is not None]
    rows = [Markup("<li>{}</li>\n").format(before)] if before is not None else []
    for link in usable:
        kind = "button quiet" if rows else "button"
        target = _NEW_TAB if link.new_tab else ""
        rows.append(_LINK.format(kind=kind, url=link.url, target=target, label=link.label))
    return _ACTIONS.format(Markup("").join(rows)) if rows else Markup("")


_NOTICE: Final = Markup('<div class="notice {tone}">\n<h2>{heading}</h2>\n{body}\n</div>')


def notice(heading: str, body: Markup, tone: Tone = "plain") -> Markup:
    """A box that stands out, with a heading of its own."""
    return _NOTICE.format(tone=tone, heading=heading, body=body)


_PARAGRAPH: Final = Markup("<p>{}</p>")
_LEAD: Final = Markup('<p class="lead">{}</p>')
_MAILTO: Final = Markup('<a href="mailto:{}">{}</a>')
_ANCHOR: Final = Markup('<a href="{}">{}</a>')
_ADDRESS: Final = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+")


def paragraph(text: Markup | str) -> Markup:
    """One paragraph."""
    return _PARAGRAPH.format(text)


def lead(text: str) -> Markup:
    """The sentence below the heading."""
    return _LEAD.format(text)


def reachable(contact: str) -> Markup:
    """A contact as people can use it: an e-mail address or a web address becomes a link, all else is text."""
    if _ADDRESS.fullmatch(contact):
        return _MAILTO.format(quote(contact, safe="@"), contact)
    if origin_of(contact) is not None:
        return _ANCHOR.format(contact, shown(contact))
    return value(contact)


def person(identity: Identity) -> Markup:
    """Who somebody is, in the order in which people recognise themselves: name, e-mail, principal."""
    principal = identity.principal
    if principal is None:
        return escape("Nobody")
    names = [text for text in (identity.name, identity.email or identity.user) if text]
    if not names:
        return code(principal)
    return with_small(Markup(" · ").join(value(text) for text in names), code(principal))


_TIME: Final = Markup('<time datetime="{machine}">{people} UTC</time>')


_TIME_AND_SPAN: Final = Markup('{} <span class="muted">· {}</span>')


def moment(at: float | None) -> datetime | None:
    """Epoch seconds as an aware time in whole seconds; ``None`` for one that no calendar holds."""
    try:
        return None if at is None else datetime.fromtimestamp(int(at), UTC)
    except (OverflowError, ValueError, OSError):
        return None


def span(seconds: float) -> str:
    """A stretch of time in words: ``in 42 minutes``, ``5 minutes ago``, ``now``."""
    minutes = round(abs(seconds) / 60)
    if minutes == 0:
        return "now"
    count, unit = (minutes, "minute") if minutes < 100 else (round(minutes / 60), "hour")
    if unit == "hour" and count >= 48:
        count, unit = round(count / 24), "day"
    words = f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return f"in {words}" if seconds > 0 else f"{words} ago"


def time_and_span(at: float | None, now: float) -> Markup | None:
    """A moment, and how far it is from ``now`` (both UTC epoch seconds)."""
    when, today = moment(at), moment(now)
    if when is None or today is None or at is None:
        return None
    same_day = when.date() == today.date()
    people = f"{when:%H:%M}" if same_day else f"{when.day} {when:%B %Y, %H:%M}"
    time = _TIME.format(machine=when.isoformat(), people=people)
    return _TIME_AND_SPAN.format(time, span(at - now))
