"""The order of decisions, and nothing else.

mount → size, method, path → own endpoints → deciding rule → host → preflight → credentials → state of the session →
cross-site → denies → ``allow`` → ``require``. Every step that refuses ends here, with a reason and one record; what
is let through ends here too. How an answer looks is in ``answers.py``, how a sign-in starts in ``signin.py``, our own
endpoints in ``endpoints.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from idaware.errors import ClientError, ProviderError
from idaware.http.crosssite import cross_site, websocket_origin_ok
from idaware.http.forwarded import client_of
from idaware.http.headers import MAX_HEADERS_BYTES
from idaware.http.hosts import HostVerdict, check_host, is_loopback_host, is_loopback_peer
from idaware.http.identity_headers import HeaderBridge
from idaware.http.methods import SAFE_METHODS, WEBSOCKET, check_method
from idaware.http.negotiation import is_navigation
from idaware.http.paths import MAX_PATH_BYTES, check_path, path_too_long
from idaware.http.request_ids import clean_request_id
from idaware.identity import ANONYMOUS
from idaware.reasons import Reason
from idaware.request import Allow, Outcome, Request, Respond
from idaware.session.lifetimes import Lifetimes, SessionState, needs_activity_cookie, state_of
from idaware.visit import Visit

if TYPE_CHECKING:
    from idaware.answers import Answers
    from idaware.endpoints import Endpoints
    from idaware.policy.model import Decision
    from idaware.policy.policy import Policy
    from idaware.session.record import Session
    from idaware.session.sessions import Sessions
    from idaware.settings import Settings
    from idaware.signin import SignIn
    from idaware.visit import Recorder

_SHORT_PATH = MAX_PATH_BYTES // 4  # a character has four bytes at most
_FORWARDED = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-proto"})
_UNKNOWN = Request(protocol="http", method="", path="")


class Gate:
    """Decides every request. A plain object: no socket, no thread, no clock of its own.

    ``clock`` gives UTC epoch seconds, ``new_id`` a fresh request id.
    """

    def __init__(
        self,
        settings: Settings,
        policy: Policy,
        *,
        sessions: Sessions,
        signin: SignIn,
        endpoints: Endpoints,
        answers: Answers,
        recorder: Recorder,
        clock: Callable[[], float],
        new_id: Callable[[], str],
    ) -> None:
        self.policy = policy
        self._settings = settings
        self._sessions = sessions
        self._signin = signin
        self._endpoints = endpoints
        self._answers = answers
        self._recorder = recorder
        self._clock = clock
        self._new_id = new_id
        self._prefix = settings.prefix
        self._below_prefix = settings.prefix + "/"
        self._hosts = frozenset(settings.hosts)
        self._proxies = settings.trusted_proxies
        self._origins = frozenset((settings.origin, *settings.trusted_origins))
        self._lifetimes = Lifetimes.of(settings)
        self._bridge = HeaderBridge(
            settings.identity_headers, verified_only=settings.email_verified == "required"
        )
        self._off = settings.mode == "off"

    def check(self, request: Request) -> Outcome:
        """The decision about one request: ``Allow``, ``Respond``, or ``Pending`` where the world is needed.

        Never raises for what a client sends; what is raised all the same goes to ``failed``.
        """
        visit = self._visit(request)
        if self._off:
            return self._unprotected(visit)
        refusal = self._malformed(visit)
        if refusal is not None:
            return refusal
        path = request.path
        if path == self._prefix or path.startswith(self._below_prefix):
            return self._own(visit)
        if request.upgrade:
            return self._decide_upgrade(visit)
        return self._decide(visit, request.method)

    def failed(self, request: Request | None, exc: BaseException) -> Respond:
        """The closed answer to any exception (security rule 28): decided here and nowhere else."""
        visit = self._visit(request or _UNKNOWN)
        if isinstance(exc, ClientError):
            return self._refuse(visit, exc.status, exc.reason)
        status, reason = _failure(exc)
        record = self._recorder.decision(visit, "error", reason, error=type(exc).__name__)
        refusal = self._answers.refusal(visit, status, reason, record, log=f"{reason}: {type(exc).__name__}")
        refusal.cause = exc
        return refusal

    def mismatch(self, request: Request, allow: Allow) -> Respond:
        """The refusal when the application routed elsewhere than the policy decided on (security rule 6)."""
        visit = self._visit(request)
        visit.request_id = (
            allow.record.request_id or visit.request_id
        )  # the page and the record say the same one
        visit.identity = allow.identity
        visit.match = self.policy.find(visit.host, request.method, request.path)
        return self._refuse(visit, 403, Reason.PATH_MISMATCH)

    # -- the request itself ------------------------------------------------------------------------------------

    def _visit(self, request: Request) -> Visit:
        headers = request.headers
        client_ip, scheme = client_of(
            request.peer, request.scheme, headers, self._proxies
        )  # security rule 11
        given_id = headers.get("x-request-id")
        request_id = (clean_request_id(given_id) if given_id else None) or self._new_id()
        return Visit(request, self._clock(), request_id, client_ip, scheme, headers.get("host", ""))

    def _malformed(self, visit: Visit) -> Respond | None:
        request = visit.request
        if not request.mount_ok:  # security rule 3
            return self._refuse(visit, 400, Reason.MOUNT_UNKNOWN)
        if request.headers_bytes > MAX_HEADERS_BYTES:  # security rule 12
            return self._refuse(visit, 431, Reason.REQUEST_TOO_LARGE)
        length = len(request.path) + len(request.raw_path or b"")
        if length > _SHORT_PATH and path_too_long(request.path, request.raw_path):
            return self._refuse(visit, 414, Reason.REQUEST_TOO_LARGE)
        unfit = check_method(request.method, request.protocol)
        if unfit is not None:  # security rule 7
            return self._refuse(visit, 400, unfit)
        if check_path(request.path, request.raw_path) is not None:  # security rule 2
            allowances = self.policy.allowances(request.path, request.raw_path, mount=request.mount)
            ambiguous = check_path(request.path, request.raw_path, allowances)
            if ambiguous is not None:
                return self._refuse(visit, 400, Reason.PATH_AMBIGUOUS, detail=ambiguous)
        return None

    def _host_refusal(self, visit: Visit, *, address_ok: bool) -> Respond | None:
        """Security rule 10. Probes use addresses: they reach what is public and nothing else."""
        request = visit.request
        verdict = check_host(request.headers.get("host"), "host" in request.repeated, self._hosts)
        if verdict is HostVerdict.OK:
            return None
        if verdict is HostVerdict.MALFORMED:
            return self._refuse(visit, 400, Reason.HOST_UNKNOWN)
        if verdict is HostVerdict.ADDRESS and address_ok and request.method in ("GET", "HEAD"):
            return None
        return self._refuse(visit, 421, Reason.HOST_UNKNOWN)

    def _unprotected(self, visit: Visit) -> Outcome:
        """``IDAWARE_MODE=off``: no decision, and only for a developer's own machine."""
        local = is_loopback_peer(visit.request.peer) and is_loopback_host(visit.host)
        # A proxy on this machine makes everybody a local visitor; most of them say that they are one.
        if not local or not _FORWARDED.isdisjoint(visit.request.headers):
            return self._refuse(visit, 403, Reason.HOST_UNKNOWN)
        record = self._recorder.decision(visit, "allow", Reason.MODE_OFF)
        return Allow(identity=ANONYMOUS, record=record, attached=False, public=True)

    # -- our own endpoints -------------------------------------------------------------------------------------

    def _own(self, visit: Visit) -> Outcome:
        name = visit.request.path[len(self._below_prefix) :]
        refusal = self._host_refusal(visit, address_ok=name in ("healthz", "readyz"))
        if refusal is not None:
            return refusal
        self._identify(visit)
        if visit.session is not None:
            self._end_if_over(visit)
        return self._endpoints.handle(name, visit)

    # -- the application's paths -------------------------------------------------------------------------------

    def _decide(self, visit: Visit, method: str) -> Outcome:
        """What becomes of the request as one with ``method``: nearly always its own."""
        request = visit.request
        preflight = None
        if method == "OPTIONS" and "origin" in request.headers:
            preflight = request.headers.get("access-control-request-method")
        if preflight:
            method = _named(preflight)
        match = visit.match = self.policy.find(visit.host, method, request.path)
        public = match.public
        refusal = self._host_refusal(visit, address_ok=public)
        if refusal is not None:
            return refusal
        if preflight and public:
            # What reaches the application is an ``OPTIONS``: to be open for the named method is not enough.
            public = self.policy.find(visit.host, "OPTIONS", request.path).public
        if preflight and not public and match.rule is not None and match.rule.preflight == "pass":
            record = self._recorder.decision(visit, "bypass", Reason.PREFLIGHT)
            return Allow(identity=ANONYMOUS, record=record, attached=False)
        self._identify(visit)
        if public:
            return self._public(visit)
        if match.rule is None:
            return self._uncovered(visit, match.reason or Reason.NO_RULE)
        if preflight or visit.session is None:
            return self._signin.answer(visit, visit.auth_error or Reason.NO_IDENTITY)
        return self._with_session(visit)

    def _decide_upgrade(self, visit: Visit) -> Outcome:
        """Under WSGI it is up to server and application what such a request becomes: both rules have to let it pass."""
        as_socket = self._decide(replace(visit), WEBSOCKET)
        if not isinstance(as_socket, Allow):
            return as_socket
        as_get = self._decide(visit, "GET")
        return as_socket if isinstance(as_get, Allow) and not as_socket.public else as_get

    def _with_session(self, visit: Visit) -> Outcome:
        session, match = visit.session, visit.match
        assert session is not None
        assert match is not None
        if not visit.calm:
            outcome = self._over_or_due(visit, session)
            if outcome is not None:
                return outcome
        if not session.covers(match.needs, self.policy.wanted_id):
            recut = self._signin.recut(visit, self._allow_or_refuse)
            if recut is not None:
                return recut
        return self._allow_or_refuse(visit)

    def _over_or_due(self, visit: Visit, session: Session) -> Outcome | None:
        """Another sign-in where the session is over, a renewal where one is due; ``None``: the session passes."""
        state = state_of(session, visit.last_seen, visit.now, self._lifetimes)
        over = state.reason
        if over is not None:
            visit.identity, visit.auth_error = ANONYMOUS, over
            return self._signin.answer(visit, over)
        if state is SessionState.REFRESH_DUE and is_navigation(visit.request):
            return self._signin.renewal(visit, self._allow_or_refuse)
        return None

    def _allow_or_refuse(self, visit: Visit) -> Outcome:
        """Cross-site, then what the policy says about this identity."""
        foreign = self._cross_site(visit)
        if foreign is not None:
            return self._refuse(visit, 403, foreign)
        match = visit.match
        assert match is not None
        decision = visit.decision = self.policy.decide(match, visit.identity, visit.now)
        effect = decision.effect
        if effect == "allow":
            return self._allow(visit, decision)
        if effect == "step_up":
            return self._signin.step_up(visit, decision)
        return self._refuse(visit, 403, decision.reason)

    def _cross_site(self, visit: Visit) -> Reason | None:
        """Security rules 8 and 27: a session's cookie rides along on requests that other sites cause."""
        request, match = visit.request, visit.match
        if request.method in SAFE_METHODS:  # as ``cross_site`` has it; most requests end here
            return None
        assert match is not None
        origins = self._origins
        if match.rule is not None and match.rule.origins:
            origins = origins.union(match.rule.origins)
        headers = request.headers
        if request.method == "WEBSOCKET":
            return None if websocket_origin_ok(headers.get("origin"), origins) else Reason.ORIGIN_REFUSED
        if cross_site(request.method, headers.get("sec-fetch-site"), headers.get("origin"), origins):
            return Reason.CROSS_SITE
        return None

    def _public(self, visit: Visit) -> Outcome:
        """Nobody has to sign in; an identity is attached when there is one, and bad credentials mean nobody."""
        if visit.session is not None:
            self._end_if_over(visit)
        foreign = self._cross_site(visit) if visit.session is not None else None
        if foreign is not None:
            visit.auth_error = foreign
            visit.identity, visit.session = ANONYMOUS, None
        match = visit.match
        assert match is not None
        decision = visit.decision = self.policy.decide(match, visit.identity, visit.now)
        return self._allow(visit, decision, public=True)

    def _uncovered(self, visit: Visit, reason: Reason) -> Outcome:
        """Security rule 4: what no rule covers is denied, whoever asks."""
        if visit.session is not None:
            self._end_if_over(visit)
        return self._refuse(visit, 403, reason)

    # -- who is it ---------------------------------------------------------------------------------------------

    def _identify(self, visit: Visit) -> None:
        header = visit.request.headers.get("cookie")
        if header is None:
            return
        reading = self._sessions.read(header)
        visit.auth_error = reading.error
        if reading.session is not None:
            visit.session = reading.session
            visit.identity = reading.identity
            visit.last_seen = reading.last_seen
            visit.calm = reading.calm_from <= visit.now < reading.calm_until

    def _end_if_over(self, visit: Visit) -> None:
        """Where nobody has to be signed in, a session that is over means nobody."""
        assert visit.session is not None
        over = state_of(visit.session, visit.last_seen, visit.now, self._lifetimes).reason
        if over is not None:
            visit.auth_error = over
            visit.identity, visit.session = ANONYMOUS, None

    # -- outcomes ----------------------------------------------------------------------------------------------

    def _allow(self, visit: Visit, decision: Decision, *, public: bool = False) -> Allow:
        identity = visit.identity
        attached = identity is not ANONYMOUS
        cookies: tuple[str, ...] = ()
        if (
            attached
            and not visit.calm
            and needs_activity_cookie(visit.last_seen, visit.now, self._lifetimes)
            and visit.request.protocol == "http"
        ):
            assert visit.session is not None
            cookies = (self._sessions.codec.activity_cookie(visit.session, visit.now),)
        return Allow(
            identity=identity,
            record=self._recorder.decision(visit, "allow", decision.reason),
            set_cookies=cookies,
            identity_headers=self._bridge.fill(identity) if attached else (),
            attached=attached,
            public=public,
        )

    def _refuse(self, visit: Visit, status: int, reason: Reason, *, detail: str | None = None) -> Respond:
        record = self._recorder.decision(visit, "deny", reason)
        return self._answers.refusal(visit, status, reason, record, detail=detail)


def _named(preflight: str) -> str:
    """The method that a preflight names; none that a rule covers where no browser would name it (security rule 7)."""
    return preflight if check_method(preflight) is None else ""


def _failure(exc: BaseException) -> tuple[int, Reason]:
    """Status and reason for what was raised on the way to a decision."""
    if isinstance(exc, ProviderError):
        return 503, Reason.PROVIDER_UNAVAILABLE
    if isinstance(exc, Exception):
        return 500, Reason.INTERNAL_ERROR
    return 500, Reason.CONNECTION_ENDED  # cancelled: nobody is waiting for the answer any more
