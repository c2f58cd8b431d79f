"""Our own endpoints under the prefix: sign-in, callback, sign-out, who am I, health.

Each handler takes a ``Visit`` and gives an outcome; what it needs of the world is a flow. Redirects go where the
configuration says, never where a request's ``Host`` does (security rule 10).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from msgspec.structs import replace

from idaware.effects import Flow, ReadBody
from idaware.errors import ProviderError
from idaware.http.crosssite import cross_site
from idaware.oidc.login import Completed, Failed, LoginRedirect
from idaware.oidc.protocol import client_jwks, logout_url
from idaware.pages import Part, Reach, SessionFacts
from idaware.pages.problem import json_page
from idaware.reasons import Reason
from idaware.request import Allow, Outcome, Pending, Respond
from idaware.session.lifetimes import Lifetimes, hard_end
from idaware.session.record import identify

if TYPE_CHECKING:
    from idaware.answers import Answers
    from idaware.audit.record import Decision as Verdict
    from idaware.audit.record import Kind, Record
    from idaware.oidc.discovery import Metadata
    from idaware.oidc.login import Login
    from idaware.oidc.provider import Provider
    from idaware.pages import Page
    from idaware.policy.model import Rule
    from idaware.policy.policy import Policy
    from idaware.session.sessions import Sessions
    from idaware.settings import Settings
    from idaware.signin import SignIn
    from idaware.visit import Recorder, Visit

MAX_FORM_FIELDS = 64

Handler = Callable[["Visit"], Outcome]


class Endpoints:
    """The endpoints of one application.

    ``clock``: UTC epoch seconds. ``token(n)``: random text of ``n`` bytes. ``audit_problem``: why records cannot be
    written at the moment, for ``readyz``.
    """

    def __init__(
        self,
        settings: Settings,
        policy: Policy,
        provider: Provider,
        signin: SignIn,
        login: Login,
        sessions: Sessions,
        answers: Answers,
        recorder: Recorder,
        *,
        clock: Callable[[], float],
        token: Callable[[int], str],
        audit_problem: Callable[[], str | None],
    ) -> None:
        self._settings = settings
        self._policy = policy
        self._provider = provider
        self._signin = signin
        self._login = login
        self._sessions = sessions
        self._answers = answers
        self._recorder = recorder
        self._clock = clock
        self._token = token
        self._audit_problem = audit_problem
        self._lifetimes = Lifetimes.of(settings)
        self._origins = frozenset([settings.origin])
        answer_method = "POST" if settings.response_mode == "form_post" else "GET"
        self._handlers: dict[str, Mapping[str, Handler]] = {
            "login": {"GET": self._login_get, "HEAD": self._login_get, "POST": self._login_post},
            "callback": {answer_method: self._callback},
            "logout": {"GET": self._logout_ask, "HEAD": self._logout_ask, "POST": self._logout},
            "logged-out": {"GET": self._logged_out, "HEAD": self._logged_out},
            "me": {"GET": self._me, "HEAD": self._me},
            "renew": {"GET": self._renew},
            "healthz": {"GET": self._healthz, "HEAD": self._healthz},
            "readyz": {"GET": self._readyz, "HEAD": self._readyz},
        }
        if settings.client_auth == "private_key_jwt":
            self._handlers["jwks.json"] = {"GET": self._jwks, "HEAD": self._jwks}

    def handle(self, name: str, visit: Visit) -> Outcome:
        """Answer ``PREFIX/name``. What does not exist (or is not configured) is 404."""
        methods = self._handlers.get(name)
        if methods is None:
            return self._refuse(visit, 404)
        handler = methods.get(visit.request.method)
        if handler is None:
            return self._refuse(visit, 405, [("Allow", ", ".join(methods))])
        return handler(visit)

    # -- signing in --------------------------------------------------------------------------------------------

    def _login_get(self, visit: Visit) -> Outcome:
        return self._begin(visit, parse_query(visit.request.query))

    def _login_post(self, visit: Visit) -> Outcome:
        """Third-party-initiated login may come as a form (OpenID Connect Core 4)."""

        def posted() -> Flow[Allow | Respond]:
            body = yield from ReadBody()
            outcome = self._begin(visit, parse_query(body.decode("utf-8", "replace")))
            return (yield from outcome.flow) if isinstance(outcome, Pending) else outcome

        return Pending(posted())

    def _begin(self, visit: Visit, params: Mapping[str, list[str]]) -> Outcome:
        issuer = _only(params, "iss")
        if (
            issuer is not None and issuer != self._settings.issuer
        ):  # OpenID Connect Core 4: only where we trust it
            record = self._recorder.decision(visit, "deny", Reason.ISSUER_UNKNOWN)
            return self._answers.refusal(visit, 400, Reason.ISSUER_UNKNOWN, record)
        target = self._answers.checked(
            _only(params, "next") or self._linked(_only(params, "target_link_uri"))
        )
        switch = "switch" in params
        if self._signin.is_elsewhere(visit):
            location = self._answers.login_url_to(target, switch=switch)
            return self._signin.to_base_url(self._record(visit), location)
        return self._signin.start(
            visit,
            Reason.OWN_ENDPOINT,
            recorded="allow",
            next_url=target,
            prompt="login" if switch else None,
        )

    def _linked(self, target: str | None) -> str | None:
        """The path of a ``target_link_uri`` on our own origin; the check of security rule 20 follows."""
        return target.removeprefix(self._settings.origin) if target is not None else None

    def _callback(self, visit: Visit) -> Outcome:
        return Pending(self._complete(visit))

    def _complete(self, visit: Visit) -> Flow[Allow | Respond]:
        request = visit.request
        text = request.query
        if request.method == "POST":
            body = yield from ReadBody()
            text = body.decode("utf-8", "replace")
        done = yield from self._login.complete(
            parse_query(text), request.headers.get("cookie", ""), clock=self._clock, token=self._token
        )
        if isinstance(done, Completed):
            return self._signed_in(visit, done)
        if isinstance(done, LoginRedirect):  # a silent renewal came to nothing: one ordinary sign-in follows
            return self._answers.redirect(done.location, self._record(visit), set_cookies=done.set_cookies)
        return self._login_failed(visit, done)

    def _signed_in(self, visit: Visit, done: Completed) -> Respond:
        who = identify(done.session, issuer=self._settings.issuer, cut=self._sessions.cut)
        visit = replace(visit, session=done.session, identity=who, auth_error=None)
        kind: Kind = "session_refreshed" if done.kind == "renew" and not done.another else "login"
        record = self._record(visit)
        cookies = (*done.set_cookies, self._signin.count_completed(visit))
        if done.kind == "popup":
            page = self._answers.pages.renew_done(same_person=done.same)
            respond = self._answers.respond(page, record, set_cookies=cookies)
        elif self._settings.cookie_samesite == "strict":
            # A redirect in answer to a request from the provider's site is cross-site: strict cookies stay behind.
            respond = self._answers.respond(
                self._answers.pages.step_on(to=done.next), record, set_cookies=cookies
            )
        else:
            # 303: a form_post callback is a POST, the page that follows is not (RFC 9110 section 15.4.4).
            respond = self._answers.redirect(done.next, record, set_cookies=cookies, status=303)
        respond.events = (self._recorder.event(visit, kind, Reason.OWN_ENDPOINT),)
        respond.log = "; ".join(done.notes) or None
        return respond

    def _login_failed(self, visit: Visit, failed: Failed) -> Respond:
        event = self._recorder.event(visit, "login_failed", failed.reason, error=failed.recorded[:200])
        if visit.session is not None and failed.kind != "popup" and failed.retry_allowed:
            # Somebody is signed in all the same: an old tab, a double click, a silent renewal that came to nothing.
            # Not after the third failure: the page may start the same sign-in again, and the provider refuse it again.
            respond = self._answers.redirect(failed.next, self._record(visit), set_cookies=failed.set_cookies)
        else:
            page = self._answers.pages.login_failed(
                status=failed.status,
                reason=failed.reason,
                json=not self._answers.wants_page(visit),
                detail=failed.message,
                retry_url=self._answers.own_url("login"),
                retry_allowed=failed.retry_allowed,
                request_id=visit.request_id,
            )
            decision: Verdict = "error" if failed.status >= 500 else "deny"
            record = self._recorder.decision(visit, decision, failed.reason)
            respond = self._answers.respond(page, record, set_cookies=failed.set_cookies)
        respond.events = (event,)
        respond.log = f"sign-in failed: {failed.log}"
        return respond

    def _renew(self, visit: Visit) -> Outcome:
        """A window for applications that never navigate: signs in, tells its opener, closes."""
        if self._signin.is_elsewhere(visit):
            return self._signin.to_base_url(self._record(visit), self._answers.own_url("renew"))
        return self._signin.start(
            visit, Reason.OWN_ENDPOINT, kind="popup", recorded="allow", next_url=self._answers.checked(None)
        )

    # -- signing out -------------------------------------------------------------------------------------------

    def _logout_ask(self, visit: Visit) -> Outcome:
        """GET asks: a link or an image on another site must not sign anybody out."""
        page = self._answers.pages.logout_confirm(
            identity=visit.identity, ends_provider_session=self._settings.logout_provider
        )
        return self._page(visit, page)

    def _logout(self, visit: Visit) -> Outcome:
        headers = visit.request.headers
        if cross_site("POST", headers.get("sec-fetch-site"), headers.get("origin"), self._origins):
            record = self._recorder.decision(visit, "deny", Reason.CROSS_SITE)
            return self._answers.refusal(visit, 403, Reason.CROSS_SITE, record)
        metadata = self._provider.metadata_now(visit.now)
        if metadata is not None or not self._settings.logout_provider:
            return self._signed_out(visit, metadata)
        return Pending(self._signed_out_after_discovery(visit))

    def _signed_out_after_discovery(self, visit: Visit) -> Flow[Allow | Respond]:
        """A provider that is down must not keep anybody signed in here."""
        try:
            metadata = yield from self._provider.metadata(self._clock())
        except ProviderError:
            return self._signed_out(visit, None)
        return self._signed_out(visit, metadata)

    def _signed_out(self, visit: Visit, metadata: Metadata | None) -> Respond:
        hint = visit.identity.email or visit.identity.user or None
        away = logout_url(metadata, self._settings, logout_hint=hint) if metadata is not None else None
        cookies = (*self._sessions.codec.sign_out_cookies(visit.now), *self._signin.forget_completed(visit))
        if away is not None:
            page = self._answers.pages.signing_out(to=away)
            respond = self._answers.respond(page, self._record(visit), set_cookies=cookies)
        else:
            target = self._settings.logout_redirect or self._answers.own_url("logged-out")
            respond = self._answers.redirect(target, self._record(visit), set_cookies=cookies, status=303)
        respond.headers.append(("Clear-Site-Data", '"cache"'))
        respond.events = (self._recorder.event(visit, "logout", Reason.OWN_ENDPOINT),)
        return respond

    def _logged_out(self, visit: Visit) -> Outcome:
        page = self._answers.pages.logged_out(
            login_url=self._answers.own_url("login"), provider_session_ended=self._settings.logout_provider
        )
        return self._page(visit, page)

    # -- who am I ----------------------------------------------------------------------------------------------

    def _me(self, visit: Visit) -> Outcome:
        json = not self._answers.wants_page(visit)
        if json and visit.session is None:
            return self._signin.challenge(visit, visit.auth_error or Reason.NO_IDENTITY)
        session = visit.session
        facts, left_out = SessionFacts(), None
        if session is not None:
            limits = self._lifetimes
            facts = SessionFacts(
                started=session.started,
                renews_at=session.renewed + limits.refresh_seconds,
                stale_at=session.renewed + limits.stale_seconds,
                idle_at=(visit.last_seen or visit.now) + limits.idle_seconds,
                ends_at=hard_end(session, limits),
            )
            left_out = session.groups_left_out
        page = self._answers.pages.me(
            identity=visit.identity,
            now=visit.now,
            json=json,
            session=facts,
            reach=list(self._reach(visit)) if session is not None else (),
            groups_left_out=left_out,
            login_url=self._answers.own_url("login"),
            switch_url=self._answers.own_url("login") + "?switch=1",
        )
        return self._page(visit, page)

    def _reach(self, visit: Visit) -> Iterator[Reach]:
        """What each rule answers this person, asked at a path that its first pattern covers."""
        for rule in self._policy.rules:
            if rule.shared:
                continue
            decision = self._policy.decide(
                self._policy.find(visit.host, rule.methods[0] if rule.methods else "GET", _example(rule)),
                visit.identity,
                visit.now,
            )
            yield Reach(
                rule_id=rule.id,
                patterns=tuple(pattern.text for pattern in rule.patterns),
                methods=rule.methods,
                answer="yes"
                if decision.effect == "allow"
                else "step_up"
                if decision.effect == "step_up"
                else "no",
                public=rule.public,
            )

    # -- health ------------------------------------------------------------------------------------------------

    def _healthz(self, visit: Visit) -> Outcome:
        return self._page(visit, self._answers.pages.healthz())

    def _readyz(self, visit: Visit) -> Outcome:
        """A policy is always loaded here; what else is wrong degrades. Strangers learn the status alone."""
        problems = {"policy": None, "provider": self._provider.problem, "audit": self._audit_problem()}
        parts = [Part(name, "ok" if text is None else "degraded", text) for name, text in problems.items()]
        detailed = visit.identity.is_authenticated
        return self._page(visit, self._answers.pages.readyz(ready=True, parts=parts, detailed=detailed))

    def _jwks(self, visit: Visit) -> Outcome:
        """Our public key, so that the provider can check our ``private_key_jwt`` (OpenID Connect Core 9)."""
        return self._page(
            visit, json_page(200, client_jwks(self._settings), content_type="application/jwk-set+json")
        )

    # -- outcomes ----------------------------------------------------------------------------------------------

    def _record(self, visit: Visit) -> Record:
        return self._recorder.decision(visit, "allow", Reason.OWN_ENDPOINT)

    def _page(self, visit: Visit, page: Page) -> Respond:
        return self._answers.respond(page, self._record(visit))

    def _refuse(self, visit: Visit, status: int, headers: list[tuple[str, str]] | None = None) -> Respond:
        return self._answers.refusal(
            visit, status, Reason.OWN_ENDPOINT, self._record(visit), headers=headers or ()
        )


def parse_query(text: str) -> dict[str, list[str]]:
    """Parameters with every value that was given; nothing for what cannot be read."""
    try:
        return parse_qs(text, keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS)
    except ValueError:
        return {}


def _only(params: Mapping[str, list[str]], name: str) -> str | None:
    """A parameter that was given exactly once."""
    values = params.get(name, [])
    return values[0] if len(values) == 1 else None


def _example(rule: Rule) -> str:
    """A path that the rule's first pattern covers."""
    return "/" + "/".join(segment if segment is not None else "-" for segment in rule.patterns[0].segments)
