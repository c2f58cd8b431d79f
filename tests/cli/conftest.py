"""A development provider on loopback, and settings that fit it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from idaware.devidp import DevProvider
from idaware.devidp.server import Server, start_provider

KEYS = "pLm3-9sKd_Q2xYv7RtBn5WzHc8JfGa4UeTo6MiNb1Xy"


@pytest.fixture(scope="session")
def running() -> Iterator[tuple[DevProvider, Server]]:
    provider, server = start_provider(lambda issuer: DevProvider(issuer=issuer, signing_alg="ES256"))
    with server:
        yield provider, server


@pytest.fixture
def provider(running: tuple[DevProvider, Server]) -> Iterator[DevProvider]:
    found = running[0]
    yield found
    found.faults.clear()


@pytest.fixture
def environ(provider: DevProvider) -> dict[str, str]:
    return settings_for(provider.issuer)


def settings_for(issuer: str) -> dict[str, str]:
    return {
        "IDAWARE_ISSUER": issuer,
        "IDAWARE_CLIENT_ID": "my-tool",
        "IDAWARE_CLIENT_SECRET": "dev-secret",
        "IDAWARE_SECRET_KEYS": KEYS,
        "IDAWARE_BASE_URL": "http://localhost:8000",
        "IDAWARE_ALLOW_GROUPS": "sre",
    }
