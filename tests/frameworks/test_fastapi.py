"""FastAPI: who is asking and who may, as dependencies, and in the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from idaware.asgi import IdentityMiddleware
from idaware.errors import ConfigurationError
from idaware.fastapi import CurrentIdentity, current_identity, require_groups
from idaware.identity import Identity
from idaware.testing import capture_audit, signed_in, signed_out

app = FastAPI()
included = APIRouter(prefix="/jobs", dependencies=[Depends(require_groups("sre"))])


@app.get("/who")
def who(identity: Annotated[Identity, Depends(current_identity)]) -> dict[str, Any]:
    return {"principal": identity.principal}


@app.get("/public/who")
async def public_who(identity: CurrentIdentity) -> dict[str, Any]:
    return {"principal": identity.principal}


@app.get("/public/guarded", dependencies=[Depends(require_groups("sre"))])
async def public_guarded() -> str:
    return "for sre"


@app.get("/not-kept", dependencies=[Depends(require_groups("cleaners"))])
async def not_kept() -> str:
    raise AssertionError("a guard on a group that is not kept never passes")


@included.get("/{job}")
async def job(job: str, identity: Annotated[Identity, Depends(require_groups("sre"))]) -> dict[str, Any]:
    return {"job": job, "by": identity.subject}


@app.websocket("/live")
async def live(websocket: WebSocket, identity: CurrentIdentity) -> None:
    await websocket.accept()
    await websocket.send_text(identity.subject)
    await websocket.close()


@app.websocket("/live/sre")
async def live_sre(
    websocket: WebSocket, identity: Annotated[Identity, Depends(require_groups("sre"))]
) -> None:
    await websocket.accept()
    await websocket.send_text(identity.subject)
    await websocket.close()


@app.get("/plain")
async def plain() -> str:
    return "no dependency"


app.include_router(included, prefix="/api")


@pytest.fixture
def client(gate_settings: Any) -> TestClient:
    return TestClient(IdentityMiddleware(app, **gate_settings()))


def test_who_asks_is_told(client: TestClient) -> None:
    assert signed_in(client, groups=["sre"], sub="alice").get("/who").json() == {"principal": "login/alice"}


def test_nobody_on_a_public_path_is_anonymous(client: TestClient) -> None:
    assert client.get("/public/who").json() == {"principal": None}


def test_somebody_in_the_group_passes(client: TestClient) -> None:
    answer = signed_in(client, groups=["sre"], sub="alice").get("/api/jobs/7")
    assert answer.json() == {"job": "7", "by": "alice"}


def test_somebody_else_gets_403(client: TestClient) -> None:
    answer = signed_in(client, groups=["finance"]).get("/api/jobs/7")
    assert (answer.status_code, answer.json()) == (
        403,
        {"detail": "You are not in a group that may do this."},
    )


def test_nobody_gets_401(client: TestClient) -> None:
    answer = signed_out(client).get("/public/guarded")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="idaware"')


def test_a_guard_on_a_group_that_is_not_kept_is_an_error(client: TestClient) -> None:
    with pytest.raises(ConfigurationError, match="cleaners"):
        signed_in(client, groups=["sre"]).get("/not-kept")


@pytest.mark.parametrize("path", ["/live", "/live/sre"])
def test_a_websocket_tells_who_asks(client: TestClient, path: str) -> None:
    with signed_in(client, groups=["sre"], sub="alice").websocket_connect(path) as socket:
        assert socket.receive_text() == "alice"


def test_a_websocket_that_is_refused_is_closed(client: TestClient) -> None:
    signed_in(client, groups=["finance"])
    with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect("/live/sre"):
        raise AssertionError("it was accepted")
    assert closed.value.code == 4403


def test_openapi_says_what_needs_the_session(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    scheme = document["components"]["securitySchemes"]["idaware"]
    assert (scheme["type"], scheme["in"]) == ("apiKey", "cookie")
    assert "/_idaware/login" in scheme["description"]
    for path in ("/who", "/api/jobs/{job}", "/public/guarded"):
        assert {"idaware": []} in document["paths"][path]["get"]["security"]
    assert "security" not in document["paths"]["/plain"]["get"]


def test_the_route_of_an_included_router_is_in_the_record(client: TestClient) -> None:
    signed_in(client, groups=["sre"])
    with capture_audit(client) as records:
        client.get("/api/jobs/7")
    assert (records.last["route"], records.last["framework"]) == ("/api/jobs/{job}", "fastapi")
    assert records.last["decision"] == "allow"


def test_an_application_without_the_gate_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="IdentityMiddleware"):
        TestClient(app).get("/who")
