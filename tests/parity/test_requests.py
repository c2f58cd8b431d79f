"""What is decided about a request by its form alone: path, method, host, size; before anybody is asked who it is."""

from __future__ import annotations

import pytest

from support import HTML, JSON, Application, Site, parity


@parity
@pytest.mark.parametrize(
    "target",
    ["/dash//x", "/dash/../admin", "/dash/%2e%2e/admin", "/dash/a%2fb", "/dash/%00", "/dash/%c0%ae", "/dash/a;b",
     "/dash/%25252e", "/dash\\x", "/%ef%bc%8fadmin", "/public//x"],
    ids=["double slash", "dots", "encoded dots", "encoded slash", "NUL", "overlong", "semicolon", "twice encoded",
         "backslash", "full-width slash", "below a public rule"],
)  # fmt: skip
def test_a_path_that_can_be_read_in_two_ways_is_refused(site: Site, target: str) -> None:
    answer = site.ask(target, cookies=site.signed_in())
    assert answer.status == 400
    assert answer.decided == ("deny", "path_ambiguous")
    assert site.app.seen == []


@parity
@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("/dash/a;b", "The path holds a semicolon (allow_in_path: semicolon)."),
        ("/dash/../admin", "The path holds a dot segment."),
    ],
    ids=["a form that a rule may allow", "one that none may"],
)
def test_whoever_asks_is_told_what_can_be_read_in_two_ways(site: Site, target: str, why: str) -> None:
    assert why in site.ask(target, accept=JSON).json["detail"]
    assert why in site.ask(target, accept=HTML).text


@parity
@pytest.mark.parametrize("method", ["get", "Post", "TRACE", "CONNECT", "WEBSOCKET", "GE T", "G\u00c9T"])
def test_a_method_that_is_not_plain_is_refused(site: Site, method: str) -> None:
    answer = site.ask("/public/x", method)
    assert answer.status == 400
    assert answer.decided == ("deny", "method_invalid")


@parity
@pytest.mark.parametrize(
    ("host", "status"),
    [("evil.example", 421), ("billing.corp.example:8443", 421), ("billing.corp.example.", 421), ("10.0.0.7", 421),
     ("a b", 400), ("billing.corp.example@evil.example", 400), (None, 400)],
    ids=["foreign", "foreign port", "trailing dot", "address", "a blank", "user information", "missing"],
)  # fmt: skip
def test_a_host_that_is_not_ours_is_refused(site: Site, host: str | None, status: int) -> None:
    answer = site.ask("/dash/x", host=host, cookies=site.signed_in())
    assert answer.status == status
    assert answer.decided == ("deny", "host_unknown")
    assert site.app.seen == []


@parity
def test_a_repeated_host_is_refused(site: Site) -> None:
    answer = site.ask("/public/x", headers=[("Host", "billing.corp.example")])
    assert answer.status == 400
    assert answer.decided == ("deny", "host_unknown")


@parity
@pytest.mark.parametrize(
    "host", ["BILLING.corp.example", "billing.corp.example:443", "billing.corp.example:80"]
)
def test_a_host_may_be_written_in_other_ways(site: Site, host: str) -> None:
    assert site.ask("/public/x", host=host).status == 200


@parity
@pytest.mark.parametrize("target", ["/public/x", "/_idaware/healthz", "/_idaware/readyz"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_probes_reach_by_address_what_is_public(site: Site, target: str, method: str) -> None:
    assert site.ask(target, method, host="10.0.0.7:8080").status == 200


@parity
@pytest.mark.parametrize(
    ("target", "method"),
    [
        ("/public/x", "POST"),
        ("/dash/x", "GET"),
        ("/_idaware/me", "GET"),
        ("/_idaware/login", "GET"),
        ("/nowhere", "GET"),
    ],
)
def test_probes_reach_nothing_else_by_address(site: Site, target: str, method: str) -> None:
    answer = site.ask(target, method, host="10.0.0.7:8080")
    assert answer.status == 421
    assert answer.decided == ("deny", "host_unknown")


@parity
@pytest.mark.parametrize("target", ["/public/x", "/_idaware/healthz", "/_idaware/me", "/nowhere"])
@pytest.mark.parametrize("host", ["evil.example", "billing.corp.example.evil.example"])
def test_not_even_what_is_public_answers_under_a_foreign_name(site: Site, target: str, host: str) -> None:
    answer = site.ask(target, host=host)
    assert answer.status == 421
    assert answer.decided == ("deny", "host_unknown")
    assert site.app.seen == []


@parity
def test_headers_beyond_the_bound_are_refused(site: Site) -> None:
    answer = site.ask("/public/x", headers={"X-Large": "x" * 65_536})
    assert answer.status == 431
    assert answer.decided == ("deny", "request_too_large")


@parity
@pytest.mark.parametrize(
    "target", ["/public/" + "x" * 8_192, "/public/" + "%C3%A4" * 1_400], ids=["plain", "encoded"]
)
def test_a_path_beyond_the_bound_is_refused(site: Site, target: str) -> None:
    answer = site.ask(target)
    assert answer.status == 414
    assert answer.decided == ("deny", "request_too_large")


@parity
@pytest.mark.parametrize("target", ["/nowhere", "/dashboard", "/DASH/x", "/%64ash-x"])
def test_what_no_rule_covers_is_denied_whoever_asks(site: Site, target: str) -> None:
    for cookies in ({}, site.signed_in()):
        answer = site.ask(target, accept=HTML, cookies=cookies)
        assert answer.status == 403
        assert answer.decided == ("deny", "no_rule")
    assert answer.record["principal"] == "login/alice"


@parity
@pytest.mark.parametrize("method", ["OPTIONS", "PROPFIND", "POST"])
def test_a_method_that_no_rule_covers_is_denied(site: Site, method: str) -> None:
    answer = site.ask("/", method, cookies=site.signed_in())
    assert answer.status == 403
    assert answer.decided == ("deny", "method_not_covered")
    assert answer.record["pattern"] == "/"


@parity
def test_head_follows_get_and_has_no_body_of_ours(site: Site) -> None:
    assert site.ask("/dash/x", "HEAD", cookies=site.signed_in()).status == 200
    refused = site.ask("/admin", "HEAD", accept=HTML, cookies=site.signed_in())
    assert refused.status == 403
    assert refused.body == b""
    assert int(refused.header("content-length") or 0) > 0


@parity
def test_a_refusal_is_a_page_for_people_and_a_problem_for_programs(site: Site) -> None:
    page = site.ask("/admin", accept=HTML, cookies=site.signed_in())
    assert page.header("content-type") == "text/html; charset=utf-8"
    assert "alice" in page.text
    assert "platform@corp.example" in page.text
    problem = site.ask("/admin", accept=JSON, cookies=site.signed_in(), headers={"X-Request-ID": "req-4711"})
    assert problem.header("content-type") == "application/problem+json"
    assert problem.json["reason"] == "not_in_allow"
    assert problem.json["rule"] == "admin"
    assert problem.json["request_id"] == problem.header("x-request-id") == "req-4711"
    for answer in (page, problem):
        assert answer.header("cache-control") == "no-store"
        assert answer.decided == ("deny", "not_in_allow")


@parity
def test_the_record_says_what_was_asked_without_any_value(site: Site) -> None:
    answer = site.ask(
        "/public/x?token=secret&b=2&token=again&=3",
        headers={
            "User-Agent": "curl/8",
            "Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        },
    )
    record = answer.record
    assert record["query_keys"] == ["token", "b"]
    assert "secret" not in str(record)
    assert record["path"] == "/public/x"
    assert record["method"] == "GET"
    assert record["host"] == "billing.corp.example"
    assert record["scheme"] == "https"
    assert record["client_ip"] == record["peer_ip"] == "203.0.113.9"
    assert record["user_agent"] == "curl/8"
    assert record["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert record["app"] == "billing"
    assert record["status"] == 200
    assert record["protocol"] == "http"
    assert record["mount"] == ("" if site.place in ("plain", "stripped") else "/apps/billing")


@parity(trusted_proxies=["203.0.113.0/24"])
def test_trusted_proxies_tell_who_is_behind_them(site: Site) -> None:
    forwarded = {"X-Forwarded-For": "198.51.100.4", "X-Forwarded-Proto": "https"}
    record = site.ask("/public/x", headers=forwarded, scheme="http").record
    assert (record["client_ip"], record["peer_ip"], record["scheme"]) == (
        "198.51.100.4",
        "203.0.113.9",
        "https",
    )
    record = site.ask("/public/x", headers=forwarded, scheme="http", peer="192.0.2.1").record
    assert (record["client_ip"], record["scheme"]) == ("192.0.2.1", "http")


@parity
def test_a_socket_file_is_no_address(site: Site) -> None:
    record = site.ask("/public/x", peer=None).record
    assert (record["client_ip"], record["peer_ip"]) == (None, "unix")


@parity
def test_servers_that_hand_over_no_raw_path_are_served_too(site: Site) -> None:
    assert site.ask("/public/x", raw=False).status == 200
    assert site.ask("/public//x", raw=False).status == 400


@parity(app=lambda: Application(reads_body=True))
def test_uploads_are_left_to_the_application(site: Site) -> None:
    body = b"x" * 200_000
    cookies = site.signed_in()
    answer = site.ask("/dash/x", "POST", body=body, cookies=cookies, headers={"Expect": "100-continue"})
    assert answer.status == 200
    (seen,) = site.app.seen
    assert seen.body_bytes_taken == 0
    assert seen.body == body
    assert seen.headers["expect"] == "100-continue"
