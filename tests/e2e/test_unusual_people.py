"""People and days that are not the usual ones: three hundred groups, a provider that is down."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.chromium import Visitor
from e2e.providers import SignsPeopleIn
from e2e.running import free_port, wait_until
from e2e.tool import Tool
from idaware.devidp.people import directory_groups

NAMED = directory_groups(299)[::15]


@pytest.mark.parametrize("provider_name", ["development", "oidc-provider"])
def test_three_hundred_groups_of_which_twenty_are_named_fit(
    provider_name: str,
    provider_at: Callable[..., SignsPeopleIn],
    tool_at: Callable[..., Tool],
    visitor: Callable[..., Visitor],
    tmp_path: Path,
) -> None:
    port = free_port()
    policy = tmp_path / "policy.yaml"
    rules = [
        f"  - {{id: group-{number}, paths: [/dash/{number}], allow: {{groups: [{group}]}}}}"
        for number, group in enumerate(NAMED)
    ]
    policy.write_text("version: 1\nrules:\n" + "\n".join(rules) + "\n", "utf-8")
    provider = provider_at(provider_name, f"http://localhost:{port}")
    env = {"IDAWARE_POLICY_FILE": str(policy)}
    tool = tool_at("flask", "gunicorn", provider.issuer, port=port, env=env)
    dave = visitor()

    dave.go(tool.url("/dash/0"))
    provider.sign_in(dave.page, "dave")
    dave.page.wait_for_url(tool.url("/dash/0"))
    for number in range(len(NAMED)):
        assert dave.go(tool.url(f"/dash/{number}")) == 200
        assert dave.who == "dave@corp.example"
    assert set(dave.page.inner_text("#groups").split(", ")) == set(NAMED)
    assert (
        sum(len(name) + len(cookie["value"]) for name, cookie in dave.cookies(tool.base_url).items()) < 4096
    )
    record = tool.record_of("/dash/7")
    assert (record["groups_matched"], record["groups_total"]) == ([NAMED[7]], 300)
    dave.go(tool.url("/_idaware/me"))
    dave.saw("three-hundred-groups")


@pytest.mark.parametrize(
    ("framework", "server"), [("fastapi", "uvicorn"), ("flask", "gunicorn"), ("django", "waitress")]
)
def test_the_application_starts_while_its_provider_is_down_and_recovers_by_itself(
    framework: str,
    server: str,
    provider_at: Callable[..., SignsPeopleIn],
    tool_at: Callable[..., Tool],
    visitor: Callable[..., Visitor],
) -> None:
    port, provider_port = free_port(), free_port()
    tool = tool_at(framework, server, f"http://127.0.0.1:{provider_port}", port=port)
    alice = visitor()

    assert alice.go(tool.url("/open/page")) == 200, "what is public does not need it"
    assert alice.go(tool.url("/dash/today")) == 503
    alice.saw("provider-down")
    assert "Signing in is not possible right now" in alice.text

    provider = provider_at("development", tool.base_url, port=provider_port)

    def at_the_provider() -> bool:
        alice.go(tool.url("/dash/today"))
        return alice.page.url.startswith(provider.issuer)

    wait_until(at_the_provider, "the way to the provider that is back", seconds=30)
    provider.sign_in(alice.page, "alice")
    alice.page.wait_for_url(tool.url("/dash/today"))

    provider.stop()
    assert alice.go(tool.url("/dash/later")) == 200, "who is signed in stays so while it is down again"
    assert alice.go(tool.url("/_idaware/readyz")) == 200
    alice.saw("ready")
