"""Security rule 20: a sign-in ends on a path of this application, or at its root."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idaware.http.redirects import MAX_NEXT_BYTES, next_for, safe_next

LINES = (Path(__file__).parents[1] / "corpora" / "open_redirects.jsonl").read_text("utf-8").split("\n")
CORPUS = [json.loads(line) for line in LINES if line]
PREFIX = "/_idaware"


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{case['id']} {case['family']}") for case in CORPUS])
def test_corpus_target_is_kept_or_becomes_the_root_as_its_case_says(case):
    kept = safe_next(case["target"], base_path="", prefix="/oidc")
    if case["policy"] == "must_accept":
        assert kept == case["target"]
    elif case["policy"] == "must_reject":
        assert kept == "/"
    else:
        assert kept == "/" or (kept == case["target"] and case["safe"])


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("/", id="root"),
        pytest.param("/a/b?c=d&e=%20", id="path with a query"),
        pytest.param("/a?", id="empty query"),
        pytest.param("/a?next=https://evil.example//x\\y", id="anything printable in the query"),
        pytest.param("/a;v=1", id="semicolon"),
        pytest.param("/a%3Bv=1", id="encoded semicolon"),
        pytest.param("/_idawarex", id="name that begins like ours"),
        pytest.param("/_IDAWARE/login", id="our name in other case is not ours"),
        pytest.param("/" + "a" * (MAX_NEXT_BYTES - 1), id="as long as it may be"),
    ],
)
def test_path_of_the_application_is_kept(target):
    assert safe_next(target, base_path="", prefix=PREFIX) == target


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param("https://app.example/", id="absolute URL"),
        pytest.param("//evil.example", id="network path"),
        pytest.param("/a#b", id="fragment"),
        pytest.param("/a?b#c", id="fragment behind a query"),
        pytest.param("/a?b c", id="blank in the query"),
        pytest.param("/a?b\n", id="line feed behind the query"),
        pytest.param("/a?é", id="query that is not ASCII"),
        pytest.param("/é", id="path that is not ASCII"),
        pytest.param("/%ff", id="path that is not UTF-8"),
        pytest.param("/a/../b", id="dot segment"),
        pytest.param("/a/..;/b", id="dot segment with a parameter"),
        pytest.param("/a/%2e%2e/b", id="encoded dot segment"),
        pytest.param("/a%2fb", id="encoded slash"),
        pytest.param("/a%252fb", id="slash encoded twice"),
        pytest.param("/%ef%bc%8fevil.example", id="full-width solidus"),
        pytest.param("/_idaware", id="our prefix"),
        pytest.param("/_idaware/", id="our prefix with a slash"),
        pytest.param("/_idaware/logout", id="our endpoint"),
        pytest.param("/%5fidaware/logout", id="our endpoint, encoded"),
        pytest.param("/_idaware?x", id="our prefix with a query"),
        pytest.param("/" + "a" * MAX_NEXT_BYTES, id="one byte too long"),
    ],
)
def test_anything_else_becomes_the_root(target):
    assert safe_next(target, base_path="", prefix=PREFIX) == "/"


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        pytest.param("/billing/a?b=c", "/billing/a?b=c", id="below the prefix"),
        pytest.param("/billing/", "/billing/", id="root of the prefix"),
        pytest.param("/billing", "/billing/", id="bare prefix"),
        pytest.param("/payroll/a", "/billing/", id="another application of the host"),
        pytest.param("/billingx/a", "/billing/", id="glued to the prefix"),
        pytest.param("/billing/_idaware/logout", "/billing/", id="our endpoint"),
        pytest.param("/billing/../payroll", "/billing/", id="out of the prefix by dots"),
    ],
)
def test_target_is_an_external_path_below_the_base_path(target, kept):
    assert safe_next(target, base_path="/billing", prefix=PREFIX) == kept


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        pytest.param("/a", "", "/billing/a", id="path"),
        pytest.param("/a", "b=c&d=%20", "/billing/a?b=c&d=%20", id="query comes back as it was"),
        pytest.param("/é d", "", "/billing/%C3%A9%20d", id="decoded path is encoded again"),
        pytest.param("/a;v=1", "", "/billing/a;v=1", id="semicolon"),
        pytest.param("/a?b", "", "/billing/", id="question mark in the path"),
        pytest.param("/a", "\x7f", "/billing/", id="query that is not printable"),
        pytest.param("/\ud800", "", "/billing/", id="undecodable path"),
        pytest.param("/_idaware/me", "", "/billing/", id="our endpoint"),
        pytest.param("/a", "b" * MAX_NEXT_BYTES, "/billing/", id="too long"),
    ],
)
def test_next_for_leads_back_to_the_request(path, query, target):
    assert next_for(path, query, base_path="/billing", prefix=PREFIX) == target


TARGETS = st.lists(
    st.sampled_from(
        ["/", "//", "\\", "evil.example", "@", ":", "?", "#", "%2f", "%5c", "%00", "\t", "..", ";", "a", "é"]
    ),
    max_size=8,
).map("".join)


@settings(max_examples=200)
@given(TARGETS | st.text(max_size=20))
def test_any_target_ends_on_this_origin(target):
    kept = safe_next(target, base_path="", prefix=PREFIX)
    assert kept in ("/", target)
    parts = urlsplit(kept)
    assert (parts.scheme, parts.netloc) == ("", "")
    assert kept[0] == "/"
    assert kept[1:2] not in ("/", "\\")
    assert kept.isascii()
    assert kept.isprintable()


@given(path=st.text(max_size=20), query=st.text(max_size=20))
def test_any_request_has_a_next(path, query):
    assert next_for(path, query, base_path="/b", prefix=PREFIX).startswith("/b/")
