"""Each example passes its own tests, as its README says to run them, and has what a reader needs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from idaware.assembly import policy_for
from idaware.settings import Settings
from idaware.testing import configure

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/policy.yaml"))


def test_there_is_one_for_each_framework() -> None:
    assert {path.name for path in EXAMPLES} >= {"django_app", "fastapi_app", "flask_app", "starlette_ws"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_passes_its_own_tests(example: Path) -> None:
    (command,) = re.findall(r"`python (-m pytest [^`]+)`", (example / "README.md").read_text())
    environ = {name: value for name, value in os.environ.items() if not name.startswith("IDAWARE_")}
    done = subprocess.run(
        [sys.executable, *command.split(), "-q", "-p", "no:cacheprovider"],
        cwd=ROOT, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_a_readme_is_short_and_names_the_application_that_is_there(example: Path) -> None:
    text = (example / "README.md").read_text()
    assert len(text.splitlines()) <= 15
    (module, policy) = re.findall(r"idaware demo --app ([\w.]+):\w+ --policy (\S+)", text)[0]
    assert (ROOT / (module.replace(".", "/") + ".py")).is_file()
    assert ROOT / policy == example / "policy.yaml"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_a_policy_loads_without_warnings(example: Path) -> None:
    environ: dict[str, str] = {}
    configure(environ, policy_file=example / "policy.yaml")
    policy = policy_for(Settings.from_env(environ), now=1_800_000_000)
    assert policy.warnings == ()
    assert policy.app == "billing-console"
