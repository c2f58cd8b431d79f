"""Our registration at the provider does not fit: a wrong secret, a redirect URI that nobody registered.

On the development provider and on npm's ``oidc-provider``, which nobody here wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from bad_days.people import Person, Tool
from bad_days.ports import free_port
from idaware.devidp import Client, Clients, DevProvider
from idaware.devidp.server import start_provider

Start = Callable[..., Tool]
Check = Callable[[Tool], list[str]]
Log = Callable[[], list[str]]
Quoted = Callable[[str], None]

PAGE = (
    "This application could not sign you in",
    "Your provider did not accept what the application asked of it. Nothing is wrong with your account.",
    "The application's registration at the provider does not work. Its operators have to put it right.",
)


def registered_at(closing: ExitStack, base_url: str) -> DevProvider:
    """A provider that knows one client, with one redirect URI."""
    client = Client(
        client_id="my-tool", client_secret="dev-secret", redirect_uris=(f"{base_url}/_idaware/callback",)
    )
    provider, server = start_provider(
        lambda issuer: DevProvider(issuer=issuer, clients=Clients([client]), signing_alg="ES256")
    )
    closing.callback(server.stop)
    provider.auto_sign_in("alice")
    return provider


def test_a_wrong_secret_is_laid_at_the_operators_door(
    closing: ExitStack, tool_at: Start, alice: Person, log: Log, check: Check, quoted: Quoted
) -> None:
    port = free_port()
    base_url = f"http://127.0.0.1:{port}"
    tool = tool_at(registered_at(closing, base_url).issuer, port=port, client_secret="not-the-secret")
    page = alice.visit(tool.url + "/x")
    assert page.status == 503
    for sentence in PAGE:
        assert sentence in page.words
        quoted(sentence)
    assert "invalid_client" not in page.words, "details are for operators"
    failed = tool.last("login_failed")
    assert failed["reason"] == "login_client_refused"
    assert failed["error"] in log()[-1]
    assert "IDAWARE_CLIENT_SECRET" in log()[-1]
    assert tool.last()["decision"] == "error"
    (found,) = check(tool)
    quoted(found)


def test_after_three_tries_nobody_is_asked_about_cookies(
    tool_at: Start, provider: DevProvider, alice: Person
) -> None:
    tool = tool_at(provider.issuer)
    provider.faults.set("token_invalid_client")
    pages = [alice.visit(tool.url + "/x") for _ in range(3)]
    assert ["It failed three times within a minute" in page.words for page in pages] == [False, False, True]
    assert "cookies" not in pages[-1].words
    assert PAGE[1] in pages[-1].words


@pytest.mark.parametrize("fault", ["token_invalid_client", "token_empty", "token_invalid_grant"])
def test_nobody_is_told_that_they_cancelled_what_the_provider_refused_us(
    fault: str, tool_at: Start, provider: DevProvider, alice: Person
) -> None:
    tool = tool_at(provider.issuer)
    provider.faults.set(fault)
    words = alice.visit(tool.url + "/x").words
    assert PAGE[0] in words
    assert "cancelled" not in words
    provider.faults.clear()
    assert alice.visit(tool.url + "/x").text == "hello"


def test_a_redirect_uri_that_is_not_registered_stops_at_the_provider(
    closing: ExitStack, tool_at: Start, alice: Person, log: Log, check: Check, quoted: Quoted
) -> None:
    provider = registered_at(closing, "http://127.0.0.1:1")
    tool = tool_at(provider.issuer)
    page = alice.visit(tool.url + "/x")
    assert page.url.startswith(provider.issuer), "the provider keeps the person"
    assert page.status == 400
    assert log() == []
    assert [record["status"] for record in tool.records("decision")] == [302]
    (found,) = check(tool)
    assert found.startswith("redirect URI: the provider answered 400 instead of coming back")
    quoted(found.replace(tool.url, "https://billing.corp.example").replace("my-tool", "billing-admin"))


# -- at a provider that nobody here wrote ------------------------------------------------------------------------


@pytest.fixture
def foreign(closing: ExitStack, tmp_path: Path) -> Callable[[str], str]:
    """Starts npm's ``oidc-provider`` for a tool at this base URL; gives its issuer."""

    def start(base_url: str) -> str:
        pytest.importorskip("playwright.sync_api")
        from e2e.providers import PROVIDER_SCRIPT, OidcProvider

        if not (PROVIDER_SCRIPT.parent / "node_modules" / "oidc-provider").exists():
            pytest.skip("npm's oidc-provider is not installed (npm ci in tests/e2e)")
        provider = OidcProvider(base_url, directory=tmp_path)
        closing.callback(provider.stop)
        return provider.issuer

    return start


@pytest.mark.e2e
def test_a_foreign_provider_refuses_a_wrong_secret(
    foreign: Callable[[str], str], tool_at: Start, alice: Person, log: Log, check: Check
) -> None:
    port = free_port()
    issuer = foreign(f"http://localhost:{port}")
    tool = tool_at(issuer, host="localhost", port=port, client_id="e2e-tool", client_secret="not-the-secret")
    page = alice.submit(alice.visit(tool.url + "/x"), login="alice", password="any")
    page = alice.submit(page)
    assert page.status == 503
    assert PAGE[0] in page.words
    assert "401 invalid_client: client authentication failed; check IDAWARE_CLIENT_ID" in log()[-1]
    assert [line.partition(":")[0] for line in check(tool)] == ["client"]


@pytest.mark.e2e
def test_a_foreign_provider_keeps_whoever_comes_with_an_unknown_redirect_uri(
    foreign: Callable[[str], str], tool_at: Start, alice: Person, check: Check
) -> None:
    issuer = foreign("http://localhost:1")
    tool = tool_at(
        issuer, host="localhost", client_id="e2e-tool", client_secret="a-client-secret-for-e2e-tests-alone"
    )
    page = alice.visit(tool.url + "/x")
    assert page.url.startswith(issuer)
    assert "invalid_redirect_uri" in page.words
    assert [line.partition(":")[0] for line in check(tool)] == ["redirect URI"]
