"""``idaware run``: guard an application that nobody may edit, under the server that is installed."""

from __future__ import annotations

import argparse
import importlib.util
import inspect
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias

from idaware.assembly import load_application, policy_for
from idaware.cli import env_file
from idaware.errors import ConfigurationError, Problem
from idaware.settings import Settings

Interface: TypeAlias = Literal["asgi", "wsgi"]
CommandLine: TypeAlias = Callable[[str, str, int], list[str]]

SERVERS: dict[Interface, dict[str, CommandLine]] = {
    "asgi": {
        "uvicorn": lambda app, host, port: ["uvicorn", app, "--host", host, "--port", str(port)],
        # It evaluates the name in the module's dictionary, where a module's __getattr__ is not asked.
        "hypercorn": lambda app, host, port: [
            "hypercorn", app.replace(":app", ":__getattr__('app')"), "--bind", f"{host}:{port}",
        ],
        "granian": lambda app, host, port: [
            "granian", "--interface", "asgi", "--host", host, "--port", str(port), app,
        ],
    },
    "wsgi": {
        "gunicorn": lambda app, host, port: ["gunicorn", app, "--bind", f"{host}:{port}"],
        "waitress": lambda app, host, port: ["waitress-serve", f"--listen={host}:{port}", app],
        "granian": lambda app, host, port: [
            "granian", "--interface", "wsgi", "--host", host, "--port", str(port), app,
        ],
    },
}  # fmt: skip


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to ``idaware``."""
    parser = subparsers.add_parser(
        "run",
        help="guard an application without touching it, and serve it",
        description="Guard MODULE:APP and serve it with the first server that is installed (ASGI: uvicorn, hypercorn, "
        "granian; WSGI: gunicorn, waitress, granian). What follows -- goes to the server.",
    )
    parser.add_argument("app", metavar="MODULE:APP", help="the application, such as billing.web:app")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (default: 8000)")
    parser.add_argument("--server", choices=sorted({s for kind in SERVERS.values() for s in kind}))
    parser.add_argument(
        "server_args", nargs="*", metavar="ARG", help="further arguments for the server, after --"
    )
    env_file.add_option(parser)


def run(args: argparse.Namespace) -> int:
    """Check the configuration, then become the server. Raises ``ConfigurationError`` with every problem."""
    environ = env_file.environment(args.env_file)
    environ["IDAWARE_APP"] = args.app
    settings = Settings.from_env({k: v for k, v in environ.items() if k.startswith("IDAWARE_")})
    policy_for(settings, now=time.time())
    interface = interface_of(load_application(args.app, "MODULE:APP"))
    command = command_line(interface, args.server, args.host, args.port)
    sys.stdout.flush()
    os.execvpe(command[0], [*command, *args.server_args], environ)  # noqa: S606 - the operator's own server


def interface_of(app: object) -> Interface:
    """Whether ``app`` speaks ASGI (a coroutine function of three) or WSGI. Raises ``ConfigurationError``."""
    if not callable(app):
        raise ConfigurationError(
            [Problem("MODULE:APP", f"is a {type(app).__name__}, which cannot be called")]
        )
    target: Any = app
    call = target if inspect.isroutine(target) else type(target).__call__
    return "asgi" if inspect.iscoroutinefunction(call) else "wsgi"


def command_line(interface: Interface, server: str | None, host: str, port: int) -> list[str]:
    """The server's command. Raises ``ConfigurationError`` when it is not installed or speaks the other interface."""
    known = SERVERS[interface]
    if server is not None and server not in known:
        raise ConfigurationError([
            Problem("--server", f"{server} does not serve {interface.upper()}; expected one of {', '.join(known)}")
        ])  # fmt: skip
    for name in [server] if server is not None else known:
        if importlib.util.find_spec(name) is None:
            continue
        command = known[name](f"idaware.{interface}:app", host, port)
        beside = Path(sys.executable).with_name(command[0])
        return [str(beside) if beside.exists() else shutil.which(command[0]) or command[0], *command[1:]]
    wanted = server or " or ".join(known)
    raise ConfigurationError([
        Problem("--server", f"no server for {interface.upper()} is installed; install {wanted}")
    ])  # fmt: skip
