"""Security rule 30: what is not used, or contradicted by another setting, stops the start."""

from __future__ import annotations

import hashlib

import pytest

HTTP = {"BASE_URL": "http://localhost:8000"}


# --- who may come in


def test_who_may_come_in_has_no_default(problems):
    assert problems({"ALLOW_GROUPS": None}) == {
        "IDAWARE_POLICY_FILE": "is missing, and so is every IDAWARE_ALLOW_*; expected a policy file, or a "
        "one-line policy such as IDAWARE_ALLOW_GROUPS=sre,finance"
    }


def test_an_allow_that_is_false_is_no_policy(problems):
    assert list(problems({"ALLOW_GROUPS": None, "ALLOW_SIGNED_IN": "false"})) == ["IDAWARE_POLICY_FILE"]


@pytest.mark.parametrize(
    "changes",
    [
        {"ALLOW_GROUPS": None, "POLICY_FILE": "policy.yaml", "POLICY_REQUIRE": "org-baseline"},
        {"ALLOW_GROUPS": None, "ALLOW_SIGNED_IN": "true"},
        {"ALLOW_EMAILS": "a@corp.example", "ALLOW_EMAIL_DOMAINS": "corp.example"},
    ],
    ids=["a file", "signed in", "groups, domains, addresses"],
)
def test_one_policy_is_enough(read, changes):
    read(changes)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOW_GROUPS", "sre"),
        ("ALLOW_EMAILS", "a@corp.example"),
        ("ALLOW_EMAIL_DOMAINS", "corp.example"),
        ("ALLOW_SIGNED_IN", "true"),
    ],
)
def test_a_one_line_policy_beside_a_policy_file_is_an_error(problems, name, value):
    found = problems({"ALLOW_GROUPS": None} | {"POLICY_FILE": "policy.yaml", name: value})
    assert list(found) == [f"IDAWARE_{name}"]
    assert "contradicts IDAWARE_POLICY_FILE" in found[f"IDAWARE_{name}"]


def test_signed_in_beside_groups_is_an_error(problems):
    assert list(problems({"ALLOW_SIGNED_IN": "true"})) == ["IDAWARE_ALLOW_SIGNED_IN"]


def test_rules_that_must_be_there_need_a_file(problems):
    assert list(problems({"POLICY_REQUIRE": "org-baseline"})) == ["IDAWARE_POLICY_REQUIRE"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOW_EMAILS", "corp.example"),
        ("ALLOW_EMAILS", "a@b@c"),
        ("ALLOW_EMAIL_DOMAINS", "@corp.example"),
        ("ALLOW_EMAIL_DOMAINS", "a@corp.example"),
        ("ALLOW_EMAIL_DOMAINS", "https://corp.example"),
    ],
)
def test_addresses_and_domains_are_told_apart(problems, name, value):
    assert list(problems({name: value})) == [f"IDAWARE_{name}"]


# --- issuers that anybody can sign in at

SHARED = [
    "https://accounts.google.com",
    "https://Accounts.Google.com/",
    "https://login.microsoftonline.com/common/v2.0",
    "https://login.microsoftonline.com/organizations/v2.0",
    "https://login.microsoftonline.com/consumers/v2.0",
    "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
    "https://gitlab.com",
]


@pytest.mark.parametrize("issuer", SHARED)
def test_signed_in_is_refused_where_anybody_can_sign_in(problems, issuer):
    found = problems({"ISSUER": issuer, "ALLOW_GROUPS": None, "ALLOW_SIGNED_IN": "true"})
    assert list(found) == ["IDAWARE_ALLOW_SIGNED_IN"]
    assert "anybody can sign in at this issuer" in found["IDAWARE_ALLOW_SIGNED_IN"]


@pytest.mark.parametrize("issuer", SHARED)
def test_unverified_addresses_are_refused_where_anybody_can_sign_in(problems, issuer):
    assert list(problems({"ISSUER": issuer, "EMAIL_VERIFIED": "ignored"})) == ["IDAWARE_EMAIL_VERIFIED"]


@pytest.mark.parametrize("issuer", SHARED)
def test_groups_are_fine_where_anybody_can_sign_in(read, issuer):
    assert read({"ISSUER": issuer}).issuer == issuer


@pytest.mark.parametrize(
    "issuer",
    [
        "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0",
        "https://sso.corp.example",
    ],
)
def test_an_issuer_of_one_organisation_may_let_everybody_in(read, issuer):
    settings = read(
        {"ISSUER": issuer, "ALLOW_GROUPS": None, "ALLOW_SIGNED_IN": "true", "EMAIL_VERIFIED": "ignored"}
    )
    assert settings.allow_signed_in


def test_another_provider_name_does_not_make_a_shared_issuer_ones_own(problems):
    found = problems(
        {"ISSUER": SHARED[0], "PROVIDER": "keycloak", "ALLOW_GROUPS": None, "ALLOW_SIGNED_IN": "true"}
    )
    assert set(found) == {"IDAWARE_ALLOW_SIGNED_IN", "IDAWARE_PROVIDER"}


@pytest.mark.parametrize(
    ("issuer", "provider"),
    [
        ("https://accounts.google.com", "google"),
        ("https://sso.corp.example/realms/corp", "keycloak"),
        ("https://corp.okta.com/oauth2/default", "okta"),
        ("https://sso.corp.example", "generic"),
    ],
)
def test_the_provider_is_recognised_from_the_issuer(read, issuer, provider):
    assert read({"ISSUER": issuer}).provider == provider


def test_a_provider_behind_a_name_of_its_own_can_be_named(read):
    assert read({"PROVIDER": "auth0"}).provider == "auth0"


def test_a_provider_that_the_issuer_contradicts_is_an_error(problems):
    found = problems({"ISSUER": "https://corp.okta.com", "PROVIDER": "auth0"})
    assert found == {
        "IDAWARE_PROVIDER": "holds 'auth0', but the issuer is one of okta; expected 'okta', or none"
    }


# --- client authentication


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_missing_client_secret_is_named(problems, method):
    found = problems({"CLIENT_SECRET": None, "CLIENT_AUTH": method})
    assert list(found) == ["IDAWARE_CLIENT_SECRET"]
    assert "IDAWARE_CLIENT_AUTH=none" in found["IDAWARE_CLIENT_SECRET"]


def test_a_missing_client_key_is_named(problems):
    found = problems({"CLIENT_SECRET": None, "CLIENT_AUTH": "private_key_jwt"})
    assert found == {
        "IDAWARE_CLIENT_KEY": "is missing; IDAWARE_CLIENT_AUTH=private_key_jwt needs it (or its _FILE)"
    }


@pytest.mark.parametrize("method", ["none", "private_key_jwt"])
def test_a_client_secret_that_is_not_used_is_an_error(problems, method):
    assert "IDAWARE_CLIENT_SECRET" in problems({"CLIENT_AUTH": method})


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_a_client_key_that_is_not_used_is_an_error(problems, method, pem):
    assert "IDAWARE_CLIENT_KEY" in problems({"CLIENT_AUTH": method, "CLIENT_KEY": pem})


@pytest.mark.parametrize(
    "changes",
    [
        {"CLIENT_AUTH": "client_secret_post"},
        {"CLIENT_AUTH": "none", "CLIENT_SECRET": None},
        {"CLIENT_AUTH": "private_key_jwt", "CLIENT_SECRET": None, "CLIENT_KEY": "a key"},
    ],
)
def test_each_method_takes_what_it_needs(read, changes, pem):
    given = {name: pem if value == "a key" else value for name, value in changes.items()}
    assert read(given).client_auth == changes["CLIENT_AUTH"]


# --- lifetimes


@pytest.mark.parametrize(
    ("changes", "lifetimes"),
    [
        ({}, (28_800, 3_600, 900, 3_600)),
        ({"SESSION_MAX": "30m"}, (1_800, 1_800, 450, 1_800)),
        ({"SESSION_STALE": "20m"}, (28_800, 3_600, 300, 1_200)),
        ({"SESSION_MAX": "7d", "SESSION_STALE": "1d"}, (604_800, 3_600, 900, 86_400)),
        ({"SESSION_MAX": "2m", "SESSION_STALE": "3s"}, (120, 120, 1, 3)),
        (
            {"SESSION_MAX": "1h", "SESSION_IDLE": "1h", "SESSION_STALE": "1h", "SESSION_REFRESH": "59m"},
            (3_600, 3_600, 3_540, 3_600),
        ),
    ],
)
def test_lifetimes_that_nobody_gave_follow_those_that_somebody_did(read, changes, lifetimes):
    settings = read(changes)
    assert lifetimes == (
        settings.session_max,
        settings.session_idle,
        settings.session_refresh,
        settings.session_stale,
    )


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"SESSION_IDLE": "9h"}, {"SESSION_IDLE"}),
        ({"SESSION_STALE": "9h"}, {"SESSION_STALE"}),
        ({"SESSION_REFRESH": "1h"}, {"SESSION_REFRESH"}),
        ({"SESSION_REFRESH": "2h"}, {"SESSION_REFRESH"}),
        ({"SESSION_STALE": "1s"}, {"SESSION_REFRESH"}),
        ({"SESSION_IDLE": "119s"}, {"SESSION_IDLE"}),
        ({"SESSION_MAX": "119s"}, {"SESSION_MAX"}),
    ],
)
def test_lifetimes_that_contradict_each_other_are_an_error(problems, changes, names):
    assert set(problems(changes)) == {f"IDAWARE_{name}" for name in names}


def test_what_could_not_be_read_is_one_problem_not_three(problems):
    assert list(problems({"SESSION_MAX": "8"})) == ["IDAWARE_SESSION_MAX"]
    assert list(problems({"SESSION_STALE": "8"})) == ["IDAWARE_SESSION_STALE"]
    assert list(problems({"BASE_URL": "x", "MODE": "off", "HOSTS": "a"})) == ["IDAWARE_BASE_URL"]
    assert list(problems({"CLIENT_ID": "a\nb"})) == ["IDAWARE_CLIENT_ID"]
    assert list(problems({"TRUSTED_ORIGINS": "x"})) == ["IDAWARE_TRUSTED_ORIGINS"]


# --- the base URL and what follows from it


@pytest.mark.parametrize("url", ["http://localhost:8000", "https://127.0.0.1", "http://[::1]:8000"])
def test_mode_off_is_for_loopback(read, url):
    assert read({"MODE": "off", "BASE_URL": url}).mode == "off"


def test_mode_off_is_refused_elsewhere(problems):
    assert list(problems({"MODE": "off"})) == ["IDAWARE_MODE"]


def test_mode_off_asks_for_everything_else_all_the_same(problems):
    assert list(problems({"MODE": "off", "ISSUER": None} | HTTP)) == ["IDAWARE_ISSUER"]


def test_form_post_needs_https(read, problems):
    assert read({"RESPONSE_MODE": "form_post"}).response_mode == "form_post"
    found = problems({"RESPONSE_MODE": "form_post"} | HTTP)
    assert "needs an https base URL" in found["IDAWARE_RESPONSE_MODE"]


@pytest.mark.parametrize(
    ("url", "secure", "origin", "base_path"),
    [
        ("https://billing.corp.example/tools/x/", True, "https://billing.corp.example", "/tools/x"),
        ("http://localhost:8000", False, "http://localhost:8000", ""),
    ],
)
def test_the_base_url_says_origin_path_and_security(read, url, secure, origin, base_path):
    settings = read({"BASE_URL": url})
    assert (settings.secure, settings.origin, settings.base_path) == (secure, origin, base_path)
    assert settings.redirect_uri == f"{origin}{base_path}/_idaware/callback"


def test_the_cookie_name_has_the_host_prefix_over_https_only(read):
    secure = hashlib.sha256(b"billing-admin\nhttps://billing.corp.example").hexdigest()[:8]
    plain = hashlib.sha256(b"billing-admin\nhttp://localhost:8000").hexdigest()[:8]
    assert read().cookie_name == f"__Host-idaware-{secure}"
    assert read(HTTP).cookie_name == f"idaware-{plain}"


def test_two_tools_on_one_host_have_two_cookies(read):
    names = {
        read().cookie_name,
        read({"CLIENT_ID": "other"}).cookie_name,
        read({"BASE_URL": "https://billing.corp.example/other"}).cookie_name,
    }
    assert len(names) == 3


@pytest.mark.parametrize("name", ["session", "__Secure-x", "__host-x", "x__Host-"])
def test_over_https_a_cookie_name_needs_the_host_prefix(problems, name):
    assert list(problems({"COOKIE_NAME": name})) == ["IDAWARE_COOKIE_NAME"]


@pytest.mark.parametrize("name", ["__Host-x", "__Secure-x", "__HOST-x", "__secure-x"])
def test_over_http_a_cookie_name_must_not_have_a_prefix_of_https(problems, name):
    assert list(problems({"COOKIE_NAME": name} | HTTP)) == ["IDAWARE_COOKIE_NAME"]


def test_a_cookie_name_can_be_given(read):
    assert read({"COOKIE_NAME": "__Host-billing"}).cookie_name == "__Host-billing"
    assert read({"COOKIE_NAME": "billing"} | HTTP).cookie_name == "billing"


def test_the_host_of_the_base_url_has_to_be_accepted(read, problems):
    assert read({"HOSTS": "Billing.corp.example,old.corp.example"}).hosts[1] == "old.corp.example"
    found = problems({"HOSTS": "old.corp.example"})
    assert "lacks 'billing.corp.example'" in found["IDAWARE_HOSTS"]


def test_the_host_follows_from_the_base_url_with_its_port(read):
    assert read(HTTP).hosts == ("localhost:8000",)


def test_our_own_origin_is_no_trusted_origin_of_others(read):
    settings = read({"TRUSTED_ORIGINS": "https://billing.corp.example,https://a.corp.example"})
    assert settings.trusted_origins == ("https://a.corp.example",)


def test_what_the_provider_knows_signs_no_session(read, problems, key):
    other = key[::-1]
    found = problems({"CLIENT_SECRET": key, "SECRET_KEYS": f"{other},{key}"})
    assert list(found) == ["IDAWARE_SECRET_KEYS"]
    assert "client secret" in found["IDAWARE_SECRET_KEYS"]
    assert key not in found["IDAWARE_SECRET_KEYS"]
    assert read({"CLIENT_SECRET": key, "SECRET_KEYS": other}).client_secret.reveal() == key


# --- audit, scopes


def test_hashing_needs_a_key_and_a_key_needs_hashing(read, problems, key):
    assert list(problems({"AUDIT_PRIVACY": "hash"})) == ["IDAWARE_AUDIT_KEY"]
    assert list(problems({"AUDIT_KEY": key})) == ["IDAWARE_AUDIT_KEY"]
    assert read({"AUDIT_PRIVACY": "hash", "AUDIT_KEY": key}).audit_key.reveal() == key


def test_the_audit_key_has_to_be_strong(problems):
    found = problems({"AUDIT_PRIVACY": "hash", "AUDIT_KEY": "changeme" * 5})
    assert "changeme" not in found["IDAWARE_AUDIT_KEY"]


def test_scopes_have_openid(problems):
    assert list(problems({"SCOPES": "profile,email"})) == ["IDAWARE_SCOPES"]


def test_a_contradiction_names_the_argument_that_was_given(problems):
    assert list(problems({}, {"session_idle": "9h"})) == ["session_idle="]
