from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idaware.errors import Problem
from idaware.policy import document
from idaware.policy.document import Mapping, Node, Scalar, Sequence, read_document


def read(text: str | bytes) -> Node:
    node = read_document(text.encode() if isinstance(text, str) else text, "p.yaml")
    assert not isinstance(node, Problem), node
    return node


def wrong(text: str | bytes) -> str:
    problem = read_document(text.encode() if isinstance(text, str) else text, "p.yaml")
    assert isinstance(problem, Problem)
    return str(problem)


def test_every_node_knows_its_line_and_column() -> None:
    node = read("a:\n  - b\n  - 'c'\n")
    assert isinstance(node, Mapping)
    assert str(node.place) == "p.yaml:1:1"
    key, value = node.entries[0]
    assert str(key.place) == "p.yaml:1:1"
    assert isinstance(value, Sequence)
    assert [str(item.place) for item in value.items] == ["p.yaml:2:5", "p.yaml:3:5"]


@pytest.mark.parametrize(
    ("text", "plain"),
    [("no", True), ("'no'", False), ('"no"', False), ("|\n no", False), (">\n no", False)],
    ids=["plain", "single quotes", "double quotes", "literal block", "folded block"],
)
def test_only_unquoted_scalars_are_plain(text: str, plain: bool) -> None:
    node = read(text)
    assert isinstance(node, Scalar)
    assert node.plain is plain


def test_json_is_read_as_it_is() -> None:
    node = read('{"a": ["b", 1, true]}')
    assert isinstance(node, Mapping)
    assert isinstance(node.entries[0][1], Sequence)


def test_byte_order_mark_is_skipped() -> None:
    assert read(b"\xef\xbb\xbfa: b") == read("a: b")


def test_repeated_keys_are_both_there_for_the_reader_to_refuse() -> None:
    node = read("a: 1\na: 2\n")
    assert isinstance(node, Mapping)
    assert len(node.entries) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "p.yaml: the file is empty; a policy begins with 'version: 1'"),
        ("# nothing\n", "p.yaml: the file is empty; a policy begins with 'version: 1'"),
        ("a: 1\n---\nb: 2\n", "p.yaml:2:1: a second document begins here; a policy is one document"),
        (
            "%YAML 1.1\n---\na: no\n",
            "p.yaml:2:1: YAML directives are not supported; take the '%' lines above out",
        ),
        (
            "%TAG ! tag:x,2000:\n---\na: 1\n",
            "p.yaml:2:1: YAML directives are not supported; take the '%' lines above out",
        ),
        ("a: !!python/object:os.system x", "p.yaml:1:4: the tag"),
        ("a: !!str 1", "p.yaml:1:4: the tag"),
        ("a: !local [1]", "p.yaml:1:4: the tag"),
        ("a: *nowhere", "p.yaml:1:4: the alias '*nowhere' has no anchor '&nowhere' before it"),
        ("a: &x [*x]", "p.yaml:1:8: the alias '*x' stands inside its own anchor"),
        ("a: &x {b: *x}", "p.yaml:1:11: the alias '*x' stands inside its own anchor"),
        ("a: &x 1\nb: &x 2\n", "p.yaml:2:4: the anchor '&x' is defined twice"),
        ("a: [1, 2\nb: 3\n", "p.yaml:2:2: not valid YAML"),
        ("a: b: c", "p.yaml:1:5: not valid YAML"),
        ("\ta: b", "p.yaml:1:1: not valid YAML"),
        ('a: "\\q"', "p.yaml:1:6: not valid YAML"),
        ('a: "\\U99999999"', "p.yaml: not valid YAML"),
        ("%YAML 1.9\n---\na", "p.yaml: not valid YAML"),
        ("a: b\nc: \x07", "p.yaml:2:4: the file holds a control character"),
        (b"a: b\nc: \xff\n", "p.yaml:2:4: the file is not UTF-8 text"),
        ("[" * 40 + "]" * 40, "p.yaml:1:34: nested more than 32 levels deep"),
        ("[" * 100_000, "p.yaml:1:34: nested more than 32 levels deep"),
    ],
    ids=[
        "empty file",
        "comment only",
        "two documents",
        "version directive",
        "tag directive",
        "python tag",
        "standard tag",
        "tag on a list",
        "alias without anchor",
        "alias in its own list",
        "alias in its own mapping",
        "anchor twice",
        "list not closed",
        "two colons",
        "tab",
        "unknown escape",
        "impossible character",
        "impossible version",
        "control character",
        "not UTF-8",
        "deep",
        "very deep",
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(text: str | bytes, message: str) -> None:
    assert wrong(text).startswith(message)


def test_aliases_are_expanded() -> None:
    node = read("a: &x [1, 2]\nb: *x\n")
    assert isinstance(node, Mapping)
    assert node.entries[0][1] is node.entries[1][1]


def test_aliases_that_expand_beyond_the_bound_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 9) + "]" for n in range(1, 12)]
    assert "aliases expand to more than 10000 entries" in wrong("\n".join(lines))


def test_file_beyond_16_mib_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    assert document.MAX_BYTES == 16 * 1024 * 1024
    assert wrong(b"#" * (document.MAX_BYTES + 1)).startswith("p.yaml: the file has 16777217 bytes")


_PIECES = [
    *"ab01:-,[]{}&*!|>'\"%@`#\\?~ \n\t",
    *("\n  ", ": ", "- ", "&a ", "*a", "!!x ", "%YAML 1.", "%TAG !", "---\n", "...\n"),
    *("\\x", "\\U", "<<: ", "\x85", "\u2028", "\ufeff", "é"),
]
_YAML_LIKE = st.lists(st.sampled_from(_PIECES), max_size=30).map("".join)


@settings(max_examples=200)
@given(st.one_of(_YAML_LIKE.map(str.encode), st.binary(max_size=60)))
def test_any_input_is_a_node_or_a_problem_never_an_exception(text: bytes) -> None:
    result = read_document(text, "p.yaml")
    assert isinstance(result, (Problem, Scalar, Sequence, Mapping))
