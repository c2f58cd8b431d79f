"""The route that a framework dispatched to: in the record, and held against the decided path (security rule 6)."""

from __future__ import annotations

import copy
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask
import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from fastapi.staticfiles import StaticFiles as FastApiStaticFiles
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Host, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from idaware.asgi_scope import Dispatch, RoutedScope, RouteMismatchError
from support import HTML, Site

POLICY = """
version: 1
rules:
  - {id: everything, paths: ["/**"], allow: signed_in}
  - {id: open, paths: ["/open/**"], allow: public}
  - {id: secret, paths: ["/secret/**"], allow: {groups: [admins]}}
"""
STATIC = Path(__file__).parent


class Handlers:
    """Says which handler ran."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def named(self, name: str) -> Callable[[Request], Any]:
        async def handle(request: Request) -> Response:
            self.ran.append(name)
            return PlainTextResponse(name)

        return handle


def starlette_app(handlers: Handlers, middleware: Any = ()) -> Starlette:
    async def socket(websocket: Any) -> None:
        handlers.ran.append("socket")
        await websocket.accept()
        await websocket.close()

    inner = Starlette(routes=[Route("/x/{y}", handlers.named("inner"))])
    return Starlette(
        routes=[
            Route("/", handlers.named("front")),
            Route("/jobs/{id:int}", handlers.named("job"), methods=["GET", "POST"]),
            Route("/files/{rest:path}", handlers.named("file")),
            Route("/secret/x", handlers.named("secret")),
            Route("/open/x", handlers.named("open")),
            Mount("/static", StaticFiles(directory=STATIC)),
            Mount("/teams/{team}", routes=[Route("/jobs/{id}", handlers.named("team")), Mount("/in", inner)]),
            Mount("/whole", inner),
            Mount("/deep", FastAPI(routes=[Mount("/silent/{what}", inner)])),
            WebSocketRoute("/sockets/{id}", socket),
            Host("api.corp.example", inner),
        ],
        middleware=middleware,
    )


def fastapi_app(handlers: Handlers, middleware: Any = ()) -> FastAPI:
    app = FastAPI(middleware=middleware)
    items, deeper = APIRouter(prefix="/items"), APIRouter()

    async def handle_one(id: int) -> str:
        handlers.ran.append("item")
        return "item"

    async def handle_deep(id: int) -> str:
        handlers.ran.append("deep")
        return "deep"

    items.get("/{id}")(handle_one)
    deeper.get("/deep/{id}")(handle_deep)
    items.include_router(deeper, prefix="/more")
    items.add_route("/plain/{id}", handlers.named("plain"))

    @items.websocket("/{id}/live")
    async def live(websocket: WebSocket, id: int) -> None:
        handlers.ran.append("live")
        await websocket.accept()
        await websocket.close()

    @app.get("/jobs/{id}")
    async def job(id: int) -> str:
        handlers.ran.append("job")
        return "job"

    @app.get("/secret/x")
    async def secret() -> str:
        handlers.ran.append("secret")
        return "secret"

    @app.get("/open/x")
    async def open_() -> str:
        handlers.ran.append("open")
        return "open"

    app.include_router(items, prefix="/api")
    app.include_router(items, prefix="/v2/{tenant}")
    nested = FastAPI()
    nested.get("/x/{y}")(handle_one)
    nested.include_router(items, prefix="/again")
    app.mount("/static", FastApiStaticFiles(directory=STATIC))
    app.mount("/sub", nested)
    return app


def site_of(app: Any, adapter: str = "asgi", place: str = "plain", **settings: Any) -> Site:
    return Site(adapter, place, app=app, policy=POLICY, **settings)


STARLETTE = {
    "/": "/",
    "/jobs/7": "/jobs/{id:int}",
    "/files/a/b/c": "/files/{rest:path}",
    "/static/test_routes.py": "/static",
    "/teams/a/jobs/7": "/teams/{team}/jobs/{id}",
    "/teams/a/in/x/7": "/teams/{team}/in/x/{y}",
    "/whole/x/7": "/whole/x/{y}",
    "/deep/silent/a/x/7": "/deep/silent/{what}/x/{y}",
}
FASTAPI = {
    "/jobs/7": "/jobs/{id}",
    "/api/items/7": "/api/items/{id}",
    "/api/items/more/deep/7": "/api/items/more/deep/{id}",
    "/v2/acme/items/7": "/v2/{tenant}/items/{id}",
    "/sub/x/7": "/sub/x/{y}",
    "/sub/again/items/7": "/sub/again/items/{id}",
}


@pytest.mark.parametrize("place", ["plain", "mounted", "server"])
@pytest.mark.parametrize("target", STARLETTE)
def test_starlette_tells_its_route(target: str, place: str) -> None:
    site = site_of(starlette_app(Handlers()), place=place)
    answer = site.ask(target, cookies=site.signed_in())
    assert answer.status == 200
    assert answer.record["route"] == STARLETTE[target]
    assert answer.record["framework"] == "starlette"


@pytest.mark.parametrize("place", ["plain", "mounted", "server"])
@pytest.mark.parametrize("target", FASTAPI)
def test_fastapi_tells_its_route_whole_however_it_was_included(target: str, place: str) -> None:
    handlers = Handlers()
    site = site_of(fastapi_app(handlers), place=place)
    answer = site.ask(target, cookies=site.signed_in())
    assert answer.status in (200, 422), answer.text
    assert answer.record["route"] == FASTAPI[target]
    assert answer.record["framework"] == "fastapi"


@pytest.mark.parametrize("target", ["/api/plain/7", "/static/test_routes.py", "/openapi.json"])
def test_fastapi_serves_what_it_tells_no_route_of(target: str) -> None:
    site = site_of(fastapi_app(Handlers()))
    answer = site.ask(target, cookies=site.signed_in())
    assert answer.status == 200
    assert answer.record["framework"] == "fastapi"


def test_a_subclass_of_a_framework_is_that_framework() -> None:
    class Own(FastAPI):
        pass

    app = Own()
    app.get("/x")(lambda: "x")
    site = site_of(app)
    assert site.ask("/x", cookies=site.signed_in()).record["framework"] == "fastapi"


@pytest.mark.parametrize(
    ("make", "target"),
    [
        (starlette_app, "/sockets/7"),
        (fastapi_app, "/api/items/7/live"),
        (fastapi_app, "/v2/acme/items/7/live"),
    ],
)
def test_websockets_have_routes_too(make: Any, target: str) -> None:
    handlers = Handlers()
    site = site_of(make(handlers))
    headers = {"Origin": site.settings.origin}
    answer = site.ask(target, websocket=True, headers=headers, cookies=site.signed_in())
    assert answer.status == 101
    assert handlers.ran in (["socket"], ["live"])
    assert answer.record["route"].endswith(("/sockets/{id}", "/items/{id}/live"))


@pytest.mark.parametrize("make", [starlette_app, fastapi_app])
@pytest.mark.parametrize("target", ["/nowhere", "/jobs/7/8"])
def test_what_has_no_route_has_none_in_the_record(make: Any, target: str) -> None:
    site = site_of(make(Handlers()))
    answer = site.ask(target, cookies=site.signed_in())
    assert answer.status == 404
    assert answer.record["route"] is None


@pytest.mark.parametrize(("make", "target"), [(starlette_app, "/jobs/7"), (fastapi_app, "/api/items/7")])
def test_a_method_that_a_route_does_not_have_is_the_frameworks_to_refuse(make: Any, target: str) -> None:
    site = site_of(make(Handlers()))
    assert site.ask(target, "DELETE", cookies=site.signed_in()).status == 405


def test_a_slash_too_many_is_redirected_by_the_framework() -> None:
    site = site_of(starlette_app(Handlers()))
    assert site.ask("/jobs/7/", cookies=site.signed_in()).status == 307


def test_routes_of_a_host_are_routes() -> None:
    handlers = Handlers()
    site = site_of(starlette_app(handlers), hosts=["billing.corp.example", "api.corp.example"])
    answer = site.ask("/x/7", host="api.corp.example", cookies=site.signed_in())
    assert answer.status == 200
    assert answer.record["route"] == "/x/{y}"


def test_an_application_that_knows_its_own_prefix_is_served() -> None:
    with warnings.catch_warnings(action="ignore"):  # FastAPI advises against it
        app = FastAPI(root_path="/behind/a/proxy")
    app.get("/x/{y}")(lambda y: y)
    site = site_of(app)
    answer = site.ask("/x/7", cookies=site.signed_in())
    assert answer.status == 200
    assert answer.record["route"] == "/x/{y}"


# -- security rule 6 -----------------------------------------------------------------------------------------------


class Rewriting:
    """A middleware inside ours that sends requests elsewhere."""

    def __init__(self, app: Any, to: str, copies: Callable[[Any], Any] = lambda scope: scope) -> None:
        self.app = app
        self.to = to
        self.copies = copies

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope = self.copies(scope)
        if scope["type"] != "lifespan":
            scope["path"] = scope.get("root_path", "") + self.to
        await self.app(scope, receive, send)


COPIES: dict[str, Callable[[Any], Any]] = {
    "in place": lambda scope: scope,
    "scope.copy()": lambda scope: scope.copy(),
    "copy.copy": copy.copy,
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("place", ["plain", "mounted", "server"])
@pytest.mark.parametrize("make", [starlette_app, fastapi_app])
def test_a_path_that_is_rewritten_inside_does_not_reach_the_other_handler(
    make: Any, place: str, how: str
) -> None:
    handlers = Handlers()
    app = make(handlers, [Middleware(Rewriting, to="/secret/x", copies=COPIES[how])])
    site = site_of(app, place=place)
    answer = site.ask("/open/x", accept=HTML, cookies=site.signed_in())
    assert answer.status == 403
    assert answer.decided == ("deny", "path_mismatch")
    assert answer.record["path"] == "/open/x"
    assert answer.record["route"] == "/secret/x"
    assert handlers.ran == []


@pytest.mark.parametrize(
    ("make", "to"),
    [(starlette_app, "/whole/x/7"), (fastapi_app, "/api/items/7"), (fastapi_app, "/sub/again/items/7")],
    ids=["mounted", "included", "included in a mount"],
)
def test_a_rewriting_into_a_mount_or_an_included_router_is_refused(make: Any, to: str) -> None:
    handlers = Handlers()
    site = site_of(make(handlers, [Middleware(Rewriting, to=to)]))
    answer = site.ask("/open/x")
    assert answer.decided == ("deny", "path_mismatch")
    assert handlers.ran == []


def test_a_rewritten_websocket_is_refused() -> None:
    handlers = Handlers()
    site = site_of(starlette_app(handlers, [Middleware(Rewriting, to="/sockets/1")]))
    headers = {"Origin": site.settings.origin}
    answer = site.ask("/open/x", websocket=True, headers=headers)
    assert answer.status == 403
    assert answer.decided == ("deny", "path_mismatch")
    assert handlers.ran == []


def test_a_rewriting_that_changes_captured_segments_alone_is_the_applications_own() -> None:
    handlers = Handlers()
    site = site_of(starlette_app(handlers, [Middleware(Rewriting, to="/jobs/8")]))
    assert site.ask("/jobs/7", cookies=site.signed_in()).status == 200


class Answering:
    """A middleware that swallows what is raised and answers itself."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self.app(scope, receive, send)
        except Exception:
            await PlainTextResponse("swallowed")(scope, receive, send)


def test_an_application_that_swallows_the_refusal_does_not_undo_it() -> None:
    handlers = Handlers()
    app = Answering(Rewriting(starlette_app(handlers).router, to="/secret/x"))
    answer = site_of(app).ask("/open/x")
    assert answer.status == 403
    assert b"swallowed" not in answer.body
    assert answer.decided == ("deny", "path_mismatch")


def test_a_mismatch_after_the_answer_began_cuts_it_off() -> None:
    handlers = Handlers()
    router = Rewriting(starlette_app(handlers).router, to="/secret/x")

    async def early(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await router(scope, receive, send)

    answer = site_of(early).ask("/open/x")
    assert answer.body == b""
    assert answer.decided == ("allow", "public")
    assert handlers.ran == []


# -- Flask ---------------------------------------------------------------------------------------------------------


def flask_app() -> flask.Flask:
    app = flask.Flask("books", static_folder=str(STATIC), static_url_path="/static")
    pages = flask.Blueprint("pages", "pages", url_prefix="/pages")

    @app.get("/jobs/<int:id>")
    def job(id: int) -> str:
        return f"{id} {flask.request.environ['idaware.identity'].principal} {flask.request.remote_user}"

    @pages.get("/<path:rest>")
    def page(rest: str) -> str:
        return rest

    @app.get("/late")
    def late() -> flask.Response:
        return flask.Response(iter(["a", "b"]))

    app.register_blueprint(pages)
    return app


FLASK = {
    "/jobs/7": "/jobs/<int:id>",
    "/pages/a/b": "/pages/<path:rest>",
    "/static/test_routes.py": "/static/<path:filename>",
}


@pytest.mark.parametrize("place", ["plain", "mounted", "server"])
@pytest.mark.parametrize("target", FLASK)
def test_flask_tells_its_route(target: str, place: str) -> None:
    site = site_of(flask_app(), "wsgi", place)
    answer = site.ask(target, cookies=site.signed_in())
    assert answer.status == 200
    assert (answer.record["route"], answer.record["framework"]) == (FLASK[target], "flask")


def test_what_flask_has_no_route_for_has_none_in_the_record() -> None:
    site = site_of(flask_app(), "wsgi")
    answer = site.ask("/nowhere", cookies=site.signed_in())
    assert answer.status == 404
    assert answer.record["route"] is None


def test_flask_sees_who_is_asking() -> None:
    site = site_of(flask_app(), "wsgi")
    assert site.ask("/jobs/7", cookies=site.signed_in()).text == "7 login/alice alice"
    assert site.ask("/late", cookies=site.signed_in()).text == "ab"


def test_an_integration_may_tell_the_route() -> None:
    def app(environ: Any, start_response: Any) -> Any:
        environ["idaware.route"], environ["idaware.framework"] = "/jobs/<id>", "django"
        start_response("200 OK", [])
        return [b""]

    site = site_of(app, "wsgi")
    record = site.ask("/jobs/7", cookies=site.signed_in()).record
    assert (record["route"], record["framework"]) == ("/jobs/<id>", "django")


def test_an_asgi_integration_may_tell_the_route() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["idaware.route"] = "/jobs/<id>"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    site = site_of(app)
    assert site.ask("/jobs/7", cookies=site.signed_in()).record["route"] == "/jobs/<id>"


def writes_and_returns(environ: Any, start_response: Any) -> Any:
    environ["idaware.mismatch"] = True
    start_response("200 OK", [])(b"secret")
    return [b"secret"]


def raises(environ: Any, start_response: Any) -> Any:
    environ["idaware.mismatch"] = True
    raise RuntimeError("as told")


def iterates(environ: Any, start_response: Any) -> Any:
    environ["idaware.mismatch"] = True
    start_response("200 OK", [])
    yield b"secret"


def raises_when_iterated(environ: Any, start_response: Any) -> Any:
    environ["idaware.mismatch"] = True
    if environ:
        raise RuntimeError("as told")
    yield b"secret"


@pytest.mark.parametrize("app", [writes_and_returns, raises, iterates, raises_when_iterated])
def test_a_wsgi_integration_may_tell_a_mismatch(app: Any) -> None:
    site = site_of(app, "wsgi")
    answer = site.ask("/open/x")
    assert answer.status == 403
    assert b"secret" not in answer.body
    assert answer.error is None
    assert answer.decided == ("deny", "path_mismatch")


def test_a_mismatch_that_is_told_half_way_cuts_the_answer_off() -> None:
    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        yield b"one"
        environ["idaware.mismatch"] = True
        yield b"secret"

    answer = site_of(app, "wsgi").ask("/open/x")
    assert answer.body == b"one"
    assert answer.decided == ("allow", "public")


def test_a_path_that_is_rewritten_inside_does_not_reach_another_view_of_flask() -> None:
    app = flask_app()
    inner = app.wsgi_app

    def rewriting(environ: Any, start_response: Any) -> Any:
        environ["PATH_INFO"] = "/jobs/7"
        return inner(environ, start_response)

    app.wsgi_app = rewriting  # type: ignore[method-assign]
    answer = site_of(app, "wsgi").ask("/open/x")
    assert answer.status == 403
    assert answer.decided == ("deny", "path_mismatch")


# -- Starlette before 1.6 does not tell its route; it is found by where it leads -------------------------------------


class Told:
    """A route of a router that says nothing."""

    def __init__(self, path: str | None, endpoint: object, routes: list[object] | None = None) -> None:
        if path is not None:
            self.path = path
        if routes is None:
            self.endpoint = endpoint
        else:
            self.app, self.routes = endpoint, routes


def silent_scope(path: str, routes: list[object]) -> RoutedScope:
    outer = {"path": path, "root_path": ""}
    return RoutedScope({**outer, "router": types.SimpleNamespace(routes=routes)}, Dispatch(path, outer))


def test_a_silent_router_is_understood_by_the_handler_it_names() -> None:
    scope = silent_scope("/jobs/7", [Told("/files/{rest:path}", list), Told("/jobs/{id}", dict)])
    scope.update({"endpoint": dict})
    assert scope.dispatch.template == "/jobs/{id}"


def test_of_several_routes_to_one_handler_the_fitting_one_is_meant() -> None:
    scope = silent_scope("/jobs/7", [Told("/files/{id}", dict), Told("/jobs/{id}", dict)])
    scope.update({"endpoint": dict})
    assert scope.dispatch.template == "/jobs/{id}"


def test_a_silent_router_that_goes_elsewhere_is_refused() -> None:
    scope = silent_scope("/open/x", [Told("/secret/x", dict)])
    with pytest.raises(RouteMismatchError):
        scope.update({"endpoint": dict})
    assert scope.dispatch.mismatch


def test_below_a_silent_mount_its_own_routes_are_meant() -> None:
    scope = silent_scope(
        "/tool/jobs/7", [Told("/jobs/{id}", dict), Told("/tool", set, [Told("/jobs/{id}", dict)])]
    )
    scope.update({"endpoint": set, "root_path": "/tool"})
    scope.update({"endpoint": dict})
    assert scope.dispatch.template == "/tool/jobs/{id}"


def test_a_handler_that_no_known_route_leads_to_tells_nothing() -> None:
    scope = silent_scope("/jobs/7", [])
    scope.update({"endpoint": dict})
    assert scope.dispatch.template is None


def test_a_route_without_a_template_contradicts_nothing() -> None:
    scope = silent_scope("/x/7", [Told("/whole", set, []), Told(None, set, [Told("/x/{id}", dict)])])
    scope.update({"endpoint": set})
    scope.update({"endpoint": dict})
    assert scope.dispatch.template == "/x/{id}"
