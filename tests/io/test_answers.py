"""What an HTTP exchange came to, read strictly."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idaware.errors import ProviderMisbehaved, ProviderUnavailable
from idaware.io.answers import MAX_JSON_DEPTH, check_status, host_of, read_answer

URL = "https://user:pass@login.example:8443/token?code=secret"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        (URL, "login.example:8443"),
        ("http://[::1]:80/x", "[::1]:80"),
        ("/nowhere", "an address without a host"),
        ("http://[::1", "an address that is not a URL"),
    ],
    ids=["with credentials and query", "IPv6", "no host", "malformed"],
)
def test_messages_name_the_host_and_nothing_else_of_a_url(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize("status", [200, 201, 204, 299, 400, 401, 403, 404, 418, 499])
def test_an_answer_with_2xx_or_4xx_is_one_to_read(status: int) -> None:
    check_status(URL, status)


@pytest.mark.parametrize("status", [101, 199, 300, 301, 302, 303, 304, 307, 308, 399])
def test_a_redirect_is_not_followed_but_misbehaviour(status: int) -> None:
    with pytest.raises(
        ProviderMisbehaved, match=f"login.example:8443 answered {status}; redirects are not followed"
    ):
        check_status(URL, status)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 599])
def test_an_overloaded_or_broken_provider_is_unavailable(status: int) -> None:
    with pytest.raises(ProviderUnavailable, match=f"answered {status}") as caught:
        check_status(URL, status)
    assert "secret" not in str(caught.value)


def test_json_is_read_with_its_headers() -> None:
    headers = {"cache-control": "public, max-age=600", "content-type": "Application/JSON; charset=utf-8"}
    answer = read_answer(URL, 200, {**headers, "date": "Sat, 31 Jan 2026 08:15:00 GMT"}, b'{"a": [1, "x"]}')
    assert (answer.status, answer.body) == (200, {"a": [1, "x"]})
    assert (answer.max_age_seconds, answer.content_type, answer.date) == (
        600,
        "application/json",
        1769847300.0,
    )


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("", None),
        ("max-age=60", 60),
        ("public,max-age=60", 60),
        ("MAX-AGE = 60", 60),
        ('max-age="60"', 60),
        ("s-maxage=99", None),
        ("s-maxage=99, max-age=60", 60),
        ("no-store", 0),
        ("max-age=60, no-cache", 0),
        ("max-age=-1", None),
        ("max-age=99999999999999", None),
        ("x-max-age=5", None),
    ],
)
def test_max_age_is_what_cache_control_says(value: str, seconds: int | None) -> None:
    assert read_answer(URL, 200, {"cache-control": value}, b"{}").max_age_seconds == seconds


@pytest.mark.parametrize(
    ("value", "epoch"),
    [
        ("Sat, 31 Jan 2026 08:15:00 GMT", 1769847300.0),
        ("Sat, 31 Jan 2026 08:15:00 -0000", 1769847300.0),
        ("yesterday", None),
        ("", None),
        ("Sat, 31 Jan 20260 99:15:00 GMT", None),
    ],
    ids=["RFC 9110", "no zone", "no date", "absent", "impossible"],
)
def test_the_date_is_epoch_seconds_or_unknown(value: str, epoch: float | None) -> None:
    assert read_answer(URL, 200, {"date": value}, b"{}").date == epoch


@pytest.mark.parametrize(
    "body",
    [b"", b" \r\n", b"Service busy", b"eyJh.eyJz.c2ln", b"\xff\xfe{", b"{}{}"],
    ids=["empty", "blank", "plain text", "JWT", "not UTF-8", "two documents"],
)
def test_what_is_not_json_is_no_body(body: bytes) -> None:
    assert read_answer(URL, 400, {}, body).body is None


def test_an_answer_shows_nothing_of_its_body() -> None:
    assert "s3cret" not in repr(read_answer(URL, 200, {}, b'{"access_token": "s3cret"}'))


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert read_answer(URL, 200, {}, b"\xef\xbb\xbf{}").body == {}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"issuer": 1, "issuer": 2}', "a name occurs twice"),
        (b'{"a": {"b": 1, "\\u0062": 1}}', "a name occurs twice"),
        (b"[NaN]", "NaN is not a number"),
        (b"[-Infinity]", "-Infinity is not a number"),
        (b"[1e400]", "a number that is too long or too large"),
        (b"1" * 5000, "a number with 5000 characters"),
        (b'["\\ud800"]', "half a surrogate pair"),
        (b'{"\\udc00": 1}', "half a surrogate pair"),
        (b"[" * 65 + b"]" * 65, "more than 64 levels"),
        (b"[" * 200_000, "more than 64 levels"),
    ],
    ids=[
        "twice",
        "twice by escape",
        "NaN",
        "infinity",
        "overflow",
        "huge number",
        "surrogate",
        "in a name",
        "deep",
        "very deep",
    ],
)
def test_json_that_can_be_read_in_two_ways_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(ProviderMisbehaved, match=why):
        read_answer(URL, 200, {}, body)


def test_a_document_may_nest_as_deep_as_the_limit() -> None:
    text = b"[" * MAX_JSON_DEPTH + b"]" * MAX_JSON_DEPTH
    assert read_answer(URL, 200, {}, text).body == json.loads(text)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(st.binary(max_size=200), st.text(alphabet='{}[]",:\\u0d8e1NaI. ', max_size=60).map(str.encode))
)
def test_any_body_is_an_answer_or_misbehaviour(body: bytes) -> None:
    try:
        answer = read_answer(URL, 200, {}, body)
    except ProviderMisbehaved:
        return
    assert answer.body is None or json.loads(body) == answer.body
