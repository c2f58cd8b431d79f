from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idaware.http.paths import check_path
from idaware.policy.document import Place
from idaware.policy.patterns import Pattern, parse_pattern

PLACE = Place("p.yaml", 1, 1)


def parse(text: str, *allowances: str) -> Pattern:
    pattern = parse_pattern(text, PLACE, frozenset(allowances))
    assert isinstance(pattern, Pattern), pattern
    return pattern


@pytest.mark.parametrize(
    ("text", "segments", "rest", "captures"),
    [
        ("/", (), False, ()),
        ("/**", (), True, ()),
        ("/a/b", ("a", "b"), False, ()),
        ("/a/b/", ("a", "b"), False, ()),
        ("/a/**", ("a",), True, ()),
        ("/a/**/", ("a",), True, ()),
        ("/{x}/b", (None, "b"), False, (("x", 0),)),
        ("/*/b/*", (None, "b", None), False, ()),
        ("/a/{x}/{y_2}/**", ("a", None, None), True, (("x", 1), ("y_2", 2))),
        ("/.well-known/x", (".well-known", "x"), False, ()),
        ("/é/100%", ("é", "100%"), False, ()),
    ],
)
def test_pattern_is_read_segment_by_segment(
    text: str, segments: tuple[str | None, ...], rest: bool, captures: tuple[tuple[str, int], ...]
) -> None:
    pattern = parse(text)
    assert (pattern.segments, pattern.rest, pattern.captures) == (segments, rest, captures)
    assert pattern.names == {name for name, _ in captures}


@pytest.mark.parametrize(
    ("one", "other"),
    [("/a", "/a/"), ("/{x}/b", "/{y}/b"), ("/*/b", "/{y}/b"), ("/a/**", "/a/**/")],
)
def test_patterns_are_the_same_whatever_their_capture_names_and_trailing_slash(one: str, other: str) -> None:
    assert parse(one).shape == parse(other).shape


@pytest.mark.parametrize(("one", "other"), [("/a", "/a/**"), ("/a", "/A"), ("/a", "/{x}"), ("/", "/**")])
def test_other_patterns_are_not_the_same(one: str, other: str) -> None:
    assert parse(one).shape != parse(other).shape


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a", "begins with '/'"),
        ("**", "begins with '/'"),
        ("//a", "'//'"),
        ("/a//b", "'//'"),
        ("/a//", "'//'"),
        ("/**/a", "may only be the last segment"),
        ("/a*", "a wildcard stands for a whole segment"),
        ("/a/***", "a wildcard stands for a whole segment"),
        ("/{x}.json", "a capture is a whole segment"),
        ("/a{x}", "a capture is a whole segment"),
        ("/{}", "a capture is a whole segment"),
        ("/{1x}", "a capture is a whole segment"),
        ("/{x:path}", "a capture is a whole segment"),
        ("/{x}/{x}", "captured twice"),
        ("/a/../b", "dot segment"),
        ("/a/./b", "dot segment"),
        ("/a\\b", "backslash"),
        ("/a;b", "semicolon"),
        ("/a%2fb", "percent-encoded"),
        ("/a?b", "question mark"),
        ("/a#b", "number sign"),
        ("/a\x85b", "control character"),
        ("/\uff41", "stand for others"),
        ("/\u2024\u2024", "stand for others"),
        ("/\ufffd", "not valid UTF-8"),
        ("/" + "a" * 8192, "more than 8192 bytes"),
        ("/" + "é" * 4096, "more than 8192 bytes"),
        ("/a" * 65, "64 segments at most"),
    ],
)
def test_pattern_that_could_match_nothing_or_mean_two_things_is_refused(text: str, message: str) -> None:
    wrong = parse_pattern(text, PLACE)
    assert isinstance(wrong, str)
    assert message in wrong


@pytest.mark.parametrize(
    ("text", "form"),
    [("/a;b/**", "semicolon"), ("/a?b/**", "encoded_question"), ("/\uff41/**", "compat_chars")],
)
def test_forms_that_the_rule_allows_in_paths_may_stand_in_its_patterns(text: str, form: str) -> None:
    assert isinstance(parse_pattern(text, PLACE), str)
    assert parse(text, form).rest


@settings(max_examples=200)
@given(st.text(st.sampled_from("ab/.;%?#\\ ~é\uff0f\u2024\x01\x852F{}*"), max_size=8).map("/".__add__))
def test_pattern_that_loads_is_a_path_that_requests_may_have(text: str) -> None:
    pattern = parse_pattern(text, PLACE)
    if isinstance(pattern, Pattern):
        path = "/" + "/".join(segment or "x" for segment in pattern.segments)
        assert check_path(path, None) is None


@settings(max_examples=100)
@given(st.text(max_size=20))
def test_any_text_is_a_pattern_or_a_sentence(text: str) -> None:
    assert isinstance(parse_pattern(text, PLACE), (Pattern, str))


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("/a", "/a", True),
        ("/a", "/b", False),
        ("/a", "/{x}", True),
        ("/a/b", "/a/**", True),
        ("/a", "/a/**", True),
        ("/", "/**", True),
        ("/a/b", "/a", False),
        ("/{x}/b", "/a/{y}", True),
        ("/{x}/b", "/a/c", False),
        ("/a/**", "/{x}/b/**", True),
        ("/b/**", "/a/c", False),
        ("/a/b/c", "/a/b", False),
    ],
)
def test_two_patterns_overlap_when_one_path_is_matched_by_both(one: str, other: str, overlap: bool) -> None:
    assert parse(one).overlaps(parse(other)) is overlap
    assert parse(other).overlaps(parse(one)) is overlap
