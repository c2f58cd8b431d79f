"""``idaware demo``: see it work, in a browser and in the terminal, on this machine."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, NoReturn

from idaware.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from idaware.demo.feed import AuditRecord
    from idaware.demo.hosting import Demo


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to ``idaware``."""
    parser = subparsers.add_parser(
        "demo",
        help="a sample tool, a policy and a provider on this machine: sign in as anybody, watch every decision",
        description="Start a sample tool behind the gate and a provider to sign in at, open the browser, and show "
        "every decision as it is made. With --app, your own application takes the sample tool's place. Nothing is "
        "reachable from another machine.",
    )
    parser.add_argument(
        "--port", type=int, default=8000, help="the tool's port; 0 takes a free one (default: 8000)"
    )
    parser.add_argument("--provider-port", type=int, default=9000, help="the provider's port (default: 9000)")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    parser.add_argument(
        "--app", metavar="MODULE:APP", help="your own ASGI or WSGI application instead of the sample"
    )
    parser.add_argument("--policy", type=Path, metavar="FILE", help="the policy for --app")
    parser.add_argument("--people", type=Path, metavar="FILE", help="YAML file with people, for --app")


def run(args: argparse.Namespace) -> int:
    """Run until Ctrl+C. Raises ``ConfigurationError``: a port that is taken, no uvicorn, an app that does not fit."""
    from idaware.demo.hosting import keep_loopback_direct

    keep_loopback_direct(os.environ)
    with interrupted_once(), start(args) as demo:
        records: SimpleQueue[AuditRecord | None] = SimpleQueue()
        demo.feed.watch(records.put)
        try:
            print(greeting(demo, sample=args.app is None), flush=True)
            if not args.no_browser and has_browser(os.environ):
                webbrowser.open(demo.url)
            show(records, colour=sys.stdout.isatty() and "NO_COLOR" not in os.environ)
        except BrokenPipeError:  # whoever read our lines has gone; nothing may be written at the exit either
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except KeyboardInterrupt:
            print("\nStopping.", flush=True)
    return 0


@contextmanager
def interrupted_once() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl+C does, and a second one of either does not disturb the end."""

    def interrupt(*_: object) -> NoReturn:
        for one in before:
            signal.signal(one, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    for one in before:
        signal.signal(one, interrupt)
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def start(args: argparse.Namespace) -> Demo:
    """The demo that the arguments describe."""
    from idaware.demo import hosting

    if args.app is None:
        if args.policy or args.people:
            raise ConfigurationError(
                [Problem("--app", "is missing: --policy and --people are for your own application")]
            )
        return hosting.start(port=args.port, provider_port=args.provider_port)
    from idaware.demo import own_app
    from idaware.devidp import DEFAULT_PEOPLE, people

    return own_app.start(
        args.app,
        policy=args.policy,
        people=people.load(_read(args.people)) if args.people else DEFAULT_PEOPLE,
        environ=os.environ,
        port=args.port,
        provider_port=args.provider_port,
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([Problem(str(path), f"cannot be read: {error}")]) from error


def has_browser(environ: Mapping[str, str]) -> bool:
    """Whether there is a browser in a window of its own; one that takes over the terminal does not count."""
    if environ.get("BROWSER"):
        return True
    if sys.platform in ("darwin", "win32"):
        return "SSH_CONNECTION" not in environ
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def greeting(demo: Demo, *, sample: bool) -> str:
    """Where everything is, and what to try."""
    from idaware.demo import terminal, tour

    lines = [
        f"Open       {demo.url}",
        f"Provider   {demo.provider.issuer} (people to pick from; nobody has a password)",
        f"Records    {demo.records_url} (and below, as they are made)",
        *demo.notes,
        "",
    ]
    if sample:
        lines += ["What to try:", *tour.as_text(demo.url), ""]
    lines += ["Only this machine can reach it. Ctrl+C stops it.", "", terminal.heading()]
    return "\n".join(lines)


def show(records: SimpleQueue[AuditRecord | None], *, colour: bool) -> None:
    """Print each record as it comes, until there are no more."""
    from idaware.demo import terminal

    while (record := records.get()) is not None:
        print(terminal.line(record, colour=colour), flush=True)
