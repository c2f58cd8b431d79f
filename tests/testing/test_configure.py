"""``configure``: an application can be imported and tested without a provider, and still lets nobody in unasked."""

from __future__ import annotations

import logging
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from werkzeug.test import Client as WerkzeugClient

from idaware.asgi import IdentityMiddleware
from idaware.assembly import build_runtime
from idaware.errors import ConfigurationError, SettingsError
from idaware.settings import Settings
from idaware.settings.secret import Secret
from idaware.testing import configure, signed_in
from idaware.testing.defaults import ISSUER
from idaware.wsgi import IdentityMiddleware as WsgiMiddleware

KEY = "w4fJ0vQx8Z2mT7rK5bN9cL1sD6hG3pYa"


@pytest.fixture
def nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [known for known in os.environ if known.startswith("IDAWARE_")]:
        monkeypatch.delenv(name)


def configured(environ: dict[str, str] | None = None, **settings: Any) -> Settings:
    environ = {} if environ is None else environ
    configure(environ, **settings)
    return Settings.from_env(environ)


def test_what_is_missing_gets_a_default_for_tests() -> None:
    settings = configured(allow_groups=["sre"])
    assert (settings.issuer, settings.base_url, settings.client_auth) == (ISSUER, "http://localhost", "none")
    assert settings.hosts == ("localhost", "testserver")
    assert settings.secret_keys != configured(allow_groups=["sre"]).secret_keys


def test_there_is_no_default_for_who_may_come_in() -> None:
    with pytest.raises(SettingsError, match="IDAWARE_POLICY_FILE"):
        configured()


def test_what_is_configured_already_stays() -> None:
    environ = {
        "IDAWARE_ISSUER": "https://login.corp.example",
        "IDAWARE_CLIENT_SECRET": "s3cr3t-s3cr3t-s3cr3t",
        "IDAWARE_SECRET_KEYS": KEY,
        "IDAWARE_BASE_URL": "https://billing.corp.example",
        "IDAWARE_ALLOW_GROUPS": "ops",
    }
    settings = configured(environ)
    assert (settings.issuer, settings.client_auth) == ("https://login.corp.example", "client_secret_basic")
    assert settings.hosts == ("billing.corp.example",)
    assert settings.secret_keys[0].reveal() == KEY
    assert settings.allow_groups == ("ops",)


def test_keys_from_a_file_are_not_doubled(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(KEY)
    assert (
        configured({"IDAWARE_SECRET_KEYS_FILE": str(file)}, allow_groups=["sre"]).secret_keys[0].reveal()
        == KEY
    )


def test_arguments_beat_what_is_configured_and_may_be_pythons_own_values() -> None:
    settings = configured(
        {"IDAWARE_ALLOW_GROUPS": "ops"},
        allow_groups=("sre", "finance"),
        session_idle=timedelta(minutes=30),
        logout_provider=False,
        login_params={"hd": "corp.example"},
        secret_keys=[Secret(KEY)],
        policy_file="",
        ca_file=Path("/etc/ca.pem"),
    )
    assert settings.allow_groups == ("sre", "finance")
    assert (settings.session_idle, settings.logout_provider) == (1800, False)
    assert settings.login_params == (("hd", "corp.example"),)
    assert settings.secret_keys[0].reveal() == KEY
    assert settings.ca_file == "/etc/ca.pem"


def test_a_true_argument_is_written_as_the_environment_has_it() -> None:
    assert configured(allow_signed_in=True).allow_signed_in


@pytest.mark.usefixtures("nothing_configured")
def test_an_application_is_imported_and_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    environ: dict[str, str] = {}
    configure(environ, allow_groups=["sre"])
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    client = TestClient(IdentityMiddleware(Starlette()))
    assert client.get("/x").status_code == 401
    assert signed_in(client, groups=["sre"]).get("/x").status_code == 404


# -- nothing configured at all: image builds, migrations --------------------------------------------------------------


@pytest.mark.usefixtures("nothing_configured")
def test_a_wsgi_application_can_be_imported_and_lets_nobody_in(caplog: pytest.LogCaptureFixture) -> None:
    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        raise AssertionError("it was reached")

    with caplog.at_level(logging.ERROR, "idaware"):
        guarded = WsgiMiddleware(app)
    assert "IDAWARE_ISSUER" in caplog.text
    answer = WerkzeugClient(guarded).get("/")
    assert (answer.status_code, "nobody is let in" in answer.text) == (500, True)
    with pytest.raises(ConfigurationError, match="IDAWARE_ISSUER"):
        _ = guarded.runtime


@pytest.mark.usefixtures("nothing_configured")
def test_a_wsgi_application_that_is_configured_in_part_does_not_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ConfigurationError, match="IDAWARE_ISSUER"):
        WsgiMiddleware(lambda environ, start_response: [], allow_groups=["sre"])
    monkeypatch.setenv("IDAWARE_CLIENT_ID", "billing")
    with pytest.raises(ConfigurationError, match="IDAWARE_ISSUER"):
        WsgiMiddleware(lambda environ, start_response: [])


@pytest.mark.usefixtures("nothing_configured")
def test_configure_writes_where_applications_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {})
    configure(os.environ, allow_groups=["sre"])
    assert build_runtime(Starlette(), {}).settings.allow_groups == ("sre",)
