"""The demo as a person sees it: headless Chromium, script and all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from e2e.chromium import EXECUTABLE, Visitor, chromium
from idaware.demo import hosting
from idaware.demo.hosting import Demo

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(EXECUTABLE is None, reason="Chromium is not installed (Debian: apt install chromium)"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def demo() -> Iterator[Demo]:
    with hosting.start(port=0, provider_port=0) as started:
        yield started


class Guest(Visitor):
    """Somebody at the demo. ``alarms``: what the browser complained about, but what was asked for."""

    def __init__(self, browser: Browser, demo: Demo, **options: Any) -> None:
        super().__init__(browser, "demo", **options)
        self.demo = demo
        self.alarms: list[str] = []
        self.page.on("pageerror", lambda error: self.alarms.append(str(error)))
        self.page.on("console", lambda entry: self._heard(entry.text))

    def _heard(self, text: str) -> None:
        if not re.search(r"status of 403|response code: 403|Cleared data types", text):
            self.alarms.append(text)

    def visit(self, path: str) -> int:
        return self.go(self.demo.url + path)

    def pick(self, sub: str) -> None:
        """Be somebody, on the provider's page."""
        self.page.locator(f"button[value={sub}]").click()

    def switch(self, sub: str) -> None:
        self.visit("/")
        self.page.get_by_role("link", name="Sign in as somebody else", exact=True).click()
        self.pick(sub)

    def rows(self) -> list[str]:
        return self.page.locator(".dock tbody tr:not(.whole):visible").all_inner_texts()


@pytest.fixture
def guest(browser: Browser, demo: Demo, request: pytest.FixtureRequest) -> Iterator[Guest]:
    made = Guest(browser, demo, **getattr(request, "param", {}))
    yield made
    made.close()
    assert made.alarms == []


def test_the_whole_walk(guest: Guest) -> None:
    page = guest.page
    guest.visit("/")
    expect(page.get_by_text("You are nobody yet")).to_be_visible()
    guest.saw("nobody")
    guest.visit("/status")

    guest.visit("/invoices")
    guest.saw("who-to-be")
    guest.pick("alice")
    expect(page.get_by_role("heading", name="Invoices")).to_be_visible()
    expect(page.get_by_text("The socket was refused")).to_be_visible()
    page.get_by_role("button", name="Mark 2042 as paid").click()
    expect(page.locator(".ledger tr", has_text="2042")).to_contain_text("Paid")
    expect(page.locator(".dock")).to_contain_text("change-invoices")
    guest.saw("paid")

    guest.visit("/payroll")
    expect(page.get_by_label("Confirm with a second factor")).to_be_checked()
    guest.saw("step-up")
    guest.pick("alice")
    expect(page.get_by_text("second factor confirmed")).to_be_visible()
    guest.saw("payroll")
    assert guest.visit("/admin") == 200
    assert guest.visit("/debug") == 403

    guest.switch("carol")
    guest.saw("carol")
    assert guest.visit("/admin") == 403
    expect(page.get_by_text("Contractors use the partner portal.")).to_be_visible()
    guest.saw("refused")
    assert guest.visit("/teams/platform") == 403

    guest.switch("erin")
    assert guest.visit("/admin") == 403
    expect(page.get_by_text("Your groups are missing")).to_be_visible()
    guest.saw("unknown")

    guest.visit("/")
    expect(page.locator(".progress")).to_have_text("8 of 12 seen.")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading")).to_contain_text("signed out")
    guest.visit("/")
    expect(page.locator("[data-step].done")).to_have_count(9)
    guest.saw("tour")


def test_finance_sees_payments_and_may_change_nothing(guest: Guest) -> None:
    guest.visit("/invoices")
    guest.pick("bob")
    expect(guest.page.get_by_text("The socket is open.")).to_be_visible()
    expect(guest.page.locator(".socket li").first).to_contain_text("€")
    guest.page.get_by_role("button", name="Mark 2042 as paid").click()
    expect(guest.page.get_by_text("Finance reads, SRE changes.")).to_be_visible()


def test_records_come_in_while_somebody_watches_and_can_be_searched(guest: Guest, browser: Browser) -> None:
    page = guest.page
    guest.visit("/records")
    expect(page.locator(".state")).to_have_text("live")
    other = Guest(browser, guest.demo)
    other.visit("/status")
    other.visit("/debug")
    other.close()
    expect(page.locator(".dock")).to_contain_text("no_rule")
    expect(page.locator(".left-out")).to_contain_text("of this view itself")
    page.get_by_label("Person, request, rule or reason").fill("DEBUG")
    [only] = guest.rows()
    assert "GET /debug" in only
    page.get_by_label("Decision").select_option("allow")
    expect(page.locator(".none")).to_be_visible()
    page.get_by_label("Person, request, rule or reason").fill("")
    assert all("allow" in row for row in guest.rows())
    guest.saw("records")


def test_a_record_opens_whole_by_keyboard(guest: Guest) -> None:
    guest.visit("/status")
    guest.visit("/records")
    more = guest.page.get_by_role("button", name="Record of GET /status")
    more.focus()
    guest.page.keyboard.press("Enter")
    expect(guest.page.locator("tr.whole:visible pre")).to_contain_text('"schema": "idaware.audit/1"')
    expect(more).to_have_attribute("aria-expanded", "true")
    guest.page.keyboard.press("Enter")
    expect(guest.page.locator("tr.whole:visible")).to_have_count(0)


def test_who_pauses_misses_nothing(guest: Guest) -> None:
    guest.visit("/records")
    expect(guest.page.locator(".left-out")).not_to_be_empty()
    guest.page.get_by_label("pause").check()
    guest.page.request.get(guest.demo.url + "/debug")
    guest.page.request.get(guest.demo.url + "/status")
    assert not [row for row in guest.rows() if "/debug" in row]
    guest.page.get_by_label("pause").uncheck()
    expect(guest.page.locator(".dock")).to_contain_text("/debug")


def test_what_a_stranger_sends_stays_text(guest: Guest) -> None:
    guest.visit("/records")
    hostile = "<img src=x onerror=alert(1)>"
    guest.page.request.get(
        guest.demo.url + "/status/" + hostile.replace(" ", "%20").replace("<", "%3C").replace(">", "%3E")
    )
    expect(guest.page.locator(".dock")).to_contain_text("onerror=alert(1)")
    assert guest.page.locator(".dock img").count() == 0


@pytest.mark.parametrize(
    "guest",
    [{"viewport": {"width": 320, "height": 640}}, {"viewport": {"width": 1280, "height": 800}}],
    indirect=True,
    ids=["320 px", "1280 px"],
)
def test_no_page_is_wider_than_the_window(guest: Guest) -> None:
    guest.visit("/invoices")
    guest.pick("alice")
    for path in ("/", "/invoices", "/admin", "/policy", "/teams/platform", "/records", "/request-access"):
        guest.visit(path)
        expect(guest.page.locator(".state")).to_have_text("live")
        width = guest.page.evaluate("document.documentElement.scrollWidth")
        assert width <= guest.page.viewport_size["width"], path  # type: ignore[index]


def test_the_records_are_on_the_screen_without_scrolling(guest: Guest) -> None:
    guest.visit("/")
    expect(guest.page.locator(".dock tbody tr").first).to_be_in_viewport()
