"""Small guarded applications for the testing kit to find its way in."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from idaware.testing.defaults import ISSUER
from idaware.testing.plugin import idaware_audit, idaware_sign_in

__all__ = ["idaware_audit", "idaware_sign_in"]  # pytest would find them by itself, in an installed package

Settings = Callable[..., dict[str, Any]]


@pytest.fixture
def gate_settings() -> Settings:
    """Keyword arguments of the middleware: groups ``sre`` may come in."""

    def make(**changed: Any) -> dict[str, Any]:
        return {
            "issuer": ISSUER,
            "client_id": "billing",
            "client_auth": "none",
            "base_url": "http://localhost",
            "hosts": ["localhost", "testserver"],
            "secret_keys": ["w4fJ0vQx8Z2mT7rK5bN9cL1sD6hG3pYa"],
            "allow_groups": ["sre"],
            "audit": f"file:{os.devnull}",
            **changed,
        }

    return make
