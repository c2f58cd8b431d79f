from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from idaware.errors import SettingsError
from idaware.settings import Settings

KEY = "kJ8s-2mZqLx0VtB7nR4wYcE1uHfG6pDaQ9iXoTzS5vM"

ENOUGH = {
    "IDAWARE_ISSUER": "https://login.corp.example",
    "IDAWARE_CLIENT_ID": "billing-admin",
    "IDAWARE_CLIENT_SECRET": "the-client-secret-3141",
    "IDAWARE_SECRET_KEYS": KEY,
    "IDAWARE_BASE_URL": "https://billing.corp.example",
    "IDAWARE_ALLOW_GROUPS": "sre,finance",
}

Read: TypeAlias = Callable[..., Settings]
Problems: TypeAlias = Callable[..., dict[str, str]]


def no_file(path: str) -> str:
    raise FileNotFoundError(2, "No such file or directory", path)


def _read(
    changes: Mapping[str, str | None] | None = None,
    overrides: Mapping[str, object] | None = None,
    files: Mapping[str, str] | None = None,
) -> Settings:
    """Read what is enough to start, with ``changes`` (short names; ``None`` takes one away)."""
    environ = dict(ENOUGH)
    for name, value in (changes or {}).items():
        variable = f"IDAWARE_{name}"
        if value is None:
            del environ[variable]
        else:
            environ[variable] = value
    return Settings.from_env(
        environ, overrides, read_text=lambda path: files[path] if files and path in files else no_file(path)
    )


@pytest.fixture
def read() -> Read:
    return _read


@pytest.fixture
def problems() -> Problems:
    def found(
        changes: Mapping[str, str | None] | None = None,
        overrides: Mapping[str, object] | None = None,
        files: Mapping[str, str] | None = None,
    ) -> dict[str, str]:
        with pytest.raises(SettingsError) as caught:
            _read(changes, overrides, files)
        return {problem.where: problem.message for problem in caught.value.problems}

    return found


@pytest.fixture
def enough() -> dict[str, str]:
    return dict(ENOUGH)


@pytest.fixture
def key() -> str:
    return KEY


@pytest.fixture(scope="session")
def pem() -> str:
    """A private key that can sign client assertions."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
