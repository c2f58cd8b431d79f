"""Signing in: the way to the provider, and from its answer to a session.

Belongs here: the dialogue of the code flow (OpenID Connect Core 3.1), and what a sign-in means for the session that
was there before. Messages are spelled in ``protocol.py``, tokens checked in ``tokens.py``, parameters read in
``login_answer.py``. Provider tokens live for the length of ``complete`` and are kept nowhere (rule 27).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from idaware.effects import FetchJson, Flow
from idaware.errors import ClientError, ProviderError, ProviderMisbehaved
from idaware.http.cookies import find_cookie
from idaware.identity import Json
from idaware.oidc.claims import missing_for, read_person, read_userinfo
from idaware.oidc.login_answer import (
    Answer,
    Refusal,
    check_answer,
    check_promised_issuer,
    read_answer,
    refusal_of,
    unknown_state,
)
from idaware.oidc.login_session import Demand, demand_of, groups_note, session_of
from idaware.oidc.login_state import MAX_FAILURES, Kind, LoginState, LoginStates, subject_digest
from idaware.oidc.protocol import (
    TokenResponse,
    authorization_url,
    read_token_response,
    secrets_sent,
    token_request,
)
from idaware.oidc.tokens import IdTokenRules, verify_id_token
from idaware.reasons import Reason
from idaware.session.record import Session
from idaware.session.step_up import requirement_digest

if TYPE_CHECKING:
    from idaware.oidc.discovery import Metadata
    from idaware.oidc.provider import Provider
    from idaware.session.sessions import Sessions
    from idaware.session.step_up import Requirement
    from idaware.settings import Settings

Clock: TypeAlias = Callable[[], float]
"""UTC epoch seconds."""
Token: TypeAlias = Callable[[int], str]
"""So many random bytes as URL-safe text."""

SESSION_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class LoginRedirect:
    """Go to the provider: where, and what the browser has to keep meanwhile."""

    location: str
    set_cookies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Completed:
    """Somebody signed in.

    ``another``: it is somebody else than the one whose session was there when the sign-in began, ended or not.
    ``same``: it is that one; neither holds where nobody knows who was there. ``notes``: what an
    operator should know although it worked.
    """

    session: Session
    set_cookies: tuple[str, ...]
    next: str
    kind: Kind
    another: bool = False
    same: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """A callback that came to nothing.

    ``message`` is for the person and may hold the provider's own text, ``log`` for the operator, ``recorded`` for the
    record. ``next``: where to go all the same when a valid session exists. ``retry_allowed``: False after three
    failures in a minute; then explain, and try nothing by itself.
    """

    reason: Reason
    status: int
    message: str
    log: str
    recorded: str
    set_cookies: tuple[str, ...]
    next: str
    kind: Kind | None
    retry_allowed: bool


class Login:
    """Sign-ins at one provider, for one key ring and one policy (those of ``states`` and ``sessions``).

    Where the provider never says when somebody signed in (``Quirks.auth_time``), a sign-in after a session's end
    asks ``prompt=login`` instead of ``max_age``, which nobody could check.
    """

    def __init__(
        self,
        settings: Settings,
        provider: Provider,
        states: LoginStates,
        sessions: Sessions,
    ) -> None:
        self.states = states
        self._settings = settings
        self._provider = provider
        self._sessions = sessions
        self._root = settings.base_path + "/"

    # -- to the provider -----------------------------------------------------------------------------------

    def redirect(
        self,
        metadata: Metadata,
        *,
        kind: Kind,
        next_url: str,
        cookie_header: str,
        now: float,
        token: Token,
        require: Requirement | None = None,
        prompt: str | None = None,
    ) -> LoginRedirect:
        """Begin a sign-in. ``next_url`` is the external path to come back to, and has passed ``safe_next``.

        ``require``: what the page's rules require; a first sign-in carries it too. ``prompt``: what the
        person asked for (``select_account``: as somebody else). What was in this browser before is read
        from ``cookie_header``: an ended session brings ``max_age``, an explicit sign-out ``prompt=login``.
        A ``renew`` without a session to renew becomes a ``login``.
        """
        before = self._sessions.before(cookie_header, now)
        kind = "login" if kind == "renew" and before.session is None else kind
        demand = demand_of(
            kind, before, now, require=require, prompt=prompt, auth_time=self._provider.quirks.auth_time
        )
        session = before.session
        login, set_cookies = self.states.start(
            cookie_header,
            kind=kind,
            next_url=next_url,
            now=now,
            token=token,
            max_age=demand.max_age,
            reauthenticate=demand.prompt == "login",
            requirement=None if require is None else requirement_digest(require),
            subject=None if before.subject is None else subject_digest(before.subject),
            started=None if session is None else session.started,
        )
        hint = session.email if session is not None and kind != "login" else None
        return LoginRedirect(self._location(metadata, login, demand, hint), set_cookies)

    def _location(self, metadata: Metadata, login: LoginState, demand: Demand, hint: str | None) -> str:
        derived = self.states.derived(login)
        return authorization_url(
            metadata,
            self._settings,
            state=login.state,
            nonce=derived.nonce,
            code_verifier=derived.code_verifier,
            prompt=demand.prompt,
            max_age=demand.asked_max_age,
            acr_values=demand.acr_values,
            login_hint=hint,
        )

    # -- and back ------------------------------------------------------------------------------------------

    def complete(
        self, params: Mapping[str, Sequence[str]], cookie_header: str, *, clock: Clock, token: Token
    ) -> Flow[Completed | LoginRedirect | Failed]:
        """The callback: from its parameters (name to all values given) to a session. Never raises.

        A ``LoginRedirect`` is the one ordinary sign-in that follows a silent renewal which came to nothing.
        """
        answer = read_answer(params)
        if isinstance(answer, Refusal):
            return self._failed(answer, None, cookie_header, clock())
        login = self.states.find(cookie_header, answer.state, clock())
        if login is None:  # also for an error response (security rule 14)
            log = self.states.why_unknown(cookie_header, answer.state)
            return self._failed(unknown_state(log), None, cookie_header, clock())
        try:
            outcome = yield from self._signed_in(answer, login, cookie_header, clock, token)
        except (ProviderError, ClientError) as error:
            outcome = refusal_of(error)
        if isinstance(outcome, Completed):
            return outcome
        if login.kind == "renew" and outcome.reason is not Reason.PROVIDER_UNAVAILABLE:
            return (yield from self._ordinary(login, cookie_header, clock(), token))
        return self._failed(outcome, login, cookie_header, clock())

    def _signed_in(
        self, answer: Answer, login: LoginState, cookie_header: str, clock: Clock, token: Token
    ) -> Flow[Completed | Refusal]:
        now = clock()
        refusal = check_answer(answer, self._settings.issuer)
        if refusal is not None:
            return refusal
        metadata = yield from self._provider.metadata(now)
        refusal = check_promised_issuer(answer, metadata.iss_parameter_supported)
        if refusal is not None:
            return refusal
        response = yield from self._redeem(metadata, login, answer.code, now, token)
        id_claims = yield from self._verify(response, login, clock())
        userinfo, notes = yield from self._userinfo(metadata, response, id_claims)
        person = read_person(
            id_claims,
            userinfo,
            settings=self._settings,
            quirks=self._provider.quirks,
            wanted=self._sessions.cut.wanted,
            granted_scope=response.scope,
            userinfo_offered=metadata.userinfo_endpoint is not None,
        )
        session = session_of(
            person,
            login,
            session_id=token(SESSION_ID_BYTES),
            cut=self._sessions.cut,
            session_max=self._settings.session_max,
            now=now,
        )
        cookies = self._sessions.codec.sign_in_cookies(session, now)
        after = self._after(login, cookie_header)
        same = login.continues(session.subject)
        another = login.subject is not None and not same
        note = groups_note(person, self._sessions.cut.wanted, self._settings, self._provider.quirks)
        notes = (*notes, note) if note is not None and login.kind != "renew" else notes
        return Completed(session, (*cookies, *after), login.next, login.kind, another, same, notes)

    def _redeem(
        self, metadata: Metadata, login: LoginState, code: str, now: float, token: Token
    ) -> Flow[TokenResponse]:
        request = token_request(
            metadata,
            self._settings,
            code=code,
            code_verifier=self.states.derived(login).code_verifier,
            now=now,
            token=token,
        )
        answer = yield from request
        return read_token_response(answer, secrets_sent(request, self._settings))

    def _verify(self, response: TokenResponse, login: LoginState, now: float) -> Flow[dict[str, Json]]:
        settings = self._settings
        # max_age was asked for when the login began; the person may have taken minutes since.
        max_age = None if login.max_age is None else login.max_age + max(0, int(now - login.created))
        rules = IdTokenRules(
            issuer=settings.issuer,
            client_id=settings.client_id,
            nonce=self.states.derived(login).nonce,
            now=now,
            algs=settings.allowed_algs,
            trusted_audiences=settings.trusted_audiences,
            max_age=max_age,
            access_token=response.access_token,
            answered_at=response.answered_at,
        )
        return (yield from verify_id_token(response.id_token, keys=self._provider, rules=rules))

    def _userinfo(
        self, metadata: Metadata, response: TokenResponse, id_claims: Mapping[str, Json]
    ) -> Flow[tuple[Mapping[str, Json] | None, tuple[str, ...]]]:
        """Ask userinfo when a needed claim is missing. An answer that cannot be used leaves claims unknown,
        and unknown never allows; one about somebody else ends the sign-in (security rule 17).
        """
        url = metadata.userinfo_endpoint
        wanted = self._sessions.cut.wanted
        if url is None or not missing_for(self._settings, wanted, id_claims):
            return None, ()
        try:
            answer = yield from FetchJson(url, bearer=response.access_token)
            return read_userinfo(answer, str(id_claims["sub"])), ()
        except ProviderMisbehaved as error:
            return None, (str(error),)

    def _after(self, login: LoginState, cookie_header: str) -> tuple[str, ...]:
        """What goes once a login succeeded: its state (single use, security rule 13), the count of failures."""
        dropped = self.states.drop(login)
        if find_cookie(cookie_header, self.states.failures_name) is None:
            return (dropped,)
        return (dropped, self.states.forget_failures())

    # -- when it comes to nothing --------------------------------------------------------------------------

    def _ordinary(
        self, login: LoginState, cookie_header: str, now: float, token: Token
    ) -> Flow[LoginRedirect | Failed]:
        """After a silent renewal that failed: one ordinary sign-in, never another silent one, so never a loop."""
        try:
            metadata = yield from self._provider.metadata(now)
        except ProviderError as error:
            return self._failed(refusal_of(error), login, cookie_header, now)
        again, set_cookies = self.states.start(
            cookie_header,
            kind="login",
            next_url=login.next,
            now=now,
            token=token,
            subject=login.subject,
            started=login.started,
        )
        return LoginRedirect(
            self._location(metadata, again, Demand(), None), (self.states.drop(login), *set_cookies)
        )

    def _failed(self, refusal: Refusal, login: LoginState | None, cookie_header: str, now: float) -> Failed:
        dropped = () if login is None else (self.states.drop(login),)
        noted = self.states.note_failure(cookie_header, now)
        renewal = login is not None and login.kind == "renew"
        return Failed(
            reason=refusal.reason,
            status=refusal.status,
            message=refusal.message,
            log=refusal.log,
            recorded=refusal.log if refusal.recorded is None else refusal.recorded,
            set_cookies=(*dropped, noted),
            next=login.next if login is not None and renewal else self._root,
            kind=None if login is None else login.kind,
            retry_allowed=self.states.failures(cookie_header, now) + 1 < MAX_FAILURES,
        )
