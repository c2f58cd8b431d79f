"""What somebody who is refused gets: a page that helps, or problem details."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from idaware.pages import Pages
from idaware.reasons import Reason


def refuse(pages: Pages, **further):
    return pages.refusal(**{"status": 403, "reason": Reason.NOT_IN_ALLOW, "json": False} | further)


def test_the_page_says_who_what_which_rule_whom_to_ask_and_the_request_id(pages, someone, parse) -> None:
    page = refuse(
        pages,
        identity=replace(someone("kim"), name="Kim Larsen", email="kim@corp.example"),
        method="GET",
        path="/payroll/7",
        rule_id="payroll",
        rule_owner="people-ops@corp.example",
        request_id="01JD3W",
    )
    words = parse(page).words
    for fact in (
        "Kim Larsen",
        "kim@corp.example",
        "login/kim",
        "GET /payroll/7",
        "payroll",
        "people-ops@corp.example",
        "not_in_allow",
        "platform@corp.example",
        "01JD3W",
    ):
        assert fact in words, fact
    assert page.status == 403


def test_the_rule_s_own_reason_is_shown_line_by_line(pages, parse) -> None:
    parsed = parse(refuse(pages, rule_reason="Payroll only.\nAsk Maria."))
    assert "What the rule says" in parsed.words
    assert "Payroll only." in parsed.data["p"]
    assert "Ask Maria." in parsed.data["p"]


def test_ways_on_for_somebody_signed_in(pages, someone, parse) -> None:
    parsed = parse(refuse(pages, identity=someone("kim"), switch_url="/tools/_idaware/login?switch=1"))
    hrefs = parsed.values("a", "href")
    assert "https://access.corp.example/ask" in hrefs
    assert "/tools/_idaware/login?switch=1" in hrefs
    assert "/tools/_idaware/me" in hrefs
    assert parsed.data["a"][:3] == ["Request access", "Sign in as somebody else", "My access"]


@pytest.mark.parametrize("reason", [Reason.CROSS_SITE, Reason.STEP_UP_UNMET, Reason.NO_RULE])
def test_access_is_not_to_be_requested_where_it_would_not_help(pages, someone, parse, reason: Reason) -> None:
    assert "Request access" not in parse(refuse(pages, reason=reason, identity=someone("kim"))).words


def test_ways_on_for_nobody(pages, parse) -> None:
    page = refuse(pages, status=401, reason=Reason.NO_IDENTITY, login_url="/l?next=/", switch_url="/s")
    parsed = parse(page)
    assert parsed.values("a", "href")[0] == "/l?next=/"
    assert "/s" not in parsed.values("a", "href")
    assert "Nobody" in parsed.words


def test_whom_to_ask_falls_back_to_the_owner_of_the_rule(parse) -> None:
    parsed = parse(refuse(Pages(), rule_id="r", rule_owner="owner@corp.example"))
    assert "mailto:owner@corp.example" in parsed.values("a", "href")
    assert "Whom to ask" not in parse(refuse(Pages())).words


@pytest.mark.parametrize(
    ("left_out", "told"),
    [
        ("overage", "more groups than your provider puts into a sign-in"),
        ("not_granted", "were not shared"),
        ("malformed", "cannot be read"),
        ("absent", "said nothing about your groups"),
        ("something new", "said nothing about your groups"),
    ],
)
def test_missing_groups_are_told_exactly(pages, parse, left_out: str, told: str) -> None:
    further = {"reason": Reason.CLAIM_UNKNOWN, "groups_left_out": left_out}
    assert told in parse(refuse(pages, **further)).words
    body = json.loads(refuse(pages, json=True, **further).body)
    assert told in body["detail"]
    assert body["groups_left_out"] == left_out


def test_nothing_about_groups_where_they_were_not_what_failed(pages, parse) -> None:
    assert "groups" not in parse(refuse(pages)).words
    assert "groups_left_out" not in json.loads(refuse(pages, json=True).body)


def test_a_page_that_may_work_later_offers_to_try_again(pages, parse) -> None:
    down = {"status": 503, "reason": Reason.PROVIDER_UNAVAILABLE}
    assert "" in parse(refuse(pages, method="GET", **down)).values("a", "href")
    assert "" not in parse(refuse(pages, method="POST", **down)).values("a", "href")
    assert "" not in parse(refuse(pages, method="GET")).values("a", "href")


def test_a_request_without_a_method_is_shown_by_its_path(pages, parse) -> None:
    assert "You asked for /x" in parse(refuse(pages, path="/x")).words


def test_a_401_always_carries_a_challenge(pages) -> None:
    for as_json in (True, False):
        ours = refuse(pages, status=401, json=as_json)
        assert ("WWW-Authenticate", 'Bearer realm="idaware"') in ours.headers
        given = refuse(pages, status=401, json=as_json, headers=[("www-authenticate", 'Bearer error="x"')])
        assert [value for name, value in given.headers if name.lower() == "www-authenticate"] == [
            'Bearer error="x"'
        ]
    assert "WWW-Authenticate" not in dict(refuse(pages).headers)


def test_further_headers_are_carried(pages) -> None:
    for as_json in (True, False):
        assert ("Retry-After", "30") in refuse(
            pages, status=503, json=as_json, headers=[("Retry-After", "30")]
        ).headers


def test_problem_details_for_programs(pages) -> None:
    page = refuse(
        pages,
        json=True,
        status=401,
        reason=Reason.SESSION_STALE,
        rule_id="r",
        request_id="id",
        login_url="/l",
        detail="More.",
        rule_reason="Because.",
    )
    assert dict(page.headers)["Content-Type"] == "application/problem+json"
    assert page.status == 401
    assert json.loads(page.body) == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": f"{Reason.SESSION_STALE.sentence} More.",
        "reason": "session_stale",
        "rule": "r",
        "request_id": "id",
        "rule_reason": "Because.",
        "login_url": "/l",
    }


def test_problem_details_always_hold_reason_rule_and_request_id(pages) -> None:
    body = json.loads(refuse(pages, json=True, login_url="/l").body)
    assert (body["reason"], body["rule"], body["request_id"]) == ("not_in_allow", None, None)


def test_login_url_comes_with_a_401_only(pages) -> None:
    assert "login_url" not in json.loads(refuse(pages, json=True, login_url="/l").body)


def test_problem_details_say_nothing_about_who_is_signed_in(pages, someone) -> None:
    assert b"kim-the-secret" not in refuse(pages, json=True, identity=someone("kim-the-secret")).body


def test_a_rule_without_an_owner_is_shown_by_its_id(pages, parse) -> None:
    words = parse(refuse(pages, rule_id="payroll")).words
    assert "Rule payroll" in words
    assert "Owner" not in words
