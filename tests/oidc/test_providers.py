"""Quirks are data: who has them, and that no name takes a check away."""

from __future__ import annotations

import dataclasses

import pytest

from idaware.oidc.providers import Quirks, quirks_for
from idaware.provider_facts import FACTS


@pytest.mark.parametrize(
    ("issuer", "name"),
    [
        ("https://login.microsoftonline.com/0f5c1e2a-0000-4000-8000-000000000000/v2.0", "entra"),
        ("https://accounts.google.com", "google"),
        ("https://corp.okta.com", "okta"),
        ("https://id.corp.example/realms/main", "keycloak"),
        ("https://id.corp.example", "generic"),
    ],
)
def test_provider_is_recognised_by_its_issuer(issuer: str, name: str) -> None:
    assert quirks_for(issuer).name == name


def test_configured_name_wins_over_what_is_recognised() -> None:
    assert quirks_for("https://id.corp.example", "entra").domain_verified_claim == "xms_edov"
    assert quirks_for("https://id.corp.example", "something").name == "something"


@pytest.mark.parametrize("name", [*FACTS, None])
def test_no_name_makes_an_issuer_of_everybody_an_organisations_own(name: str | None) -> None:
    google = quirks_for("https://accounts.google.com", name)
    assert (google.multi_tenant, google.hosted_domain) == (True, True)
    assert quirks_for("https://login.microsoftonline.com/common/v2.0", name).multi_tenant


@pytest.mark.parametrize("name", FACTS)
def test_every_known_provider_has_a_hint_for_missing_groups(name: str) -> None:
    assert quirks_for("https://id.corp.example", name).groups_hint.endswith(".")


def test_quirks_hold_no_switch_that_turns_a_check_off() -> None:
    assert {field.name for field in dataclasses.fields(Quirks)} == {
        "name",
        "multi_tenant",
        "hosted_domain",
        "groups_scope",
        "groups_hint",
        "auth_time",  # asks prompt=login in place of a max_age that could not be checked
        "domain_verified_claim",
        "assertion_audience",
    }


@pytest.mark.parametrize(
    ("name", "says"), [("google", False), ("entra", False), ("keycloak", True), ("generic", True)]
)
def test_providers_that_never_say_when_somebody_signed_in_are_known(name: str, says: bool) -> None:
    assert quirks_for("https://id.corp.example", name).auth_time is says
