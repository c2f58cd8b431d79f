"""Metadata: what is believed of it, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idaware.errors import ProviderMisbehaved
from idaware.oidc.discovery import MAX_URL_CHARS, discovery_url, is_loopback_url, parse_metadata

ISSUER = "https://op.example.com"
DOCUMENT: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/jwks",
}


def altered(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**DOCUMENT, **changes}.items() if value is not ...}


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://op.example.com", "https://op.example.com/.well-known/openid-configuration"),
        ("https://op.example.com/", "https://op.example.com/.well-known/openid-configuration"),
        (
            "https://op.example.com/realms/a",
            "https://op.example.com/realms/a/.well-known/openid-configuration",
        ),
        ("https://op.example.com/o/a/", "https://op.example.com/o/a/.well-known/openid-configuration"),
        ("https://op.example.com//", "https://op.example.com//.well-known/openid-configuration"),
    ],
)
def test_metadata_is_below_the_issuer_less_one_slash(issuer: str, url: str) -> None:
    assert discovery_url(issuer) == url


def test_optional_endpoints_may_be_absent_null_or_empty() -> None:
    metadata = parse_metadata(altered(userinfo_endpoint=None, end_session_endpoint=""), ISSUER)
    assert (metadata.userinfo_endpoint, metadata.end_session_endpoint) == (None, None)


def test_endpoints_may_be_elsewhere_and_hold_an_empty_segment_and_a_query() -> None:
    urls = {
        "authorization_endpoint": "https://login.example.net//authorize?tenant=a",
        "token_endpoint": "https://op.example.com:8443//token",
        "userinfo_endpoint": "https://graph.example.org/oidc/userinfo",
    }
    metadata = parse_metadata(altered(**urls), ISSUER)
    assert {name: getattr(metadata, name) for name in urls} == urls


@pytest.mark.parametrize(
    "issuer",
    [
        "https://op.example.com/",
        "https://OP.example.com",
        "http://op.example.com",
        "https://op.example.com:443",
        "https://evil.example",
        "https://op.example.com/realms/a",
        ["https://op.example.com"],
        None,
        ...,
    ],
)
def test_issuer_in_the_document_is_the_configured_one_byte_for_byte(issuer: Any) -> None:
    with pytest.raises(ProviderMisbehaved, match="IDAWARE_ISSUER"):
        parse_metadata(altered(issuer=issuer), ISSUER)


def test_other_issuer_is_not_taken_for_one_of_many_tenants() -> None:
    with pytest.raises(ProviderMisbehaved, match="exactly that"):
        parse_metadata(altered(issuer="https://evil.example"), ISSUER)


def test_issuer_of_many_tenants_is_explained() -> None:
    template = "https://login.microsoftonline.com/{tenantid}/v2.0"
    with pytest.raises(ProviderMisbehaved, match="tenant's id"):
        parse_metadata(altered(issuer=template), "https://login.microsoftonline.com/common/v2.0")


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize("value", [..., None, ""])
def test_endpoint_that_sign_in_needs_has_to_be_there(name: str, value: Any) -> None:
    with pytest.raises(ProviderMisbehaved, match=name):
        parse_metadata(altered(**{name: value}), ISSUER)


BAD_URLS: dict[str, Any] = {
    "without_tls": "http://op.example.com/x",
    "without_tls_on_this_machine": "http://localhost/x",
    "relative": "/x",
    "without_scheme": "//op.example.com/x",
    "another_scheme": "file:///etc/passwd",
    "script": "javascript:alert(1)",
    "no_host": "https:///x",
    "with_a_user": "https://op.example.com@evil.example/x",
    "with_a_fragment": "https://op.example.com/x#y",
    "with_a_backslash_in_the_path": "https://op.example.com/\\evil.example",
    "with_a_backslash": "https://op.example.com\\@evil.example/x",
    "with_a_space": "https://op.example.com/ x",
    "with_a_line_break": "https://op.example.com/x\r\nHost: evil",
    "beyond_ascii": "https://öp.example.com/x",
    "odd_port": "https://op.example.com:99999/x",
    "port_zero": "https://op.example.com:0/x",
    "open_bracket": "https://[::1/x",
    "too_long": "https://op.example.com/" + "x" * MAX_URL_CHARS,
    "a_number": 7,
    "a_list": ["https://op.example.com/x"],
}


@pytest.mark.parametrize(
    "name",
    ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint"],
)
@pytest.mark.parametrize("url", BAD_URLS.values(), ids=BAD_URLS)
def test_endpoint_that_is_no_clean_https_url_spoils_the_document(name: str, url: Any) -> None:
    with pytest.raises(ProviderMisbehaved, match=name):
        parse_metadata(altered(**{name: url}), ISSUER)


def loopback_document(issuer: str, endpoint: str) -> dict[str, Any]:
    return dict.fromkeys(DOCUMENT, endpoint) | {"issuer": issuer}


def test_plain_http_is_for_an_issuer_on_this_machine() -> None:
    issuer = "http://localhost:9000"
    metadata = parse_metadata(loopback_document(issuer, "http://localhost:9000/x"), issuer)
    assert metadata.token_endpoint == "http://localhost:9000/x"


@pytest.mark.parametrize(
    ("issuer", "endpoint"),
    [
        ("http://localhost:9000", "http://op.example.com/x"),
        ("http://op.example.com", "http://op.example.com/x"),
        ("http://op.example.com", "http://localhost/x"),
        ("https://localhost", "http://localhost/x"),
    ],
)
def test_plain_http_is_for_nothing_else(issuer: str, endpoint: str) -> None:
    with pytest.raises(ProviderMisbehaved, match="without https"):
        parse_metadata(loopback_document(issuer, endpoint), issuer)


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost/", True),
        ("http://LOCALHOST:9000/", True),
        ("http://idp.localhost/", True),
        ("http://127.0.0.1:9000", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:9000/", True),
        ("http://localhost.evil.example/", False),
        ("http://127.0.0.1.evil.example/", False),
        ("http://10.0.0.1/", False),
        ("http://2130706433/", False),
        ("/localhost", False),
    ],
)
def test_loopback_is_known_by_its_spelling(url: str, loopback: bool) -> None:
    assert is_loopback_url(url) is loopback


@pytest.mark.parametrize(("value", "promised"), [(True, True), (False, False), ("true", False), (1, False)])
def test_iss_in_responses_is_promised_by_true_alone(value: Any, promised: bool) -> None:
    document = altered(authorization_response_iss_parameter_supported=value)
    assert parse_metadata(document, ISSUER).iss_parameter_supported is promised


def test_lists_are_kept_for_the_check_command_alone() -> None:
    document = altered(scopes_supported=["openid", 7], claims_supported="sub", grant_types_supported=["x"])
    announced = parse_metadata(document, ISSUER).announced
    assert announced == {"scopes_supported": ("openid",), "claims_supported": ()}
    assert parse_metadata(DOCUMENT, ISSUER).announced == {}


@pytest.mark.parametrize("body", [None, [], "x", 7])
def test_document_that_is_no_object_is_refused(body: Any) -> None:
    with pytest.raises(ProviderMisbehaved, match="JSON object"):
        parse_metadata(body, ISSUER)


@given(
    st.dictionaries(
        st.sampled_from([*DOCUMENT, "userinfo_endpoint", "scopes_supported"]),
        st.none() | st.integers() | st.text(max_size=30) | st.text(max_size=20).map(lambda s: f"https://{s}"),
    )
)
@settings(max_examples=200, deadline=None)
def test_any_document_is_read_or_refused(changes: dict[str, Any]) -> None:
    try:
        metadata = parse_metadata({**DOCUMENT, **changes}, ISSUER)
    except ProviderMisbehaved:
        return
    assert metadata.token_endpoint.startswith("https://")
