"""Between Starlette and Authlib's server side: request in, answer out. There is no Starlette integration in Authlib.

Authlib's server is synchronous and asks its request for ``payload`` (and ``form``); the body is read before
it is asked. An ``Answer`` stays changeable until it is sent, since response modes and faults work on it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from authlib.oauth2.rfc6749 import (  # type: ignore[import-untyped]  # Authlib carries no types
    OAuth2Error,
    OAuth2Payload,
    OAuth2Request,
)
from starlette.requests import Request
from starlette.responses import Response

from idaware.devidp.faults import Active
from idaware.identity import Json

MAX_BODY_BYTES: Final = 65_536
MAX_PARAMETERS: Final = 64

_REPEATABLE: Final = frozenset({"resource"})
"""RFC 8707 section 2; every other parameter comes at most once (RFC 6749 section 3.1)."""

_QUOTED: Final = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*")
"""What may stand in an ``error_description`` (RFC 6749 appendix A.8), where Authlib quotes these parameters."""
_QUOTED_PARAMETERS: Final = ("response_type", "redirect_uri", "client_id", "grant_type", "scope", "state")


class Payload(OAuth2Payload):  # type: ignore[misc]  # Authlib carries no types
    """The parameters of a request, each with all its values."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._datalist: dict[str, list[str]] = {}
        for name, value in pairs:
            self._datalist.setdefault(name, []).append(value)
        self._data = {name: values[0] for name, values in self._datalist.items()}

    @property
    def data(self) -> dict[str, str]:
        """The first value of each."""
        return self._data

    @property
    def datalist(self) -> dict[str, list[str]]:
        """All values of each."""
        return self._datalist


class FormRequest(OAuth2Request):  # type: ignore[misc]  # Authlib carries no types
    """A request with its parameters: the query of a GET, the form of a POST.

    ``faults`` are what the sign-in that it belongs to does wrong.
    """

    def __init__(self, method: str, pairs: list[tuple[str, str]], headers: Mapping[str, str]) -> None:
        # Authlib refuses plain http here but on its own idea of loopback; the guard has refused all but ours.
        super().__init__(method, "https://localhost/", headers=headers)
        self.payload = Payload(pairs)
        self.pairs = pairs
        self.faults: tuple[Active, ...] = ()

    @property
    def form(self) -> dict[str, str]:
        """The parameters, for the endpoints that take a POST."""
        data: dict[str, str] = self.payload.data
        return data

    def get(self, name: str) -> str | None:
        """One parameter; an empty one counts as absent (RFC 6749 section 3.1)."""
        return self.payload.data.get(name) or None

    def check(self) -> None:
        """Raise ``OAuth2Error`` for what Authlib would stumble over: repeated or unprintable parameters."""
        for name, values in self.payload.datalist.items():
            if len(values) > 1 and name not in _REPEATABLE:
                raise OAuth2Error(error="invalid_request", description="A parameter comes more than once.")
        for name in _QUOTED_PARAMETERS:
            if not _QUOTED.fullmatch(self.payload.data.get(name, "")):
                raise OAuth2Error(error="invalid_request", description=f"{name} holds unusable characters.")


async def oauth_request(request: Request) -> FormRequest:
    """The OAuth request in ``request``. Raises ``OAuth2Error`` when it is too large or not a form."""
    text = request.url.query if request.method == "GET" else await _form_text(request)
    return parse_request(text, request.method, request.headers)


def parse_request(text: str, method: str, headers: Mapping[str, str]) -> FormRequest:
    """An OAuth request from its form-encoded parameters. Raises ``OAuth2Error``."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError as error:
        raise OAuth2Error(error="invalid_request", description="Too many parameters.") from error
    return FormRequest(method, pairs, headers)


async def read_form(request: Request) -> dict[str, str]:
    """The form that one of our own pages posts. Raises ``OAuth2Error``."""
    return dict(parse_qsl(await _form_text(request), keep_blank_values=True))


async def _form_text(request: Request) -> str:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/x-www-form-urlencoded":
        raise OAuth2Error(error="invalid_request", description="Expected a form.")
    return (await read_body(request)).decode("utf-8", "replace")


async def read_body(request: Request) -> bytes:
    """The body, up to ``MAX_BODY_BYTES``. Raises ``OAuth2Error`` beyond."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise OAuth2Error(error="invalid_request", description="Too large.", status_code=413)
    return bytes(body)


@dataclass(slots=True)
class Answer:
    """An answer before it is sent. ``body`` is text, or something to be JSON."""

    status: int
    body: Json
    headers: list[tuple[str, str]] = field(default_factory=list)

    @property
    def location(self) -> str | None:
        """Where it redirects to; what Authlib's extension for RFC 9207 reads and writes."""
        return next((value for name, value in self.headers if name.lower() == "location"), None)

    @location.setter
    def location(self, value: str) -> None:
        self.headers = [pair for pair in self.headers if pair[0].lower() != "location"]
        self.headers.append(("Location", value))

    def to_response(self) -> Response:
        """The Starlette response; JSON unless the body is text."""
        body = self.body.encode() if isinstance(self.body, str) else msgspec.json.encode(self.body)
        response = Response(body, self.status)
        for name, value in self.headers:
            response.headers[name] = value
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def error_answer(error: OAuth2Error) -> Answer:
    """The answer that an error of Authlib's asks for."""
    status, body, headers = error()
    return Answer(status, body, list(headers))
