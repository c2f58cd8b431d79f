"""What people see of the development provider. Data in, ``Page`` out; no script is needed anywhere.

The frame, the escaping and the Content-Security-Policy are ``idaware.pages``'.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final
from urllib.parse import urlsplit

from markupsafe import Markup
from starlette.responses import Response

from idaware.devidp.authorize import PASSWORD, SECOND_FACTOR
from idaware.devidp.faults import FAULTS, PER_LOGIN, Active, Fault
from idaware.devidp.people import People, Person
from idaware.pages import Page, card, html_page

BRAND: Final = "Development provider"
_FOOT: Final = Markup(
    "<span>For development and tests, on this machine only: anybody can be anybody here.</span>"
)
_SHOWN_GROUPS: Final = 4

_CSS: Final = (
    "fieldset{border:0;margin:0 0 1.2rem;padding:0;min-width:0}"
    "legend{padding:0;margin:0 0 .5rem;font-weight:600}"
    ".levels{display:flex;flex-wrap:wrap;gap:.5rem}"
    ".levels label{display:flex;align-items:center;gap:.55rem;margin:0;padding:.55rem .9rem;font-weight:500;"
    "border:1px solid var(--line);border-radius:.6rem;cursor:pointer}"
    ".levels label:has(:checked){border-color:var(--accent);background:var(--accent-soft)}"
    ".people{display:grid;grid-template-columns:repeat(auto-fill,minmax(16.5rem,1fr));gap:.65rem;"
    "margin:0 0 1.2rem;padding:0;list-style:none}"
    "button.person{width:100%;height:100%;justify-content:flex-start;align-items:flex-start;gap:.8rem;"
    "padding:.8rem .9rem;text-align:left;font-weight:400;color:var(--text);background:var(--card);"
    "border-color:var(--line)}"
    "button.person:hover{filter:none;border-color:var(--accent);background:var(--sunk)}"
    ".person b{display:block;font-weight:650}"
    ".person span{min-width:0}"
    ".person small{display:block}"
    ".avatar{flex:none;display:grid;place-items:center;width:2.4rem;height:2.4rem;border-radius:50%;"
    "background:var(--accent-soft);color:var(--accent);font-weight:650;font-size:.9rem}"
    "form:last-child>.actions:last-child{margin-bottom:0}"
    ".person .chips{display:flex;margin-top:.35rem}"
    ".person .chips i{font-style:normal;padding:0 .5rem;border:1px solid var(--line);border-radius:1rem;"
    "background:var(--sunk);font-size:.75rem}"
    "details{margin:0 0 1.2rem;border:1px solid var(--line);border-radius:.6rem}"
    "summary{padding:.7rem .9rem;cursor:pointer;font-weight:600}"
    "details>:not(summary){margin:0 .9rem .9rem}"
    "tbody th{vertical-align:top;padding-top:.7rem;font-size:.9375rem;color:var(--text)}"
    "td form{margin:0}"
    "td button{min-height:2.2rem;padding:.25rem .8rem;white-space:nowrap}"
)

_HIDDEN: Final = Markup('<input type="hidden" name="{}" value="{}">')


def respond(page: Page) -> Response:
    """``page`` as a Starlette response."""
    response = Response(page.body, page.status)
    for name, value in page.headers:
        response.headers[name] = value
    return response


def _page(
    title: str,
    body: Markup,
    *,
    status: int = 200,
    form_targets: Iterable[str] = (),
    script: str | None = None,
    wide: bool = False,
) -> Page:
    """A page of ours. ``form_targets`` are the origins where a form of it ends, after redirects."""
    return html_page(
        title,
        body,
        status=status,
        brand=BRAND,
        extra_css=_CSS,
        script=script,
        csp={"form-action": " ".join(("'self'", *form_targets))},
        foot=_FOOT,
        wide=wide,
        keep_opener=True,  # an application may have opened us in a window, to renew its session
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


# --- picking who to be


def pick(
    *,
    people: People,
    first: Person | None,
    current: Person | None,
    client_id: str,
    redirect_uri: str,
    asked_levels: Sequence[str],
    levels: Sequence[str],
    level: str,
    action: str,
    request: str,
    with_faults: bool,
    home: str,
) -> Page:
    """The page to pick who to be. ``first`` comes first, so that Enter means them; ``current`` is here."""
    ordered = sorted(people, key=lambda person: person is not first)
    body = Markup(
        '<p class="lead"><code>{client}</code> at <code>{origin}</code> wants to know who you are. '
        "{who}</p>\n"
        '<form method="post" action="{action}">\n{hidden}\n{levels}\n'
        '<ul class="people">\n{people}\n</ul>\n{faults}'
        '<div class="actions"><button class="quiet" name="refuse" value="yes">Refuse to sign in</button>'
        '<a class="button quiet" href="{home}">About this provider</a></div>\n</form>'
    ).format(
        client=client_id,
        who=_who_is_here(current),
        origin=_origin(redirect_uri),
        action=action,
        hidden=_HIDDEN.format("request", request),
        levels=_levels(levels, level, asked_levels),
        people=Markup("\n").join(_person_button(person) for person in ordered),
        faults=_fault_choice() if with_faults else "",
        home=home,
    )
    return _page(
        "Who do you want to be?",
        card("Who do you want to be?", body, eyebrow="Development sign-in", icon="person", tone="ask"),
        form_targets=[_origin(redirect_uri)],
        wide=True,
    )


def _who_is_here(current: Person | None) -> Markup:
    if current is None:
        return Markup("Pick somebody; nobody here has a password.")
    return Markup(
        "In this browser you are <b>{}</b>: confirm that once more, or sign in as somebody else."
    ).format(current.label)


def _levels(levels: Sequence[str], chosen: str, asked: Sequence[str]) -> Markup:
    option = Markup('<label><input type="radio" name="level" value="{}"{}> <span>{}</span></label>')
    options = (
        option.format(
            level, Markup(" checked") if level == chosen else "", _level_label(level, level in asked)
        )
        for level in levels
    )
    return Markup(
        '<fieldset><legend>How do you confirm it?</legend><div class="levels">{}</div></fieldset>'
    ).format(Markup("").join(options))


def _level_label(level: str, asked: bool) -> Markup:
    wording = {
        PASSWORD: Markup("Without a second factor"),
        SECOND_FACTOR: Markup("Confirm with a second factor"),
    }
    label = wording.get(level, Markup("Confirm with a second factor, as <code>{}</code>").format(level))
    return label + Markup(" <small>(asked for)</small>") if asked else label


def _person_button(person: Person) -> Markup:
    return Markup(
        '<li><button class="person" name="person" value="{sub}">'
        '<span class="avatar" aria-hidden="true">{initials}</span>'
        '<span><b>{name}</b> <small>{detail}</small> <span class="chips">{groups}</span></span></button></li>'
    ).format(
        sub=person.sub,
        initials="".join(word[0] for word in person.label.split()[:2]).upper(),
        name=person.label,
        detail=" · ".join(filter(None, (person.email or person.sub, person.note))),
        groups=_groups(person.groups),
    )


def _groups(groups: tuple[str, ...] | None) -> Markup:
    chip = Markup("<i>{}</i>")
    if groups is None:
        return chip.format("no groups claim")
    if not groups:
        return chip.format("no group")
    shown = [chip.format(group) for group in groups[:_SHOWN_GROUPS]]
    if len(groups) > _SHOWN_GROUPS:
        shown = [chip.format(groups[0]), chip.format(f"and {len(groups) - 1} more")]
    return Markup(" ").join(shown)


def _fault_choice() -> Markup:
    per_login = [fault for fault in FAULTS.values() if fault.where in PER_LOGIN]
    options = Markup("").join(
        Markup('<optgroup label="{}">{}</optgroup>').format(
            where, Markup("").join(map(_fault_option, faults))
        )
        for where, faults in groupby(per_login, key=lambda fault: fault.where)
    )
    return Markup(
        "<details><summary>Let this sign-in go wrong</summary><p>"
        '<label for="fault">What shall go wrong?</label><select id="fault" name="fault">'
        '<option value="">Nothing</option>{}</select></p></details>\n'
    ).format(options)


def _fault_option(fault: Fault) -> Markup:
    return Markup('<option value="{}">{}: {}</option>').format(fault.name, fault.name, fault.sentence)


# --- answers and refusals


def form_post(target: str, parameters: Sequence[tuple[str, str]]) -> Page:
    """A form that sends itself to the application (Form Post Response Mode 1.0); with a button, without script."""
    body = Markup(
        '<form method="post" action="{}">{}<p>Back to the application.</p>'
        '<div class="actions"><button>Continue</button></div></form>'
    ).format(target, Markup("").join(_HIDDEN.format(name, value) for name, value in parameters))
    return _page(
        "Back to the application",
        card("One moment", body, eyebrow="Signed in", icon="enter"),
        form_targets=[_origin(target)],
        script="document.forms[0].submit()",
    )


def problem(error: str, description: str, *, status: int = 400) -> Page:
    """A request that cannot be answered by a redirect."""
    body = Markup("<p class=lead>{}</p><p class=muted>Error code: <code>{}</code></p>").format(
        description, error
    )
    return _page(
        "That request is wrong",
        card("That request is wrong", body, eyebrow="Refused", icon="cross", tone="bad"),
        status=status,
    )


def confirm_logout(
    *, person: Person, client_id: str | None, target: str | None, action: str, request: str
) -> Page:
    """Whether to sign out here (RP-Initiated Logout section 2: the provider should ask)."""
    body = Markup(
        '<p class="lead">You are <b>{person}</b> at this provider.{client}</p>'
        '<form method="post" action="{action}">{hidden}<div class="actions">'
        '<button name="answer" value="yes">Sign out</button>'
        '<button class="quiet" name="answer" value="no">Stay signed in</button></div></form>'
    ).format(
        person=person.label,
        client=Markup(" <code>{}</code> asks to sign you out.").format(client_id) if client_id else "",
        action=action,
        hidden=_HIDDEN.format("request", request),
    )
    return _page(
        "Sign out?",
        card("Sign out?", body, eyebrow="Sign out", icon="leave", tone="ask"),
        form_targets=[_origin(target)] if target else (),
    )


def still_signed_in(*, home: str) -> Page:
    """The answer was no."""
    body = Markup(
        '<p>Nothing has changed.</p><div class="actions"><a class="button" href="{}">Continue</a></div>'
    )
    return _page(
        "Still signed in",
        card("You are still signed in", body.format(home), eyebrow="Not signed out", icon="person"),
    )


def signed_out(told: Mapping[str, bool], *, home: str) -> Page:
    """Signed out, and which applications were told by the back channel."""
    row = Markup("<li><code>{}</code> {}</li>")
    rows = (row.format(client, "knows" if heard else "did not answer") for client, heard in told.items())
    body = Markup(
        "<p>This provider no longer knows you in this browser.</p><ul>{}</ul>"
        '<div class="actions"><a class="button quiet" href="{}">About this provider</a></div>'
    ).format(Markup("").join(rows), home)
    return _page(
        "Signed out", card("You are signed out", body, eyebrow="Signed out", icon="check", tone="good")
    )


# --- about


def home(
    *,
    issuer: str,
    settings: Sequence[tuple[str, str]],
    person: Person | None,
    links: Sequence[tuple[str, str]],
    logout: str,
    faults_action: str | None,
    rotate_action: str,
    always: Sequence[Active],
) -> Page:
    """What this provider is, what an application needs to know, and the faults for everybody."""
    lines = "\n".join(f"{name}={value}" for name, value in settings)
    who = (
        Markup('<p>Here you are <b>{}</b>. <a href="{}">Sign out</a></p>').format(person.label, logout)
        if person
        else Markup("<p>Nobody is signed in in this browser.</p>")
    )
    body = Markup(
        "{who}<h2>For the application</h2><pre><code>{lines}</code></pre><p>{links}</p>"
        '<h2>Keys</h2><form method="post" action="{rotate}"><div class="actions">'
        "<button class=quiet>Rotate the signing key</button></div></form>{faults}"
    ).format(
        who=who,
        lines=lines,
        links=Markup(" · ").join(Markup('<a href="{}">{}</a>').format(url, name) for name, url in links),
        rotate=rotate_action,
        faults=_fault_table(faults_action, always) if faults_action else "",
    )
    return _page(
        BRAND,
        card(issuer, body, eyebrow="An OpenID provider for development", icon="lock"),
        wide=True,
    )


def _fault_table(action: str, always: Sequence[Active]) -> Markup:
    on = {active.name for active in always}
    rows = Markup("\n").join(_fault_row(fault, action, fault.name in on) for fault in FAULTS.values())
    return Markup(
        '<h2 id="faults">Let everything go wrong</h2>'
        "<p>What is switched on here goes wrong for everybody, until it is switched off. "
        "What shall go wrong in one sign-in alone is chosen there.</p>"
        '<table><thead><tr><th scope="col">Fault</th><th scope="col">What happens</th>'
        '<th scope="col">State</th></tr></thead><tbody>{}</tbody></table>'
    ).format(rows)


def _fault_row(fault: Fault, action: str, on: bool) -> Markup:
    value = "slow:3" if fault.name == "slow" and not on else fault.name
    return Markup(
        '<tr><th scope="row"><code>{name}</code></th><td>{sentence}</td><td>'
        '<form method="post" action="{action}"><button class="{look}" name="{verb}" value="{value}" '
        'aria-label="{label}">{text}</button></form></td></tr>'
    ).format(
        name=fault.name,
        sentence=fault.sentence,
        action=action,
        look="" if on else "quiet",
        verb="clear" if on else "set",
        value=value,
        label=f"Switch {fault.name} {'off' if on else 'on'}",
        text="Switch off" if on else "Switch on",
    )
