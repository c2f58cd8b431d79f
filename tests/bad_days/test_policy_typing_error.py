"""A policy with typing errors, under the servers that people run."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bad_days.people import settings_for
from bad_days.ports import free_port
from e2e.running import Program, wait_until
from idaware.cli import main

Quoted = Callable[[str], None]

POLICY = """\
version: 1
rules:
  - id: read
    paths: [/**]
    allow: {group: [sre]}
  - id: health
    path: [/healthz]
    allow: publik
"""
ASGI = """\
from idaware.asgi import IdentityMiddleware

async def plain(scope, receive, send): ...

app = IdentityMiddleware(plain)
"""
WSGI = """\
from idaware.wsgi import IdentityMiddleware

def plain(environ, start_response): ...

app = IdentityMiddleware(plain)
"""
PROBLEMS = (
    "policy.yaml:5:13: rules[0].allow.group: unknown key 'group'; did you mean 'groups'?",
    "policy.yaml:6:5: rules[1]: 'paths' is missing",
    "policy.yaml:7:5: rules[1].path: unknown key 'path'; did you mean 'paths'?",
    "policy.yaml:8:12: rules[1].allow: expected one of public, signed_in, found 'publik'; did you mean 'public'?",
)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    (tmp_path / "asgi_tool.py").write_text(ASGI, encoding="utf-8")
    (tmp_path / "wsgi_tool.py").write_text(WSGI, encoding="utf-8")
    settings = settings_for("http://localhost:9", "http://127.0.0.1:8000", tmp_path)
    return {f"IDAWARE_{name.upper()}": value for name, value in settings.items()}


@pytest.fixture
def started(environ: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., Program]]:
    with ExitStack() as stack:

        def start(*command: str) -> Program:
            program = Program(
                [sys.executable, "-m", *command],
                tmp_path / "server.log",
                env={**environ, "PYTHONPATH": str(tmp_path)},
                cwd=tmp_path,
            )
            stack.callback(program.stop)
            return program

        yield start


@pytest.mark.parametrize(
    "command",
    [
        ("uvicorn", "asgi_tool:app", "--port={port}"),
        ("hypercorn", "asgi_tool:app", "--bind=127.0.0.1:{port}"),
        ("gunicorn", "wsgi_tool:app", "--bind=127.0.0.1:{port}"),
        ("waitress", "--listen=127.0.0.1:{port}", "wsgi_tool:app"),
    ],
    ids=lambda command: command[0],
)
def test_no_server_serves_anything_and_each_says_every_error(
    command: tuple[str, ...], started: Callable[..., Program]
) -> None:
    port = free_port()
    program = started(*(part.format(port=port) for part in command))
    wait_until(lambda: all(problem in program.log for problem in PROBLEMS), f"every error:\n{program.log}")
    if command[0] != "hypercorn":  # its parent process tries again, for ever
        wait_until(lambda: not program.runs, "the end of the server")


def test_the_commands_say_every_error(
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    quoted: Quoted,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert main(["check", "--offline"]) == 1
    checked = capsys.readouterr().out
    assert main(["run", "asgi_tool:app"]) == 2
    told = capsys.readouterr().err
    for problem in PROBLEMS:
        assert problem in checked
        assert problem in told
        quoted(str(tmp_path / problem))
    assert len(re.findall("^ERROR", checked, re.MULTILINE)) == len(PROBLEMS)
