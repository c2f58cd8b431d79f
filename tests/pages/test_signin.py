"""The pages on the way in."""

from __future__ import annotations

import json

import pytest

from idaware.pages import Pages
from idaware.pages.signin import RENEW_SCRIPT
from idaware.reasons import Reason


def fail(pages: Pages, **further):
    return pages.login_failed(
        **{"status": 400, "reason": Reason.LOGIN_STATE_UNKNOWN, "json": False} | further
    )


def test_a_frame_gets_a_link_that_opens_a_tab(pages, parse) -> None:
    page = pages.sign_in_link(login_url="/tools/_idaware/login?next=/x", headers=[("X-Request-ID", "id")])
    parsed = parse(page)
    assert page.status == 401
    assert ("X-Request-ID", "id") in page.headers
    assert dict(page.headers)["WWW-Authenticate"] == 'Bearer realm="idaware"'
    assert parsed.values("a", "href") == ["/tools/_idaware/login?next=/x", ""]
    assert (parsed.values("a", "target"), parsed.values("a", "rel")) == (["_blank"], ["noopener noreferrer"])


def test_only_real_origins_may_frame_the_link(pages) -> None:
    policy = dict(pages.sign_in_link(login_url="/l").headers)["Content-Security-Policy"]
    assert "frame-ancestors 'self' https://portal.corp.example;" in policy


def test_a_failed_sign_in_says_what_happened_and_lets_one_try_again(pages, parse) -> None:
    page = fail(pages, detail="access_denied: no", retry_url="/l", request_id="01JD")
    parsed = parse(page)
    assert page.status == 400
    assert parsed.values("a", "href")[:2] == ["/l", "/tools/"]
    for fact in ("access_denied: no", "01JD", "login_state_unknown", "platform@corp.example"):
        assert fact in parsed.words, fact


@pytest.mark.parametrize("detail", [None, "", Reason.LOGIN_STATE_UNKNOWN.sentence])
def test_where_nothing_was_reported_the_reason_is_not_said_twice(detail: str | None, pages, parse) -> None:
    words = parse(fail(pages, detail=detail)).words
    assert words.count(Reason.LOGIN_STATE_UNKNOWN.sentence) == 1
    assert "What was reported" not in words


def test_after_three_failures_the_page_explains_and_goes_nowhere_by_itself(pages, parse) -> None:
    parsed = parse(fail(pages, retry_allowed=False, retry_url="/l"))
    assert "failed three times within a minute" in parsed.words
    assert "cookies" in parsed.words
    assert "http-equiv" not in [its for tag, its, _ in parsed.attributes if tag == "meta"]
    assert parsed.count("script") == 0


def test_cookies_are_suspected_only_where_they_may_be_the_cause(pages, parse) -> None:
    words = parse(fail(pages, retry_allowed=False, reason=Reason.LOGIN_CLIENT_REFUSED, status=503)).words
    assert "failed three times within a minute" in words
    assert "Nothing is wrong with your account" in words
    assert "cookies" not in words


def test_a_first_failure_goes_nowhere_by_itself_either(pages, parse) -> None:
    parsed = parse(fail(pages, retry_url="/l"))
    assert "http-equiv" not in [its for tag, its, _ in parsed.attributes if tag == "meta"]


def test_programs_get_problem_details_for_a_failed_sign_in(pages) -> None:
    page = fail(pages, json=True, status=503, reason=Reason.PROVIDER_UNAVAILABLE, detail="timed out")
    assert json.loads(page.body)["reason"] == "provider_unavailable"
    assert "timed out" in json.loads(page.body)["detail"]


@pytest.mark.parametrize("way", ["step_on", "signing_out"])
def test_going_on_needs_no_script(pages, parse, way: str) -> None:
    parsed = parse(getattr(pages, way)(to="/tools/x?a=1&b='2'"))
    assert "0; url=/tools/x?a=1&b='2'" in parsed.values("meta", "content")
    assert parsed.values("a", "href") == ["/tools/x?a=1&b='2'"]
    assert parsed.count("script") == 0


def test_going_on_to_a_bad_address_goes_home(pages, parse) -> None:
    parsed = parse(pages.step_on(to="javascript:alert(1)"))
    assert "0; url=/tools/" in parsed.values("meta", "content")


def test_the_renewal_window_tells_its_own_origin_only_and_closes() -> None:
    assert "window.opener.postMessage(message, window.location.origin)" in RENEW_SCRIPT
    assert "*" not in RENEW_SCRIPT.replace("/*", "").replace("*/", "")
    assert "window.close()" in RENEW_SCRIPT


@pytest.mark.parametrize(("same", "text"), [(True, "true"), (False, "false")])
def test_the_renewal_window_says_whether_it_is_still_the_same_person(
    pages, parse, same: bool, text: str
) -> None:
    parsed = parse(pages.renew_done(same_person=same))
    assert parsed.values("div", "data-same-person") == [text]
    assert parsed.values("div", "data-channel") == ["idaware:/tools/_idaware"]
    assert ("somebody else" in parsed.words) == (not same)


def test_without_a_contact_nobody_is_named(parse) -> None:
    assert "Whom to ask" not in parse(fail(Pages())).words
