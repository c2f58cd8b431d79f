"""What a bad day is tried with, and the page that has to say what is seen then."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bad_days.people import Person, Tool, start_tool
from idaware.cli.findings import all_findings
from idaware.devidp import DevProvider
from idaware.devidp.server import start_provider

_TEXT = (Path(__file__).parents[2] / "docs/how-to/bad-days.md").read_text(encoding="utf-8")
PAGE = " ".join(re.sub("^>", "", _TEXT, flags=re.MULTILINE).split())

_SPELLINGS = (
    (r"(?:localhost|127\.0\.0\.1):\d+", "login.corp.example"),
    (r"\(request [0-9a-f]{16}\)", "(request 5d2f8a91c3e07b64)"),
    (r"/\S*/audit\.jsonl", "/var/log/billing/audit.jsonl"),
    (r"/\S*/policy\.yaml", "/etc/billing/policy.yaml"),
    (r"differ by about \d+ s", "differ by about 600 s"),
    (r"is \d+ s (ahead|behind)", r"is 600 s \1"),
    (r"\d+ s in the future", "600 s in the future"),
    (r"expired \d+ s ago", "expired 300 s ago"),
)


def as_documented(text: str) -> str:
    """``text`` with the names and numbers that the how-to page uses in place of those of this run."""
    for pattern, spelling in _SPELLINGS:
        text = re.sub(pattern, spelling, text)
    return text


def assert_on_the_page(text: str) -> None:
    """The how-to page quotes this, word for word."""
    wanted = " ".join(as_documented(text).split())
    assert wanted in PAGE, f"docs/how-to/bad-days.md does not say: {wanted}"


@pytest.fixture
def quoted() -> Callable[[str], None]:
    return assert_on_the_page


@pytest.fixture(scope="session")
def running() -> Iterator[DevProvider]:
    provider, server = start_provider(lambda issuer: DevProvider(issuer=issuer, signing_alg="ES256"))
    with server:
        yield provider


@pytest.fixture
def provider(running: DevProvider) -> Iterator[DevProvider]:
    """A provider that signs every browser in as Alice."""
    running.auto_sign_in("alice")
    yield running
    running.faults.clear()


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def tool_at(closing: ExitStack, tmp_path: Path) -> Callable[..., Tool]:
    """Starts the tool: ``tool_at(issuer, session_idle="10m")``."""

    def start(issuer: str, **options: Any) -> Tool:
        tool = start_tool(issuer, tmp_path, **options)
        closing.callback(tool.server.stop)
        return tool

    return start


@pytest.fixture
def newcomer(closing: ExitStack) -> Callable[..., Person]:
    """Makes people with browsers of their own."""

    def make(**options: Any) -> Person:
        person = Person(**options)
        closing.callback(person.http.close)
        return person

    return make


@pytest.fixture
def alice(newcomer: Callable[..., Person]) -> Person:
    return newcomer()


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What operators read: the lines of idaware so far."""
    caplog.set_level(logging.INFO, "idaware")
    return lambda: [line.getMessage() for line in caplog.records if line.name.startswith("idaware")]


@pytest.fixture
def check() -> Callable[[Tool], list[str]]:
    """``idaware check``: what it wants looked at, as the command prints it."""

    def run(tool: Tool) -> list[str]:
        found = all_findings(tool.environ, now=time.time(), offline=False, app=None)
        bad = [finding for finding in found if finding.level in ("warning", "error")]
        return [f"{finding.area}: {finding.message} → {finding.todo}" for finding in bad]

    return run
