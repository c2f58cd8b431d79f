"""Who is sent to the provider, and that nobody is sent in circles."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idaware.reasons import Reason
from idaware.request import Request, Respond
from idaware.signin import HOST_MARK_SECONDS, IN_VAIN_SECONDS, MAX_IN_VAIN, _times
from idaware.visit import Visit
from support import HTML, JSON, Browser, Person, Site

POLICY = """
version: 1
rules:
  - {id: pages, paths: [/**], allow: signed_in}
  - {id: fresh, paths: [/fresh], allow: signed_in, require: {auth_within: 5m, amr: [mfa]}}
  - {id: told, paths: [/told], allow: signed_in, unauthenticated: challenge, require: {acr: [gold]}}
  - {id: sent, paths: [/sent], allow: signed_in, unauthenticated: redirect}
"""


@pytest.fixture(params=["asgi", "wsgi"])
def site(request: pytest.FixtureRequest) -> Site:
    return Site(request.param, policy=POLICY)


def asked(location: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


# -- who is sent ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "method", "accept", "status"),
    [
        ("/x", "GET", HTML, 302),
        ("/x", "GET", JSON, 401),
        ("/x", "POST", HTML, 401),
        ("/told", "GET", HTML, 401),
        ("/sent", "GET", JSON, 302),
        ("/sent", "HEAD", None, 302),
        ("/sent", "POST", HTML, 401),
    ],
)
def test_a_rule_says_who_is_sent(site: Site, path: str, method: str, accept: str | None, status: int) -> None:
    assert site.ask(path, method, accept=accept).status == status


def test_a_websocket_is_never_sent(site: Site) -> None:
    assert site.ask("/sent", websocket=True).status == 401


def test_a_rule_that_tells_asks_for_no_step_up_by_redirect(site: Site) -> None:
    answer = site.ask("/told", accept=HTML, cookies=site.signed_in())
    assert (answer.status, answer.record["decision"]) == (401, "step_up")


def test_the_first_sign_in_asks_for_everything_that_the_page_requires(site: Site) -> None:
    query = asked(site.ask("/fresh", accept=HTML).location)
    assert query["max_age"] == "300"


def test_a_sign_in_without_a_deciding_rule_asks_for_nothing(site: Site) -> None:
    signin = site.runtime.gate._signin
    Browser(site).get("/x")
    request = Request(
        protocol="http", method="GET", path="/x", headers={"accept": HTML, "host": "billing.corp.example"}
    )
    outcome = signin.answer(Visit(request, site.clock(), "req-1", None, "https", ""), Reason.NO_IDENTITY)
    assert isinstance(outcome, Respond)
    assert "max_age" not in asked(dict(outcome.headers)["Location"])


# -- never in circles ----------------------------------------------------------------------------------------------


def test_nobody_is_sent_in_circles_by_a_step_up(site: Site) -> None:
    browser = Browser(site)
    browser.get("/x")
    answer = browser.get("/fresh")
    assert answer.decided == ("deny", "step_up_unmet")
    assert "step_up_unmet" in answer.text
    assert len(site.provider.authorizations) == 2
    assert site.provider.authorizations[1]["max_age"] == "300"


def test_a_step_up_may_be_tried_again_after_a_minute(site: Site) -> None:
    browser = Browser(site)
    browser.get("/fresh")
    assert browser.get("/fresh").status == 403
    site.provider.person = Person(claims={"amr": ["mfa"]})
    site.clock.advance(61)
    assert browser.get("/fresh").status == 200


@pytest.mark.parametrize("fault", ["login_required", "interaction_required", "server_error", "access_denied"])
def test_nobody_is_sent_in_circles_by_a_renewal(site: Site, fault: str) -> None:
    browser = Browser(site)
    browser.get("/x")
    site.clock.advance(900)
    site.provider.refuses = fault
    answer = browser.get("/x")
    assert answer.status in (200, 403)
    assert len(site.provider.authorizations) <= 3


@pytest.mark.parametrize("endpoint", ["token", "jwks", "discovery", "userinfo"])
@pytest.mark.parametrize("age", [900, 3600, 8 * 3600])
def test_nobody_is_sent_in_circles_by_a_provider_that_is_half_dead(
    site: Site, endpoint: str, age: int
) -> None:
    site.provider.id_token = {"groups": ...}
    browser = Browser(site)
    browser.get("/x")
    site.clock.advance(age)
    site.provider.faults[endpoint] = httpx2.Response(500)
    answer = browser.get("/x")
    assert answer.status in (200, 503)


def test_a_renewal_says_why_whether_or_not_the_provider_was_asked_first(site: Site) -> None:
    cookies = site.signed_in(age=1000)
    for asked_first in (True, False):
        answer = site.ask("/x", accept=HTML, cookies=cookies)
        assert answer.decided == ("login", "session_stale")
        assert asked(answer.location)["prompt"] == "none"
        assert len(site.provider.asked) == 1, f"asked first: {asked_first}"


def test_a_renewal_whose_provider_was_just_found_again_goes_on(site: Site) -> None:
    browser = Browser(site)
    browser.get("/x")
    site.clock.advance(3000)
    site.provider.down = True
    site.runtime.provider._metadata.held = None
    assert browser.get("/x").status == 200, "the page passes until the session is stale"
    site.provider.down = False
    site.clock.advance(31)
    browser.get("/x")
    assert site.provider.authorizations[-1]["prompt"] == "none"


def test_a_step_up_on_a_session_that_is_due_waits_for_the_provider(site: Site) -> None:
    site.provider.down = True
    answer = site.ask("/fresh", accept=HTML, cookies=site.signed_in(age=1000))
    assert answer.status == 503
    assert answer.decided == ("error", "provider_unavailable")


# -- cookies that nobody here can read -----------------------------------------------------------------------------


def count_of(site: Site, times: int = MAX_IN_VAIN, age: int = 0) -> str:
    return ".".join([str(int(site.clock()) - age)] * times)


@pytest.mark.parametrize("forged", [False, True], ids=["no session", "one that cannot be read"])
def test_sign_ins_in_vain_are_counted_for_a_minute(site: Site, forged: bool) -> None:
    name = site.settings.cookie_name
    brought = {name: "forged"} if forged else {}

    def asked(count: str) -> int | None:
        return site.ask("/x", accept=HTML, cookies={**brought, f"{name}-i": count}).status

    assert asked(count_of(site)) == 401
    assert asked(count_of(site, age=IN_VAIN_SECONDS - 1)) == 401
    assert asked(count_of(site, age=IN_VAIN_SECONDS)) == 302
    assert asked(count_of(site, age=-1)) == 302
    assert asked(count_of(site, MAX_IN_VAIN - 1)) == 302


@pytest.mark.parametrize(
    ("samesite", "sec_fetch_site", "status"),
    [("lax", "cross-site", 401), ("strict", "cross-site", 302), ("strict", "same-site", 302),
     ("strict", "same-origin", 401), ("strict", "none", 401), ("strict", None, 401)],
)  # fmt: skip
def test_strict_cookies_that_stay_behind_are_no_sign_of_anything(
    samesite: str, sec_fetch_site: str | None, status: int
) -> None:
    site = Site("asgi", cookie_samesite=samesite)
    headers = {} if sec_fetch_site is None else {"Sec-Fetch-Site": sec_fetch_site}
    cookies = {f"{site.settings.cookie_name}-i": count_of(site)}
    assert site.ask("/dash/x", accept=HTML, cookies=cookies, headers=headers).status == status


def test_the_explanation_tells_the_operator_what_to_look_at(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    name = site.settings.cookie_name
    site.ask("/x", accept=HTML, cookies={name: "forged", f"{name}-i": count_of(site)})
    assert "IDAWARE_SECRET_KEYS" in caplog.text


@given(st.text(max_size=100))
def test_a_count_is_read_whatever_it_holds(text: str) -> None:
    times = _times(text)
    assert len(times) <= MAX_IN_VAIN
    assert all(0 <= at < 10**12 for at in times)


@pytest.mark.parametrize("value", [None, object()], ids=["none", "two of them"])
def test_no_count_is_none(value: object) -> None:
    assert _times(value) == []


# -- other hosts ---------------------------------------------------------------------------------------------------


def test_the_mark_of_another_host_is_short_lived() -> None:
    site = Site("asgi", hosts=["billing.corp.example", "billing.internal"])
    answer = site.ask("/dash/x", accept=HTML, host="billing.internal")
    (mark,) = answer.set_cookies().values()
    assert f"Max-Age={HOST_MARK_SECONDS}" in mark
