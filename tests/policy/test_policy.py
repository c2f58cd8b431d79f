from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from idaware.errors import PolicyError
from idaware.identity import ANONYMOUS, Identity, Wanted
from idaware.policy import digests
from idaware.policy.load import load_policy, one_line_policy
from idaware.policy.model import PolicyContext
from idaware.policy.policy import Policy
from idaware.policy.times import parse_moment

WithRules = Callable[..., Policy]
Person = Callable[..., Identity]

FULL: dict[str, Any] = {
    "version": 1,
    "app": "billing",
    "groups": {"ops": ["sre", "platform"]},
    "keep": {"groups": ["auditors"], "claims": ["department"]},
    "rules": [
        {
            "id": "a",
            "paths": ["/a", "/b/{x}"],
            "methods": ["GET", "POST"],
            "allow": {"any": [{"groups": ["ops", "x"]}, {"claims": {"c": [1, True, "1"]}}]},
            "deny": {"none": [{"users": ["u1", "u2"]}]},
            "require": {"acr": ["s", "g"], "amr": ["mfa", "hwk"], "auth_within": "15m"},
            "owner": "o",
            "reason": "r",
            "review_by": "2030-01-01",
            "unauthenticated": "redirect",
            "preflight": "pass",
            "authorization": "app",
            "origins": ["https://x.y"],
        },
        {"id": "b", "paths": ["/c/**"], "allow": "public"},
        {
            "id": "s",
            "paths": ["/**"],
            "shared": True,
            "deny": {"emails": ["a@b.c"], "email_domains": ["d.e"]},
        },
        {
            "id": "t",
            "paths": ["/t/**"],
            "allow": {
                "not_before": "2026-01-01T00:00:00Z",
                "until": "2030-01-01T00:00:00Z",
                "hours": {"tz": "UTC", "days": ["mon", "tue"], "from": "08:00", "to": "18:00"},
            },
            "allow_in_path": ["semicolon", "double_slash"],
        },
    ],
}


def loaded(document: object) -> Policy:
    return load_policy(json.dumps(document).encode(), source="p.yaml", context=PolicyContext(now=0.0))


def turned_round(value: Any) -> Any:
    """The same with every list and mapping the other way round."""
    if isinstance(value, dict):
        return {key: turned_round(value[key]) for key in reversed(value)}
    return [turned_round(item) for item in reversed(value)] if isinstance(value, list) else value


# -- what a policy tells about itself ------------------------------------------------------------------------------


def test_rules_tell_what_was_written() -> None:
    policy = loaded(FULL)
    rule = policy.rules[0]
    assert policy.app == "billing"
    assert [rule.id for rule in policy.rules] == ["a", "b", "s", "t"]
    assert [pattern.text for pattern in rule.patterns] == ["/a", "/b/{x}"]
    assert rule.methods == ("GET", "POST")
    assert (rule.owner, rule.reason, str(rule.review_by)) == ("o", "r", "2030-01-01")
    assert (rule.unauthenticated, rule.preflight, rule.authorization) == ("redirect", "pass", "app")
    assert rule.origins == ("https://x.y",)
    assert not rule.shared
    assert not rule.public
    assert policy.rules[1].public
    assert policy.rules[2].shared
    assert policy.rules[3].allow_in_path == {"semicolon", "double_slash"}


def test_defaults_of_a_rule_are_the_safe_choice() -> None:
    rule = loaded({"version": 1, "rules": [{"id": "a", "paths": ["/a"], "allow": "signed_in"}]}).rules[0]
    assert (rule.unauthenticated, rule.preflight, rule.authorization) == ("auto", "refuse", "ours")
    assert (rule.methods, rule.origins, rule.allow_in_path) == ((), (), frozenset())
    assert (rule.owner, rule.reason, rule.review_by, rule.requires) == (None, None, None, None)


def test_wanted_is_everything_that_some_rule_or_keep_names() -> None:
    policy = loaded(FULL)
    assert policy.wanted == Wanted(
        groups=frozenset({"sre", "platform", "x", "auditors"}), claims=frozenset({"c", "department"})
    )
    assert policy.wanted_id == digests.wanted_id(digests.digests_of(policy.wanted))


def test_keep_of_an_alias_keeps_its_name_and_its_values() -> None:
    policy = loaded({**FULL, "keep": {"groups": ["ops"]}})
    assert policy.wanted.groups == {"sre", "platform", "x", "ops"}


def test_wanted_affixes_come_from_captured_segments() -> None:
    rule = {"id": "a", "paths": ["/{t}"], "allow": {"groups": ["team-{t}-x"]}}
    policy = loaded({"version": 1, "rules": [rule]})
    assert policy.wanted == Wanted(group_affixes=frozenset({("team-", "-x")}))
    assert policy.wanted.keeps_group("team-red-x")


# -- version -------------------------------------------------------------------------------------------------------


def test_version_is_twelve_hex_digits_and_does_not_depend_on_any_order() -> None:
    version = loaded(FULL).version
    assert len(version) == 12
    assert int(version, 16) >= 0
    assert loaded(turned_round(FULL)).version == version


def test_version_does_not_depend_on_layout_quotes_or_comments() -> None:
    plain = b"version: 1\nrules:\n- id: a  # the page\n  paths: [/a]\n  allow: {groups: [sre]}\n"
    quoted = b'{"version": 1, "rules": [{"allow": {"groups": ["sre"]}, "paths": ["/a"], "id": "a"}]}'
    context = PolicyContext(now=0.0)
    one, other = (load_policy(text, source="p", context=context) for text in (plain, quoted))
    assert one.version == other.version


def changes() -> list[tuple[str, Any]]:
    """Each leaf of the whole document, changed alone."""
    rule = FULL["rules"][0]
    changed: list[tuple[str, Any]] = [
        ("app", {**FULL, "app": "other"}),
        ("keep", {**FULL, "keep": {"groups": ["z"]}}),
    ]
    for key, value in {
        "id": "z",
        "paths": ["/a"],
        "methods": ["GET"],
        "allow": {"groups": ["x"]},
        "deny": {"none": [{"users": ["u1"]}]},
        "require": {"acr": ["s", "g"], "amr": ["mfa", "hwk"], "auth_within": "16m"},
        "owner": "p",
        "reason": "q",
        "review_by": "2030-01-02",
        "unauthenticated": "challenge",
        "preflight": "refuse",
        "authorization": "ours",
        "origins": ["https://x.z"],
    }.items():
        changed.append((key, {**FULL, "rules": [{**rule, key: value}, *FULL["rules"][1:]]}))
    shared = {**FULL["rules"][2], "deny": {"emails": ["a@b.d"], "email_domains": ["d.e"]}}
    changed.append(("emails", {**FULL, "rules": [*FULL["rules"][:2], shared, FULL["rules"][3]]}))
    for key, value in {"until": "2031-01-01T00:00:00Z", "not_before": "2025-01-01T00:00:00Z"}.items():
        timed = {**FULL["rules"][3], "allow": {**FULL["rules"][3]["allow"], key: value}}
        changed.append((key, {**FULL, "rules": [*FULL["rules"][:3], timed]}))
    timed = {**FULL["rules"][3], "allow_in_path": ["semicolon"]}
    changed.append(("allow_in_path", {**FULL, "rules": [*FULL["rules"][:3], timed]}))
    return changed


@pytest.mark.parametrize(("key", "document"), changes(), ids=[key for key, _ in changes()])
def test_version_changes_with_whatever_is_said(key: str, document: dict[str, Any]) -> None:
    assert loaded(document).version != loaded(FULL).version


@pytest.mark.parametrize(("one", "other"), [(1, "1"), (True, 1), (True, "true"), (0, False)])
def test_version_tells_types_of_claim_values_apart(one: object, other: object) -> None:
    versions = {
        loaded(
            {"version": 1, "rules": [{"id": "a", "paths": ["/a"], "allow": {"claims": {"c": value}}}]}
        ).version
        for value in (one, other)
    }
    assert len(versions) == 2


# -- reviews -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "warning"),
    [
        ("2027-01-17T23:59:59Z", None),
        ("2027-01-18T00:00:00Z", "is near"),
        ("2027-01-31T23:59:59Z", "is near"),
        ("2027-02-01T00:00:00Z", "is past"),
    ],
    ids=["more than two weeks before", "two weeks before", "on the day", "after it"],
)
def test_review_is_called_for_two_weeks_ahead_and_ever_after(
    with_rules: WithRules, now: str, warning: str | None
) -> None:
    rules = """
    - {id: a, paths: [/a], allow: signed_in, owner: o@corp.example, review_by: 2027-01-31}
    - {id: b, paths: [/b], allow: signed_in, review_by: 2027-01-31}
    - {id: c, paths: [/c], allow: signed_in}
    """
    found = with_rules(rules, now=parse_moment(now)).warnings
    expected = (
        f"policy.yaml:4:5: the review of rule 'a' by 2027-01-31 {warning}; its owner is o@corp.example",
        f"policy.yaml:5:5: the review of rule 'b' by 2027-01-31 {warning}",
    )
    assert found == (expected if warning else ())


# -- allow_in_path -------------------------------------------------------------------------------------------------

ALLOWANCES = """
- {id: a, paths: [/files/x/**, /é/**], allow: signed_in, allow_in_path: [encoded_slash, semicolon]}
- {id: b, paths: [/other/**], allow: signed_in, allow_in_path: [double_slash]}
- {id: c, paths: [/**], allow: signed_in}
"""
FORMS = frozenset({"encoded_slash", "semicolon"})


@pytest.mark.parametrize(
    ("path", "raw", "forms"),
    [
        ("/files/x/a;b", b"/files/x/a;b", FORMS),
        ("/files/x/a/b", b"/files/x/a%2fb", FORMS),
        ("/files/x/a/b", None, FORMS),
        ("/files/x", b"/files/x", FORMS),
        ("/files/x/", b"/files/x/", FORMS),
        ("/files/x;a", b"/files/x;a", frozenset()),
        ("/files/xy", b"/files/xy", frozenset()),
        ("/files/x/a", b"/files%2Fx/a", frozenset()),
        ("/files/x/a", b"/files/x%2Fa", frozenset()),
        ("/files/x/a", b"/other/a", frozenset()),
        ("/files//x/a", b"/files//x/a", frozenset()),
        ("//files/x/a", b"//files/x/a", frozenset()),
        ("files/x/a", b"files/x/a", frozenset()),
        ("/files/y;a", b"/files/y;a", frozenset()),
        ("/é/a;b", "/é/a;b".encode(), FORMS),
        ("/é/a;b", b"/%C3%A9/a;b", FORMS),
        ("/é/a;b", b"/%c3%a9/a;b", FORMS),
        ("/other//a", b"/other//a", frozenset({"double_slash"})),
        ("/a;b", b"/a;b", frozenset()),
    ],
)
def test_odd_forms_are_allowed_below_the_literal_prefix_in_both_forms_only(
    with_rules: WithRules, path: str, raw: bytes | None, forms: frozenset[str]
) -> None:
    policy = with_rules(ALLOWANCES)
    assert policy.allowances(path, raw) == forms
    if raw is not None and raw.isascii():
        assert policy.allowances(path, raw.decode()) == forms


def test_mount_may_be_left_in_the_raw_path(with_rules: WithRules) -> None:
    policy = with_rules(ALLOWANCES)
    assert policy.allowances("/files/x/a", b"/mnt/files/x/a", mount="/mnt") == FORMS
    assert policy.allowances("/files/x/a", b"/files/x/a", mount="/mnt") == FORMS
    assert policy.allowances("/files/x/a", b"/mnt%2Ffiles/x/a", mount="/mnt") == frozenset()
    assert policy.allowances("/files/x/a", b"/mnt/files/x/a") == frozenset()


def test_policy_without_allow_in_path_allows_no_odd_form(with_rules: WithRules) -> None:
    policy = with_rules("- {id: a, paths: [/**], allow: signed_in}")
    assert policy.allowances("/a;b", b"/a;b") == frozenset()


# -- one line ------------------------------------------------------------------------------------------------------


@pytest.fixture
def context(now: float) -> PolicyContext:
    return PolicyContext(now=now)


def effect(policy: Policy, who: Identity, now: float) -> str:
    return policy.decide(policy.find("", "POST", "/any/where"), who, now).effect


def test_one_line_lets_in_whoever_any_of_the_variables_names(
    context: PolicyContext, person: Person, now: float
) -> None:
    policy = one_line_policy(
        groups=["sre", "no"], email_domains=["corp.example"], emails=["Eve@Out.Example"], context=context
    )
    assert [(rule.id, rule.patterns[0].text) for rule in policy.rules] == [("one-line", "/**")]
    assert effect(policy, person(policy, "sre"), now) == "allow"
    assert effect(policy, person(policy, "no"), now) == "allow"
    assert effect(policy, person(policy, email="a@corp.example", email_verified=True), now) == "allow"
    assert effect(policy, person(policy, email="eve@out.example", email_verified=True), now) == "allow"
    assert effect(policy, person(policy, email="eve@out.example"), now) == "deny"
    assert effect(policy, person(policy, "hr", email="a@b.c", email_verified=True), now) == "deny"
    assert effect(policy, ANONYMOUS, now) == "login"


def test_one_line_for_everybody_who_signs_in(context: PolicyContext, person: Person, now: float) -> None:
    policy = one_line_policy(signed_in=True, context=context)
    assert effect(policy, person(policy, groups=None), now) == "allow"
    assert effect(policy, ANONYMOUS, now) == "login"


def test_one_line_means_the_same_as_the_rule_in_a_file(context: PolicyContext) -> None:
    text = b"version: 1\nrules: [{id: one-line, paths: [/**], allow: {any: [{groups: [sre]}]}}]\n"
    assert (
        one_line_policy(groups=["sre"], context=context).version
        == load_policy(text, source="p", context=context).version
    )


# ruff: noqa: E501 - one case a line reads best as a table
@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "IDAWARE_ALLOW_SIGNED_IN: this or another IDAWARE_ALLOW_* variable is needed: who may come in has no default"),
        ({"signed_in": True, "groups": ["a"]}, "IDAWARE_ALLOW_SIGNED_IN: lets in whoever the other IDAWARE_ALLOW_* variables name, and everybody else; take it or the others out"),
        ({"groups": ["a*"]}, "IDAWARE_ALLOW_GROUPS: 'a*': values are compared whole, there are no wildcards in them"),
        ({"groups": ["{a}"]}, "IDAWARE_ALLOW_GROUPS: '{a}': not every path of this rule captures '{a}'"),
        ({"emails": ["a"]}, "IDAWARE_ALLOW_EMAILS: 'a' is no e-mail address with exactly one '@'"),
        ({"email_domains": ["@a.b"]}, "IDAWARE_ALLOW_EMAIL_DOMAINS: '@a.b' is no domain name; write it as corp.example"),
    ],
)  # fmt: skip
def test_one_line_that_says_nothing_or_too_much_is_refused(
    context: PolicyContext, given: dict[str, Any], problem: str
) -> None:
    with pytest.raises(PolicyError) as caught:
        one_line_policy(**given, context=context)
    assert [str(found) for found in caught.value.problems] == [problem]


def test_one_line_for_everybody_is_refused_where_anybody_can_sign_in(now: float) -> None:
    context = PolicyContext(now=now, multi_tenant=True)
    with pytest.raises(PolicyError, match="IDAWARE_ALLOW_SIGNED_IN: anybody can sign in at this issuer"):
        one_line_policy(signed_in=True, context=context)
    assert one_line_policy(emails=["a@b.c"], context=context).rules


# -- digests -------------------------------------------------------------------------------------------------------


def test_digests_are_part_of_the_session_format() -> None:
    assert digests.digest_of("group", "sre") == "IYry6g"
    assert digests.digest_of("claim", "sre") != digests.digest_of("group", "sre")
    assert digests.digest_of("affix", digests.affix_text("a", "b")) != digests.digest_of(
        "affix", digests.affix_text("ab", "")
    )


def test_wanted_id_names_a_set_not_its_order() -> None:
    assert digests.wanted_id(["a", "b"]) == digests.wanted_id(["b", "a"])
    assert digests.wanted_id(["a"]) != digests.wanted_id([])
