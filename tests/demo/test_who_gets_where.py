"""Every page for every person, through the gate; and the list beside the pages says the same."""

from __future__ import annotations

import html
import re

import httpx2
import pytest

from idaware.demo.places import PLACES

PAGES = (
    "/status",
    "/invoices",
    "/api/invoices",
    "/payroll",
    "/admin",
    "/teams/payments",
    "/teams/platform",
    "/debug",
)
OPEN, LOGIN, STEP, NO = "open", "login", "step_up", "refused"

EXPECTED = {
    # person       status invoices api    payroll admin  payments platform debug
    None: (OPEN, LOGIN, LOGIN, LOGIN, LOGIN, LOGIN, LOGIN, NO),
    "alice": (OPEN, OPEN, OPEN, STEP, OPEN, NO, OPEN, NO),
    "bob": (OPEN, OPEN, OPEN, STEP, OPEN, OPEN, NO, NO),
    "carol": (OPEN, NO, NO, NO, NO, OPEN, NO, NO),
    "dave": (OPEN, OPEN, OPEN, STEP, OPEN, NO, NO, NO),
    "erin": (OPEN, NO, NO, NO, NO, NO, NO, NO),
    "frank": (OPEN, NO, NO, NO, OPEN, NO, NO, NO),
    "grace": (OPEN, NO, NO, NO, NO, NO, NO, NO),
    "heidi": (OPEN, OPEN, OPEN, STEP, OPEN, NO, OPEN, NO),
    "ivan": (OPEN, OPEN, OPEN, STEP, OPEN, NO, NO, NO),
    "judy": (OPEN, OPEN, OPEN, STEP, OPEN, OPEN, NO, NO),
}
MAY_CHANGE = {"alice", "heidi", "ivan"}
SHOWN = {"Public": OPEN, "Open": OPEN, "Sign in": LOGIN, "Second factor": STEP, "Refused": NO}


def outcome(answer: httpx2.Response, provider: str, *, signed_in: bool) -> str:
    if answer.status_code == 302 and answer.headers["location"].startswith(provider):
        return STEP if signed_in else LOGIN
    return {200: OPEN, 401: LOGIN, 403: NO}[answer.status_code]


def listed(page: str) -> dict[str, str]:
    """What the list beside a page says about each request."""
    rows = re.findall(r"<li>.*?</svg>([^<]+)</span>.*?<code><bdi>([^<]+)</bdi></code>", page)
    return {html.unescape(request): SHOWN[word] for word, request in rows}


@pytest.mark.parametrize("who", list(EXPECTED), ids=lambda who: who or "nobody")
def test_each_page_opens_or_refuses(demo, person, who: str | None) -> None:
    somebody = person(who)
    got = [
        outcome(somebody.ask("GET", page), demo.provider.issuer, signed_in=who is not None) for page in PAGES
    ]
    assert dict(zip(PAGES, got, strict=True)) == dict(zip(PAGES, EXPECTED[who], strict=True))


@pytest.mark.parametrize("who", list(EXPECTED), ids=lambda who: who or "nobody")
def test_the_list_beside_the_page_says_what_the_gate_does(person, who: str | None) -> None:
    says = listed(person(who).get("/").text)
    assert set(says) == {f"{place.method} {place.path}" for place in PLACES}
    assert {page: says[f"GET {page}"] for page in PAGES} == dict(zip(PAGES, EXPECTED[who], strict=True))


@pytest.mark.parametrize("who", list(EXPECTED), ids=lambda who: who or "nobody")
def test_only_sre_changes_an_invoice(person, who: str | None) -> None:
    somebody = person(who)
    answer = somebody.ask("POST", "/invoices/2042")
    expected = 303 if who in MAY_CHANGE else 401 if who is None else 403
    assert answer.status_code == expected
    says = listed(somebody.get("/").text)["POST /invoices/2042"]
    assert says == {303: OPEN, 401: LOGIN, 403: NO}[expected]


@pytest.mark.parametrize("page", ["/nothing", "/invoices/2042", "/live/payments", "/_idaware"])
def test_what_is_not_there_is_not_there(person, page: str) -> None:
    assert person("alice").ask("GET", page).status_code in (403, 404, 405)


def test_the_sign_in_leads_back_to_the_page_that_was_asked_for(person) -> None:
    somebody = person()
    page = somebody.choose(somebody.get("/invoices?sort=due"), "alice")
    assert page.url.path == "/invoices"
    assert page.url.query == b"sort=due"
    assert "Alice Ahlgren" in page.text


def test_a_second_factor_opens_the_payroll(demo, person) -> None:
    alice = person("alice")
    form = alice.get("/payroll")
    assert str(form.url).startswith(demo.provider.issuer)
    assert re.search(r'value="mfa" checked', form.text)
    page = alice.choose(form, "alice", level="mfa")
    assert page.url.path == "/payroll"
    assert "acr: mfa" in page.text
    assert "second factor confirmed" in page.text


def test_who_goes_straight_to_the_payroll_is_asked_for_the_factor_at_once(person) -> None:
    somebody = person()
    page = somebody.choose(somebody.get("/payroll"), "bob", level="mfa")
    assert page.url.path == "/payroll"


def test_who_leaves_the_factor_out_is_told_and_not_sent_round_in_circles(person) -> None:
    bob = person("bob")
    page = bob.choose(bob.get("/payroll"), "bob", level="pwd")
    assert page.status_code == 403
    assert "step_up_unmet" in page.text


def test_the_refusal_names_the_shared_rule_and_the_way_to_ask(demo, person) -> None:
    page = person("carol").get("/admin")
    assert page.status_code == 403
    assert "no-contractors" in page.text
    assert "Contractors use the partner portal." in page.text
    assert f"{demo.url}/request-access" in page.text


def test_who_lacks_groups_is_told_exactly_that(person) -> None:
    assert "Your groups are missing" in person("erin").get("/admin").text


def test_an_invoice_that_does_not_exist_is_the_tool_s_own_404(person) -> None:
    assert person("alice").ask("POST", "/invoices/1").status_code == 404


def test_what_the_policy_opens_and_the_tool_does_not_have_is_404(person) -> None:
    answer = person("alice").ask("GET", "/admin/nothing")
    assert answer.status_code == 404
    assert "there is nothing here" in answer.text


def test_a_paid_invoice_has_no_button_any_more(person) -> None:
    alice = person("alice")
    alice.ask("POST", "/invoices/2043")
    page = alice.get("/invoices").text
    assert 'action="/invoices/2043"' not in page
    assert {"number": "2043", "paid": True}.items() <= {
        key: value
        for entry in alice.get("/api/invoices").json()
        if entry["number"] == "2043"
        for key, value in entry.items()
    }.items()


def test_another_site_cannot_pay_an_invoice(person) -> None:
    alice = person("alice")
    answer = alice.ask(
        "POST", "/invoices/2044", headers={"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
    )
    assert answer.status_code == 403
    assert "cross_site" in answer.text


def test_a_program_gets_a_problem_and_no_redirect(person) -> None:
    answer = person().ask("GET", "/api/invoices", headers={"accept": "*/*", "sec-fetch-mode": "cors"})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["rule"] == "read-api"


def test_signing_out_ends_here_and_at_the_provider(demo, person) -> None:
    alice = person("alice")
    leaving = alice.ask("POST", "/_idaware/logout")
    assert leaving.status_code == 200
    assert demo.provider.issuer in leaving.text
    assert "You are nobody yet" in alice.get("/").text


def test_a_sign_in_that_goes_wrong_ends_on_a_page(person) -> None:
    somebody = person()
    page = somebody.choose(somebody.get("/_idaware/login"), "alice", fault="wrong_signature")
    assert page.status_code >= 400
    assert "Sign-in not completed" in page.text
