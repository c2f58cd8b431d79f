from __future__ import annotations

from collections.abc import Callable

import pytest

from idaware.policy.policy import Policy
from idaware.reasons import Reason

WithRules = Callable[..., Policy]


def of(policy: Policy, path: str, method: str = "GET") -> tuple[str, str] | str:
    """The deciding rule and pattern, or why there is none."""
    match = policy.find("", method, path)
    if match.rule is None:
        assert match.reason is not None
        return match.reason.value
    assert match.reason is None
    return match.rule.id, match.pattern or ""


def patterns(with_rules: WithRules, *texts: str) -> Policy:
    """A policy with a rule ``r0``, ``r1``… for each pattern."""
    rules = [f"- {{id: r{n}, paths: ['{text}'], allow: signed_in}}" for n, text in enumerate(texts)]
    return with_rules("\n".join(rules))


@pytest.mark.parametrize(
    ("texts", "path", "winner"),
    [
        (["/a"], "/a", "/a"),
        (["/a"], "/a/", "/a"),
        (["/a/"], "/a", "/a/"),
        (["/a"], "/A", None),
        (["/a"], "/a/b", None),
        (["/a"], "/", None),
        (["/"], "/", "/"),
        (["/"], "/a", None),
        (["/**"], "/", "/**"),
        (["/**"], "/a/b/c", "/**"),
        (["/", "/**"], "/", "/"),
        (["/admin/**"], "/admin", "/admin/**"),
        (["/admin/**"], "/admin/", "/admin/**"),
        (["/admin/**"], "/admin/x/y", "/admin/**"),
        (["/admin/**"], "/administrator", None),
        (["/admin", "/admin/**"], "/admin", "/admin"),
        (["/admin", "/admin/**"], "/admin/", "/admin"),
        (["/admin", "/admin/**"], "/admin/x", "/admin/**"),
        (["/*"], "/a", "/*"),
        (["/*"], "/", None),
        (["/*"], "/a/b", None),
        (["/a/{x}"], "/a/", None),
        (["/a", "/{x}"], "/a", "/a"),
        (["/a", "/{x}"], "/b", "/{x}"),
        (["/{x}", "/**"], "/b", "/{x}"),
        (["/{x}", "/**"], "/b/c", "/**"),
        (["/team/{b}", "/{a}/admin"], "/team/admin", "/team/{b}"),
        (["/team/{b}", "/{a}/admin"], "/other/admin", "/{a}/admin"),
        (["/a/b", "/{x}/c"], "/a/c", "/{x}/c"),
        (["/a/b/c", "/a/**"], "/a/b/d", "/a/**"),
        (["/a/b/**", "/{x}/b/c"], "/a/b/c", "/a/b/**"),
        (["/a/b/c/d", "/a/{x}/c/**", "/{x}/b/**", "/**"], "/a/b/c/e", "/a/{x}/c/**"),
        (["/a/b/c/d", "/{x}/b/**", "/**"], "/a/b/c/e", "/{x}/b/**"),
        (["/a/b/c/d", "/{x}/c/**", "/**"], "/a/b/c/e", "/**"),
        (["/a/b/c", "/a/{x}/d", "/a/**"], "/a/b/e", "/a/**"),
        (["/a/b/c", "/a/**"], "/a/b", "/a/**"),
        (["/a/{x}/c"], "/a//c", None),
        (["/a/{x}/c", "/a/b"], "/a//c", None),
        (["/a/{x}/c", "/**"], "/a/b", "/**"),
        (["/é"], "/é", "/é"),
        (["/e\u0301"], "/é", None),
    ],
)
def test_the_most_specific_pattern_decides(
    with_rules: WithRules, texts: list[str], path: str, winner: str | None
) -> None:
    expected = "no_rule" if winner is None else (f"r{texts.index(winner)}", winner)
    assert of(patterns(with_rules, *texts), path) == expected
    assert of(patterns(with_rules, *texts[::-1]), path) == (
        "no_rule" if winner is None else (f"r{texts[::-1].index(winner)}", winner)
    )


@pytest.mark.parametrize("path", ["", "a", "*", "http://x/a", "?", "//a"])
def test_what_is_no_path_below_the_root_matches_nothing_literal(with_rules: WithRules, path: str) -> None:
    assert of(patterns(with_rules, "/a", "/", "/{x}"), path) == "no_rule"


@pytest.mark.parametrize("path", ["", "a", "*"])
def test_what_does_not_begin_with_a_slash_is_not_even_below_everything(
    with_rules: WithRules, path: str
) -> None:
    assert of(patterns(with_rules, "/**"), path) == "no_rule"


METHODS = """
- {id: read, paths: [/x], methods: [GET], allow: signed_in}
- {id: write, paths: [/x], methods: [POST, PURGE], allow: signed_in}
- {id: head, paths: [/y], methods: [HEAD], allow: signed_in}
- {id: get, paths: [/y], methods: [GET], allow: signed_in}
- {id: any, paths: [/z], allow: signed_in}
- {id: z-get, paths: [/z], methods: [GET], allow: signed_in}
- {id: socket, paths: [/ws], methods: [WEBSOCKET], allow: signed_in}
- {id: both, paths: [/both], methods: [GET, HEAD], allow: signed_in}
- {id: all, paths: [/all], allow: signed_in}
- {id: wide, paths: [/**], allow: signed_in}
"""


@pytest.mark.parametrize(
    ("method", "path", "rule"),
    [
        ("GET", "/x", "read"),
        ("HEAD", "/x", "read"),
        ("POST", "/x", "write"),
        ("PURGE", "/x", "write"),
        ("PUT", "/x", "method_not_covered"),
        ("OPTIONS", "/x", "method_not_covered"),
        ("WEBSOCKET", "/x", "method_not_covered"),
        ("HEAD", "/y", "head"),
        ("GET", "/y", "get"),
        ("GET", "/z", "z-get"),
        ("HEAD", "/z", "z-get"),
        ("POST", "/z", "any"),
        ("WEBSOCKET", "/z", "any"),
        ("WEBSOCKET", "/ws", "socket"),
        ("GET", "/ws", "method_not_covered"),
        ("HEAD", "/both", "both"),
        ("HEAD", "/all", "all"),
        ("TRACE", "/all", "method_not_covered"),
        ("CONNECT", "/all", "method_not_covered"),
        ("PURGE", "/all", "method_not_covered"),
        ("get", "/all", "method_not_covered"),
        ("", "/all", "method_not_covered"),
    ],
)
def test_the_rule_for_the_method_decides_and_no_less_specific_one_is_asked(
    with_rules: WithRules, method: str, path: str, rule: str
) -> None:
    found = of(with_rules(METHODS), path, method)
    assert found == rule if isinstance(found, str) else found == (rule, path)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WEBSOCKET"])
def test_rule_without_methods_covers_those_that_everybody_knows(with_rules: WithRules, method: str) -> None:
    assert of(with_rules(METHODS), "/all", method) == ("all", "/all")


def test_head_follows_the_rule_that_names_it_whatever_the_ids(with_rules: WithRules) -> None:
    for get, head in (("a", "b"), ("b", "a")):
        policy = with_rules(
            f"""
            - {{id: {get}, paths: [/y], methods: [GET], allow: signed_in}}
            - {{id: {head}, paths: [/y], methods: [HEAD], allow: signed_in}}
            """
        )
        assert of(policy, "/y", "HEAD") == (head, "/y")


def test_uncovered_method_still_tells_the_pattern(with_rules: WithRules) -> None:
    policy = with_rules(
        """
        - {id: a, paths: ["/{y}"], methods: [GET], allow: signed_in}
        - {id: b, paths: ["/{x}"], methods: [PUT], allow: signed_in}
        """
    )
    match = policy.find("", "POST", "/a")
    assert (match.rule, match.pattern, match.reason) == (None, "/{x}", Reason.METHOD_NOT_COVERED)
    assert not match.public
    assert match.needs == frozenset()
    assert match.beside == ()


def test_captures_are_those_of_the_deciding_rules_own_pattern(with_rules: WithRules) -> None:
    policy = with_rules(
        """
        - {id: a, paths: ["/t/{y}/**"], methods: [GET], allow: signed_in}
        - {id: b, paths: ["/t/{x}/**", "/{z}/{w}"], methods: [PUT], allow: signed_in}
        """
    )
    assert dict(policy.find("", "GET", "/t/1/2").captures) == {"y": "1"}
    assert dict(policy.find("", "PUT", "/t/1/2").captures) == {"x": "1"}
    assert dict(policy.find("", "PUT", "/q/2/").captures) == {"z": "q", "w": "2"}


def test_pattern_without_captures_is_answered_without_building_anything(with_rules: WithRules) -> None:
    policy = with_rules("- {id: a, paths: [/a/**], allow: signed_in}")
    assert policy.find("", "GET", "/a/b") is policy.find("x", "PUT", "/a/c/d")


SHARED = """
- {id: page, paths: ["/a/{x}", /b/**, /c], allow: {groups: [g]}}
- {id: open, paths: [/open/**], allow: public}
- {id: s-all, paths: [/**], shared: true, deny: {groups: [all]}}
- {id: s-a, paths: [/a/**], shared: true, deny: {groups: [a]}}
- {id: s-get, paths: [/b/**], methods: [GET], shared: true, deny: {groups: [get]}}
- {id: s-capture, paths: ["/{t}/**"], shared: true, deny: {groups: ["out-{t}"]}}
- {id: s-twice, paths: [/c, /c/**], shared: true, deny: {groups: [c]}}
- {id: s-two-captures, paths: ["/a/{u}", "/{u}/{v}"], shared: true, deny: {groups: ["no-{u}"]}}
"""


@pytest.mark.parametrize(
    ("method", "path", "shared"),
    [
        ("GET", "/a/1", ["s-a", "s-all", "s-capture", "s-two-captures", "s-two-captures"]),
        ("GET", "/b", ["s-all", "s-capture", "s-get"]),
        ("HEAD", "/b", ["s-all", "s-capture", "s-get"]),
        ("POST", "/b", ["s-all", "s-capture"]),
        ("WEBSOCKET", "/b", ["s-all", "s-capture"]),
        ("GET", "/b/x/y", ["s-all", "s-capture", "s-get"]),
        ("GET", "/c", ["s-all", "s-capture", "s-twice"]),
        ("GET", "/open/x", []),
        ("GET", "/nowhere", []),
    ],
)
def test_all_shared_rules_that_match_hold_beside_the_deciding_one(
    with_rules: WithRules, method: str, path: str, shared: list[str]
) -> None:
    assert [applied.rule.id for applied in with_rules(SHARED).find("", method, path).beside] == shared


def test_public_rule_that_captures_stays_public_and_alone(with_rules: WithRules) -> None:
    policy = with_rules(SHARED + '- {id: p, paths: ["/p/{x}"], allow: public}\n')
    match = policy.find("", "GET", "/p/1")
    assert (match.public, match.beside, match.needs, match.denies) == (True, (), frozenset(), ())
    assert dict(match.captures) == {"x": "1"}


def test_shared_rules_have_captures_of_their_own(with_rules: WithRules) -> None:
    match = with_rules(SHARED).find("", "GET", "/a/1")
    assert dict(match.captures) == {"x": "1"}
    assert [dict(applied.captures) for applied in match.beside] == [
        {}, {}, {"t": "a"}, {"u": "1"}, {"u": "a", "v": "1"},
    ]  # fmt: skip


def test_a_match_needs_what_its_own_and_the_shared_rules_name_and_no_more(with_rules: WithRules) -> None:
    from idaware.policy.digests import affix_text, digest_of

    policy = with_rules(SHARED)
    assert policy.find("", "POST", "/b").needs == {
        digest_of("group", "g"),
        digest_of("group", "all"),
        digest_of("affix", affix_text("out-", "")),
    }
    assert policy.find("", "GET", "/open/x").needs == frozenset()


def test_shared_rule_for_some_methods_of_everything_is_not_applied_to_others(with_rules: WithRules) -> None:
    policy = with_rules(
        """
        - {id: a, paths: [/**], allow: signed_in}
        - {id: s, paths: [/**], methods: [PUT], shared: true, deny: {groups: [x]}}
        """
    )
    assert [applied.rule.id for applied in policy.find("", "PUT", "/q").beside] == ["s"]
    assert policy.find("", "GET", "/q").beside == ()
    assert policy.find("", "HEAD", "/q").beside == ()


def test_double_slash_where_the_path_gate_let_it_pass_stays_below_its_prefix(with_rules: WithRules) -> None:
    policy = with_rules(
        """
        - {id: files, paths: [/files/**], allow: signed_in, allow_in_path: [double_slash]}
        - {id: other, paths: ["/{x}", "/{x}/{y}/{z}"], allow: public}
        - {id: s-rest, paths: [/files/**], shared: true, deny: {groups: [a]}}
        - {id: s-segment, paths: ["/files/{x}/x"], shared: true, deny: {groups: [b]}}
        """
    )
    assert of(policy, "/files//x") == ("files", "/files/**")
    assert [applied.rule.id for applied in policy.find("", "GET", "/files//x").beside] == ["s-rest"]
    assert of(policy, "/files//") == ("files", "/files/**")
