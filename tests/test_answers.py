"""How the gate's own answers look: addresses, pages or problems, close codes."""

from __future__ import annotations

from typing import Any

import pytest

from idaware.answers import Answers
from idaware.audit.record import Record
from idaware.pages import Page, Pages
from idaware.reasons import Reason
from idaware.request import Request
from idaware.visit import Visit
from support import HTML, JSON, Site

RECORD = Record()
BASE = "/apps/billing"


@pytest.fixture
def answers() -> Answers:
    return Answers(Site("asgi", "stripped").settings, Pages(prefix=f"{BASE}/_idaware", home=f"{BASE}/"))


def visit(path: str = "/dash/x", query: str = "", method: str = "GET", **headers: str) -> Visit:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    asked = Request(protocol="http", method=method, path=path, query=query, headers=given)
    return Visit(asked, 1.0, "req-1", None, "https", "billing.corp.example")


# -- addresses -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "query", "method", "expected"),
    [
        ("/dash/x", "", "GET", "/dash/x"),
        ("/dash/x", "a=1&b=%20", "HEAD", "/dash/x?a=1&b=%20"),
        ("/dash/ä b", "", "GET", "/dash/%C3%A4%20b"),
        ("/dash/x", "a=1", "POST", "/"),
        ("/_idaware/logout", "", "GET", "/"),
        ("/dash/x", "a=\x00", "GET", "/"),
        ("/dash/x", "a=" + "b" * 3000, "GET", "/"),
    ],
    ids=["path", "query", "encoded", "a form", "an endpoint of ours", "a control character", "too long"],
)  # fmt: skip
def test_a_sign_in_comes_back_to_the_request_where_it_can(
    answers: Answers, path: str, query: str, method: str, expected: str
) -> None:
    assert answers.next_of(visit(path, query, method)) == BASE + expected


def test_the_address_of_the_sign_in_leads_back(answers: Answers) -> None:
    assert answers.login_url(visit()) == f"{BASE}/_idaware/login?next={BASE}/dash/x"
    assert (
        answers.login_url(visit(query="a=1&b=2"))
        == f"{BASE}/_idaware/login?next={BASE}/dash/x%3Fa%3D1%26b%3D2"
    )
    assert answers.login_url(visit("/")) == f"{BASE}/_idaware/login"
    assert answers.login_url(visit("/"), switch=True) == f"{BASE}/_idaware/login?switch=1"
    assert answers.login_url(visit(), switch=True) == f"{BASE}/_idaware/login?next={BASE}/dash/x&switch=1"


@pytest.mark.parametrize(
    "target", [None, "", "https://evil.example/", "//evil.example", "/elsewhere", f"{BASE}/_idaware/logout"]
)
def test_what_may_not_be_gone_to_becomes_the_front_page(answers: Answers, target: str | None) -> None:
    assert answers.checked(target) == f"{BASE}/"
    assert answers.checked(f"{BASE}/dash/x?a=1") == f"{BASE}/dash/x?a=1"


# -- answers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({"accept": HTML}, "text/html; charset=utf-8"),
        ({"accept": JSON}, "application/problem+json"),
        ({}, "application/problem+json"),
    ],
    ids=["a person", "a program", "nobody says"],
)
def test_a_refusal_suits_whoever_asked(answers: Answers, headers: dict[str, Any], kind: str) -> None:
    refusal = answers.refusal(visit(**headers), 403, Reason.NO_RULE, RECORD, headers=[("Retry-After", "10")])
    found = dict(refusal.headers)
    assert found["Content-Type"] == kind
    assert (found["X-Request-ID"], found["Retry-After"]) == ("req-1", "10")
    assert (refusal.status, refusal.close_code, refusal.record) == (403, 4403, RECORD)


def test_a_challenge_says_where_to_sign_in(answers: Answers) -> None:
    challenge = answers.challenge(visit(), Reason.NO_IDENTITY, RECORD)
    assert (challenge.status, challenge.close_code) == (401, 4401)
    assert b"login_url" in challenge.body
    frame = answers.challenge(
        visit(accept=HTML, sec_fetch_dest="iframe", sec_fetch_mode="navigate"), Reason.NO_IDENTITY, RECORD
    )
    assert b"Sign in (opens a new tab)" in frame.body


def test_a_redirect_is_stored_nowhere_and_tells_no_referrer(answers: Answers) -> None:
    redirect = answers.redirect("/x", RECORD, set_cookies=("a=1", "b=2"), status=303)
    assert redirect.status == 303
    assert redirect.headers == [
        ("Location", "/x"),
        ("Cache-Control", "no-store"),
        ("Referrer-Policy", "no-referrer"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
    ]


def test_a_page_brings_its_headers_cookies_and_log(answers: Answers) -> None:
    respond = answers.respond(
        Page(200, [("Content-Type", "text/plain")], b"x"), RECORD, set_cookies=("a=1",), log="a line"
    )
    assert respond.headers == [("Content-Type", "text/plain"), ("Set-Cookie", "a=1")]
    assert (respond.body, respond.log) == (b"x", "a line")


def test_a_websocket_never_gets_a_page() -> None:
    asked = Request(protocol="websocket", method="WEBSOCKET", path="/x", headers={"accept": HTML})
    assert not Answers.wants_page(Visit(asked, 1.0, "req-1", None, "https", ""))
