"""The Flask application of these tests, guarded by one line."""

from typing import Any

from content import STATIC, page, protected
from flask import Flask, request, send_from_directory
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from idaware.wsgi import IdentityMiddleware

app = Flask(__name__, static_folder=None)
mounted = Flask("mounted", static_folder=None)


def who() -> Any:
    return request.environ["idaware.identity"]


@mounted.get("/")
@mounted.get("/secret")
def mounted_secret() -> str:
    return protected("Mounted", who())


@app.get("/health")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/")
def front() -> str:
    return page("Front page", who())


@app.get("/open/<path:rest>")
def open_to_all(rest: str) -> str:
    return page(f"Open {rest}", who())


@app.get("/team/<team>/report")
def report(team: str) -> str:
    return page(f"Report of {team}", who())


@app.get("/admin")
@app.get("/admin/<path:rest>")
@app.post("/admin/post")
def admin(rest: str = "") -> str:
    return protected(f"Admin {rest}", who())


@app.get("/api/v1/items/<item>")
def item(item: str) -> str:
    return protected(f"Item {item}", who())


@app.get("/static/<path:name>")
def static_file(name: str) -> Any:
    return send_from_directory(STATIC, name)


@app.get("/<area>/<name>")
def area(area: str, name: str) -> str:
    return protected(f"{area.title()} {name}", who())


@app.post("/<area>/<name>")
def upload(area: str, name: str) -> dict[str, Any]:
    return {"bytes": len(request.get_data()), "who": who().email}


app.wsgi_app = IdentityMiddleware(DispatcherMiddleware(app.wsgi_app, {"/mnt": mounted}))
