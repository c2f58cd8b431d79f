"""``signed_in`` and ``signed_out``: a real session in every test client, and the real gate decides."""

from __future__ import annotations

import asyncio
import functools
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from flask import Flask, Response
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client as WerkzeugClient

from idaware import asgi, wsgi
from idaware.errors import ConfigurationError
from idaware.testing import signed_in, signed_out
from idaware.testing.applications import runtime_of

HTML = {"Accept": "text/html"}


async def me(request: Request) -> JSONResponse:
    who = request.scope["idaware"]
    facts = {
        "sub": who.subject,
        "email": who.email,
        "verified": who.email_verified,
        "name": who.name,
        "groups": None if who.groups is None else sorted(who.groups),
        "claims": dict(who.claims),
        "acr": who.acr,
        "amr": list(who.amr),
    }
    return JSONResponse(facts)


async def live(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(websocket.scope["idaware"].subject)
    await websocket.close()


ROUTES = [Route("/", me, methods=["GET", "POST"]), WebSocketRoute("/live", live)]


def starlette(**settings: Any) -> asgi.IdentityMiddleware:
    return asgi.IdentityMiddleware(Starlette(routes=ROUTES), **settings)


def wsgi_me(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["idaware.identity"].subject.encode()]


# -- every client -----------------------------------------------------------------------------------------------------


def test_starlettes_client(gate_settings: Any) -> None:
    client = TestClient(starlette(**gate_settings()))
    assert client.get("/").status_code == 401
    assert signed_in(client, groups=["sre"]) is client
    assert client.get("/").json()["sub"] == "tester"
    assert client.post("/").status_code == 200
    with client.websocket_connect("/live") as socket:
        assert socket.receive_text() == "tester"
    assert signed_out(client).get("/").status_code == 401


def test_flasks_client(gate_settings: Any) -> None:
    app = Flask("billing")
    app.get("/")(lambda: Response("fine"))
    app.wsgi_app = wsgi.IdentityMiddleware(app.wsgi_app, **gate_settings())  # type: ignore[method-assign]
    client = app.test_client()
    assert client.get("/").status_code == 401
    assert signed_in(client, groups=["sre"]).get("/").text == "fine"
    assert signed_out(client).get("/").status_code == 401


def test_werkzeugs_client(gate_settings: Any) -> None:
    client = WerkzeugClient(wsgi.IdentityMiddleware(wsgi_me, **gate_settings()))
    assert signed_in(client, groups=["sre"]).get("/").text == "tester"
    assert signed_out(client).get("/").status_code == 401


def test_a_plain_client_on_a_wsgi_application(gate_settings: Any) -> None:
    guarded = wsgi.IdentityMiddleware(wsgi_me, **gate_settings())
    transport = httpx2.WSGITransport(app=guarded)  # type: ignore[arg-type]
    with httpx2.Client(transport=transport, base_url="http://testserver") as client:
        assert signed_in(client, groups=["sre"]).get("/").text == "tester"


def test_a_plain_client_on_an_asgi_application(gate_settings: Any) -> None:
    async def ask() -> list[int]:
        transport = httpx2.ASGITransport(app=starlette(**gate_settings()))
        async with httpx2.AsyncClient(transport=transport, base_url="http://elsewhere") as client:
            first = (await signed_in(client, groups=["sre"]).get("/")).status_code
            return [first, (await signed_out(client).get("/")).status_code]

    assert asyncio.run(ask()) == [200, 401]


def test_a_client_of_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(TypeError, match="no test client"):
        signed_in(object())


@pytest.mark.parametrize("kind", ["starlette", "flask", "httpx"])
def test_a_client_asks_for_the_applications_own_host_and_scheme(gate_settings: Any, kind: str) -> None:
    settings = gate_settings(base_url="https://billing.corp.example", hosts=["billing.corp.example"])
    client: Any
    if kind == "starlette":
        client = TestClient(starlette(**settings))
    elif kind == "flask":
        app = Flask("billing")
        app.get("/")(lambda: Response("fine"))
        app.wsgi_app = wsgi.IdentityMiddleware(app.wsgi_app, **settings)  # type: ignore[method-assign]
        client = app.test_client()
    else:
        transport = httpx2.WSGITransport(app=wsgi.IdentityMiddleware(wsgi_me, **settings))  # type: ignore[arg-type]
        client = httpx2.Client(transport=transport, base_url="http://localhost")
    for _ in range(2):
        assert signed_in(client, groups=["sre"]).get("/").status_code == 200
    assert signed_out(client).get("/").status_code == 401


def test_flasks_own_server_name_is_kept_where_the_gate_answers_under_it(gate_settings: Any) -> None:
    app = Flask("billing")
    app.config["SERVER_NAME"] = "localhost:8080"
    app.get("/")(lambda: Response("fine"))
    settings = gate_settings(base_url="http://localhost:8080", hosts=["localhost:8080"])
    app.wsgi_app = wsgi.IdentityMiddleware(app.wsgi_app, **settings)  # type: ignore[method-assign]
    assert signed_in(app.test_client(), groups=["sre"]).get("/").text == "fine"


# -- who --------------------------------------------------------------------------------------------------------------


def test_everything_that_can_be_said_about_a_person_arrives(gate_settings: Any, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "version: 1\nkeep: {claims: [department]}\nrules: [{id: all, paths: [/**], allow: {groups: [sre, ops]}}]"
    )
    client = TestClient(starlette(**gate_settings(allow_groups=None, policy_file=policy)))
    signed_in(
        client, groups=["sre", "nobody-asks"], sub="alice", email="a@corp.example", email_verified=False,
        name="Alice", claims={"department": "Platform"}, acr="gold", amr=["pwd", "mfa"],
    )  # fmt: skip
    assert client.get("/").json() == {
        "sub": "alice", "email": "a@corp.example", "verified": False, "name": "Alice", "groups": ["sre"],
        "claims": {"department": "Platform"}, "acr": "gold", "amr": ["pwd", "mfa"],
    }  # fmt: skip


def test_the_policy_decides(gate_settings: Any) -> None:
    client = TestClient(starlette(**gate_settings()))
    assert signed_in(client, groups=["finance"]).get("/").json()["reason"] == "not_in_allow"
    assert signed_in(client, groups=None).get("/").json()["reason"] in ("claim_unknown", "not_in_allow")
    assert signed_in(client, groups=["sre"]).get("/").status_code == 200


def test_a_rule_that_asks_for_a_fresh_sign_in_sees_its_age(gate_settings: Any, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "version: 1\nrules: [{id: all, paths: [/**], allow: {groups: [sre]}, require: {auth_within: 15m, amr: [mfa]}}]"
    )
    client = TestClient(starlette(**gate_settings(allow_groups=None, policy_file=policy)))
    for age in (3600, timedelta(hours=1)):
        answer = signed_in(client, groups=["sre"], amr=["mfa"], auth_age=age).get("/")
        assert answer.json()["reason"] == "step_up_required"
    assert signed_in(client, groups=["sre"], amr=["mfa"], auth_age=60).get("/").status_code == 200
    assert signed_in(client, groups=["sre"]).get("/").json()["reason"] == "step_up_required"


@pytest.mark.parametrize(
    ("form", "groups"),
    [("list", ["sre", "x"]), ("comma", ["sre", "x"]), ("space", ["sre", "x"]), ("single", ["sre"])],
)
def test_groups_come_in_the_form_that_the_application_expects(
    gate_settings: Any, form: str, groups: list[str]
) -> None:
    settings = gate_settings(
        groups_format=form, groups_claim="realm.roles", email_claim="upn", name_claim="cn"
    )
    client = TestClient(starlette(**settings))
    answer = signed_in(client, groups=groups, email="a@corp.example", name="Alice").get("/").json()
    assert (answer["groups"], answer["email"], answer["name"]) == (["sre"], "a@corp.example", "Alice")


def test_a_person_of_one_group_has_no_two(gate_settings: Any) -> None:
    client = TestClient(starlette(**gate_settings(groups_format="single")))
    with pytest.raises(ValueError, match="one group"):
        signed_in(client, groups=["sre", "x"])


def test_a_text_for_groups_is_an_error(gate_settings: Any) -> None:
    with pytest.raises(TypeError, match="expected a list"):
        signed_in(TestClient(starlette(**gate_settings())), groups="sre")


def test_somebody_else_can_sign_in_after_somebody(gate_settings: Any) -> None:
    client = TestClient(starlette(**gate_settings()))
    for sub in ("alice", "bob"):
        assert signed_in(client, groups=["sre"], sub=sub).get("/").json()["sub"] == sub


def test_a_cookie_that_the_gate_renews_replaces_the_one_of_the_kit(gate_settings: Any) -> None:
    client = TestClient(starlette(**gate_settings()))
    signed_in(client, groups=["sre"])
    jar = client.cookies.jar
    before = {cookie.domain for cookie in jar if cookie.name.endswith("-a")}
    assert before == {"localhost.local", "testserver.local"}
    renewed = runtime_of(client).gate._sessions.codec.activity_name
    client.cookies.extract_cookies(
        httpx2.Response(
            200,
            headers={"Set-Cookie": f"{renewed}=x; Path=/"},
            request=httpx2.Request("GET", "http://localhost/"),
        )
    )
    assert sorted(cookie.value == "x" for cookie in client.cookies.jar if cookie.name == renewed) == [
        False,
        True,
    ]


# -- without a provider -----------------------------------------------------------------------------------------------


def test_nobody_who_navigates_is_sent_to_the_provider_though_nobody_listens_there(gate_settings: Any) -> None:
    client = signed_out(TestClient(starlette(**gate_settings()), follow_redirects=False))
    for _ in range(2):
        answer = client.get("/", headers=HTML)
        assert answer.status_code == 302
        assert answer.headers["location"].startswith("http://localhost:9/idaware-testing/authorize?")
        signed_out(client)


def test_another_issuer_is_left_alone(gate_settings: Any) -> None:
    runtime = runtime_of(starlette(**gate_settings(issuer="https://login.corp.example")))
    assert runtime.provider.metadata_now(0) is None


# -- finding the gate -------------------------------------------------------------------------------------------------


def test_the_gate_is_found_wherever_it_stands(gate_settings: Any) -> None:
    guarded = starlette(**gate_settings())
    added = Starlette(routes=ROUTES)
    added.add_middleware(asgi.IdentityMiddleware, **gate_settings())
    flask = Flask("billing")
    flask.wsgi_app = wsgi.IdentityMiddleware(flask.wsgi_app, **gate_settings())  # type: ignore[method-assign]
    outside = ProxyFix(flask)
    for holder in (guarded, added, flask, outside, functools.partial(guarded), flask.wsgi_app.__call__):
        assert runtime_of(holder).settings.client_id == "billing"


def test_a_gate_that_cannot_be_seen_is_named(gate_settings: Any) -> None:
    guarded = starlette(**gate_settings())
    client = TestClient(Starlette(routes=[Mount("/tool", guarded)]))
    with pytest.raises(LookupError, match="app="):
        signed_in(client, groups=["sre"])
    assert signed_in(client, app=guarded, groups=["sre"]).get("/tool/").status_code in (200, 400)


def test_a_loop_of_applications_ends() -> None:
    class Loop:
        def __init__(self) -> None:
            self.app = self

    class Endless:
        def __getattr__(self, name: str) -> Any:
            return Endless()

    for holder in (Loop(), Endless()):
        with pytest.raises(LookupError, match="IdentityMiddleware"):
            runtime_of(holder)


def test_wrong_settings_are_named(gate_settings: Any) -> None:
    with pytest.raises(ConfigurationError, match="session_max"):
        signed_in(TestClient(starlette(**gate_settings(session_max="soon"))))
