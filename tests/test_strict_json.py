"""JSON that two readers may read in two ways is refused; all else is read as everybody reads it."""

from __future__ import annotations

import json
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idaware.strict_json import MAX_NUMBER_CHARS, AmbiguousJson, read_json


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"iss": 1, "iss": 2}', "a name occurs twice"),
        ('{"iss": 1, "i\\u0073s": 2}', "a name occurs twice"),
        ('[{"a": {"b": 1, "b": 1}}]', "a name occurs twice"),
        ("[NaN]", "NaN is not a number"),
        ("-Infinity", "-Infinity is not a number"),
        ("1e999", "too long or too large"),
        ("0." + "9" * MAX_NUMBER_CHARS, "too long or too large"),
        ("9" * (MAX_NUMBER_CHARS + 1), "a number with 33 characters"),
        ("9" * 5000, "a number with 5000 characters"),
        ('"\\ud800"', "half a surrogate pair"),
        ('{"\\uDC00": 1}', "half a surrogate pair"),
        ("[[[[1]]]]", "more than 3 levels"),
        ('[{"a": [{', "more than 3 levels"),
        ("[" * 200_000, "more than 3 levels"),
    ],
    ids=[
        "a name twice", "in another spelling", "further in", "NaN", "infinity", "overflow", "a long fraction",
        "a long number", "a very long number", "half a pair", "half a pair as a name", "deep", "deep and not closed",
        "endless",
    ],
)  # fmt: skip
def test_what_can_be_read_in_two_ways_is_refused(text: str, why: str) -> None:
    with pytest.raises(AmbiguousJson, match=why):
        read_json(text, max_depth=3)


@pytest.mark.parametrize(
    "text",
    ["", "{", "{} {}", "\ufeff{}", '{"a": "[[[[[', '"\\', "'a'", "]]]]"],
    ids=[
        "nothing",
        "open",
        "two",
        "a mark before it",
        "an open text",
        "an open escape",
        "quotes",
        "closed only",
    ],
)
def test_what_is_no_json_is_a_plain_error_of_value(text: str) -> None:
    with pytest.raises(ValueError, match=r".+") as caught:
        read_json(text, max_depth=3)
    assert not isinstance(caught.value, AmbiguousJson)


@pytest.mark.parametrize(
    "text",
    [
        "[[[1]]]",
        '["\\ud83d\\ude00"]',
        '["é"]',
        "[1e308, -1.5]",
        '["[[[[", "\\"[[[[", "\\\\"]',
        "9" * 32,
        "[[],[],[]]",
    ],
    ids=[
        "as deep as permitted",
        "a pair",
        "beyond ASCII",
        "numbers",
        "brackets in texts",
        "as long as permitted",
        "wide",
    ],
)
def test_what_is_unusual_but_clear_is_read(text: str) -> None:
    assert read_json(text, max_depth=3) == json.loads(text)


def test_a_text_that_never_ends_costs_its_length_and_not_the_square_of_it() -> None:
    hostile = '{"a":"' + '\\"' * 100_000
    began = time.perf_counter()
    with pytest.raises(ValueError, match="Unterminated"):
        read_json(hostile, max_depth=3)
    assert time.perf_counter() - began < 5, "the square takes minutes"


documents = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(documents, st.booleans())
def test_every_clear_document_comes_back_whole(document: object, ascii_only: bool) -> None:
    text = json.dumps(document, ensure_ascii=ascii_only)
    assert read_json(text, max_depth=20) == document


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60) | st.text(alphabet='{}[]",:\\u0d8e1NaI. ', max_size=60))
def test_any_text_is_read_or_an_error_of_value(text: str) -> None:
    with suppress(ValueError):
        assert read_json(text, max_depth=8) == json.loads(text)
