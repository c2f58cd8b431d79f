"""The parts of one provider, put together; what the endpoints share. Decides nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from idaware.devidp.clients import Clients
from idaware.devidp.faults import FaultBoard
from idaware.devidp.grants import Server
from idaware.devidp.keys import Keys
from idaware.devidp.memory import Browser, Memory
from idaware.devidp.people import People
from idaware.devidp.tokens import Minter

if TYPE_CHECKING:
    import httpx2
    from starlette.requests import Request

PATHS: Final = {
    "discovery": "/.well-known/openid-configuration",
    "jwks": "/jwks",
    "authorize": "/authorize",
    "token": "/token",
    "userinfo": "/userinfo",
    "revoke": "/revoke",
    "introspect": "/introspect",
    "end_session": "/end-session",
}
"""Where each endpoint lies below the issuer."""


@dataclass(frozen=True, slots=True)
class AutoSignIn:
    """Whom every browser signs in as without being asked; at which level (``None``: the one asked for)."""

    sub: str
    level: str | None = None


@dataclass(slots=True, kw_only=True)
class State:
    """One provider. ``base_path`` is the issuer's path; ``transport`` carries back-channel logout (tests)."""

    issuer: str
    people: People
    clients: Clients
    keys: Keys
    faults: FaultBoard
    faults_open: bool
    memory: Memory
    minter: Minter
    server: Server
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[object]]
    transport: httpx2.AsyncBaseTransport | None = None
    auto: AutoSignIn | None = None
    hits: Counter[str] = field(default_factory=Counter)

    @property
    def base(self) -> str:
        """The issuer without a slash at its end: what endpoint URLs begin with."""
        return self.issuer.rstrip("/")

    @property
    def base_path(self) -> str:
        """The path part of ``base``."""
        return urlsplit(self.base).path

    @property
    def origin(self) -> str:
        """The issuer's origin, as browsers send it."""
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc}".lower()

    @property
    def cookie_name(self) -> str:
        """The provider's own cookie; cookies are shared across ports, so the port is in its name."""
        parts = urlsplit(self.issuer)
        return f"idaware-dev-idp-{parts.port or parts.scheme}"

    def url(self, endpoint: str) -> str:
        """The URL of an endpoint."""
        return self.base + PATHS[endpoint]

    def path(self, suffix: str) -> str:
        """A path of ours as a page has to write it."""
        return self.base_path + suffix

    def browser(self, request: Request) -> Browser | None:
        """The provider's own session in the browser that asks."""
        return self.memory.browsers.get(request.cookies.get(self.cookie_name, ""))

    def is_own_page(self, request: Request) -> bool:
        """Whether a form was sent by a page of ours: by ``Sec-Fetch-Site``, else by ``Origin``, else a program."""
        site = request.headers.get("sec-fetch-site")
        if site is not None:
            return site in ("same-origin", "none")
        return request.headers.get("origin", self.origin).lower() == self.origin
