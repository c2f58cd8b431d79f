"""WebSockets on real servers: from the browser with its ``Origin``, and handshakes written by hand without one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection

import pytest

from e2e.chromium import Visitor
from e2e.providers import SignsPeopleIn
from e2e.running import free_port
from e2e.tool import ASGI, Tool

HANDSHAKE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def handshake(tool: Tool, path: str, **headers: str) -> tuple[int, str | None]:
    """Status and content type of the answer to a handshake; ``headers`` beside the usual ones."""
    connection = HTTPConnection("127.0.0.1", tool.port, timeout=5)
    given = {"Host": f"localhost:{tool.port}", **HANDSHAKE, **{k: v for k, v in headers.items() if v}}
    with closing(connection):
        connection.request("GET", path, headers=given)
        answer = connection.getresponse()
        return answer.status, answer.getheader("content-type")


@pytest.mark.parametrize("server", ASGI)
def test_a_socket_opens_for_the_page_of_a_signed_in_person_and_for_nobody_else(
    server: str,
    provider_at: Callable[..., SignsPeopleIn],
    tool_at: Callable[..., Tool],
    visitor: Callable[..., Visitor],
) -> None:
    port = free_port()
    provider = provider_at("development", f"http://localhost:{port}")
    tool = tool_at("fastapi", server, provider.issuer, port=port)
    alice, origin = visitor(), tool.base_url

    assert handshake(tool, "/ws", Origin=origin) == (401, "application/problem+json")
    assert tool.record_of("/ws")["reason"] == "no_identity"

    alice.go(tool.url("/live"))
    provider.sign_in(alice.page, "alice")
    alice.page.wait_for_function("document.getElementById('heard')?.textContent")
    assert alice.page.inner_text("#heard") == "hello alice@corp.example"
    alice.saw("live")
    record = tool.record_of("/ws", status=101)
    assert (record["method"], record["protocol"]) == ("WEBSOCKET", "websocket")

    cookie = "; ".join(f"{name}={one['value']}" for name, one in alice.cookies(origin).items())
    assert handshake(tool, "/ws", Cookie=cookie, Origin=origin)[0] == 101
    for foreign in ("http://evil.example", f"http://127.0.0.1:{port}", "null", ""):
        assert handshake(tool, "/ws", Cookie=cookie, Origin=foreign)[0] == 403, foreign
    assert handshake(tool, "/admin/ws", Cookie=cookie, Origin=origin)[0] == 403, "no rule opens it"
    assert tool.record_of("/admin/ws")["reason"] == "no_rule"
    refused = [record for record in tool.records("decision") if record["reason"] == "origin_refused"]
    assert [record["path"] for record in refused] == ["/ws"] * 4
