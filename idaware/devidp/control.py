"""What tests and curious people use: the first page, faults, keys, automatic sign-in. Not part of any standard."""

from __future__ import annotations

from typing import Any

import msgspec
from authlib.oauth2.rfc6749 import OAuth2Error  # type: ignore[import-untyped]  # Authlib carries no types
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from idaware.devidp import pages
from idaware.devidp.bridge import Answer, read_body, read_form
from idaware.devidp.faults import FAULTS, Active
from idaware.devidp.state import AutoSignIn, State
from idaware.errors import ConfigurationError, Problem
from idaware.identity import Json


class Wishes(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What ``POST /faults`` takes as JSON. ``clear`` comes first; an empty list of it means everything."""

    clear: list[str] | None = None
    set: list[str] = []
    next_login: list[str] = []
    times: int = 1


class AutoWish(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What ``POST /auto-sign-in`` takes as JSON; ``sub`` of ``null`` ends it."""

    sub: str | None
    level: str | None = None


def set_auto(state: State, sub: str | None, level: str | None) -> None:
    """Let every sign-in be this person's, without a page. ``ConfigurationError`` for nobody we know."""
    if sub is not None and state.people.get(sub) is None:
        raise ConfigurationError([Problem("auto sign-in", f"there is nobody whose sub is {sub!r}")])
    state.auto = None if sub is None else AutoSignIn(sub, level)


class Control:
    """The provider's own switches. Pages of other sites cannot use them; other programs on this machine can."""

    def __init__(self, state: State) -> None:
        self.state = state

    async def home(self, request: Request) -> Response:
        """The first page."""
        state, browser = self.state, self.state.browser(request)
        settings = [
            ("IDAWARE_ISSUER", state.issuer),
            ("IDAWARE_CLIENT_ID", "my-tool" if state.clients.anyone else "(as registered)"),
            ("IDAWARE_CLIENT_SECRET", state.clients.secret if state.clients.anyone else "(as registered)"),
        ]
        page = pages.home(
            issuer=state.issuer,
            settings=settings,
            person=browser.sign_in.person if browser else None,
            links=[("Discovery document", state.url("discovery")), ("Keys", state.url("jwks"))],
            logout=state.url("end_session"),
            faults_action=state.path("/faults") if state.faults_open else None,
            rotate_action=state.path("/keys/rotate"),
            always=state.faults.always,
        )
        return pages.respond(page)

    async def faults(self, request: Request) -> Response:
        """``GET`` lists, ``POST`` switches (JSON, or the form of our page), ``DELETE`` clears."""
        if not self.state.faults_open:
            return _error(404, "faults are switched off")
        if request.method == "GET":
            return _json(self._listing())
        if not self.state.is_own_page(request):
            return _error(403, "another site's page may not do that")
        if request.method == "DELETE":
            self.state.faults.clear()
            return _json(self._listing())
        return await self._switch(request)

    async def _switch(self, request: Request) -> Response:
        is_form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        try:
            wishes = (
                await _form_wishes(request)
                if is_form
                else msgspec.json.decode(await read_body(request), type=Wishes)
            )
            self._apply(wishes)
        except (ConfigurationError, ValueError, msgspec.MsgspecError, OAuth2Error) as error:
            return _error(400, str(error))
        return RedirectResponse(self.state.path("/") + "#faults", 303) if is_form else _json(self._listing())

    def _apply(self, wishes: Wishes) -> None:
        if wishes.clear is not None:
            self.state.faults.clear(*wishes.clear)
        self.state.faults.set(*wishes.set)
        if wishes.next_login:
            self.state.faults.next_login(*wishes.next_login, times=wishes.times)

    def _listing(self) -> dict[str, Json]:
        return {
            "always": [_active(active) for active in self.state.faults.always],
            "next_logins": [[_active(active) for active in login] for login in self.state.faults.waiting],
            "known": {fault.name: fault.sentence for fault in FAULTS.values()},
        }

    async def rotate_keys(self, request: Request) -> Response:
        """Sign with a new key from now on."""
        if not self.state.is_own_page(request):
            return _error(403, "another site's page may not do that")
        key = self.state.keys.rotate()
        if "text/html" in request.headers.get("accept", ""):
            return RedirectResponse(self.state.path("/"), 303)
        return _json({"kid": key.kid})

    async def auto_sign_in(self, request: Request) -> Response:
        """Whom everybody signs in as without being asked."""
        if not self.state.is_own_page(request):
            return _error(403, "another site's page may not do that")
        try:
            wish = msgspec.json.decode(await read_body(request), type=AutoWish)
            set_auto(self.state, wish.sub, wish.level)
        except (ConfigurationError, ValueError, msgspec.MsgspecError, OAuth2Error) as error:
            return _error(400, str(error))
        return _json({"sub": wish.sub, "level": wish.level})


async def _form_wishes(request: Request) -> Wishes:
    form: dict[str, Any] = await read_form(request)
    clear, wanted = form.get("clear"), form.get("set")
    return Wishes(clear=[clear] if clear else None, set=[wanted] if wanted else [])


def _active(active: Active) -> str:
    parts = [active.name]
    if active.name == "slow":
        parts.append(f"{active.seconds:g}")
    if active.endpoint is not None:
        parts.append(active.endpoint)
    return ":".join(parts)


def _json(document: dict[str, Json]) -> Response:
    return Answer(200, document, [("Content-Type", "application/json")]).to_response()


def _error(status: int, message: str) -> Response:
    return Answer(status, {"error": message}, [("Content-Type", "application/json")]).to_response()
