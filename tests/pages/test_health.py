"""What probes read."""

from __future__ import annotations

import json

import pytest

from idaware.pages import Pages, Part

OK = Part("policy", "ok")
DOWN = Part("provider", "unavailable", "timed out")


def test_healthz_says_that_the_process_answers() -> None:
    page = Pages().healthz()
    assert (page.status, json.loads(page.body)) == (200, {"status": "ok"})
    assert dict(page.headers)["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("ready", "parts", "status", "word"),
    [
        (True, [OK], 200, "ok"),
        (True, [OK, DOWN], 200, "degraded"),
        (False, [OK], 503, "unavailable"),
        (False, [DOWN], 503, "unavailable"),
        (True, [], 200, "ok"),
    ],
    ids=["all well", "provider down", "not ready", "not ready and provider down", "nothing looked at"],
)
def test_readyz_is_503_only_while_not_ready(ready: bool, parts: list[Part], status: int, word: str) -> None:
    page = Pages().readyz(ready=ready, parts=parts)
    assert (page.status, json.loads(page.body)) == (status, {"status": word})


def test_readyz_details_are_for_those_who_may_know() -> None:
    body = json.loads(Pages().readyz(ready=True, parts=[OK, DOWN], detailed=True).body)
    assert body["parts"] == {
        "policy": {"status": "ok"},
        "provider": {"status": "unavailable", "message": "timed out"},
    }
    assert b"timed out" not in Pages().readyz(ready=True, parts=[OK, DOWN]).body
