"""``idaware demo``: its arguments, its words, its end."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import httpx2
import pytest

from idaware.cli import demo as command
from idaware.demo import hosting, own_app
from idaware.demo.feed import Feed
from idaware.demo.hosting import Demo
from idaware.devidp import DEFAULT_PEOPLE, DevProvider
from idaware.devidp.server import bind
from idaware.errors import ConfigurationError

IDAWARE = (sys.executable, "-c", "import sys; from idaware.cli import main; sys.exit(main())")

RECORD = {
    "event_id": "a",
    "time": "2026-03-01T12:00:00.000000Z",
    "kind": "decision",
    "decision": "deny",
    "reason": "no_rule",
    "actor_type": "anonymous",
    "method": "GET",
    "path": "/debug",
}


def arguments(*argv: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers(dest="command"))
    return parser.parse_args(["demo", *argv])


def a_demo() -> Demo:
    provider = DevProvider(issuer="http://127.0.0.1:9000", signing_alg="ES256")
    return Demo("http://localhost:8000", "http://localhost:8000/records", provider, Feed(), ("A note.",))


@pytest.fixture
def no_handlers() -> Iterator[None]:
    """Whatever handles signals is put back, and was put back by the command already."""
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    yield
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == before


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Addresses that a browser was opened for."""
    addresses: list[str] = []
    monkeypatch.setattr(command.webbrowser, "open", addresses.append)
    return addresses


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Demo:
    """A demo that shows one record and ends by itself."""
    demo = a_demo()
    watch = demo.feed.watch

    def with_a_record(tell: Any) -> Any:
        stop = watch(tell)
        demo.feed.add(RECORD)
        demo.feed.close()
        return stop

    monkeypatch.setattr(demo.feed, "watch", with_a_record)
    monkeypatch.setattr(hosting, "start", lambda **_: demo)
    return demo


# --- starting


def test_ports_have_defaults() -> None:
    args = arguments()
    assert (args.port, args.provider_port, args.no_browser, args.app) == (8000, 9000, False, None)


def test_the_sample_is_started_at_the_ports_that_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, int]] = []
    monkeypatch.setattr(hosting, "start", lambda **ports: given.append(ports))
    command.start(arguments("--port", "1", "--provider-port", "2"))
    assert given == [{"port": 1, "provider_port": 2}]


def test_an_application_is_started_with_its_policy_and_people(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(own_app, "start", lambda name, **options: given.append((name, options)))
    people = tmp_path / "people.yaml"
    people.write_text("people: [{sub: ada}]", encoding="utf-8")
    command.start(arguments("--app", "a:b", "--policy", "p.yaml", "--people", str(people)))
    command.start(arguments("--app", "a:b"))
    (name, first), (_, second) = given
    assert name == "a:b"
    assert (first["policy"], first["port"], first["provider_port"]) == (Path("p.yaml"), 8000, 9000)
    assert [person.sub for person in first["people"]] == ["ada"]
    assert first["environ"] is os.environ
    assert (second["policy"], second["people"]) == (None, DEFAULT_PEOPLE)


@pytest.mark.parametrize("option", ["--policy", "--people"])
def test_what_is_for_an_application_needs_one(option: str) -> None:
    with pytest.raises(ConfigurationError, match="--app: is missing"):
        command.start(arguments(option, "x.yaml"))


def test_people_that_cannot_be_read_are_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        command.start(arguments("--app", "a:b", "--people", str(tmp_path / "none.yaml")))


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", {"BROWSER": "/opt/open-in-the-editor"}, True),
        ("darwin", {}, True),
        ("darwin", {"SSH_CONNECTION": "203.0.113.9 1 192.0.2.1 22"}, False),
        ("win32", {}, True),
    ],
    ids=["no screen", "x11", "wayland", "named", "mac", "mac over ssh", "windows"],
)
def test_a_browser_counts_where_it_has_a_window(
    monkeypatch: pytest.MonkeyPatch, platform: str, environ: dict[str, str], expected: bool
) -> None:
    monkeypatch.setattr(command.sys, "platform", platform)
    assert command.has_browser(environ) is expected


# --- what it says


def test_the_greeting_says_where_everything_is_and_what_to_try() -> None:
    text = command.greeting(a_demo(), sample=True)
    for word in (
        "http://localhost:8000\n",
        "http://127.0.0.1:9000",
        "/records",
        "A note.",
        "What to try",
        "/payroll",
    ):
        assert word in text
    assert text.splitlines()[-1].split() == ["time", "who", "request", "decision", "rule", "reason"]


def test_the_greeting_for_another_application_has_no_tour() -> None:
    assert "What to try" not in command.greeting(a_demo(), sample=False)


def test_records_are_printed_until_there_are_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    records: SimpleQueue[Any] = SimpleQueue()
    for record in (RECORD, RECORD, None):
        records.put(record)
    command.show(records, colour=False)
    assert capsys.readouterr().out.count("GET /debug") == 2


@pytest.mark.usefixtures("no_handlers")
def test_it_opens_the_browser_and_shows_records(
    started: Demo, opened: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BROWSER", "something")
    assert command.run(arguments()) == 0
    assert opened == ["http://localhost:8000"]
    out = capsys.readouterr().out
    assert "no_rule" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("flags", "browser"), [(["--no-browser"], "something"), ([], "")], ids=["not wanted", "none"]
)
def test_it_opens_no_browser_where_none_is_wanted_or_there(
    started: Demo, opened: list[str], monkeypatch: pytest.MonkeyPatch, flags: list[str], browser: str
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BROWSER", browser)
    monkeypatch.setattr(command.sys, "platform", "linux")
    assert command.run(arguments(*flags)) == 0
    assert opened == []


class Terminal:
    """Standard output that is a terminal, or a pipe whose reader went away."""

    def __init__(self, fail: bool = False) -> None:
        self.text = ""
        self.fail = fail
        self.file = os.open(os.devnull, os.O_WRONLY)

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        if self.fail:
            raise BrokenPipeError
        self.text += text

    def flush(self) -> None: ...

    def fileno(self) -> int:
        return self.file


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    os.close(made.file)


@pytest.mark.parametrize("no_color", [False, True])
def test_a_terminal_gets_colours_unless_it_wants_none(
    started: Demo, terminal: Terminal, monkeypatch: pytest.MonkeyPatch, no_color: bool
) -> None:
    monkeypatch.setattr(command.sys, "stdout", terminal)
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    command.run(arguments("--no-browser"))
    assert ("\x1b[1;31mdeny" in terminal.text) is not no_color


@pytest.mark.usefixtures("no_handlers")
def test_a_reader_who_went_away_is_no_failure(
    started: Demo, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.fail = True
    monkeypatch.setattr(command.sys, "stdout", terminal)
    assert command.run(arguments("--no-browser")) == 0
    assert started.feed.closed


# --- its end


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl+C", "SIGTERM"])
@pytest.mark.usefixtures("no_handlers")
def test_a_second_signal_does_not_disturb_the_end(number: signal.Signals) -> None:
    with command.interrupted_once():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.usefixtures("no_handlers")
def test_an_interrupt_stops_the_demo_and_says_so(
    started: Demo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "show", lambda *_, **__: signal.raise_signal(signal.SIGINT))
    stopped = []
    started._stack.callback(stopped.append, "stopped")
    assert command.run(arguments("--no-browser")) == 0
    assert capsys.readouterr().out.endswith("Stopping.\n")
    assert stopped == ["stopped"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl+C", "SIGTERM"])
def test_the_command_runs_until_it_is_interrupted_and_ends_in_good_order(number: signal.Signals) -> None:
    options = ["--no-browser", "--port", "0", "--provider-port", "0"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*IDAWARE, "demo", *options], **pipes) as process:
        try:
            lines = iter(process.stdout.readline, "")
            url = next(lines).split()[-1]
            next(line for line in lines if line.startswith("time"))
            assert httpx2.get(f"{url}/debug", trust_env=False).status_code == 403
            next(line for line in lines if "no_rule" in line)
            process.send_signal(number)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
    assert (process.returncode, err) == (0, "")
    assert out.endswith("Stopping.\n")


def test_a_port_in_use_is_said_in_one_line() -> None:
    with bind("127.0.0.1") as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [*IDAWARE, "demo", "--port", str(port), "--provider-port", "0"],
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert done.returncode == 2
    assert f"--port: {port} cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


def test_asking_for_help_imports_no_server() -> None:
    code = (
        "import sys, argparse; import idaware.cli.demo as demo; "
        "demo.add_parser(argparse.ArgumentParser().add_subparsers()); "
        "print([name for name in ('uvicorn', 'starlette', 'werkzeug', 'httpx2') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
