"""A person's browser: headless Chromium, what it asked for and what it was answered."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, sync_playwright

EXECUTABLE = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SCREENSHOTS = os.environ.get("TESTS_SCREENSHOTS")
"""A directory for pictures of every step, for people to look at."""

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_STEP_MILLISECONDS = 20_000


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium, until the block ends."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """One person with one browser profile and one tab to begin with.

    ``answers``: every HTTP answer that the browser got. ``complaints``: what it wrote to its console, such as
    content that a page's own Content-Security-Policy forbids; that an answer was a refusal is no complaint.
    """

    def __init__(self, browser: Browser, name: str, **options: Any) -> None:
        self._name = name
        self._steps = 0
        self.answers: list[Response] = []
        self.context: BrowserContext = browser.new_context(ignore_https_errors=True, **options)
        self.context.set_default_timeout(_STEP_MILLISECONDS)
        self.context.on("response", lambda answer: self.answers.append(answer))
        self.complaints: list[str] = []
        self.context.on("console", self._hear)
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.page: Page = self.context.new_page()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.complaints.append(message.text)

    def go(self, url: str) -> int:
        """Visit ``url`` and wherever it leads; the status of the last page."""
        answer = self.page.goto(url)
        assert answer is not None
        return answer.status

    def saw(self, step: str) -> None:
        """Take a picture of what is on the screen, where somebody asked for pictures."""
        if SCREENSHOTS is None:
            return
        self._steps += 1
        target = Path(SCREENSHOTS) / self._name
        target.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=target / f"{self._steps:02d}-{step}.png", full_page=True)

    @property
    def text(self) -> str:
        return self.page.inner_text("body")

    @property
    def who(self) -> str:
        """Whom the application says it sees."""
        return self.page.inner_text("#who")

    def cookies(self, origin: str) -> dict[str, Any]:
        """The cookies that the browser would send to ``origin``, by name."""
        return {cookie["name"]: cookie for cookie in self.context.cookies(origin)}

    def answered_by(self, base_url: str) -> list[tuple[str, str, int]]:
        """Method, path without query, and status of each answer of the application."""
        return [
            (answer.request.method, answer.url.removeprefix(base_url).partition("?")[0], answer.status)
            for answer in self.answers
            if answer.url.startswith(base_url + "/")
        ]

    def close(self) -> None:
        self.context.close()
