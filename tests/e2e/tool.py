"""The tool under test: one of the three applications behind the gate, on a real server."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from e2e.running import Program, free_port, wait_until

APPS = Path(__file__).parent / "apps"
SECRET_KEY = "one-key-of-forty-characters-for-e2e-tests"
CLIENT_ID = "e2e-tool"
CLIENT_SECRET = "a-client-secret-for-e2e-tests-alone"

ASGI = ("uvicorn", "hypercorn", "granian")
WSGI = ("gunicorn", "waitress", "granian-wsgi")


def server_command(server: str, app: str, port: int) -> list[str]:
    """How a server is started with an application, as its documentation says, on loopback."""
    address = f"127.0.0.1:{port}"
    commands = {
        # uvicorn's own access log holds query strings, and so the codes of sign-ins
        "uvicorn": [
            "uvicorn",
            app,
            "--host=127.0.0.1",
            f"--port={port}",
            "--no-proxy-headers",
            "--no-access-log",
        ],
        "hypercorn": ["hypercorn", app, f"--bind={address}"],
        "granian": ["granian", app, "--interface=asgi", "--host=127.0.0.1", f"--port={port}"],
        "granian-wsgi": ["granian", app, "--interface=wsgi", "--host=127.0.0.1", f"--port={port}"],
        "gunicorn": ["gunicorn", app, f"--bind={address}", "--workers=2", "--threads=2"],
        "waitress": ["waitress", f"--listen={address}", app],
    }
    return [sys.executable, "-m", *commands[server]]


@dataclass
class Tool:
    """A running application. ``base_url``: where browsers find it; ``port``: where its server listens."""

    program: Program
    port: int
    base_url: str
    audit_path: Path
    secrets: tuple[str, ...] = field(default=(SECRET_KEY, CLIENT_SECRET), repr=False)

    def url(self, path: str) -> str:
        return self.base_url + path

    @property
    def audit_lines(self) -> list[bytes]:
        """The lines so far. What is being written at this moment may show by halves, and is not one yet."""
        runs = self.program.runs
        lines = self.audit_path.read_bytes().splitlines(keepends=True) if self.audit_path.exists() else []
        return lines[:-1] if runs and lines and not lines[-1].endswith(b"\n") else lines

    def records(self, *kinds: str) -> list[dict[str, Any]]:
        """The audit records of these kinds (of all, where none is named). Every line must be whole."""
        found = []
        for line in self.audit_lines:
            assert line.endswith(b"\n"), f"a line that is not whole: {line!r}"
            record = msgspec.json.decode(line)
            if not kinds or record["kind"] in kinds:
                found.append(record)
        return found

    def record_of(self, path: str, kind: str = "decision", status: int | None = None) -> dict[str, Any]:
        """The newest record about ``path`` (with ``status``), once it is written, which is behind the answer."""

        def about() -> list[dict[str, Any]]:
            told = [record for record in self.records(kind) if record["path"] == path]
            return told if status is None else [record for record in told if record["status"] == status]

        wait_until(lambda: bool(about()), f"a record of kind {kind} about {path}", seconds=10)
        return about()[-1]


def settings_of(base_url: str, issuer: str, audit: Path, policy: str = "policy.yaml") -> dict[str, str]:
    """The variables that guard an application, as a developer sets them."""
    return {
        "IDAWARE_ISSUER": issuer,
        "IDAWARE_CLIENT_ID": CLIENT_ID,
        "IDAWARE_CLIENT_SECRET": CLIENT_SECRET,
        "IDAWARE_SECRET_KEYS": SECRET_KEY,
        "IDAWARE_BASE_URL": base_url,
        "IDAWARE_POLICY_FILE": str(APPS / policy),
        "IDAWARE_AUDIT": f"file:{audit}",
    }


def start_tool(
    framework: str,
    server: str,
    issuer: str,
    directory: Path,
    *,
    port: int | None = None,
    base_url: str | None = None,
    policy: str = "policy.yaml",
    options: tuple[str, ...] = (),
    env: Mapping[str, str] = {},
    name: str = "tool",
    ready: str = "/_idaware/healthz",
) -> Tool:
    """Start ``framework``'s application on ``server`` and wait until it answers.

    ``env``: further variables, which win. ``options``: further arguments of the server.
    """
    port = port or free_port()
    base_url = base_url or f"http://localhost:{port}"
    audit = directory / f"{name}-audit.jsonl"
    protocol = "asgi" if server in ASGI else "wsgi"
    environment = {
        "PYTHONPATH": str(APPS),
        "E2E_PROTOCOL": protocol,
        **settings_of(base_url, issuer, audit, policy),
        **env,
    }
    command = [*server_command(server, f"{framework}_app:app", port), *options]
    program = Program(command, directory / f"{name}.log", env=environment, cwd=directory)
    try:
        program.wait_until_ready(port, ready, accept=(200,))
    except BaseException:
        program.stop()
        raise
    return Tool(program, port, base_url, audit)
