"""Signing in: from an anonymous page to the page that was asked for, and what can go wrong on the way."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
import pytest

from support import HTML, JSON, Answer, Browser, Person, Site, parity

REDIRECTED = [302, 302, 303, 200]


def at_provider(browser: Browser, target: str = "/dash/x", **options: Any) -> dict[str, str]:
    """Go to a page, stop at the provider, and give what it would answer with."""
    site = browser.site
    away = site.ask(target, accept=HTML, cookies=browser.cookies(), **options)
    assert away.status == 302, away.text
    browser._keep(away)
    sent = site.provider.authorize(away.location)
    return sent.form or dict(parse_qsl(urlsplit(sent.location).query))


def call_back(browser: Browser, parameters: dict[str, str] | str, accept: str = HTML) -> Answer:
    """The browser comes back from the provider."""
    query = parameters if isinstance(parameters, str) else urlencode(parameters)
    answer = browser.site.ask(f"/_idaware/callback?{query}", accept=accept, cookies=browser.cookies())
    browser._keep(answer)
    return answer


@parity
def test_a_sign_in_ends_on_the_page_that_was_asked_for(site: Site) -> None:
    browser = Browser(site)
    answer = browser.get("/dash/x?y=1")
    assert answer.status == 200
    assert [status for _, _, status in browser.hops] == REDIRECTED
    assert (answer.json["principal"], answer.json["path"], answer.json["query"]) == (
        "login/alice",
        "/dash/x",
        "y=1",
    )
    name = site.settings.cookie_name
    assert set(browser.jar) == {name, f"{name}-a", f"{name}-i"}, "the state is deleted on use"
    assert site.provider.asked == ["discovery", "token", "jwks"]
    callback = site.answers[-2]
    assert callback.decided == ("allow", "own_endpoint")
    assert callback.events() == ["login"]
    event = callback.records[-1]
    assert (event["kind"], event["decision"], event["principal"]) == ("login", None, "login/alice")
    assert event["reason"] == "own_endpoint"
    assert callback.record["query_keys"] == ["state", "iss", "code"]


@parity
def test_signing_in_again_is_not_needed(site: Site) -> None:
    browser = Browser(site)
    browser.get("/dash/x")
    assert browser.get("/dash/y").status == 200
    assert len(browser.hops) == 1
    assert len(site.provider.authorizations) == 1


@parity(response_mode="form_post")
def test_a_sign_in_by_form_post(site: Site) -> None:
    browser = Browser(site)
    answer = browser.get("/dash/x?y=1")
    assert answer.json["principal"] == "login/alice"
    assert answer.json["query"] == "y=1"
    assert [method for method, _, _ in browser.hops] == ["GET", "GET", "POST", "GET"]
    assert site.provider.authorizations[0]["response_mode"] == "form_post"
    assert site.ask("/_idaware/callback?code=x&state=y").status == 405


@parity(cookie_samesite="strict")
def test_a_sign_in_with_strict_cookies_steps_over_a_page_of_ours(site: Site) -> None:
    browser = Browser(site)
    answer = browser.get("/dash/x?y=1")
    assert answer.json["principal"] == "login/alice"
    assert [status for _, _, status in browser.hops] == [302, 302, 200, 200]
    assert browser.jar[site.settings.cookie_name].samesite == "strict"


@parity(response_mode="form_post", cookie_samesite="strict")
def test_a_renewal_is_one_although_the_callback_brings_no_session(site: Site) -> None:
    browser = Browser(site)
    browser.get("/dash/x")
    site.clock.advance(900)
    assert browser.get("/dash/x").status == 200
    assert [answer.events() for answer in site.answers if answer.events()] == [
        ["login"],
        ["session_refreshed"],
    ]


@parity
def test_several_tabs_may_sign_in_at_once(site: Site) -> None:
    browser = Browser(site)
    first, second = at_provider(browser, "/dash/1"), at_provider(browser, "/dash/2")
    assert call_back(browser, first).location == f"{site.external}/dash/1"
    assert call_back(browser, second).location == f"{site.external}/dash/2"


@parity
def test_a_first_sign_in_brings_what_the_page_requires(site: Site) -> None:
    site.provider.person = Person(claims={"acr": "gold"})
    browser = Browser(site)
    assert browser.get("/safe/x").status == 200
    assert site.provider.authorizations[0]["acr_values"] == "gold"
    assert len(site.provider.authorizations) == 1


@parity
def test_a_step_up_that_is_met(site: Site) -> None:
    browser = Browser(site)
    browser.get("/dash/x")
    site.provider.person = Person(claims={"acr": "gold"})
    answer = browser.get("/safe/x")
    assert answer.status == 200
    assert [status for _, _, status in browser.hops] == REDIRECTED


@parity
def test_a_step_up_that_is_not_met_is_tried_once(site: Site) -> None:
    browser = Browser(site)
    browser.get("/dash/x")
    answer = browser.get("/safe/x")
    assert answer.status == 403
    assert answer.decided == ("deny", "step_up_unmet")
    assert [status for _, _, status in browser.hops] == [302, 302, 303, 403]
    assert browser.get("/dash/x").status == 200, "the session itself is good"


@parity
def test_a_sign_in_that_is_too_old_is_done_again(site: Site) -> None:
    browser = Browser(site)
    browser.get("/vault/x")
    site.clock.advance(901)
    assert browser.get("/vault/x").status == 200
    assert site.provider.authorizations[-1]["max_age"] == "900"


STEP_UP_AT_THE_FRONT = """
version: 1
rules:
  - {id: front, paths: [/**], allow: signed_in, require: {acr: [gold]}}
  - {id: plain, paths: [/plain], allow: signed_in}
"""


@parity(policy=STEP_UP_AT_THE_FRONT)
def test_a_step_up_that_the_provider_refuses_ends_with_an_explanation(site: Site) -> None:
    browser = Browser(site)
    browser.get("/plain")
    site.provider.refuses = "unmet_authentication_requirements"
    answer = browser.get("/")
    assert answer.status == 403
    assert answer.decided == ("deny", "login_refused_by_provider")
    assert len(site.provider.authorizations) == 4, "three tries, then an explanation"


# -- callbacks that come to nothing ------------------------------------------------------------------------------


@parity
@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"state": ...}, 400, "login_state_unknown"),
        ({"state": "a-state-that-nobody-here-made"}, 400, "login_state_unknown"),
        ({"iss": "https://evil.example"}, 400, "issuer_unknown"),
        ({"iss": ...}, 400, "issuer_unknown"),
        ({"code": ...}, 400, "login_refused_by_provider"),
        ({"code": ["a", "b"]}, 400, "login_refused_by_provider"),
        ({"code": "not-a-code"}, 400, "login_client_refused"),
        ({"code": "x" * 9000}, 413, "request_too_large"),
        ({"code": ..., "error": "access_denied"}, 403, "login_refused_by_provider"),
        ({"code": ..., "error": "access_denied", "iss": ...}, 403, "login_refused_by_provider"),
        ({"code": ..., "error": "temporarily_unavailable"}, 503, "provider_unavailable"),
        ({"code": ..., "error": "access_denied", "state": ...}, 400, "login_state_unknown"),
    ],
    ids=["no state", "a foreign state", "another issuer", "no issuer although promised", "neither code nor error",
         "two codes", "a wrong code", "a huge code", "refused", "refused without issuer", "later",
         "refused without state"],
)  # fmt: skip
def test_an_answer_that_is_not_a_sign_in_is_refused(
    site: Site, change: dict[str, Any], status: int, reason: str
) -> None:
    browser = Browser(site)
    site.provider.answer = change
    answer = browser.get("/dash/x")
    assert answer.status == status
    assert answer.decided == ("error" if status == 503 else "deny", reason)
    assert answer.events() == ["login_failed"]
    assert site.settings.cookie_name not in browser.jar
    if change.get("code") != "not-a-code":
        assert "token" not in site.provider.asked, "the code goes nowhere"


@parity
def test_a_state_counts_in_the_browser_that_made_it_only(site: Site) -> None:
    parameters = at_provider(Browser(site))
    answer = call_back(Browser(site), parameters)
    assert answer.decided == ("deny", "login_state_unknown")
    assert "token" not in site.provider.asked


@parity
def test_a_state_counts_once(site: Site) -> None:
    browser = Browser(site)
    parameters = at_provider(browser)
    call_back(browser, parameters)
    browser.jar.clear()
    assert call_back(browser, parameters).decided == ("deny", "login_state_unknown")


@parity
def test_a_state_counts_for_ten_minutes(site: Site) -> None:
    browser = Browser(site)
    parameters = at_provider(browser)
    cookies = browser.cookies()
    site.clock.advance(600)
    answer = site.ask(f"/_idaware/callback?{urlencode(parameters)}", accept=HTML, cookies=cookies)
    assert answer.decided == ("deny", "login_state_unknown")


@parity
@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"nonce": "another"}, "login_nonce_mismatch"),
        ({"aud": "somebody-else"}, "login_token_rejected"),
        ({"iss": "https://evil.example"}, "login_token_rejected"),
        ({"exp": 1_700_000_000}, "login_token_rejected"),
        ({"sub": ...}, "login_token_rejected"),
    ],
    ids=["nonce", "audience", "issuer", "expired", "nobody"],
)
def test_a_token_that_fails_a_check_signs_nobody_in(site: Site, claims: dict[str, Any], reason: str) -> None:
    site.provider.id_token = claims
    browser = Browser(site)
    answer = browser.get("/dash/x")
    assert answer.status == 400
    assert answer.decided == ("deny", reason)
    assert site.settings.cookie_name not in browser.jar


@parity
@pytest.mark.parametrize(
    ("endpoint", "fault", "reason"),
    [
        ("token", httpx2.Response(500), "provider_unavailable"),
        ("token", httpx2.ConnectError("gone"), "provider_unavailable"),
        ("token", httpx2.Response(401, json={"error": "invalid_client"}), "login_client_refused"),
        ("token", httpx2.Response(200, text="hello"), "login_token_rejected"),
        ("jwks", httpx2.Response(503), "provider_unavailable"),
        ("jwks", httpx2.Response(302, headers={"Location": "https://evil.example"}), "login_token_rejected"),
    ],
    ids=[
        "token 500",
        "token unreachable",
        "our secret is wrong",
        "token not JSON",
        "keys 503",
        "keys elsewhere",
    ],
)
def test_a_provider_that_breaks_off_signs_nobody_in(
    site: Site, endpoint: str, fault: Any, reason: str
) -> None:
    site.provider.faults[endpoint] = fault
    browser = Browser(site)
    answer = browser.get("/dash/x")
    assert answer.record["reason"] == reason
    assert answer.status == (503 if reason in ("provider_unavailable", "login_client_refused") else 400)
    assert site.settings.cookie_name not in browser.jar


@pytest.mark.parametrize("adapter", ["asgi", "wsgi"])
def test_a_code_that_the_provider_repeats_is_in_no_log_and_no_record(
    adapter: str, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(adapter)
    refusal = {"error": "invalid_grant", "error_description": "code code-1 was used before"}
    site.provider.faults["token"] = httpx2.Response(400, json=refusal)
    with caplog.at_level(logging.DEBUG):
        answer = Browser(site).get("/dash/x")
    assert answer.decided == ("deny", "login_client_refused")
    assert "sign-in failed" in caplog.text
    assert "code-1" not in caplog.text + answer.text + repr(answer.records)


@parity
@pytest.mark.parametrize(
    "change",
    [
        {"code": ..., "error": "s3cret"},
        {"code": ..., "error": "access_denied", "error_description": "s3cret"},
        {"iss": "https://s3cret.example"},
        {"state": "s3cret" * 4},
    ],
    ids=["error", "description", "issuer", "state"],
)
def test_no_value_of_the_query_of_a_callback_is_recorded(site: Site, change: dict[str, Any]) -> None:
    browser = Browser(site)
    site.provider.answer = change
    answer = browser.get("/dash/x")
    assert answer.events() == ["login_failed"]
    assert "s3cret" not in repr(answer.records)


@parity
def test_a_failed_sign_in_is_told_to_programs_as_well(site: Site) -> None:
    answer = call_back(Browser(site), {"state": "x" * 32, "code": "y"}, accept=JSON)
    assert answer.header("content-type") == "application/problem+json"
    assert answer.json["reason"] == "login_state_unknown"


@parity
def test_the_third_failure_in_a_minute_explains_and_goes_nowhere(site: Site) -> None:
    browser = Browser(site)
    site.provider.refuses = "access_denied"
    explained = ["It failed three times" in browser.get("/dash/x").text for _ in range(3)]
    assert explained == [False, False, True]
    site.provider.refuses = None
    site.clock.advance(60)
    assert browser.get("/dash/x").status == 200
    assert f"{site.settings.cookie_name}-f" not in browser.jar


@parity
def test_a_failed_callback_of_somebody_signed_in_leads_to_the_front_page(site: Site) -> None:
    browser = Browser(site)
    browser.get("/dash/x")
    answer = call_back(browser, {"state": "x" * 32, "code": "y"})
    assert answer.status == 302
    assert answer.location == f"{site.external}/"
    assert answer.events() == ["login_failed"]
    assert answer.decided == ("allow", "own_endpoint")


@parity
def test_a_session_that_fits_no_cookie_is_refused(site: Site) -> None:
    site.provider.person = Person(
        email="a" * 310 + "@c.example", claims={"name": "ä" * 1000, "acr": "g" * 1024, "amr": ["x" * 1000]}
    )
    answer = Browser(site).get("/dash/x")
    assert answer.status == 400
    assert answer.decided == ("deny", "session_too_large")


@parity
def test_an_endless_callback_is_not_read(site: Site) -> None:
    answer = site.ask("/_idaware/callback?" + "&".join(f"p{n}=1" for n in range(200)), accept=JSON)
    assert answer.decided == ("deny", "login_state_unknown")


@parity(response_mode="form_post")
@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"x" * 70_000, 413, "request_too_large"),
        (b"state=\xff", 400, "login_state_unknown"),
        (b"", 400, "login_state_unknown"),
    ],
    ids=["too large", "not UTF-8", "empty"],
)
def test_a_body_that_cannot_be_read_signs_nobody_in(
    site: Site, body: bytes, status: int, reason: str
) -> None:
    answer = site.ask("/_idaware/callback", "POST", body=body, accept=JSON)
    assert answer.status == status
    assert answer.decided == ("deny", reason)


@parity(response_mode="form_post")
def test_a_client_that_hangs_up_while_it_signs_in_is_recorded(site: Site) -> None:
    answer = site.ask("/_idaware/callback", "POST", body=b"state=x&code=y", hangs_up=True)
    assert answer.decided == ("deny", "request_too_large")


# -- a provider that is down -------------------------------------------------------------------------------------


@parity
def test_an_application_starts_while_its_provider_is_down_and_recovers(site: Site) -> None:
    site.provider.down = True
    page = site.ask("/dash/x", accept=HTML)
    assert page.status == 503
    assert page.header("retry-after") is not None
    assert page.decided == ("error", "provider_unavailable")
    assert site.ask("/dash/x", accept=JSON).status == 401
    assert site.ask("/public/x").status == 200
    assert site.ask("/dash/x", cookies=site.signed_in()).status == 200
    site.provider.down = False
    site.clock.advance(5)
    assert Browser(site).get("/dash/x").status == 200


@parity
def test_metadata_of_another_issuer_signs_nobody_in(site: Site) -> None:
    site.provider.metadata = {"issuer": "https://evil.example"}
    page = site.ask("/dash/x", accept=HTML)
    assert page.status == 503
    assert page.decided == ("error", "provider_unavailable")


@parity
def test_userinfo_is_asked_for_what_the_id_token_lacks(site: Site) -> None:
    site.provider.id_token = {"groups": ...}
    site.provider.userinfo = {"groups": ["sre"]}
    browser = Browser(site)
    assert browser.get("/dash/x").json["groups"] == ["sre"]
    assert "userinfo" in site.provider.asked


@parity
def test_userinfo_about_somebody_else_signs_nobody_in(site: Site) -> None:
    site.provider.id_token = {"groups": ...}
    site.provider.userinfo = {"sub": "mallory", "groups": ["sre"]}
    answer = Browser(site).get("/dash/x")
    assert answer.decided == ("deny", "login_token_rejected")


@parity
def test_userinfo_that_cannot_be_used_leaves_the_groups_unknown(site: Site) -> None:
    site.provider.id_token = {"groups": ...}
    site.provider.faults["userinfo"] = httpx2.Response(403)
    answer = Browser(site).get("/dash/x")
    assert answer.decided == ("deny", "claim_unknown")


# -- other host names --------------------------------------------------------------------------------------------

HOSTS = ["billing.corp.example", "billing.internal"]


@parity(hosts=HOSTS)
def test_a_page_on_another_accepted_host_goes_to_the_base_url_first(site: Site) -> None:
    answer = site.ask("/dash/x?y=1", accept=HTML, host="billing.internal")
    assert answer.status == 302
    assert answer.location == f"{site.settings.base_url}/dash/x?y=1"
    assert answer.decided == ("login", "no_identity")
    assert site.ask("/dash/x", accept=JSON, host="billing.internal").status == 401


@parity(hosts=HOSTS)
def test_a_proxy_that_rewrites_the_host_makes_no_loop(site: Site) -> None:
    answer = site.ask("/dash/x", accept=HTML, host="billing.internal")
    (mark,) = answer.set_cookies()
    again = site.ask("/dash/x", accept=HTML, host="billing.internal", cookies={mark: "1"})
    assert again.location.startswith(site.provider.issuer)


@parity(hosts=HOSTS)
@pytest.mark.parametrize(
    "endpoint", ["login?next={}/dash/x&switch=1", "login?next=//evil.example", "login", "renew"]
)
def test_a_sign_in_on_another_host_begins_on_the_base_url(site: Site, endpoint: str) -> None:
    target = f"/_idaware/{endpoint}".format(site.external)
    answer = site.ask(target, accept=HTML, host="billing.internal")
    assert answer.status == 302
    assert answer.location.startswith(f"{site.settings.base_url}/_idaware/")
    begun = site.ask(answer.location.removeprefix(site.settings.base_url), accept=HTML)
    assert begun.location.startswith(site.provider.issuer)
    browser = Browser(site)
    browser._keep(begun)
    assert (
        "evil"
        not in call_back(
            browser, dict(parse_qsl(urlsplit(site.provider.authorize(begun.location).location).query))
        ).location
    )
