"""Signing in, from an anonymous page to the page that was asked for."""

from __future__ import annotations

from support import HTML, Browser, Site, parity


@parity
def test_anonymous_page_goes_to_the_provider(site: Site) -> None:
    answer = site.ask("/dash/x?y=1", accept=HTML)
    assert answer.status == 302
    assert answer.location.startswith("https://login.op.example/authorize?")
    assert answer.decided == ("login", "no_identity")


@parity
def test_sign_in_ends_on_the_page_that_was_asked_for(site: Site) -> None:
    browser = Browser(site)
    answer = browser.get("/dash/x?y=1")
    assert answer.status == 200
    assert answer.json["principal"] == "login/alice"
    assert answer.json["path"] == "/dash/x"
    assert answer.json["query"] == "y=1"
    assert [status for _, _, status in browser.hops] == [302, 302, 302, 200]
