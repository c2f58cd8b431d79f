"""``me``: as a page and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from idaware.identity import ANONYMOUS
from idaware.pages import Pages, Reach, SessionFacts
from idaware.pages.me import MOST_RULES_SHOWN

RULES = [
    Reach(rule_id="health", patterns=("/healthz", "/static/**"), answer="yes", public=True),
    Reach(rule_id="change", patterns=("/dash/**",), methods=("POST", "PUT"), answer="step_up"),
    Reach(rule_id="payroll", patterns=("/payroll/**",), answer="no"),
]


def session(now: float) -> SessionFacts:
    return SessionFacts(
        started=now - 3600,
        renews_at=now + 600,
        stale_at=now + 1200,
        idle_at=now + 1800,
        ends_at=now + 7 * 3600,
    )


def test_the_page_says_who_which_groups_what_and_how_long(pages, someone, parse, now) -> None:
    page = pages.me(
        identity=someone("kim"), now=now, json=False, session=session(now), reach=RULES, switch_url="/s"
    )
    parsed = parse(page)
    for fact in (
        "kim",
        "login/kim",
        "2 of your 9 groups matter here",
        "in 10 minutes",
        "in 20 minutes",
        "in 30 minutes",
        "in 7 hours",
        "1 minute ago",
        "/static/**",
        "POST, PUT",
        "any method",
        "After step-up",
        "public",
    ):
        assert fact in parsed.words, fact
    assert parsed.values("form", "action") == ["/tools/_idaware/logout"]
    assert "/s" in parsed.values("a", "href")


def test_nobody_gets_a_page_too(pages, parse, now) -> None:
    parsed = parse(pages.me(identity=ANONYMOUS, now=now, json=False, reach=RULES[:1], login_url="/l"))
    assert "You are not signed in" in parsed.words
    assert parsed.values("a", "href")[0] == "/l"
    assert "/healthz" in parsed.words
    assert parsed.count("form") == 0


@pytest.mark.parametrize(
    ("groups", "total", "words"),
    [
        (None, None, "Unknown"),
        (frozenset(), 3, "None that this application uses 0 of your 3 groups matter here"),
        (frozenset(), None, "None that this application uses"),
        (frozenset({"b", "a"}), 2, "a b"),
        (frozenset({"b", "a"}), 3, "a b 2 of your 3 groups matter here"),
        (frozenset({"a"}), 3, "a 1 of your 3 groups matters here"),
    ],
    ids=["unknown", "none of three", "none", "all of them", "two of three", "one of three"],
)
def test_groups_as_they_are_known(pages, someone, parse, now, groups, total, words) -> None:
    kim = replace(someone("kim"), groups=groups, groups_total=total, amr=())
    parsed = parse(pages.me(identity=kim, now=now, json=False))
    assert words in parsed.words
    assert ("of your" in parsed.words) == ("of your" in words)


def test_missing_groups_are_told_here_too(pages, someone, parse, now) -> None:
    kim = replace(someone("kim"), groups=None)
    page = pages.me(identity=kim, now=now, json=False, groups_left_out="overage")
    assert "Your groups are missing" in parse(page).words


def test_what_is_not_known_is_not_listed(pages, someone, parse, now) -> None:
    kim = replace(someone("kim"), name=None, email=None, auth_time=None, amr=())
    parsed = parse(pages.me(identity=kim, now=now, json=False))
    for heading in ("Your session", "What you may reach", "E-mail", "Signed in with"):
        assert heading not in parsed.words, heading


@pytest.mark.parametrize(
    ("name", "email", "user", "heading"),
    [("N", "E", "U", "N"), (None, "E", "U", "E"), (None, None, "U", "U"), (None, None, "", "kim")],
)
def test_the_heading_is_the_best_name_there_is(
    pages, someone, parse, now, name, email, user, heading
) -> None:
    kim = replace(someone("kim"), name=name, email=email, user=user)
    assert parse(pages.me(identity=kim, now=now, json=False)).data["h1"] == [heading]


def test_a_long_policy_is_cut_on_the_page_and_whole_in_json(pages, someone, parse, now) -> None:
    many = [Reach(rule_id=f"r{at}", patterns=("/x",), answer="yes") for at in range(MOST_RULES_SHOWN + 5)]
    parsed = parse(pages.me(identity=someone("kim"), now=now, json=False, reach=many))
    assert "… and 5 more rules." in parsed.words
    assert parsed.count("tr") == MOST_RULES_SHOWN + 1
    body = json.loads(pages.me(identity=someone("kim"), now=now, json=True, reach=many).body)
    assert len(body["reach"]) == MOST_RULES_SHOWN + 5


def test_json_for_somebody(pages, someone, now) -> None:
    page = pages.me(
        identity=someone("kim"), now=now, json=True, session=session(now), reach=RULES, switch_url="/s"
    )
    assert dict(page.headers)["Content-Type"] == "application/json"
    body = json.loads(page.body)
    assert body["signed_in"] is True
    assert (body["principal"], body["groups"], body["groups_total"]) == ("login/kim", ["kim", "otherkim"], 9)
    assert body["auth_time"] == "2026-10-26T09:44:20Z"
    assert body["session"]["ends_at"] == "2026-10-26T16:45:20Z"
    assert body["reach"][1] == {
        "rule": "change",
        "patterns": ["/dash/**"],
        "methods": ["POST", "PUT"],
        "answer": "step_up",
        "public": False,
    }
    assert body["logout_url"] == "/tools/_idaware/logout"


def test_json_keeps_unknown_apart_from_empty(pages, someone, now) -> None:
    unknown = replace(someone("kim"), groups=None)
    empty = replace(someone("kim"), groups=frozenset())
    assert json.loads(pages.me(identity=unknown, now=now, json=True).body)["groups"] is None
    assert json.loads(pages.me(identity=empty, now=now, json=True).body)["groups"] == []


def test_json_for_nobody(now) -> None:
    body = json.loads(Pages().me(identity=ANONYMOUS, now=now, json=True, login_url="/l").body)
    assert body["signed_in"] is False
    assert (body["principal"], body["subject"], body["logout_url"], body["login_url"]) == (
        None,
        None,
        None,
        "/l",
    )
    assert set(body["session"].values()) == {None}
