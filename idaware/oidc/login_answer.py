"""What came back from the provider: the parameters of a callback, and refusals in words.

Belongs here: reading and bounding, and from each failure to a reason, a status and two messages. What follows
from them is in ``login.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from idaware.errors import ClientError, ProviderError, ProviderRefused, ProviderUnavailable, TokenRejected
from idaware.reasons import Reason

MAX_PARAMETERS = 32
MAX_VALUE_CHARS = 8192
MAX_SHOWN_CHARS = 200

_LATER = frozenset({"temporarily_unavailable", "server_error"})  # RFC 6749 section 4.1.2.1
_OURS = frozenset({
    "invalid_request", "unauthorized_client", "unsupported_response_type", "invalid_scope", "invalid_client",
    "invalid_request_uri", "invalid_request_object", "request_not_supported", "request_uri_not_supported",
    "registration_not_supported",
})  # fmt: skip
"""Errors that say nothing about a person: our request, or our registration, is not accepted (RFC 6749 section
4.1.2.1, OpenID Connect Core 3.1.2.6)."""
_REGISTERED = _LATER | _OURS | {
    "access_denied", "login_required", "interaction_required", "consent_required", "account_selection_required",
    "unmet_authentication_requirements",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """The parameters of a callback that count (RFC 6749 section 4.1.2, RFC 9207); empty where absent."""

    state: str
    code: str = field(default="", repr=False)
    iss: str | None = None
    error: str = ""
    error_description: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a sign-in came to nothing.

    ``message`` is for the person (with a provider's own text in it: pages escape it), ``log`` for the
    operator. Neither holds a token, a code or a secret. ``recorded`` is for the record, which holds no value of the
    query either (audit promise 5); ``log`` where it is ``None``.
    """

    reason: Reason
    status: int
    message: str
    log: str
    recorded: str | None = None


def read_answer(params: Mapping[str, Sequence[str]]) -> Answer | Refusal:
    """The answer in the callback's parameters (name to all values that were given)."""
    repeated = sorted(name for name, values in params.items() if len(values) != 1)
    if repeated:  # security rule 14; RFC 6749 section 3.1
        return _odd(f"it holds {shown(repeated[0])} more than once")
    if len(params) > MAX_PARAMETERS or any(len(value) > MAX_VALUE_CHARS for (value,) in params.values()):
        return Refusal(
            Reason.REQUEST_TOO_LARGE,
            413,
            Reason.REQUEST_TOO_LARGE.sentence,
            "the callback's parameters are too large",
        )
    given = {name: value for name, (value,) in params.items()}
    return Answer(
        state=given.get("state", ""),
        code=given.get("code", ""),
        iss=given.get("iss"),
        error=given.get("error", ""),
        error_description=given.get("error_description", ""),
    )


def check_answer(answer: Answer, issuer: str) -> Refusal | None:
    """Refuse an answer of another issuer, an error, and one that is neither error nor success.

    An error response without ``iss`` is shown as an error though the metadata promises one: it leads nowhere.
    """
    if answer.iss is not None and answer.iss != issuer:  # security rule 14: before the code goes anywhere
        return _foreign("it says another iss", f": {shown(answer.iss)}, expected {issuer!r}")
    if answer.error:
        return _error_response(answer)
    if not answer.code:
        return _odd("it holds neither code nor error")
    return None


def check_promised_issuer(answer: Answer, promised: bool) -> Refusal | None:
    """Refuse a success without ``iss`` where the metadata promises one (RFC 9207 section 2.4, security rule 14)."""
    if promised and answer.iss is None:
        return _foreign("it holds no iss, which the provider's metadata promises")
    return None


def unknown_state(log: str) -> Refusal:
    """For a callback that belongs to no login of this browser: late, repeated, foreign, made up.

    ``log``: what the browser brought instead (``LoginStates.why_unknown``).
    """
    return Refusal(Reason.LOGIN_STATE_UNKNOWN, 400, Reason.LOGIN_STATE_UNKNOWN.sentence, log)


def refusal_of(error: ProviderError | ClientError) -> Refusal:
    """The refusal for what was raised on the way to a session."""
    log = str(error)
    if isinstance(error, ClientError):
        return Refusal(error.reason, error.status, error.reason.sentence, log)
    if isinstance(error, TokenRejected):
        return Refusal(error.reason, 400, error.reason.sentence, log)
    if isinstance(error, ProviderUnavailable):
        return _unavailable(log)
    if isinstance(error, ProviderRefused):
        return _token_refused(error)
    # ProviderMisbehaved: an answer that no conforming provider gives
    return Refusal(Reason.LOGIN_TOKEN_REJECTED, 400, "The provider's answer could not be used.", log)


def _token_refused(error: ProviderRefused) -> Refusal:
    if error.status == 429 or error.status >= 500 or error.error in _LATER:
        return _unavailable(str(error))
    log = f"token endpoint: {error}"
    if error.error == "invalid_grant":  # a code that is late or was used before: a new sign-in helps
        message = "The provider did not take its own answer back. Trying again usually helps."
        return Refusal(Reason.LOGIN_CLIENT_REFUSED, 400, message, log)
    return _registration(log)


def _error_response(answer: Answer) -> Refusal:
    text = ": ".join(filter(None, (shown(answer.error), shown(answer.error_description))))
    log = f"the provider answered {text}"
    if answer.error in _LATER:
        refusal = _unavailable(log)
    elif answer.error in _OURS:
        refusal = _registration(log)
    else:
        refusal = Refusal(Reason.LOGIN_REFUSED_BY_PROVIDER, 403, text, log)
    code = answer.error if answer.error in _REGISTERED else "an error that no specification knows"
    return replace(refusal, recorded=f"the provider answered {code}")


def _unavailable(log: str) -> Refusal:
    return Refusal(Reason.PROVIDER_UNAVAILABLE, 503, Reason.PROVIDER_UNAVAILABLE.sentence, log)


def _registration(log: str) -> Refusal:
    """Nobody can sign in until an operator puts our registration or our settings right: no fault of the person."""
    message = (
        "The application's registration at the provider does not work. Its operators have to put it right."
    )
    return Refusal(Reason.LOGIN_CLIENT_REFUSED, 503, message, log)


def _foreign(what: str, detail: str = "") -> Refusal:
    what = f"the callback is refused: {what}"
    return Refusal(Reason.ISSUER_UNKNOWN, 400, Reason.ISSUER_UNKNOWN.sentence, what + detail, recorded=what)


def _odd(what: str) -> Refusal:
    message = "The answer is not one that a provider gives."
    return Refusal(Reason.LOGIN_REFUSED_BY_PROVIDER, 400, message, f"the callback is refused: {what}")


def shown(text: str) -> str:
    """A stranger's text for messages: printable, one line, bounded."""
    return "".join(character if character.isprintable() else " " for character in text)[:MAX_SHOWN_CHARS]
