"""Several worker processes behind one socket: one person's session in all of them, one audit file for all of them."""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Event

import httpx2
import pytest

from e2e.providers import Development
from e2e.running import free_port, wait_until
from e2e.tool import Tool

PRELOADED = ("--preload",)  # the application is made before the fork; the command asks for two workers


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def provider(provider_at: Callable[..., Development], port: int) -> Development:
    """One at which every browser is alice."""
    started = provider_at("development", f"http://localhost:{port}")
    started.provider.auto_sign_in("alice")
    return started


@pytest.fixture
def alice() -> Iterator[httpx2.Client]:
    with httpx2.Client(follow_redirects=True, headers={"Accept": "text/html"}, trust_env=False) as client:
        yield client


def ask(tool: Tool, alice: httpx2.Client, times: int, stop: Event | None = None) -> list[int]:
    """Ask so many times, a connection each time, so that workers take turns; statuses of what was answered."""
    found = []
    for _ in range(times):
        if stop is not None and stop.is_set():
            break
        with suppress(httpx2.TransportError):  # the worker was killed just then
            found.append(alice.get(tool.url("/dash/x"), headers={"Connection": "close"}).status_code)
    return found


@pytest.mark.parametrize("framework", ["flask", "django"])
def test_forked_workers_share_sessions_and_the_audit_file(
    framework: str, provider: Development, port: int, tool_at: Callable[..., Tool], alice: httpx2.Client
) -> None:
    tool = tool_at(framework, "gunicorn", provider.issuer, port=port, options=PRELOADED)
    assert alice.get(tool.url("/dash/first")).url == tool.url("/dash/first")

    def both_have_answered() -> bool:
        assert set(ask(tool, alice, 40)) == {200}
        return len(per_process(tool)) == 2

    wait_until(both_have_answered, "records of both workers")
    assert len(tool.records("login")) == 1, "one sign-in is good for all workers"
    assert len(tool.records("started")) == 2, "each process says that it began"
    tool.program.stop()
    for numbers in per_process(tool).values():
        assert numbers == list(range(1, len(numbers) + 1)), "nothing is lost, nothing is there twice"


def test_killed_workers_leave_whole_lines(
    provider: Development, port: int, tool_at: Callable[..., Tool], alice: httpx2.Client
) -> None:
    tool = tool_at("flask", "gunicorn", provider.issuer, port=port, options=PRELOADED)
    assert alice.get(tool.url("/dash/first")).status_code == 200
    stop = Event()
    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(ask, tool, alice, 100_000, stop) for _ in range(4)]
        try:
            for _ in range(4):
                kill_the_workers_once_they_write(tool)
        finally:
            stop.set()
    assert {status for answers in asking for status in answers.result(timeout=30)} == {200}
    wait_until(lambda: ask(tool, alice, 1) == [200], "workers that took over")
    tool.program.kill()  # and now all of them with their master
    for numbers in per_process(tool).values():
        assert numbers == list(range(1, len(numbers) + 1)), "what is missing is missing at the end alone"


def kill_the_workers_once_they_write(tool: Tool) -> None:
    grown = len(tool.audit_lines) + 50
    wait_until(lambda: len(tool.audit_lines) > grown, "records under load")
    for worker in tool.program.children():
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)


def per_process(tool: Tool) -> dict[str, list[int]]:
    """The numbers of the records that each process wrote, in order. Every line must be whole."""
    found = defaultdict(list)
    for record in tool.records():
        found[record["instance"]].append(record["seq"])
    return {instance: sorted(numbers) for instance, numbers in found.items()}
