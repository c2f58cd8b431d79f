"""Whatever comes in: an answer and exactly one decision record, alike under both protocols, never an exception."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import ADAPTERS, HTML, JSON, Site

SEGMENTS = st.one_of(
    st.sampled_from(["dash", "public", "admin", "vault", "api", "live", "_idaware", "me", "login", "callback", "logout",
                     "healthz", "", ".", "..", "%2e%2e", "%2f", "%00", "%ff", "%c3%a4", "a;b", "%25", "\\", "~"]),
    st.text(st.characters(codec="ascii", exclude_characters="?# \r\n"), max_size=6),
)  # fmt: skip
TARGETS = st.builds(
    lambda segments, query: "/" + "/".join(segments) + query,
    st.lists(SEGMENTS, max_size=4),
    st.sampled_from(
        ["", "?", "?next=/dash/x", "?code=x&state=y", "?error=z&state=y", "?iss=1&iss=2", "?a=%ff&&="]
    ),
)
METHODS = st.sampled_from(
    ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND", "get", "TRACE", "WEBSOCKET", ""]
)
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=20)
HEADERS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["Accept"]), st.sampled_from([HTML, JSON, "*/*", ""])),
        st.tuples(st.sampled_from(["Origin"]), st.sampled_from(["https://billing.corp.example", "null", "https://evil.example"])),
        st.tuples(st.sampled_from(["Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest"]),
                  st.sampled_from(["cross-site", "same-origin", "none", "navigate", "document", "iframe", "x"])),
        st.tuples(st.sampled_from(["Cookie", "Authorization", "X-Request-ID", "Traceparent", "Forwarded", "Upgrade",
                                   "X-Forwarded-For", "Access-Control-Request-Method", "Remote-User", "User-Agent",
                                   "Content-Type", "X_Forwarded.User"]), TEXT),
    ),
    max_size=6,
)  # fmt: skip
HOSTS = st.sampled_from(["", "", "", None, "10.0.0.1", "evil.example", "[::1]", "a b"])
SESSIONS = st.sampled_from(
    [None, {}, {"idle": 4000}, {"age": 1000}, {"age": 5000}, {"groups": ("contractors", "sre")}, "forged"]
)


@pytest.fixture(scope="module")
def sites() -> dict[str, Site]:
    return {adapter: Site(adapter) for adapter in ADAPTERS}


def cookies_of(site: Site, session: Any) -> dict[str, str] | None:
    if session == "forged":
        return {site.settings.cookie_name: "forged.signature"}
    return None if session is None else site.signed_in(**session)


@given(
    target=TARGETS, method=METHODS, headers=HEADERS, host=HOSTS, session=SESSIONS, websocket=st.booleans(),
    body=st.one_of(st.none(), st.binary(max_size=50)),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_every_request_is_answered_and_recorded_once(
    sites: dict[str, Site],
    target: str,
    method: str,
    headers: list[tuple[str, str]],
    host: str | None,
    session: Any,
    websocket: bool,
    body: bytes | None,
) -> None:
    method = "GET" if websocket else method
    decided = []
    for site in sites.values():
        answer = site.ask(
            target,
            method,
            headers=headers,
            host=host,
            cookies=cookies_of(site, session),
            websocket=websocket,
            body=body,
        )
        assert answer.error is None
        assert answer.status is not None
        record = answer.record  # exactly one
        assert record["status"] == answer.status
        assert answer.status < 500, record
        decided.append(
            (answer.status, record["decision"], record["reason"], record["rule"], record["principal"])
        )
    assert decided[0] == decided[1]


@given(target=TARGETS, headers=HEADERS)
@settings(max_examples=100, deadline=None)
def test_nobody_reaches_what_is_not_public(
    sites: dict[str, Site], target: str, headers: list[tuple[str, str]]
) -> None:
    for site in sites.values():
        site.app.seen.clear()
        site.ask(target, headers=headers)
        for seen in site.app.seen:
            assert seen.path.startswith("/public") or seen.path.rstrip("/") == "/healthz"
            assert seen.identity.principal is None
