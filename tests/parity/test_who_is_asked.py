"""Who is sent to sign in, who is told so, and what the policy says about whoever is signed in."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from support import HTML, JSON, Site, parity

NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"}


@parity
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_navigation_is_sent_to_the_provider(site: Site, method: str) -> None:
    answer = site.ask("/dash/x", method, accept=HTML, headers=NAVIGATION)
    assert answer.status == 302
    assert answer.header("cache-control") == "no-store"
    assert answer.header("referrer-policy") == "no-referrer"
    asked = parse_qs(urlsplit(answer.location).query)
    assert asked["redirect_uri"] == [site.settings.redirect_uri]
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["nonce"][0]) > 20
    (state_cookie,) = answer.set_cookies().values()
    assert "HttpOnly; Secure; SameSite=Lax" in state_cookie
    assert answer.decided == ("login", "no_identity")


NOT_A_NAVIGATION = {
    "an API client": ("GET", {"Accept": JSON}),
    "no Accept": ("GET", {}),
    "any kind of answer": ("GET", {"Accept": "*/*"}),
    "a form": ("POST", {"Accept": HTML, "Sec-Fetch-Site": "same-origin"}),
    "fetch": ("GET", {"Accept": HTML, "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}),
    "XMLHttpRequest": ("GET", {"Accept": HTML, "X-Requested-With": "XMLHttpRequest"}),
    "prefetch": ("GET", {"Accept": HTML, **NAVIGATION, "Sec-Purpose": "prefetch;prerender"}),
    "an image": ("GET", {"Accept": "image/*", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}),
    "a bearer token": ("GET", {"Accept": HTML, "Authorization": "Bearer x"}),
}


@parity
@pytest.mark.parametrize("name", NOT_A_NAVIGATION)
def test_everybody_else_is_told_where_to_sign_in(site: Site, name: str) -> None:
    method, headers = NOT_A_NAVIGATION[name]
    answer = site.ask("/dash/x?y=1", method, headers=headers)
    assert answer.status == 401
    assert answer.header("www-authenticate") is not None
    assert answer.header("cache-control") == "no-store"
    assert answer.set_cookies() == {}
    assert answer.decided == ("login", "no_identity")
    assert site.provider.asked == []


@parity
def test_a_program_learns_the_address_of_the_sign_in(site: Site) -> None:
    answer = site.ask("/dash/x?y=1", accept=JSON)
    assert answer.json["login_url"] == f"{site.external}/_idaware/login?next={site.external}/dash/x%3Fy%3D1"
    answer = site.ask("/dash/x", "POST", accept=JSON)
    assert answer.json["login_url"] == f"{site.external}/_idaware/login"


@parity
def test_a_frame_gets_a_link(site: Site) -> None:
    answer = site.ask("/dash/x", accept=HTML, headers={**NAVIGATION, "Sec-Fetch-Dest": "iframe"})
    assert answer.status == 401
    assert 'target="_blank"' in answer.text
    assert answer.decided == ("login", "no_identity")


UNAUTHENTICATED = """
version: 1
rules:
  - {id: told, paths: [/api/**], allow: signed_in, unauthenticated: challenge}
  - {id: sent, paths: [/links/**], allow: signed_in, unauthenticated: redirect}
"""


@parity(policy=UNAUTHENTICATED)
def test_a_rule_may_say_who_is_sent(site: Site) -> None:
    assert site.ask("/api/x", accept=HTML).status == 401
    assert site.ask("/links/x").status == 302
    assert site.ask("/links/x", "POST").status == 401


@parity
def test_whoever_is_allowed_gets_in(site: Site) -> None:
    answer = site.ask("/dash/x?y=1", cookies=site.signed_in("alice", ("sre", "unnamed")))
    assert answer.status == 200
    assert answer.decided == ("allow", "allowed_by_rule")
    record = answer.record
    assert (record["rule"], record["pattern"], record["rule_owner"]) == (
        "read",
        "/dash/**",
        "platform@corp.example",
    )
    assert (record["principal"], record["actor_type"], record["auth_method"]) == (
        "login/alice",
        "human",
        "session",
    )
    assert record["groups_matched"] == ["sre"]
    assert record["why"]["held"] == ["groups: sre"]
    assert len(record["session_id"]) == 16
    assert "sid-alice" not in str(answer.records)
    (seen,) = site.app.seen
    assert (seen.path, seen.query, seen.identity.principal) == ("/dash/x", "y=1", "login/alice")
    assert seen.remote_user == ("alice" if site.adapter == "wsgi" else None)


@parity
def test_whoever_is_not_allowed_is_refused(site: Site) -> None:
    answer = site.ask("/dash/x", "POST", cookies=site.signed_in("bob", ("finance",)))
    assert answer.status == 403
    assert answer.decided == ("deny", "not_in_allow")
    assert answer.record["rule"] == "change"
    assert answer.record["why"]["failed"] == ["groups: sre"]
    assert site.app.seen == []


@parity
def test_a_shared_deny_beats_every_allow(site: Site) -> None:
    cookies = site.signed_in("carol", ("sre", "contractors"))
    answer = site.ask("/dash/x", accept=HTML, cookies=cookies)
    assert answer.status == 403
    assert answer.decided == ("deny", "denied_by_rule")
    assert "Ask your agency." in answer.text
    assert answer.record["rule"] == "read"


@parity
def test_unknown_groups_never_allow_and_the_page_says_why(site: Site) -> None:
    cookies = site.signed_in("dave", None, groups_left_out="overage")
    answer = site.ask("/dash/x", accept=JSON, cookies=cookies)
    assert answer.status == 403
    assert answer.decided == ("deny", "claim_unknown")
    assert answer.json["groups_left_out"] == "overage"
    absent = site.ask("/dash/x", accept=JSON, cookies=site.signed_in("dave", None))
    assert absent.json["groups_left_out"] == "absent"


CLAIMS = """
version: 1
rules:
  - {id: by-claim, paths: [/**], allow: {claims: {department: finance}}}
"""


@parity(policy=CLAIMS)
def test_a_missing_claim_is_no_missing_group(site: Site) -> None:
    answer = site.ask("/x", accept=JSON, cookies=site.signed_in("alice", None))
    assert answer.decided == ("deny", "claim_unknown")
    assert "groups_left_out" not in answer.json
    assert site.ask("/x", cookies=site.signed_in(claims={"department": "finance"})).status == 200


@parity
def test_public_paths_need_nobody_and_attach_whoever_there_is(site: Site) -> None:
    nobody = site.ask("/public/x")
    assert nobody.status == 200
    assert nobody.decided == ("allow", "public")
    assert nobody.record["actor_type"] == "anonymous"
    assert nobody.set_cookies() == {}
    assert nobody.header("cache-control") is None
    alice = site.ask("/public/x", cookies=site.signed_in())
    assert alice.json["principal"] == "login/alice"
    assert alice.decided == ("allow", "public")
    assert alice.record["principal"] == "login/alice"
    assert alice.header("cache-control") == "private, no-store"


@parity
@pytest.mark.parametrize(
    ("change", "auth_error"),
    [
        ({"idle": 3601}, "session_idle"),
        ({"age": 9 * 3600}, "session_expired"),
        ({"age": 3601}, "session_stale"),
    ],
    ids=["idle", "expired", "stale"],
)
def test_bad_credentials_on_a_public_path_mean_nobody(
    site: Site, change: dict[str, float], auth_error: str
) -> None:
    answer = site.ask("/public/x", cookies=site.signed_in(**change))
    assert answer.status == 200
    assert answer.json["principal"] is None
    assert answer.record["auth_error"] == auth_error


@parity
def test_a_forged_cookie_on_a_public_path_means_nobody(site: Site) -> None:
    answer = site.ask("/public/x", cookies={site.settings.cookie_name: "forged.signature"})
    assert answer.json["principal"] is None
    assert answer.record["auth_error"] == "session_invalid"


@parity
def test_two_cookies_of_our_name_count_for_nothing(site: Site) -> None:
    name = site.settings.cookie_name
    mine = site.signed_in()
    text = "; ".join([*(f"{n}={v}" for n, v in mine.items()), f"{name}={mine[name]}"])
    answer = site.ask("/dash/x", accept=JSON, cookies=text)
    assert answer.status == 401
    assert answer.decided == ("login", "session_invalid")
    assert answer.record["auth_error"] == "session_invalid"


@parity
def test_the_other_key_of_a_rotation_still_opens_sessions(site: Site) -> None:
    newer = Site(
        site.adapter, secret_keys=["Zp3Vt8yB1nM6kQ4wE7rT0uI9oA2sD5fG", "w4fJ0vQx8Z2mT7rK5bN9cL1sD6hG3pYa"]
    )
    assert newer.ask("/dash/x", cookies=Site(site.adapter).signed_in()).status == 200
    older = Site(site.adapter, secret_keys=["Zp3Vt8yB1nM6kQ4wE7rT0uI9oA2sD5fG"])
    assert older.ask("/dash/x", accept=JSON, cookies=Site(site.adapter).signed_in()).status == 401


@parity
def test_activity_is_noted_once_a_minute(site: Site) -> None:
    name = f"{site.settings.cookie_name}-a"
    assert site.ask("/dash/x", cookies=site.signed_in(idle=59)).set_cookies() == {}
    answer = site.ask("/dash/x", cookies=site.signed_in(idle=61))
    assert list(answer.set_cookies()) == [name]
    (seen,) = site.app.seen[1:]
    assert seen.identity.principal == "login/alice"


PREFLIGHT = {"Origin": "https://spa.example", "Access-Control-Request-Method": "PUT"}


@parity
def test_a_preflight_passes_without_identity_where_the_rule_says_so(site: Site) -> None:
    answer = site.ask("/api/x/y", "OPTIONS", headers=PREFLIGHT, cookies=site.signed_in())
    assert answer.status == 200
    assert answer.decided == ("bypass", "preflight")
    assert answer.json["principal"] is None
    assert answer.record["rule"] == "api"
    assert answer.record["method"] == "OPTIONS"


@parity
def test_a_preflight_elsewhere_is_refused_like_any_request(site: Site) -> None:
    answer = site.ask("/dash/x", "OPTIONS", headers=PREFLIGHT, accept=HTML)
    assert answer.status == 401
    assert answer.decided == ("login", "no_identity")
    assert answer.record["rule"] == "change"
    assert site.ask("/dash/x", "OPTIONS", headers=PREFLIGHT, cookies=site.signed_in()).status == 401


@parity
@pytest.mark.parametrize("named", ["TRACE", "put", "LINK", "WEBSOCKET"])
def test_a_preflight_for_a_method_that_no_rule_covers_is_denied(site: Site, named: str) -> None:
    headers = {**PREFLIGHT, "Access-Control-Request-Method": named}
    answer = site.ask("/dash/x", "OPTIONS", headers=headers)
    assert answer.status == 403
    assert answer.decided == ("deny", "method_not_covered")


LAXER = """
version: 1
rules:
  - {id: hook, paths: [/hook, /both], methods: [POST], allow: public}
  - {id: sock, paths: [/sock], methods: [WEBSOCKET], allow: public}
  - {id: cors, paths: [/cors], methods: [POST], allow: public, preflight: pass}
  - {id: options, paths: [/both], methods: [OPTIONS], allow: public}
  - {id: rest, paths: [/hook, /sock, /cors, /both], allow: {groups: [sre]}}
"""


@parity(policy=LAXER)
@pytest.mark.parametrize(
    ("path", "named", "decided"),
    [
        ("/hook", "POST", ("login", "no_identity")),
        ("/sock", "WEBSOCKET", ("deny", "method_not_covered")),
        ("/hook", "post", ("deny", "method_not_covered")),
        ("/cors", "POST", ("bypass", "preflight")),
        ("/both", "POST", ("allow", "public")),
    ],
    ids=["public for the named method", "a socket", "lower case", "passes", "public for OPTIONS too"],
)
def test_naming_a_method_with_a_laxer_rule_opens_nothing(
    site: Site, path: str, named: str, decided: tuple[str, str]
) -> None:
    """Many a view does the same for ``OPTIONS`` as for ``GET``; the rule of the named method never spoke of it."""
    headers = {**PREFLIGHT, "Access-Control-Request-Method": named}
    answer = site.ask(path, "OPTIONS", headers=headers)
    assert answer.decided == decided
    assert [seen.identity.principal for seen in site.app.seen] == ([None] if answer.status == 200 else [])


@parity
@pytest.mark.parametrize("missing", ["Origin", "Access-Control-Request-Method"])
def test_options_that_is_no_preflight_is_a_request_like_any_other(site: Site, missing: str) -> None:
    headers = {name: value for name, value in PREFLIGHT.items() if name != missing}
    assert site.ask("/api/x/y", "OPTIONS", headers=headers, accept=JSON).status == 401
    assert site.ask("/api/x/y", "OPTIONS", headers=headers, cookies=site.signed_in()).status == 200


@parity
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_the_headers_of_a_preflight_make_none_of_another_method(site: Site, method: str) -> None:
    answer = site.ask("/api/x/y", method, headers=PREFLIGHT, accept=JSON)
    assert answer.status == 401
    assert answer.decided == ("login", "no_identity")
    own = {**PREFLIGHT, "Origin": site.settings.origin}
    assert (
        site.ask("/api/x/y", method, headers=own, cookies=site.signed_in()).json["principal"] == "login/alice"
    )


@parity
def test_a_preflight_of_a_public_path_is_public(site: Site) -> None:
    answer = site.ask("/public/x", "OPTIONS", headers=PREFLIGHT)
    assert answer.decided == ("allow", "public")


@parity
def test_a_step_up_signs_in_again_with_what_the_rule_requires(site: Site) -> None:
    answer = site.ask("/safe/x", accept=HTML, cookies=site.signed_in())
    assert answer.status == 302
    assert answer.decided == ("step_up", "step_up_required")
    assert parse_qs(urlsplit(answer.location).query)["acr_values"] == ["gold"]
    assert answer.record["why"]["failed"] == ["acr: gold"]


@parity
def test_a_program_is_told_that_a_step_up_is_needed(site: Site) -> None:
    answer = site.ask(
        "/vault/x", "POST", accept=JSON, cookies=site.signed_in(auth_time=int(site.clock()) - 901)
    )
    assert answer.status == 401
    assert answer.decided == ("step_up", "step_up_required")
    assert answer.json["login_url"] == f"{site.external}/_idaware/login"


@parity
def test_a_fresh_sign_in_needs_no_step_up(site: Site) -> None:
    assert site.ask("/vault/x", cookies=site.signed_in(auth_time=int(site.clock()) - 899)).status == 200
    assert site.ask("/safe/x", cookies=site.signed_in(acr="gold")).status == 200
