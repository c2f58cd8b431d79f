"""Addresses, hosts, paths, cookies, headers, networks, sinks."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idaware.settings import web
from idaware.settings.kinds import MalformedError


@pytest.mark.parametrize(
    "issuer",
    [
        "https://login.corp.example",
        "https://login.corp.example/",
        "https://Login.Corp.example:8443/realms/Corp/",
        "https://login.corp.example//odd",
        "http://localhost:9000",
        "http://idp.localhost:9000",
        "http://127.0.0.1:9000",
        "http://[::1]:9000/x",
    ],
)
def test_an_issuer_is_kept_byte_for_byte(issuer):
    assert web.ISSUER.read(issuer) == issuer


BAD_ADDRESSES = [
    "",
    "login.corp.example",
    "http://login.corp.example",
    "http://10.0.0.1",
    "http://localhost.corp.example",
    "http://notlocalhost",
    "ftp://login.corp.example",
    "https://",
    "https:///x",
    "https:/login.corp.example",
    "https://login.corp.example?x=1",
    "https://login.corp.example#x",
    "https://user:pw@login.corp.example",
    "https://login.corp.example:0",
    "https://login.corp.example:65536",
    "https://login.corp.example:x",
    "https://login..corp.example",
    "https://.corp.example",
    "https://corp.example.",
    "https://-corp.example",
    "https://corp-.example",
    "https://" + ".".join(["a" * 60] * 5),
    "https://300.1.1.1",
    "https://1.2.3",
    "https://0x7f.1",
    "https://[::1",
    "https://[:::1]",
    "https://[1.2.3.4]",
    "https://lögin.example",
    "https://login.corp.example\\@evil.example",
    "https://login.corp.example/{tenantid}",
    "https://login.corp.example/a b",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("address", BAD_ADDRESSES)
@pytest.mark.parametrize("kind", [web.ISSUER, web.BASE_URL], ids=["issuer", "base URL"])
def test_what_is_no_safe_address_is_refused(kind, address):
    with pytest.raises(MalformedError):
        kind.read(address)


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("corp.example", "does not begin with https"),
        ("https://corp.example?x", "query"),
        ("https://corp.example#x", "fragment"),
        ("https://u@corp.example", "credentials"),
        ("http://corp.example", "loopback"),
        ("https://corp.example/a/../b", "clean segments"),
    ],
)
def test_a_refused_address_says_why(address, hint):
    with pytest.raises(MalformedError, match=hint):
        web.BASE_URL.read(address)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://Billing.Corp.Example", "https://billing.corp.example"),
        ("https://billing.corp.example/", "https://billing.corp.example"),
        ("https://billing.corp.example:443/tools/Billing/", "https://billing.corp.example/tools/Billing"),
        ("HTTPS://billing.corp.example:8443", "https://billing.corp.example:8443"),
        ("http://localhost:80", "http://localhost"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[0:0:0:0:0:0:0:1]:8000/a", "http://[::1]:8000/a"),
    ],
)
def test_a_base_url_has_one_spelling(given, kept):
    assert web.BASE_URL.read(given) == kept


@pytest.mark.parametrize("path", ["/a//b", "/./a", "/a/..", "/%2e%2e", "/a;b", "/a%20b", "/a:b", "/ä"])
def test_a_base_url_has_clean_segments(path):
    with pytest.raises(MalformedError):
        web.BASE_URL.read("https://billing.corp.example" + path)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("app.localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("[::1]", True),
        ("10.0.0.1", False),
        ("corp.example", False),
        ("localhost.corp.example", False),
        ("[2001:db8::1]", False),
    ],
)
def test_only_what_never_leaves_the_machine_is_loopback(host, loopback):
    assert web.is_loopback(host) is loopback


def test_an_address_knows_its_parts():
    address = web.parse_address("https://Corp.Example:8443/a")
    assert (address.netloc, address.origin) == ("corp.example:8443", "https://corp.example:8443")
    assert (address.path, address.loopback) == ("/a", False)


@pytest.mark.parametrize("path", ["/_idaware", "/a/b-c/d.e~f", "/..."])
def test_a_clean_path_is_read(path):
    assert web.PREFIX.read(path) == path
    assert web.ROOT_PATH.read(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "a",
        "/a/",
        "//a",
        "/a//b",
        "/.",
        "/a/../b",
        "/a?b",
        "/a#b",
        "/a%41",
        "/a b",
        "/a;b",
        "/{a}",
    ],
)
def test_a_path_that_is_not_clean_is_refused(path):
    with pytest.raises(MalformedError):
        web.PREFIX.read(path)


@pytest.mark.parametrize(
    ("host", "kept"),
    [
        ("Billing.Corp.Example", "billing.corp.example"),
        ("billing:8000", "billing:8000"),
        ("billing:443", "billing"),
        ("billing:80", "billing"),
        ("my_app", "my_app"),
        ("127.0.0.1:8000", "127.0.0.1:8000"),
        ("[::1]:8000", "[::1]:8000"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_a_host_has_one_spelling(host, kept):
    assert web.HOSTS.read(host) == (kept,)


@pytest.mark.parametrize(
    "host", ["*", "*.corp.example", "https://corp.example", "corp.example/", "a:99999", "bücher"]
)
def test_what_is_no_host_is_refused(host):
    with pytest.raises(MalformedError):
        web.HOSTS.read(host)


def test_origins_have_one_spelling():
    assert web.ORIGINS.read("https://A.example:443,http://localhost:3000") == (
        "https://a.example",
        "http://localhost:3000",
    )


@pytest.mark.parametrize(
    "origin", ["null", "*", "https://a.example/", "https://*.example", "http://a.example"]
)
def test_what_is_no_safe_origin_is_refused(origin):
    with pytest.raises(MalformedError):
        web.ORIGINS.read(origin)


@pytest.mark.parametrize("target", ["/", "/bye", "https://corp.example/bye", "http://localhost:8000/"])
def test_a_logout_may_end_on_a_path_or_an_https_address(target):
    assert web.LANDING.read(target) == target


@pytest.mark.parametrize(
    "target", ["//evil.example", "/\\evil.example", "http://corp.example", "javascript:alert(1)", "bye"]
)
def test_a_logout_ends_nowhere_else(target):
    with pytest.raises(MalformedError):
        web.LANDING.read(target)


@pytest.mark.parametrize(
    "link", ["https://iam.corp.example/request?app=billing#x", "http://go/access", "mailto:iam@corp.example"]
)
def test_a_link_on_our_pages_is_read(link):
    assert web.LINK.read(link) == link


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "data:text/html,x", "https://", "//x", 'https://x/"onclick=', "https://u@x/"],
)
def test_a_link_that_a_page_must_not_hold_is_refused(link):
    with pytest.raises(MalformedError):
        web.LINK.read(link)


@pytest.mark.parametrize("name", ["__Host-x", "idaware", "a.b_c-d"])
def test_a_cookie_name_is_a_token(name):
    assert web.COOKIE_NAME.read(name) == name


@pytest.mark.parametrize("name", ["a b", "a=b", "a;b", "a,b", 'a"b', "ä", "a" * 65, "[a]"])
def test_what_is_no_cookie_name_is_refused(name):
    with pytest.raises(MalformedError):
        web.COOKIE_NAME.read(name)


# --- headers


@given(st.text(alphabet="aA-_.", min_size=1))
def test_folding_leaves_one_spelling(name):
    assert set(web.fold_header(name)) <= {"a", "-"}
    assert web.fold_header(web.fold_header(name)) == web.fold_header(name)


@pytest.mark.parametrize(
    "name",
    [
        "x-forwarded-user",
        "x-forwarded-email",
        "x-forwarded-groups",
        "x-forwarded-preferred-username",
        "x-auth-request-user",
        "x-webauth-user",
        "x-remote-user",
        "remote-user",
        "x-goog-authenticated-user-email",
        "x-pomerium-claim-email",
        "cf-access-authenticated-user-email",
        "x-ms-client-principal",
        "x-ms-client-principal-name",
        "x-amzn-oidc-identity",
    ],
)
def test_the_shipped_list_has_the_identity_headers_of_known_front_doors(name):
    assert any(
        name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
        for pattern in web.STRIPPED_BY_DEFAULT
    )


def test_the_shipped_list_takes_nothing_away_that_http_needs():
    assert web.STRIP.read("default") == web.STRIPPED_BY_DEFAULT
    assert web.STRIP.read(list(web.STRIPPED_BY_DEFAULT)) == web.STRIPPED_BY_DEFAULT


def test_a_list_replaces_the_shipped_one_unless_it_names_it():
    assert web.STRIP.read("X_Corp.User,X-Old-*") == ("x-corp-user", "x-old-*")
    assert web.STRIP.read("default,X-Corp-User") == (*web.STRIPPED_BY_DEFAULT, "x-corp-user")


@pytest.mark.parametrize(
    "name", ["*", "X-*-User", "X User", "X:User", "Cookie", "co*", "HOST", "Content_Length"]
)
def test_a_header_that_cannot_be_stripped_is_refused(name):
    with pytest.raises(MalformedError):
        web.STRIP.read(name)


@pytest.mark.parametrize("text", ["none", "Off", "X-Own,none"])
def test_a_word_for_nothing_is_no_list_of_headers_to_strip(text):
    """It would take the shipped list away and strip a header of that name."""
    with pytest.raises(MalformedError):
        web.STRIP.read(text)


def test_identity_headers_are_read():
    read = web.IDENTITY_HEADERS.read("X-Forwarded-User={email},X-Id=u:{principal}/{user}")
    assert read == (("X-Forwarded-User", "{email}"), ("X-Id", "u:{principal}/{user}"))


@pytest.mark.parametrize(
    "value",
    [
        "X-User",
        "X-User=",
        "X-User=constant",
        "X-User={mail}",
        "X-User={email",
        "X-User={email}}",
        "X-User={{email}}",
        "X-User=ä{email}",
        "X User={email}",
        "Cookie={email}",
        "host={email}",
        "X-User={email},X_User={name}",
        "X-User*={email},",
    ],
)
def test_what_is_no_identity_header_is_refused(value):
    with pytest.raises(MalformedError):
        web.IDENTITY_HEADERS.read(value)


def test_login_parameters_are_read():
    assert web.LOGIN_PARAMS.read("hd=corp.example,kc_idp_hint=ad") == (
        ("hd", "corp.example"),
        ("kc_idp_hint", "ad"),
    )


@pytest.mark.parametrize("name", sorted(web.OWN_LOGIN_PARAMS))
def test_a_login_parameter_that_the_login_sets_itself_is_refused(name):
    with pytest.raises(MalformedError, match="set by the login itself"):
        web.LOGIN_PARAMS.read(f"{name.upper()}=x")


@pytest.mark.parametrize("value", ["hd=", "h d=x", "h&d=x", "hd=a,hd=b"])
def test_what_is_no_login_parameter_is_refused(value):
    with pytest.raises(MalformedError):
        web.LOGIN_PARAMS.read(value)


# --- networks, sinks, stores, algorithms


def test_proxies_are_networks_addresses_and_socket_files():
    assert web.PROXIES.read("10.0.0.0/8,::1,unix") == (
        ip_network("10.0.0.0/8"),
        ip_network("::1/128"),
        "unix",
    )


@pytest.mark.parametrize(
    ("value", "hint"),
    [("10.0.0.1/8", "did you mean '10.0.0.0/8'"), ("proxy", "neither a network"), ("*", "neither a network")],
)
def test_what_is_no_network_is_refused_with_a_hint(value, hint):
    with pytest.raises(MalformedError, match=hint):
        web.PROXIES.read(value)


def test_sinks_are_read():
    assert web.SINKS.read("stdout,file:/var/log/a.jsonl") == ("stdout", "file:/var/log/a.jsonl")


@pytest.mark.parametrize("sink", ["file:", "file:log", "file://host/x", "file:./x", "stderr", "http://x"])
def test_what_is_no_sink_is_refused(sink):
    with pytest.raises(MalformedError):
        web.SINKS.read(sink)


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "HS256", "hs512"])
def test_unsigned_and_shared_key_algorithms_are_refused_by_name(alg):
    with pytest.raises(MalformedError, match="is never accepted"):
        web.ALGS.read(f"RS256,{alg}")


@pytest.mark.parametrize("alg", ["RS1", "rs256", "A128KW", "ES256K"])
def test_other_algorithms_are_refused(alg):
    with pytest.raises(MalformedError, match="is none of them"):
        web.ALGS.read(alg)


@given(st.text(alphabet="https://[]:@?#.%a1-_\\ "))
def test_whatever_is_taken_for_an_address_has_one_reading(text):
    try:
        address = web.parse_address(text)
    except MalformedError:
        return
    assert address.host
    assert not set(address.origin + address.path) & set("@?#\\ ")
    assert web.parse_address(address.origin + address.path) == address
