"""A login provider on paper: answers what a provider is asked, and misbehaves on request.

It keeps to the specification unless a test says otherwise, so that a sign-in which passes here was really checked:
redirect URI, client secret, PKCE, one use of a code.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from support.clock import Clock

ISSUER = "https://login.op.example"
CLIENT_ID = "billing-admin"
CLIENT_SECRET = "correct horse battery staple"
ANSWER_SECONDS = 0.125
"""How long each answer takes: what was noted before it is older than what was noted after."""


@cache
def signing_key(kid: str = "k1") -> rsa.RSAPrivateKey:
    """An RSA key; made once for all tests of a run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Person:
    """Somebody with an account at the provider. ``claims``: whatever else is in the ID token."""

    sub: str = "alice"
    email: str = "alice@corp.example"
    groups: list[str] = field(default_factory=lambda: ["sre"])
    claims: dict[str, Any] = field(default_factory=dict)


@dataclass
class Sent:
    """What the provider's authorization endpoint answers a browser with."""

    status: int
    location: str = ""
    form: dict[str, str] | None = None


class ScriptedProvider:
    """The provider of one ``Site``; every attribute may be changed between two requests.

    * ``person``: who is at the keyboard; ``None`` for nobody (then ``prompt=none`` fails, and others wait for ever).
    * ``session_since``: since when the provider's own session lives; ``None``: people type their password now.
    * ``down``: nobody answers. ``faults``: endpoint (``discovery``, ``jwks``, ``token``, ``userinfo``) to an answer in
      its place, or to an exception.
    * ``metadata``, ``id_token``, ``userinfo``: changes to these documents; ``...`` takes a member out.
    * ``answer``: changes to the parameters of the callback; ``refuses``: an ``error`` in place of a code.
    * ``asked``: names of the endpoints that were called, in order.
    """

    def __init__(self, clock: Clock | None = None, issuer: str = ISSUER) -> None:
        self.clock = clock or Clock()
        self.issuer = issuer
        self.person: Person | None = Person()
        self.session_since: float | None = None
        self.down = False
        self.faults: dict[str, httpx2.Response | Exception] = {}
        self.metadata: dict[str, Any] = {}
        self.id_token: dict[str, Any] = {}
        self.userinfo: dict[str, Any] = {}
        self.token_answer: dict[str, Any] = {}
        self.answer: dict[str, Any] = {}
        self.refuses: str | None = None
        self.asked: list[str] = []
        self.authorizations: list[dict[str, str]] = []
        self.before_answer: Callable[[str], None] = lambda endpoint: None
        self._codes: dict[str, dict[str, str]] = {}

    # -- what a browser sees -----------------------------------------------------------------------------------

    def authorize(self, url: str) -> Sent:
        """The authorization endpoint (OpenID Connect Core 3.1.2): back to the application, with a code or an error."""
        asked = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
        self.authorizations.append(asked)
        answer: dict[str, Any] = {"state": asked["state"], "iss": self.issuer}
        error = self.refuses or self._unmet(asked)
        if error:
            answer["error"] = error
        else:
            answer["code"] = code = f"code-{len(self._codes) + 1}"
            self._codes[code] = {**asked, "auth_time": str(int(self._signed_in(asked)))}
        answer = _changed(answer, self.answer)
        if asked.get("response_mode") == "form_post":
            return Sent(200, asked["redirect_uri"], answer)
        return Sent(302, f"{asked['redirect_uri']}?{urlencode(answer, doseq=True)}")

    def _unmet(self, asked: dict[str, str]) -> str | None:
        if asked.get("prompt") == "none" and (self.person is None or self.session_since is None):
            return "login_required"
        return None

    def _signed_in(self, asked: dict[str, str]) -> float:
        """When this person signed in; whoever has to do it again does so now."""
        now, since = self.clock(), self.session_since
        too_old = since is not None and "max_age" in asked and now - since > int(asked["max_age"])
        if since is None or too_old or asked.get("prompt") == "login":
            self.session_since = since = now
        return since

    # -- what the application's process sees -------------------------------------------------------------------

    def transport(self) -> httpx2.MockTransport:
        """The network between the application and this provider, for either kind of port."""
        return httpx2.MockTransport(self.respond)

    def respond(self, request: httpx2.Request) -> httpx2.Response:
        endpoint = request.url.path.strip("/").rpartition("/")[2]
        endpoint = "discovery" if endpoint == "openid-configuration" else endpoint
        self.asked.append(endpoint)
        self.clock.advance(ANSWER_SECONDS)
        self.before_answer(endpoint)
        if self.down:
            raise httpx2.ConnectError("nobody there")
        fault = self.faults.get(endpoint)
        if isinstance(fault, Exception):
            raise fault
        if fault is not None:
            return httpx2.Response(fault.status_code, headers=fault.headers, content=fault.content)
        answer: httpx2.Response = getattr(self, f"_{endpoint}")(request)
        return answer

    def _discovery(self, request: httpx2.Request) -> httpx2.Response:
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/logout",
            "authorization_response_iss_parameter_supported": True,
        }
        return httpx2.Response(200, json=_changed(document, self.metadata))

    def _jwks(self, request: httpx2.Request) -> httpx2.Response:
        jwk = json.loads(RSAAlgorithm.to_jwk(signing_key().public_key()))
        return httpx2.Response(200, json={"keys": [{**jwk, "kid": "k1", "use": "sig", "alg": "RS256"}]})

    def _token(self, request: httpx2.Request) -> httpx2.Response:
        form = dict(parse_qsl(request.content.decode(), keep_blank_values=True))
        asked = self._codes.pop(form.get("code", ""), None)
        if not self._client_is_known(request.headers.get("authorization", "")):
            return httpx2.Response(401, json={"error": "invalid_client"})
        if asked is None or not _verifies(form, asked):
            return httpx2.Response(400, json={"error": "invalid_grant"})
        answer = {
            "access_token": "at-" + form["code"],
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": self.sign(self.claims(asked)),
        }
        return httpx2.Response(200, json=_changed(answer, self.token_answer))

    def _userinfo(self, request: httpx2.Request) -> httpx2.Response:
        assert self.person is not None
        return httpx2.Response(200, json=_changed({"sub": self.person.sub}, self.userinfo))

    def claims(self, asked: dict[str, str]) -> dict[str, Any]:
        """What the ID token for an authorization says."""
        person = self.person
        assert person is not None, "nobody is at the keyboard, so nobody came back with a code"
        claims = {
            "iss": self.issuer,
            "sub": person.sub,
            "aud": CLIENT_ID,
            "iat": int(self.clock()),
            "exp": int(self.clock()) + 300,
            "nonce": asked.get("nonce"),
            "auth_time": int(asked["auth_time"]),
            "email": person.email,
            "email_verified": True,
            "name": person.sub.title(),
            "groups": person.groups,
            **person.claims,
        }
        return _changed(claims, self.id_token)

    def sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode(claims, signing_key(), algorithm="RS256", headers={"kid": "k1"})

    @staticmethod
    def _client_is_known(authorization: str) -> bool:
        kind, _, credentials = authorization.partition(" ")
        name, _, secret = base64.b64decode(credentials).decode().partition(":")
        given = unquote(name), unquote(secret.replace("+", " "))
        return kind == "Basic" and given == (CLIENT_ID, CLIENT_SECRET)


def _verifies(form: dict[str, str], asked: dict[str, str]) -> bool:
    digest = hashlib.sha256(form["code_verifier"].encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return challenge == asked["code_challenge"] and form["redirect_uri"] == asked["redirect_uri"]


def _changed(document: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**document, **changes}.items() if value is not ...}
