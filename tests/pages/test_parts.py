"""Text made safe to show, addresses made safe to link, times made easy to read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idaware.identity import ANONYMOUS, Identity
from idaware.pages import parts

HOUR, DAY = 3600, 86_400


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain ünïcode 漢字", "plain ünïcode 漢字"),
        ("a\x00b", "a\\u0000b"),
        ("txt.\u202eexe", "txt.\\u202eexe"),
        ("a\nb", "a\\u000ab"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\udcff", "\\udcff"),
        ("x" * 301, "x" * 300 + "…"),
        ("می\u200cخواهم", "می\u200cخواهم"),
    ],
    ids=[
        "kept",
        "NUL",
        "right-to-left override",
        "line feed",
        "zero width",
        "surrogate",
        "cut",
        "joiner kept",
    ],
)
def test_shown_text_hides_nothing(text: str, expected: str) -> None:
    assert parts.shown(text) == expected


@given(st.text(alphabet=st.characters(exclude_categories=[])))
def test_shown_text_holds_no_control_and_encodes(text: str) -> None:
    out = parts.shown(text)
    out.encode()
    assert not any(ord(letter) < 0x20 or 0x7F <= ord(letter) < 0xA0 for letter in out)


@pytest.mark.parametrize(
    "url",
    [
        "/",
        "/a?b=c#d",
        "https://a.example",
        "http://localhost:8000/x",
        "https://[::1]:8443/",
        "https://bücher.example/ü",
    ],
)
def test_plain_addresses_are_linkable(url: str) -> None:
    assert parts.linkable(url) == url


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://IDP.example:8443/end?x", "https://idp.example:8443"),
        ("http://[::1]:9000", "http://[::1]:9000"),
        ("/path", None),
        ("https://bücher.example/", None),
        ("javascript:alert(1)", None),
        (None, None),
    ],
)
def test_origin_is_that_of_a_plain_absolute_address(url: str | None, origin: str | None) -> None:
    assert parts.origin_of(url) == origin


@given(st.text())
def test_any_text_is_linkable_or_not_without_an_exception(text: str) -> None:
    for candidate in (text, "https://" + text, "/" + text):
        assert parts.linkable(candidate) in (candidate, None)
        origin = parts.origin_of(candidate)
        assert origin is None or (origin.isascii() and not set(origin) & set(" ;,'\"@"))


@pytest.mark.parametrize(
    ("contact", "expected"),
    [
        ("a+b@corp.example", '<a href="mailto:a%2Bb@corp.example">a+b@corp.example</a>'),
        ("https://help.corp.example/x?a&b", '<a href="https://help.corp.example/x?a&amp;b">'),
        ("#billing in chat", "<bdi>#billing in chat</bdi>"),
        ("x@y\r\nBcc: z", "<bdi>x@y\\u000d\\u000aBcc: z</bdi>"),
    ],
    ids=["e-mail", "web", "words", "a header in an address"],
)
def test_a_contact_is_a_link_where_it_can_be(contact: str, expected: str) -> None:
    assert str(parts.reachable(contact)).startswith(expected)


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        (ANONYMOUS, "Nobody"),
        (Identity(subject="s", alias="login", actor_type="human"), "<code><bdi>login/s</bdi></code>"),
        (
            Identity(subject="s", alias="login", user="kim", actor_type="human"),
            "<bdi>kim</bdi> <small><code><bdi>login/s</bdi></code></small>",
        ),
        (
            Identity(subject="s", alias="login", name="Kim", email="k@x", user="kim", actor_type="human"),
            "<bdi>Kim</bdi> · <bdi>k@x</bdi> <small><code><bdi>login/s</bdi></code></small>",
        ),
    ],
    ids=["nobody", "principal alone", "user name", "name and e-mail"],
)
def test_people_are_shown_by_what_they_know_themselves_by(identity: Identity, expected: str) -> None:
    assert parts.person(identity) == expected


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "now"),
        (29, "now"),
        (60, "in 1 minute"),
        (-300, "5 minutes ago"),
        (99 * 60, "in 99 minutes"),
        (100 * 60, "in 2 hours"),
        (-8 * HOUR, "8 hours ago"),
        (47 * HOUR, "in 47 hours"),
        (48 * HOUR, "in 2 days"),
        (7 * DAY, "in 7 days"),
    ],
)
def test_a_stretch_of_time_in_words(seconds: float, words: str) -> None:
    assert parts.span(seconds) == words


def test_a_moment_of_today_is_a_time_and_another_day_is_a_date(now: float) -> None:
    assert '<time datetime="2026-10-26T' in str(parts.time_and_span(now, now))
    assert "26 October" not in str(parts.time_and_span(now, now))
    assert "28 October 2026, " in str(parts.time_and_span(now + 2 * DAY, now))


@pytest.mark.parametrize("at", [None, 1e300, -1e300, float("nan"), float("inf")], ids=str)
def test_a_moment_that_no_calendar_holds_is_left_out(at: float | None, now: float) -> None:
    assert parts.time_and_span(at, now) is None


def test_empty_lists_leave_nothing_behind() -> None:
    assert parts.facts([("Name", None)]) == ""
    assert parts.actions([parts.Link("Label", None), parts.Link("Label", "javascript:x")]) == ""
