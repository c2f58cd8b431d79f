"""Whatever a stranger writes, a page keeps its shape (security rule 32)."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idaware.pages import Page, Pages
from idaware.reasons import Reason

HOSTILE = {
    "script element": "<script>alert(1)</script>",
    "closing the title": "</title><script>alert(1)</script>",
    "closing the style": "</style><img src=x onerror=alert(1)>",
    "out of a double-quoted attribute": '"><svg onload=alert(1)>',
    "out of a single-quoted attribute": "' onmouseover='alert(1)",
    "an event handler": '" autofocus onfocus="alert(1)',
    "a comment": "<!-- -->",
    "the end of a section": "</section></main></body>",
    "a reference": "&lt;b&gt;&#60;script&#62;",
    "a format field": "{title} {0} {self.__class__} %s %(x)s",
    "controls": "a\x00b\x1bc\x7fd\x85e",
    "direction marks": "txt.\u202eexe\u2066",
    "a lone surrogate": "a\udcffb",
    "a base element": "<base href=//evil.example>",
    "a very long text": "<b>" * 5000,
}

ADDRESSES = {
    "javascript": "javascript:alert(1)",
    "javascript in capitals": "JaVaScRiPt:alert(1)",
    "javascript after a blank": " javascript:alert(1)",
    "javascript after a control": "\x01javascript:alert(1)",
    "data": "data:text/html,<script>alert(1)</script>",
    "another host without a scheme": "//evil.example/",
    "another host with a backslash": "/\\evil.example/",
    "user information": "https://good.example@evil.example/",
    "a line feed": "https://good.example/\nSet-Cookie: a=b",
    "a broken address": "https://[/",
    "nothing": "",
    "a scheme alone": "https://",
    "a relative path": "login",
    "a file": "file:///etc/passwd",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_in_every_field_leaves_the_shape_alone(
    every: Callable[..., dict[str, Page]], parse, text
) -> None:
    benign = every("x")
    for name, page in every(text).items():
        assert parse(page).shape == parse(benign[name]).shape, name


@given(
    text=st.text(alphabet=st.characters(exclude_categories=[]), min_size=1).filter(
        lambda text: "\n" not in text
    )
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_leaves_the_shape_alone(every: Callable[..., dict[str, Page]], parse, text: str) -> None:
    benign = every("x")
    for name, page in every(text).items():
        assert parse(page).shape == parse(benign[name]).shape, name


@given(
    pieces=st.lists(
        st.sampled_from(["<", ">", '"', "'", "&", "/", "=", " ", "script", "onload", "--", "!", "x"])
    )
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_text_made_of_markup_leaves_the_shape_alone(every, parse, pieces: list[str]) -> None:
    benign = every("x")
    for name, page in every("x" + "".join(pieces)).items():
        assert parse(page).shape == parse(benign[name]).shape, name


@given(tail=st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="\\")))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_tail_of_an_address_stays_inside_its_attribute(every, parse, tail: str) -> None:
    benign = every("x")
    address = "https://good.example/" + tail
    for name, page in every("x", address).items():
        parsed = parse(page)
        assert parsed.shape == parse(benign[name]).shape, name
        assert all(href == address for href in parsed.values("a", "href") if href.startswith("https:")), name


@pytest.mark.parametrize("address", ADDRESSES.values(), ids=ADDRESSES.keys())
def test_an_address_that_is_no_plain_link_is_not_linked(every, parse, address: str) -> None:
    for name, page in every("x", address).items():
        parsed = parse(page)
        led_to = parsed.values("a", "href") + [
            content.partition("url=")[2] for content in parsed.values("meta", "content") if "url=" in content
        ]
        for target in led_to:
            assert target == "" or target.startswith(("/_idaware/", "/")), (name, target)
            assert not target.startswith(("//", "/\\")), (name, target)


def test_the_text_itself_is_shown_unharmed(pages: Pages, parse) -> None:
    text = """<b>&amp; "quoted" 'text' {0}"""
    page = pages.refusal(
        status=403, reason=Reason.NOT_IN_ALLOW, json=False, rule_reason=text, request_id=text
    )
    assert parse(page).words.count(text) == 2


@given(text=st.text(alphabet=st.characters(exclude_categories=[])))
@settings(max_examples=100, deadline=None)
def test_any_text_survives_in_problem_details(text: str) -> None:
    page = Pages().refusal(
        status=401,
        reason=Reason.NO_IDENTITY,
        json=True,
        rule_id=text,
        request_id=text,
        login_url=text,
        detail=text,
    )
    body = json.loads(page.body)
    assert (body["rule"], body["request_id"], body["login_url"]) == (text, text, text)
    assert page.body.isascii()
