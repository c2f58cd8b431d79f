"""``idaware env``: the reference of all settings, out of the code, so that it cannot drift."""

from __future__ import annotations

import argparse
import json

from idaware.settings import reference


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line; ``args.run`` carries it out."""
    parser = subparsers.add_parser(
        "env",
        help="print every setting: its variable, default and meaning",
        description="Print the reference of all settings as Markdown. Nothing of the environment is read.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON array, an object a setting")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the reference; the exit status is 0."""
    if args.json:
        print(json.dumps(reference.as_data(), indent=2, ensure_ascii=False))
    else:
        print(reference.markdown(), end="")
    return 0
