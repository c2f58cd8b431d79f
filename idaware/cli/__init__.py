"""The ``idaware`` command: one file a subcommand, each with ``add_parser`` and ``run``.

Exit status: 0 good, 1 a finding, 2 wrong use.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from idaware import __version__
from idaware.errors import ConfigurationError, IdawareError

COMMANDS = ("demo", "dev_idp", "init", "check", "run", "env")


def parser() -> argparse.ArgumentParser:
    """The whole command line; ``docs/reference/commands.md`` is generated from it."""
    top = argparse.ArgumentParser(
        prog="idaware", description="Identity-aware access for Python web applications."
    )
    top.add_argument("--version", action="version", version=f"idaware {__version__}")
    commands = top.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        importlib.import_module(f"idaware.cli.{name}").add_parser(commands)
    return top


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The arguments of one command. What follows ``--`` after ``run`` is the server's, and not looked at here.

    argparse loses it where an option stands between the application and ``--``.
    """
    argv = list(argv)
    end = argv.index("--") if argv[:1] == ["run"] and "--" in argv else len(argv)
    arguments = parser().parse_args(argv[:end])
    if end < len(argv):
        arguments.server_args = [*arguments.server_args, *argv[end + 1 :]]
    return arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = parse(sys.argv[1:] if argv is None else argv)
    command = importlib.import_module(f"idaware.cli.{arguments.command.replace('-', '_')}")
    try:
        status: int = command.run(arguments)
    except ConfigurationError as exc:
        print(f"{len(exc.problems)} problem(s) in the configuration:", file=sys.stderr)
        for problem in exc.problems:
            print(f"  {problem}", file=sys.stderr)
        return 2
    except IdawareError as exc:
        print(f"idaware: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status
