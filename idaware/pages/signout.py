"""Pages on the way out: are you sure, and you are signed out."""

from __future__ import annotations

from typing import Final

from markupsafe import Markup

from idaware.identity import Identity
from idaware.pages import parts
from idaware.pages.document import Page, card
from idaware.pages.house import House
from idaware.pages.parts import Link

SIGN_OUT_FORM: Final = Markup(
    '<form method="post" action="{action}"><button type="submit"{kind}>Sign out</button></form>'
)
"""Signing out changes something, so it is a POST, and only our own pages may send it (security rule 27)."""


def logout_confirm(house: House, *, identity: Identity, ends_provider_session: bool) -> Page:
    """GET asks; the form's POST does it."""
    sentence = (
        "This ends your session here and at your sign-in provider."
        if ends_provider_session
        else "This ends your session here. You stay signed in at your sign-in provider."
    )
    form = SIGN_OUT_FORM.format(action=house.url("logout"), kind="")
    body = Markup("\n").join(
        [
            parts.lead(sentence),
            parts.actions([Link("Stay signed in", house.home)], before=form),
            parts.facts([("Signed in as", parts.person(identity))]),
        ]
    )
    main = card("Do you want to sign out?", body, eyebrow="Sign out", icon="leave", tone="ask")
    return house.page("Sign out", main)


def logged_out(house: House, *, login_url: str | None, provider_session_ended: bool) -> Page:
    """The end of a logout; reached without a session, and says so whoever asks."""
    sentence = (
        "Your session here has ended."
        if provider_session_ended
        else "Your session here has ended. On a shared computer also sign out at your sign-in provider."
    )
    body = parts.lead(sentence) + parts.actions([Link("Sign in again", login_url)])
    main = card("You are signed out", body, eyebrow="Signed out", icon="check", tone="good")
    return house.page("Signed out", main)
