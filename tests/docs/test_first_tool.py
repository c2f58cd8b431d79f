"""The tutorial is followed, word for word, by somebody whose ports are other ones."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bad_days.people import Page, Person
from bad_days.ports import free_port
from docs.blocks import ROOT, blocks_of
from e2e.running import Program, clean_environment

PAGE = ROOT / "docs" / "tutorial" / "first-tool.md"
IDAWARE = [sys.executable, "-c", "import sys; from idaware.cli import main; sys.exit(main())"]


def block(language: str, *, holds: str) -> str:
    [found] = [one.text for one in blocks_of(PAGE) if one.language == language and holds in one.text]
    return found


class Reader:
    """Somebody who follows the tutorial in ``directory``, with a browser."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self._directory, self._stack = directory, stack
        self._ports = {"8000": free_port(), "9000": free_port()}
        self._person = Person()
        stack.callback(self._person.http.close)

    def typed(self, text: str) -> str:
        """``text`` with this reader's own ports."""
        for usual, mine in self._ports.items():
            text = text.replace(usual, str(mine))
        return text

    def command(self, beginning: str, *further: str) -> list[str]:
        """The command of the page that begins so."""
        [line] = [line for line in block("sh", holds=beginning).splitlines() if line.startswith(beginning)]
        return [*IDAWARE, *shlex.split(self.typed(line))[1:], *further]

    def runs(self, beginning: str, *further: str) -> str:
        """A command that ends, and what it says."""
        done = subprocess.run(
            self.command(beginning, *further),
            cwd=self._directory,
            env=clean_environment({}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def starts(self, beginning: str, usual_port: str, path: str, *further: str) -> Program:
        """A command that goes on, in a terminal of its own."""
        log = self._directory / f"terminal-{usual_port}.log"
        program = Program(self.command(beginning, *further), log, cwd=self._directory)
        self._stack.callback(program.stop)
        program.wait_until_ready(self._ports[usual_port], path, accept=(200,))
        return program

    def opens(self, address: str) -> Page:
        return self._person.visit(self.typed(f"http://127.0.0.1:8000{address}"))

    def is_now(self, person: str, page: Page) -> Page:
        """Choose somebody on the provider's page."""
        return self._person.submit(page, person=person)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with ExitStack() as stack:
        yield Reader(tmp_path, stack)


def test_the_tutorial_works(reader: Reader, tmp_path: Path) -> None:
    (tmp_path / "tool.py").write_text(block("python", holds="async def invoices"), encoding="utf-8")
    reader.starts("idaware dev-idp", "9000", "/")
    reader.runs("idaware init", "--issuer", reader.typed("http://localhost:9000"))
    policy = tmp_path / "policy.yaml"
    assert policy.read_text("utf-8").partition("\n")[2] == block("yaml", holds="version: 1")
    checked = reader.runs("idaware check").splitlines()
    assert {line.split()[0] for line in checked[:-1]} <= {"ok", "note", "→"}

    tool = reader.starts("idaware run", "8000", "/healthz", "--port", reader.typed("8000"))
    page = reader.is_now("alice", reader.opens("/invoices"))
    assert page.text == "Three invoices for Alice Ahlgren\n"
    assert "Three invoices for Alice Ahlgren" in PAGE.read_text(encoding="utf-8")

    assert "Sign in as somebody else" in reader.opens("/_idaware/me").words
    reader.is_now("bob", reader.opens("/_idaware/login?switch=1"))
    refused = reader.opens("/invoices")
    assert refused.status == 403
    assert "Rule read" in refused.words
    assert reader.opens("/healthz").text == "fine\n"
    assert '"rule":"read"' in tool.log

    tool.stop()
    added = block("yaml", holds="id: invoices") + block("yaml", holds="id: pay")
    rules = "rules:\n" + "".join(f"  {line}\n" for line in added.splitlines())
    policy.write_text(policy.read_text("utf-8").replace("rules:\n", rules), encoding="utf-8")
    reader.starts("idaware run", "8000", "/healthz", "--port", reader.typed("8000"))
    assert "`http://127.0.0.1:8000/_idaware/login?next=/invoices`" in PAGE.read_text(encoding="utf-8")
    assert reader.opens("/_idaware/login?next=/invoices").text == "Three invoices for Bob Baumann\n"
