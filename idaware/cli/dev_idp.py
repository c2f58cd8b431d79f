"""``idaware dev-idp``: the development provider, on its own, on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from idaware.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from idaware.devidp import DevProvider


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to ``idaware``."""
    parser = subparsers.add_parser(
        "dev-idp",
        help="run an OpenID provider for development, on this machine only",
        description="Run an OpenID provider for development: people to pick from, no passwords, faults on "
        "request. It listens on loopback and refuses anything else.",
    )
    parser.add_argument("--host", default="localhost", help="loopback name or address (default: localhost)")
    parser.add_argument("--port", type=int, default=9000, help="port; 0 takes a free one (default: 9000)")
    parser.add_argument("--people", type=Path, metavar="FILE", help="YAML file with people (and clients)")
    parser.add_argument("--client-secret", metavar="SECRET", help="secret of clients that are not registered")
    parser.add_argument("--alg", default="RS256", help="RS256, PS256, ES256 or EdDSA (default: RS256)")
    parser.add_argument("--no-faults", action="store_true", help="do not offer faults")


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted. Raises ``ConfigurationError``: an address off this machine, a bad file."""
    from idaware.devidp import server

    server.require_uvicorn()
    sock = server.bind(args.host, args.port)
    provider = make_provider(args, server.url_of(args.host, sock))
    print(greeting(provider), flush=True)
    server.serve(provider.app, sock)
    return 0


def make_provider(args: argparse.Namespace, issuer: str) -> DevProvider:
    """The provider that the arguments describe."""
    from idaware.devidp import DevProvider, clients, people

    secret = args.client_secret or clients.DEFAULT_SECRET
    text = _read(args.people) if args.people else ""
    return DevProvider(
        people.load(text) if text else people.DEFAULT_PEOPLE,
        issuer=issuer,
        clients=clients.load(text, secret=secret) if text else clients.Clients(secret=secret),
        faults=not args.no_faults,
        signing_alg=args.alg,
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError([Problem(str(path), f"cannot be read: {error}")]) from error


def greeting(provider: DevProvider) -> str:
    """What to do next."""
    lines = [
        f"The development provider runs at {provider.issuer} (this machine only; Ctrl+C stops it).",
        f"People: {', '.join(person.sub for person in provider.people)}",
    ]
    if provider.state.clients.anyone:
        lines += [
            "Any application on this machine can use it:",
            f"  IDAWARE_ISSUER={provider.issuer}",
            "  IDAWARE_CLIENT_ID=my-tool",
            f"  IDAWARE_CLIENT_SECRET={provider.state.clients.secret}",
        ]
    return "\n".join(lines)
