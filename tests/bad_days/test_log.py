"""Where the lines for operators go when nobody configured logging."""

from __future__ import annotations

import http.client
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from bad_days.people import settings_for
from bad_days.ports import free_port
from e2e.running import Program, wait_until

APPLICATION = """
async def asgi(scope, receive, send): ...

def wsgi(environ, start_response): ...
"""


@pytest.mark.parametrize(
    ("server", "kind"),
    [
        ("uvicorn", "asgi"),
        ("hypercorn", "asgi"),
        ("granian", "asgi"),
        ("gunicorn", "wsgi"),
        ("waitress", "wsgi"),
        ("granian", "wsgi"),
    ],
)
def test_what_operators_have_to_know_reaches_the_servers_log(
    server: str, kind: str, tmp_path: Path, closing: ExitStack
) -> None:
    port = free_port()
    settings = settings_for("http://localhost:9", f"http://127.0.0.1:{port}", tmp_path)
    environ = {f"IDAWARE_{name.upper()}": value for name, value in settings.items()}
    (tmp_path / "tool.py").write_text(APPLICATION, encoding="utf-8")
    command = ["-c", "from idaware.cli import main; main()", "run", f"tool:{kind}"]
    program = Program(
        [sys.executable, *command, f"--server={server}", f"--port={port}"],
        tmp_path / "server.log",
        env=environ,
        cwd=tmp_path,
    )
    closing.callback(program.stop)
    program.wait_until_ready(port, "/_idaware/healthz", accept=(200,))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    closing.callback(connection.close)
    connection.request("GET", "/x", headers={"Accept": "text/html"})
    answer = connection.getresponse()
    assert answer.status == 503
    ends = f" localhost:9 cannot be reached: Connection refused (request {answer.headers['X-Request-ID']})"
    wait_until(lambda: ends in program.log, f"the line of the request:\n{program.log}")
    assert "nobody can sign in:" in program.log


def test_the_line_about_rotated_secrets_is_for_whoever_asks_for_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Python's handler of last resort shows warnings and above; the how-to page says how to see the rest."""
    import logging

    assert logging.lastResort is not None
    assert logging.lastResort.level == logging.WARNING
