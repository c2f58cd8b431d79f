"""Identifiers from callers are taken only when they can go anywhere as they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idaware.http.request_ids import clean_request_id, trace_ids

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize("value", ["a", "01J9ZK.x_y:z@1=2+3/4-5", "a" * 128])
def test_plain_request_id_is_kept(value):
    assert clean_request_id(value) == value


@pytest.mark.parametrize(
    "value", [None, "", "a b", "a\n", "a\x1b[31m", "é", '"', "<script>", "a, b", "a" * 129]
)
def test_other_request_id_is_dropped(value):
    assert clean_request_id(value) is None


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(f"00-{TRACE}-{SPAN}-01", id="version 00"),
        pytest.param(f"cc-{TRACE}-{SPAN}-01", id="later version"),
        pytest.param(f"cc-{TRACE}-{SPAN}-01-what-comes", id="later version with more fields"),
    ],
)
def test_traceparent_gives_both_ids(value):
    assert trace_ids(value) == (TRACE, SPAN)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(None, id="absent"),
        pytest.param("", id="empty"),
        pytest.param(f"ff-{TRACE}-{SPAN}-01", id="forbidden version"),
        pytest.param(f"00-{TRACE}-{SPAN}-01-more", id="version 00 with more fields"),
        pytest.param(f"cc-{TRACE}-{SPAN}-01more", id="more without a hyphen"),
        pytest.param(f"00-{'0' * 32}-{SPAN}-01", id="trace of zeros"),
        pytest.param(f"00-{TRACE}-{'0' * 16}-01", id="span of zeros"),
        pytest.param(f"00-{TRACE.upper()}-{SPAN}-01", id="upper case"),
        pytest.param(f"00-{TRACE}-{SPAN}-01\n", id="line feed behind"),
        pytest.param(f"00-{TRACE}-{SPAN}", id="no flags"),
    ],
)
def test_invalid_traceparent_gives_none(value):
    assert trace_ids(value) is None


@given(st.text(max_size=60))
def test_any_value_ends_in_an_answer(value):
    assert clean_request_id(value) in (None, value)
    assert trace_ids(value) is None or "-" in value
