"""One request while it is being decided: what is known so far, and the record that comes of it.

Belongs here: facts about the request that more than one step of the decision needs. What must not: decisions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from idaware.audit.record import Decision as Verdict
from idaware.audit.record import Kind, Mode, Record, Why, hashed_id
from idaware.http.request_ids import trace_ids
from idaware.identity import ANONYMOUS, Identity
from idaware.reasons import Reason

if TYPE_CHECKING:
    from idaware.policy.model import Decision, Match
    from idaware.request import Request
    from idaware.session.record import Session

MAX_QUERY_KEYS = 32


@dataclass(slots=True)
class Visit:
    """What the steps of a decision have found out about one request.

    * ``request_id``: the caller's ``X-Request-ID`` where it is usable, else made up.
    * ``client_ip`` and ``scheme``: after trusted proxies (security rule 11).
    * ``session`` and ``identity``: whoever the credentials name, once they were looked at; ``auth_error`` says why
      credentials that came count for nothing.
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
    identity: Identity = ANONYMOUS
    auth_error: Reason | None = None
    decision: Decision | None = None


class Recorder:
    """Makes records; holds what is the same in all of them."""

    def __init__(self, *, app: str, mode: Mode, policy_version: str) -> None:
        self._app = app
        self._mode = mode
        self._policy_version = policy_version

    def decision(
        self, visit: Visit, decision: Verdict, reason: Reason, *, error: str | None = None
    ) -> Record:
        """The one ``decision`` record of a request; the adapter adds status, duration and route."""
        request, match, decided, who = visit.request, visit.match, visit.decision, visit.identity
        record = Record(
            kind="decision",
            decision=decision,
            reason=reason,
            mode=self._mode,
            policy_version=self._policy_version,
            actor_type=who.actor_type,
            auth_method=who.auth_method,
            app=self._app,
            method=request.method,
            scheme=visit.scheme,
            host=visit.host,
            path=request.path,
            mount=request.mount,
            protocol=request.protocol,
            client_ip=visit.client_ip,
            peer_ip=request.peer,
            user_agent=request.headers.get("user-agent"),
            request_id=visit.request_id,
        )
        if match is not None:
            record.pattern = match.pattern
            if match.rule is not None:
                record.rule = match.rule.id
                record.rule_owner = match.rule.owner
        if decided is not None:
            self._add_decision(record, decided)
        if who.subject:
            self._add_identity(record, who)
        if visit.auth_error is not None:
            record.auth_error = visit.auth_error
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

    @staticmethod
    def _add_decision(record: Record, decided: Decision) -> None:
        record.rule = decided.rule_id
        record.pattern = decided.pattern
        record.rule_owner = decided.rule_owner
        record.why = Why(decided.held, decided.failed, decided.unknown)
        record.groups_matched = decided.groups_matched

    @staticmethod
    def _add_identity(record: Record, who: Identity) -> None:
        record.principal = who.principal
        record.subject = who.subject
        record.issuer = who.issuer
        record.email = who.email
        record.name = who.name
        record.groups_total = who.groups_total
        record.acr = who.acr
        record.amr = who.amr
        record.auth_time = who.auth_time
        if who.session_id is not None:
            record.session_id = hashed_id(who.session_id)


def query_keys(query: str) -> tuple[str, ...]:
    """The names in a query string, without their values (audit promise 5); at most 32."""
    keys = dict.fromkeys(part.partition("=")[0] for part in query.split("&", MAX_QUERY_KEYS)[:MAX_QUERY_KEYS])
    return tuple(unquote_plus(key) for key in keys if key)
