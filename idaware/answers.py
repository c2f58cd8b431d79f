"""How the gate's own answers look: pages for people, problem details for programs, redirects.

Belongs here: from a decision to a ``Respond``. What is decided, and why, comes in as arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from idaware.http.negotiation import in_frame, wants_html
from idaware.http.redirects import next_for, safe_next
from idaware.reasons import Reason
from idaware.request import Respond

if TYPE_CHECKING:
    from idaware.audit.record import Record
    from idaware.pages import Page, Pages
    from idaware.settings import Settings
    from idaware.visit import Visit

_CLOSED_UNAUTHENTICATED = 4401
_CLOSED_REFUSED = 4403


class Answers:
    """Makes answers for one application: its pages and its addresses."""

    def __init__(self, settings: Settings, pages: Pages) -> None:
        self.pages = pages
        self._settings = settings
        self._own = settings.base_path + settings.prefix
        self._home = settings.base_path + "/"

    # -- addresses, always external paths: what a browser has to ask for --------------------------------------

    def own_url(self, endpoint: str) -> str:
        """The external path of one of our endpoints."""
        return f"{self._own}/{endpoint}"

    def next_of(self, visit: Visit) -> str:
        """The external path of the request itself with its query, as a target to come back to (security rule 20)."""
        request = visit.request
        if request.method not in ("GET", "HEAD"):
            return self._home
        return next_for(
            request.path, request.query, base_path=self._settings.base_path, prefix=self._settings.prefix
        )

    def checked(self, target: str | None) -> str:
        """``target`` if it may be gone to, else the application's front page (security rule 20)."""
        return safe_next(target, base_path=self._settings.base_path, prefix=self._settings.prefix)

    def login_url(self, visit: Visit, *, switch: bool = False) -> str:
        """Where to sign in to come back to this request; ``switch``: as somebody else."""
        return self.login_url_to(self.next_of(visit), switch=switch)

    def login_url_to(self, target: str, *, switch: bool = False) -> str:
        """Where to sign in to come to ``target``, an external path that was checked."""
        query = f"?next={quote(target, safe='/')}" if target != self._home else ""
        if switch:
            query = f"{query}&switch=1" if query else "?switch=1"
        return self.own_url("login") + query

    # -- answers -----------------------------------------------------------------------------------------------

    def refusal(
        self,
        visit: Visit,
        status: int,
        reason: Reason,
        record: Record,
        *,
        detail: str | None = None,
        headers: Sequence[tuple[str, str]] = (),
        log: str | None = None,
    ) -> Respond:
        """A refusal for whoever asked: a page or problem details. On a 401 it says where to sign in.

        ``detail``: what about this request the reason means, in words that hold nothing of the request itself.
        """
        request, decision, identity = visit.request, visit.decision, visit.identity
        rule = visit.match.rule if visit.match is not None else None
        page = self.pages.refusal(
            status=status,
            reason=reason,
            json=not self.wants_page(visit),
            identity=identity,
            method=request.method,
            path=request.path,
            detail=f"{detail[:1].upper()}{detail[1:]}." if detail is not None else None,
            rule_id=decision.refused_by if decision is not None else rule.id if rule is not None else None,
            rule_reason=decision.rule_reason if decision is not None else None,
            rule_owner=_owner(visit),
            request_id=visit.request_id,
            login_url=self.login_url(visit) if status == 401 else None,
            switch_url=self.login_url(visit, switch=True) if identity.is_authenticated else None,
            groups_left_out=_groups_left_out(visit),
            headers=[("X-Request-ID", visit.request_id), *headers],
        )
        return self.respond(page, record, log=log)

    def challenge(self, visit: Visit, reason: Reason, record: Record) -> Respond:
        """401: sign in first. A frame gets a link, because providers refuse to be framed."""
        if in_frame(visit.request):
            headers = [("X-Request-ID", visit.request_id)]
            return self.respond(
                self.pages.sign_in_link(login_url=self.login_url(visit), headers=headers), record
            )
        return self.refusal(visit, 401, reason, record)

    def redirect(
        self, location: str, record: Record, *, set_cookies: Sequence[str] = (), status: int = 302
    ) -> Respond:
        """A redirect that nothing stores and that tells no referrer."""
        headers = [
            ("Location", location),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
            *(("Set-Cookie", cookie) for cookie in set_cookies),
        ]
        return Respond(status=status, record=record, headers=headers)

    def respond(
        self, page: Page, record: Record, *, set_cookies: Sequence[str] = (), log: str | None = None
    ) -> Respond:
        """One of our pages as an answer."""
        return Respond(
            status=page.status,
            record=record,
            headers=[*page.headers, *(("Set-Cookie", cookie) for cookie in set_cookies)],
            body=page.body,
            close_code=_CLOSED_UNAUTHENTICATED if page.status == 401 else _CLOSED_REFUSED,
            log=log,
        )

    @staticmethod
    def wants_page(visit: Visit) -> bool:
        """Whether a person is looking: everybody else gets JSON."""
        return visit.request.protocol == "http" and wants_html(visit.request.headers.get("accept"))


def _owner(visit: Visit) -> str | None:
    if visit.decision is not None:
        return visit.decision.refused_by_owner
    rule = visit.match.rule if visit.match is not None else None
    return rule.owner if rule is not None else None


def _groups_left_out(visit: Visit) -> str | None:
    """Why the person's groups are missing, where that is what failed: they are told exactly that."""
    if visit.decision is None or not visit.decision.unknown_groups or visit.session is None:
        return None
    return visit.session.groups_left_out or "absent"
