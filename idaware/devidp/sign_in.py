"""The authorization endpoint and the form of its page: who to be."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from authlib.oauth2.rfc6749 import (  # type: ignore[import-untyped]  # Authlib carries no types
    InvalidRequestError,
    OAuth2Error,
)
from authlib.oidc.core.errors import LoginRequiredError  # type: ignore[import-untyped]  # as above
from starlette.requests import Request
from starlette.responses import Response

from idaware.devidp import answers, authorize, pages
from idaware.devidp.authorize import Question
from idaware.devidp.bridge import Answer, FormRequest, error_answer, oauth_request, parse_request, read_form
from idaware.devidp.faults import ERROR_REDIRECTS, Active, parse_for_login
from idaware.devidp.grants import resources_of
from idaware.devidp.memory import Browser, SignIn
from idaware.devidp.people import Person
from idaware.devidp.state import State
from idaware.errors import ConfigurationError
from idaware.pages import Page


@dataclass(frozen=True, slots=True)
class Asked:
    """An authorization request that can be answered; ``grant`` is Authlib's."""

    oauth: FormRequest
    question: Question
    grant: Any


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody chose: who to be (``None``: refuse), at which level, and what shall go wrong."""

    person: Person | None
    level: str
    faults: tuple[Active, ...] = ()


class SignInPages:
    """``/authorize`` and its form, which carries the request back: there is nothing that could expire."""

    def __init__(self, state: State) -> None:
        self.state = state

    async def authorize(self, request: Request) -> Response:
        """An authorization request, by GET or POST (OIDC Core 3.1.2.1)."""
        try:
            oauth = await oauth_request(request)
        except OAuth2Error as error:
            return _problem(error)
        browser = self.state.browser(request)
        try:
            asked = self._validate(oauth, browser)
            step = authorize.next_step(
                asked.question, browser.sign_in if browser else None, self.state.clock()
            )
            if step == "login_required" and not self._error_is_due():
                raise LoginRequiredError(redirect_uri=oauth.payload.redirect_uri)
        except OAuth2Error as error:
            return self._failed(oauth, error, ())
        if self._error_is_due():
            return self._answered(asked, None, self.state.faults.take_login())
        if step == "go" and browser is not None:
            return self._answered(asked, browser, self.state.faults.take_login())
        if self.state.auto is not None:
            return self._chosen(asked, request, self._automatic(asked.question))
        return pages.respond(self._page(asked, browser))

    async def choose(self, request: Request) -> Response:
        """The form of the page."""
        if not self.state.is_own_page(request):
            return pages.respond(pages.problem("forbidden", "Only our own page sends this form.", status=403))
        try:
            form = await read_form(request)
            oauth = parse_request(form.get("request", ""), "GET", {})
            asked = self._validate(oauth, None)
            return self._chosen(asked, request, self._choice(form, asked.question))
        except OAuth2Error as error:
            return _problem(error)

    def _validate(self, oauth: FormRequest, browser: Browser | None) -> Asked:
        """The request as we understand it. Raises ``OAuth2Error``, with ``redirect_uri`` where that is trusted."""
        oauth.check()
        client = self.state.clients.get(oauth.get("client_id") or "")
        redirect_uri = oauth.get("redirect_uri")
        if client is None:
            raise InvalidRequestError("No client of this id is registered here.")
        if redirect_uri is None or not client.check_redirect_uri(redirect_uri):
            raise InvalidRequestError(
                "redirect_uri is not registered for this client, or not on this machine."
            )
        if (oauth.get("response_mode") or "query") not in answers.RESPONSE_MODES:
            raise InvalidRequestError("response_mode is neither query nor form_post.")
        _check_resource(oauth)
        grant = self.state.server.get_consent_grant(oauth, end_user=browser and browser.sign_in)
        return Asked(oauth, self._question(oauth), grant)

    def _question(self, oauth: FormRequest) -> Question:
        try:
            max_age = authorize.parse_max_age(oauth.get("max_age"))
        except ValueError as error:
            raise InvalidRequestError(str(error), redirect_uri=oauth.payload.redirect_uri) from error
        hint = oauth.get("login_hint") or (self.state.auto.sub if self.state.auto else None)
        return Question(
            prompt=frozenset((oauth.get("prompt") or "").split()),
            max_age=max_age,
            acr_values=authorize.parse_acr_values(oauth.get("acr_values")),
            person=self.state.people.hinted(hint),
        )

    def _error_is_due(self) -> bool:
        return not self.state.faults.peek_login().isdisjoint(ERROR_REDIRECTS)

    def _automatic(self, question: Question) -> Choice:
        assert self.state.auto is not None
        level = self.state.auto.level or next(iter(question.acr_values), authorize.PASSWORD)
        return Choice(self.state.people.get(self.state.auto.sub), level)

    def _choice(self, form: dict[str, str], question: Question) -> Choice:
        """What the form says. Raises ``OAuth2Error`` for what the page does not offer."""
        level = form.get("level", authorize.PASSWORD)
        person = self.state.people.get(form.get("person", ""))
        if level not in authorize.levels_on_offer(question) or (person is None and "refuse" not in form):
            raise InvalidRequestError("The form names a person or a level that is not on offer.")
        return Choice(None if "refuse" in form else person, level, self._chosen_faults(form.get("fault")))

    def _chosen_faults(self, name: str | None) -> tuple[Active, ...]:
        if not name or not self.state.faults_open:
            return ()
        try:
            return (parse_for_login(name),)
        except ConfigurationError as error:
            raise InvalidRequestError("The form names a fault that is not on offer.") from error

    def _chosen(self, asked: Asked, request: Request, choice: Choice) -> Response:
        """Somebody was picked (or refused): the browser is theirs now, and the application is told."""
        faults = (*self.state.faults.take_login(), *choice.faults)
        if choice.person is None:
            return self._answered(asked, None, faults)
        old = self.state.browser(request)
        same = old is not None and old.sign_in.person.sub == choice.person.sub
        sign_in = SignIn(
            person=choice.person,
            auth_time=int(self.state.clock()),
            acr=choice.level,
            amr=authorize.methods(choice.person, choice.level),
            sid=old.sign_in.sid if old and same else secrets.token_urlsafe(12),
        )
        browser = Browser(sign_in=sign_in, clients=old.clients if old and same else {})
        response = self._answered(asked, browser, faults)
        self._remember(request, response, browser)
        return response

    def _remember(self, request: Request, response: Response, browser: Browser) -> None:
        """A new cookie at each sign-in; the one that the browser brought counts for nothing any more."""
        name, key = self.state.cookie_name, secrets.token_urlsafe(32)
        self.state.memory.browsers.pop(request.cookies.get(name, ""), None)
        self.state.memory.add_browser(key, browser)
        secure = self.state.origin.startswith("https:")
        response.set_cookie(
            name, key, path=self.state.base_path or "/", httponly=True, samesite="lax", secure=secure
        )

    def _answered(self, asked: Asked, browser: Browser | None, faults: tuple[Active, ...]) -> Response:
        """The answer of the authorization endpoint: a code for the browser's person, or an error."""
        oauth, names = asked.oauth, self.state.faults.names(faults)
        error = next((name for name in ERROR_REDIRECTS if name in names), None)
        if error is not None:
            wished = OAuth2Error(
                error=error, description="As requested.", redirect_uri=oauth.payload.redirect_uri
            )
            return self._failed(oauth, wished, faults)
        oauth.faults = faults
        if browser is not None:
            browser.clients[oauth.client.client_id] = oauth.client
        answer = self.state.server.create_authorization_response(
            oauth, grant_user=browser.sign_in if browser else None, grant=asked.grant
        )
        return self._sent(oauth, answer, faults)

    def _failed(self, oauth: FormRequest, error: OAuth2Error, faults: tuple[Active, ...]) -> Response:
        """An error, by redirect where there is a redirect URI to trust, else on a page."""
        if error.redirect_uri is None:
            return _problem(error)
        error.state = oauth.get("state")
        answer = error_answer(error)
        self.state.server.execute_hook("after_create_authorization_response", answer)
        return self._sent(oauth, answer, faults)

    def _sent(self, oauth: FormRequest, answer: Answer, faults: tuple[Active, ...]) -> Response:
        mode = oauth.get("response_mode") or "query"
        return answers.finish(answer, mode, self.state.faults.names(faults))

    def _page(self, asked: Asked, browser: Browser | None) -> Page:
        question = asked.question
        current = browser.sign_in.person if browser else None
        return pages.pick(
            people=self.state.people,
            first=question.person or current,
            current=current,
            client_id=asked.oauth.client.client_id,
            redirect_uri=asked.oauth.payload.redirect_uri,
            asked_levels=question.acr_values,
            levels=authorize.levels_on_offer(question),
            level=next(iter(question.acr_values), authorize.PASSWORD),
            action=self.state.path("/authorize/choose"),
            request=urlencode(asked.oauth.pairs),
            with_faults=self.state.faults_open,
            home=self.state.path("/"),
        )


def _check_resource(oauth: FormRequest) -> None:
    try:
        resources_of(oauth)
    except OAuth2Error as error:
        error.redirect_uri = oauth.payload.redirect_uri
        raise


def _problem(error: OAuth2Error) -> Response:
    """An error that no redirect may carry: to nobody's client, or to an address that is not trusted."""
    return pages.respond(pages.problem(str(error.error), str(error.description), status=error.status_code))
