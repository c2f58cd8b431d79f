"""One function adds our headers under both protocols."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idaware.http.answer_headers import BYTES, TEXT, with_ours


def changed(
    headers: list[tuple[str, str]],
    *,
    attached: bool = True,
    public: bool = False,
    set_cookies: tuple[str, ...] = (),
) -> list[tuple[str, str]]:
    """The answer as text; both forms have to agree about it."""
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    as_bytes = with_ours(raw, BYTES, set_cookies=set_cookies, attached=attached, public=public)
    as_text = with_ours(headers, TEXT, set_cookies=set_cookies, attached=attached, public=public)
    assert [(name.decode(), value.decode("latin-1")) for name, value in as_bytes] == as_text
    return as_text


@pytest.mark.parametrize(
    ("headers", "cache_control"),
    [
        ([], "private, no-store"),
        ([("ETag", '"1"')], "private, no-cache"),
        ([("Last-Modified", "Fri, 15 Jan 2027 08:00:00 GMT")], "private, no-cache"),
        ([("Cache-Control", "public"), ("cache-control", "max-age=60")], "private, max-age=60"),
        ([("Cache-Control", "")], "private, no-store"),
    ],
    ids=["nothing", "etag", "last-modified", "two headers, any case", "an empty header"],
)
def test_an_answer_to_somebody_is_kept_from_shared_caches(
    headers: list[tuple[str, str]], cache_control: str
) -> None:
    answer = changed(headers)
    assert [value for name, value in answer if name.lower() == "cache-control"] == [cache_control]


def test_vary_is_joined_and_named_once() -> None:
    answer = changed([("Vary", "Accept"), ("VARY", "Accept-Language")])
    assert [value for name, value in answer if name.lower() == "vary"] == [
        "Accept, Accept-Language, Cookie, Authorization"
    ]


def test_public_answers_to_nobody_stay_as_they_are() -> None:
    headers = [("Cache-Control", "public, max-age=60"), ("Vary", "Accept")]
    assert changed(headers, attached=False, public=True) == headers


def test_what_the_application_set_stays_in_place() -> None:
    headers = [("Set-Cookie", "a=1"), ("X-Own", "ü"), ("Set-Cookie", "b=2"), ("Cache-Control", "no-store")]
    answer = changed(headers, set_cookies=("ours=3; Path=/",))
    assert answer[:5] == [*headers, ("set-cookie", "ours=3; Path=/")]


@pytest.mark.parametrize(
    ("cache_control", "public", "sent"),
    [
        ("public, max-age=60", True, False),
        ("max-age=60", True, False),
        ("s-maxage=60, PUBLIC", True, False),
        ("Private, max-age=60", True, True),
        ("no-store", True, True),
        (None, True, True),
        ("public, max-age=60", False, True),
    ],
)
def test_a_cookie_of_ours_is_in_no_answer_that_a_shared_cache_may_keep(
    cache_control: str | None, public: bool, sent: bool
) -> None:
    """A cache would hand it to whoever asks next."""
    headers = [] if cache_control is None else [("Cache-Control", cache_control)]
    answer = changed(headers, public=public, set_cookies=("ours=3",))
    assert (("set-cookie", "ours=3") in answer) == sent


def test_an_answer_to_nobody_that_says_nothing_about_caching_stays_as_it_is() -> None:
    headers = [("Content-Type", "text/plain")]
    assert changed(headers, attached=False, public=False) == headers


@given(
    st.lists(st.sampled_from(["ETag", "x-etag", "Vary", "Content-Type", "Cache-Control", "LAST-MODIFIED"]))
)
def test_the_short_way_for_most_answers_changes_no_answer(names: list[str]) -> None:
    headers = [(name, "x") for name in names]
    slowly = changed([*headers, ("Vary", "Accept")])
    assert [pair for pair in changed(headers) if pair[0] == "cache-control"] == [
        pair for pair in slowly if pair[0] == "cache-control"
    ]


def test_an_answer_to_a_preflight_gets_nothing() -> None:
    assert changed([("X-Own", "1")], attached=False) == [("X-Own", "1")]
