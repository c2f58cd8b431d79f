"""A provider on paper: keys made once, tokens signed as a test asks, effects answered from a table."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt import PyJWS
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from idaware.effects import Effect, FetchJson, JsonAnswer
from idaware.errors import IdawareError, ProviderUnavailable
from idaware.oidc.provider import Provider
from idaware.oidc.providers import quirks_for
from idaware.oidc.tokens import IdTokenRules, verify_id_token
from idaware.settings import Settings

ISSUER = "https://op.example.com"
CLIENT = "rp-client"
NOW = 1_800_000_000.0
NONCE = "n-0S6_WzA2Mj-of-this-sign-in"

ENVIRON = {
    "IDAWARE_ISSUER": ISSUER,
    "IDAWARE_CLIENT_ID": CLIENT,
    "IDAWARE_CLIENT_SECRET": "correct horse battery staple",
    "IDAWARE_BASE_URL": "https://billing.corp.example",
    "IDAWARE_SECRET_KEYS": "w4fJ0vQx8Z2mT7rK5bN9cL1sD6hG3pYa",
    "IDAWARE_ALLOW_GROUPS": "sre",
}


def b64(data: bytes | dict[str, Any] | list[Any]) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def public_jwk(key: Any, **members: Any) -> dict[str, Any]:
    algorithm = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "Ed": OKPAlgorithm}[_family(key)]
    jwk = algorithm.to_jwk(key.public_key(), as_dict=True)
    jwk.pop("key_ops", None)
    return {**jwk, **members}


def _family(key: Any) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        return "RSA"
    return "EC" if isinstance(key, ec.EllipticCurvePrivateKey) else "Ed"


class World:
    """Answers effects from a table of URLs; a value may be an answer, an error, or a function that makes
    one."""

    def __init__(self, table: dict[str, Any]) -> None:
        self.table = table
        self.asked: list[str] = []
        self.effects: list[Effect[Any]] = []

    def __call__(self, effect: Effect[Any]) -> Any:
        self.effects.append(effect)
        assert isinstance(effect, FetchJson)
        self.asked.append(effect.url)
        reply = self.table[effect.url]
        reply = reply() if callable(reply) and not isinstance(reply, JsonAnswer) else reply
        if isinstance(reply, IdawareError):
            raise reply
        return reply

    def run(self, flow: Any) -> Any:
        try:
            effect = next(flow)
            while True:
                try:
                    reply = self(effect)
                except IdawareError as error:
                    effect = flow.throw(error)
                else:
                    effect = flow.send(reply)
        except StopIteration as stop:
            return stop.value


class Op:
    """The provider: ``k1`` is its published RSA key; the others are there to be published or misused."""

    issuer = ISSUER
    client = CLIENT
    now = NOW
    nonce = NONCE
    metadata_url = f"{ISSUER}/.well-known/openid-configuration"
    jwks_url = f"{ISSUER}/jwks"
    b64 = staticmethod(b64)
    public_jwk = staticmethod(public_jwk)
    down = staticmethod(lambda: ProviderUnavailable("nobody there"))

    def __init__(self, private: dict[str, Any]) -> None:
        self.private = private
        self.settings = Settings.from_env(ENVIRON)
        self.document: dict[str, Any] = {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": self.jwks_url,
            "userinfo_endpoint": f"{ISSUER}/userinfo",
            "end_session_endpoint": f"{ISSUER}/logout",
        }
        self.jwks: list[Any] = [self.jwk("k1")]
        self.max_age: int | None = None
        self.world = World(
            {
                self.metadata_url: lambda: JsonAnswer(200, dict(self.document)),
                self.jwks_url: lambda: JsonAnswer(200, {"keys": list(self.jwks)}, self.max_age),
            }
        )
        self.provider = Provider(self.settings, quirks_for(ISSUER))

    def jwk(self, name: str, **members: Any) -> dict[str, Any]:
        jwk = {**public_jwk(self.private[name], kid=name, use="sig"), **members}
        return {member: value for member, value in jwk.items() if value is not ...}

    def claims(self, **changes: Any) -> dict[str, Any]:
        claims = {
            "iss": ISSUER,
            "sub": "u1",
            "aud": CLIENT,
            "exp": int(NOW) + 300,
            "iat": int(NOW),
            "nonce": NONCE,
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not ...}

    def sign(self, signing_input: str, key: str | Any, alg: str) -> bytes:
        private = self.private[key] if isinstance(key, str) else key
        signature: bytes = PyJWS().get_algorithm_by_name(alg).sign(signing_input.encode(), private)
        return signature

    def token(
        self,
        claims: dict[str, Any] | bytes | list[Any] | None = None,
        *,
        header: dict[str, Any] | None = None,
        raw_header: bytes | None = None,
        key: Any = "k1",
        alg: str = "RS256",
    ) -> str:
        """A token signed with ``alg`` by ``key``. ``...`` as a header's value leaves it out."""
        full = {"alg": alg, "kid": "k1", "typ": "JWT", **(header or {})}
        head = raw_header or json.dumps({n: v for n, v in full.items() if v is not ...}).encode()
        signing_input = f"{b64(head)}.{b64(self.claims() if claims is None else claims)}"
        return f"{signing_input}.{b64(self.sign(signing_input, key, alg))}"

    def rules(self, **changes: Any) -> IdTokenRules:
        rules = IdTokenRules(
            issuer=ISSUER,
            client_id=CLIENT,
            nonce=NONCE,
            now=NOW,
            algs=self.settings.allowed_algs,
        )
        return replace(rules, **changes)

    def verify(self, token: Any, **changes: Any) -> dict[str, Any]:
        claims: dict[str, Any] = self.world.run(
            verify_id_token(token, keys=self.provider, rules=self.rules(**changes))
        )
        return claims

    def configure(self, **environ: str) -> Settings:
        changes = {f"IDAWARE_{name.upper()}": value for name, value in environ.items()}
        merged = {**ENVIRON, **changes}
        return Settings.from_env({name: value for name, value in merged.items() if value is not None})


@pytest.fixture(scope="session")
def private_keys() -> dict[str, Any]:
    made: dict[str, Any] = {
        name: rsa.generate_private_key(public_exponent=65537, key_size=2048) for name in ("k1", "k2", "k3")
    }
    made["weak"] = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    made["ec"] = ec.generate_private_key(ec.SECP256R1())
    made["ec384"] = ec.generate_private_key(ec.SECP384R1())
    made["koblitz"] = ec.generate_private_key(ec.SECP256K1())
    made["ed"] = ed25519.Ed25519PrivateKey.generate()
    return made


@pytest.fixture
def op(private_keys: dict[str, Any]) -> Op:
    return Op(private_keys)


@pytest.fixture
def make_op(private_keys: dict[str, Any]) -> Callable[[], Op]:
    return lambda: Op(private_keys)
