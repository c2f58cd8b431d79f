"""``Pages``: all answers of ours behind one door, for the gate. It only picks: page or JSON."""

from __future__ import annotations

from collections.abc import Sequence

from idaware.identity import ANONYMOUS, Identity
from idaware.pages import health, signin, signout
from idaware.pages.document import DEFAULT_BRAND, Page
from idaware.pages.health import Part
from idaware.pages.house import House
from idaware.pages.me import Me, Reach, SessionFacts, me_json, me_page
from idaware.pages.parts import linkable, origin_of
from idaware.pages.problem import problem
from idaware.pages.refusal import Refusal, refusal_page
from idaware.reasons import Reason


class Pages:
    """The pages of one application. The arguments are settings (see ``House``); ``brand`` is plain text."""

    __slots__ = ("house",)

    def __init__(
        self,
        *,
        brand: str | None = None,
        contact: str | None = None,
        request_access_url: str | None = None,
        prefix: str = "/_idaware",
        home: str = "/",
        frame_origins: Sequence[str] = (),
    ) -> None:
        self.house = House(
            brand=brand or DEFAULT_BRAND,
            contact=contact,
            request_access_url=request_access_url,
            prefix=prefix,
            home=linkable(home) or "/",
            frame_origins=tuple(origin for url in frame_origins if (origin := origin_of(url)) is not None),
        )

    def refusal(
        self,
        *,
        status: int,
        reason: Reason,
        json: bool,
        identity: Identity = ANONYMOUS,
        method: str | None = None,
        path: str | None = None,
        detail: str | None = None,
        rule_id: str | None = None,
        rule_reason: str | None = None,
        rule_owner: str | None = None,
        request_id: str | None = None,
        login_url: str | None = None,
        switch_url: str | None = None,
        groups_left_out: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
    ) -> Page:
        """A refusal: 400, 401, 403, 421, 503… See ``Refusal`` for what each argument means."""
        facts = Refusal(
            status=status,
            reason=reason,
            identity=identity,
            method=method,
            path=path,
            detail=detail,
            rule_id=rule_id,
            rule_reason=rule_reason,
            rule_owner=rule_owner,
            request_id=request_id,
            login_url=login_url,
            switch_url=switch_url,
            groups_left_out=groups_left_out,
            headers=tuple(headers),
        )
        return problem(facts) if json else refusal_page(self.house, facts)

    def sign_in_link(self, *, login_url: str, headers: Sequence[tuple[str, str]] = ()) -> Page:
        """401 for a frame: a link that opens the sign-in in a tab of its own."""
        return signin.sign_in_link(self.house, login_url=login_url, headers=headers)

    def login_failed(
        self,
        *,
        status: int,
        reason: Reason,
        json: bool,
        detail: str | None = None,
        retry_url: str | None = None,
        retry_allowed: bool = True,
        request_id: str | None = None,
    ) -> Page:
        """A sign-in that failed; ``retry_allowed`` is False after three in a minute: explain, do not loop."""
        if json:
            return problem(Refusal(status=status, reason=reason, detail=detail, request_id=request_id))
        return signin.login_failed(
            self.house,
            status=status,
            reason=reason,
            detail=detail,
            retry_url=retry_url,
            stopped=not retry_allowed,
            request_id=request_id,
        )

    def me(
        self,
        *,
        identity: Identity,
        now: float,
        json: bool,
        session: SessionFacts | None = None,
        reach: Sequence[Reach] = (),
        groups_left_out: str | None = None,
        login_url: str | None = None,
        switch_url: str | None = None,
    ) -> Page:
        """Who I am, my groups, what I may reach, when the session ends; also for nobody."""
        me = Me(
            identity=identity,
            now=now,
            session=session or SessionFacts(),
            reach=reach,
            groups_left_out=groups_left_out,
            login_url=login_url,
            switch_url=switch_url,
        )
        return me_json(self.house, me) if json else me_page(self.house, me)

    def logout_confirm(self, *, identity: Identity, ends_provider_session: bool) -> Page:
        """GET ``logout``: asks, with a POST form."""
        return signout.logout_confirm(
            self.house, identity=identity, ends_provider_session=ends_provider_session
        )

    def signing_out(self, *, to: str) -> Page:
        """The answer to POST ``logout``: the session here is over; goes on to the provider by itself."""
        return signin.step_on(
            self.house,
            to=to,
            title="Signing you out",
            sentence="Your session here has ended. Your sign-in provider is next.",
        )

    def logged_out(self, *, login_url: str | None, provider_session_ended: bool = False) -> Page:
        """The page at the end of a logout."""
        return signout.logged_out(
            self.house, login_url=login_url, provider_session_ended=provider_session_ended
        )

    def step_on(self, *, to: str) -> Page:
        """After a callback where cookies are ``SameSite=Strict``: goes on to ``to`` by itself."""
        return signin.step_on(
            self.house,
            to=to,
            title="You are signed in",
            sentence="Taking you to the page that you asked for.",
        )

    def renew_done(self, *, same_person: bool = True) -> Page:
        """The renewal window: tells its opener and closes."""
        return signin.renew_done(self.house, same_person=same_person)

    def healthz(self) -> Page:
        """The process answers."""
        return health.healthz()

    def readyz(self, *, ready: bool, parts: Sequence[Part] = (), detailed: bool = False) -> Page:
        """Whether requests can be decided; parts only for those who may know."""
        return health.readyz(ready=ready, parts=parts, detailed=detailed)
