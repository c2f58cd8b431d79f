"""Pages on the way in: the link for frames, a sign-in that failed, the step between, the renewal window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from idaware.pages import parts
from idaware.pages.document import Page, card
from idaware.pages.house import House
from idaware.pages.parts import Link
from idaware.pages.refusal import DEFAULT_CHALLENGE
from idaware.pages.wording import COOKIES_MAY_BE_WHY, STOPPED, STOPPED_HINTS, failed_login_wording
from idaware.reasons import Reason


def sign_in_link(house: House, *, login_url: str, headers: Sequence[tuple[str, str]] = ()) -> Page:
    """For a frame: providers refuse to be framed, so the sign-in opens in a tab of its own.

    The one page that may stand in a frame, of our own origin or a trusted one. It says nothing about anybody.
    """
    body = Markup("\n").join(
        [
            parts.lead("This part of the page needs you to be signed in."),
            parts.actions([Link("Sign in (opens a new tab)", login_url, new_tab=True)]),
            _THEN_RELOAD,
        ]
    )
    main = card("Please sign in", body, eyebrow="Sign-in needed", icon="person", tone="ask")
    ancestors = " ".join(["'self'", *house.frame_origins])
    return house.page(
        "Please sign in",
        main,
        status=401,
        csp={"frame-ancestors": ancestors},
        headers=[DEFAULT_CHALLENGE, *headers],
    )


_THEN_RELOAD: Final = Markup(
    '<p class="muted">Afterwards come back here and <a href="">reload this part</a>.</p>'
)


_HINTS: Final = Markup("<p>What you can check:</p>\n<ul>\n{}</ul>")
_HINT: Final = Markup("<li>{}</li>\n")


def _why_stopped(reason: Reason) -> Markup:
    """What the person can check, where their browser may be the cause; else what the last failure was."""
    if reason not in COOKIES_MAY_BE_WHY:
        return parts.paragraph(failed_login_wording(reason).lead)
    return _HINTS.format(Markup("").join(_HINT.format(hint) for hint in STOPPED_HINTS))


def _reported(detail: str | None, reason: Reason) -> Markup:
    """What a stranger said; the reason's own sentence stands below anyway."""
    if not detail or detail == reason.sentence:
        return Markup("")
    return parts.notice("What was reported", parts.paragraph(parts.value(detail)))


def login_failed(
    house: House,
    *,
    status: int,
    reason: Reason,
    detail: str | None,
    retry_url: str | None,
    stopped: bool,
    request_id: str | None,
) -> Page:
    """A sign-in that came to nothing.

    ``stopped``: it was the third failure in a minute; the page explains and goes nowhere by itself.
    ``detail``: what the provider or the check said, a stranger's text.
    """
    words = STOPPED if stopped else failed_login_wording(reason)
    body = Markup("\n").join(
        [
            parts.lead(words.lead),
            _why_stopped(reason) if stopped else Markup(""),
            _reported(detail, reason),
            parts.actions([Link("Try again", retry_url), Link("Go to the front page", house.home)]),
            parts.facts(
                [
                    ("Reason", parts.with_small(parts.code(reason.value), reason.sentence)),
                    ("Whom to ask", parts.reachable(house.contact) if house.contact else None),
                    ("Request ID", parts.code(request_id) if request_id else None),
                ]
            ),
        ]
    )
    main = card(words.title, body, eyebrow=f"{words.label} · {status}", icon=words.icon, tone=words.tone)
    return house.page(words.title, main, status=status)


def step_on(house: House, *, to: str, title: str, sentence: str) -> Page:
    """A page that goes on to ``to`` by itself, without a script; the link is for whoever switched that off.

    After a callback with ``SameSite=Strict`` cookies this makes the next request one of our own site's, so
    that the browser sends them. After a logout form it keeps the way to the provider out of ``form-action``,
    which Chromium holds against every redirect of a form's answer, wherever the provider sends people.
    """
    target = to if parts.linkable(to) is not None else house.home
    body = parts.lead(sentence) + parts.actions([Link("Continue", target)])
    main = card(title, body, eyebrow="One moment", icon="enter", tone="ask")
    return house.page(title, main, refresh_to=target)


RENEW_SCRIPT: Final = """\
(() => {
  const { channel, samePerson } = document.getElementById("renewed").dataset;
  const message = { type: "idaware:renewed", samePerson: samePerson === "true" };
  try { new BroadcastChannel(channel).postMessage(message); } catch { /* the opener hears it */ }
  if (window.opener) { window.opener.postMessage(message, window.location.origin); }
  window.setTimeout(() => window.close(), 150);
})();
"""
"""Tells the opener, on our own origin only, and closes. The channel is for openers that were cut off by a
provider's own ``Cross-Origin-Opener-Policy``. Neither message says who is signed in."""

_RENEWED: Final = Markup('<div id="renewed" data-channel="{channel}" data-same-person="{same}">{text}</div>')


def renew_done(house: House, *, same_person: bool) -> Page:
    """What the renewal window shows before it closes.

    ``same_person``: False when another one signed in, or nobody knows who was there before.
    """
    text = (
        "This window closes by itself. If not, close it and go on where you were."
        if same_person
        else "If you are somebody else now, close this window and reload the page you came from."
    )
    body = _RENEWED.format(
        channel=f"idaware:{house.prefix}", same="true" if same_person else "false", text=parts.lead(text)
    )
    main = card("Your session is renewed", body, eyebrow="Signed in", icon="check", tone="good")
    return house.page("Your session is renewed", main, script=RENEW_SCRIPT, keep_opener=True)
