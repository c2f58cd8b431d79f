"""A browser, an application and a provider in one process; the clock is set by hand and nothing sleeps."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import jwt
import pytest

from idaware.devidp import Client, Clients, DevProvider

ISSUER = "http://localhost:9000"
CALLBACK = "http://127.0.0.1:8000/_idaware/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
START = 1_900_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@dataclass
class Tokens:
    """A token answer."""

    status: int
    body: dict[str, Any]

    @property
    def id_claims(self) -> dict[str, Any]:
        return claims_of(self.body["id_token"])

    @property
    def access_claims(self) -> dict[str, Any]:
        return claims_of(self.body["access_token"])


def claims_of(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


@dataclass
class World:
    """Drives the provider as a browser and as an application would."""

    provider: DevProvider
    clock: Clock
    slept: list[float]
    http: httpx2.AsyncClient = field(init=False)
    client_id: str = "tool"

    def __post_init__(self) -> None:
        transport = httpx2.ASGITransport(app=self.provider.app)
        self.http = httpx2.AsyncClient(transport=transport, base_url=self.provider.state.origin)

    def params(self, **changes: str | None) -> dict[str, str]:
        base: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "scope": "openid profile email",
            "state": "the-state",
            "nonce": "the-nonce",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in (base | changes).items() if value is not None}

    async def authorize(self, **changes: str | None) -> httpx2.Response:
        return await self.http.get("/authorize", params=self.params(**changes))

    async def choose(self, page: httpx2.Response, **form: str) -> httpx2.Response:
        return await self.http.post("/authorize/choose", data={"request": request_in(page), **form})

    async def sign_in(
        self, person: str = "alice", level: str = "pwd", **changes: str | None
    ) -> httpx2.Response:
        page = await self.authorize(**changes)
        assert page.status_code == 200, page.text
        return await self.choose(page, person=person, level=level)

    async def code(self, person: str = "alice", level: str = "pwd", **changes: str | None) -> str:
        return answer_of(await self.sign_in(person, level, **changes))["code"]

    async def redeem(self, code: str, **changes: str | None) -> Tokens:
        usual = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        return await self.token(code=code, **usual | changes)

    async def token(
        self, auth: tuple[str, str] | None = ("tool", "dev-secret"), **form: str | list[str] | None
    ) -> Tokens:
        data = {name: value for name, value in form.items() if value is not None}
        answer = await self.http.post("/token", data=data, auth=auth)
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        return Tokens(answer.status_code, answer.json() if is_json else {"text": answer.text})

    async def tokens(self, person: str = "alice", level: str = "pwd", **changes: str | None) -> Tokens:
        return await self.redeem(await self.code(person, level, **changes))

    async def verified(self, token: str) -> dict[str, Any]:
        """The claims of a token after a check against the published keys, as an application does it."""
        keys = (await self.http.get("/jwks")).json()["keys"]
        header = jwt.get_unverified_header(token)
        key = next(jwt.PyJWK(one) for one in keys if one["kid"] == header["kid"])
        options = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
        return jwt.decode(token, key, algorithms=[key.algorithm_name], options=options)

    @staticmethod
    def answer_of(response: httpx2.Response) -> dict[str, str]:
        return answer_of(response)

    @staticmethod
    def claims_of(token: str) -> dict[str, Any]:
        return claims_of(token)

    async def userinfo(self, access_token: str) -> httpx2.Response:
        return await self.http.get("/userinfo", headers={"Authorization": f"Bearer {access_token}"})


def request_in(page: httpx2.Response) -> str:
    found = re.search(r'name="request" value="([^"]*)"', page.text)
    assert found is not None, page.text
    return html.unescape(found[1])


def answer_of(response: httpx2.Response) -> dict[str, str]:
    """The parameters of an authorization response, each of which comes once."""
    assert response.status_code == 303, response.text
    location = response.headers["location"]
    assert location.startswith(CALLBACK)
    pairs = parse_qs(urlsplit(location).query, keep_blank_values=True)
    assert all(len(values) == 1 for values in pairs.values()), pairs
    return {name: values[0] for name, values in pairs.items()}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def make_world() -> Callable[..., World]:
    def make(**options: Any) -> World:
        clock, slept = Clock(), []

        async def sleep(seconds: float) -> None:
            slept.append(seconds)

        options = {"issuer": ISSUER, "signing_alg": "ES256", "clock": clock, "sleep": sleep} | options
        return World(DevProvider(**options), clock, slept)

    return make


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()


@pytest.fixture
def registered() -> Clients:
    return Clients(
        [
            Client(
                client_id="tool",
                client_secret="a secret: with + and %",
                redirect_uris=(CALLBACK,),
                post_logout_redirect_uris=("http://127.0.0.1:8000/bye",),
                backchannel_logout_uri="http://127.0.0.1:8000/_idaware/backchannel-logout",
            ),
            Client(client_id="public", redirect_uris=(CALLBACK,)),
        ]
    )
