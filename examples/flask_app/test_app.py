"""The console's own tests: the real gate and the real policy, without a provider."""

from __future__ import annotations

from pathlib import Path

import pytest

import idaware.testing

idaware.testing.configure(policy_file=Path(__file__).with_name("policy.yaml"))

from examples.flask_app.app import app  # noqa: E402
from idaware.testing import capture_audit, signed_in, signed_out  # noqa: E402


@pytest.mark.parametrize("path", ["/", "/invoices/1001", "/api/invoices"])
@pytest.mark.parametrize(("groups", "status"), [(["sre"], 200), (["finance"], 200), (["marketing"], 403)])
def test_reading_is_for_two_groups(path: str, groups: list[str], status: int) -> None:
    assert signed_in(app.test_client(), groups=groups).get(path).status_code == status


def test_whoever_is_not_signed_in_is_sent_to_the_provider() -> None:
    client = signed_out(app.test_client())
    assert client.get("/", headers={"Accept": "text/html"}).status_code == 302
    assert client.get("/api/invoices").status_code == 401


def test_some_pages_are_for_everybody() -> None:
    client = signed_out(app.test_client())
    assert client.get("/healthz").json == {"status": "ok"}
    assert "sign in" in client.get("/about").text


def test_finance_marks_as_paid_and_only_sre_voids() -> None:
    client = signed_in(app.test_client(), groups=["finance"])
    assert client.post("/invoices/1002/pay").status_code == 302
    assert "paid" in client.get("/invoices/1002").text
    assert client.post("/invoices/1002/void").status_code == 403
    assert "Void" not in client.get("/invoices/1002").text
    assert signed_in(client, groups=["sre"]).post("/invoices/1002/void").status_code == 302


def test_the_admin_page_asks_for_a_second_factor() -> None:
    client = signed_in(app.test_client(), groups=["sre"])
    assert client.get("/admin").json["reason"] == "step_up_required"
    assert signed_in(client, groups=["sre"], acr="mfa").get("/admin").status_code == 200
    assert signed_in(client, groups=["sre"], acr="mfa", auth_age=3600).get("/admin").status_code == 401
    assert signed_in(client, groups=["finance"], acr="mfa").get("/admin").status_code == 403


def test_contractors_stay_out_and_the_record_says_why() -> None:
    client = signed_in(app.test_client(), groups=["finance", "contractors"], sub="carol")
    with capture_audit(app) as records:
        assert client.get("/").status_code == 403
    assert (records.last["principal"], records.last["reason"]) == ("login/carol", "denied_by_rule")


def test_records_name_the_route() -> None:
    with capture_audit(app) as records:
        signed_in(app.test_client(), groups=["sre"]).get("/invoices/1001")
    assert records.last["route"] == "/invoices/<int:number>"
