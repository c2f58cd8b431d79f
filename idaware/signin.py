"""How a request that needs a sign-in is answered: who is sent to the provider, who is told so instead.

Belongs here: starting sign-ins, step-ups and silent renewals, and never starting them in a loop. The way back is in
``endpoints.py`` (the callback), the dialogue with the provider in ``oidc/login.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import urlsplit

from idaware.effects import Flow
from idaware.errors import ProviderError
from idaware.http.cookies import expire_cookie, find_cookie, set_cookie
from idaware.http.crosssite import OWN_SITE
from idaware.http.hosts import HostVerdict, check_host
from idaware.http.negotiation import is_navigation
from idaware.policy.decide import merge_require
from idaware.reasons import Reason
from idaware.request import Allow, Outcome, Pending, Respond
from idaware.session.step_up import step_up_was_tried

if TYPE_CHECKING:
    from idaware.answers import Answers
    from idaware.audit.record import Record
    from idaware.oidc.discovery import Metadata
    from idaware.oidc.login import Login
    from idaware.oidc.login_state import Kind
    from idaware.oidc.provider import Provider
    from idaware.policy.model import Decision, Require
    from idaware.settings import Settings
    from idaware.visit import Recorder, Visit

Recorded: TypeAlias = Literal["login", "step_up", "allow"]

IN_VAIN_SECONDS = 60
MAX_IN_VAIN = 3
"""So many sign-ins completed within a minute, and still nobody is signed in: an explanation, not a fourth."""

HOST_MARK_SECONDS = 30
MIN_RECUT_SECONDS = 60
"""A session is cut anew for a changed policy at most once a minute."""


class SignIn:
    """Starts sign-ins for one application. ``clock``: UTC epoch seconds; ``token(n)``: random text of ``n`` bytes."""

    def __init__(
        self,
        settings: Settings,
        provider: Provider,
        login: Login,
        answers: Answers,
        recorder: Recorder,
        *,
        clock: Callable[[], float],
        token: Callable[[int], str],
    ) -> None:
        self._settings = settings
        self._provider = provider
        self._login = login
        self._answers = answers
        self._recorder = recorder
        self._clock = clock
        self._token = token
        self._base_host = frozenset([urlsplit(settings.base_url).netloc])
        self._host_mark = f"{settings.cookie_name}-h"
        self._count = f"{settings.cookie_name}-i"

    def answer(self, visit: Visit, reason: Reason) -> Outcome:
        """Nobody is signed in: a navigation goes to the provider, everybody else is told so."""
        if not self._may_redirect(visit):
            return self.challenge(visit, reason)
        if self.is_elsewhere(visit):
            record = self._recorder.decision(visit, "login", reason)
            return self.to_base_url(record, self._answers.next_of(visit))
        if self._is_in_vain(visit):
            return self._explain_in_vain(visit, reason)
        return self.start(visit, reason, require=merge_require(visit.match) if visit.match else None)

    def challenge(self, visit: Visit, reason: Reason, decision: Recorded = "login") -> Respond:
        """401, with the address where to sign in."""
        return self._answers.challenge(visit, reason, self._recorder.decision(visit, decision, reason))

    def step_up(self, visit: Visit, decision: Decision) -> Outcome:
        """Only ``require`` fails: a navigation signs in anew, once; if that did not help, it is refused."""
        require, session = decision.require, visit.session
        assert require is not None
        assert session is not None
        if step_up_was_tried(session, require, visit.now):
            record = self._recorder.decision(visit, "deny", Reason.STEP_UP_UNMET)
            return self._answers.refusal(visit, 403, Reason.STEP_UP_UNMET, record)
        if not self._may_redirect(visit):
            return self.challenge(visit, decision.reason, "step_up")
        return self.start(visit, decision.reason, kind="step_up", recorded="step_up", require=require)

    def renewal(self, visit: Visit, otherwise: Callable[[Visit], Outcome]) -> Outcome | None:
        """A silent renewal of the session, or ``None`` where none is to be tried now.

        Tried only while the provider answers (a probe that holds for 30 s) and not again within 5 minutes of one that
        never came back; ``otherwise`` is what happens when the probe fails: until ``SESSION_STALE`` the page passes.
        """
        if self._login.states.renewal_pending(visit.request.headers.get("cookie", ""), visit.now):
            return None
        good = self._provider.probe_now(visit.now)
        if good is None:
            return Pending(self._probed_renewal(visit, otherwise))
        return self.start(visit, Reason.SESSION_STALE, kind="renew") if good else None

    def recut(self, visit: Visit, otherwise: Callable[[Visit], Outcome]) -> Outcome | None:
        """The session was cut for less than a changed policy asks: renew it, or say so; ``None`` where that was tried.

        What is still missing then stays unknown, and unknown never allows. ``otherwise``: as for ``renewal``.
        """
        session = visit.session
        assert session is not None
        if visit.now - session.renewed < MIN_RECUT_SECONDS:
            return None
        if not is_navigation(visit.request):
            return self.challenge(visit, Reason.SESSION_STALE)
        return self.renewal(visit, otherwise)

    def start(
        self,
        visit: Visit,
        reason: Reason,
        *,
        kind: Kind = "login",
        recorded: Recorded = "login",
        next_url: str | None = None,
        require: Require | None = None,
        prompt: str | None = None,
        set_cookies: tuple[str, ...] = (),
    ) -> Outcome:
        """Send the browser to the provider; ``next_url``: where to come back to, the request itself by default."""

        def redirect(metadata: Metadata, now: float) -> Respond:
            begun = self._login.redirect(
                metadata,
                kind=kind,
                next_url=next_url or self._answers.next_of(visit),
                cookie_header=visit.request.headers.get("cookie", ""),
                now=now,
                token=self._token,
                require=require,
                prompt=prompt,
            )
            record = self._recorder.decision(visit, recorded, reason)
            return self._answers.redirect(
                begun.location, record, set_cookies=(*set_cookies, *begun.set_cookies)
            )

        metadata = self._provider.metadata_now(visit.now)
        if metadata is not None:
            return redirect(metadata, visit.now)
        return Pending(self._discovered(visit, redirect))

    def is_elsewhere(self, visit: Visit) -> bool:
        """Whether the request came in under another accepted host: cookies and callback live on the base URL's.

        A mark in the browser ends the round trip after one turn, should a proxy rewrite ``Host`` on the way to us.
        """
        header = visit.request.headers.get("host")
        if check_host(header, repeated=False, accepted=self._base_host) is HostVerdict.OK:
            return False
        return find_cookie(visit.request.headers.get("cookie", ""), self._host_mark) is None

    def to_base_url(self, record: Record, path: str) -> Respond:
        """The same browser, the same thing, under the base URL's host. ``path``: external, with its query."""
        mark = set_cookie(
            self._host_mark, "1", max_age=HOST_MARK_SECONDS, secure=self._settings.secure, samesite="lax"
        )
        location = self._settings.origin + path  # security rule 10
        return self._answers.redirect(location, record, set_cookies=(mark,))

    def count_completed(self, visit: Visit) -> str:
        """``Set-Cookie`` after a sign-in, for ``_is_in_vain``.

        The count is not signed, since replicas with different keys have to read it: whoever changes it only changes
        when they themselves are told.
        """
        value = ".".join(str(int(at)) for at in (*self._completed(visit), visit.now))
        return set_cookie(
            self._count,
            value,
            max_age=IN_VAIN_SECONDS,
            secure=self._settings.secure,
            samesite="none" if self._settings.response_mode == "form_post" else "lax",
        )

    def forget_completed(self, visit: Visit) -> tuple[str, ...]:
        """``Set-Cookie`` after a sign-out: whoever signs in again afterwards does not do so in vain."""
        if find_cookie(visit.request.headers.get("cookie", ""), self._count) is None:
            return ()
        return (expire_cookie(self._count, secure=self._settings.secure, samesite="lax"),)

    # -- inside ------------------------------------------------------------------------------------------------

    def _may_redirect(self, visit: Visit) -> bool:
        request = visit.request
        rule = visit.match.rule if visit.match is not None else None
        if rule is None or rule.unauthenticated == "auto":
            return is_navigation(request)
        return rule.unauthenticated == "redirect" and request.method in ("GET", "HEAD")

    def _discovered(
        self, visit: Visit, redirect: Callable[[Metadata, float], Respond]
    ) -> Flow[Allow | Respond]:
        """Security rule 15: the provider is asked when it is first needed, and may be down then."""
        try:
            metadata = yield from self._provider.metadata(self._clock())
        except ProviderError as exc:
            return self.unavailable(visit, exc)
        return redirect(metadata, self._clock())

    def unavailable(self, visit: Visit, exc: ProviderError) -> Respond:
        """503: nobody can sign in at the moment. Sessions that exist go on meanwhile."""
        reason = Reason.PROVIDER_UNAVAILABLE
        record = self._recorder.decision(visit, "error", reason, error=type(exc).__name__)
        return self._answers.refusal(
            visit, 503, reason, record, headers=[("Retry-After", "10")], log=f"nobody can sign in: {exc}"
        )

    def _probed_renewal(self, visit: Visit, otherwise: Callable[[Visit], Outcome]) -> Flow[Allow | Respond]:
        good = yield from self._provider.probe(self._clock())
        outcome = self.start(visit, Reason.SESSION_STALE, kind="renew") if good else otherwise(visit)
        if isinstance(outcome, Pending):
            return (yield from outcome.flow)
        return outcome

    def _is_in_vain(self, visit: Visit) -> bool:
        """Whether sign-ins are completed here and their sessions do not come back: it would go on for ever.

        Replicas with different keys, a cookie that something on the way drops. Strict cookies stay behind where a
        link elsewhere leads here; that is no sign of anything.
        """
        headers = visit.request.headers
        if (
            self._settings.cookie_samesite == "strict"
            and headers.get("sec-fetch-site", "none") not in OWN_SITE
        ):
            return False
        return len(self._completed(visit)) >= MAX_IN_VAIN

    def _completed(self, visit: Visit) -> list[int]:
        header = visit.request.headers.get("cookie", "")
        return [
            at for at in _times(find_cookie(header, self._count)) if 0 <= visit.now - at < IN_VAIN_SECONDS
        ]

    def _explain_in_vain(self, visit: Visit, reason: Reason) -> Respond:
        page = self._answers.pages.login_failed(
            status=401,
            reason=Reason.SESSION_INVALID,
            json=False,
            detail="Each new sign-in gives a session that the next request cannot read.",
            retry_url=self._answers.login_url(visit),
            retry_allowed=False,
            request_id=visit.request_id,
        )
        return self._answers.respond(
            page,
            self._recorder.decision(visit, "login", reason),
            log="sessions that were just made cannot be read: do all replicas have the same IDAWARE_SECRET_KEYS, "
            "IDAWARE_BASE_URL and IDAWARE_CLIENT_ID, does nothing on the way drop cookies, and does every browser "
            "send one cookie of each name?",
        )


def _times(text: object) -> list[int]:
    """The times in a count, at most as many as matter; anything else in it is no time."""
    if not isinstance(text, str):
        return []
    return [
        int(part)
        for part in text.split(".")[-MAX_IN_VAIN:]
        if part.isascii() and part.isdigit() and len(part) < 12
    ]
