"""Who an issuer belongs to, and whether anybody can sign in there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idaware.provider_facts import (
    FACTS,
    GENERIC,
    hosted_domain_checked,
    is_multi_tenant,
    recognise,
    recognise_host,
)


@pytest.mark.parametrize(
    ("issuer", "name"),
    [
        ("https://accounts.google.com", "google"),
        ("https://ACCOUNTS.google.com.:443/", "google"),
        ("https://x@accounts.google.com", "google"),
        ("https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0", "entra"),
        ("https://sts.windows.net/11111111-2222-3333-4444-555555555555/", "entra"),
        ("https://corp.ciamlogin.com/1/v2.0", "entra"),
        ("https://corp.okta.com/oauth2/default", "okta"),
        ("https://corp.eu.auth0.com/", "auth0"),
        ("https://gitlab.com", "gitlab"),
        ("https://gitlab.corp.example", "gitlab"),
        ("https://sso.corp.example/realms/corp", "keycloak"),
        ("https://sso.corp.example/auth/realms/corp/", "keycloak"),
        ("https://auth.corp.example/application/o/billing/", "authentik"),
        ("https://corp.example/dex", "dex"),
        ("https://accounts.google.com/realms/corp", "google"),
        ("https://accounts.google.com.evil.example", "generic"),
        ("https://okta.com.evil.example", "generic"),
        ("https://sso.corp.example/realms", "generic"),
        ("https://sso.corp.example", "generic"),
        ("nonsense", "generic"),
        ("", "generic"),
    ],
)
def test_an_issuer_is_recognised(issuer, name):
    assert recognise(issuer) == name


def test_a_path_is_no_sign_of_a_host():
    assert recognise_host("https://sso.corp.example/realms/corp") == GENERIC


@pytest.mark.parametrize(
    ("issuer", "provider", "shared"),
    [
        ("https://accounts.google.com", "google", True),
        ("https://accounts.google.com", "keycloak", True),
        ("https://accounts.google.com", "made-up", True),
        ("https://sso.corp.example", "google", True),
        ("https://login.microsoftonline.com/common/v2.0", "entra", True),
        ("https://login.microsoftonline.com/Organizations/v2.0", "generic", True),
        ("https://login.microsoftonline.com/consumers", "entra", True),
        ("https://login.microsoftonline.com//common/v2.0", "entra", True),
        ("https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0", "entra", False),
        ("https://sso.corp.example/common", "generic", False),
        ("https://gitlab.com", "gitlab", True),
        ("https://gitlab.corp.example", "gitlab", False),
        ("https://appleid.apple.com", "generic", True),
        ("https://sso.corp.example", "generic", False),
        ("https://corp.okta.com", "okta", False),
    ],
)
def test_whether_anybody_can_sign_in_is_known(issuer, provider, shared):
    assert is_multi_tenant(issuer, provider) is shared


@pytest.mark.parametrize(
    ("issuer", "provider", "checked"),
    [
        ("https://accounts.google.com", "google", True),
        ("https://accounts.google.com", "generic", True),
        ("https://sso.corp.example", "google", True),
        ("https://sso.corp.example", "keycloak", False),
        ("https://sso.corp.example", "made-up", False),
    ],
)
def test_whether_a_domain_needs_an_equal_hd_is_known(issuer, provider, checked):
    assert hosted_domain_checked(issuer, provider) is checked


@given(st.text(), st.sampled_from(sorted(FACTS)))
def test_random_issuers_are_somebodys(issuer, provider):
    assert recognise(issuer) in FACTS
    assert is_multi_tenant(issuer, provider) in (True, False)


@given(st.sampled_from(sorted(FACTS)))
def test_no_name_hides_that_an_issuer_is_shared(provider):
    assert is_multi_tenant("https://accounts.google.com", provider)
