"""``init``, ``check``, ``run``, ``--env-file`` and the command line as a whole."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import idaware.cli
from idaware.assembly import load_application
from idaware.cli import env_file, parse
from idaware.cli.run import command_line, interface_of
from idaware.devidp import DevProvider
from idaware.errors import ConfigurationError, ProviderUnavailable


def idaware_command(*argv: str) -> int:
    return idaware.cli.main(argv)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("IDAWARE_")]:
        monkeypatch.delenv(name)


# -- init and check --------------------------------------------------------------------------------------------


def test_what_init_writes_passes_check(
    tmp_path: Path, provider: DevProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        idaware_command(
            "init", "--directory", str(tmp_path), "--issuer", provider.issuer, "--group", 'a "b" \\ c'
        )
        == 0
    )
    assert idaware_command("check", "--env-file", str(tmp_path / ".env")) == 0
    assert "all is well" in capsys.readouterr().out


def test_the_env_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    idaware_command("init", "--directory", str(tmp_path))
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_each_init_makes_fresh_keys(tmp_path: Path) -> None:
    idaware_command("init", "--directory", str(tmp_path / "a"))
    idaware_command("init", "--directory", str(tmp_path / "b"))
    keys = [env_file.read(tmp_path / name / ".env")["IDAWARE_SECRET_KEYS"] for name in "ab"]
    assert keys[0] != keys[1]


def test_init_overwrites_nothing_unless_told_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "policy.yaml").write_text("mine")
    assert idaware_command("init", "--directory", str(tmp_path)) == 2
    assert (tmp_path / "policy.yaml").read_text() == "mine"
    assert not (tmp_path / ".env").exists()
    assert "--force" in capsys.readouterr().err
    assert idaware_command("init", "--directory", str(tmp_path), "--force") == 0


def test_init_writes_nothing_for_settings_that_do_not_fit(tmp_path: Path) -> None:
    assert (
        idaware_command("init", "--directory", str(tmp_path), "--base-url", "http://tool.corp.example") == 2
    )
    assert list(tmp_path.iterdir()) == []


def test_check_for_programs_is_json(
    environ: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "env").write_text("".join(f"{name}='{value}'\n" for name, value in environ.items()))
    assert idaware_command("check", "--env-file", str(tmp_path / "env"), "--json", "--offline") == 0
    assert {"area", "level", "message", "todo"} == set(json.loads(capsys.readouterr().out)[0])


def test_check_ends_with_1_where_something_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert idaware_command("check", "--offline") == 1
    assert "to look at" in capsys.readouterr().out


# -- the environment file --------------------------------------------------------------------------------------


def test_an_environment_file_is_read_as_a_shell_reads_it(tmp_path: Path) -> None:
    (tmp_path / "env").write_text('# comment\n\nexport A=1\nB=\'two words\'  # why\nC="q\\"q"\nD=$A\n')
    assert env_file.read(tmp_path / "env") == {"A": "1", "B": "two words", "C": 'q"q', "D": "$A"}


def test_bad_lines_are_named_by_number_and_never_shown(tmp_path: Path) -> None:
    (tmp_path / "env").write_text("A=1\nsecret value\nB='open\n1X=2\n")
    with pytest.raises(ConfigurationError) as failure:
        env_file.read(tmp_path / "env")
    assert [problem.where.rpartition(":")[2] for problem in failure.value.problems] == ["2", "3", "4"]
    assert "secret" not in str(failure.value)


def test_a_missing_environment_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        env_file.read(tmp_path / "env")


def test_the_environment_beats_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "env").write_text("IDAWARE_BRAND=file\n")
    monkeypatch.setenv("IDAWARE_BRAND", "environment")
    assert env_file.environment(tmp_path / "env")["IDAWARE_BRAND"] == "environment"
    assert "IDAWARE_BRAND" in env_file.environment(None)


@given(st.text(max_size=60))
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("env") / "env"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    with suppress(ConfigurationError):
        assert all(name.isidentifier() for name in env_file.read(path))


# -- run -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "interface"),
    [
        ("plain", "asgi"),
        ("function", "asgi"),
        ("direct", "asgi"),
        ("flask_app", "wsgi"),
        ("wsgi_function", "wsgi"),
    ],
)
def test_the_interface_of_an_application_is_seen(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], name: str, interface: str
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "apps"))
    for key, value in environ.items():
        monkeypatch.setenv(key, value)
    assert interface_of(load_application(f"tests_cli_apps:{name}", "APP")) == interface


@pytest.mark.parametrize(
    "options", [[], ["--env-file", ".env"], ["--port", "80"]], ids=["none", "a file", "a port"]
)
@pytest.mark.parametrize("first", [True, False], ids=["the application first", "options first"])
def test_what_follows_two_dashes_is_the_servers(options: list[str], first: bool) -> None:
    app = ["billing.web:app"]
    words = [*app, *options] if first else [*options, *app]
    arguments = parse(["run", *words, "--", "--workers", "4", "--"])
    assert (arguments.app, arguments.server_args) == (app[0], ["--workers", "4", "--"])


def test_without_two_dashes_nothing_is_the_servers() -> None:
    assert parse(["run", "billing.web:app"]).server_args == []
    with pytest.raises(SystemExit):
        parse(["check", "--", "--json"])


def test_what_cannot_be_called_is_no_application() -> None:
    with pytest.raises(ConfigurationError, match="cannot be called"):
        interface_of(7)


@pytest.mark.parametrize(
    ("server", "app"),
    [
        ("uvicorn", "idaware.asgi:app"),
        ("hypercorn", "idaware.asgi:__getattr__('app')"),  # it asks no module's __getattr__ by itself
        ("granian", "idaware.asgi:app"),
    ],
)
def test_servers_of_asgi_get_our_application(server: str, app: str) -> None:
    command = command_line("asgi", server, "127.0.0.1", 8123)
    assert app in command
    assert any("8123" in word for word in command)


@pytest.mark.parametrize("server", ["gunicorn", "waitress", "granian"])
def test_servers_of_wsgi_get_our_application(server: str) -> None:
    command = command_line("wsgi", server, "127.0.0.1", 8123)
    assert "idaware.wsgi:app" in command
    assert any("8123" in word for word in command)


def test_a_server_of_the_other_interface_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="does not serve WSGI"):
        command_line("wsgi", "uvicorn", "127.0.0.1", 8000)


def test_run_names_what_to_install_where_no_server_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match="install gunicorn or waitress or granian"):
        command_line("wsgi", None, "127.0.0.1", 8000)


def test_run_becomes_the_server_with_the_application_named(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    became: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr("os.execvpe", lambda *given: became.append(given))
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "apps"))
    for key, value in environ.items():
        monkeypatch.setenv(key, value)
    idaware_command("run", "tests_cli_apps:plain", "--", "--log-level", "warning")
    (_, command, env) = became[0]
    assert command[-2:] == ["--log-level", "warning"]
    assert env["IDAWARE_APP"] == "tests_cli_apps:plain"


def test_run_refuses_a_wrong_configuration_before_any_server_starts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert idaware_command("run", "tests_cli_apps:plain") == 2
    assert "IDAWARE_ISSUER" in capsys.readouterr().err


# -- the command line ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status"),
    [(KeyboardInterrupt(), 130), (ProviderUnavailable("gone"), 1), (ConfigurationError([]), 2)],
    ids=["interrupted", "our own error", "configuration"],
)
def test_the_exit_status_says_whose_fault_it_was(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int
) -> None:
    def fail(args: object) -> int:
        raise error

    monkeypatch.setattr("idaware.cli.env.run", fail)
    assert idaware_command("env") == status


def test_the_package_can_be_run_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "idaware", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"idaware {idaware.__version__}\n"


def test_wrong_use_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        idaware_command("no-such-command")
    assert stop.value.code == 2
    assert "invalid choice" in capsys.readouterr().err
