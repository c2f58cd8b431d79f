"""What these tests stand on. Where Node, Chromium or nginx is missing, they say so and are skipped."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from e2e import chromium
from e2e.nginx import start_nginx
from e2e.providers import PROVIDER_SCRIPT, Development, OidcProvider, SignsPeopleIn
from e2e.running import Program
from e2e.tool import Tool, start_tool

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if chromium.EXECUTABLE is None:
        pytest.skip("Chromium is not installed (Debian: apt install chromium)")
    with chromium.chromium() as started:
        yield started


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    """What is put here is stopped at the end, the last first."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def visitor(
    browser: Browser, closing: ExitStack, request: pytest.FixtureRequest
) -> Callable[..., chromium.Visitor]:
    """Makes people with browsers: ``visitor()`` is one."""

    def make(**options: Any) -> chromium.Visitor:
        made = chromium.Visitor(browser, request.node.name.replace("/", "-"), **options)
        closing.callback(made.close)
        return made

    return make


@pytest.fixture
def provider_at(closing: ExitStack, tmp_path: Path) -> Callable[..., SignsPeopleIn]:
    """Starts a provider: ``provider_at("oidc-provider", base_url, ...)``."""

    def start(name: str, *base_urls: str, port: int = 0) -> SignsPeopleIn:
        provider: SignsPeopleIn
        if name == "development":
            provider = Development(*base_urls, port=port)
        else:
            if shutil.which("node") is None:
                pytest.skip("Node is not installed (Debian: apt install nodejs npm)")
            if not (PROVIDER_SCRIPT.parent / "node_modules" / "oidc-provider").exists():
                pytest.skip("npm's oidc-provider is not installed (npm ci in tests/e2e)")
            provider = OidcProvider(*base_urls, directory=tmp_path, port=port)
        closing.callback(provider.stop)
        return provider

    return start


@pytest.fixture
def tool_at(closing: ExitStack, tmp_path: Path) -> Callable[..., Tool]:
    """Starts an application: ``tool_at("flask", "gunicorn", issuer)``."""

    def start(framework: str, server: str, issuer: str, **options: Any) -> Tool:
        tool = start_tool(framework, server, issuer, tmp_path, **options)
        closing.callback(tool.program.stop)
        return tool

    return start


@pytest.fixture
def nginx_at(closing: ExitStack, tmp_path: Path) -> Callable[..., Program]:
    """Starts nginx: ``nginx_at(port, [port of a tool, ...])``."""

    def start(port: int, upstreams: Sequence[int], **options: Any) -> Program:
        executable = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
        if executable is None:
            pytest.skip("nginx is not installed (Debian: apt install nginx)")
        program = start_nginx(executable, tmp_path / "nginx", port, upstreams, **options)
        closing.callback(program.stop)
        return program

    return start
