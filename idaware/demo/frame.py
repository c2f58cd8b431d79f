"""What stands on every page of the sample tool: who you are, where you can go, the live view of the records.

Data in, ``Page`` out. The document, the escaping and the Content-Security-Policy are ``idaware.pages``'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from markupsafe import Markup

from idaware.demo.places import PLACES, Outlook, Place, Verdict, outlook
from idaware.identity import Identity
from idaware.pages import Page, card, html_page
from idaware.pages.parts import code, shown, value
from idaware.pages.signout import SIGN_OUT_FORM
from idaware.pages.style import ICONS, Tone, compact
from idaware.policy.policy import Policy

BRAND: Final = "Billing console"
ROWS_IN_DOCK: Final = 8
ROWS_ON_RECORDS_PAGE: Final = 200

_HERE: Final = Path(__file__).parent
_CSS: Final = compact((_HERE / "demo.css").read_text(encoding="utf-8"))
_SCRIPT: Final = (_HERE / "live.js").read_text(encoding="utf-8")
_FOOT: Final = Markup(
    "<span>A demo on this machine only: everything is made up, and anybody can be anybody here.</span>"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Who looks at which page, and when.

    ``now``: UTC epoch seconds. ``origin``: the tool's own, ``http://localhost:8000``. ``prefix``: of the gate's
    endpoints. ``provider``: the provider's address.
    """

    who: Identity
    path: str
    now: float
    origin: str
    prefix: str
    provider: str
    policy: Policy

    def outlook(self, method: str, path: str) -> Outlook:
        """What the policy says to whoever looks, about a method and a path."""
        return outlook(self.policy, self.who, method, path, self.now)


def page(
    view: View,
    heading: str,
    body: Markup,
    *,
    eyebrow: str,
    icon: str,
    tone: Tone = "plain",
    status: int = 200,
    dock: Markup | None = None,
) -> Page:
    """A page of the tool: the frame, and ``body`` below the one heading."""
    main = card(heading, _decided(view) + body, eyebrow=eyebrow, icon=icon, tone=tone)
    return document(
        heading,
        _DESK.format(who=_who(view), places=_places(view), main=main, dock=dock or live_view()),
        origin=view.origin,
        status=status,
    )


def document(title: str, body: Markup, *, origin: str, status: int = 200, brand: str = BRAND) -> Page:
    """A document with the demo's stylesheet and script, and leave to listen to ``origin`` alone."""
    socket_origin = "ws" + origin.removeprefix("http")
    return html_page(
        title,
        body,
        status=status,
        brand=brand,
        extra_css=_CSS,
        script=_SCRIPT,
        csp={"connect-src": f"'self' {socket_origin}"},
        foot=_FOOT,
        wide=True,
    )


_DESK: Final = Markup('{who}\n<div class="desk">\n{places}\n<div>\n{main}\n</div>\n</div>\n{dock}')

# --- who you are


_WHO: Final = Markup(
    '<section class="card who" aria-label="Who you are">\n'
    '<span class="avatar" aria-hidden="true">{avatar}</span>\n<div>{about}</div>\n'
    '<ul class="actions">{actions}</ul>\n</section>'
)
_SIGN_IN: Final = Markup('<li><a class="button" href="{}">Sign in</a></li>')
_SWITCH: Final = Markup('<li><a class="button quiet" href="{}">Sign in as somebody else</a></li>')
_ITEM: Final = Markup("<li>{}</li>")


def _who(view: View) -> Markup:
    login = f"{view.prefix}/login?next={quote(view.path)}"
    if not view.who.is_authenticated:
        nobody = Markup(
            "<p><b>You are nobody yet.</b></p><p class='muted'>Public pages are open, all others ask who you are.</p>"
        )
        return _WHO.format(avatar=ICONS["person"], about=nobody, actions=_SIGN_IN.format(login))
    sign_out = SIGN_OUT_FORM.format(action=f"{view.prefix}/logout", kind=Markup(' class="quiet"'))
    actions = _SWITCH.format(f"{login}&switch=1") + _ITEM.format(sign_out)
    return _WHO.format(avatar=_initials(view.who), about=_about(view), actions=actions)


def _initials(who: Identity) -> str:
    return "".join(word[0] for word in (who.name or who.subject).split()[:2]).upper()


def _about(view: View) -> Markup:
    who = view.who
    name = Markup('<p><b>{}</b> <span class="muted">· {} · <a href="{}">my access</a></span></p>').format(
        value(who.name or who.subject), code(who.principal or ""), f"{view.prefix}/me"
    )
    return name + Markup('<ul class="chips">{}</ul>').format(Markup("").join(map(_ITEM.format, _chips(who))))


def _chips(who: Identity) -> list[Markup | str]:
    factor = "second factor confirmed" if who.acr == "mfa" else "one factor"
    if who.groups is None:
        return ["groups unknown", factor]
    groups: list[Markup | str] = [value(group) for group in sorted(who.groups)]
    others = (who.groups_total or 0) - len(groups)
    if others > 0:
        groups.append(f"and {others} that no rule names")
    return [*(groups or ["no groups"]), factor]


# --- where you can go


_VERDICTS: Final[dict[Verdict, tuple[Tone, str, str]]] = {
    "public": ("good", "check", "Public"),
    "open": ("good", "check", "Open"),
    "sign_in": ("ask", "enter", "Sign in"),
    "step_up": ("warn", "up", "Second factor"),
    "refused": ("bad", "cross", "Refused"),
}
_VERDICT: Final = Markup('<span class="verdict {}">{}{}</span>')
_PLACES: Final = Markup(
    '<nav class="places" aria-label="Pages of this tool"><div class="card"><ul class="list">\n{}</ul></div></nav>'
)
_PLACE: Final = Markup("<li>{name} {verdict}<small>{request} {rule}</small></li>\n")
_RULE: Final = Markup('<a href="/policy#rule-{0}" aria-label="Rule {0}"><code>{0}</code></a>')


def verdict(outlook: Outlook) -> Markup:
    """An outlook in a word."""
    tone, icon, word = _VERDICTS[outlook.verdict]
    return _VERDICT.format(tone, ICONS[icon], word)


def rule_link(outlook: Outlook) -> Markup:
    """The rule that decides, as a link to where it stands; the one that refuses, where that is another."""
    rule = outlook.refused_by or outlook.rule
    return _RULE.format(rule) if rule is not None else Markup("<span>no rule</span>")


def _places(view: View) -> Markup:
    return _PLACES.format(Markup("").join(_place(view, place) for place in PLACES))


def _place(view: View, place: Place) -> Markup:
    look = view.outlook(place.method, place.path)
    current = Markup(' aria-current="page"') if place.path == view.path else ""
    linked = Markup('<a class="place" href="{}"{}>{}</a>').format(place.path, current, place.name)
    return _PLACE.format(
        name=linked if place.link else Markup("<b>{}</b>").format(place.name),
        verdict=verdict(look),
        request=code(f"{place.method} {place.path}"),
        rule=rule_link(look),
    )


_DECIDED: Final = Markup(
    '<p class="decided"><span>Rule {rule} let you in</span> <span class="muted">{because}</span></p>\n'
)


def _decided(view: View) -> Markup:
    """Which rule opened this page, and by which conditions."""
    look = view.outlook("GET", view.path)
    because = (
        Markup(" · ").join(map(code, look.because))
        if look.because
        else "It is public: nobody has to sign in."
    )
    return _DECIDED.format(rule=rule_link(look), because=because)


# --- the live view


_DOCK: Final = Markup(
    '<section class="card dock" aria-labelledby="dock" tabindex="0" data-stream="{stream}" '
    'data-most="{most}"{whole}>\n'
    '<header><h2 id="dock">Audit records</h2><p class="state">connecting …</p><p>{more}</p></header>\n'
    '<p class="seen-only-by-readers said" role="status"></p>\n'
    '<table class="stack" role="table" aria-labelledby="dock"><thead role="rowgroup">'
    '<tr role="row">{columns}</tr></thead><tbody role="rowgroup"></tbody></table>\n'
    '<p class="none">Nothing yet. Open a page, and its record is here.</p>\n'
    '<noscript><p class="notice">The live view needs JavaScript; the terminal shows the same.</p></noscript>\n'
    '{verdicts}<p class="muted"><small class="left-out"></small></p>\n</section>'
)
_COLUMN: Final = Markup('<th role="columnheader" scope="col">{}</th>')
_TEMPLATE: Final = Markup('<template id="verdict-{}">{}</template>\n')
_WORDS: Final[dict[str, tuple[Tone, str, str]]] = {
    "allow": ("good", "check", "allow"),
    "deny": ("bad", "cross", "deny"),
    "login": ("ask", "enter", "login"),
    "step_up": ("warn", "up", "step_up"),
    "error": ("bad", "alert", "error"),
}


def live_view(*, whole_page: bool = False, stream: str = "/records/stream") -> Markup:
    """The records as they are made. ``whole_page``: more of them, each of which opens to the whole record."""
    columns: Sequence[str] = ["Time", "Who", "Request", "Decision", "Rule", "Reason"]
    more = Markup('<a href="/records" target="_blank" rel="noopener">Open in a window of its own</a>')
    return _DOCK.format(
        stream=stream,
        most=ROWS_ON_RECORDS_PAGE if whole_page else ROWS_IN_DOCK,
        whole=Markup(" data-whole") if whole_page else "",
        more=Markup("newest first") if whole_page else more,
        columns=Markup("").join(map(_COLUMN.format, [*columns, ""] if whole_page else columns)),
        verdicts=Markup("").join(
            _TEMPLATE.format(word, _VERDICT.format(tone, ICONS[icon], shown(label)))
            for word, (tone, icon, label) in _WORDS.items()
        ),
    )
