"""A whole working day in Chromium: sign in, be refused, step up, be renewed, sign out.

On a provider that nobody here wrote and on our own, against every framework and every server; each pair of framework
and server is met once, the providers take turns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from e2e.chromium import Visitor
from e2e.providers import SignsPeopleIn
from e2e.running import free_port, wait_until
from e2e.tool import Tool

REFRESH_SECONDS = 3

NOT_A_PAGE = ("/_idaware/healthz", "/favicon.ico")
"""What the test asks for when the server starts, and what the browser asks for without saying so."""

DEVELOPMENT, OIDC_PROVIDER = "development", "oidc-provider"

MATRIX = [
    (DEVELOPMENT, "fastapi", "uvicorn"),
    (DEVELOPMENT, "fastapi", "hypercorn"),
    (DEVELOPMENT, "django", "granian"),
    (DEVELOPMENT, "flask", "gunicorn"),
    (DEVELOPMENT, "django", "waitress"),
    (OIDC_PROVIDER, "django", "uvicorn"),
    (OIDC_PROVIDER, "django", "hypercorn"),
    (OIDC_PROVIDER, "fastapi", "granian"),
    (OIDC_PROVIDER, "django", "gunicorn"),
    (OIDC_PROVIDER, "flask", "waitress"),
    (OIDC_PROVIDER, "flask", "granian-wsgi"),
]


@pytest.mark.parametrize(("provider_name", "framework", "server"), MATRIX)
def test_a_day_at_work(
    provider_name: str,
    framework: str,
    server: str,
    provider_at: Callable[..., SignsPeopleIn],
    tool_at: Callable[..., Tool],
    visitor: Callable[..., Visitor],
) -> None:
    port = free_port()
    provider = provider_at(provider_name, f"http://localhost:{port}")
    tool = tool_at(
        framework,
        server,
        provider.issuer,
        port=port,
        env={"IDAWARE_SESSION_REFRESH": f"{REFRESH_SECONDS}s"},
    )
    alice = visitor()

    sign_in(alice, tool, provider)
    be_refused(alice, tool)
    look_at_me(alice, tool)
    if provider_name == DEVELOPMENT:
        step_up_with_a_second_factor(alice, tool, provider)
    be_renewed(alice, tool, provider)
    if provider_name == OIDC_PROVIDER:
        step_up_by_signing_in_again(alice, tool, provider)
    sign_out(alice, tool, provider)

    assert alice.complaints == []
    every_answer_has_its_record(alice, tool)
    no_secret_is_told(alice, tool)


def sign_in(alice: Visitor, tool: Tool, provider: SignsPeopleIn) -> None:
    alice.go(tool.url("/dash/today?week=7&day=mon%20day"))
    assert alice.page.url.startswith(provider.issuer)
    alice.saw("provider")
    provider.sign_in(alice.page, "alice")

    alice.page.wait_for_url(tool.url("/dash/today?week=7&day=mon%20day"))
    assert alice.page.inner_text("h1") == "Dash today"
    assert alice.who == "alice@corp.example"
    assert alice.page.inner_text("#groups") == "sre"
    alice.saw("signed-in")

    cookies = alice.cookies(tool.base_url)
    assert len(cookies) == 3, (
        "the session, its activity, the count of sign-ins; the state of the sign-in is gone"
    )
    assert all(cookie["httpOnly"] and cookie["sameSite"] == "Lax" for cookie in cookies.values())
    assert tool.record_of("/_idaware/callback", "login")["principal"] == "login/alice"


def be_refused(alice: Visitor, tool: Tool) -> None:
    told = alice.page.evaluate(
        "path => fetch(path).then(async a => [a.status, a.headers.get('content-type'), await a.json()])",
        "/payroll/api",
    )
    assert told[:2] == [403, "application/problem+json"]
    assert told[2]["reason"] == "not_in_allow"

    assert alice.go(tool.url("/payroll/2026")) == 403
    alice.saw("refused")
    for told in ("alice@corp.example", "payroll", "Salaries are for the payroll team alone.", "not_in_allow"):
        assert told in alice.text
    refusal = tool.record_of("/payroll/2026")
    assert (refusal["decision"], refusal["reason"], refusal["rule"]) == ("deny", "not_in_allow", "payroll")
    assert refusal["request_id"] in alice.text

    assert alice.go(tool.url("/nowhere/at/all")) == 403
    alice.saw("no-rule")
    assert tool.record_of("/nowhere/at/all")["reason"] == "no_rule"


def look_at_me(alice: Visitor, tool: Tool) -> None:
    assert alice.go(tool.url("/_idaware/me")) == 200
    assert "alice@corp.example" in alice.text
    alice.saw("me")


def step_up_with_a_second_factor(alice: Visitor, tool: Tool, provider: SignsPeopleIn) -> None:
    alice.go(tool.url("/vault/keys"))
    assert alice.page.url.startswith(provider.issuer)
    alice.saw("step-up-at-provider")
    provider.sign_in(alice.page, "alice", second_factor=False)
    alice.page.wait_for_url(tool.url("/vault/keys"))
    alice.saw("step-up-unmet")
    assert "step_up_unmet" in alice.text

    alice.page.click("text=Sign in as somebody else")
    provider.sign_in(alice.page, "alice", second_factor=True)
    alice.page.wait_for_url(tool.url("/vault/keys"))
    assert alice.page.inner_text("h1") == "Vault keys"
    alice.saw("stepped-up")


def be_renewed(alice: Visitor, tool: Tool, provider: SignsPeopleIn) -> None:
    """The session is renewed by the way, without a question; what the person asked for is what they see."""
    renewals = len(tool.records("session_refreshed"))
    provider.age_sign_ins(3600)
    before = alice.cookies(tool.base_url)

    def renewed() -> bool:
        assert alice.go(tool.url("/dash/renewed?n=1")) == 200
        return len(tool.records("session_refreshed")) > renewals

    wait_until(renewed, "a silent renewal", seconds=REFRESH_SECONDS + 15)
    assert alice.page.url == tool.url("/dash/renewed?n=1")
    assert alice.who == "alice@corp.example"
    alice.saw("renewed")
    after = alice.cookies(tool.base_url)
    assert before.keys() == after.keys()
    assert before != after


def step_up_by_signing_in_again(alice: Visitor, tool: Tool, provider: SignsPeopleIn) -> None:
    """The sign-in is an hour old and the page takes one of the last fifteen minutes."""
    alice.go(tool.url("/recent/changes"))
    assert alice.page.url.startswith(provider.issuer)
    alice.saw("step-up-at-provider")
    provider.sign_in(alice.page, "alice")
    alice.page.wait_for_url(tool.url("/recent/changes"))
    assert alice.page.inner_text("h1") == "Recent changes"
    alice.saw("stepped-up")
    steps_up = [record["reason"] for record in tool.records("decision") if record["decision"] == "step_up"]
    assert steps_up == ["step_up_required"]


def sign_out(alice: Visitor, tool: Tool, provider: SignsPeopleIn) -> None:
    assert alice.go(tool.url("/_idaware/logout")) == 200
    alice.saw("sign-out")
    alice.page.click("button:has-text('Sign out')")
    alice.page.wait_for_url(f"{provider.issuer}/**")
    alice.saw("sign-out-at-provider")
    assert tool.record_of("/_idaware/logout", "logout")["principal"] == "login/alice"
    provider.confirm_sign_out(alice.page)
    alice.page.wait_for_url(tool.url("/_idaware/logged-out"))
    alice.saw("signed-out")

    alice.go(tool.url("/dash/again"))
    assert alice.page.url.startswith(provider.issuer), "signed out here and there, so the provider asks again"
    alice.saw("asked-again")


def every_answer_has_its_record(alice: Visitor, tool: Tool) -> None:
    seen = Counter(alice.answered_by(tool.base_url))

    def recorded() -> Counter[tuple[str, str, int]]:
        found = ((r["method"], r["path"], r["status"]) for r in tool.records("decision"))
        return Counter(one for one in found if one[1] not in NOT_A_PAGE)

    wait_until(lambda: recorded().total() >= seen.total(), "a record for each answer", seconds=10)
    assert recorded() == seen


def no_secret_is_told(alice: Visitor, tool: Tool) -> None:
    told = tool.audit_path.read_text() + tool.program.log
    assert "Traceback" not in told
    codes = [answer.url.partition("code=")[2].partition("&")[0] for answer in alice.answers]
    cookies = [cookie["value"] for cookie in alice.context.cookies()]
    for secret in {*tool.secrets, *codes, *cookies} - {""}:
        assert secret not in told
