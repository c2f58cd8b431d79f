"""What is particular to ASGI: scopes, messages, WebSockets, lifespan, cancellation."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

import idaware.asgi
from idaware.asgi import IdentityMiddleware
from idaware.errors import ConfigurationError, IdawareError
from support import Application, Site
from support.servers import Ask, scope_of

ORIGIN = {"Origin": "https://billing.corp.example"}


async def nobody_there() -> Any:
    raise AssertionError("nothing may be received")


class Wire:
    """What the server gives and gets."""

    def __init__(self, *messages: Any) -> None:
        self.messages = list(messages)
        self.sent: list[Any] = []

    async def receive(self) -> Any:
        return self.messages.pop(0)

    async def send(self, message: Any) -> None:
        self.sent.append(message)


def run(app: Any, scope: Any, *messages: Any) -> Wire:
    wire = Wire(*messages)
    asyncio.run(app(scope, wire.receive, wire.send))
    return wire


# -- scopes --------------------------------------------------------------------------------------------------------


def test_lifespan_goes_to_the_application_untouched() -> None:
    got: list[Any] = []

    async def app(*arguments: Any) -> None:
        got.extend(arguments)

    site = Site("asgi", app=app)
    scope, wire = {"type": "lifespan", "state": {}}, Wire()
    asyncio.run(site.guarded(scope, wire.receive, wire.send))
    assert got[0] is scope
    assert got[1:] == [wire.receive, wire.send]
    assert site.sink.records == []


@pytest.mark.parametrize("kind", ["webtransport", "HTTP", ""])
@pytest.mark.parametrize("configured", [True, False])
def test_an_unknown_scope_type_is_refused(kind: str, configured: bool) -> None:
    guarded = Site("asgi").guarded if configured else IdentityMiddleware(Application().asgi)
    with pytest.raises(IdawareError, match="only http, websocket and lifespan pass"):
        run(guarded, {"type": kind})


def test_the_scope_that_came_in_is_not_changed() -> None:
    site = Site("asgi")
    scope = scope_of(Ask("/public/x", headers=[("Host", "billing.corp.example"), ("Remote-User", "root")]))
    before = dict(scope)
    run(site.guarded, scope, {"type": "http.request", "body": b"", "more_body": False})
    assert scope == before


def test_the_application_finds_who_is_asking() -> None:
    site = Site("asgi")
    site.ask("/dash/x", cookies=site.signed_in("alice", ("sre", "finance"), name="Alice"))
    scope = site.app.seen[0].raw
    user, auth = scope["user"], scope["auth"]
    assert (user.is_authenticated, user.display_name, user.identity) == (True, "Alice", "login/alice")
    assert user.idaware is scope["idaware"]
    assert auth.scopes == ["authenticated", "group:finance", "group:sre"]
    assert (scope["idaware.path"], scope["idaware.mount"]) == ("/dash/x", "")


def test_the_application_finds_nobody() -> None:
    site = Site("asgi")
    site.ask("/public/x")
    scope = site.app.seen[0].raw
    assert (scope["user"].is_authenticated, scope["user"].display_name, scope["user"].identity) == (
        False,
        "",
        "",
    )
    assert scope["auth"].scopes == []


def test_a_person_without_a_name_is_shown_by_the_user_claim() -> None:
    site = Site("asgi")
    site.ask("/dash/x", cookies=site.signed_in("alice"))
    assert site.app.seen[0].raw["user"].display_name == "alice"


@pytest.mark.parametrize("broken", ["headers", "path", "method"])
def test_a_scope_that_is_not_whole_is_closed(broken: str) -> None:
    site = Site("asgi")
    scope = scope_of(Ask("/public/x", headers=[("Host", "billing.corp.example")]))
    del scope[broken]
    wire = run(site.guarded, scope)
    assert wire.sent[0]["status"] == 500
    assert site.sink.records[-1]["reason"] == "internal_error"


@pytest.mark.parametrize(
    ("client", "peer"), [(None, "unix"), (["", 0], "unix"), (["203.0.113.9", 1], "203.0.113.9")]
)
def test_the_peer_is_what_the_server_says(client: Any, peer: str) -> None:
    site = Site("asgi")
    scope = scope_of(Ask("/public/x", headers=[("Host", "billing.corp.example")]))
    scope["client"] = client
    run(site.guarded, scope)
    assert site.sink.records[-1]["peer_ip"] == peer


# -- mounts (security rule 3) ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("root_path", "target", "status"),
    [
        ("/apps", "/apps/public/x", 200),
        ("", "/public/x", 400),
        ("/other", "/other/public/x", 400),
        ("/apps", "/public/x", 400),
        ("/apps", "/appsx/public", 400),
    ],
    ids=["configured", "missing", "another", "path outside", "no segment boundary"],
)
def test_the_mount_is_the_configured_one(root_path: str, target: str, status: int) -> None:
    site = Site("asgi", root_path="/apps", base_url="https://billing.corp.example/apps")
    scope = scope_of(Ask(target, root_path=root_path, headers=[("Host", "billing.corp.example")]))
    wire = run(site.guarded, scope)
    assert wire.sent[0]["status"] == status
    if status == 400:
        assert site.sink.records[-1]["reason"] == "mount_unknown"


# -- when it is not configured -----------------------------------------------------------------------------------


@pytest.fixture
def misconfigured(caplog: pytest.LogCaptureFixture) -> IdentityMiddleware:
    middleware = IdentityMiddleware(Application().asgi, issuer="not a url")
    assert "idaware does not start" in caplog.text
    return middleware


def test_a_construction_error_is_answered_to_lifespan(misconfigured: IdentityMiddleware) -> None:
    wire = run(misconfigured, {"type": "lifespan"}, {"type": "lifespan.startup"})
    (message,) = wire.sent
    assert message["type"] == "lifespan.startup.failed"
    assert "IDAWARE_CLIENT_ID" in message["message"]
    with pytest.raises(ConfigurationError, match="IDAWARE_CLIENT_ID"):
        _ = misconfigured.runtime


def test_a_construction_error_closes_every_request(misconfigured: IdentityMiddleware) -> None:
    wire = run(misconfigured, scope_of(Ask("/public/x")))
    assert wire.sent[0]["status"] == 500
    assert (b"cache-control", b"no-store") in wire.sent[0]["headers"]
    assert b"IDAWARE" not in wire.sent[1]["body"], "strangers learn nothing about it"
    wire = run(
        misconfigured, scope_of(Ask("/", websocket=True, extension=False)), {"type": "websocket.connect"}
    )
    assert wire.sent == [{"type": "websocket.close", "code": 1011}]


def test_the_runtime_is_there_when_it_is_configured() -> None:
    site = Site("asgi")
    assert site.guarded.runtime is site.runtime


# -- WebSockets ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("signed_in", "code"), [(False, 4401), (True, 4403)], ids=["nobody", "from elsewhere"]
)
def test_a_websocket_is_closed_with_a_code_where_the_server_knows_no_answers(
    signed_in: bool, code: int
) -> None:
    site = Site("asgi")
    cookies = site.signed_in() if signed_in else None
    answer = site.ask("/live/x", websocket=True, extension=False, cookies=cookies)
    assert answer.close_code == code
    assert answer.record["status"] == code - 4000


def test_a_websocket_is_answered_where_the_server_can() -> None:
    site = Site("asgi")
    answer = site.ask("/live/x", websocket=True)
    assert (answer.status, answer.close_code) == (401, None)
    assert answer.header("www-authenticate") is not None
    assert answer.json["reason"] == "no_identity"


def test_a_client_that_leaves_before_its_websocket_was_answered_gets_nothing() -> None:
    site = Site("asgi")
    scope = scope_of(Ask("/live/x", websocket=True, headers=[("Host", "billing.corp.example")]))
    wire = run(site.guarded, scope, {"type": "websocket.disconnect", "code": 1001})
    assert wire.sent == []
    assert site.sink.records[-1]["reason"] == "no_identity"


def live(*messages: Any) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        for message in messages:
            await send(message)

    return app


@pytest.mark.parametrize(
    ("messages", "status"),
    [
        ([{"type": "websocket.accept"}, {"type": "websocket.close"}], 101),
        ([{"type": "websocket.close", "code": 1008}], 403),
        ([{"type": "websocket.http.response.start", "status": 418, "headers": []}], 418),
        ([], None),
    ],
    ids=["accepted", "closed before", "answered", "left alone"],
)
def test_the_record_says_what_became_of_a_websocket(messages: list[Any], status: int | None) -> None:
    site = Site("asgi", app=live(*messages))
    answer = site.ask("/live/x", websocket=True, headers=ORIGIN, cookies=site.signed_in())
    assert answer.record["status"] == status


# -- messages ----------------------------------------------------------------------------------------------------


def test_messages_that_we_do_not_know_pass_untouched() -> None:
    message = {"type": "http.response.debug", "info": {}}
    site = Site("asgi", app=live(message))
    scope = scope_of(Ask("/public/x", headers=[("Host", "billing.corp.example")]))
    wire = run(site.guarded, scope, {"type": "http.request"})
    assert wire.sent == [message]


def test_an_answer_without_headers_gets_ours() -> None:
    site = Site(
        "asgi", app=live({"type": "http.response.start", "status": 204}, {"type": "http.response.body"})
    )
    answer = site.ask("/dash/x", cookies=site.signed_in())
    assert answer.header("cache-control") == "private, no-store"


def test_a_body_in_pieces_is_put_together() -> None:
    site = Site("asgi", response_mode="form_post")
    headers = [("Host", "billing.corp.example")]
    pieces = [
        {"type": "http.request", "body": b"state=", "more_body": True},
        {"type": "http.request", "more_body": True},
        {"type": "http.request", "body": b"x" * 32},
    ]
    wire = run(site.guarded, scope_of(Ask("/_idaware/callback", "POST", headers=headers)), *pieces)
    assert wire.sent[0]["status"] == 400
    assert wire.messages == []


# -- cancellation ------------------------------------------------------------------------------------------------


def test_a_client_that_leaves_during_a_flow_is_recorded_and_the_cancellation_goes_on() -> None:
    site = Site("asgi")
    site.provider.before_answer = lambda endpoint: _cancel("guarded")
    scope = scope_of(Ask("/dash/x", headers=[("Host", "billing.corp.example"), ("Accept", "text/html")]))
    asyncio.run(_cancelled_while_waiting(site, scope))
    (decision,) = [record for record in site.sink.records if record["kind"] == "decision"]
    assert (decision["decision"], decision["reason"], decision["status"]) == (
        "error",
        "connection_ended",
        None,
    )
    assert decision["error"] == "CancelledError"


def _cancel(name: str) -> None:
    for task in asyncio.all_tasks():
        if task.get_name() == name:
            task.cancel()


async def _cancelled_while_waiting(site: Site, scope: Any) -> None:
    task = asyncio.create_task(site.guarded(scope, nobody_there, nobody_there), name="guarded")
    await asyncio.wait([task])
    assert task.cancelled()
    await asyncio.sleep(0)


def test_a_client_that_leaves_while_the_application_works_is_recorded() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise asyncio.CancelledError

    site = Site("asgi", app=app)
    scope = scope_of(Ask("/public/x", headers=[("Host", "billing.corp.example")]))

    async def main() -> None:
        with pytest.raises(asyncio.CancelledError):
            await site.guarded(scope, nobody_there, nobody_there)

    asyncio.run(main())
    assert site.sink.records[-1]["error"] == "CancelledError"
    assert site.sink.records[-1]["status"] is None


# -- idaware.asgi:app ----------------------------------------------------------------------------------------------


def test_the_module_serves_the_application_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDAWARE_APP", "starlette.applications:Starlette")
    assert isinstance(idaware.asgi.app, IdentityMiddleware)
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        _ = idaware.asgi.other


def test_what_answers_before_the_gate_is_named_at_start_up(caplog: pytest.LogCaptureFixture) -> None:
    site = Site("asgi", app=Starlette())
    outer = Starlette(middleware=[Middleware(GZipMiddleware), Middleware(GivenMiddleware, site.guarded)])
    GivenMiddleware.__name__ = "IdentityMiddleware"
    run(outer, {"type": "lifespan"}, {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    assert "GZipMiddleware answers before the gate" in caplog.text


class GivenMiddleware:
    """Stands in Starlette's list for a middleware that was made already."""

    def __init__(self, app: Any, guarded: Any) -> None:
        guarded.app = app
        self.guarded = guarded

    async def __call__(self, *arguments: Any) -> None:
        await self.guarded(*arguments)
