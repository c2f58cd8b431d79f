"""Security rule 9: identity headers are taken off in every spelling; the gate reads exact names only."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idaware.http.headers import ENVIRON_IDENTITY_KEYS, READ_NAMES, STRIP, HeaderFilter
from idaware.settings import fold_header
from idaware.settings.web import STRIPPED_BY_DEFAULT

FAMILIES = [
    "X-Forwarded-User",
    "X-Forwarded-Email",
    "X-Forwarded-Groups",
    "X-Forwarded-Preferred-Username",
    "X-Auth-Request-User",
    "X-Auth-Request-Anything",
    "X-WEBAUTH-USER",
    "X-Remote-User",
    "Remote-User",
    "X-Goog-Authenticated-User-Email",
    "X-Goog-IAP-JWT-Assertion",
    "X-Pomerium-Jwt-Assertion",
    "Cf-Access-Jwt-Assertion",
    "X-MS-CLIENT-PRINCIPAL",
    "X-MS-CLIENT-PRINCIPAL-NAME",
    "X-Amzn-Oidc-Data",
    "X-Authentik-Username",
]


@pytest.fixture(scope="module")
def shipped():
    return HeaderFilter(STRIPPED_BY_DEFAULT, ("X-App.Identity",))


def spellings(name: str) -> list[str]:
    return [
        name,
        name.lower(),
        name.upper(),
        name.replace("-", "_"),
        name.replace("-", "."),
        name.replace("-", "_", 1),
        name.upper().replace("-", "_"),
    ]


@pytest.mark.parametrize("name", [*FAMILIES, "X-App-Identity"])
def test_identity_header_is_stripped_in_every_spelling(shipped, name):
    for spelling in spellings(name):
        scan = shipped.scan_asgi([(b"accept", b"*/*"), (spelling.encode(), b"root")])
        assert scan.strip == [1], spelling
        assert scan.headers == {"accept": "*/*"}
        environ_key = "HTTP_" + spelling.upper().replace("-", "_")
        assert shipped.scan_wsgi({environ_key: "root", "HTTP_ACCEPT": "*/*"}).strip == [environ_key], spelling


@pytest.mark.parametrize(
    "name",
    [b"cf-acce\xdf-jwt-assertion", b"remote-user ", b"\tremote-user", b"remote-user\x00", b"remote\xa0user", b""],
    ids=["a sharp s, SS in upper case", "a blank behind", "a tab before", "NUL", "a hard blank", "no name"],
)  # fmt: skip
def test_what_is_no_header_name_never_reaches_the_application(name):
    judge = HeaderFilter(())
    assert judge.scan_asgi([(b"accept", b"*/*"), (name, b"root")]).strip == [1]
    assert judge.scan_asgi([(b"x!#$%&'*+.^_`|~-1", b"x")]).strip == []


@pytest.mark.parametrize("key", ["HTTP_REMOTE_USER ", "HTTP_\tREMOTE_USER", "HTTP_REMOTE\xa0USER", "HTTP_"])
def test_what_is_no_header_name_in_an_environ_neither(key):
    assert HeaderFilter(()).scan_wsgi({key: "root", "HTTP_X": "x"}).strip == [key]


@settings(max_examples=200)
@given(
    name=st.sampled_from(FAMILIES),
    separators=st.lists(st.sampled_from("-_."), min_size=8, max_size=8),
    upper=st.lists(st.booleans(), min_size=40, max_size=40),
)
def test_no_spelling_slips_through(name, separators, upper):
    separator = iter(separators)
    spelled = "".join(next(separator) if character == "-" else character for character in name)
    spelled = "".join(c.upper() if up else c.lower() for c, up in zip(spelled, upper, strict=False))
    assert HeaderFilter(STRIPPED_BY_DEFAULT).verdict_asgi(spelled.encode()) is STRIP


@pytest.mark.parametrize(
    "name",
    [
        "x-forwarded-for",
        "x-forwarded-proto",
        "x-forwarded-host",
        "forwarded",
        "authorization",
        "cookie",
        "x-real-ip",
        "x-forwarded-username-hint",
        "x-users",
        "xforwarded-user",
    ],
)
def test_other_header_reaches_the_application(shipped, name):
    assert shipped.scan_asgi([(name.encode(), b"x")]).strip == []
    assert shipped.scan_wsgi({"HTTP_" + name.upper().replace("-", "_"): "x"}).strip == []


def test_name_without_a_star_is_whole_and_with_one_a_prefix():
    judge = HeaderFilter(("X-Me", "X_Us.*"))
    verdicts = {
        name: judge.verdict_asgi(name) for name in (b"x-me", b"x-men", b"x-us-", b"x-us-all", b"x-us")
    }
    assert verdicts == {b"x-me": STRIP, b"x-men": None, b"x-us-": STRIP, b"x-us-all": STRIP, b"x-us": None}


def test_empty_list_strips_nothing():
    assert HeaderFilter(()).scan_asgi([(b"x-forwarded-user", b"x")]).strip == []


def test_header_that_is_read_and_stripped_is_both():
    judge = HeaderFilter(("x-*", "user-agent"))
    scan = judge.scan_asgi(
        [(b"X-Request-ID", b"1"), (b"user_agent", b"2"), (b"x-request-id", b"3"), (b"x-a", b"4")]
    )
    assert scan.headers == {"x-request-id": "1, 3"}
    assert scan.repeated == {"x-request-id"}
    assert scan.strip == [0, 1, 2, 3]
    scan = judge.scan_wsgi({"HTTP_X_REQUEST_ID": "1", "HTTP_USER_AGENT": "2", "HTTP_X_A": "3"})
    assert scan.headers == {"x-request-id": "1", "user-agent": "2"}
    assert scan.strip == ["HTTP_X_REQUEST_ID", "HTTP_USER_AGENT", "HTTP_X_A"]


def test_asgi_scan_reads_what_the_gate_reads_and_weighs_everything(shipped):
    headers = [(b"host", b"h"), (b"accept-language", b"en"), (b"cookie", b"a=\xe9"), (b"x-unheard-of", b"12")]
    scan = shipped.scan_asgi(headers)
    assert scan.headers == {"host": "h", "cookie": "a=é"}
    assert scan.size_bytes == sum(len(name) + len(value) for name, value in headers)
    assert scan.repeated == frozenset()
    assert scan.strip == []
    assert shipped.scan_asgi(headers) == scan


def test_asgi_names_in_other_case_are_read():
    assert HeaderFilter(()).scan_asgi([(b"Host", b"h")]).headers == {"host": "h"}


@pytest.mark.parametrize("name", [b"sec_fetch_site", b"host ", b"x-forwarded_for", b"co\xf6kie"])
def test_asgi_name_that_only_resembles_one_is_not_read(shipped, name):
    assert shipped.scan_asgi([(name, b"x")]).headers == {}


def test_repeated_headers_are_joined_and_listed(shipped):
    scan = shipped.scan_asgi(
        [
            (b"host", b"a"),
            (b"cookie", b"x=1"),
            (b"host", b"b"),
            (b"cookie", b"y=2"),
            (b"x_vouch-user", b"u"),
            (b"te", b"t"),
        ]
    )
    assert scan.headers == {"host": "a, b", "cookie": "x=1; y=2"}
    assert scan.repeated == {"host", "cookie"}
    assert scan.strip == [4]
    assert scan.size_bytes == 44


@pytest.mark.parametrize(
    ("headers", "found", "repeated", "strip"),
    [
        pytest.param([(b"host", b"a"), (b"host", b"b")], {"host": "a, b"}, {"host"}, [], id="repeated"),
        pytest.param([(b"x-user", b"u"), (b"host", b"a")], {"host": "a"}, set(), [0], id="to be stripped"),
        pytest.param([(b"te", b"t"), (b"host", b"a")], {"host": "a"}, set(), [], id="ignored"),
        pytest.param([(b"host", b"a")], {"host": "a"}, set(), [], id="read"),
    ],
)
def test_asgi_names_seen_before_are_judged_as_at_first_sight(headers, found, repeated, strip):
    judge = HeaderFilter(("x-user",))
    for _ in range(2):
        scan = judge.scan_asgi(headers)
        assert (scan.headers, scan.repeated, scan.strip) == (found, repeated, strip)


@pytest.mark.parametrize(
    ("environ", "found", "strip"),
    [
        pytest.param(
            {"HTTP_X_USER": "u", "HTTP_HOST": "a"}, {"host": "a"}, ["HTTP_X_USER"], id="to be stripped"
        ),
        pytest.param({"HTTP_TE": "t", "HTTP_HOST": "a"}, {"host": "a"}, [], id="ignored"),
        pytest.param({"wsgi.version": (1, 0), "HTTP_HOST": "a"}, {"host": "a"}, [], id="no header"),
        pytest.param({"PATH_INFO": "/", "HTTP_HOST": "a"}, {"host": "a"}, [], id="no header, though text"),
    ],
)
def test_environ_keys_seen_before_are_judged_as_at_first_sight(environ, found, strip):
    judge = HeaderFilter(("x-user",))
    for _ in range(2):
        scan = judge.scan_wsgi(environ)
        assert (scan.headers, scan.strip) == (found, strip)
        headers = {key: value for key, value in environ.items() if key.startswith("HTTP_")}
        assert scan.size_bytes == sum(len(key) + len(value) for key, value in headers.items())


def test_wsgi_scan_reads_what_the_gate_reads_and_weighs_headers_only(shipped):
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/x" * 100,
        "CONTENT_TYPE": "text/plain",
        "CONTENT_LENGTH": "3",
        "HTTP_HOST": "h",
        "HTTP_ACCEPT_LANGUAGE": "en",
        "HTTP_CONTENT_TYPE": "text/html",
        "wsgi.input": object(),
        "HTTP_ODD": object(),
    }
    scan = shipped.scan_wsgi(environ)
    assert scan.headers == {"content-type": "text/plain", "content-length": "3", "host": "h"}
    names = ("CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_HOST", "HTTP_ACCEPT_LANGUAGE", "HTTP_CONTENT_TYPE")
    assert scan.size_bytes == sum(len(name) + len(environ[name]) for name in names) + len("HTTP_ODD")
    assert scan.repeated == frozenset()
    assert shipped.scan_wsgi(environ) == scan


def test_remote_user_of_the_environ_is_for_the_adapter():
    assert "REMOTE_USER" in ENVIRON_IDENTITY_KEYS
    assert HeaderFilter(STRIPPED_BY_DEFAULT).scan_wsgi({"REMOTE_USER": "root"}).strip == []


def test_what_decisions_need_is_read():
    assert {
        *("cookie", "authorization", "host", "origin", "upgrade", "access-control-request-method"),
        *("sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "sec-purpose", "purpose", "x-requested-with"),
        *("accept", "content-type", "content-length", "user-agent", "x-request-id", "traceparent"),
        *("forwarded", "x-forwarded-for", "x-forwarded-proto"),
    } == READ_NAMES


def test_every_name_that_is_read_is_read_through_both(shipped):
    asgi = shipped.scan_asgi([(name.encode(), b"v") for name in sorted(READ_NAMES)])
    cgi = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}
    environ = {cgi.get(name, "HTTP_" + name.upper().replace("-", "_")): "v" for name in READ_NAMES}
    assert asgi.headers == shipped.scan_wsgi(environ).headers == dict.fromkeys(READ_NAMES, "v")


def test_hostile_names_do_not_grow_memory_and_are_judged_all_the_same():
    judge = HeaderFilter(STRIPPED_BY_DEFAULT)
    for number in range(2000):
        judge.scan_asgi([(b"x-%d" % number, b"")])
        judge.scan_wsgi({f"HTTP_X_{number}": ""})
    judge.scan_asgi([(b"y" * 5000, b"")])
    assert len(judge._asgi) == len(judge._wsgi) == 512
    assert judge.scan_asgi([(b"x.vouch_user", b"u")]).strip == [0]
    assert judge.scan_wsgi({"HTTP_X.VOUCH_USER": "u"}).strip == ["HTTP_X.VOUCH_USER"]


def test_long_names_are_not_remembered():
    judge = HeaderFilter(())
    before = len(judge._asgi), len(judge._wsgi)
    judge.scan_asgi([(b"y" * 65, b"")])
    judge.scan_wsgi({"HTTP_" + "Y" * 65: ""})
    assert (len(judge._asgi), len(judge._wsgi)) == before


@given(st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=12)), max_size=6))
def test_any_asgi_headers_end_in_a_scan(headers):
    scan = HeaderFilter(STRIPPED_BY_DEFAULT).scan_asgi(headers)
    assert scan.size_bytes == sum(len(name) + len(value) for name, value in headers)
    assert set(scan.headers) <= READ_NAMES


@given(
    st.dictionaries(
        st.text(max_size=12) | st.text(max_size=8).map(lambda text: "HTTP_" + text), st.text(max_size=9)
    )
)
def test_any_environ_ends_in_a_scan(environ):
    assert set(HeaderFilter(STRIPPED_BY_DEFAULT).scan_wsgi(environ).headers) <= READ_NAMES


def test_default_patterns_are_folded():
    assert all(fold_header(pattern) == pattern for pattern in STRIPPED_BY_DEFAULT)
