"""A policy and the settings for one guarded application, whatever its framework."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from idaware.testing.defaults import ISSUER

GateSettings = Callable[..., dict[str, Any]]

POLICY = """
version: 1
app: billing
keep: {groups: [auditors]}
rules:
  - {id: open, paths: ["/public/**", /openapi.json], allow: public}
  - {id: sre-only, paths: ["/admin/**"], allow: {groups: [admins]}}
  - {id: rest, paths: ["/**"], allow: {groups: [sre, finance]}}
"""


@pytest.fixture
def gate_settings(tmp_path: Path) -> GateSettings:
    """Keyword arguments of the middleware, for a policy."""

    def make(policy: str = POLICY, **changed: Any) -> dict[str, Any]:
        file = tmp_path / "policy.yaml"
        file.write_text(policy, encoding="utf-8")
        return {
            "issuer": ISSUER,
            "client_id": "billing",
            "client_auth": "none",
            "base_url": "http://localhost",
            "hosts": ["localhost", "testserver"],
            "secret_keys": ["w4fJ0vQx8Z2mT7rK5bN9cL1sD6hG3pYa"],
            "policy_file": file,
            "audit": f"file:{os.devnull}",
            **changed,
        }

    return make
