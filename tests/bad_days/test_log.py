"""Where the lines for operators go when nobody configured logging."""

from __future__ import annotations

import http.client
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from bad_days.people import SECRET_KEY, settings_for
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


ROTATION = """
import sys
from pathlib import Path
from idaware.assembly import build_runtime

if sys.argv[1] == "configured":
    import logging
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
runtime = build_runtime(object(), {})
for text in ("another-key-of-forty-characters-for-days", "short"):
    Path("keys").write_text(text)
    runtime.reread_secrets()
"""
ROTATED = "INFO idaware: secrets were rotated\n"


@pytest.mark.parametrize("logging", ["not configured", "configured"])
def test_a_rotation_is_told_to_whoever_configures_logging_and_a_bad_one_to_everybody(
    logging: str, tmp_path: Path
) -> None:
    (tmp_path / "keys").write_text(SECRET_KEY, encoding="utf-8")
    settings = settings_for("http://localhost:9", "http://127.0.0.1:8000", tmp_path)
    settings |= {"secret_keys_file": str(tmp_path / "keys")}
    del settings["secret_keys"]
    program = Program(
        [sys.executable, "-c", ROTATION, logging.split()[0]],
        tmp_path / "log",
        env={f"IDAWARE_{name.upper()}": value for name, value in settings.items()},
        cwd=tmp_path,
    )
    wait_until(lambda: not program.runs, "the end of the program")
    assert (ROTATED in program.log) == (logging == "configured")
    (refused,) = [line for line in program.log.splitlines() if "not taken up" in line]
    page = (Path(__file__).parents[2] / "docs/how-to/rotate-keys.md").read_text(encoding="utf-8")
    assert (
        refused.removeprefix("ERROR idaware: ").replace(str(tmp_path / "keys"), "/run/secrets/idaware")
        in page
    )
