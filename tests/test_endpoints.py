"""Our own endpoints, in what ``tests/parity`` does not ask through the adapters."""

from __future__ import annotations

from datetime import datetime

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idaware.endpoints import MAX_FORM_FIELDS, parse_query
from support import HTML, JSON, Browser, Site


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1&b=", {"a": ["1"], "b": [""]}),
        ("a=1&a=2", {"a": ["1", "2"]}),
        ("", {}),
        ("&".join(f"k{n}=1" for n in range(MAX_FORM_FIELDS + 1)), {}),
    ],
    ids=["blank kept", "every value", "nothing", "too many"],
)
def test_parameters_are_read_with_every_value(text: str, expected: dict[str, list[str]]) -> None:
    assert parse_query(text) == expected


@given(st.text(max_size=300))
def test_no_parameters_are_too_odd(text: str) -> None:
    assert all(values for values in parse_query(text).values())


REACH = """
version: 1
rules:
  - {id: writes, paths: ["/teams/{team}/**", /other], methods: [PUT, POST], allow: {groups: [sre]}}
  - {id: reads, paths: ["/teams/{team}/**"], methods: [GET], allow: {groups: [admins]}}
  - {id: sockets, paths: [/live], methods: [WEBSOCKET], allow: {groups: [sre]}}
  - {id: open, paths: [/**], allow: public}
"""


def test_reach_asks_each_rule_at_a_path_of_its_own() -> None:
    site = Site("asgi", policy=REACH)
    reach = site.ask("/_idaware/me", accept=JSON, cookies=site.signed_in()).json["reach"]
    answers = {entry["rule"]: entry["answer"] for entry in reach}
    assert answers == {"writes": "yes", "reads": "no", "sockets": "yes", "open": "yes"}


def test_a_login_by_form_needs_no_flow_of_its_own_once_the_provider_is_known() -> None:
    site = Site("wsgi")
    for _ in range(2):
        answer = site.ask("/_idaware/login", "POST", body=b"", accept=HTML)
        assert answer.status == 302
    assert site.provider.asked == ["discovery"]


def test_what_an_operator_should_know_is_logged_although_the_sign_in_worked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    site = Site("asgi")
    site.provider.id_token = {"email": ...}
    site.provider.faults["userinfo"] = httpx2.Response(403)
    assert Browser(site).get("/dash/x").status == 200
    assert "userinfo answered 403" in caplog.text


@pytest.mark.parametrize("idle", [0, 1800])
def test_me_counts_from_when_the_session_was_last_used(idle: int) -> None:
    site = Site("asgi")
    answer = site.ask("/_idaware/me", accept=JSON, cookies=site.signed_in(idle=idle))
    idle_at = datetime.fromisoformat(answer.json["session"]["idle_at"]).timestamp()
    assert idle_at == site.clock() - idle + site.settings.session_idle
