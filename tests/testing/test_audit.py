"""``capture_audit``: the records of a test."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from idaware.asgi import IdentityMiddleware
from idaware.testing import capture_audit, signed_in


def test_records_are_there_while_the_block_runs(gate_settings: Any) -> None:
    app = IdentityMiddleware(Starlette(), **gate_settings())
    client = TestClient(app)
    before = app.runtime.trail
    with capture_audit(app) as records:
        with pytest.raises(LookupError, match="no request"):
            _ = records.last
        client.get("/x")
        signed_in(client, groups=["sre"], sub="alice").get("/x")
        assert [record["kind"] for record in records] == ["started", "decision", "decision"]
        assert [record["decision"] for record in records.decisions] == ["login", "allow"]
        assert records.last["principal"] == "login/alice"
        assert records[-1] == records.last
        assert records[1:] == records.decisions
        assert repr(records) == "<3 audit records>"
        records.clear()
        assert len(records) == 0
    client.get("/x")
    assert len(records) == 0
    assert app.runtime.trail is before


def test_a_client_is_as_good_as_its_application(gate_settings: Any) -> None:
    client = TestClient(IdentityMiddleware(Starlette(), **gate_settings()))
    with capture_audit(client) as records:
        client.get("/x")
    assert records.last["path"] == "/x"


def test_what_names_a_person_is_hashed_where_the_application_hashes_it(gate_settings: Any) -> None:
    key = "gV3pX8sL2mQ9wE6rT1yU4iO7aS0dF5hJ"
    app = IdentityMiddleware(Starlette(), **gate_settings(audit_privacy="hash", audit_key=key))
    with capture_audit(app) as records:
        signed_in(TestClient(app), groups=["sre"], sub="alice").get("/x")
    assert "alice" not in str(list(records))
