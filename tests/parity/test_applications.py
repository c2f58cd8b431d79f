"""What becomes of an application's own requests and answers: headers, cookies, caching, failures."""

from __future__ import annotations

import pytest

from support import HTML, JSON, Application, Site, parity

# -- the request -------------------------------------------------------------------------------------------------

SPELLINGS = [
    "X-Forwarded-User", "x-forwarded-user", "X_Forwarded_User", "X.Forwarded-User", "X-FORWARDED_USER",
    "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username", "X-Auth-Request-Email",
    "X-WEBAUTH-USER", "X-Remote-User", "Remote-User", "Remote_User", "X-Goog-Authenticated-User-Email",
    "X-Pomerium-Jwt-Assertion", "Cf-Access-Jwt-Assertion", "X-MS-CLIENT-PRINCIPAL-NAME", "X-Amzn-Oidc-Identity",
]  # fmt: skip


@parity
@pytest.mark.parametrize("target", ["/dash/x", "/public/x", "/api/x/y"])
@pytest.mark.parametrize("name", SPELLINGS)
def test_an_inbound_identity_header_never_reaches_the_application(site: Site, name: str, target: str) -> None:
    if site.adapter == "wsgi" and "." in name:
        name = name.replace(".", "_")
    for cookies in (site.signed_in(), {}):
        site.ask(target, headers={name: "root"}, cookies=cookies)
    for seen in site.app.seen:
        assert "root" not in seen.headers.values()
        assert "root" not in [value for value in seen.raw.values() if isinstance(value, str)]
    assert site.app.seen or target == "/nowhere"


@parity
def test_a_preflight_brings_no_identity_header_either(site: Site) -> None:
    headers = {"Origin": "https://spa.example", "Access-Control-Request-Method": "PUT", "Remote-User": "root"}
    site.ask("/api/x/y", "OPTIONS", headers=headers)
    assert "remote-user" not in site.app.seen[0].headers


@parity(strip_headers=["X-Own-*"])
def test_configuration_says_which_headers_are_taken_off(site: Site) -> None:
    site.ask("/public/x", headers={"X-Own-Id": "root", "X_OWN_ROLE": "root", "X-Other": "kept"})
    seen = site.app.seen[0].headers
    assert "root" not in seen.values()
    assert seen["x-other"] == "kept"


@parity(identity_headers=["X-Forwarded-User={email}", "X-Groups={groups}", "X-Who={principal}"])
def test_identity_headers_are_bridged_where_that_is_wanted(site: Site) -> None:
    headers = {"X-Forwarded-User": "root", "x_groups": "admins", "X-Who": "login/root"}
    site.ask("/dash/x", headers=headers, cookies=site.signed_in("alice", ("sre", "finance")))
    seen = site.app.seen[0].headers
    assert (seen["x-forwarded-user"], seen["x-groups"], seen["x-who"]) == (
        "alice@corp.example", "finance,sre", "login/alice",
    )  # fmt: skip
    site.ask("/public/x", headers=headers)
    seen = site.app.seen[1].headers
    assert {"x-forwarded-user", "x-groups", "x-who"} & set(seen) == set()


@parity(identity_headers=["X-Forwarded-User={email}", "X-Who={principal}"])
def test_an_address_that_nobody_vouches_for_is_not_bridged(site: Site) -> None:
    site.ask("/dash/x", cookies=site.signed_in("mallory", email="alice@corp.example", email_verified=False))
    seen = site.app.seen[0].headers
    assert (seen["x-forwarded-user"], seen["x-who"]) == ("", "login/mallory")


@parity(identity_headers=["X-Forwarded-User={email}"], email_verified="ignored")
def test_where_verification_is_ignored_it_is(site: Site) -> None:
    site.ask("/dash/x", cookies=site.signed_in("alice", email_verified=False))
    assert site.app.seen[0].headers["x-forwarded-user"] == "alice@corp.example"


@parity
def test_the_applications_own_headers_and_cookies_stay(site: Site) -> None:
    cookies = {**site.signed_in(), "sessionid": "own", "theme": "dark"}
    site.ask("/dash/x", headers={"Authorization": "Basic eDp5", "X-Custom": "1"}, cookies=cookies)
    seen = site.app.seen[0].headers
    assert "sessionid=own; theme=dark" in seen["cookie"]
    assert seen["authorization"] == "Basic eDp5"
    assert seen["x-custom"] == "1"


# -- the answer --------------------------------------------------------------------------------------------------


def answering(*headers: tuple[str, str]) -> object:
    return lambda: Application(headers=headers, chunks=(b"one", b"two"))


@parity(
    app=answering(
        ("Content-Type", "text/plain"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Own", "ü")
    )
)
def test_an_answer_keeps_its_headers_and_cookies(site: Site) -> None:
    answer = site.ask("/dash/x", cookies=site.signed_in(idle=61))
    assert answer.body == b"onetwo"
    assert answer.header_list("set-cookie")[:2] == ["a=1", "b=2"]
    assert len(answer.header_list("set-cookie")) == 3
    assert answer.header("x-own") == "ü"
    assert answer.header("content-type") == "text/plain"


CACHING = {
    "nothing": ([], "private, no-store"),
    "a validator": ([("ETag", '"1"')], "private, no-cache"),
    "its own": ([("Cache-Control", "private, max-age=60")], "private, max-age=60"),
    "no-store": ([("Cache-Control", "no-store")], "no-store"),
    "for everybody": ([("Cache-Control", "public, max-age=60, s-maxage=600")], "private, max-age=60"),
}


@parity
@pytest.mark.parametrize("name", CACHING)
def test_answers_with_an_identity_are_kept_from_shared_caches(site: Site, name: str) -> None:
    site.app.headers, expected = CACHING[name]
    answer = site.ask("/dash/x", cookies=site.signed_in())
    assert answer.header("cache-control") == expected
    assert answer.header("vary") == "Cookie, Authorization"


@parity(app=answering(("Cache-Control", "public, max-age=60"), ("Vary", "Accept")))
def test_public_answers_to_nobody_are_untouched(site: Site) -> None:
    answer = site.ask("/public/x")
    assert answer.headers == [("cache-control", "public, max-age=60"), ("vary", "Accept")]


@parity(app=answering(("Cache-Control", "public, max-age=60"), ("Vary", "Accept")))
def test_public_answers_to_somebody_vary(site: Site) -> None:
    answer = site.ask("/public/x", cookies=site.signed_in())
    assert answer.header("cache-control") == "public, max-age=60"
    assert answer.header("vary") == "Accept, Cookie, Authorization"


@parity
@pytest.mark.parametrize(
    "target", ["/dash/x", "/admin", "/_idaware/me", "/_idaware/login", "/nowhere", "/a//b"]
)
def test_answers_of_ours_are_never_stored(site: Site, target: str) -> None:
    for accept in (HTML, JSON):
        assert site.ask(target, accept=accept).header("cache-control") == "no-store"


# -- when it fails -------------------------------------------------------------------------------------------------


@parity(app=lambda: Application(fails_before=RuntimeError("broken")))
def test_an_application_that_fails_is_recorded_and_its_exception_goes_on(site: Site) -> None:
    answer = site.ask("/dash/x", cookies=site.signed_in())
    assert isinstance(answer.error, RuntimeError)
    assert answer.status is None
    assert answer.decided == ("allow", "allowed_by_rule")
    assert (answer.record["status"], answer.record["error"]) == (None, "RuntimeError")


@parity(app=lambda: Application(chunks=(b"one", b"two"), fails_after=RuntimeError("broken")))
def test_an_application_that_fails_half_way_was_recorded_before(site: Site) -> None:
    answer = site.ask("/dash/x", cookies=site.signed_in())
    assert isinstance(answer.error, RuntimeError)
    assert answer.body == b"one"
    assert answer.record["status"] == 200
    assert "error" not in answer.record


@parity(app=lambda: Application(silent=True))
def test_an_application_that_never_answers_is_recorded(site: Site) -> None:
    answer = site.ask("/dash/x", cookies=site.signed_in())
    assert answer.status is None
    assert answer.record["status"] is None


@parity(app=lambda: Application(status=503, chunks=(b"later",)))
def test_the_record_says_what_the_application_answered(site: Site) -> None:
    answer = site.ask("/dash/x", cookies=site.signed_in())
    assert (answer.status, answer.record["status"], answer.record["decision"]) == (503, 503, "allow")


@parity(app=lambda: Application(chunks=(b"",) * 3 + (b"x" * 10_000,) * 5))
def test_a_stream_is_recorded_before_its_first_byte(site: Site) -> None:
    recorded: list[int] = []
    site.sink.subscribe(lambda record: recorded.append(len(site.answers)))
    answer = site.ask("/dash/x", cookies=site.signed_in())
    assert len(answer.body) == 50_000
    assert recorded == [0, 0], "started, decision"
