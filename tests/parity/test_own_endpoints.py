"""Our own endpoints: signing in and out on purpose, who am I, renewal windows, health."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from support import ADAPTERS, HTML, JSON, Browser, Person, Site, parity


def asked(location: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(location).query))


# -- login ---------------------------------------------------------------------------------------------------------


@parity
@pytest.mark.parametrize("target", ["/dash/x", "/dash/x?a=1&b=%2F", "/dash/a;b"])
def test_login_leads_back_to_next(site: Site, target: str) -> None:
    answer = Browser(site).get("/_idaware/login?next=" + quote(site.external + target, safe=""))
    assert site.answers[-2].location == site.external + target
    assert answer.status in (200, 400), "a semicolon may be gone to; what is there is another question"


@parity
@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/dash//x", "/dash/../x",
     "/_idaware/logout", "/x\r\nSet-Cookie:a=b", "", "dash", "/" + "x" * 3000],
)  # fmt: skip
def test_login_leads_nowhere_else(site: Site, target: str) -> None:
    target = site.external + target if target[:2] in ("/_", "/x") else target
    browser = Browser(site)
    browser.get("/_idaware/login?next=" + quote(target, safe=""))
    assert site.answers[-2].location == f"{site.external}/"


@parity
def test_login_with_two_targets_leads_to_the_front_page(site: Site) -> None:
    Browser(site).get(f"/_idaware/login?next={site.external}/a&next={site.external}/b")
    assert site.answers[-2].location == f"{site.external}/"


@parity
def test_login_as_somebody_else_asks_the_provider_to_ask(site: Site) -> None:
    answer = site.ask("/_idaware/login?switch=1", accept=HTML, cookies=site.signed_in())
    assert asked(answer.location)["prompt"] == "login"
    assert answer.decided == ("allow", "own_endpoint")


@parity
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_login_may_begin_at_the_provider(site: Site, method: str) -> None:
    target = site.settings.base_url + "/dash/x"
    form = urlencode({"iss": site.provider.issuer, "target_link_uri": target})
    if method == "GET":
        begun = site.ask(f"/_idaware/login?{form}", accept=HTML)
    else:
        begun = site.ask("/_idaware/login", "POST", body=form.encode(), accept=HTML)
    browser = Browser(site)
    browser._keep(begun)
    browser.get(site.provider.authorize(begun.location).location)
    assert site.answers[-1].json["path"] == "/dash/x"


@parity
def test_login_for_another_issuer_is_refused(site: Site) -> None:
    answer = site.ask("/_idaware/login?iss=https://evil.example", accept=JSON)
    assert answer.status == 400
    assert answer.decided == ("deny", "issuer_unknown")
    assert answer.json["reason"] == "issuer_unknown"


@parity
def test_login_to_a_link_elsewhere_leads_to_the_front_page(site: Site) -> None:
    link = quote(site.settings.origin + "evil/x", safe="")
    Browser(site).get(f"/_idaware/login?iss={quote(site.provider.issuer)}&target_link_uri={link}")
    assert site.answers[-2].location == f"{site.external}/"


@parity
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_login_while_the_provider_is_down_says_so(site: Site, method: str) -> None:
    site.provider.down = True
    answer = site.ask("/_idaware/login", method, body=b"" if method == "POST" else None, accept=HTML)
    assert answer.status == 503
    assert answer.decided == ("error", "provider_unavailable")


# -- logout --------------------------------------------------------------------------------------------------------


def signed_in_browser(site: Site) -> Browser:
    browser = Browser(site)
    assert browser.get("/dash/x").status == 200
    return browser


@parity
def test_logout_asks_first(site: Site) -> None:
    browser = signed_in_browser(site)
    answer = browser.get("/_idaware/logout")
    assert answer.status == 200
    assert f'action="{site.external}/_idaware/logout"' in answer.text
    assert answer.set_cookies() == {}
    assert browser.get("/dash/x").status == 200


@parity
def test_logout_ends_the_session_here_and_at_the_provider(site: Site) -> None:
    browser = signed_in_browser(site)
    browser.post("/_idaware/logout")
    answer = site.answers[-1]
    assert answer.status == 200
    assert answer.header("clear-site-data") == '"cache"'
    assert answer.header("cache-control") == "no-store"
    assert answer.events() == ["logout"]
    assert (answer.records[-1]["principal"], answer.records[-1]["reason"]) == ("login/alice", "own_endpoint")
    left = browser.hops[-1][1]
    assert left.startswith(f"{site.provider.issuer}/logout?")
    assert asked(left) == {
        "client_id": "billing-admin",
        "logout_hint": "alice@corp.example",
        "post_logout_redirect_uri": f"{site.settings.base_url}/_idaware/logged-out",
    }
    assert site.settings.cookie_name not in browser.jar
    assert site.ask("/dash/x", accept=JSON, cookies=browser.cookies()).status == 401


@parity
def test_after_a_logout_people_sign_in_again_themselves(site: Site) -> None:
    browser = signed_in_browser(site)
    browser.post("/_idaware/logout")
    browser.get("/dash/x")
    assert site.provider.authorizations[-1]["prompt"] == "login"
    browser.get("/_idaware/login")
    assert "prompt" not in site.provider.authorizations[-1]


@parity(logout_provider=False)
def test_logout_here_only(site: Site) -> None:
    browser = signed_in_browser(site)
    answer = browser.post("/_idaware/logout")
    assert [status for _, _, status in browser.hops] == [303, 200]
    assert browser.hops[-1][1] == f"{site.external}/_idaware/logged-out" or browser.hops[-1][1].endswith(
        "/logged-out"
    )
    assert "You are signed out" in answer.text
    assert answer.decided == ("allow", "own_endpoint")


@parity(logout_provider=False)
def test_logout_here_only_asks_nobody(site: Site) -> None:
    assert site.ask("/_idaware/logout", "POST", cookies=site.signed_in()).status == 303
    assert site.provider.asked == []


@parity
def test_logout_hints_at_whom_the_provider_knows(site: Site) -> None:
    hints = [
        re.findall(r"logout_hint=([^&]*)", site.ask("/_idaware/logout", "POST", cookies=cookies).text)
        for cookies in (site.signed_in(), site.signed_in("alice", email=None), {})
    ]
    assert hints[0][0] == "alice%40corp.example"
    assert hints[1][0] == "alice"
    assert hints[2] == []


@parity(logout_provider=False, logout_redirect="https://intranet.corp.example/bye")
def test_logout_ends_where_the_configuration_says(site: Site) -> None:
    browser = signed_in_browser(site)
    browser.post("/_idaware/logout")
    assert browser.hops[-1][1] == "https://intranet.corp.example/bye"


@parity
def test_a_provider_that_is_down_keeps_nobody_signed_in(site: Site) -> None:
    site.provider.down = True
    answer = site.ask("/_idaware/logout", "POST", cookies=site.signed_in())
    assert answer.status == 303
    assert answer.location == f"{site.external}/_idaware/logged-out"
    assert answer.events() == ["logout"]


@parity
def test_logout_asks_the_provider_where_it_is_first(site: Site) -> None:
    answer = site.ask("/_idaware/logout", "POST", cookies=site.signed_in())
    assert answer.status == 200
    assert f"{site.provider.issuer}/logout?" in answer.text


@parity
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
    ids=["cross-site", "same-site", "a foreign origin", "null"],
)
def test_another_site_signs_nobody_out(site: Site, headers: dict[str, str]) -> None:
    answer = site.ask("/_idaware/logout", "POST", headers=headers, cookies=site.signed_in())
    assert answer.status == 403
    assert answer.decided == ("deny", "cross_site")
    assert answer.json["reason"] == "cross_site"
    assert answer.set_cookies() == {}


@parity(trusted_origins=["https://spa.example"])
def test_not_even_a_trusted_origin_signs_anybody_out(site: Site) -> None:
    headers = {"Origin": "https://spa.example", "Sec-Fetch-Site": "cross-site"}
    assert site.ask("/_idaware/logout", "POST", headers=headers, cookies=site.signed_in()).status == 403


@parity
def test_logged_out_is_there_for_everybody(site: Site) -> None:
    answer = site.ask("/_idaware/logged-out", accept=HTML)
    assert answer.status == 200
    assert f"{site.external}/_idaware/login" in answer.text


# -- me ------------------------------------------------------------------------------------------------------------


@parity
def test_me_says_who_i_am_and_what_i_may_reach(site: Site) -> None:
    cookies = site.signed_in("alice", ("sre",), idle=120)
    answer = site.ask("/_idaware/me", accept=JSON, cookies=cookies)
    assert answer.status == 200
    assert answer.decided == ("allow", "own_endpoint")
    text = answer.text
    assert "alice@corp.example" in text
    reach = {entry["rule"]: entry for entry in answer.json["reach"]}
    assert reach["read"]["answer"] == "yes"
    assert reach["admin"]["answer"] == "no"
    assert reach["safe"]["answer"] == "step_up"
    assert "no-contractors" not in reach
    page = site.ask("/_idaware/me", accept=HTML, cookies=cookies)
    assert page.header("content-type") == "text/html; charset=utf-8"
    assert "alice" in page.text


@parity
def test_me_for_nobody(site: Site) -> None:
    program = site.ask("/_idaware/me", accept=JSON)
    assert program.status == 401
    assert program.decided == ("login", "no_identity")
    stale = site.ask("/_idaware/me", accept=JSON, cookies=site.signed_in(idle=3600))
    assert stale.json["reason"] == "session_idle"
    page = site.ask("/_idaware/me", accept=HTML)
    assert page.status == 200
    assert f"{site.external}/_idaware/login" in page.text


@parity
def test_me_says_when_groups_were_left_out(site: Site) -> None:
    cookies = site.signed_in("dave", None, groups_left_out="overage")
    assert "overage" in site.ask("/_idaware/me", accept=JSON, cookies=cookies).text


# -- renew ---------------------------------------------------------------------------------------------------------


@parity
def test_a_renewal_window_renews_and_closes(site: Site) -> None:
    browser = signed_in_browser(site)
    site.clock.advance(1800)
    answer = browser.get("/_idaware/renew")
    assert answer.status == 200
    assert 'data-same-person="true"' in answer.text
    assert answer.events() == ["login"]
    assert site.ask("/dash/x", accept=JSON, cookies=browser.cookies()).status == 200


@parity
def test_a_renewal_window_for_nobody_is_a_sign_in(site: Site) -> None:
    answer = Browser(site).get("/_idaware/renew")
    assert 'data-same-person="false"' in answer.text, "whose page opened it, nobody knows"


@parity
@pytest.mark.parametrize(("sub", "same"), [("alice", "true"), ("bob", "false")])
def test_a_renewal_window_knows_whose_session_ended(site: Site, sub: str, same: str) -> None:
    browser = signed_in_browser(site)
    site.clock.advance(3600)
    site.provider.person = Person(sub)
    answer = browser.get("/_idaware/renew")
    assert f'data-same-person="{same}"' in answer.text
    assert answer.events() == ["login"]


@parity(cookie_samesite="strict")
def test_a_renewal_window_tells_when_somebody_else_signed_in(site: Site) -> None:
    browser = signed_in_browser(site)
    site.provider.person = Person("bob")
    answer = browser.get("/_idaware/renew")
    assert 'data-same-person="false"' in answer.text


@parity
def test_a_renewal_window_that_fails_says_so(site: Site) -> None:
    browser = signed_in_browser(site)
    site.provider.faults["token"] = httpx2.Response(500)
    answer = browser.get("/_idaware/renew")
    assert answer.status == 503
    assert answer.events() == ["login_failed"]


# -- health --------------------------------------------------------------------------------------------------------


@parity
def test_healthz_is_the_process_and_nothing_else(site: Site) -> None:
    site.provider.down = True
    answer = site.ask("/_idaware/healthz")
    assert answer.status == 200
    assert answer.json == {"status": "ok"}
    assert answer.header("cache-control") == "no-store"
    assert site.provider.asked == []


@parity
def test_readyz_tells_strangers_the_status_alone(site: Site) -> None:
    assert site.ask("/_idaware/readyz").json == {"status": "ok"}
    site.provider.down = True
    site.ask("/dash/x", accept=HTML)
    answer = site.ask("/_idaware/readyz")
    assert answer.status == 200
    assert answer.json == {"status": "degraded"}
    detailed = site.ask("/_idaware/readyz", cookies=site.signed_in()).json
    assert detailed["parts"]["provider"]["status"] == "degraded"
    assert detailed["parts"]["policy"] == {"status": "ok"}


# -- what is not there ---------------------------------------------------------------------------------------------


@parity
@pytest.mark.parametrize(
    "name",
    ["", "/", "/nope", "/me/", "/me/x", "/callback/x", "/backchannel-logout", "/frontchannel-logout", "/sessions",
     "/metrics", "/console", "/ssf", "/revoke"],
)  # fmt: skip
def test_what_is_not_configured_is_not_there(site: Site, name: str) -> None:
    answer = site.ask(f"/_idaware{name}", accept=JSON, cookies=site.signed_in())
    assert answer.status == 404
    assert answer.decided == ("allow", "own_endpoint")
    assert answer.json["reason"] == "own_endpoint"
    assert site.app.seen == []


@parity
@pytest.mark.parametrize("target", ["/_idawareness", "/_idaware.txt", "/_IDAWARE/me"])
def test_what_only_looks_like_ours_is_the_applications(site: Site, target: str) -> None:
    assert site.ask(target, cookies=site.signed_in()).decided == ("deny", "no_rule")


@parity
@pytest.mark.parametrize(
    ("name", "method", "allowed"),
    [("login", "PUT", "GET, HEAD, POST"), ("callback", "POST", "GET"), ("logout", "DELETE", "GET, HEAD, POST"),
     ("me", "POST", "GET, HEAD"), ("renew", "POST", "GET"), ("healthz", "OPTIONS", "GET, HEAD")],
)  # fmt: skip
def test_a_method_that_an_endpoint_does_not_have(site: Site, name: str, method: str, allowed: str) -> None:
    answer = site.ask(f"/_idaware/{name}", method, accept=JSON)
    assert answer.status == 405
    assert answer.header("allow") == allowed


@parity(prefix="/.auth", policy=None, allow_groups=["sre"])
def test_the_prefix_may_be_another(site: Site) -> None:
    assert Browser(site).get("/anything").status == 200
    assert site.ask("/.auth/me", accept=HTML).status == 200
    assert site.ask("/_idaware/me", accept=JSON).status == 401


# -- our public key ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_our_public_key_is_published_where_we_authenticate_with_it(adapter: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    site = Site(adapter, client_auth="private_key_jwt", client_key=pem, client_secret=None)
    answer = site.ask("/_idaware/jwks.json")
    assert (answer.status, answer.header("content-type")) == (200, "application/jwk-set+json")
    assert [(jwk["kty"], "d" in jwk) for jwk in answer.json["keys"]] == [("EC", False)]
    assert Site(adapter).ask("/_idaware/jwks.json").status == 404
