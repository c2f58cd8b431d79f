"""The order of decisions, asked directly: which of two reasons wins, and what a gate never does."""

from __future__ import annotations

from typing import Any

import pytest

from idaware.errors import ClientError, ProviderUnavailable
from idaware.gate import Gate
from idaware.http.headers import MAX_HEADERS_BYTES
from idaware.http.paths import MAX_PATH_BYTES
from idaware.identity import ANONYMOUS
from idaware.reasons import Reason
from idaware.request import Allow, Outcome, Pending, Request, Respond
from support import HTML, Site

POLICY = """
version: 1
rules:
  - {id: read, paths: [/dash/**], methods: [GET], allow: {groups: [sre]}}
  - {id: files, paths: [/files/**], allow: {groups: [sre]}, allow_in_path: [encoded_slash, semicolon]}
  - {id: odd, paths: [/public/**], allow: public, preflight: pass}
  - {id: kept-out, paths: [/out/**], allow: {groups: [sre]}, deny: {groups: [contractors]}, require: {acr: [gold]}}
  - {id: gold, paths: [/gold/**], allow: {groups: [sre]}, require: {acr: [gold]}}
  - {id: dav, paths: [/dav/**], methods: [PROPFIND], allow: {groups: [sre]}}
"""
HOST = "billing.corp.example"


@pytest.fixture
def site() -> Site:
    return Site("asgi", policy=POLICY)


@pytest.fixture
def gate(site: Site) -> Gate:
    return site.runtime.gate


def request(
    path: str = "/dash/x", method: str = "GET", *, cookies: dict[str, str] | None = None, **more: Any
) -> Request:
    headers = {"host": HOST, **more.pop("headers", {})}
    if cookies:
        headers["cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return Request(protocol=more.pop("protocol", "http"), method=method, path=path, headers=headers, **more)


def reason(outcome: Outcome) -> Reason | None:
    assert isinstance(outcome, Allow | Respond)
    return outcome.record.reason


# -- the order -----------------------------------------------------------------------------------------------------

TOO_MANY_HEADERS = {"headers_bytes": MAX_HEADERS_BYTES + 1}

ORDER = [
    ("mount before size", {"mount_ok": False, **TOO_MANY_HEADERS}, "mount_unknown"),
    ("size before path length", {"path": "/" * (MAX_PATH_BYTES + 1), **TOO_MANY_HEADERS}, "request_too_large"),
    ("path length before method", {"path": "/x" * MAX_PATH_BYTES, "method": "get"}, "request_too_large"),
    ("path length in bytes", {"path": "/" + "\u00e9" * (MAX_PATH_BYTES // 2)}, "request_too_large"),
    ("raw path length", {"raw_path": b"/dash/x" + b"%41" * MAX_PATH_BYTES}, "request_too_large"),
    ("method before path", {"method": "get", "path": "/a//b"}, "method_invalid"),
    ("path before our endpoints", {"path": "/_idaware//me"}, "path_ambiguous"),
    ("path before host", {"path": "/a//b", "headers": {"host": "evil.example"}}, "path_ambiguous"),
    ("host before our endpoints", {"path": "/_idaware/nope", "headers": {"host": "evil.example"}}, "host_unknown"),
    ("host before no rule", {"path": "/nowhere", "headers": {"host": "evil.example"}}, "host_unknown"),
    ("no rule before credentials", {"path": "/nowhere"}, "no_rule"),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "expected"), [case[1:] for case in ORDER], ids=[case[0] for case in ORDER])
def test_the_form_of_a_request_is_looked_at_in_order(
    gate: Gate, facts: dict[str, Any], expected: str
) -> None:
    assert reason(gate.check(request(**facts))) == expected


@pytest.mark.parametrize(
    ("path", "method", "groups", "headers", "expected"),
    [
        ("/dash/x", "DELETE", ("sre",), {"sec-fetch-site": "cross-site"}, "method_not_covered"),
        ("/gold/x", "POST", ("sre", "contractors"), {"sec-fetch-site": "cross-site"}, "cross_site"),
        ("/out/x", "GET", ("sre", "contractors"), {}, "denied_by_rule"),
        ("/out/x", "GET", ("finance",), {}, "not_in_allow"),
        ("/out/x", "GET", ("sre",), {}, "step_up_required"),
    ],
    ids=["coverage before cross-site", "cross-site before denies", "deny before require", "allow before require",
         "require last"],
)  # fmt: skip
def test_who_asks_is_looked_at_in_order(
    site: Site, path: str, method: str, groups: tuple[str, ...], headers: dict[str, str], expected: str
) -> None:
    cookies = site.signed_in("alice", groups)
    assert (
        reason(site.runtime.gate.check(request(path, method, cookies=cookies, headers=headers))) == expected
    )


def test_a_stale_session_is_stale_before_anything_that_it_says(site: Site) -> None:
    cookies = site.signed_in("carol", ("contractors",), age=3600)
    outcome = site.runtime.gate.check(request("/out/x", cookies=cookies))
    assert reason(outcome) == "session_stale"
    assert isinstance(outcome, Respond)
    assert outcome.record.principal is None


# -- paths that a rule permits -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "raw", "passes"),
    [
        ("/files/a/b", b"/files/a%2Fb", True),
        ("/files/a;b", b"/files/a;b", True),
        ("/files/a/../b", b"/files/a%2F..%2Fb", False),
        ("/files/a//b", b"/files/a//b", False),
        ("/public/a;b", b"/public/a;b", False),
        ("/files/b", b"/files%2Fb", False),
    ],
    ids=["encoded slash", "semicolon", "dots", "not named", "another rule", "in the prefix itself"],
)
def test_odd_forms_pass_only_where_a_rule_names_them(site: Site, path: str, raw: bytes, passes: bool) -> None:
    outcome = site.runtime.gate.check(request(path, raw_path=raw, cookies=site.signed_in()))
    assert isinstance(outcome, Allow) is passes
    assert passes or reason(outcome) == "path_ambiguous"


def test_a_method_that_nobody_knows_needs_a_rule_that_names_it(site: Site) -> None:
    gate = site.runtime.gate
    assert isinstance(gate.check(request("/dav/x", "PROPFIND", cookies=site.signed_in())), Allow)
    assert (
        reason(gate.check(request("/gold/x", "PROPFIND", cookies=site.signed_in()))) == "method_not_covered"
    )


# -- outcomes ------------------------------------------------------------------------------------------------------


def test_an_allowed_request_carries_its_record_and_its_person(site: Site) -> None:
    outcome = site.runtime.gate.check(request(cookies=site.signed_in()))
    assert isinstance(outcome, Allow)
    assert outcome.attached
    assert not outcome.public
    assert outcome.identity.principal == outcome.record.principal == "login/alice"
    assert outcome.identity_headers == ()


def test_nobody_on_a_public_path_is_nobody(gate: Gate) -> None:
    outcome = gate.check(request("/public/x"))
    assert isinstance(outcome, Allow)
    assert outcome.identity is ANONYMOUS
    assert (outcome.attached, outcome.public) == (False, True)


def test_a_preflight_of_a_public_path_needs_no_exception(site: Site) -> None:
    headers = {"origin": "https://spa.example", "access-control-request-method": "PUT"}
    outcome = site.runtime.gate.check(
        request("/public/x", "OPTIONS", headers=headers, cookies=site.signed_in())
    )
    assert isinstance(outcome, Allow)
    assert (outcome.record.decision, outcome.attached, outcome.public) == ("allow", True, True)


def test_the_first_page_needs_the_provider(gate: Gate) -> None:
    assert isinstance(gate.check(request(headers={"accept": HTML})), Pending)


def test_a_request_id_is_the_callers_where_it_can_be_used(gate: Gate) -> None:
    def id_of(given: str) -> str | None:
        outcome = gate.check(request("/public/x", headers={"x-request-id": given}))
        assert isinstance(outcome, Allow)
        return outcome.record.request_id

    assert id_of("req-4711") == "req-4711"
    assert id_of("a\nb") != "a\nb"
    assert id_of("") not in ("", None)


# -- what was raised -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exc", "status", "expected"),
    [
        (RuntimeError("secret"), 500, "internal_error"),
        (ProviderUnavailable("nobody there"), 503, "provider_unavailable"),
        (ClientError(Reason.REQUEST_TOO_LARGE, "too much", 413), 413, "request_too_large"),
        (KeyboardInterrupt(), 500, "connection_ended"),
    ],
    ids=["a bug", "the provider", "the client", "the end"],
)
@pytest.mark.parametrize("known", [True, False], ids=["request known", "request unknown"])
def test_whatever_was_raised_ends_in_a_refusal(
    gate: Gate, exc: BaseException, status: int, expected: str, known: bool
) -> None:
    refusal = gate.failed(request() if known else None, exc)
    assert (refusal.status, refusal.record.reason) == (status, expected)
    assert b"secret" not in refusal.body
    assert "secret" not in str(refusal.record)
    assert refusal.record.path == ("/dash/x" if known else "")
    ours = not isinstance(exc, ClientError)
    assert (refusal.cause is exc, refusal.log is not None) == (ours, ours)


def test_a_mismatch_is_a_refusal_of_the_same_request(site: Site) -> None:
    gate = site.runtime.gate
    asked = request("/gold/x", cookies=site.signed_in(acr="gold"))
    allow = gate.check(asked)
    assert isinstance(allow, Allow)
    refusal = gate.mismatch(asked, allow)
    assert (refusal.status, refusal.record.reason, refusal.record.rule) == (403, "path_mismatch", "gold")
    assert refusal.record.principal == "login/alice"
    assert refusal.record.request_id == allow.record.request_id
    assert (allow.record.request_id or "").encode() in refusal.body
