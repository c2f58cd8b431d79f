"""The demo's own pages: one look, nothing from elsewhere, nothing unescaped, every rule linked to where it stands."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from idaware.audit.record import Decision, Kind
from idaware.demo import company, frame, pages, tour
from idaware.demo.hosting import POLICY_FILE
from idaware.demo.places import PLACES
from idaware.identity import ANONYMOUS, Identity
from idaware.pages import Page
from idaware.policy.load import load_policy
from idaware.policy.model import PolicyContext
from idaware.reasons import Reason

TEXT = POLICY_FILE.read_text(encoding="utf-8")
POLICY = load_policy(TEXT.encode(), source="policy.yaml", context=PolicyContext(now=0.0))
RULES = {rule.id for rule in POLICY.rules}


def view(who: Identity = ANONYMOUS, path: str = "/") -> frame.View:
    return frame.View(
        who=who,
        path=path,
        now=1_900_000_000.0,
        origin="http://localhost:8000",
        prefix="/_idaware",
        provider="http://127.0.0.1:9000",
        policy=POLICY,
    )


def somebody(**fields: object) -> Identity:
    known = {"groups": frozenset({"sre"}), "kept": POLICY.wanted, "name": "Alice Ahlgren", "acr": "pwd"}
    return Identity(subject="alice", alias="login", actor_type="human", **{**known, **fields})  # type: ignore[arg-type]


ALICE = somebody()
EVERY = {
    "start": pages.start(view()),
    "start, signed in": pages.start(view(ALICE)),
    "status": pages.status(view(ALICE, "/status")),
    "invoices": pages.invoices(view(ALICE, "/invoices"), company.ledger().all()),
    "payroll": pages.payroll(
        view(somebody(acr="mfa", amr=("pwd", "mfa"), auth_time=1_900_000_000.0), "/payroll")
    ),
    "admin": pages.admin(view(ALICE, "/admin")),
    "team": pages.team(view(somebody(groups=frozenset({"team-payments"})), "/teams/payments"), "payments"),
    "debug": pages.debug(view(ALICE, "/debug")),
    "request access": pages.request_access(view(ALICE, "/request-access")),
    "not found": pages.not_found(view(ALICE, "/admin/x")),
    "policy": pages.policy(view(ALICE, "/policy"), TEXT),
    "records": pages.records("http://localhost:8000"),
}
pytestmark = pytest.mark.filterwarnings("error")


class Parsed(HTMLParser):
    """What is in a page: tags with their attributes, in order."""

    VOID = ("meta", "link", "input", "br")

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page.body.decode())

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("path", "circle", "rect") and self.open[-1] != tag:
            return
        while self.open.pop() != tag:
            pass

    def values(self, name: str) -> list[str]:
        return [value for _, attributes in self.tags if (value := attributes.get(name)) is not None]


@pytest.fixture(params=list(EVERY), name="page")
def one_of_them(request: pytest.FixtureRequest) -> Page:
    return EVERY[request.param]


def test_a_page_has_one_heading_and_unique_ids(page: Page) -> None:
    parsed = Parsed(page)
    assert [tag for tag, _ in parsed.tags].count("h1") == 1
    assert len(parsed.values("id")) == len(set(parsed.values("id")))


def test_a_page_brings_all_it_needs(page: Page) -> None:
    addresses = Parsed(page).values("href") + Parsed(page).values("src") + Parsed(page).values("action")
    ours = ("/", "data:", "#", "http://127.0.0.1:9000/")
    assert all(address.startswith(ours) or address == "" for address in addresses)
    policy = dict(page.headers)["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "connect-src 'self' ws://localhost:8000" in policy


def test_its_style_and_script_are_those_that_the_policy_names(page: Page) -> None:
    text, policy = page.body.decode(), dict(page.headers)["Content-Security-Policy"]
    for tag in ("style", "script"):
        [content] = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() in policy


def test_nothing_runs_from_an_attribute(page: Page) -> None:
    for _, attributes in Parsed(page).tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]


def test_fields_have_labels_and_buttons_have_words(page: Page) -> None:
    parsed = Parsed(page)
    labelled = set(parsed.values("for"))
    for tag, attributes in parsed.tags:
        if tag in ("input", "select") and attributes.get("type") != "checkbox":
            assert attributes.get("id") in labelled
    assert not re.search(r"<(button|a)[^>]*>\s*</\1>", page.body.decode())


def test_every_rule_that_a_page_names_stands_on_the_policy_s_page(page: Page) -> None:
    there = set(Parsed(EVERY["policy"]).values("id"))
    linked = {address.partition("#")[2] for address in Parsed(page).values("href") if "#rule-" in address}
    assert linked <= there


def test_the_policy_s_page_has_every_rule_and_every_line() -> None:
    blocks = pages.policy_blocks(TEXT)
    assert {name for name, _ in blocks} == {"rules", *(f"rule-{rule}" for rule in RULES)}
    assert [line for _, block in blocks for line in block.splitlines() if line] == [
        line for line in TEXT.splitlines() if line
    ]


def test_a_comment_belongs_to_the_rule_below_it() -> None:
    blocks = dict(pages.policy_blocks(TEXT))
    assert blocks["rule-payroll"].startswith("  # Whoever signed in without a second factor")
    assert "#" not in blocks["rule-status"]


def test_the_page_says_which_rule_let_you_in_and_why() -> None:
    text = EVERY["invoices"].body.decode()
    assert re.search(r'Rule <a href="/policy#rule-read-invoices".*?let you in.*?groups: sre', text)


HOSTILE = '"><script>alert(1)</script>'


def test_what_a_person_is_called_is_text() -> None:
    who = somebody(name=HOSTILE, groups=frozenset({HOSTILE}))
    text = pages.start(view(who)).body.decode()
    assert HOSTILE not in text
    assert "&lt;script&gt;" in text


def test_what_a_team_is_called_is_text() -> None:
    assert HOSTILE not in pages.team(view(path="/teams/x"), HOSTILE).body.decode()


@pytest.mark.parametrize(
    ("who", "words"),
    [
        (ANONYMOUS, ["You are nobody yet", "Sign in</a>"]),
        (ALICE, ["Alice Ahlgren", "login/alice", "one factor", "Sign out", "Sign in as somebody else"]),
        (somebody(acr="mfa"), ["second factor confirmed"]),
        (somebody(groups=None), ["groups unknown"]),
        (somebody(groups=frozenset()), ["no groups"]),
        (somebody(groups_total=300), ["and 299 that no rule names"]),
        (somebody(name=None), [">A<", "alice"]),
    ],
    ids=["nobody", "alice", "second factor", "unknown groups", "no groups", "many groups", "no name"],
)
def test_the_page_says_who_you_are(who: Identity, words: list[str]) -> None:
    text = pages.start(view(who)).body.decode()
    assert [word for word in words if word not in text] == []


def test_the_sign_in_leads_back_to_the_page() -> None:
    assert 'href="/_idaware/login?next=/admin&amp;switch=1"' in EVERY["admin"].body.decode()
    odd = pages.not_found(view(path="/admin/a b&switch=1")).body.decode()
    assert 'href="/_idaware/login?next=/admin/a%20b%26switch%3D1"' in odd


def test_the_list_of_places_marks_where_you_are_once() -> None:
    for page in EVERY.values():
        assert Parsed(page).values("aria-current").count("page") <= 1
    assert Parsed(EVERY["invoices"]).values("aria-current") == ["page"]


def test_every_decision_has_a_picture_and_a_word() -> None:
    ready = {
        value.removeprefix("verdict-") for value in Parsed(EVERY["start"]).values("id") if "verdict-" in value
    }
    assert ready == set(Decision.__args__) - {"bypass"}  # type: ignore[attr-defined]


def test_the_live_view_on_another_address_names_its_own_stream() -> None:
    page = pages.records("http://127.0.0.1:5000", stream="/stream", public=False, brand="my:app")
    text = page.body.decode()
    assert 'data-stream="/stream"' in text
    assert "live-records" not in text
    assert "my:app" in text
    assert "ws://127.0.0.1:5000" in dict(page.headers)["Content-Security-Policy"]


def test_the_script_puts_no_markup_into_the_page() -> None:
    script = (Path(frame.__file__).with_name("live.js")).read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|new Function", script)


# --- the tour


@pytest.mark.parametrize("step", tour.STEPS, ids=lambda step: step.does)
def test_a_step_waits_for_a_record_that_can_come(step: tour.Step) -> None:
    known = {
        "rule": RULES,
        "decision": set(Decision.__args__),  # type: ignore[attr-defined]
        "reason": {reason.value for reason in Reason},
        "kind": set(Kind.__args__),  # type: ignore[attr-defined]
        "subject": {person.sub for person in company.PEOPLE},
    }
    for name, value in step.seen.items():
        assert value in known[name]


@pytest.mark.parametrize("step", tour.STEPS, ids=lambda step: step.does)
def test_a_step_leads_somewhere(step: tour.Step) -> None:
    assert (step.path is None) != (step.command is None)
    if step.path is not None:
        path = step.path.partition("?")[0]
        assert path.startswith("/_idaware/") or path in {place.path for place in PLACES}


@pytest.mark.parametrize("step", tour.STEPS, ids=lambda step: step.does)
def test_the_people_of_a_step_are_there(step: tour.Step) -> None:
    for name in re.findall(r"(?:Alice|Carol|Erin) [A-Z][a-z]+", step.does):
        assert name in {person.name for person in company.PEOPLE}


def test_the_terminal_names_the_same_steps() -> None:
    lines = tour.as_text("http://localhost:8000")
    assert len(lines) == len(tour.STEPS)
    assert lines[1].split() == ["2.", *tour.STEPS[1].does.split(), "/invoices"]
    assert "curl -i http://localhost:8000/api/invoices" in lines[8]


# --- the company


def test_people_are_the_provider_s_with_teams() -> None:
    alice = company.PEOPLE.get("alice")
    assert alice is not None
    assert "team-platform" in (alice.groups or ())
    erin = company.PEOPLE.get("erin")
    assert erin is not None
    assert erin.groups is None


def test_an_invoice_is_paid_once_and_stays_where_it_is() -> None:
    books = company.ledger()
    numbers = [invoice.number for invoice in books.all()]
    assert books.pay("2042") == books.pay("2042")
    assert books.pay("1") is None
    assert [invoice.number for invoice in books.all()] == numbers
    assert [invoice.number for invoice in books.all() if invoice.paid] == ["2041", "2042"]
