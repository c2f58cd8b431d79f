"""Flask: who is asking, guards of views, and security rule 6 at dispatch."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Blueprint, Flask, Response, request
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from idaware.errors import ConfigurationError
from idaware.flask import current_identity, require_groups
from idaware.identity import ANONYMOUS
from idaware.testing import capture_audit, signed_in, signed_out
from idaware.wsgi import IdentityMiddleware


def make_app() -> Flask:
    app = Flask(__name__)
    app.testing = True
    blueprint = Blueprint("jobs", __name__, url_prefix="/jobs")

    @app.get("/who")
    @app.get("/public/who")
    def who() -> dict[str, Any]:
        return {"principal": current_identity.principal, "remote_user": request.remote_user}

    @app.get("/sre")
    @app.get("/public/guarded")
    @require_groups("sre")
    def sre() -> str:
        return "for sre"

    @app.get("/async")
    @require_groups("sre")
    async def sre_async() -> str:
        return "for sre, later"

    @app.get("/not-kept")
    @require_groups("cleaners")
    def not_kept() -> str:
        raise AssertionError("a guard on a group that is not kept never passes")

    @blueprint.before_request
    @require_groups("sre", "auditors")
    def only_some() -> None:
        """Guards the whole blueprint."""

    @blueprint.get("/<int:job>/log/<path:name>")
    def job(job: int, name: str) -> str:
        return f"{job} {name}"

    @app.get("/admin/users")
    def admin() -> str:
        app.config["REACHED"] = True
        return "secrets"

    app.register_blueprint(blueprint)
    return app


@pytest.fixture
def app(gate_settings: Any) -> Flask:
    app = make_app()
    app.wsgi_app = IdentityMiddleware(app.wsgi_app, **gate_settings())  # type: ignore[method-assign]
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def test_who_asks_is_told(client: FlaskClient) -> None:
    answer = signed_in(client, groups=["sre"], sub="alice").get("/who")
    assert answer.json == {"principal": "login/alice", "remote_user": "alice"}


def test_nobody_on_a_public_path_is_anonymous(app: Flask, client: FlaskClient) -> None:
    with client:
        assert client.get("/public/who").json == {"principal": None, "remote_user": None}
        assert current_identity == ANONYMOUS


@pytest.mark.parametrize("path", ["/sre", "/jobs/7/log/a/b"])
def test_somebody_in_the_group_passes(client: FlaskClient, path: str) -> None:
    assert signed_in(client, groups=["sre"]).get(path).status_code == 200


def test_an_async_view_is_guarded(app: Flask, client: FlaskClient) -> None:
    assert signed_in(client, groups=["finance"]).get("/async").status_code == 403
    assert signed_in(client, groups=["sre"]).get("/async").text == "for sre, later"


@pytest.mark.parametrize("path", ["/sre", "/jobs/7/log/a"])
def test_somebody_else_gets_403(client: FlaskClient, path: str) -> None:
    answer = signed_in(client, groups=["finance"]).get(path)
    assert (answer.status_code, "not in a group" in answer.text) == (403, True)


def test_nobody_gets_401(client: FlaskClient) -> None:
    answer = signed_out(client).get("/public/guarded")
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="idaware"')


def test_a_refusal_is_an_exception_of_flasks_own(app: Flask, client: FlaskClient) -> None:
    @app.errorhandler(403)
    def refused(error: HTTPException) -> tuple[str, int]:
        return f"our page: {error.description}", 403

    assert signed_in(client, groups=["finance"]).get("/sre").text.startswith("our page: You are not")


def test_a_guard_on_a_group_that_is_not_kept_is_an_error(client: FlaskClient) -> None:
    with pytest.raises(ConfigurationError, match="cleaners"):
        signed_in(client, groups=["sre"]).get("/not-kept")


def test_an_application_without_the_gate_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="wsgi_app"):
        make_app().test_client().get("/who")


def test_outside_of_a_request_there_is_nobody_to_ask() -> None:
    with pytest.raises(RuntimeError, match="request context"):
        _ = current_identity.subject


def test_the_route_is_in_the_record(client: FlaskClient) -> None:
    signed_in(client, groups=["sre"])
    with capture_audit(client) as records:
        client.get("/jobs/7/log/a/b")
        client.get("/nowhere")
    told = [(record["route"], record["framework"], record["status"]) for record in records.decisions]
    assert told[0] == ("/jobs/<int:job>/log/<path:name>", "flask", 200)
    assert told[1][0] is None


class Rewrites:
    """A middleware inside the gate that sends requests elsewhere."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        environ["PATH_INFO"] = environ["PATH_INFO"].replace("/jobs/users", "/admin/users")
        return self.app(environ, start_response)


class Lazily(Rewrites):
    """The same, as applications do that begin when they are iterated."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        yield from super().__call__(environ, start_response)


@pytest.mark.parametrize("middleware", [Rewrites, Lazily])
@pytest.mark.parametrize("propagate", [True, False], ids=["exceptions raised", "exceptions answered"])
def test_a_path_rewritten_behind_the_gate_reaches_no_view(
    gate_settings: Any, middleware: type[Rewrites], propagate: bool
) -> None:
    app = make_app()
    app.config.update(PROPAGATE_EXCEPTIONS=propagate, TRAP_HTTP_EXCEPTIONS=propagate)
    app.wsgi_app = IdentityMiddleware(middleware(app.wsgi_app), **gate_settings())  # type: ignore[method-assign]
    client = signed_in(app.test_client(), groups=["sre"])
    with capture_audit(app) as records:
        answer = client.get("/jobs/users")
    assert answer.status_code == 403
    assert "REACHED" not in app.config
    (record,) = records.decisions
    assert (record["decision"], record["reason"], record["route"]) == (
        "deny",
        "path_mismatch",
        "/admin/users",
    )
    assert answer.headers["X-Request-ID"] == record["request_id"]


def test_a_router_that_folds_case_reaches_no_view(gate_settings: Any) -> None:
    class Folds(Rewrites):
        def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
            environ["PATH_INFO"] = environ["PATH_INFO"].lower()
            return self.app(environ, start_response)

    app = make_app()
    app.wsgi_app = IdentityMiddleware(Folds(app.wsgi_app), **gate_settings())  # type: ignore[method-assign]
    client = signed_in(app.test_client(), groups=["sre"])
    assert client.get("/ADMIN/users").status_code == 403
    assert client.get("/who").status_code == 200


def test_a_mounted_application_is_compared_with_its_mount(gate_settings: Any) -> None:
    inner = make_app()
    mounts = DispatcherMiddleware(Flask("outer"), {"/tools": inner})
    outer = Flask("outer")
    outer.wsgi_app = IdentityMiddleware(mounts, **gate_settings())  # type: ignore[method-assign]
    client = signed_in(outer.test_client(), groups=["sre"])
    with capture_audit(outer) as records:
        assert client.get("/tools/jobs/7/log/x").status_code == 200
    assert records.last["route"] == "/tools/jobs/<int:job>/log/<path:name>"


def test_an_address_that_a_proxy_tells_does_not_disturb(gate_settings: Any) -> None:
    app = make_app()
    app.wsgi_app = IdentityMiddleware(ProxyFix(app.wsgi_app, x_prefix=1), **gate_settings())  # type: ignore[method-assign]
    client = signed_in(app.test_client(), groups=["sre"])
    assert client.get("/jobs/7/log/x", headers={"X-Forwarded-Prefix": "/outside"}).status_code == 200


def test_an_application_of_flasks_that_stands_alone_is_left_alone() -> None:
    app = Flask("alone")
    app.get("/x")(lambda: Response("fine"))
    assert app.test_client().get("/x").text == "fine"


def test_the_middleware_brings_the_hook_where_flask_is_loaded_and_no_flask_where_not() -> None:
    code = (
        "import sys, idaware.wsgi as w\n"
        "w.IdentityMiddleware(lambda e, s: [])\n"
        "assert 'flask' not in sys.modules\n"
        "import flask\n"
        "w.IdentityMiddleware(lambda e, s: [])\n"
        "assert 'idaware.flask' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env={"PATH": ""})
