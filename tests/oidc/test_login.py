"""Whole sign-ins, stepped by hand: a browser's cookie jar, a provider on paper, a settable clock."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm

from idaware.effects import Effect, FetchJson, Flow, JsonAnswer, PostForm
from idaware.errors import IdawareError, ProviderMisbehaved, ProviderUnavailable
from idaware.identity import Wanted
from idaware.oidc.login import Completed, Failed, Login, LoginRedirect
from idaware.oidc.login_state import LoginStates
from idaware.oidc.provider import Provider
from idaware.oidc.providers import quirks_for
from idaware.reasons import Reason
from idaware.session.cookie import CookieCodec
from idaware.session.keys import KeyRing
from idaware.session.lifetimes import SessionState, state_of
from idaware.session.record import Cut
from idaware.session.sessions import Sessions
from idaware.session.step_up import step_up_was_tried
from idaware.settings import Settings

ISSUER = "https://login.corp.example"
NOW = 1_800_000_000
KEY = ec.generate_private_key(ec.SECP256R1())
JWK = {**ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "kid": "k1", "use": "sig", "alg": "ES256"}
CUT = Cut.of(Wanted(groups=frozenset({"sre", "finance"}), claims=frozenset({"department"})))
R = TypeVar("R")


@dataclass(frozen=True)
class Needs:
    acr: tuple[str, ...] = ()
    amr: tuple[str, ...] = ()
    auth_within: int | None = None


class World:
    """A browser, an application and its provider; each of them does as a test says."""

    def __init__(
        self, *, auth_time: bool = True, metadata: dict[str, Any] | None = None, **changed: str
    ) -> None:
        environ = {
            "issuer": ISSUER,
            "client_id": "billing-admin",
            "client_secret": "the-secret-of-the-client-3141",
            "secret_keys": "new-" + "Zk3vQ9x" * 6,
            "base_url": "https://billing.corp.example",
            "allow_groups": "sre",
        } | changed
        self.settings = Settings.from_env({f"IDAWARE_{name.upper()}": text for name, text in environ.items()})
        self.now = float(NOW)
        self.jar: dict[str, str] = {}
        self.effects: list[Effect[Any]] = []
        self.counter = 0
        self.document = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "userinfo_endpoint": f"{ISSUER}/userinfo",
            "jwks_uri": f"{ISSUER}/jwks",
        } | (metadata or {})
        self.claims: dict[str, Any] = {}
        self.token_answer: JsonAnswer | IdawareError | None = None
        self.userinfo: JsonAnswer | IdawareError = JsonAnswer(200, {"sub": "alice"})
        self.discovery: JsonAnswer | IdawareError = JsonAnswer(200, self.document)
        self.slow_seconds = 0
        ring = KeyRing(self.settings.secret_keys, ISSUER, self.settings.client_id, self.settings.base_url)
        self.codec = CookieCodec(ring, self.settings)
        self.sessions = Sessions(self.codec, CUT)
        self.states = LoginStates(ring, self.settings)
        self.provider = Provider(self.settings, quirks_for(ISSUER))
        self.login = Login(self.settings, self.provider, self.states, self.sessions, auth_time=auth_time)
        self.sent: dict[str, str] = {}

    # -- the browser

    @property
    def cookies(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.jar.items())

    def take(self, set_cookies: tuple[str, ...]) -> None:
        for line in set_cookies:
            name, _, rest = line.partition("=")
            self.jar.pop(name, None)
            if "Max-Age=0" not in line:
                self.jar[name] = rest.partition(";")[0]

    def session_state(self) -> SessionState | None:
        session = self.sessions.read(self.cookies).session
        if session is None:
            return None
        return state_of(
            session, self.sessions.last_seen(self.cookies, session), self.now, self.codec.lifetimes
        )

    # -- the application

    def token(self, size: int) -> str:
        self.counter += 1
        return f"{self.counter:04d}" * (size // 3)

    def begin(self, kind: Any = "login", next_url: str = "/dash?x=1", **given: Any) -> dict[str, str]:
        metadata = self.run(self.provider.metadata(self.now))
        redirect = self.login.redirect(
            metadata,
            kind=kind,
            next_url=next_url,
            cookie_header=self.cookies,
            now=self.now,
            token=self.token,
            **given,
        )
        return self.follow(redirect)

    def follow(self, redirect: LoginRedirect) -> dict[str, str]:
        self.take(redirect.set_cookies)
        parts = urlsplit(redirect.location)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{ISSUER}/authorize"
        self.sent = {name: value for name, (value,) in parse_qs(parts.query).items()}
        return self.sent

    def come_back(self, **changed: Any) -> Completed | LoginRedirect | Failed:
        params = {"state": self.sent["state"], "code": "the-code"} | changed
        return self.callback({name: [value] for name, value in params.items() if value is not None})

    def callback(self, params: dict[str, list[str]]) -> Completed | LoginRedirect | Failed:
        flow = self.login.complete(params, self.cookies, clock=lambda: self.now, token=self.token)
        outcome = self.run(flow)
        if not isinstance(outcome, LoginRedirect):
            self.take(outcome.set_cookies)
        return outcome

    def sign_in(self, kind: Any = "login", *, back: dict[str, Any] | None = None, **given: Any) -> Completed:
        self.begin(kind, **given)
        outcome = self.come_back(**(back or {}))
        assert isinstance(outcome, Completed), outcome
        return outcome

    # -- the provider

    def run(self, flow: Flow[R]) -> R:
        try:
            effect = next(flow)
            while True:
                self.effects.append(effect)
                try:
                    reply = self.reply(effect)
                except IdawareError as error:
                    effect = flow.throw(error)
                else:
                    effect = flow.send(reply)
        except StopIteration as stop:
            result: R = stop.value
            return result

    def reply(self, effect: Effect[Any]) -> JsonAnswer:
        if isinstance(effect, PostForm):
            answer = self.token_answer or self.tokens()
        else:
            assert isinstance(effect, FetchJson)
            answer = {
                f"{ISSUER}/.well-known/openid-configuration": self.discovery,
                f"{ISSUER}/jwks": JsonAnswer(200, {"keys": [JWK]}),
                f"{ISSUER}/userinfo": self.userinfo,
            }[effect.url]
        if isinstance(answer, IdawareError):
            raise answer
        return answer

    def tokens(self) -> JsonAnswer:
        self.now += self.slow_seconds
        claims = {
            "iss": ISSUER,
            "aud": "billing-admin",
            "sub": "alice",
            "iat": int(self.now),
            "exp": int(self.now) + 300,
            "nonce": self.sent["nonce"],
            "email": "alice@corp.example",
            "email_verified": True,
            "name": "Alice",
            "groups": ["sre", "staff", "everybody"],
            "department": "finance",
        } | self.claims
        claims = {name: value for name, value in claims.items() if value is not ...}
        id_token = jwt.encode(claims, KEY, "ES256", headers={"kid": "k1"})
        return JsonAnswer(
            200, {"token_type": "Bearer", "access_token": "the-access-token", "id_token": id_token}
        )

    @property
    def token_requests(self) -> list[PostForm]:
        return [effect for effect in self.effects if isinstance(effect, PostForm)]


@pytest.fixture
def world() -> World:
    return World()


def failed(outcome: Completed | LoginRedirect | Failed) -> Failed:
    assert isinstance(outcome, Failed), outcome
    return outcome


# -- to the provider


def test_a_sign_in_asks_for_a_code_with_pkce_state_and_nonce(world: World) -> None:
    sent = world.begin()
    assert (sent["response_type"], sent["code_challenge_method"]) == ("code", "S256")
    assert len({sent["state"], sent["nonce"], sent["code_challenge"]}) == 3
    assert sent["redirect_uri"] == "https://billing.corp.example/_idaware/callback"
    assert not {"prompt", "max_age", "acr_values", "login_hint"} & set(sent)


@pytest.mark.parametrize(
    ("needs", "sent"),
    [
        pytest.param(Needs(acr=("gold", "silver")), {"acr_values": "gold silver"}, id="acr"),
        pytest.param(Needs(auth_within=900), {"max_age": "900"}, id="age"),
        pytest.param(Needs(amr=("mfa",)), {"prompt": "login"}, id="methods alone"),
        pytest.param(Needs(amr=("mfa",), auth_within=60), {"max_age": "60"}, id="methods and age"),
        pytest.param(Needs(("gold",), ("mfa",)), {"acr_values": "gold"}, id="methods and acr"),
    ],
)
@pytest.mark.parametrize("kind", ["login", "step_up"])
def test_a_sign_in_carries_what_the_page_requires(
    kind: str, needs: Needs, sent: dict[str, str], world: World
) -> None:
    found = world.begin(kind, require=needs)
    assert {name: found[name] for name in ("acr_values", "max_age", "prompt") if name in found} == sent


def test_somebody_else_may_sign_in(world: World) -> None:
    world.sign_in()
    sent = world.begin(prompt="select_account")
    assert sent["prompt"] == "select_account"
    assert "login_hint" not in sent


@pytest.mark.parametrize(
    ("kind", "prompt"), [("renew", "none"), ("popup", None), ("step_up", None)], ids=lambda value: str(value)
)
def test_the_provider_is_told_whose_session_goes_on(kind: str, prompt: str | None, world: World) -> None:
    world.sign_in()
    sent = world.begin(kind)
    assert (sent.get("prompt"), sent["login_hint"]) == (prompt, "alice@corp.example")


def test_there_is_no_silent_renewal_of_nothing(world: World) -> None:
    assert "prompt" not in world.begin("renew")


# -- and back


def test_a_sign_in_makes_a_session_of_what_is_wanted(world: World) -> None:
    world.claims = {"auth_time": NOW - 100, "acr": "gold", "amr": ["pwd", "mfa"]}
    done = world.sign_in()
    session = done.session
    assert (done.next, done.kind, done.notes) == ("/dash?x=1", "login", ())
    assert (session.subject, session.email, session.email_verified, session.name) == (
        "alice",
        "alice@corp.example",
        True,
        "Alice",
    )
    assert (session.groups, session.groups_total, session.groups_left_out) == (("sre",), 3, None)
    assert session.claims == {"department": "finance"}
    assert (session.auth_time, session.acr, session.amr) == (NOW - 100, "gold", ("pwd", "mfa"))
    assert (session.started, session.renewed, session.expires) == (NOW, NOW, NOW + 28_800)
    assert (session.cut_digests, session.wanted_id) == (CUT.digests, CUT.wanted_id)
    assert (session.step_up_tried, session.step_up_at) == (None, 0)
    assert world.session_state() is SessionState.LIVE
    assert world.sessions.identity_of(session).principal == "login/alice"


def test_a_code_is_redeemed_with_the_verifier_of_its_challenge(world: World) -> None:
    world.sign_in()
    (request,) = world.token_requests
    form = parse_qs(request.body)
    assert request.url == f"{ISSUER}/token"
    assert form["code"] == ["the-code"]
    assert len(form["code_verifier"][0]) == 43
    assert form["code_verifier"][0] not in world.sent.values()


def test_no_token_of_the_provider_reaches_the_browser(world: World) -> None:
    done = world.sign_in()
    everything = "".join(done.set_cookies) + repr(done)
    assert "the-access-token" not in everything
    assert "the-code" not in everything
    assert "eyJ" not in everything


def test_a_sign_in_uses_its_state_up(world: World) -> None:
    world.sign_in()
    assert failed(world.come_back()).reason is Reason.LOGIN_STATE_UNKNOWN
    assert len(world.token_requests) == 1


def test_two_tabs_both_end_signed_in_at_their_own_targets(world: World) -> None:
    first = world.begin(next_url="/one")
    world.begin(next_url="/two")
    assert world.come_back().next == "/two"  # type: ignore[union-attr]  # checked by the comparison
    world.sent = first
    assert world.come_back().next == "/one"  # type: ignore[union-attr]  # as above


def test_sa_001_a_session_id_that_the_browser_brings_is_never_adopted(world: World) -> None:
    first = world.sign_in().session.id
    second = world.sign_in().session.id
    assert first != second
    reading = world.sessions.read(world.cookies)
    assert reading.session is not None
    assert reading.session.id == second


@pytest.mark.parametrize("kind", ["renew", "step_up", "popup"])
def test_sa_003_the_id_is_new_after_each_way_of_signing_in(kind: str, world: World) -> None:
    first = world.sign_in().session.id
    assert world.sign_in(kind).session.id != first


def test_groups_that_are_unknown_stay_unknown_and_say_why(world: World) -> None:
    world.claims = {"groups": ..., "_claim_names": {"groups": "src1"}}
    session = world.sign_in().session
    assert (session.groups, session.groups_left_out) == (None, "overage")


def test_form_post_brings_no_lax_cookies_and_works_all_the_same() -> None:
    world = World(response_mode="form_post")
    started = world.sign_in().session.started
    world.now += 1000
    sent = world.begin("renew")
    assert sent["response_mode"] == "form_post"
    lax = (world.codec.session_name, world.codec.activity_name, world.codec.signed_out_name)
    world.jar = {name: value for name, value in world.jar.items() if name not in lax}
    outcome = world.come_back()
    assert isinstance(outcome, Completed)
    assert outcome.session.started == started


# -- what a callback is refused for


@pytest.mark.parametrize(
    ("changed", "reason", "status"),
    [
        pytest.param({"state": None}, Reason.LOGIN_STATE_UNKNOWN, 400, id="no state"),
        pytest.param({"state": "x" * 32}, Reason.LOGIN_STATE_UNKNOWN, 400, id="made-up state"),
        pytest.param(
            {"state": "x" * 32, "code": None, "error": "access_denied"},
            Reason.LOGIN_STATE_UNKNOWN,
            400,
            id="an error needs a valid state as well",
        ),
        pytest.param({"iss": "https://evil.example"}, Reason.ISSUER_UNKNOWN, 400, id="mixed up"),
        pytest.param({"code": None}, Reason.LOGIN_REFUSED_BY_PROVIDER, 400, id="no code"),
        pytest.param(
            {"code": None, "error": "access_denied", "error_description": "No."},
            Reason.LOGIN_REFUSED_BY_PROVIDER,
            403,
            id="access denied",
        ),
        pytest.param(
            {"code": None, "error": "temporarily_unavailable"}, Reason.PROVIDER_UNAVAILABLE, 503, id="later"
        ),
        pytest.param({"code": "x" * 9000}, Reason.REQUEST_TOO_LARGE, 413, id="too large"),
    ],
)
def test_an_unfit_callback_makes_no_token_request(
    changed: dict[str, Any], reason: Reason, status: int, world: World
) -> None:
    world.begin()
    outcome = failed(world.come_back(**changed))
    assert (outcome.reason, outcome.status, outcome.next, outcome.retry_allowed) == (
        reason,
        status,
        "/",
        True,
    )
    assert world.token_requests == []
    assert world.session_state() is None


@pytest.mark.parametrize("name", ["state", "code", "iss", "error"])
def test_a_repeated_parameter_makes_no_token_request(name: str, world: World) -> None:
    sent = world.begin()
    params = {"state": [sent["state"]], "code": ["the-code"]} | {name: [sent["state"], sent["state"]]}
    assert failed(world.callback(params)).reason is Reason.LOGIN_REFUSED_BY_PROVIDER
    assert world.token_requests == []


def test_a_promised_iss_that_is_missing_makes_no_token_request() -> None:
    world = World(metadata={"authorization_response_iss_parameter_supported": True})
    world.begin()
    assert failed(world.come_back()).reason is Reason.ISSUER_UNKNOWN
    assert world.token_requests == []


def test_a_promised_iss_that_is_there_is_fine() -> None:
    world = World(metadata={"authorization_response_iss_parameter_supported": True})
    assert world.sign_in(back={"iss": ISSUER}).session.subject == "alice"


def test_an_error_without_the_promised_iss_is_shown_as_an_error() -> None:
    world = World(metadata={"authorization_response_iss_parameter_supported": True})
    world.begin()
    outcome = failed(world.come_back(code=None, error="access_denied", error_description="Not you."))
    assert outcome.message == "access_denied: Not you."
    assert world.token_requests == []


def test_a_late_callback_is_refused(world: World) -> None:
    world.begin()
    world.now += 600
    assert failed(world.come_back()).reason is Reason.LOGIN_STATE_UNKNOWN


def test_a_failed_callback_uses_its_state_up(world: World) -> None:
    world.begin()
    world.come_back(code=None, error="access_denied")
    assert failed(world.come_back()).reason is Reason.LOGIN_STATE_UNKNOWN
    assert world.token_requests == []


def test_the_third_failure_in_a_minute_allows_no_further_try(world: World) -> None:
    allowed = []
    for _ in range(3):
        world.begin()
        allowed.append(failed(world.come_back(code=None, error="access_denied")).retry_allowed)
        world.now += 10
    assert allowed == [True, True, False]


def test_a_success_forgets_the_failures_before_it(world: World) -> None:
    world.begin()
    world.come_back(code=None, error="access_denied")
    assert world.states.failures(world.cookies, world.now) == 1
    world.sign_in()
    assert world.states.failures(world.cookies, world.now) == 0


@given(
    st.dictionaries(st.sampled_from(["state", "code", "iss", "error", "x"]), st.lists(st.text(max_size=20)))
)
@hypothesis_settings(max_examples=100)
def test_any_parameters_end_in_a_refusal(params: dict[str, list[str]]) -> None:
    world = World()
    assert failed(world.callback(params)).status in (400, 413)
    assert world.effects == []


# -- what the provider may answer


@pytest.mark.parametrize(
    ("answer", "reason", "status", "log"),
    [
        pytest.param(
            JsonAnswer(401, None),
            Reason.LOGIN_REFUSED_BY_PROVIDER,
            403,
            "IDAWARE_CLIENT_SECRET",
            id="401, empty",
        ),
        pytest.param(
            JsonAnswer(403, {"error": "invalid_client"}),
            Reason.LOGIN_REFUSED_BY_PROVIDER,
            403,
            "IDAWARE_CLIENT_SECRET",
            id="403, wrong secret",
        ),
        pytest.param(
            JsonAnswer(400, {"error": "invalid_grant", "error_description": "used"}),
            Reason.LOGIN_REFUSED_BY_PROVIDER,
            400,
            "invalid_grant",
            id="code used before",
        ),
        pytest.param(
            JsonAnswer(400, None, content_type="text/plain", text="no"),
            Reason.LOGIN_REFUSED_BY_PROVIDER,
            403,
            "400",
            id="plain text",
        ),
        pytest.param(
            JsonAnswer(200, None, content_type="text/html", text="<html>"),
            Reason.LOGIN_TOKEN_REJECTED,
            400,
            "Bearer",
            id="a page with 200",
        ),
        pytest.param(JsonAnswer(200, []), Reason.LOGIN_TOKEN_REJECTED, 400, "Bearer", id="a list"),
        pytest.param(
            JsonAnswer(200, {"token_type": "DPoP", "access_token": "a", "id_token": "b"}),
            Reason.LOGIN_TOKEN_REJECTED,
            400,
            "Bearer",
            id="another token type",
        ),
        pytest.param(
            JsonAnswer(200, {"token_type": "Bearer", "access_token": "a"}),
            Reason.LOGIN_TOKEN_REJECTED,
            400,
            "openid",
            id="no ID token",
        ),
        pytest.param(
            JsonAnswer(200, {"token_type": "bearer", "access_token": "a", "id_token": "a.b.c"}),
            Reason.LOGIN_TOKEN_REJECTED,
            400,
            "",
            id="no JWT",
        ),
        pytest.param(JsonAnswer(429, None), Reason.PROVIDER_UNAVAILABLE, 503, "429", id="429"),
        pytest.param(JsonAnswer(500, None), Reason.PROVIDER_UNAVAILABLE, 503, "500", id="500"),
        pytest.param(
            ProviderUnavailable("timed out"), Reason.PROVIDER_UNAVAILABLE, 503, "timed out", id="time-out"
        ),
        pytest.param(
            ProviderMisbehaved("a redirect"), Reason.LOGIN_TOKEN_REJECTED, 400, "a redirect", id="redirect"
        ),
    ],
)
def test_a_token_endpoint_that_says_no_ends_in_a_refusal(
    answer: JsonAnswer | IdawareError, reason: Reason, status: int, log: str, world: World
) -> None:
    world.begin()
    world.token_answer = answer
    outcome = failed(world.come_back())
    assert (outcome.reason, outcome.status) == (reason, status)
    assert log in outcome.log
    assert "IDAWARE" not in outcome.message
    assert world.session_state() is None


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        pytest.param({"nonce": "another"}, Reason.LOGIN_NONCE_MISMATCH, id="nonce of another sign-in"),
        pytest.param({"nonce": ...}, Reason.LOGIN_NONCE_MISMATCH, id="no nonce"),
        pytest.param({"aud": "payroll"}, Reason.LOGIN_TOKEN_REJECTED, id="for another client"),
        pytest.param({"iss": "https://evil.example"}, Reason.LOGIN_TOKEN_REJECTED, id="of another issuer"),
        pytest.param({"exp": NOW - 60}, Reason.LOGIN_TOKEN_REJECTED, id="expired"),
        pytest.param({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, Reason.LOGIN_TOKEN_REJECTED, id="at_hash"),
    ],
)
def test_a_token_that_is_not_good_makes_no_session(
    claims: dict[str, Any], reason: Reason, world: World
) -> None:
    world.begin()
    world.claims = claims
    outcome = failed(world.come_back())
    assert (outcome.reason, outcome.status) == (reason, 400)
    assert world.session_state() is None


def test_the_token_is_measured_by_the_clock_after_the_provider_answered(world: World) -> None:
    world.slow_seconds = 400
    assert world.sign_in().session.renewed == NOW


def test_a_session_that_does_not_fit_is_refused_at_sign_in() -> None:
    world = World()
    world.begin()
    world.claims = {"department": "x" * 4000}
    outcome = failed(world.come_back())
    assert (outcome.reason, outcome.status) == (Reason.SESSION_TOO_LARGE, 400)
    assert world.session_state() is None


def test_a_provider_that_is_down_at_the_callback_is_unavailable(world: World) -> None:
    world.begin()
    world.provider = world.login._provider = Provider(world.settings, quirks_for(ISSUER))
    world.discovery = ProviderUnavailable("refused")
    outcome = failed(world.come_back())
    assert (outcome.reason, outcome.status) == (Reason.PROVIDER_UNAVAILABLE, 503)


# -- userinfo


def test_userinfo_is_asked_only_when_a_needed_claim_is_missing(world: World) -> None:
    world.sign_in()
    assert FetchJson(f"{ISSUER}/userinfo", "the-access-token") not in world.effects


def test_userinfo_fills_in_what_is_missing(world: World) -> None:
    world.claims = {"groups": ...}
    world.userinfo = JsonAnswer(200, {"sub": "alice", "groups": ["finance"]})
    assert world.sign_in().session.groups == ("finance",)
    assert FetchJson(f"{ISSUER}/userinfo", "the-access-token") in world.effects


def test_userinfo_about_somebody_else_ends_the_sign_in(world: World) -> None:
    world.claims = {"groups": ...}
    world.userinfo = JsonAnswer(200, {"sub": "mallory", "groups": ["sre"]})
    world.begin()
    assert failed(world.come_back()).reason is Reason.LOGIN_TOKEN_REJECTED


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(JsonAnswer(403, None), id="403"),
        pytest.param(JsonAnswer(200, None, content_type="application/jwt", text="eyJ"), id="signed"),
        pytest.param(ProviderMisbehaved("a redirect"), id="redirect"),
    ],
)
def test_userinfo_that_cannot_be_used_leaves_claims_unknown_and_a_note(
    answer: JsonAnswer | IdawareError, world: World
) -> None:
    world.claims = {"groups": ...}
    world.userinfo = answer
    done = world.sign_in()
    assert done.session.groups is None
    assert len(done.notes) == 1


def test_userinfo_that_is_unavailable_ends_the_sign_in(world: World) -> None:
    world.claims = {"groups": ...}
    world.userinfo = ProviderUnavailable("timed out")
    world.begin()
    assert failed(world.come_back()).reason is Reason.PROVIDER_UNAVAILABLE


def test_a_provider_without_userinfo_leaves_claims_unknown() -> None:
    world = World(metadata={"userinfo_endpoint": None})
    world.claims = {"groups": ...}
    assert world.sign_in().session.groups is None


# -- renewal or sign-in


def test_a_silent_renewal_keeps_the_start_and_brings_claims_up_to_date(world: World) -> None:
    first = world.sign_in().session
    world.now += 1000
    world.claims = {"groups": ["finance"]}
    done = world.sign_in("renew", next_url="/page")
    assert (done.kind, done.next) == ("renew", "/page")
    assert (done.session.started, done.session.expires) == (first.started, first.expires)
    assert (done.session.renewed, done.session.groups) == (NOW + 1000, ("finance",))


def test_the_hard_end_is_real_however_often_a_session_is_renewed(world: World) -> None:
    world.sign_in()
    for _ in range(9):
        world.now += 900
        world.claims = {"auth_time": int(world.now) - 5}
        world.sign_in("renew")
    world.now = NOW + 28_799
    world.take((world.codec.activity_cookie(world.sessions.read(world.cookies).session, world.now),))  # type: ignore[arg-type]  # there is one
    assert world.session_state() in (SessionState.REFRESH_DUE, SessionState.STALE)
    world.now += 1
    assert world.session_state() is SessionState.EXPIRED


@pytest.mark.parametrize(
    ("kind", "auth_time", "anew"),
    [
        pytest.param("login", None, False, id="an ordinary sign-in for a stale session"),
        pytest.param("login", NOW - 50, False, id="the provider's session went on"),
        pytest.param("login", NOW + 25, False, id="the same sign-in, by a clock that is ahead"),
        pytest.param("login", NOW + 3000, True, id="the person signed in again"),
        pytest.param("popup", NOW + 3000, True, id="the person signed in again in the window"),
        pytest.param("popup", None, False, id="the window"),
        pytest.param("step_up", NOW + 3000, True, id="step-up"),
        pytest.param("renew", NOW + 3000, False, id="silently: at another tool, which changes nothing here"),
    ],
)
def test_a_session_that_goes_on_keeps_its_start_unless_the_person_signed_in_again(
    kind: str, auth_time: int | None, anew: bool, world: World
) -> None:
    world.sign_in()
    world.now += 3500
    world.claims = {} if auth_time is None else {"auth_time": auth_time}
    assert world.sign_in(kind).session.started == (NOW + 3500 if anew else NOW)


@pytest.mark.parametrize(
    ("auth_time", "anew"),
    [
        pytest.param(None, True, id="the provider does not say when"),
        pytest.param(NOW - 50, False, id="the provider did not heed prompt=login"),
    ],
)
def test_prompt_login_is_a_new_sign_in_unless_auth_time_says_otherwise(
    auth_time: int | None, anew: bool, world: World
) -> None:
    world.sign_in()
    world.now += 3500
    world.claims = {} if auth_time is None else {"auth_time": auth_time}
    assert world.sign_in("login", prompt="login").session.started == (NOW + 3500 if anew else NOW)


@pytest.mark.parametrize("kind", ["renew", "login", "step_up", "popup"])
def test_another_person_gets_a_session_of_their_own(kind: str, world: World) -> None:
    world.sign_in()
    world.now += 1000
    world.claims = {"sub": "bob"}
    session = world.sign_in(kind).session
    assert (session.subject, session.started) == ("bob", NOW + 1000)


def test_after_the_idle_end_the_sign_in_has_to_be_newer_than_it(world: World) -> None:
    world.sign_in()
    world.now += 5000
    assert world.session_state() is SessionState.IDLE
    assert world.begin()["max_age"] == str(5000 - 3600)
    world.claims = {"auth_time": NOW - 10}
    assert failed(world.come_back()).reason is Reason.LOGIN_TOKEN_REJECTED
    world.claims = {"auth_time": NOW + 4990}
    assert world.sign_in().session.started == NOW + 5000


def test_after_the_hard_end_the_sign_in_has_to_be_newer_than_it(world: World) -> None:
    session = world.sign_in().session
    world.now += 28_900
    world.jar.pop(world.codec.session_name)  # the browser drops it at its Max-Age
    world.take((world.codec.activity_cookie(session, NOW + 28_700),))
    assert world.begin()["max_age"] == "100"
    world.claims = {"auth_time": NOW}
    assert failed(world.come_back()).reason is Reason.LOGIN_TOKEN_REJECTED


def test_a_provider_that_does_not_say_when_is_refused_after_an_end(world: World) -> None:
    world.sign_in()
    world.now += 5000
    world.begin()
    outcome = failed(world.come_back())
    assert outcome.reason is Reason.LOGIN_TOKEN_REJECTED
    assert "auth_time" in outcome.log


def test_the_minutes_that_a_sign_in_takes_do_not_count_against_it(world: World) -> None:
    world.sign_in()
    world.now += 3605
    assert world.begin()["max_age"] == "5"
    world.claims = {"auth_time": int(world.now) + 10}
    world.now += 500
    assert isinstance(world.come_back(), Completed)


def test_a_provider_known_not_to_say_when_is_asked_to_prompt() -> None:
    world = World(auth_time=False)
    world.sign_in()
    world.now += 5000
    sent = world.begin()
    assert (sent["prompt"], "max_age" in sent) == ("login", False)
    assert isinstance(world.come_back(), Completed)


@pytest.mark.parametrize(
    ("auth_within", "sent"), [(60, "60"), (9000, "1400")], ids=["page stricter", "end stricter"]
)
def test_the_stricter_max_age_is_sent(auth_within: int, sent: str, world: World) -> None:
    world.sign_in()
    world.now += 5000
    assert world.begin(require=Needs(auth_within=auth_within))["max_age"] == sent


def test_an_age_that_only_the_page_requires_is_left_to_the_policy(world: World) -> None:
    world.claims = {"auth_time": NOW - 5000}
    world.begin(require=Needs(auth_within=60))
    assert isinstance(world.come_back(), Completed)


def test_after_an_explicit_sign_out_the_provider_is_asked_to_prompt(world: World) -> None:
    world.sign_in()
    world.take(world.codec.sign_out_cookies(world.now))
    world.now += 86_400
    assert world.begin(prompt="select_account")["prompt"] == "login"
    assert isinstance(world.come_back(), Completed)
    assert "prompt" not in world.begin()


def test_a_sign_in_that_was_given_up_keeps_the_mark_of_the_sign_out(world: World) -> None:
    world.sign_in()
    world.take(world.codec.sign_out_cookies(world.now))
    world.begin()
    assert world.begin()["prompt"] == "login"


# -- silent renewal that comes to nothing


@pytest.mark.parametrize(
    "back",
    [
        pytest.param({"code": None, "error": "login_required"}, id="login_required"),
        pytest.param({"code": None, "error": "interaction_required"}, id="interaction_required"),
        pytest.param({"code": None}, id="an odd answer"),
        pytest.param({"iss": "https://evil.example"}, id="another issuer"),
    ],
)
def test_a_silent_renewal_that_fails_leads_to_exactly_one_ordinary_sign_in(
    back: dict[str, Any], world: World
) -> None:
    started = world.sign_in().session.started
    world.now += 1000
    world.begin("renew", next_url="/page")
    silent = world.sent["state"]
    outcome = world.come_back(**back)
    assert isinstance(outcome, LoginRedirect)
    sent = world.follow(outcome)
    assert not {"prompt", "max_age"} & set(sent)
    assert world.states.find(world.cookies, silent, world.now) is None
    again = failed(world.come_back(code=None, error="access_denied"))
    assert (again.kind, again.next) == ("login", "/")
    assert world.session_state() is SessionState.REFRESH_DUE
    world.begin()
    done = world.come_back()
    assert isinstance(done, Completed)
    assert done.session.started == started


def test_the_ordinary_sign_in_after_a_renewal_goes_where_the_renewal_went(world: World) -> None:
    started = world.sign_in().session.started
    world.now += 1000
    world.begin("renew", next_url="/page")
    outcome = world.come_back(code=None, error="login_required")
    assert isinstance(outcome, LoginRedirect)
    world.follow(outcome)
    done = world.come_back()
    assert isinstance(done, Completed)
    assert (done.next, done.kind, done.session.started) == ("/page", "login", started)


def test_a_renewal_whose_token_is_not_good_leads_to_an_ordinary_sign_in(world: World) -> None:
    world.sign_in()
    world.begin("renew")
    world.claims = {"nonce": "another"}
    assert isinstance(world.come_back(), LoginRedirect)


@pytest.mark.parametrize("down", ["token endpoint", "callback"])
def test_a_renewal_that_meets_a_provider_that_is_down_goes_on_with_the_page(down: str, world: World) -> None:
    world.sign_in()
    world.now += 1000
    world.begin("renew", next_url="/page")
    if down == "token endpoint":
        world.token_answer = ProviderUnavailable("timed out")
        outcome = failed(world.come_back())
    else:
        outcome = failed(world.come_back(code=None, error="temporarily_unavailable"))
    assert (outcome.reason, outcome.next) == (Reason.PROVIDER_UNAVAILABLE, "/page")
    assert world.session_state() is SessionState.REFRESH_DUE
    assert world.states.renewal_pending(world.cookies, world.now)


def test_a_renewal_that_fails_while_discovery_fails_too_is_unavailable(world: World) -> None:
    world.sign_in()
    world.begin("renew", next_url="/page")
    world.login._provider = Provider(world.settings, quirks_for(ISSUER))
    world.discovery = ProviderUnavailable("refused")
    outcome = failed(world.come_back(code=None, error="login_required"))
    assert (outcome.reason, outcome.status, outcome.next) == (Reason.PROVIDER_UNAVAILABLE, 503, "/page")


# -- step-up


@pytest.mark.parametrize("kind", ["login", "step_up"])
def test_a_sign_in_remembers_what_it_was_to_meet(kind: str, world: World) -> None:
    needs = Needs(acr=("gold",))
    session = world.sign_in(kind, require=needs).session
    assert step_up_was_tried(session, needs, world.now)
    assert not step_up_was_tried(session, Needs(acr=("silver",)), world.now)
    assert not step_up_was_tried(world.sign_in().session, needs, world.now)


# -- paths


def test_below_a_path_prefix_a_failure_goes_to_the_prefix() -> None:
    world = World(base_url="https://tools.corp.example/billing")
    world.begin()
    outcome = failed(world.come_back(code=None, error="access_denied"))
    assert outcome.next == "/billing/"


def test_nothing_that_a_flow_leaves_behind_holds_a_secret(world: World) -> None:
    world.begin()
    world.token_answer = JsonAnswer(400, {"error": "invalid_grant", "error_description": "nope"})
    outcome = world.come_back()
    assert "the-code" not in repr(outcome)
    assert "the-secret" not in json.dumps(repr(world.token_requests))


def test_effects_do_not_show_their_secrets(world: World) -> None:
    world.claims = {"groups": ...}
    world.sign_in()
    shown: Callable[[object], str] = repr
    assert "the-access-token" not in "".join(shown(effect) for effect in world.effects)
