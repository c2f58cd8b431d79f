"""The last step of the authorization endpoint: response mode, and what faults make of the parameters.

``query`` redirects; ``form_post`` answers a page with a form that sends itself (Form Post Response Mode 1.0).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.responses import Response

from idaware.devidp import pages
from idaware.devidp.bridge import Answer
from idaware.devidp.tokens import OTHER_ISSUER

RESPONSE_MODES: Final = ("query", "form_post")

Parameters: TypeAlias = list[tuple[str, str]]
_OWN_PARAMETERS: Final = frozenset({"code", "state", "iss", "error", "error_description"})


def _set(parameters: Parameters, name: str, value: str) -> Parameters:
    return [(one, value if one == name else old) for one, old in parameters]


def _drop(parameters: Parameters, name: str) -> Parameters:
    return [pair for pair in parameters if pair[0] != name]


_FAULTS: Final[dict[str, Callable[[Parameters], Parameters]]] = {
    "response_wrong_issuer": lambda parameters: _set(parameters, "iss", OTHER_ISSUER),
    "response_missing_issuer": lambda parameters: _drop(parameters, "iss"),
    "response_wrong_state": lambda parameters: _set(parameters, "state", "the-state-of-another-sign-in"),
    "response_missing_state": lambda parameters: _drop(parameters, "state"),
    "response_wrong_code": lambda parameters: _set(parameters, "code", "a-code-that-was-never-issued"),
    "response_duplicate_parameters": lambda parameters: parameters * 2,
}


def finish(answer: Answer, response_mode: str, faults: frozenset[str]) -> Response:
    """Send ``answer`` the way that was asked for, spoilt as ``faults`` say."""
    assert answer.location is not None  # what cannot be redirected never gets here
    target, parameters = _split(answer.location)
    for name, spoil in _FAULTS.items():
        if name in faults:
            parameters = spoil(parameters)
    if response_mode == "form_post":
        return pages.respond(pages.form_post(target, parameters))
    answer.location = _join(target, parameters)
    answer.status = 303  # never a repetition of the POST that picked somebody (RFC 9700 section 4.12)
    return answer.to_response()


def _split(location: str) -> tuple[str, Parameters]:
    """The redirect URI with its own query, and our parameters."""
    parts = urlsplit(location)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    ours = [pair for pair in pairs if pair[0] in _OWN_PARAMETERS]
    theirs = [pair for pair in pairs if pair[0] not in _OWN_PARAMETERS]
    return urlunsplit(parts._replace(query=urlencode(theirs))), ours


def _join(target: str, parameters: Parameters) -> str:
    separator = "&" if urlsplit(target).query else "?"
    return f"{target}{separator}{urlencode(parameters)}"
