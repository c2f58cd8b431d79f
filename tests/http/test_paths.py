"""Security rule 2 on the pure function: what can be read in two ways is refused, what cannot is let alone."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from unicodedata import normalize
from urllib.parse import unquote, unquote_to_bytes

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from idaware.http.mounts import split_wsgi
from idaware.http.paths import ALLOWANCES, MAX_PATH_BYTES, check_path, path_too_long

LINES = (Path(__file__).parents[1] / "corpora" / "path_confusion.jsonl").read_text("utf-8").split("\n")
CORPUS = [json.loads(line) for line in LINES if line]
# Other functions decide these: test_mounts, test_methods, test_headers.
ELSEWHERE = {"prefix-header", "root-path-option", "method", "identity-header"}
READ_OTHERWISE = {
    "PC-149": "an accent that composes adds no ASCII (security rule 2)",
    "PC-165": "a byte that is not UTF-8 is refused here, whatever the server makes of it",
    "PC-197": "a server either strips the blank or refuses it; unstripped the path has no leading slash",
}
CASES = [
    pytest.param(case, id=f"{case['id']} {case['family']}")
    for case in CORPUS
    if case["kind"] not in ELSEWHERE and case["id"] not in READ_OTHERWISE
]


def through_asgi(target: str) -> str | None:
    """What ``check_path`` says of a target as h11-based servers hand it over."""
    raw = target.encode("latin-1").partition(b"?")[0]
    return check_path(unquote_to_bytes(raw).decode("utf-8", "replace"), raw)


def through_wsgi(target: str) -> str | None:
    """The same through a WSGI server that gives no raw form."""
    path_info = unquote(target.partition("?")[0], "latin-1")
    return check_path(split_wsgi(path_info, "", "")[0], None)


@pytest.mark.parametrize("case", CASES)
def test_corpus_target_is_refused_or_left_to_the_policy_as_its_case_says(case):
    verdicts = {"asgi": through_asgi(case["target"]), "wsgi": through_wsgi(case["target"])}
    if case["gate"] == "refuse" and case["id"] == "PC-243":
        assert verdicts["asgi"] is not None, "a raw blank shows in the raw form alone"
    elif case["gate"] == "refuse" and case["kind"] != "identity-header":
        assert None not in verdicts.values()
    elif case["gate"] == "policy":
        assert set(verdicts.values()) == {None}
    elif case["id"] != "PC-247":  # Host against :authority: its path is plain
        assert verdicts["asgi"] is not None


@pytest.mark.parametrize(
    ("case_id", "refused"),
    [("PC-149", False), ("PC-165", True), ("PC-197", True)],
    ids=READ_OTHERWISE.values(),
)
def test_corpus_target_that_is_read_otherwise_here(case_id, refused):
    target = next(case["target"] for case in CORPUS if case["id"] == case_id)
    assert (through_asgi(target) is not None) is refused


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/", id="root"),
        pytest.param("/a/b/c.txt", id="ordinary"),
        pytest.param("/a/", id="trailing slash"),
        pytest.param("/.well-known/x", id="dot at the start of a segment"),
        pytest.param("/a..b/..c/d..", id="dots that are no segment"),
        pytest.param("/...", id="three dots"),
        pytest.param("/a b", id="space"),
        pytest.param("/100%", id="lone percent"),
        pytest.param("/100%2", id="half an escape"),
        pytest.param("/%u0061", id="escape of another kind"),
        pytest.param("/a@b:c,d=e&f+g!h$i'j(k)*l", id="sub-delimiters"),
        pytest.param('/"<>[]^`{|}~', id="odd but plain"),
        pytest.param("/été/日本語", id="letters of other scripts"),
        pytest.param("/n\u0303", id="accent that composes"),
        pytest.param("/∕", id="division slash stays what it is"),
        pytest.param("/\ufeffx", id="byte order mark"),
    ],
)
def test_plain_path_is_clear(path):
    assert check_path(path, None) is None


@pytest.mark.parametrize(
    ("path", "explanation"),
    [
        pytest.param("", "begin with a slash", id="empty"),
        pytest.param("a/b", "begin with a slash", id="no leading slash"),
        pytest.param("http://h/a", "begin with a slash", id="absolute form"),
        pytest.param("//a", "double slash", id="double slash at the start"),
        pytest.param("/a//b", "double slash", id="double slash inside"),
        pytest.param("/a//", "double slash", id="double slash at the end"),
        pytest.param("/.", "dot segment", id="dot at the end"),
        pytest.param("/a/./b", "dot segment", id="dot inside"),
        pytest.param("/a/..", "dot segment", id="dot dot at the end"),
        pytest.param("/../a", "dot segment", id="dot dot at the start"),
        pytest.param("/a\\b", "backslash", id="backslash"),
        pytest.param("/a\x00", "control", id="NUL"),
        pytest.param("/a\x1f", "control", id="last C0"),
        pytest.param("/a\x7f", "control", id="DEL"),
        pytest.param("/a\x80", "control", id="first C1"),
        pytest.param("/a\x9f", "control", id="last C1"),
        pytest.param("/a\n", "control", id="line feed at the end"),
        pytest.param("/a\ufffd", "UTF-8", id="replacement character"),
        pytest.param("/a\ud800", "UTF-8", id="high surrogate"),
        pytest.param("/a\udcff", "UTF-8", id="escaped byte"),
        pytest.param("/a?b", "question mark", id="question mark"),
        pytest.param("/a#b", "number sign", id="number sign"),
        pytest.param("/a;b", "semicolon", id="semicolon"),
        pytest.param("/a%2Fb", "twice", id="remaining escape"),
        pytest.param("/%fF", "twice", id="remaining escape in mixed case"),
        pytest.param("/／admin", "stand for others", id="full-width solidus"),
        pytest.param("/a\u00a0", "stand for others", id="no-break space"),
        pytest.param("/ⓐdmin", "stand for others", id="circled letter"),
        pytest.param("/\u212aey", "stand for others", id="Kelvin sign"),
        pytest.param("/n\u0303ⓝ", "stand for others", id="accent that swallows what the circled letter adds"),
        pytest.param("/a\u037eb", "stand for others", id="Greek question mark"),
    ],
)
def test_path_that_can_be_read_in_two_ways_is_refused(path, explanation):
    found = check_path(path, None)
    assert found is not None
    assert explanation in found


@pytest.mark.parametrize(
    ("path", "raw", "explanation"),
    [
        pytest.param("/a/b", b"/a%2fb", "encoded slash", id="slash"),
        pytest.param("/a/b", b"/a%2Fb", "encoded slash", id="slash in upper case"),
        pytest.param("/a.b", b"/a%2eb", "encoded dot", id="dot"),
        pytest.param("/a.b", b"/a%2Eb", "encoded dot", id="dot in upper case"),
        pytest.param("/ab", b"/a%5cb", "encoded backslash", id="backslash that the server took away"),
        pytest.param("/ab", b"/a%00b", "encoded control", id="NUL that the server took away"),
        pytest.param("/ab", b"/a%0db", "encoded control", id="CR"),
        pytest.param("/ab", b"/a%0Ab", "encoded control", id="LF"),
        pytest.param("/a%zz", b"/a%25zz", "encoded percent", id="percent"),
        pytest.param("/ab", b"/a%3fb", "encoded question", id="question mark"),
        pytest.param("/ab", b"/a%23b", "encoded number", id="number sign"),
        pytest.param("/ab", b"/a%3Bb", "encoded semicolon", id="semicolon"),
        pytest.param("/a", b"/a#b", "fragment", id="fragment that the server cut off"),
        pytest.param("/a", b"/a?b", "origin form", id="query"),
        pytest.param("/a b", b"/a b", "origin form", id="raw blank"),
        pytest.param("/a", b"/a\t", "origin form", id="raw tab"),
        pytest.param("/a", b"/a\x7f", "origin form", id="raw DEL"),
        pytest.param("/a", b"http://h/a", "origin form", id="absolute form"),
        pytest.param("/a", b"a", "origin form", id="no leading slash"),
        pytest.param("/", b"", "origin form", id="empty"),
        pytest.param("/", b"*", "origin form", id="asterisk form"),
    ],
)
def test_raw_form_that_can_be_read_in_two_ways_is_refused(path, raw, explanation):
    found = check_path(path, raw)
    assert found is not None
    assert explanation in found


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        pytest.param("/a b", b"/a%20b", id="encoded blank"),
        pytest.param("/admin", b"/%61dmin", id="encoded letter"),
        pytest.param("/é", b"/%C3%A9", id="encoded accent"),
        pytest.param("/é", "/é".encode(), id="raw accent"),
        pytest.param("/100%", b"/100%", id="lone percent"),
    ],
)
def test_raw_form_that_has_one_reading_is_clear(path, raw):
    assert check_path(path, raw) is None


@pytest.mark.parametrize(
    ("allowance", "path", "raw"),
    [
        pytest.param("encoded_slash", "/x/a/b", b"/x/a%2Fb", id="encoded slash"),
        pytest.param("encoded_percent", "/x/a%41", b"/x/a%2541", id="encoded percent"),
        pytest.param("encoded_question", "/x/a?b", b"/x/a%3Fb", id="encoded question mark"),
        pytest.param("encoded_hash", "/x/a#b", b"/x/a%23b", id="encoded number sign"),
        pytest.param("semicolon", "/x/a;b", b"/x/a;b", id="semicolon"),
        pytest.param("semicolon", "/x/a;b", b"/x/a%3bb", id="encoded semicolon"),
        pytest.param("double_slash", "/x/a//b", b"/x/a//b", id="double slash"),
        pytest.param("compat_chars", "/x/ﬁle…", None, id="compatibility characters"),
    ],
)
def test_allowance_lets_its_own_form_pass_and_no_other_does(allowance, path, raw):
    assert check_path(path, raw, frozenset({allowance})) is None
    explanation = check_path(path, raw, ALLOWANCES - {allowance})
    assert explanation is not None
    assert f"allow_in_path: {allowance}" in explanation


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        pytest.param("/x/../a", None, id="dot segment"),
        pytest.param("/x\\a", None, id="backslash"),
        pytest.param("/x\x00", None, id="control"),
        pytest.param("/x\ufffd", None, id="not UTF-8"),
        pytest.param("/x", b"/x#y", id="fragment"),
        pytest.param("/x.", b"/x%2e", id="encoded dot"),
        pytest.param("/x/%2e%2e/a", b"/x/%252e%252e/a", id="dot segment encoded twice"),
        pytest.param("/x/%252e%252e/a", None, id="dot segment encoded three times"),
        pytest.param("/x/..%2fa", None, id="dot segment before a slash encoded twice"),
        pytest.param("/x/a%5cb", None, id="backslash encoded twice"),
        pytest.param("/x/a%00", None, id="NUL encoded twice"),
        pytest.param("/x/..;/a", None, id="dot segment with a parameter"),
        pytest.param("/x/..?a", None, id="dot segment before a question mark"),
        pytest.param("/x/..#a", None, id="dot segment before a number sign"),
        pytest.param("/x/．．/a", None, id="full-width dot segment"),
        pytest.param("/x/‥/a", None, id="two-dot leader"),
        pytest.param("/x／．．／a", None, id="full-width dot segment between full-width solidi"),
        pytest.param("/x＼a", None, id="full-width backslash"),
        pytest.param("/x/％２ｅ％２ｅ/a", None, id="full-width escapes of a dot segment"),
        pytest.param("/x/%2525252525252541", None, id="more layers than anybody needs"),
    ],
)
def test_no_allowance_opens_what_is_never_allowed(path, raw):
    assert check_path(path, raw, ALLOWANCES) is not None


def test_allowances_are_those_of_the_policy():
    names = "encoded_slash encoded_percent encoded_question encoded_hash semicolon double_slash compat_chars"
    assert set(names.split()) == ALLOWANCES


def test_explanation_holds_nothing_of_the_path():
    assert "secret" not in (check_path("/secret//secret", b"/secret//secret") or "")


PIECES = st.lists(
    st.sampled_from(
        ["/", "a", ".", "..", "%", "2", "e", "%2f", ";", "?", "#", "\\", "é", "／", "．", "\x00", "\ud800"]
    )
    | st.text(max_size=3),
    max_size=12,
).map("".join)


@settings(max_examples=200)
@given(
    path=PIECES,
    raw=st.none() | st.binary(max_size=20),
    allowances=st.sets(st.sampled_from(sorted(ALLOWANCES))),
)
def test_any_path_ends_in_a_verdict(path, raw, allowances):
    verdict = check_path(path, raw, frozenset(allowances))
    assert verdict is None or verdict


@settings(max_examples=200)
@given(PIECES.map(lambda text: "/" + text))
@example("/n\u0303ⓝ")
def test_clear_path_has_one_reading(path):
    """Restated the slow way: what passes is its own normal form to every reader that we know of."""
    if check_path(path, None) is not None:
        return
    segments = path[1:].split("/")
    assert "." not in segments
    assert ".." not in segments
    assert "" not in segments[:-1]
    assert unquote(path) == path
    assert not set(path) & set("\\?#;\x7f\ufffd")
    assert path.isprintable() or not path.isascii()
    for segment in segments:
        ascii_before = Counter(character for character in segment if character.isascii())
        ascii_after = Counter(character for character in normalize("NFKC", segment) if character.isascii())
        assert ascii_after <= ascii_before


@settings(max_examples=200)
@given(path=PIECES, allowances=st.sets(st.sampled_from(sorted(ALLOWANCES))))
def test_more_allowances_never_refuse_what_fewer_let_pass_unless_it_hides_something(path, allowances):
    if check_path(path, None) is None:
        assert check_path(path, None, frozenset(allowances)) in (
            None,
            "the path hides a dot segment, a backslash or a control character",
        )


@pytest.mark.parametrize(
    ("path", "raw", "long"),
    [
        pytest.param("/" + "a" * (MAX_PATH_BYTES - 1), None, False, id="just fits"),
        pytest.param("/" + "a" * MAX_PATH_BYTES, None, True, id="one byte more"),
        pytest.param("/a", b"/" + b"a" * MAX_PATH_BYTES, True, id="raw form alone"),
        pytest.param("/a", b"/a", False, id="short raw form"),
        pytest.param("/" + "é" * (MAX_PATH_BYTES // 2), None, True, id="bytes count, not characters"),
        pytest.param("/a" + "é" * (MAX_PATH_BYTES // 2 - 1), None, False, id="bytes that just fit"),
        pytest.param("/\ud800", None, False, id="surrogate"),
    ],
)
def test_path_is_too_long_beyond_8_kib(path, raw, long):
    assert path_too_long(path, raw) is long
