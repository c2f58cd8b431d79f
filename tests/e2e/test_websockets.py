"""WebSockets on real servers: from the browser with its ``Origin``, and handshakes written by hand without one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from e2e.chromium import Visitor
from e2e.providers import SignsPeopleIn
from e2e.running import exchange, free_port
from e2e.tool import ASGI, Tool

HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
)


def handshake(tool: Tool, path: str, **headers: str) -> bytes:
    """The first bytes that answer a handshake; ``headers`` beside the usual ones."""
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value)
    return exchange(tool.port, HANDSHAKE.format(path=path, port=tool.port, more=more).encode(), seconds=2)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


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

    anonymous = handshake(tool, "/ws", Origin=origin)
    assert status(anonymous) == 401
    assert b"application/problem+json" in anonymous
    assert tool.record_of("/ws")["reason"] == "no_identity"

    alice.go(tool.url("/live"))
    provider.sign_in(alice.page, "alice")
    alice.page.wait_for_function("document.getElementById('heard').textContent")
    assert alice.page.inner_text("#heard") == "hello alice@corp.example"
    alice.saw("live")
    record = tool.record_of("/ws")
    assert (record["method"], record["protocol"], record["status"]) == ("WEBSOCKET", "websocket", 101)

    cookie = "; ".join(f"{name}={one['value']}" for name, one in alice.cookies(origin).items())
    assert status(handshake(tool, "/ws", Cookie=cookie, Origin=origin)) == 101
    for foreign in ("http://evil.example", f"http://127.0.0.1:{port}", "null", ""):
        assert status(handshake(tool, "/ws", Cookie=cookie, Origin=foreign)) == 403, foreign
    assert status(handshake(tool, "/admin/ws", Cookie=cookie, Origin=origin)) == 403, "no rule opens it"
    assert tool.record_of("/admin/ws")["reason"] == "no_rule"
    refused = [record for record in tool.records("decision") if record["reason"] == "origin_refused"]
    assert [record["path"] for record in refused] == ["/ws"] * 4
