"""Requests that another site made a browser send, and WebSockets."""

from __future__ import annotations

import pytest

from support import JSON, Application, Site, parity

OWN = "https://billing.corp.example"
FOREIGN = "https://evil.example"


@parity
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": FOREIGN},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": FOREIGN},
    ],
    ids=["cross-site", "same-site", "a foreign origin", "null", "both"],
)
def test_another_site_changes_nothing_on_a_session(site: Site, method: str, headers: dict[str, str]) -> None:
    answer = site.ask("/dash/x", method, headers=headers, cookies=site.signed_in(), accept=JSON)
    assert answer.status == 403
    assert answer.decided == ("deny", "cross_site")
    assert answer.record["principal"] == "login/alice"
    assert site.app.seen == []


@parity
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", {"Sec-Fetch-Site": "same-origin", "Origin": OWN}),
        ("POST", {"Sec-Fetch-Site": "none"}),
        ("POST", {"Origin": OWN}),
        ("POST", {}),
        ("GET", {"Sec-Fetch-Site": "cross-site"}),
    ],
    ids=["own page", "address bar", "own origin", "no browser", "a link from elsewhere"],
)
def test_what_is_not_from_another_site_passes(site: Site, method: str, headers: dict[str, str]) -> None:
    assert site.ask("/dash/x", method, headers=headers, cookies=site.signed_in()).status == 200


@parity(trusted_origins=["https://spa.example"])
def test_a_trusted_origin_may_change_things(site: Site) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Origin": "https://spa.example"}
    assert site.ask("/dash/x", "POST", headers=headers, cookies=site.signed_in()).status == 200


ORIGINS = """
version: 1
rules:
  - {id: embedded, paths: [/embedded/**], allow: {groups: [sre]}, origins: ["https://partner.example"]}
  - {id: rest, paths: [/**], allow: {groups: [sre]}}
"""


@parity(policy=ORIGINS)
def test_a_rule_may_trust_an_origin_of_its_own(site: Site) -> None:
    headers = {"Origin": "https://partner.example"}
    assert site.ask("/embedded/x", "POST", headers=headers, cookies=site.signed_in()).status == 200
    assert site.ask("/else", "POST", headers=headers, cookies=site.signed_in()).status == 403


@parity
def test_another_site_reaches_a_public_path_as_nobody(site: Site) -> None:
    answer = site.ask("/public/x", "POST", headers={"Origin": FOREIGN}, cookies=site.signed_in())
    assert answer.status == 200
    assert answer.json["principal"] is None
    assert answer.record["auth_error"] == "cross_site"


# -- WebSockets --------------------------------------------------------------------------------------------------


@parity
def test_a_websocket_from_our_own_page_opens(site: Site) -> None:
    answer = site.ask("/live/x", websocket=True, headers={"Origin": OWN}, cookies=site.signed_in())
    assert answer.status == 101
    record = answer.record
    assert (record["decision"], record["reason"], record["method"]) == (
        "allow",
        "allowed_by_rule",
        "WEBSOCKET",
    )
    assert (record["protocol"], record["status"]) == ("websocket", 101)
    assert site.app.seen[0].identity.principal == "login/alice"


@parity
@pytest.mark.parametrize("origin", [FOREIGN, "null", "https://billing.corp.example.evil.example", None])
def test_a_websocket_from_elsewhere_does_not(site: Site, origin: str | None) -> None:
    headers = {} if origin is None else {"Origin": origin}
    answer = site.ask("/live/x", websocket=True, headers=headers, cookies=site.signed_in())
    assert answer.status == 403
    assert answer.decided == ("deny", "origin_refused")
    assert site.app.seen == []


@parity
def test_a_websocket_of_nobody_is_told_to_sign_in(site: Site) -> None:
    answer = site.ask("/live/x", websocket=True, headers={"Origin": OWN})
    assert answer.status == 401
    assert answer.decided == ("login", "no_identity")
    assert answer.header("content-type") == "application/problem+json"


@parity
def test_a_websocket_on_a_stale_session_is_told_to_sign_in(site: Site) -> None:
    cookies = site.signed_in(age=3600)
    answer = site.ask("/live/x", websocket=True, headers={"Origin": OWN}, cookies=cookies)
    assert answer.status == 401
    assert answer.decided == ("login", "session_stale")


@parity
def test_the_right_to_read_opens_no_websocket(site: Site) -> None:
    answer = site.ask("/dash/x", websocket=True, headers={"Origin": OWN}, cookies=site.signed_in())
    assert answer.status == 403
    assert answer.decided == ("deny", "method_not_covered")


UNEQUAL = """
version: 1
rules:
  - {id: socket, paths: [/feed, /news], methods: [WEBSOCKET], allow: public}
  - {id: talk, paths: [/talk, /open], methods: [WEBSOCKET], allow: {groups: [sre]}}
  - {id: page, paths: [/feed, /talk], methods: [GET], allow: {groups: [admins]}}
  - {id: shown, paths: [/open, /news], methods: [GET], allow: public}
"""


@pytest.mark.parametrize(
    ("path", "groups", "socket", "upgrade"),
    [
        ("/feed", None, ("allow", "public"), ("login", "no_identity")),
        ("/feed", ("sre",), ("allow", "public"), ("deny", "not_in_allow")),
        ("/feed", ("admins",), ("allow", "public"), ("allow", "allowed_by_rule")),
        ("/talk", ("sre",), ("allow", "allowed_by_rule"), ("deny", "not_in_allow")),
        ("/talk", ("admins",), ("deny", "not_in_allow"), ("deny", "not_in_allow")),
        ("/talk", ("admins", "sre"), ("allow", "allowed_by_rule"), ("allow", "allowed_by_rule")),
        ("/open", None, ("login", "no_identity"), ("login", "no_identity")),
        ("/open", ("sre",), ("allow", "allowed_by_rule"), ("allow", "allowed_by_rule")),
        ("/news", None, ("allow", "public"), ("allow", "public")),
    ],
)
def test_under_wsgi_an_upgrade_needs_the_right_to_get_as_well(
    path: str, groups: tuple[str, ...] | None, socket: tuple[str, str], upgrade: tuple[str, str]
) -> None:
    """It is up to the server what becomes of ``Upgrade``: a handler of ``GET`` may answer it."""
    for adapter, decided in (("asgi", socket), ("wsgi", upgrade)):
        site = Site(adapter, policy=UNEQUAL)
        cookies = None if groups is None else site.signed_in(groups=groups)
        answer = site.ask(path, websocket=True, headers={"Origin": OWN}, cookies=cookies)
        assert answer.decided == decided, adapter
        assert answer.record["method"] == "WEBSOCKET"
        assert len(site.app.seen) == (decided[0] == "allow")


def test_an_upgrade_under_wsgi_that_nobody_attached_is_private_to_its_page() -> None:
    """Where one of both rules is public, the answer is kept as the other one has it."""
    site = Site("wsgi", policy=UNEQUAL, app=Application(headers=[("Cache-Control", "public, max-age=60")]))
    answer = site.ask(
        "/feed", websocket=True, headers={"Origin": OWN}, cookies=site.signed_in(groups=("admins",))
    )
    assert answer.header("cache-control") == "private, max-age=60"


@parity
def test_a_websocket_is_no_way_to_our_endpoints(site: Site) -> None:
    answer = site.ask("/_idaware/me", websocket=True, headers={"Origin": OWN}, cookies=site.signed_in())
    assert answer.status == 405


@parity
def test_a_websocket_on_a_public_path_from_elsewhere_is_nobodys(site: Site) -> None:
    answer = site.ask("/public/x", websocket=True, headers={"Origin": FOREIGN}, cookies=site.signed_in())
    assert answer.status == 101
    assert site.app.seen[0].identity.principal is None
    assert answer.record["auth_error"] == "origin_refused"


@parity
def test_a_websocket_notes_no_activity(site: Site) -> None:
    cookies = site.signed_in(idle=120)
    answer = site.ask("/live/x", websocket=True, headers={"Origin": OWN}, cookies=cookies)
    assert answer.set_cookies() == {}


@parity(app=lambda: Application(fails_before=RuntimeError("broken")))
def test_a_websocket_that_the_application_drops_is_recorded(site: Site) -> None:
    answer = site.ask("/live/x", websocket=True, headers={"Origin": OWN}, cookies=site.signed_in())
    assert isinstance(answer.error, RuntimeError)
    assert answer.record["status"] is None
    assert answer.record["error"] == "RuntimeError"
