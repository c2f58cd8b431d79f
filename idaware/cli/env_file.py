"""``--env-file``: ``NAME=value`` lines for commands, so that they see what the application will see."""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path

from idaware.errors import ConfigurationError, Problem


def add_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--env-file`` to a command."""
    parser.add_argument(
        "--env-file",
        type=Path,
        metavar="FILE",
        help="read NAME=value lines; the environment itself beats them",
    )


def environment(path: Path | None) -> dict[str, str]:
    """The environment, with what ``path`` adds to it. Raises ``ConfigurationError`` with every bad line."""
    return {**(read(path) if path is not None else {}), **os.environ}


def read(path: Path) -> dict[str, str]:
    """The variables of a file as a shell reads it: quotes, comments, an optional ``export``; nothing is expanded."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError([Problem(str(path), f"cannot be read: {exc}")]) from exc
    values: dict[str, str] = {}
    problems: list[Problem] = []
    for number, line in enumerate(lines, 1):
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            words = ["?"]
        words = words[1:] if words[:1] == ["export"] else words
        for word in words:
            name, equals, value = word.partition("=")
            if equals and name.isidentifier():
                values[name] = value
            else:  # the line may hold a secret: only its number is named
                problems.append(
                    Problem(f"{path}:{number}", "expected NAME=value, quoted where the value has blanks")
                )
                break
    if problems:
        raise ConfigurationError(problems)
    return values
