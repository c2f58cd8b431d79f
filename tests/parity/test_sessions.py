"""A session's life: live, due, stale, idle, expired, unreadable, and cut for an older policy."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from idaware.session.record import pack_digests
from support import HTML, JSON, POLICY, Browser, Site, parity

MINUTE = 60
HOUR = 3600


def asked(location: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def signed_in_browser(site: Site, **session: object) -> Browser:
    """A browser whose person signed in ``age`` seconds ago, at the provider too."""
    browser = Browser(site)
    assert browser.get("/dash/x").status == 200
    return browser


ENDED = {"idle": ({"idle": HOUR}, "session_idle"), "expired": ({"age": 8 * HOUR}, "session_expired")}


@parity
@pytest.mark.parametrize("name", ENDED)
def test_a_session_that_ended_needs_a_real_sign_in(site: Site, name: str) -> None:
    session, reason = ENDED[name]
    cookies = site.signed_in(**session)
    page = site.ask("/dash/x", accept=HTML, cookies=cookies)
    assert page.status == 302
    assert page.decided == ("login", reason)
    assert int(asked(page.location)["max_age"]) >= 1
    assert page.record["principal"] is None
    assert page.record["auth_error"] == reason
    program = site.ask("/dash/x", accept=JSON, cookies=cookies)
    assert program.status == 401
    assert program.json["reason"] == reason


@parity
def test_an_idle_session_is_over_although_the_providers_lives_on(site: Site) -> None:
    browser = signed_in_browser(site)
    first = site.provider.session_since
    site.clock.advance(HOUR)
    answer = browser.get("/dash/x")
    assert answer.status == 200
    assert site.provider.session_since != first


@parity
def test_a_missing_activity_cookie_is_idle(site: Site) -> None:
    cookies = site.signed_in()
    del cookies[f"{site.settings.cookie_name}-a"]
    assert site.ask("/dash/x", accept=JSON, cookies=cookies).json["reason"] == "session_idle"


@parity
def test_nothing_passes_on_a_stale_session(site: Site) -> None:
    cookies = site.signed_in(age=HOUR)
    page = site.ask("/dash/x", accept=HTML, cookies=cookies)
    assert page.status == 302
    assert page.decided == ("login", "session_stale")
    assert "prompt" not in asked(page.location)
    program = site.ask("/dash/x", "POST", accept=JSON, cookies=cookies)
    assert program.status == 401
    assert program.json["reason"] == "session_stale"
    assert program.json["login_url"] == f"{site.external}/_idaware/login"


@parity
def test_a_stale_session_goes_on_with_its_first_start(site: Site) -> None:
    browser = signed_in_browser(site)
    for _ in range(8):
        site.clock.advance(HOUR - 60)
        browser.get("/dash/x")
        site.clock.advance(60)
        assert browser.get("/dash/x").status == 200
    site.clock.advance(60)
    assert [status for _, _, status in browser.hops] == [302, 302, 303, 200]
    assert "max_age" in site.provider.authorizations[-1], "the hard end is real"


# -- renewal -------------------------------------------------------------------------------------------------------


@parity
def test_a_session_that_is_due_is_renewed_silently_on_the_next_page(site: Site) -> None:
    browser = signed_in_browser(site)
    site.clock.advance(15 * MINUTE)
    site.provider.person.groups = ["finance"]
    answer = browser.get("/dash/x")
    assert answer.status == 200
    assert answer.json["groups"] == ["finance"]
    assert site.provider.authorizations[-1]["prompt"] == "none"
    assert site.answers[-2].events() == ["session_refreshed"]
    assert site.answers[-3].decided == ("login", "session_stale")


@parity
def test_what_is_no_page_passes_on_a_session_that_is_due(site: Site) -> None:
    cookies = site.signed_in(age=15 * MINUTE)
    assert site.ask("/dash/x", accept=JSON, cookies=cookies).status == 200
    assert site.ask("/dash/x", "POST", accept=HTML, cookies=cookies).status == 200
    assert site.provider.asked == []


@parity
def test_a_renewal_that_the_provider_declines_becomes_one_ordinary_sign_in(site: Site) -> None:
    browser = signed_in_browser(site)
    site.clock.advance(15 * MINUTE)
    site.provider.session_since = None
    answer = browser.get("/dash/x")
    assert answer.status == 200
    assert [asked.get("prompt") for asked in site.provider.authorizations] == [None, "none", None]


@parity
def test_a_renewal_that_never_comes_back_is_not_tried_again_for_five_minutes(site: Site) -> None:
    browser = signed_in_browser(site)
    site.clock.advance(15 * MINUTE)
    cookies = browser.cookies()
    away = site.ask("/dash/x", accept=HTML, cookies=cookies)
    assert away.status == 302
    name, text = next(iter(away.set_cookies().items()))
    cookies[name] = text.partition(";")[0].partition("=")[2]
    assert site.ask("/dash/x", accept=HTML, cookies=cookies).status == 200
    site.clock.advance(5 * MINUTE)
    assert site.ask("/dash/x", accept=HTML, cookies=cookies).status == 302


@parity
def test_pages_pass_while_the_provider_is_down(site: Site) -> None:
    browser = signed_in_browser(site)
    site.provider.down = True
    site.clock.advance(15 * MINUTE)
    assert browser.get("/dash/x").status == 200
    asked_before = len(site.provider.asked)
    assert browser.get("/dash/x").status == 200
    assert len(site.provider.asked) == asked_before, "the probe's answer holds for 30 s"
    site.clock.advance(31)
    site.provider.down = False
    browser.get("/dash/x")
    assert site.provider.authorizations[-1]["prompt"] == "none"


@parity
def test_a_renewal_that_breaks_off_at_the_provider_lets_the_page_pass(site: Site) -> None:
    browser = signed_in_browser(site)
    site.clock.advance(15 * MINUTE)
    site.provider.faults["token"] = httpx2.Response(500)
    answer = browser.get("/dash/x?y=1")
    assert answer.status == 200
    assert answer.json["query"] == "y=1"
    assert site.answers[-2].events() == ["login_failed"]


@parity
def test_a_renewal_as_somebody_else_is_a_new_session(site: Site) -> None:
    browser = signed_in_browser(site)
    site.clock.advance(15 * MINUTE)
    site.provider.person.sub = "bob"
    answer = browser.get("/dash/x")
    assert answer.json["principal"] == "login/bob"
    assert site.answers[-2].events() == ["login"]


@parity
def test_whoever_no_longer_passes_after_a_renewal_is_refused(site: Site) -> None:
    browser = signed_in_browser(site)
    site.clock.advance(15 * MINUTE)
    site.provider.person.groups = []
    assert browser.get("/dash/x").status == 403


# -- after a change of the policy --------------------------------------------------------------------------------


def cut_for_nothing(site: Site, **session: object) -> dict[str, str]:
    return site.signed_in(cut=pack_digests(()), wanted_id="older", **session)


@parity
def test_a_session_that_does_not_cover_the_policy_is_cut_anew(site: Site) -> None:
    page = site.ask("/dash/x", accept=HTML, cookies=cut_for_nothing(site, age=61))
    assert page.status == 302
    assert asked(page.location)["prompt"] == "none"
    assert page.decided == ("login", "session_stale")
    program = site.ask("/dash/x", accept=JSON, cookies=cut_for_nothing(site, age=61))
    assert program.status == 401
    assert program.decided == ("login", "session_stale")


@parity
def test_a_session_is_cut_anew_once_a_minute_at_most(site: Site) -> None:
    answer = site.ask("/dash/x", accept=HTML, cookies=cut_for_nothing(site, age=59))
    assert answer.decided == ("deny", "claim_unknown"), (
        "what is missing stays unknown, and unknown never allows"
    )


@parity
def test_a_session_that_covers_more_than_the_policy_passes(site: Site) -> None:
    assert site.ask("/dash/x", accept=HTML, cookies=site.signed_in(age=61, wanted_id="newer")).status == 200


@parity
def test_what_cannot_be_cut_anew_does_not_loop(site: Site) -> None:
    browser = Browser(site)
    browser.get("/dash/x")
    for name, value in cut_for_nothing(site).items():
        browser.jar[name].value = value
    site.provider.faults["token"] = httpx2.Response(500)
    site.clock.advance(61)
    assert browser.get("/dash/x").status == 403
    assert len(site.provider.authorizations) == 2


# -- cookies that cannot be read -----------------------------------------------------------------------------------


@parity
def test_an_unreadable_cookie_leads_to_a_sign_in(site: Site) -> None:
    answer = site.ask("/dash/x", accept=HTML, cookies={site.settings.cookie_name: "forged.signature"})
    assert answer.status == 302
    assert answer.decided == ("login", "session_invalid")
    assert answer.record["auth_error"] == "session_invalid"


class Forgetful(Browser):
    """Something between it and the site drops one of the cookies: ``forgets`` is the end of its name."""

    forgets = ""

    def cookies(self, *, cross_site: bool = False, method: str = "GET") -> dict[str, str]:
        kept = super().cookies(cross_site=cross_site, method=method)
        return {
            name: value
            for name, value in kept.items()
            if name != self.site.settings.cookie_name + self.forgets
        }


@pytest.mark.parametrize("adapter", ["asgi", "wsgi"])
@pytest.mark.parametrize("forgets", ["", "-a"], ids=["the session", "its activity"])
@pytest.mark.parametrize(
    "settings",
    [{}, {"cookie_samesite": "strict"}, {"response_mode": "form_post"}],
    ids=["query", "strict", "form_post"],
)
def test_sign_ins_whose_sessions_do_not_come_back_end_with_an_explanation(
    adapter: str, forgets: str, settings: dict[str, str]
) -> None:
    site = Site(adapter, **settings)
    site.provider.session_since = site.clock() - 3600
    browser = Forgetful(site)
    browser.forgets = forgets
    answer = browser.get("/dash/x")
    assert answer.status == 401
    assert answer.decided == ("login", "session_idle" if forgets else "no_identity")
    assert "cannot read" in answer.text
    assert len(site.provider.authorizations) == 3
    site.clock.advance(60)
    assert site.ask("/dash/x", accept=HTML, cookies=browser.cookies()).status == 302


@parity
def test_replicas_with_different_keys_end_with_an_explanation(site: Site) -> None:
    site.provider.session_since = site.clock() - 3600
    browser = Browser(site)
    for _ in range(3):
        browser.jar[site.settings.cookie_name] = _unreadable()
        assert browser.get("/dash/x").status == 200
    browser.jar[site.settings.cookie_name] = _unreadable()
    answer = browser.get("/dash/x")
    assert answer.status == 401
    assert answer.decided == ("login", "session_invalid")
    assert "cannot read" in answer.text
    site.clock.advance(60)
    assert site.ask("/dash/x", accept=HTML, cookies=browser.cookies()).status == 302


@parity
def test_whoever_signs_out_and_in_again_does_not_do_so_in_vain(site: Site) -> None:
    browser = Browser(site)
    for _ in range(5):
        assert browser.get("/dash/x").status == 200
        browser.post("/_idaware/logout")
    assert f"{site.settings.cookie_name}-i" not in browser.cookies()


@parity
@pytest.mark.parametrize("count", ["", "x", "1.2.3", "9" * 400, "1800000000.-5.²", "..."])
def test_a_count_that_nobody_here_wrote_counts_for_nothing(site: Site, count: str) -> None:
    name = site.settings.cookie_name
    answer = site.ask("/dash/x", accept=HTML, cookies={name: "forged", f"{name}-i": count})
    assert answer.status == 302


def _unreadable() -> object:
    from support.browser import Cookie

    return Cookie("forged.signature", "/", "lax", None)


@parity(policy=POLICY, session_idle="10m", session_refresh="2m", session_stale="5m", session_max="20m")
def test_the_bounds_are_the_configured_ones(site: Site) -> None:
    for session, status in [
        ({"age": 119}, 200), ({"age": 120}, 302), ({"age": 300}, 302), ({"idle": 599}, 200), ({"idle": 600}, 302),
    ]:  # fmt: skip
        assert site.ask("/dash/x", accept=HTML, cookies=site.signed_in(**session)).status == status
