"""What people do besides: two tabs at once, the back button, second thoughts, a window that renews."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from e2e.chromium import Visitor
from e2e.providers import Development, SignsPeopleIn
from e2e.running import free_port
from e2e.tool import Tool

DEVELOPMENT, OIDC_PROVIDER = "development", "oidc-provider"


@pytest.fixture
def workplace(
    provider_at: Callable[..., SignsPeopleIn], tool_at: Callable[..., Tool]
) -> Callable[..., tuple[Tool, SignsPeopleIn]]:
    """A tool and its provider, by the provider's name."""

    def start(name: str, framework: str = "fastapi", server: str = "uvicorn") -> tuple[Tool, SignsPeopleIn]:
        port = free_port()
        provider = provider_at(name, f"http://localhost:{port}")
        return tool_at(framework, server, provider.issuer, port=port), provider

    return start


@pytest.mark.parametrize("name", [DEVELOPMENT, OIDC_PROVIDER])
def test_two_tabs_sign_in_at_once_and_each_comes_back_to_its_own_page(
    name: str, workplace: Callable[..., tuple[Tool, SignsPeopleIn]], visitor: Callable[..., Visitor]
) -> None:
    tool, provider = workplace(name)
    alice = visitor()
    second = alice.context.new_page()
    alice.go(tool.url("/dash/first?tab=1"))
    second.goto(tool.url("/dash/second?tab=2"))

    provider.sign_in(second, "alice")
    second.wait_for_url(tool.url("/dash/second?tab=2"))
    provider.sign_in(alice.page, "alice")
    alice.page.wait_for_url(tool.url("/dash/first?tab=1"))
    assert alice.who == "alice@corp.example"
    assert len(alice.cookies(tool.base_url)) == 3, "no state of a sign-in is left"
    assert alice.complaints == []


def test_the_back_button_and_a_repeated_callback_end_on_a_page_of_the_application(
    workplace: Callable[..., tuple[Tool, SignsPeopleIn]], visitor: Callable[..., Visitor]
) -> None:
    tool, provider = workplace(OIDC_PROVIDER, "flask", "waitress")
    alice = visitor()
    alice.go(tool.url("/dash/today"))
    provider.sign_in(alice.page, "alice")
    alice.page.wait_for_url(tool.url("/dash/today"))
    callback = next(answer.url for answer in alice.answers if "/callback?" in answer.url)

    assert alice.go(callback) == 200, "once more, while signed in"
    assert alice.page.url == tool.url("/")

    stranger = visitor()
    assert stranger.go(callback) == 400, "in another browser"
    stranger.saw("foreign-callback")
    assert "login_state_unknown" in stranger.text
    assert stranger.cookies(tool.base_url).keys() == {
        name for name in stranger.cookies(tool.base_url) if name[-2:] == "-f"
    }


def test_whoever_refuses_at_the_provider_is_told_and_may_try_again(
    workplace: Callable[..., tuple[Tool, SignsPeopleIn]], visitor: Callable[..., Visitor]
) -> None:
    tool, provider = workplace(DEVELOPMENT, "django", "gunicorn")
    alice = visitor()
    alice.go(tool.url("/dash/today"))
    alice.page.click("button[name=refuse]")
    alice.page.wait_for_url(f"{tool.base_url}/**")
    alice.saw("refused-at-provider")
    assert "login_refused_by_provider" in alice.text
    alice.page.click("text=Try again")
    provider.sign_in(alice.page, "alice")
    alice.page.wait_for_url(tool.url("/"))
    assert alice.who == "alice@corp.example"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("wrong_signature", "login_token_rejected"),
        ("wrong_nonce", "login_nonce_mismatch"),
        ("token_500", "provider_unavailable"),
    ],
)
def test_a_sign_in_that_goes_wrong_ends_on_a_page_and_the_next_one_works(
    fault: str,
    reason: str,
    workplace: Callable[..., tuple[Tool, Development]],
    visitor: Callable[..., Visitor],
) -> None:
    tool, provider = workplace(DEVELOPMENT)
    alice = visitor()
    provider.provider.faults.next_login(fault)
    alice.go(tool.url("/dash/today"))
    provider.sign_in(alice.page, "alice")
    alice.page.wait_for_url(f"{tool.base_url}/**")
    alice.saw(fault)
    assert reason in alice.text
    alice.go(tool.url("/dash/today"))
    assert alice.who == "alice@corp.example", "the provider still knows her"


@pytest.mark.parametrize("name", [DEVELOPMENT, OIDC_PROVIDER])
def test_a_window_renews_the_session_of_an_application_that_never_navigates(
    name: str, workplace: Callable[..., tuple[Tool, SignsPeopleIn]], visitor: Callable[..., Visitor]
) -> None:
    tool, provider = workplace(name)
    alice = visitor()
    alice.go(tool.url("/dash/board"))
    provider.sign_in(alice.page, "alice")
    alice.page.wait_for_url(tool.url("/dash/board"))
    before = alice.cookies(tool.base_url)

    with alice.context.expect_page() as opened:
        alice.page.evaluate(
            "window.heard = new Promise(tell => { const channel = new BroadcastChannel('idaware:/_idaware');"
            " channel.onmessage = event => tell(event.data); });"
            " window.child = window.open('/_idaware/renew', 'renew', 'popup'); null"
        )
    assert alice.page.evaluate("window.heard") == {"type": "idaware:renewed", "samePerson": True}
    if not opened.value.is_closed():
        opened.value.wait_for_event("close")
    assert alice.page.url == tool.url("/dash/board")
    assert alice.cookies(tool.base_url) != before
    assert alice.complaints == []


def test_somebody_else_may_sign_in_instead(
    workplace: Callable[..., tuple[Tool, SignsPeopleIn]], visitor: Callable[..., Visitor]
) -> None:
    tool, provider = workplace(DEVELOPMENT, "flask", "granian-wsgi")
    person = visitor()
    person.go(tool.url("/dash/today"))
    provider.sign_in(person.page, "carol")
    person.page.wait_for_url(tool.url("/dash/today"))
    assert "not_in_allow" in person.text
    person.page.click("text=Sign in as somebody else")
    person.saw("somebody-else")
    provider.sign_in(person.page, "bob")
    person.page.wait_for_url(tool.url("/dash/today"))
    assert person.who == "bob@corp.example"
    assert person.complaints == []
