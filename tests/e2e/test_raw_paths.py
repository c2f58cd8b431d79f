"""Hostile targets, byte for byte, over real sockets: no anonymous caller gets a protected handler's answer.

The corpus of paths against each pair of server and framework. What the servers make of a target (decode it, cut it,
refuse it, route it) is theirs; what must hold is the same everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from e2e.apps.content import PROTECTED
from e2e.running import exchange, status_of
from e2e.tool import ASGI, WSGI, Tool

CORPUS = Path(__file__).parent.parent / "corpora" / "path_confusion.jsonl"
CASES = [json.loads(line) for line in CORPUS.read_bytes().splitlines()]
NO_PROVIDER = "http://127.0.0.1:9"
PAIRS = [
    *(("fastapi", server) for server in ASGI),
    *(("django", server) for server in ASGI + WSGI),
    *(("flask", server) for server in WSGI),
]
_ANSWER_SECONDS = 2.0


def raw_request(case: dict[str, Any], port: int, *, target: str | None = None) -> bytes:
    """The case as bytes on the wire: HTTP/1.1, whatever its target is."""
    headers = [(name, value) for name, value in case["headers"]]
    if not any(name.lower() == "host" for name, _ in headers):
        headers.insert(0, ("Host", f"localhost:{port}"))
    if case["kind"] == "websocket":
        headers += [("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Origin", f"http://localhost:{port}")]
    else:
        headers.append(("Connection", "close"))
    lines = [f"{case['method']} {case['target'] if target is None else target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def answers(tool: Tool, requests: dict[str, bytes]) -> dict[str, bytes]:
    """Many at once: some servers wait for more after what they take for half a request."""
    with ThreadPoolExecutor(16) as pool:
        came_back = pool.map(lambda raw: exchange(tool.port, raw, seconds=_ANSWER_SECONDS), requests.values())
        return dict(zip(requests, came_back, strict=True))


def let_in(found: dict[str, bytes]) -> list[str]:
    """The cases whose answer came from a protected handler."""
    return [name for name, answer in found.items() if PROTECTED.encode() in answer or b" 101 " in answer[:20]]


@pytest.mark.parametrize(("framework", "server"), PAIRS)
def test_no_hostile_target_reaches_a_protected_handler(
    framework: str, server: str, tool_at: Callable[..., Tool]
) -> None:
    tool = tool_at(framework, server, NO_PROVIDER, policy="paths.yaml")
    found = answers(tool, {case["id"]: raw_request(case, tool.port) for case in CASES})
    assert let_in(found) == []
    served = [case["id"] for case in CASES if case["must"] == "served normally"]
    assert [name for name in served if b" 200 " not in found[name][:20]] == [], "what is public is served"
    assert status_of(tool.port, "/_idaware/healthz") == 200, "and the server is none the worse for it"


@pytest.mark.parametrize(
    ("framework", "server", "option", "ready"),
    [
        (
            "fastapi",
            "uvicorn",
            "--root-path=/app",
            "/_idaware/healthz",
        ),  # it puts the prefix before every path
        ("django", "hypercorn", "--root-path=/app", "/app/_idaware/healthz"),
        ("fastapi", "granian", "--url-path-prefix=/app", "/app/_idaware/healthz"),
        ("django", "granian-wsgi", "--url-path-prefix=/app", "/app/_idaware/healthz"),
    ],
)
def test_no_hostile_target_gets_past_a_prefix_of_the_server(
    framework: str, server: str, option: str, ready: str, tool_at: Callable[..., Tool]
) -> None:
    """Each target as it is and below the prefix; what the server takes off, and whether, is told to the gate."""
    tool = tool_at(
        framework,
        server,
        NO_PROVIDER,
        policy="paths.yaml",
        options=(option,),
        env={"IDAWARE_ROOT_PATH": "/app"},
        ready=ready,
    )
    requests = {
        f"{case['id']} {prefix}": raw_request(case, tool.port, target=prefix + case["target"])
        for case in CASES
        for prefix in ("", "/app", "/app%2f", "/APP")
    }
    assert let_in(answers(tool, requests)) == []


def test_a_prefix_in_a_header_is_no_way_round_the_policy(tool_at: Callable[..., Tool]) -> None:
    """gunicorn takes SCRIPT_NAME from a header of its peers (security rule 3)."""
    tool = tool_at("flask", "gunicorn", NO_PROVIDER, policy="paths.yaml")
    requests = {
        f"{name}={value} {path}": (
            f"GET {path} HTTP/1.1\r\nHost: localhost:{tool.port}\r\n{name}: {value}\r\nConnection: close\r\n\r\n"
        ).encode()
        for name in ("SCRIPT_NAME", "SCRIPT-NAME", "PATH_INFO", "X-Script-Name")
        for value in ("/open", "/", "/nomatch")
        for path in ("/open/admin/users", "/admin/users", "/open/x")
    }
    assert let_in(answers(tool, requests)) == []


@pytest.mark.parametrize(
    ("framework", "server"), [("fastapi", "uvicorn"), ("django", "hypercorn"), ("flask", "gunicorn")]
)
def test_without_decisions_the_same_targets_do_reach_them(
    framework: str, server: str, tool_at: Callable[..., Tool]
) -> None:
    """The control: it is the gate that keeps strangers out of these handlers, and nothing else."""
    tool = tool_at(framework, server, NO_PROVIDER, policy="paths.yaml", env={"IDAWARE_MODE": "off"})
    reached = let_in(answers(tool, {case["id"]: raw_request(case, tool.port) for case in CASES}))
    assert len(reached) > 10
    assert "PC-005" in reached, "the plain path of a protected handler"
