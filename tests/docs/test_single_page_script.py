"""The script of the page on single-page applications, in Chromium, against the real gate and a provider."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bad_days.people import Clock, Tool, start_tool
from docs.blocks import ROOT, blocks_of
from idaware.devidp import DevProvider
from idaware.devidp.server import start_provider

pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install 'idaware[test]')")
from e2e import chromium

pytestmark = pytest.mark.e2e

_BLOCKS = list(blocks_of(ROOT / "docs" / "how-to" / "single-page-applications.md"))
SCRIPT = "\n".join(block.text for block in _BLOCKS if block.language == "js")
[BODY] = [block.text for block in _BLOCKS if block.language == "html"]
CLOCK = Clock()
PAGES = {
    "/": ("text/html", f"<!doctype html><title>Tool</title>{BODY}"),
    "/static/session.js": ("text/javascript", SCRIPT),
}
POLICY = """
version: 1
rules:
  - {id: page, paths: [/], methods: [GET, HEAD], allow: {groups: [sre]}}
  - {id: assets, paths: [/static/**, /favicon.ico], methods: [GET, HEAD], allow: public}
  - {id: api, paths: [/api/**], allow: {groups: [sre]}, unauthenticated: challenge}
"""


async def application(scope: Any, receive: Any, send: Any) -> None:
    kind, text = PAGES.get(scope["path"], ("application/json", '{"answer": 42}'))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind.encode())]})
    await send({"type": "http.response.body", "body": text.encode()})


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def provider(stack: ExitStack) -> DevProvider:
    provider, server = start_provider(
        lambda issuer: DevProvider(issuer=issuer, signing_alg="ES256", clock=CLOCK)
    )
    stack.callback(server.stop)
    provider.auto_sign_in("alice")
    return provider


@pytest.fixture
def tool(stack: ExitStack, provider: DevProvider, tmp_path: Path) -> Tool:
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    tool = start_tool(provider.issuer, tmp_path, application=application, clock=CLOCK)
    stack.callback(tool.server.stop)
    return tool


@pytest.fixture
def page(stack: ExitStack) -> Any:
    if chromium.EXECUTABLE is None:
        pytest.skip("Chromium is not installed (Debian: apt install chromium)")
    browser = stack.enter_context(chromium.chromium())
    visitor = chromium.Visitor(browser, "single-page")
    stack.callback(visitor.close)
    return visitor.page


def ask(page: Any) -> int:
    return int(page.evaluate("async () => (await ask('/api/x')).status"))


def test_a_page_that_never_loads_anew_renews_in_a_window(page: Any, tool: Tool) -> None:
    page.goto(tool.url + "/")
    assert ask(page) == 200
    assert page.locator("#sign-in-again").is_hidden()
    tool.clock.ahead_seconds += 3600
    assert ask(page) == 401
    with page.expect_popup() as popup:
        page.click("#renew")
    popup.value.wait_for_event("close")
    page.locator("#sign-in-again").wait_for(state="hidden")
    assert ask(page) == 200
    assert page.evaluate("minutesLeft()") > 30


def test_somebody_else_makes_the_page_load_anew(page: Any, tool: Tool, provider: DevProvider) -> None:
    page.goto(tool.url + "/")
    provider.auto_sign_in("judy")
    provider.state.memory.browsers.clear()
    tool.clock.ahead_seconds += 3600
    assert ask(page) == 401
    with page.expect_navigation():
        page.click("#renew")
    assert "judy@corp.example" in page.inner_text("body"), "who is told that this page is not for her"
