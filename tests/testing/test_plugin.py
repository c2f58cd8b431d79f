"""The fixtures for pytest: there for suites that ask, silent for the others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

import idaware.testing
from idaware.asgi import IdentityMiddleware

ROOT = Path(__file__).parents[2]

SUITE = """
import sys
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
import idaware.testing
idaware.testing.configure(allow_groups=["sre"])
from idaware.asgi import IdentityMiddleware

app = IdentityMiddleware(Starlette(routes=[Route("/", lambda request: PlainTextResponse("fine"))]))
client = TestClient(app)

def test_somebody(idaware_sign_in, idaware_audit):
    records = idaware_audit(app)
    assert idaware_sign_in(client, groups=["sre"]).get("/").text == "fine"
    assert records.last["reason"] == "allowed_by_rule"

def test_nobody(idaware_audit):
    assert client.get("/").status_code == 401
"""

SILENT = """
import sys

def test_nothing_of_idaware_is_loaded_beside_the_plugin():
    loaded = {name for name in sys.modules if name.startswith("idaware")}
    assert loaded == {"idaware", "idaware.testing", "idaware.testing.plugin"}
    assert "starlette" not in sys.modules
"""


def run(tmp_path: Path, suite: str) -> str:
    (tmp_path / "test_suite.py").write_text(suite)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("IDAWARE_")}
    command = [
        sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-p",
        "idaware.testing.plugin", "--rootdir", str(tmp_path), "-c", os.devnull, str(tmp_path),
    ]  # fmt: skip
    environ |= {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environ, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_suite_signs_in_and_out_again(tmp_path: Path) -> None:
    assert "2 passed" in run(tmp_path, SUITE)


def test_a_suite_that_uses_nothing_hears_nothing(tmp_path: Path) -> None:
    assert "idaware" not in run(tmp_path, SILENT)


def test_a_client_that_tests_share_is_signed_out_afterwards(
    request: pytest.FixtureRequest, gate_settings: Any
) -> None:
    app = IdentityMiddleware(Starlette(), **gate_settings())
    client = TestClient(app)

    def is_signed_out() -> None:
        assert client.get("/x").status_code == 401

    request.addfinalizer(is_signed_out)  # runs after the finalizers of fixtures that are asked for now
    records = request.getfixturevalue("idaware_audit")(app)
    assert request.getfixturevalue("idaware_sign_in")(client, groups=["sre"]).get("/x").status_code == 404
    assert records.last["decision"] == "allow"


def test_the_kit_names_what_it_has() -> None:
    for name in idaware.testing.__all__:
        assert callable(getattr(idaware.testing, name))
    with pytest.raises(AttributeError, match="sign_in"):
        _ = idaware.testing.sign_in
