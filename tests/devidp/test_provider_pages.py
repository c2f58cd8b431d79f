"""What people see: sound HTML, usable by keyboard and without scripts, nothing unescaped."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from idaware.devidp import People, Person
from idaware.devidp.faults import FAULTS, PER_LOGIN

pytestmark = pytest.mark.anyio

VOID = {"meta", "link", "input", "br", "hr", "path", "circle", "rect", "img"}


class Outline(HTMLParser):
    """Elements in order; fails where tags do not match."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


async def every_page(world: Any) -> dict[str, Any]:
    pages = {
        "pick": await world.authorize(acr_values="gold"),
        "problem": await world.authorize(client_id=None),
    }
    await world.sign_in("alice")
    pages["pick again"] = await world.authorize(prompt="login")
    pages["form_post"] = await world.authorize(response_mode="form_post")
    pages["home"] = await world.http.get("/")
    pages["sign out"] = await world.http.get("/end-session", params={"client_id": "tool"})
    pages["stay"] = await world.http.post("/end-session/confirm", data={"request": "", "answer": "no"})
    pages["signed out"] = await world.http.post("/end-session/confirm", data={"request": "", "answer": "yes"})
    pages["home of nobody"] = await world.http.get("/")
    return pages


async def test_every_page_is_sound_html_with_one_heading_a_language_and_a_strict_policy(world: Any) -> None:
    for name, page in (await every_page(world)).items():
        outline = Outline(page.text)
        assert len(outline.all("h1")) == 1, name
        assert outline.all("html") == [{"lang": "en"}], name
        assert len(outline.all("main")) == 1, name
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy, name
        assert "frame-ancestors 'none'" in policy, name
        assert "unsafe" not in policy, name
        assert page.headers["cache-control"] == "no-store", name
        assert not any("style" in attributes for _, attributes in outline.elements), name
        assert not any(key.startswith("on") for _, attributes in outline.elements for key in attributes), name
        assert bool(outline.all("script")) == (name == "form_post"), name


async def test_everything_can_be_done_by_keyboard(world: Any) -> None:
    for name, page in (await every_page(world)).items():
        outline = Outline(page.text)
        assert not any("tabindex" in attributes for _, attributes in outline.elements), name
        ids = {attributes.get("id") for _, attributes in outline.elements}
        for label in outline.all("label"):
            assert "for" not in label or label["for"] in ids, name
        for form in outline.all("form"):
            assert form["method"] == "post", name
        assert len(outline.all("form")) <= len(outline.all("button")), name


async def test_one_form_offers_each_person_each_level_and_each_fault_of_a_sign_in(world: Any) -> None:
    outline = Outline((await world.authorize(acr_values="gold mfa")).text)
    people = [button["value"] for button in outline.all("button") if button.get("name") == "person"]
    assert people == [person.sub for person in world.provider.people]
    radios = [one for one in outline.all("input") if one.get("type") == "radio"]
    assert [radio["value"] for radio in radios] == ["gold", "mfa", "pwd"]
    assert [radio["value"] for radio in radios if "checked" in radio] == ["gold"]
    options = [option["value"] for option in outline.all("option")]
    assert options == ["", *(name for name, fault in FAULTS.items() if fault.where in PER_LOGIN)]


async def test_the_first_button_of_the_form_is_the_person_who_is_here(world: Any) -> None:
    await world.sign_in("carol")
    outline = Outline((await world.authorize(prompt="login")).text)
    assert outline.all("button")[0]["value"] == "carol"


async def test_the_first_page_says_what_an_application_needs_and_lists_every_fault(world: Any) -> None:
    page = (await world.http.get("/")).text
    assert "IDAWARE_ISSUER=http://localhost:9000" in page
    assert "IDAWARE_CLIENT_SECRET=dev-secret" in page
    for name in FAULTS:
        assert f"Switch {name} on" in page


async def test_the_first_page_shows_no_registered_secret(
    make_world: Callable[..., Any], registered: Any
) -> None:
    world = make_world(clients=registered)
    page = (await world.http.get("/")).text
    assert "a secret" not in page
    assert "dev-secret" not in page


HOSTILE = '"><script>alert(1)</script>&amp;'


async def test_nothing_from_outside_reaches_a_page_unescaped(make_world: Callable[..., Any]) -> None:
    person = Person(sub=HOSTILE, name=HOSTILE, email=HOSTILE, note=HOSTILE, groups=(HOSTILE,))
    world = make_world(people=People([person]))
    page = await world.authorize(login_hint=HOSTILE, acr_values=HOSTILE.replace(" ", ""), ui_locales=HOSTILE)
    assert page.status_code == 200
    for shown in (
        page,
        await world.authorize(redirect_uri=HOSTILE),
        await world.authorize(client_id=HOSTILE),
    ):
        assert "<script>alert" not in shown.text
    answer = await world.choose(page, person=HOSTILE, level="pwd")
    assert "code" in world.answer_of(answer)
    for shown in (await world.http.get("/"), await world.http.get("/end-session")):
        assert "<script>alert" not in shown.text


async def test_a_state_from_outside_is_escaped_in_a_posted_form(world: Any) -> None:
    page = await world.sign_in(response_mode="form_post", state="<script>&'")
    assert "<script>&" not in page.text
    assert "&lt;script&gt;&amp;&#39;" in page.text


async def test_the_form_may_end_at_the_application_and_nowhere_else(world: Any) -> None:
    policy = (await world.authorize()).headers["content-security-policy"]
    assert "form-action 'self' http://127.0.0.1:8000;" in policy
    await world.sign_in("alice")
    target = "http://127.0.0.1:8001/bye"
    page = await world.http.get("/end-session", params={"client_id": "t", "post_logout_redirect_uri": target})
    assert "form-action 'self' http://127.0.0.1:8001;" in page.headers["content-security-policy"]


async def test_a_window_that_an_application_opened_keeps_its_opener(world: Any) -> None:
    assert "cross-origin-opener-policy" not in (await world.authorize()).headers
