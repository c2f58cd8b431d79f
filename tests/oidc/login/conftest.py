"""Whole sign-ins, stepped by hand: a browser's cookie jar, a provider on paper, a settable clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from idaware.effects import Effect, FetchJson, Flow, JsonAnswer, PostForm
from idaware.errors import IdawareError
from idaware.identity import Wanted
from idaware.oidc.login import Completed, Failed, Login, LoginRedirect
from idaware.oidc.login_state import LoginStates
from idaware.oidc.provider import Provider
from idaware.oidc.providers import quirks_for
from idaware.session.cookie import CookieCodec
from idaware.session.keys import KeyRing
from idaware.session.lifetimes import SessionState, state_of
from idaware.session.record import Cut
from idaware.session.sessions import Sessions
from idaware.settings import Settings

ISSUER = "https://login.corp.example"
NOW = 1_800_000_000
KEY = ec.generate_private_key(ec.SECP256R1())
JWK = {**ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "kid": "k1", "use": "sig", "alg": "ES256"}
CUT = Cut.of(Wanted(groups=frozenset({"sre", "finance"}), claims=frozenset({"department"})))
R = TypeVar("R")


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
        self.granted: str | None = None
        ring = KeyRing(self.settings.secret_keys, ISSUER, self.settings.client_id, self.settings.base_url)
        self.codec = CookieCodec(ring, self.settings)
        self.sessions = Sessions(self.codec, CUT)
        self.states = LoginStates(ring, self.settings)
        self.provider = Provider(self.settings, replace(quirks_for(ISSUER), auth_time=auth_time))
        self.login = Login(self.settings, self.provider, self.states, self.sessions)
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

    def fails(self, **changed: Any) -> Failed:
        outcome = self.come_back(**changed)
        assert isinstance(outcome, Failed), outcome
        return outcome

    # -- the provider

    def forget(self) -> None:
        """The process starts anew and knows nothing of its provider."""
        self.provider = Provider(self.settings, quirks_for(ISSUER))
        self.login = Login(self.settings, self.provider, self.states, self.sessions)

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
        body = {"token_type": "Bearer", "access_token": "the-access-token", "id_token": id_token}
        return JsonAnswer(200, {**body, "scope": self.granted} if self.granted else body)

    @property
    def token_requests(self) -> list[PostForm]:
        return [effect for effect in self.effects if isinstance(effect, PostForm)]


@pytest.fixture
def make_world() -> Callable[..., World]:
    return World


@pytest.fixture
def world() -> World:
    return World()
