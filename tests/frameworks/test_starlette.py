"""Starlette: who is asking, and guards of endpoints and WebSockets."""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, Router, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from idaware.asgi import IdentityMiddleware
from idaware.errors import ConfigurationError
from idaware.starlette import current_identity, require_groups
from idaware.testing import capture_audit, signed_in, signed_out

TELLS_ROUTE = 'scope["route"]' in inspect.getsource(Router.app)
"""Releases of Starlette before 1.0 tell nobody which route they chose."""


async def who(request: Request) -> Response:
    identity = current_identity(request)
    return JSONResponse({"user": request.user.display_name, "principal": identity.principal})


@require_groups("sre")
async def only_sre(request: Request) -> Response:
    return PlainTextResponse("for sre")


@require_groups("sre", "finance")
def only_sync(request: Request) -> Response:
    return PlainTextResponse("for both")


@require_groups("cleaners")
async def not_kept(request: Request) -> Response:
    raise AssertionError("a guard on a group that is not kept never passes")


@requires("group:sre")
async def by_scope(request: Request) -> Response:
    return PlainTextResponse("by Starlette's own word")


class Page(HTTPEndpoint):
    @require_groups("auditors")
    async def get(self, request: Request) -> Response:
        return PlainTextResponse("for auditors")


@require_groups("sre")
async def live(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(current_identity(websocket).subject)
    await websocket.close()


@require_groups("sre")
async def keyword(*, request: Request) -> Response:
    return PlainTextResponse("named")


@require_groups("sre")
def no_request() -> None:
    raise AssertionError("never called")


async def call_keyword(request: Request) -> Response:
    return await keyword(request=request)


ROUTES = [
    Route("/who", who),
    Route("/public/who", who),
    Route("/public/guarded", only_sre),
    Route("/sre", only_sre),
    Route("/both", only_sync),
    Route("/not-kept", not_kept),
    Route("/scope", by_scope),
    Route("/page", Page),
    Route("/keyword", call_keyword),
    WebSocketRoute("/live", live),
    WebSocketRoute("/public/live", live),
    Mount("/m/{team}", routes=[Route("/files/{rest:path}", who)]),
]


@pytest.fixture
def client(gate_settings: Any) -> TestClient:
    return TestClient(IdentityMiddleware(Starlette(routes=ROUTES), **gate_settings()))


def test_who_asks_is_told(client: TestClient) -> None:
    signed_in(client, groups=["sre"], sub="alice", name="Alice")
    assert client.get("/who").json() == {"user": "Alice", "principal": "login/alice"}


def test_nobody_on_a_public_path_is_anonymous(client: TestClient) -> None:
    assert client.get("/public/who").json() == {"user": "", "principal": None}


@pytest.mark.parametrize("path", ["/sre", "/both", "/scope", "/keyword"])
def test_somebody_in_the_group_passes(client: TestClient, path: str) -> None:
    assert signed_in(client, groups=["sre"]).get(path).status_code == 200


@pytest.mark.parametrize("path", ["/sre", "/page", "/scope"])
def test_somebody_else_gets_403(client: TestClient, path: str) -> None:
    answer = signed_in(client, groups=["finance"]).get(path)
    assert answer.status_code == 403


def test_a_group_that_keep_names_is_there_for_guards(client: TestClient) -> None:
    assert signed_in(client, groups=["finance", "auditors"]).get("/page").text == "for auditors"


def test_nobody_gets_401_from_a_guard_on_a_public_path(client: TestClient) -> None:
    answer = signed_out(client).get("/public/guarded")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="idaware"')


def test_a_guard_on_a_group_that_is_not_kept_is_an_error(client: TestClient) -> None:
    with pytest.raises(ConfigurationError, match="cleaners"):
        signed_in(client, groups=["sre"]).get("/not-kept")


def test_a_websocket_tells_who_asks(client: TestClient) -> None:
    with signed_in(client, groups=["sre"], sub="alice").websocket_connect("/live") as socket:
        assert socket.receive_text() == "alice"


@pytest.mark.parametrize(
    ("path", "groups", "code"),
    [("/live", ["finance"], 4403), ("/public/live", None, 4401)],
    ids=["somebody else", "nobody"],
)
def test_a_websocket_that_is_refused_is_closed(
    client: TestClient, path: str, groups: list[str] | None, code: int
) -> None:
    client = signed_out(client) if groups is None else signed_in(client, groups=groups)
    with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect(path):
        raise AssertionError("it was accepted")
    assert closed.value.code == code


def test_a_guard_decorates_what_takes_a_request() -> None:
    with pytest.raises(TypeError, match="Request or a WebSocket"):
        no_request()


def test_an_application_without_the_gate_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="IdentityMiddleware"):
        TestClient(Starlette(routes=ROUTES)).get("/sre")


@pytest.mark.parametrize("protected", [True, False], ids=["with add_middleware", "from outside"])
def test_the_route_is_in_the_record(gate_settings: Any, protected: bool) -> None:
    app = Starlette(routes=ROUTES)
    guarded: Any = app if protected else IdentityMiddleware(app, **gate_settings())
    if protected:
        app.add_middleware(IdentityMiddleware, **gate_settings())
    client = signed_in(TestClient(guarded), groups=["sre"])
    with capture_audit(guarded) as records:
        assert client.get("/m/x/files/a/b").status_code == 200
    if TELLS_ROUTE:
        assert (records.last["route"], records.last["framework"]) == (
            "/m/{team}/files/{rest:path}",
            "starlette",
        )


def test_a_partial_of_an_endpoint_is_guarded_too(gate_settings: Any) -> None:
    guarded = require_groups("sre")(partial(only_sync, request=None))
    with pytest.raises(TypeError):
        guarded()
