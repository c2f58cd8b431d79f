"""Print ``docs/reference/commands.md`` from the command line's own parser, so that it cannot drift.

python .ci/commands.py > docs/reference/commands.md
"""

import argparse

from idaware.cli import parser

HEAD = """\
# Commands

<!-- Printed by .ci/commands.py from idaware.cli.parser(); change it there. -->

Exit status: 0 good, 1 a finding, 2 wrong use (also: a configuration that is wrong). `python -m idaware` is the same as
`idaware`. Every command takes `--help`; `idaware --version` prints the release.

`--env-file` reads `NAME=value` lines as a shell does (quotes, comments, an optional `export`; nothing is expanded).
What is in the environment already beats the file.
"""


def markdown() -> str:
    """The page."""
    return HEAD + "".join(_section(name, command) for name, command in _commands(parser()).items())


def _commands(top: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    [subparsers] = (action for action in top._actions if isinstance(action, argparse._SubParsersAction))
    return dict(subparsers.choices)


def _section(name: str, command: argparse.ArgumentParser) -> str:
    actions = sorted((a for a in command._actions if a.dest != "help"), key=lambda a: a.nargs == "*")
    words = " ".join(["idaware", name, *(word for action in actions if (word := _usage(action)))])
    rows = "".join(f"| {_called(action)} | {_meaning(action)} |\n" for action in actions)
    table = f"\n| argument | meaning |\n|---|---|\n{rows}" if rows else ""
    return f"\n## idaware {name}\n\n{command.description}\n\n```text\n{words}\n```\n{table}"


def _usage(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"[-- {action.metavar}...]" if action.nargs == "*" else str(action.metavar)
    return f"[{_spelling(action)}]"


def _spelling(action: argparse.Action) -> str:
    [option] = action.option_strings
    if action.nargs == 0:
        return option
    value = action.metavar or ("|".join(action.choices) if action.choices else action.dest.upper())
    return f"{option} {value}"


def _called(action: argparse.Action) -> str:
    text = _spelling(action) if action.option_strings else str(action.metavar)
    return f"`{text}`".replace("|", "\\|")


def _meaning(action: argparse.Action) -> str:
    text = action.help or "which one to use"
    if action.nargs != 0 and action.option_strings and action.default and "default" not in text:
        text += f" (default: {action.default})"
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(markdown(), end="")
