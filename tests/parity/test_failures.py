"""When something inside fails: closed, recorded, logged once (security rule 28). And ``IDAWARE_MODE=off``."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from support import HTML, JSON, Site, parity


class Broken:
    """A part that raises whenever it is asked for anything."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"{name} is broken")


@parity
@pytest.mark.parametrize("part", ["policy", "_sessions"])
@pytest.mark.parametrize("accept", [HTML, JSON])
def test_a_part_that_raises_closes_the_request(site: Site, part: str, accept: str) -> None:
    setattr(site.runtime.gate, part, Broken())
    answer = site.ask("/dash/x", accept=accept, cookies=site.signed_in())
    assert answer.status == 500
    assert answer.decided == ("error", "internal_error")
    assert answer.record["error"] == "RuntimeError"
    assert answer.header("cache-control") == "no-store"
    assert "is broken" not in answer.text
    assert site.app.seen == []


@parity
@pytest.mark.parametrize("part", ["_answers", "_clock", "_recorder", "_visit"])
def test_not_even_being_able_to_refuse_opens_anything(site: Site, part: str) -> None:
    setattr(site.runtime.gate, part, Broken())
    answer = site.ask("/nowhere", accept=HTML)
    assert answer.status == 500
    assert answer.decided == ("error", "internal_error")
    assert answer.header("cache-control") == "no-store"
    assert site.app.seen == []


@parity
def test_a_flow_that_raises_closes_the_request(site: Site) -> None:
    def broken(endpoint: str) -> None:
        raise ValueError("broken")

    site.provider.before_answer = broken
    answer = site.ask("/dash/x", accept=HTML)
    assert answer.status == 500
    assert answer.decided == ("error", "internal_error")


@pytest.mark.parametrize("adapter", ["asgi", "wsgi"])
def test_what_fails_is_logged_once(adapter: str, caplog: pytest.LogCaptureFixture) -> None:
    site = Site(adapter)
    site.runtime.gate.policy = Broken()  # type: ignore[assignment]
    with caplog.at_level(logging.INFO, "idaware"):
        site.ask("/dash/x")
    (line,) = caplog.records
    assert line.levelname == "ERROR"
    assert line.exc_info is not None
    assert site.answers[0].record["request_id"] in line.getMessage()


@pytest.mark.parametrize("adapter", ["asgi", "wsgi"])
def test_what_clients_send_wrong_is_not_logged(adapter: str, caplog: pytest.LogCaptureFixture) -> None:
    site = Site(adapter, response_mode="form_post")
    with caplog.at_level(logging.INFO, "idaware"):
        site.ask("/_idaware/callback", "POST", body=b"x" * 70_000)
        site.ask("/a//b")
        site.ask("/nowhere")
    assert caplog.records == []


# -- off ---------------------------------------------------------------------------------------------------------

OFF = {"mode": "off", "base_url": "http://localhost:8000", "policy": None, "allow_groups": ["sre"]}


@pytest.mark.parametrize("adapter", ["asgi", "wsgi"])
class TestOff:
    """``parity`` gives each site a base URL of its own, which ``off`` refuses; so this runs at the root alone."""

    def test_nothing_is_decided_on_a_developers_machine(self, adapter: str) -> None:
        site = Site(adapter, **OFF)
        answer = site.ask("/anything", peer="127.0.0.1", headers={"Remote-User": "root"})
        assert answer.status == 200
        assert answer.decided == ("allow", "mode_off")
        assert answer.record["mode"] == "off"
        assert "remote-user" not in site.app.seen[0].headers
        assert answer.header("cache-control") is None

    @pytest.mark.parametrize(
        ("peer", "host"),
        [("203.0.113.9", "localhost:8000"), ("127.0.0.1", "billing.corp.example"), ("127.0.0.1", None)],
        ids=["another machine", "another name", "no name"],
    )
    def test_nobody_else_is_answered(self, adapter: str, peer: str, host: str | None) -> None:
        site = Site(adapter, **OFF)
        answer = site.ask("/anything", peer=peer, host=host)
        assert answer.status == 403
        assert answer.decided == ("deny", "host_unknown")
        assert site.app.seen == []

    @pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Forwarded-Proto"])
    def test_nobody_behind_a_proxy_on_this_machine_is_answered(self, adapter: str, header: str) -> None:
        """The peer is the proxy, and many a proxy asks for ``localhost``: everybody would be a local visitor."""
        site = Site(adapter, **OFF)
        answer = site.ask("/anything", peer="127.0.0.1", headers={header: "203.0.113.9"})
        assert answer.status == 403
        assert answer.decided == ("deny", "host_unknown")
        assert site.app.seen == []

    def test_it_is_said_loudly(self, adapter: str, caplog: pytest.LogCaptureFixture) -> None:
        site = Site(adapter, **OFF)
        site.ask("/", peer="127.0.0.1")
        site.ask("/", peer="127.0.0.1")
        assert [record.levelname for record in caplog.records] == ["CRITICAL"]


@parity
def test_the_first_request_says_that_the_process_guards(site: Site) -> None:
    first, second = site.ask("/public/x"), site.ask("/public/x")
    assert [record["kind"] for record in first.records] == ["started", "decision"]
    assert [record["kind"] for record in second.records] == ["decision"]
    started = first.records[0]
    assert started["bounds"]["session_stale_seconds"] == 3600
    assert started["policy_version"] == first.record["policy_version"]
