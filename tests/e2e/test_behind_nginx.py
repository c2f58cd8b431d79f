"""Behind nginx: https outside and http inside, ``__Host-`` cookies, answers by form, applications below a prefix."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from e2e.chromium import Visitor
from e2e.providers import SignsPeopleIn
from e2e.running import Program, free_port
from e2e.tool import Tool

BEHIND_TLS = {"IDAWARE_TRUSTED_PROXIES": "127.0.0.1"}


@pytest.mark.parametrize(
    ("provider_name", "framework", "server"),
    [("oidc-provider", "fastapi", "uvicorn"), ("development", "flask", "gunicorn")],
)
@pytest.mark.parametrize("response_mode", ["query", "form_post"])
def test_a_sign_in_over_tls(
    response_mode: str,
    provider_name: str,
    framework: str,
    server: str,
    provider_at: Callable[..., SignsPeopleIn],
    tool_at: Callable[..., Tool],
    nginx_at: Callable[..., Program],
    visitor: Callable[..., Visitor],
) -> None:
    port = free_port()
    base_url = f"https://localhost:{port}"
    provider = provider_at(provider_name, base_url)
    env = {**BEHIND_TLS, "IDAWARE_RESPONSE_MODE": response_mode}
    tool = tool_at(framework, server, provider.issuer, base_url=base_url, env=env)
    nginx_at(port, [tool.port], tls=True)
    alice = visitor()

    alice.go(tool.url("/dash/today?week=7"))
    assert alice.page.url.startswith(provider.issuer)
    states = alice.cookies(base_url).values()
    assert {cookie["sameSite"] for cookie in states} == {"None" if response_mode == "form_post" else "Lax"}
    assert all(cookie["name"].startswith("__Host-") and cookie["secure"] for cookie in states)

    provider.sign_in(alice.page, "alice")
    alice.page.wait_for_url(tool.url("/dash/today?week=7"))
    assert alice.who == "alice@corp.example"
    cookies = alice.cookies(base_url)
    assert len(cookies) == 3, "the session, its activity, the count of sign-ins"
    for name, cookie in cookies.items():
        assert name.startswith("__Host-")
        # The count of sign-ins has to come with the provider's POST; it names nobody and opens nothing.
        samesite = "None" if name.endswith("-i") and response_mode == "form_post" else "Lax"
        assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (
            True,
            True,
            samesite,
            "/",
        )

    sent = alice.page.evaluate(
        "fetch('/dash/form', {method: 'POST', body: 'x'.repeat(1e6)}).then(a => a.json())"
    )
    assert sent == {"bytes": 1_000_000, "who": "alice@corp.example"}
    record = tool.record_of("/dash/today")
    assert (record["scheme"], record["client_ip"], record["host"]) == (
        "https",
        "127.0.0.1",
        f"localhost:{port}",
    )
    callback = tool.record_of("/_idaware/callback")
    assert callback["method"] == ("POST" if response_mode == "form_post" else "GET")


@pytest.mark.parametrize(
    ("framework", "server", "target", "env"),
    [
        pytest.param("fastapi", "hypercorn", "/", {}, id="nginx-takes-the-prefix-off"),
        pytest.param(
            "flask",
            "gunicorn",
            "",
            {"SCRIPT_NAME": "/tools/billing", "IDAWARE_ROOT_PATH": "/tools/billing"},
            id="the-server-takes-the-prefix-off",
        ),
    ],
)
def test_an_application_below_a_prefix(
    framework: str,
    server: str,
    target: str,
    env: dict[str, str],
    provider_at: Callable[..., SignsPeopleIn],
    tool_at: Callable[..., Tool],
    nginx_at: Callable[..., Program],
    visitor: Callable[..., Visitor],
) -> None:
    port = free_port()
    base_url = f"https://localhost:{port}/tools/billing"
    provider = provider_at("development", base_url)
    ready = "/_idaware/healthz" if target else "/tools/billing/_idaware/healthz"
    tool = tool_at(
        framework, server, provider.issuer, base_url=base_url, env={**BEHIND_TLS, **env}, ready=ready
    )
    nginx_at(port, [tool.port], tls=True, location="/tools/billing/", target=target)
    alice = visitor()

    alice.go(tool.url("/dash/today?week=7"))
    provider.sign_in(alice.page, "alice")
    alice.page.wait_for_url(tool.url("/dash/today?week=7"))
    assert alice.who == "alice@corp.example"

    assert alice.go(tool.url("/payroll/x")) == 403
    alice.page.click("text=My access")
    alice.page.wait_for_url(tool.url("/_idaware/me"))
    alice.saw("me-below-a-prefix")
    alice.page.click("button:has-text('Sign out')")
    alice.page.wait_for_url(f"{provider.issuer}/**")
    provider.confirm_sign_out(alice.page)
    alice.page.wait_for_url(tool.url("/_idaware/logged-out"))
    alice.page.click("text=Sign in again")
    provider.sign_in(alice.page, "alice")
    alice.page.wait_for_url(tool.url("/"))
    record = tool.record_of("/dash/today")
    assert (record["path"], record["mount"]) == ("/dash/today", env.get("SCRIPT_NAME", ""))
