"""An application that takes a prefix off the path *inside* the gate would route another path than was decided on."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import anyio
import pytest
from fastapi import FastAPI

from idaware.asgi_scope import Dispatch, RoutedScope, RouteMismatchError


def run(app: Any, path: str) -> tuple[bool, list[int]]:
    """Whether a mismatch was seen, and which answers began."""
    dispatch = Dispatch(path, {"root_path": ""})
    scope = RoutedScope(
        {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": [], "query_string": b""},
        dispatch,
    )
    began: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            began.append(message["status"])

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    with suppress(RouteMismatchError):
        anyio.run(app, scope, receive, send)
    return dispatch.mismatch, began


def fastapi_under(prefix: str, ran: list[str]) -> FastAPI:
    app = FastAPI()
    app.root_path = (
        prefix  # as ``FastAPI(root_path=)``, which warns where the server's option is to be preferred
    )

    @app.get("/admin/users")
    def users() -> str:
        ran.append("admin")
        return "secret"

    return app


@pytest.mark.parametrize("path", ["/app/admin/users", "/app", "/app/"])
def test_a_prefix_that_the_application_takes_off_itself_is_a_mismatch(path: str) -> None:
    ran: list[str] = []
    mismatch, _ = run(fastapi_under("/app", ran), path)
    assert (mismatch, ran) == (True, [])


@pytest.mark.parametrize("path", ["/admin/users", "/application"])
def test_a_prefix_that_a_proxy_has_taken_off_already_is_none(path: str) -> None:
    ran: list[str] = []
    mismatch, began = run(fastapi_under("/app", ran), path)
    assert not mismatch
    assert began == [200 if path == "/admin/users" else 404]
