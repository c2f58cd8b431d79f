"""The development provider as a Starlette application: parts, routes, guard.

provider = DevProvider(issuer="http://localhost:9000") provider.app                                # an ASGI
application provider.faults.next_login("wrong_nonce")   # what the next sign-in does wrong
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import anyio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from idaware.devidp.clients import Clients
from idaware.devidp.control import Control, set_auto
from idaware.devidp.endpoints import Endpoints
from idaware.devidp.faults import FaultBoard
from idaware.devidp.grants import Core, make_server
from idaware.devidp.guard import Guard
from idaware.devidp.keys import Keys
from idaware.devidp.logout import LogoutPages, tell_clients
from idaware.devidp.loopback import check_issuer
from idaware.devidp.memory import Memory
from idaware.devidp.people import DEFAULT_PEOPLE, People
from idaware.devidp.sign_in import SignInPages
from idaware.devidp.state import PATHS, State
from idaware.devidp.tokens import Minter

if TYPE_CHECKING:
    import httpx2


class DevProvider:
    """An OpenID provider for development and tests, on loopback.

    * ``issuer``: a loopback URL, the address that browsers and applications reach it at.
    * ``people``: who can sign in; ``clients``: who may ask (any client id, by default).
    * ``faults``: whether pages and ``/faults`` let people switch faults; ``.faults`` works either way.
    * ``clock``: UTC epoch seconds. ``sleep``: how ``slow`` waits. ``transport``: how logout tokens travel (tests).
    * ``signing_alg``: RS256, PS256, ES256 or EdDSA.

    Raises ``ConfigurationError`` for an issuer that is not on loopback or an unknown algorithm.
    """

    def __init__(
        self,
        people: People = DEFAULT_PEOPLE,
        *,
        issuer: str = "http://localhost:9000",
        clients: Clients | None = None,
        faults: bool = True,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
        transport: httpx2.AsyncBaseTransport | None = None,
        signing_alg: str = "RS256",
    ) -> None:
        check_issuer(issuer)
        board, keys, memory = FaultBoard(), Keys(signing_alg), Memory()
        clients = clients if clients is not None else Clients()
        minter = Minter(issuer, keys, board, clock)
        core = Core(issuer, issuer.rstrip("/") + PATHS["token"], clients, memory, minter, clock)
        self.state = State(
            issuer=issuer,
            people=people,
            clients=clients,
            keys=keys,
            faults=board,
            faults_open=faults,
            memory=memory,
            minter=minter,
            server=make_server(core),
            clock=clock,
            sleep=sleep,
            transport=transport,
        )
        self.app: Starlette = _application(self.state)

    @property
    def issuer(self) -> str:
        """The issuer."""
        return self.state.issuer

    @property
    def people(self) -> People:
        """Who can sign in."""
        return self.state.people

    @property
    def faults(self) -> FaultBoard:
        """What goes wrong."""
        return self.state.faults

    @property
    def keys(self) -> Keys:
        """The signing keys; ``rotate()`` them here."""
        return self.state.keys

    @property
    def minter(self) -> Minter:
        """Makes tokens as the provider would, for tests that need one at hand."""
        return self.state.minter

    @property
    def hits(self) -> Counter[str]:
        """How often each endpoint was asked, by its name in ``faults.ENDPOINTS``."""
        return self.state.hits

    def auto_sign_in(self, sub: str | None, *, level: str | None = None) -> None:
        """Let every sign-in be this person's, without a page; ``None`` ends it.

        ``level`` is the ``acr`` (``pwd``, ``mfa``, …); ``None`` gives what the application asks for, else ``pwd``.
        Raises ``ConfigurationError`` for nobody we know.
        """
        set_auto(self.state, sub, level)

    async def sign_out_everywhere(self, sub: str) -> dict[str, bool]:
        """End this person's sessions here and tell their applications by the back channel; who took it."""
        told: dict[str, bool] = {}
        for key, browser in list(self.state.memory.browsers.items()):
            if browser.sign_in.person.sub == sub:
                del self.state.memory.browsers[key]
                told |= await tell_clients(self.state, browser)
        return told


def create_app(
    people: People = DEFAULT_PEOPLE,
    *,
    issuer: str = "http://localhost:9000",
    clients: Clients | None = None,
    faults: bool = True,
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """The provider's ASGI application; its ``DevProvider`` is ``app.state.provider``."""
    provider = DevProvider(people, issuer=issuer, clients=clients, faults=faults, clock=clock)
    provider.app.state.provider = provider
    return provider.app


def _application(state: State) -> Starlette:
    endpoints, sign_in, logout, control = (
        Endpoints(state),
        SignInPages(state),
        LogoutPages(state),
        Control(state),
    )
    base = state.base_path

    def at(endpoint: str) -> str:
        return base + PATHS[endpoint]

    routes = [
        Route(at("discovery"), endpoints.discovery, methods=["GET"]),
        Route(at("discovery") + "/moved", endpoints.discovery, methods=["GET"]),
        Route(at("jwks"), endpoints.jwks, methods=["GET"]),
        Route(at("token"), endpoints.token, methods=["POST"]),
        Route(at("userinfo"), endpoints.userinfo, methods=["GET", "POST"]),
        Route(at("revoke"), endpoints.revoke, methods=["POST"]),
        Route(at("introspect"), endpoints.introspect, methods=["POST"]),
        Route(at("authorize"), sign_in.authorize, methods=["GET", "POST"]),
        Route(f"{base}/authorize/choose", sign_in.choose, methods=["POST"]),
        Route(at("end_session"), logout.end_session, methods=["GET", "POST"]),
        Route(f"{base}/end-session/confirm", logout.confirm, methods=["POST"]),
        Route(f"{base}/", control.home, methods=["GET"]),
        Route(f"{base}/faults", control.faults, methods=["GET", "POST", "DELETE"]),
        Route(f"{base}/keys/rotate", control.rotate_keys, methods=["POST"]),
        Route(f"{base}/auto-sign-in", control.auto_sign_in, methods=["POST"]),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Guard, state=state)])
