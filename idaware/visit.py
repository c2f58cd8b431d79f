"""One request while it is being decided: what is known so far, and the record that comes of it.

Belongs here: facts about the request that more than one step of the decision needs. What must not: decisions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from msgspec import Struct
from msgspec.structs import replace

from idaware.audit.record import Decision as Verdict
from idaware.audit.record import Kind, Mode, Record, Why, hashed_id
from idaware.http.request_ids import trace_ids
from idaware.identity import ANONYMOUS, Identity
from idaware.reasons import Reason
from idaware.session.sessions import CACHE_ENTRIES, Recent

if TYPE_CHECKING:
    from idaware.policy.model import Decision, Match
    from idaware.request import Request
    from idaware.session.record import Session

MAX_QUERY_KEYS = 32


class Visit(Struct):
    """What the steps of a decision have found out about one request.

    * ``request_id``: the caller's ``X-Request-ID`` where it is usable, else made up.
    * ``client_ip`` and ``scheme``: after trusted proxies (security rule 11).
    * ``session`` and ``identity``: whoever the credentials name, once they were looked at; ``auth_error`` says why
      credentials that came count for nothing. ``calm``: the session is in its ``calm_span``.
    * ``match``: the deciding rule and the shared ones, once the policy was asked.
    * ``decision``: what the policy said.
    """

    request: Request
    now: float
    request_id: str
    client_ip: str | None
    scheme: str
    host: str
    match: Match | None = None
    session: Session | None = None
    last_seen: float | None = None
    calm: bool = False
    identity: Identity = ANONYMOUS
    auth_error: Reason | None = None
    decision: Decision | None = None


class Recorder:
    """Makes records. What is the same in all of them, or in all of one identity's, is filled in once and copied."""

    def __init__(self, *, app: str, mode: Mode, policy_version: str) -> None:
        self._anybody = Record(kind="decision", app=app, mode=mode, policy_version=policy_version)
        self._known: Recent[tuple[Identity, Record]] = Recent(CACHE_ENTRIES)

    def decision(
        self, visit: Visit, decision: Verdict, reason: Reason, *, error: str | None = None
    ) -> Record:
        """The one ``decision`` record of a request; the adapter adds status, duration and route."""
        request, match, decided = visit.request, visit.match, visit.decision
        record = replace(self._about(visit.identity))
        record.decision = decision
        record.reason = reason
        record.method = request.method
        record.scheme = visit.scheme
        record.host = visit.host
        record.path = request.path
        record.mount = request.mount
        record.protocol = request.protocol
        record.client_ip = visit.client_ip
        record.peer_ip = request.peer
        record.user_agent = request.headers.get("user-agent")
        record.request_id = visit.request_id
        record.auth_error = visit.auth_error
        if decided is not None:
            self._add_decision(record, decided)
        elif match is not None:
            self._add_match(record, match)
        if request.query:
            record.query_keys = query_keys(request.query)
        if "traceparent" in request.headers:
            record.trace_id, record.span_id = trace_ids(request.headers["traceparent"]) or (None, None)
        if error is not None:
            record.error = error
        return record

    def event(self, visit: Visit, kind: Kind, reason: Reason, *, error: str | None = None) -> Record:
        """A record beside the decision's: ``login``, ``login_failed``, ``logout``, ``session_refreshed``."""
        record = self.decision(visit, "allow", reason, error=error)
        record.kind = kind
        record.decision = None
        return record

    def _about(self, who: Identity) -> Record:
        """A record that says who it is and nothing else; remembered for identities that sessions remember."""
        if who.session_id is None:
            return self._introduced(who)
        known = self._known.get(who.session_id)
        if known is None or known[0] is not who:
            known = (who, self._introduced(who))
            self._known.put(who.session_id, known)
        return known[1]

    def _introduced(self, who: Identity) -> Record:
        about = replace(self._anybody, actor_type=who.actor_type, auth_method=who.auth_method)
        if who.subject:
            about.principal = who.principal
            about.subject = who.subject
            about.issuer = who.issuer
            about.email = who.email
            about.name = who.name
            about.groups_total = who.groups_total
            about.acr = who.acr
            about.amr = who.amr
            about.auth_time = who.auth_time
        if who.session_id is not None:
            about.session_id = hashed_id(who.session_id)
        return about

    @staticmethod
    def _add_decision(record: Record, decided: Decision) -> None:
        record.rule = decided.rule_id
        record.pattern = decided.pattern
        record.rule_owner = decided.rule_owner
        record.why = Why(decided.held, decided.failed, decided.unknown)
        record.groups_matched = decided.groups_matched

    @staticmethod
    def _add_match(record: Record, match: Match) -> None:
        record.pattern = match.pattern
        if match.rule is not None:
            record.rule = match.rule.id
            record.rule_owner = match.rule.owner


def query_keys(query: str) -> tuple[str, ...]:
    """The names in a query string, without their values (audit promise 5); at most 32."""
    keys = dict.fromkeys(part.partition("=")[0] for part in query.split("&", MAX_QUERY_KEYS)[:MAX_QUERY_KEYS])
    return tuple(unquote_plus(key) for key in keys if key)
