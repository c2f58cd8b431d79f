"""``idaware init``: a ``.env`` with fresh secrets and a first policy, which pass ``idaware check``."""

from __future__ import annotations

import argparse
import os
import secrets
import shlex
from pathlib import Path

from idaware.assembly import policy_for
from idaware.errors import ConfigurationError, Problem
from idaware.settings import Settings

POLICY = """\
# Who may reach what, in terms of identities. Reference: docs/reference/policy.md
version: 1
app: {app}
rules:
  - id: health
    paths: [/healthz]
    methods: [GET, HEAD]
    allow: public
  - id: read
    paths: [/**]
    methods: [GET, HEAD]
    allow: {{groups: {groups}}}
  - id: change
    paths: [/**]
    methods: [POST, PUT, PATCH, DELETE, WEBSOCKET]
    allow: {{groups: {groups}}}
    reason: Changing things is for the groups that this rule names.
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to ``idaware``."""
    parser = subparsers.add_parser(
        "init",
        help="write .env with fresh secrets and a first policy.yaml",
        description="Write .env with fresh secrets and a first policy.yaml. Without options they fit the development "
        "provider (idaware dev-idp).",
    )
    parser.add_argument(
        "--issuer", default="http://localhost:9000", help="the provider's issuer, byte for byte"
    )
    parser.add_argument("--client-id", default="my-tool", help="the client id that the provider gave")
    parser.add_argument(
        "--client-secret",
        metavar="SECRET",
        help="the client secret; leave it out and edit .env to keep it out of the shell history",
    )
    parser.add_argument(
        "--base-url", default="http://localhost:8000", help="where people find the application"
    )
    parser.add_argument(
        "--group", action="append", metavar="NAME", help="who may come in; repeatable (default: sre)"
    )
    parser.add_argument("--directory", type=Path, default=Path(), help="where to write (default: here)")
    parser.add_argument("--force", action="store_true", help="overwrite files that are there")


def run(args: argparse.Namespace) -> int:
    """Write both files, or none. Raises ``ConfigurationError`` where one is there, or an argument does not fit."""
    env_path, policy_path = args.directory / ".env", args.directory / "policy.yaml"
    there = [path for path in (env_path, policy_path) if path.exists()]
    if there and not args.force:
        raise ConfigurationError(
            [Problem(str(path), "is there already; --force overwrites it") for path in there]
        )
    values = variables(args, policy_path)
    policy = POLICY.format(
        app=args.client_id, groups="[" + ", ".join(_quoted(g) for g in args.group or ["sre"]) + "]"
    )
    settings = Settings.from_env(values)
    args.directory.mkdir(parents=True, exist_ok=True)
    _write(policy_path, policy, 0o644)
    policy_for(settings, now=0.0)
    _write(env_path, _env_text(values), 0o600)
    print(_next_steps(env_path, policy_path, settings))
    return 0


def variables(args: argparse.Namespace, policy_path: Path) -> dict[str, str]:
    """The settings to write; the session keys are fresh."""
    return {
        "IDAWARE_ISSUER": args.issuer,
        "IDAWARE_CLIENT_ID": args.client_id,
        "IDAWARE_CLIENT_SECRET": args.client_secret or "dev-secret",
        "IDAWARE_SECRET_KEYS": secrets.token_urlsafe(48),
        "IDAWARE_BASE_URL": args.base_url,
        "IDAWARE_POLICY_FILE": str(policy_path),
    }


def _env_text(values: dict[str, str]) -> str:
    lines = ["# Settings of idaware. Keep this file out of version control: it holds secrets."]
    return "\n".join([*lines, *(f"{name}={shlex.quote(value)}" for name, value in values.items())]) + "\n"


def _quoted(group: str) -> str:
    """A YAML double-quoted scalar."""
    escaped = group.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _write(path: Path, text: str, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with open(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, mode)
        file.write(text)


def _next_steps(env_path: Path, policy_path: Path, settings: Settings) -> str:
    return "\n".join([
        f"Wrote {env_path} (readable by you alone) and {policy_path}.",
        "Next:",
        f"  1. Register this redirect URI at the provider: {settings.redirect_uri}",
        f"  2. idaware check --env-file {env_path}",
        f"  3. idaware run yourmodule:app --env-file {env_path}",
    ])  # fmt: skip
