"""Security rule 22: exactly one cookie of exactly our name, and a writer that nothing can inject into."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idaware.http.cookies import (
    DUPLICATE,
    MAX_FOUND,
    expire_cookie,
    find_cookie,
    find_cookies_with_prefix,
    set_cookie,
)

NAME = "__Host-idaware"


@pytest.mark.parametrize(
    ("header", "value"),
    [
        pytest.param(f"{NAME}=v", "v", id="alone"),
        pytest.param(f"a=1; {NAME}=v; b=2", "v", id="among others"),
        pytest.param(f"a=1;{NAME}=v;b=2", "v", id="without blanks"),
        pytest.param(f"a=1; \t {NAME}=v \t; b=2", "v", id="with many blanks"),
        pytest.param(f" {NAME}= v ", "v", id="blanks at both ends"),
        pytest.param(f"{NAME}=a=b==", "a=b==", id="equals signs in the value"),
        pytest.param(f"{NAME}=", "", id="empty value"),
        pytest.param(f'{NAME}="v"', '"v"', id="quotes stay"),
        pytest.param(f"x{NAME}=evil; {NAME}=v", "v", id="longer name before"),
        pytest.param(f"{NAME}=v; x{NAME}=evil", "v", id="longer name after"),
        pytest.param(f"{NAME}=v; {NAME}2=evil", "v", id="name that goes on"),
        pytest.param(f"a={NAME}=evil; {NAME}=v", "v", id="our name inside another value"),
        pytest.param(f"{NAME}; {NAME}=v", "v", id="nameless cookie that spells our name"),
        pytest.param(f"={NAME}=evil; {NAME}=v", "v", id="SA-015 nameless cookie that spells a whole pair"),
        pytest.param(f"{NAME}=v; \u2003{NAME}=evil", "v", id="SA-013 em space before the name"),
        pytest.param(f"{NAME}=v; \x85{NAME}=evil", "v", id="SA-013 next line before the name"),
        pytest.param(f"{NAME}=v; \xa0{NAME}=evil", "v", id="SA-013 no-break space before the name"),
        pytest.param(f"{NAME}=v; \x0b{NAME}=evil", "v", id="vertical tab before the name"),
        pytest.param(f"{NAME}=v; {NAME} =evil", "v", id="blank behind the name"),
        pytest.param(f"{NAME}=v; {NAME.lower()}=evil", "v", id="SA-017 other case"),
        pytest.param(f"{NAME}=v; {NAME}%3Devil", "v", id="encoded equals sign"),
    ],
)
def test_one_cookie_of_our_name_is_found(header, value):
    assert find_cookie(header, NAME) == value


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("", id="empty header"),
        pytest.param("a=1; b=2", id="others only"),
        pytest.param(NAME, id="without an equals sign"),
        pytest.param(f"={NAME}=evil", id="SA-015 nameless"),
        pytest.param(f"{NAME.lower()}=evil", id="SA-017 other case"),
        pytest.param(f"x{NAME}=evil", id="longer name"),
        pytest.param(f"\u2003{NAME}=evil", id="Unicode space"),
        pytest.param(f"\xa0{NAME}=evil", id="no-break space"),
        pytest.param(f"\x00{NAME}=evil", id="NUL"),
        pytest.param(f"{NAME} =evil", id="blank behind the name"),
        pytest.param(f"a=1, {NAME}=evil", id="joined with a comma by a server"),
        pytest.param(f'a="; {NAME}'.replace(";", ",") + '=evil"', id="inside a quoted value"),
    ],
)
def test_foreign_cookies_are_none(header):
    assert find_cookie(header, NAME) is None


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(f"{NAME}=a; {NAME}=b", id="two values"),
        pytest.param(f"{NAME}=a; {NAME}=a", id="the same value twice"),
        pytest.param(f"{NAME}=a;{NAME}=", id="an empty one behind"),
        pytest.param(f"{NAME}=; x=1; {NAME}=a", id="an empty one before"),
        pytest.param(f"{NAME}=a; \t{NAME}=b", id="tab before"),
        pytest.param(f'x="1; {NAME}=a"; {NAME}=b', id="quotes do not hide a pair"),
    ],
)
def test_two_cookies_of_our_name_are_a_duplicate(header):
    assert find_cookie(header, NAME) is DUPLICATE


def test_pairs_joined_with_a_comma_are_one_value_that_no_signature_fits():
    assert find_cookie(f"{NAME}=good,{NAME}=evil", NAME) == f"good,{NAME}=evil"


HEADERS = st.lists(
    st.sampled_from(
        [NAME, "=", ";", " ", "\t", ",", "v", '"', "\xa0", "\u2003", "x", f"{NAME}=", f"; {NAME}=w"]
    ),
    max_size=12,
).map("".join)


def slowly(header: str) -> object:
    """The rule as one would write it down."""
    pairs = [pair.strip(" \t").split("=", 1) for pair in header.split(";")]
    values = [pair[1].strip(" \t") for pair in pairs if len(pair) == 2 and pair[0] == NAME]
    return DUPLICATE if len(values) > 1 else values[0] if values else None


@settings(max_examples=200)
@given(HEADERS | st.text(max_size=30))
def test_fast_reader_agrees_with_the_rule(header):
    assert find_cookie(header, NAME) == slowly(header)


@settings(max_examples=200)
@given(HEADERS | st.text(max_size=30))
def test_prefix_reader_finds_what_the_exact_reader_finds(header):
    found = [value for name, value in find_cookies_with_prefix(header, NAME) if name == NAME]
    expected = find_cookie(header, NAME)
    assert (DUPLICATE if len(found) > 1 else found[0] if found else None) == expected


def test_prefix_reader_keeps_names_and_order():
    header = "a=1; p-b=2; p-a= 3 ;xp-c=4; p-; p-=5"
    assert find_cookies_with_prefix(header, "p-") == [("p-b", "2"), ("p-a", "3"), ("p-", "5")]


def test_prefix_reader_is_bounded():
    header = "; ".join(f"p-{number}=x" for number in range(MAX_FOUND + 10))
    assert len(find_cookies_with_prefix(header, "p-")) == MAX_FOUND


def test_prefix_that_is_absent_costs_no_split():
    assert find_cookies_with_prefix("a=1", "p-") == []


def test_session_cookie_has_every_attribute_and_no_domain():
    written = set_cookie(NAME, "v.w_x-y", max_age=60, secure=True, samesite="lax")
    assert written == f"{NAME}=v.w_x-y; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax"


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        pytest.param(
            {"max_age": None, "secure": False, "samesite": "strict"},
            "n=v; Path=/; HttpOnly; SameSite=Strict",
            id="loopback, until the browser closes",
        ),
        pytest.param(
            {"max_age": 600, "secure": True, "samesite": "none", "path": "/_idaware/callback"},
            "n=v; Path=/_idaware/callback; Max-Age=600; HttpOnly; Secure; SameSite=None",
            id="state cookie of form_post",
        ),
    ],
)
def test_attributes_follow_the_arguments(arguments, written):
    assert set_cookie("n", "v", **arguments) == written


def test_expired_cookie_is_empty_and_long_ago():
    assert expire_cookie(NAME, secure=True, samesite="lax") == (
        f"{NAME}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"name": ""}, id="empty name"),
        pytest.param({"name": "a b"}, id="blank in the name"),
        pytest.param({"name": "a=b"}, id="equals sign in the name"),
        pytest.param({"name": "a;b"}, id="semicolon in the name"),
        pytest.param({"name": "a\n"}, id="line feed behind the name"),
        pytest.param({"name": "é"}, id="name that is not ASCII"),
        pytest.param({"value": "a;Domain=evil"}, id="attribute in the value"),
        pytest.param({"value": "a\r\nX: y"}, id="header in the value"),
        pytest.param({"value": "a\n"}, id="line feed behind the value"),
        pytest.param({"value": "a b"}, id="blank in the value"),
        pytest.param({"value": "a,b"}, id="comma in the value"),
        pytest.param({"value": '"a"'}, id="quotes in the value"),
        pytest.param({"value": "a\\b"}, id="backslash in the value"),
        pytest.param({"value": "é"}, id="value that is not ASCII"),
        pytest.param({"value": "a\x7f"}, id="DEL in the value"),
        pytest.param({"path": "x"}, id="path without a slash"),
        pytest.param({"path": "/;Domain=evil"}, id="attribute in the path"),
        pytest.param({"path": "/a\n"}, id="line feed behind the path"),
        pytest.param({"path": "/a b"}, id="blank in the path"),
        pytest.param({"samesite": "lax; Domain=evil"}, id="attribute in SameSite"),
        pytest.param({"samesite": ""}, id="no SameSite"),
        pytest.param({"secure": False, "samesite": "none"}, id="SameSite=None without Secure"),
        pytest.param({"name": NAME, "secure": False}, id="__Host- without Secure"),
        pytest.param({"name": "__HOST-x", "secure": False}, id="__Host- in other case without Secure"),
        pytest.param({"name": "__Secure-x", "secure": False}, id="__Secure- without Secure"),
        pytest.param({"name": NAME, "path": "/a"}, id="__Host- off the root"),
    ],
)
def test_cookie_that_could_inject_or_be_dropped_is_refused(arguments):
    good = {"name": "n", "value": "v", "max_age": None, "secure": True, "samesite": "lax", "path": "/"}
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - every message has its own words; the value is in none
        set_cookie(**(good | arguments))
    assert arguments.get("value", "\0") not in str(caught.value)


@given(name=st.text(max_size=8), value=st.text(max_size=12))
def test_whatever_is_written_is_read_back_alone(name, value):
    try:
        written = set_cookie(name, value, max_age=None, secure=True, samesite="lax")
    except ValueError:
        return
    assert find_cookie(written.partition("; Path=")[0], name) == value
    assert written.count(";") == 4
    assert written.isascii()
    assert written.isprintable()
