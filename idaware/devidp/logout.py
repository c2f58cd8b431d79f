"""Signing out: RP-initiated (``end_session``) with a confirmation, and telling the other applications (back channel).

OpenID Connect RP-Initiated Logout 1.0 and Back-Channel Logout 1.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import anyio
import jwt
from authlib.oauth2.rfc6749 import OAuth2Error  # type: ignore[import-untyped]  # Authlib carries no types
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from idaware.devidp import pages
from idaware.devidp.bridge import FormRequest, oauth_request, parse_request, read_form
from idaware.devidp.clients import Client
from idaware.devidp.memory import Browser
from idaware.devidp.state import State
from idaware.identity import Json

BACKCHANNEL_SECONDS: Final = 2.5
"""How long all applications together may take to answer a logout token."""


@dataclass(frozen=True, slots=True)
class SignOut:
    """A sign-out request that can be answered. ``target`` is where it ends, ``None`` for a page of ours."""

    client: Client | None
    target: str | None


class LogoutPages:
    """``/end-session`` and the form of its confirmation."""

    def __init__(self, state: State) -> None:
        self.state = state

    async def end_session(self, request: Request) -> Response:
        """A sign-out, by GET or POST. Asks first; goes straight on where nobody is signed in."""
        try:
            oauth = await oauth_request(request)
            wish = self._validate(oauth)
        except OAuth2Error as error:
            return pages.respond(pages.problem(str(error.error), str(error.description)))
        browser = self.state.browser(request)
        if browser is None or self.state.auto is not None:
            return await self._ended(request, browser, wish)
        return pages.respond(
            pages.confirm_logout(
                person=browser.sign_in.person,
                client_id=wish.client.client_id if wish.client else None,
                target=wish.target,
                action=self.state.path("/end-session/confirm"),
                request=urlencode(oauth.pairs),
            )
        )

    async def confirm(self, request: Request) -> Response:
        """The form of the confirmation."""
        if not self.state.is_own_page(request):
            return pages.respond(pages.problem("forbidden", "Only our own page sends this form.", status=403))
        try:
            form = await read_form(request)
            wish = self._validate(parse_request(form.get("request", ""), "GET", {}))
        except OAuth2Error as error:
            return pages.respond(pages.problem(str(error.error), str(error.description)))
        browser = self.state.browser(request)
        if form.get("answer") != "yes":
            return pages.respond(pages.still_signed_in(home=self.state.path("/")))
        return await self._ended(request, browser, wish)

    def _validate(self, oauth: FormRequest) -> SignOut:
        """Who asks and where it ends (RP-Initiated Logout sections 2 and 3). Raises ``OAuth2Error``."""
        oauth.check()
        client_id, hint = oauth.get("client_id"), oauth.get("id_token_hint")
        audience = self._audience(hint) if hint else None
        if client_id and audience and client_id != audience:
            raise OAuth2Error(
                error="invalid_request", description="client_id is not whom id_token_hint is for."
            )
        client = self.state.clients.get(client_id or audience or "")
        target = oauth.get("post_logout_redirect_uri")
        if target is None:
            return SignOut(client, None)
        if client is None or target not in client.post_logout_redirect_uris:
            raise OAuth2Error(
                error="invalid_request",
                description="post_logout_redirect_uri is not registered for this client.",
            )
        return SignOut(client, _with_state(target, oauth.get("state")))

    def _audience(self, hint: str) -> str:
        """The client that an ID token of ours was issued to, however old it is (section 2)."""
        try:
            key = jwt.PyJWK(self._hinted_key(hint))
            claims = jwt.decode(
                hint,
                key,
                algorithms=[self.state.keys.alg],
                issuer=self.state.issuer,
                # an expired hint is still a hint
                options={"verify_exp": False, "verify_iat": False, "verify_aud": False},
            )
            return str(claims["aud"])
        except (jwt.PyJWTError, LookupError) as error:
            raise OAuth2Error(
                error="invalid_request", description="id_token_hint is not an ID token of ours."
            ) from error

    def _hinted_key(self, hint: str) -> dict[str, Json]:
        kid = str(jwt.get_unverified_header(hint).get("kid"))
        return {key.kid: key.public_jwk for key in self.state.keys.published}[kid]

    async def _ended(self, request: Request, browser: Browser | None, wish: SignOut) -> Response:
        told: dict[str, bool] = {}
        if browser is not None:
            self.state.memory.browsers.pop(request.cookies[self.state.cookie_name], None)
            told = await tell_clients(self.state, browser)
        if wish.target is not None:
            response: Response = RedirectResponse(wish.target, 303)
        else:
            response = pages.respond(pages.signed_out(told, home=self.state.path("/")))
        response.delete_cookie(self.state.cookie_name, path=self.state.base_path or "/")
        return response


def _with_state(target: str, state: str | None) -> str:
    if state is None:
        return target
    return f"{target}{'&' if '?' in target else '?'}{urlencode({'state': state})}"


async def tell_clients(state: State, browser: Browser) -> dict[str, bool]:
    """POST a logout token to each application that listens; which of them took it.

    All at once and ``BACKCHANNEL_SECONDS`` for all of them; no redirects, no proxy; loopback was checked at
    registration.
    """
    told = {client.client_id: False for client in browser.clients.values() if client.backchannel_logout_uri}

    async def tell(client: Client, url: str) -> None:
        token = state.minter.logout_token(client.client_id, browser.sign_in.person.sub, browser.sign_in.sid)
        told[client.client_id] = await _post(state, url, token)

    with anyio.move_on_after(BACKCHANNEL_SECONDS):
        async with anyio.create_task_group() as group:
            for client in browser.clients.values():
                if client.backchannel_logout_uri is not None:
                    group.start_soon(tell, client, client.backchannel_logout_uri)
    return told


async def _post(state: State, url: str, logout_token: str) -> bool:
    import httpx2  # security rule 21 in spirit: imported when something is to be sent, and not before

    try:
        async with httpx2.AsyncClient(
            transport=state.transport, timeout=BACKCHANNEL_SECONDS, follow_redirects=False, trust_env=False
        ) as client:
            answer = await client.post(url, data={"logout_token": logout_token})
    except httpx2.HTTPError:
        return False
    return answer.status_code in (200, 204)
