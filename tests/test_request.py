"""What a request shows of itself."""

from __future__ import annotations

from idaware.request import Request


def test_a_request_that_is_printed_shows_no_header() -> None:
    request = Request(protocol="http", method="GET", path="/x", headers={"cookie": "SECRET"})
    assert repr(request) == "Request(http GET '/x')"
