"""Every page there is, made from one text and one address, and a reader that takes a page apart."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest

from idaware.identity import Identity
from idaware.pages import Page, Pages, Reach, SessionFacts
from idaware.reasons import Reason

NOW = 1_793_007_920.0
URL = "https://access.corp.example/ask"

Every = Callable[..., dict[str, Page]]

_VOID = {"meta", "link", "br", "hr", "img", "input", "path", "circle", "rect"}


@dataclass
class Parsed(HTMLParser):
    """A page taken apart: ``shape`` (tags, attribute names and nesting), ``attributes``, ``text``."""

    shape: list[tuple[str, ...]] = field(default_factory=list)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    data: dict[str, list[str]] = field(default_factory=dict)
    open: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.shape.append(("open", tag, *(name for name, _ in attrs)))
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.shape.append(("empty", tag, *(name for name, _ in attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.shape.append(("close", tag))
        assert self.open[-1:] == [tag], f"</{tag}> closes nothing"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        tag = self.open[-1] if self.open else ""
        self.data.setdefault(tag, []).append(data)
        if tag not in ("style", "script"):
            self.shown.append(data)

    def handle_comment(self, data: str) -> None:
        self.shape.append(("comment",))

    def handle_pi(self, data: str) -> None:
        self.shape.append(("instruction",))

    def count(self, tag: str) -> int:
        return sum(1 for part in self.shape if part[:2] == ("open", tag))

    def values(self, tag: str, name: str) -> list[str]:
        return [value for in_tag, its, value in self.attributes if in_tag == tag and its == name]

    @property
    def words(self) -> str:
        """What people read: all text but that of style and script, blanks folded."""
        return re.sub(r"\s+", " ", " ".join(self.shown))


def parse(page: Page) -> Parsed:
    parsed = Parsed()
    parsed.feed(page.body.decode("utf-8"))
    parsed.close()
    assert parsed.open == []
    return parsed


def someone(text: str) -> Identity:
    return Identity(
        subject=text,
        issuer=text,
        alias="login",
        email=text,
        name=text,
        user=text,
        groups=frozenset({text, "other" + text}),
        groups_total=9,
        actor_type="human",
        auth_method="session",
        auth_time=NOW - 60,
        acr=text,
        amr=(text,),
    )


def every(text: str, url: str = URL) -> dict[str, Page]:
    """Each kind of page, with ``text`` in each field for text and ``url`` in each field for an address."""
    pages = Pages(brand=text, contact=f"ask {text}", request_access_url=url, prefix="/_idaware", home=url)
    who = someone(text)
    refused = {
        f"refusal {reason.value}": pages.refusal(
            status=403,
            reason=reason,
            json=False,
            identity=who,
            method=text,
            path=text,
            detail=text,
            rule_id=text,
            rule_reason=text,
            rule_owner=text,
            request_id=text,
            login_url=url,
            switch_url=url,
            groups_left_out=text,
        )
        for reason in (Reason.NOT_IN_ALLOW, Reason.INTERNAL_ERROR, Reason.PATH_AMBIGUOUS)
    }
    return refused | {
        "bare refusal": pages.refusal(status=503, reason=Reason.STORE_UNAVAILABLE, json=False, method="GET"),
        "sign-in link": pages.sign_in_link(login_url=url),
        "login failed": pages.login_failed(
            status=400,
            reason=Reason.LOGIN_STATE_UNKNOWN,
            json=False,
            detail=text,
            retry_url=url,
            request_id=text,
        ),
        "login stopped": pages.login_failed(
            status=400, reason=Reason.LOGIN_STATE_UNKNOWN, json=False, retry_allowed=False, retry_url=url
        ),
        "me": pages.me(
            identity=who,
            now=NOW,
            json=False,
            session=SessionFacts(started=NOW - 60, ends_at=NOW + 60),
            reach=[
                Reach(rule_id=text, patterns=(text, text), methods=(text,), answer="yes", public=True),
                Reach(rule_id=text, patterns=(text,), answer="step_up"),
                Reach(rule_id=text, patterns=(text,), answer="no"),
            ],
            groups_left_out=text,
            switch_url=url,
        ),
        "me, nobody": pages.me(identity=Identity(), now=NOW, json=False, login_url=url),
        "logout": pages.logout_confirm(identity=who, ends_provider_session=True),
        "logged out": pages.logged_out(login_url=url),
        "signing out": pages.signing_out(to=url),
        "step on": pages.step_on(to=url),
        "renewed": pages.renew_done(),
        "renewed, another": pages.renew_done(same_person=False),
    }


@pytest.fixture(name="every")
def _every() -> Every:
    return every


@pytest.fixture(name="parse")
def _parse() -> Callable[[Page], Parsed]:
    return parse


@pytest.fixture(name="someone")
def _someone() -> Callable[[str], Identity]:
    return someone


@pytest.fixture
def pages() -> Pages:
    return Pages(
        brand="Billing Admin",
        contact="platform@corp.example",
        request_access_url=URL,
        prefix="/tools/_idaware",
        home="/tools/",
        frame_origins=["https://portal.corp.example", "javascript:alert(1)"],
    )


@pytest.fixture
def now() -> float:
    return NOW
