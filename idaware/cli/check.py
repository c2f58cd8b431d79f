"""``idaware check``: is this deployment going to work? Each finding says what was seen and what to do."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence

from idaware.cli import env_file, findings
from idaware.cli.findings import Finding

_MARKS = {"ok": "ok     ", "note": "note   ", "warning": "WARNING", "error": "ERROR  "}
_COLOURS = {"ok": "32", "note": "36", "warning": "33", "error": "31"}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to ``idaware``."""
    parser = subparsers.add_parser(
        "check",
        help="check settings, policy, provider, keys, clock and audit sinks",
        description="Check the whole deployment. Exit status 0: good; 1: there are warnings or errors.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON array, an object a finding")
    parser.add_argument("--offline", action="store_true", help="do not ask the provider")
    parser.add_argument(
        "--app", metavar="MODULE:APP", help="also look at what stands outside the gate in this application"
    )
    env_file.add_option(parser)


def run(args: argparse.Namespace) -> int:
    """Print every finding; 1 when one of them is a warning or an error."""
    environ = env_file.environment(args.env_file)
    found = list(
        findings.all_findings(
            environ, now=time.time(), offline=args.offline, app=args.app or environ.get("IDAWARE_APP")
        )
    )
    print(as_json(found) if args.json else as_text(found, colour=sys.stdout.isatty()))
    return 1 if any(finding.level in ("warning", "error") for finding in found) else 0


def as_json(found: Sequence[Finding]) -> str:
    """For programs."""
    return json.dumps(
        [{"area": f.area, "level": f.level, "message": f.message, "todo": f.todo} for f in found], indent=2
    )


def as_text(found: Sequence[Finding], *, colour: bool) -> str:
    """For people: one line a finding, and what to do below it."""
    lines = []
    for finding in found:
        mark = _MARKS[finding.level]
        mark = f"\x1b[{_COLOURS[finding.level]}m{mark}\x1b[0m" if colour else mark
        lines.append(f"{mark} {finding.area}: {finding.message}")
        if finding.todo:
            lines.append(f"        → {finding.todo}")
    wrong = sum(finding.level in ("warning", "error") for finding in found)
    lines.append(
        f"{len(found)} findings, {wrong} to look at." if wrong else f"{len(found)} findings, all is well."
    )
    return "\n".join(lines)
