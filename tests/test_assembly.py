"""Putting the parts together: policies from files, applications by name, secrets that rotate, forks."""

from __future__ import annotations

import inspect
import logging
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from idaware.assembly import Runtime, application_named, build_runtime, load_application, policy_for
from idaware.audit.record import Record
from idaware.errors import ConfigurationError, PolicyError, SettingsError
from idaware.io.async_ import AsyncPorts
from idaware.io.blocking import BlockingPorts
from idaware.settings import Settings
from support import Site
from support.site import ORIGIN, SETTINGS

ENVIRON = {
    "IDAWARE_ISSUER": "https://login.op.example",
    "IDAWARE_CLIENT_ID": "billing",
    "IDAWARE_CLIENT_SECRET": "correct horse battery staple",
    "IDAWARE_SECRET_KEYS": "w4fJ0vQx8Z2mT7rK5bN9cL1sD6hG3pYa",
    "IDAWARE_BASE_URL": "https://billing.corp.example",
    "IDAWARE_ALLOW_GROUPS": "sre",
    "HOME": "/not/ours",
}
RULE = "{{id: {0}, paths: [/{0}/**], allow: {{groups: [sre]}}}}"


def policy_text(*ids: str) -> str:
    return "version: 1\nrules:\n" + "".join(f"  - {RULE.format(name)}\n" for name in ids)


def settings_with(policy_file: Path | None, **more: Any) -> Settings:
    given = {**SETTINGS, "base_url": ORIGIN, **more}
    if policy_file is None:
        del given["policy_file"]
    else:
        given["policy_file"] = str(policy_file)
    return Settings.from_env({}, given)


# -- policies ------------------------------------------------------------------------------------------------------


def test_a_policy_is_one_file(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(policy_text("a", "b"))
    assert [rule.id for rule in policy_for(settings_with(file), now=0).rules] == ["a", "b"]


def test_a_policy_may_be_a_directory(tmp_path: Path) -> None:
    (tmp_path / "1.yaml").write_text(policy_text("a"))
    (tmp_path / "2.yaml").write_text(policy_text("b"))
    (tmp_path / "..data.yaml").write_text("not: a policy")
    (tmp_path / "notes.txt").write_text("not a policy")
    assert [rule.id for rule in policy_for(settings_with(tmp_path), now=0).rules] == ["a", "b"]


def test_an_empty_directory_is_no_policy(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        policy_for(settings_with(tmp_path), now=0)


def test_a_policy_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"IDAWARE_POLICY_FILE: .*gone\.yaml.* cannot be read: No such file"
    ):
        policy_for(settings_with(tmp_path / "gone.yaml"), now=0)


def test_a_rule_that_has_to_be_there_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(policy_text("a"))
    with pytest.raises(PolicyError, match="baseline"):
        policy_for(settings_with(file, policy_require=["baseline"]), now=0)


def test_one_line_is_a_policy_too() -> None:
    policy = policy_for(settings_with(None, allow_emails=["alice@corp.example"]), now=0)
    assert [rule.id for rule in policy.rules] == ["one-line"]


def test_being_signed_in_means_nothing_where_anybody_can(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("version: 1\nrules:\n  - {id: a, paths: [/**], allow: signed_in}\n")
    with pytest.raises(PolicyError, match="signed_in"):
        policy_for(settings_with(file, issuer="https://accounts.google.com"), now=0)


# -- applications by name ----------------------------------------------------------------------------------------


def test_an_application_is_found_by_name() -> None:
    assert load_application("support.site:Site.ask", "x") is Site.ask
    assert application_named({"IDAWARE_APP": "support.site:Site"}) is Site


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "expected module:attribute"),
        ("billing.web", "expected module:attribute"),
        (":app", "expected module:attribute"),
        ("no_such_module:app", "cannot be loaded: No module named"),
        ("support.site:nothing", "cannot be loaded: module 'support.site' has no attribute"),
    ],
)
def test_a_name_that_leads_nowhere_is_an_error(name: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=f"IDAWARE_APP: .*{problem}"):
        application_named({"IDAWARE_APP": name})


def test_applications_live_where_they_are_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "x_started_here.py").write_text("app = 'found'")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry != ""])
    assert load_application("x_started_here:app", "x") == "found"
    assert sys.path[0] == ""


# -- a runtime -----------------------------------------------------------------------------------------------------


class Named:
    import_name = "books"

    def wsgi_app(self) -> None:
        """What Flask's is to Flask."""


@pytest.mark.parametrize(
    ("app", "name"),
    [
        (Named().wsgi_app, "books"),
        (test_an_application_is_found_by_name, __name__),
        (object(), "builtins"),
    ],
    ids=["Flask's", "a function", "anything"],
)
def test_an_application_that_says_no_name_gets_its_modules(app: object, name: str) -> None:
    assert build_runtime(app, {"audit": ["stdout"]}, ENVIRON).app_name == name


def test_what_the_configuration_says_beats_it() -> None:
    assert build_runtime(object(), {"app_name": "ledger"}, ENVIRON).app_name == "ledger"
    assert Site("asgi").runtime.app_name == "billing"


def test_states_and_session_ids_are_made_of_the_systems_randomness() -> None:
    """Security rule 32; every other test hands its own in."""
    assert inspect.signature(Runtime.__init__).parameters["token"].default is secrets.token_urlsafe


def test_every_problem_of_the_settings_is_told() -> None:
    with pytest.raises(SettingsError) as caught:
        build_runtime(object(), {}, {"IDAWARE_ISSUR": "x"})
    assert len(caught.value.problems) > 3


def test_reviews_that_are_due_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(
        "version: 1\nrules:\n  - {id: a, paths: [/**], allow: {groups: [sre]}, owner: bob, review_by: 2020-01-01}\n"
    )
    environ = {name: value for name, value in ENVIRON.items() if name != "IDAWARE_ALLOW_GROUPS"}
    build_runtime(object(), {"policy_file": str(file)}, environ)
    assert "the review of rule 'a'" in caplog.text


def test_privacy_hashes_who_it_was(tmp_path: Path) -> None:
    runtime = build_runtime(
        object(),
        {
            "audit": [f"file:{tmp_path / 'audit.jsonl'}"],
            "audit_privacy": "hash",
            "audit_key": "k" * 16 + "Zp3Vt8yB1nM6kQ4w",
        },
        ENVIRON,
    )
    runtime.trail.emit(Record(principal="login/alice", email="alice@corp.example"))
    runtime.trail.flush()
    written = (tmp_path / "audit.jsonl").read_text()
    assert "alice" not in written
    runtime.trail.close()


def test_the_network_is_touched_when_it_is_first_needed() -> None:
    runtime = build_runtime(object(), {}, ENVIRON)

    async def read_body(limit_bytes: int) -> bytes:
        return b""

    blocking = runtime.blocking_ports(lambda limit_bytes: b"")
    assert isinstance(blocking, BlockingPorts)
    assert isinstance(runtime.async_ports(read_body), AsyncPorts)
    assert runtime._blocking_http is not None
    first = runtime._blocking_http, runtime._async_http
    runtime.blocking_ports(lambda limit_bytes: b"")
    runtime.async_ports(read_body)
    assert (runtime._blocking_http, runtime._async_http) == first


# -- secrets that rotate -----------------------------------------------------------------------------------------

OLD, NEW = "w4fJ0vQx8Z2mT7rK5bN9cL1sD6hG3pYa", "Zp3Vt8yB1nM6kQ4wE7rT0uI9oA2sD5fG"


@pytest.fixture
def rotating(tmp_path: Path) -> tuple[Runtime, Path]:
    file = tmp_path / "keys"
    file.write_text(OLD)
    environ = {name: value for name, value in ENVIRON.items() if name != "IDAWARE_SECRET_KEYS"}
    return build_runtime(object(), {"secret_keys_file": str(file)}, environ), file


def test_a_rotated_secret_is_taken_up(
    rotating: tuple[Runtime, Path], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "idaware")
    runtime, file = rotating
    before = runtime.gate
    runtime.reread_secrets()
    assert runtime.gate is before, "nothing changed, nothing is made anew"
    file.write_text(f"{NEW}\n{OLD}")
    runtime.reread_secrets()
    assert runtime.gate is not before
    assert [key.reveal() for key in runtime.settings.secret_keys] == [NEW, OLD]
    assert runtime.provider.settings is runtime.settings
    assert "secrets were rotated" in caplog.text
    assert NEW not in caplog.text


def test_a_rotation_gone_wrong_keeps_what_was_good(
    rotating: tuple[Runtime, Path], caplog: pytest.LogCaptureFixture
) -> None:
    runtime, file = rotating
    before = runtime.gate
    file.write_text("short")
    runtime.reread_secrets()
    assert runtime.gate is before
    assert "a rotated secret is not taken up" in caplog.text
    assert "short" not in caplog.text.replace("shorter", "")


def test_secrets_are_read_again_by_the_background(rotating: tuple[Runtime, Path]) -> None:
    site = Site("asgi")
    taken: list[Settings] = []

    def reread(settings: Settings) -> Settings:
        taken.append(settings)
        return settings

    site.runtime._reread = reread
    for job in site.background._jobs:
        job.due = 0
    site.background.run_due()
    assert taken == [site.settings]


# -- forks ---------------------------------------------------------------------------------------------------------

FORK = """
import os, sys, warnings
warnings.simplefilter("ignore")
from support import Site
site = Site("wsgi")
print([record["kind"] for record in site.ask("/public/x").records], flush=True)
child = os.fork()
if child == 0:
    print([record["kind"] for record in site.ask("/public/x").records], flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


def test_a_forked_process_says_that_it_guards_too() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FORK],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent,
        env={"PYTHONPATH": f"{Path(__file__).parent}:{Path(__file__).parent.parent}"},
    )
    assert done.stdout.splitlines() == ["['started', 'decision']"] * 2


# -- the end -------------------------------------------------------------------------------------------------------

END = """
import warnings
warnings.simplefilter("ignore")
from support import Site
site, silent = Site("wsgi"), Site("wsgi")
site.sink.subscribe(lambda record: print(record["kind"], flush=True))
silent.sink.subscribe(lambda record: print("silent", flush=True))
site.ask("/public/x")
"""


def test_the_end_of_a_process_that_guarded_is_recorded_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", END],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": f"{Path(__file__).parent}:{Path(__file__).parent.parent}"},
    )
    assert done.stdout.split() == ["started", "decision", "stopped"]


def test_a_runtime_ends_once() -> None:
    site = Site("wsgi")
    site.ask("/public/x")
    site.runtime.end()
    site.runtime.end()
    assert [record["kind"] for record in site.sink.records].count("stopped") == 1
