"""What our pages say, reason by reason. Words only: no markup, no decision.

A reason without an entry of its own gets the words for its status, so that a new one is never a blank page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from idaware.pages.style import Tone
from idaware.reasons import Reason


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of one page: ``title`` is its ``h1``, ``label`` says the tone, ``icon`` names a pictogram."""

    title: str
    lead: str
    label: str
    icon: str
    tone: Tone


def _refused(title: str, lead: str) -> Wording:
    return Wording(title, lead, "Not allowed", "lock", "bad")


def _sign_in(title: str, lead: str) -> Wording:
    return Wording(title, lead, "Sign-in needed", "person", "ask")


def _ended(title: str, lead: str) -> Wording:
    return Wording(title, lead, "Session ended", "clock", "ask")


def _rejected(title: str, lead: str) -> Wording:
    return Wording(title, lead, "Request not accepted", "cross", "warn")


def _failed(title: str, lead: str) -> Wording:
    return Wording(title, lead, "Temporarily unavailable", "alert", "warn")


def _not_signed_in(title: str, lead: str) -> Wording:
    return Wording(title, lead, "Sign-in not completed", "alert", "warn")


REFUSALS: Final[Mapping[Reason, Wording]] = {
    Reason.NO_IDENTITY: _sign_in("Please sign in", "You have to be signed in to see this page."),
    Reason.SESSION_EXPIRED: _ended(
        "Your session has ended", "Sessions last for a limited time. Sign in again to go on where you were."
    ),
    Reason.SESSION_IDLE: _ended(
        "You were signed out after a pause", "Your session was not used for a while. Sign in again to go on."
    ),
    Reason.SESSION_STALE: _ended(
        "Please sign in again",
        "What your session knows about you is too old, or says too little, for this page.",
    ),
    Reason.SESSION_REVOKED: _ended(
        "Your session was revoked",
        "You or an administrator ended it. Sign in again if you still have access.",
    ),
    Reason.SESSION_INVALID: _sign_in(
        "Please sign in again", "Your browser sent a session that this application did not make."
    ),
    Reason.TOKEN_INVALID: _sign_in(
        "This token is not accepted", "The access token that was sent is not valid."
    ),
    Reason.TOKEN_EXPIRED: _sign_in(
        "This token has expired", "Get a new access token and send the request again."
    ),
    Reason.TOKEN_AUDIENCE: _sign_in(
        "This token is for somebody else",
        "The access token was issued for another application than this one.",
    ),
    Reason.ISSUER_UNKNOWN: _sign_in(
        "This token is not accepted",
        "The access token comes from an issuer that this application does not trust.",
    ),
    Reason.DENIED_BY_RULE: _refused(
        "You may not see this page", "You are signed in, but a rule keeps your account out of this page."
    ),
    Reason.NOT_IN_ALLOW: _refused(
        "You do not have access to this page",
        "You are signed in, but the rule for this page does not include you.",
    ),
    Reason.CLAIM_UNKNOWN: _refused(
        "We could not tell whether you have access",
        "The rule for this page asks for something about you that your sign-in did not bring along.",
    ),
    Reason.NO_RULE: _refused(
        "Nobody has access to this page", "No rule opens this address, and what no rule opens stays closed."
    ),
    Reason.METHOD_NOT_COVERED: _refused(
        "This action is not open", "The rule for this page does not cover what you tried to do here."
    ),
    Reason.STEP_UP_REQUIRED: Wording(
        "Please confirm that it is you",
        "This page asks for a more recent or a stronger sign-in than your session has.",
        "Stronger sign-in needed",
        "up",
        "ask",
    ),
    Reason.STEP_UP_UNMET: _refused(
        "Your sign-in is not strong enough for this page",
        "You signed in again, but the sign-in still lacks what the rule asks for, such as a second factor.",
    ),
    Reason.PATH_AMBIGUOUS: _rejected(
        "This address is not accepted",
        "It can be read in more than one way, so it was refused before anything looked at it.",
    ),
    Reason.PATH_MISMATCH: _rejected(
        "This address is not accepted",
        "The application would have read it differently from the rule that opens it.",
    ),
    Reason.HOST_UNKNOWN: _rejected(
        "This application does not answer here",
        "It is not known under the host name that your browser asked for.",
    ),
    Reason.METHOD_INVALID: _rejected(
        "This request is not accepted", "Its method is not one that is let through."
    ),
    Reason.MOUNT_UNKNOWN: _rejected(
        "This address is not accepted",
        "The request did not come in under the path that the application lives at.",
    ),
    Reason.ORIGIN_REFUSED: _rejected(
        "This connection is not accepted", "It was opened from a site that this application does not trust."
    ),
    Reason.CROSS_SITE: _rejected(
        "This request came from another site",
        "To protect you, changes are accepted from this application's own pages only. Open it and try again.",
    ),
    Reason.REQUEST_TOO_LARGE: _rejected(
        "This request is too large", "It is larger than what is accepted here."
    ),
    Reason.SESSION_TOO_LARGE: _not_signed_in(
        "Your sign-in does not fit",
        "What your provider says about you is too much for a browser cookie to hold.",
    ),
    Reason.LEGACY_EXPIRED: _sign_in(
        "The old way in has ended",
        "This application no longer accepts the sign-in that you used. Use the new one.",
    ),
    Reason.STORE_UNAVAILABLE: _failed(
        "We cannot check your session right now", "The place where sessions are kept does not answer."
    ),
    Reason.AUDIT_UNAVAILABLE: _failed(
        "This cannot be done right now",
        "The page may only be used when its use can be recorded, and it cannot be.",
    ),
    Reason.PROVIDER_UNAVAILABLE: _failed(
        "Signing in is not possible right now",
        "The sign-in provider does not answer. Please try again in a minute.",
    ),
    Reason.INTERNAL_ERROR: _failed(
        "Something went wrong on our side",
        "The access check failed, so the request was refused.",
    ),
}
"""The words of a refusal."""

_BY_STATUS: Final[Mapping[int, Wording]] = {
    400: _rejected(
        "This request is not accepted", "It could not be understood without doubt, so it was refused."
    ),
    401: _sign_in("Please sign in", "You have to be signed in to see this page."),
    403: _refused("You do not have access to this page", "This page is not open to you."),
    404: Wording("There is nothing here", "This address does not exist.", "Not found", "cross", "plain"),
    405: _rejected("This request is not accepted", "Its method is not one that is let through."),
}
_OTHERWISE: Final = _failed(
    "This cannot be done right now", "The request was refused. Please try again in a minute."
)

FAILED_LOGINS: Final[Mapping[Reason, Wording]] = {
    Reason.LOGIN_STATE_UNKNOWN: _not_signed_in(
        "This sign-in is no longer good",
        "It was started in another browser, used already, or left open for more than ten minutes. "
        "Nothing is wrong with your account: just start again.",
    ),
    Reason.LOGIN_REFUSED_BY_PROVIDER: _not_signed_in(
        "Your provider did not sign you in",
        "The sign-in was cancelled, or your account may not use this application.",
    ),
    Reason.LOGIN_CLIENT_REFUSED: _not_signed_in(
        "This application could not sign you in",
        "Your provider did not accept what the application asked of it. Nothing is wrong with your account. "
        "If it happens again, tell the people who run this application.",
    ),
    Reason.LOGIN_NONCE_MISMATCH: _not_signed_in(
        "The answers got mixed up", "The provider's answer belongs to another sign-in, so it was not used."
    ),
    Reason.LOGIN_TOKEN_REJECTED: _not_signed_in(
        "The provider's answer could not be trusted",
        "It failed a security check, so you were not signed in. If it goes on, tell the people who run this.",
    ),
    Reason.SESSION_TOO_LARGE: REFUSALS[Reason.SESSION_TOO_LARGE],
    Reason.PROVIDER_UNAVAILABLE: REFUSALS[Reason.PROVIDER_UNAVAILABLE],
    Reason.INTERNAL_ERROR: _not_signed_in(
        "Something went wrong on our side", "The sign-in could not be completed, and you were not signed in."
    ),
}
"""The words of a sign-in that failed."""

_FAILED_LOGIN: Final = _not_signed_in("You were not signed in", "The sign-in could not be completed.")

STOPPED: Final = _not_signed_in(
    "Signing in does not work at the moment",
    "It failed three times within a minute, so we stopped instead of sending you round in circles.",
)
"""The words after three failed sign-ins in a minute, whatever the reason."""

COOKIES_MAY_BE_WHY: Final = frozenset(
    {Reason.LOGIN_STATE_UNKNOWN, Reason.LOGIN_NONCE_MISMATCH, Reason.SESSION_INVALID}
)
"""Failures that a person's own browser may cause: for others the hints would lead astray."""

STOPPED_HINTS: Final = (
    "Does your browser accept cookies for this site? A sign-in cannot be completed without them.",
    "Are other tabs signing in too? Close them, wait a minute and start again.",
    "Does it work in a private window? Then cookies of this site are in the way: clear them.",
    "Does none of that help? Tell the people who run this application: its log says more.",
)
"""What people can check before they try again."""

_GROUPS_LEFT_OUT: Final[Mapping[str, tuple[str, str]]] = {
    "overage": (
        "You are in more groups than your provider puts into a sign-in, so it left all of them out.",
        "Ask an administrator of the provider to send only the groups that are assigned to this application.",
    ),
    "not_granted": (
        "Your groups were not shared with this application when you signed in.",
        "Sign in again and agree to share your groups when you are asked.",
    ),
    "absent": (
        "Your provider said nothing about your groups when you signed in.",
        "Ask an administrator of the provider to send your groups to this application.",
    ),
    "malformed": (
        "Your provider sent your groups in a form that cannot be read.",
        "Ask the people who run this application to compare its settings with what the provider sends.",
    ),
}


def refusal_wording(reason: Reason, status: int) -> Wording:
    """The words for a refusal."""
    return REFUSALS.get(reason) or _BY_STATUS.get(status, _OTHERWISE)


def failed_login_wording(reason: Reason) -> Wording:
    """The words for a sign-in that failed once or twice."""
    return FAILED_LOGINS.get(reason, _FAILED_LOGIN)


def groups_left_out_wording(left_out: str) -> tuple[str, str]:
    """What happened to a person's groups, and what to do; a word that is not known counts as ``absent``."""
    return _GROUPS_LEFT_OUT.get(left_out, _GROUPS_LEFT_OUT["absent"])


def status_phrase(status: int) -> str:
    """The phrase of an HTTP status (RFC 9110 section 15), ``Error`` for one that is not registered."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
