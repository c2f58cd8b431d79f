"""What each key means: who is let in by it as ``allow``, and who is kept out by it as ``deny``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from idaware.identity import Identity, Wanted
from idaware.policy.policy import Policy
from idaware.reasons import Reason

WithRules = Callable[..., Policy]
Person = Callable[..., Identity]


@pytest.fixture(scope="session")
def allows(with_rules: WithRules, person: Person, now: float) -> Callable[..., bool | None]:
    """Whether ``allow: <condition>`` lets a person in; ``None`` where it is unknown."""

    def allows(
        condition: str, *groups: str, context: dict[str, Any] | None = None, **known: Any
    ) -> bool | None:
        policy = with_rules(f"- {{id: a, paths: ['/{{t}}'], allow: {condition}}}", **(context or {}))
        decision = policy.decide(policy.find("", "GET", "/red"), person(policy, *groups, **known), now)
        outcome = {Reason.ALLOWED_BY_RULE: True, Reason.NOT_IN_ALLOW: False, Reason.CLAIM_UNKNOWN: None}
        assert decision.effect == ("allow" if decision.reason is Reason.ALLOWED_BY_RULE else "deny")
        return outcome[decision.reason]

    return allows


@pytest.fixture(scope="session")
def denies(with_rules: WithRules, person: Person, now: float) -> Callable[..., bool | None]:
    """Whether ``deny: <condition>`` keeps a person out; ``None`` where that is because it is unknown."""

    def denies(
        condition: str, *groups: str, context: dict[str, Any] | None = None, **known: Any
    ) -> bool | None:
        policy = with_rules(
            f"- {{id: a, paths: ['/{{t}}'], allow: signed_in, deny: {condition}}}", **(context or {})
        )
        decision = policy.decide(policy.find("", "GET", "/red"), person(policy, *groups, **known), now)
        outcome = {Reason.ALLOWED_BY_RULE: False, Reason.DENIED_BY_RULE: True, Reason.CLAIM_UNKNOWN: None}
        assert decision.effect == ("allow" if decision.reason is Reason.ALLOWED_BY_RULE else "deny")
        return outcome[decision.reason]

    return denies


Ask = Callable[..., "bool | None"]

# condition, what is known about the person, does it hold
CASES: list[tuple[str, dict[str, Any], bool | None]] = [
    ("{groups: [sre]}", {"groups": frozenset({"sre"})}, True),
    ("{groups: [sre]}", {"groups": frozenset({"SRE"})}, False),
    ("{groups: [sre]}", {"groups": frozenset()}, False),
    ("{groups: [sre]}", {"groups": None}, None),
    ("{groups: [a, b]}", {"groups": frozenset({"b"})}, True),
    ("{groups: ['team-{t}']}", {"groups": frozenset({"team-red"})}, True),
    ("{groups: ['team-{t}']}", {"groups": frozenset({"team-blue"})}, False),
    ("{groups: ['team-{t}']}", {"groups": frozenset({"team-{t}"})}, False),
    ("{groups: ['team-{t}']}", {"groups": None}, None),
    ("{groups: ['{t}-x', a]}", {"groups": frozenset({"red-x"})}, True),
    ("{users: [u1]}", {"subject": "u1"}, True),
    ("{users: [u1]}", {"subject": "u2"}, False),
    ("{users: [u1]}", {"subject": "U1"}, False),
    ("{users: ['login/u/1']}", {"subject": "u/1"}, True),
    ("{users: ['login/u1']}", {"subject": "u1"}, True),
    ("{claims: {d: x}}", {"claims": {"d": "x"}}, True),
    ("{claims: {d: x}}", {"claims": {"d": "X"}}, False),
    ("{claims: {d: x}}", {"claims": {"d": ["y", "x"]}}, True),
    ("{claims: {d: x}}", {"claims": {"d": ["y"]}}, False),
    ("{claims: {d: x}}", {"claims": {"d": []}}, False),
    ("{claims: {d: x}}", {"claims": {}}, None),
    ("{claims: {d: x}}", {"claims": {"d": None}}, None),
    ("{claims: {d: x}}", {"claims": {"d": 1}}, None),
    ("{claims: {d: x}}", {"claims": {"d": ["y", 1]}}, None),
    ("{claims: {d: x}}", {"claims": {"d": {"x": "x"}}}, None),
    ("{claims: {d: x}}", {"claims": {"d": [["x"]]}}, None),
    ("{claims: {d: x}}", {"claims": {"e": "x"}}, None),
    ("{claims: {d: [x, w]}}", {"claims": {"d": "w"}}, True),
    ("{claims: {d: '1'}}", {"claims": {"d": "1"}}, True),
    ("{claims: {d: '1'}}", {"claims": {"d": 1}}, None),
    ("{claims: {d: 1}}", {"claims": {"d": 1}}, True),
    ("{claims: {d: 1}}", {"claims": {"d": "1"}}, None),
    ("{claims: {d: 1}}", {"claims": {"d": True}}, None),
    ("{claims: {d: 1}}", {"claims": {"d": 1.0}}, None),
    ("{claims: {d: true}}", {"claims": {"d": True}}, True),
    ("{claims: {d: true}}", {"claims": {"d": False}}, False),
    ("{claims: {d: true}}", {"claims": {"d": 1}}, None),
    ("{claims: {d: [1, x]}}", {"claims": {"d": 2}}, False),
    ("{claims: {a.b: x}}", {"claims": {"a.b": "x"}}, True),
    ("{claims: {d: x, e: w}}", {"claims": {"d": "x", "e": "w"}}, True),
    ("{claims: {d: x, e: w}}", {"claims": {"d": "x", "e": "z"}}, False),
    ("{claims: {d: x, e: w}}", {"claims": {"d": "x"}}, None),
    ("{claims: {d: x, e: w}}", {"claims": {"d": "z"}}, False),
    ("{groups: [a], users: [u1]}", {"groups": frozenset({"a"})}, True),
    ("{groups: [a], users: [u1]}", {"groups": frozenset({"a"}), "subject": "u2"}, False),
    ("{groups: [a], users: [u2]}", {"groups": None}, False),
    ("{groups: [a], users: [u1]}", {"groups": None}, None),
    ("{all: [{groups: [a]}, {groups: [b]}]}", {"groups": frozenset({"a", "b"})}, True),
    ("{all: [{groups: [a]}, {groups: [b]}]}", {"groups": frozenset({"a"})}, False),
    ("{any: [{groups: [a]}, {users: [u1]}]}", {"groups": None}, True),
    ("{any: [{groups: [a]}, {users: [u2]}]}", {"groups": None}, None),
    ("{any: [{groups: [a]}, {users: [u2]}]}", {"groups": frozenset()}, False),
    ("{none: [{groups: [a]}]}", {"groups": frozenset({"b"})}, True),
    ("{none: [{groups: [a]}]}", {"groups": frozenset({"a"})}, False),
    ("{none: [{groups: [a]}]}", {"groups": None}, None),
    ("{none: [{groups: [a]}, {users: [u1]}]}", {"groups": None}, False),
    ("{none: [{none: [{groups: [a]}]}]}", {"groups": None}, None),
    ("{none: [{none: [{groups: [a]}]}]}", {"groups": frozenset({"a"})}, True),
    ("{until: '2027-01-15T08:00:00Z'}", {}, False),
    ("{until: '2027-01-15T08:00:01Z'}", {}, True),
    ("{not_before: '2027-01-15T08:00:00Z', until: '2027-01-15T08:00:01Z'}", {}, True),
    ("{hours: {tz: UTC, days: [fri], from: 08:00, to: 09:00}}", {}, True),
    ("{hours: {tz: UTC, days: [sat], from: 08:00, to: 09:00}}", {}, False),
]


@pytest.mark.parametrize(("condition", "known", "holds"), CASES)
def test_condition_lets_in_only_where_it_holds(
    allows: Ask, condition: str, known: dict[str, Any], holds: bool | None
) -> None:
    assert allows(condition, **known) is holds


@pytest.mark.parametrize(("condition", "known", "holds"), CASES)
def test_condition_keeps_out_where_it_holds_or_is_unknown(
    denies: Ask, condition: str, known: dict[str, Any], holds: bool | None
) -> None:
    assert denies(condition, **known) is holds


def test_the_tests_moment_is_where_the_cases_say(now: float) -> None:
    from idaware.policy.times import parse_moment

    assert parse_moment("2027-01-15T08:00:00Z") == now


# -- groups --------------------------------------------------------------------------------------------------------


def test_group_that_the_session_was_not_cut_for_is_unknown_not_absent(allows: Ask, denies: Ask) -> None:
    older = Wanted(groups=frozenset({"a"}))
    assert allows("{groups: [a]}", "a", kept=older) is True
    assert allows("{groups: [a, b]}", "a", kept=older) is True
    assert allows("{groups: [a, b]}", kept=older) is None
    assert denies("{groups: [b]}", "a", kept=older) is None
    assert denies("{groups: [a]}", kept=older) is False
    assert allows("{none: [{groups: [b]}]}", "a", kept=older) is None
    assert denies("{groups: ['out-{t}']}", kept=older) is None
    assert denies("{groups: ['out-{t}']}", kept=Wanted(groups=frozenset({"out-red"}))) is False
    assert denies("{groups: [out-red]}", kept=Wanted(group_affixes=frozenset({("out-", "")}))) is False


def test_alias_stands_for_its_values_once_and_hides_an_equal_token_value(
    load: Callable[..., Policy], person: Person, now: float
) -> None:
    policy = load(
        """
        version: 1
        groups: {ops: [sre, inner], inner: [x]}
        rules:
          - {id: a, paths: [/a], allow: {groups: [ops]}}
        """
    )
    match = policy.find("", "GET", "/a")
    effects = {g: policy.decide(match, person(policy, g), now).effect for g in ("sre", "inner", "x", "ops")}
    assert effects == {"sre": "allow", "inner": "allow", "x": "deny", "ops": "deny"}
    decision = policy.decide(match, person(policy, "sre", "inner"), now)
    assert decision.effect == "allow"
    assert decision.held == ("groups: ops",)
    assert decision.groups_matched == ("inner", "sre")


def test_value_in_two_aliases_is_shown_under_the_first_of_them(
    load: Callable[..., Policy], person: Person
) -> None:
    for names in ("[a, b]", "[b, a]"):
        policy = load(
            f"version: 1\ngroups: {{a: [x], b: [x, w]}}\n"
            f"rules: [{{id: r, paths: [/a], allow: {{groups: {names}}}}}]\n"
        )
        assert policy.decide(policy.find("", "GET", "/a"), person(policy, "x"), 0).held == ("groups: a",)


def test_captured_segment_meets_raw_groups_only_never_an_alias(
    load: Callable[..., Policy], person: Person, now: float
) -> None:
    policy = load(
        """
        version: 1
        groups: {team-red: [secret]}
        rules:
          - {id: a, paths: ["/{t}/**"], allow: {groups: ["team-{t}"]}}
        """
    )
    match = policy.find("", "GET", "/red/x")
    assert policy.decide(match, person(policy, "secret"), now).effect == "deny"
    assert policy.decide(match, person(policy, "team-red"), now).effect == "allow"


# -- people and workloads ------------------------------------------------------------------------------------------


def test_signed_in_is_a_person_of_the_login_provider(
    with_rules: WithRules, person: Person, now: float
) -> None:
    policy = with_rules("- {id: a, paths: [/a], allow: signed_in}")
    match = policy.find("", "GET", "/a")
    who = person(policy)
    assert policy.decide(match, who, now).effect == "allow"
    for stranger in (
        Identity(subject="u1", alias="other", actor_type="human"),
        Identity(subject="u1", alias="login", actor_type="workload"),
    ):
        assert policy.decide(match, stranger, now).effect == "deny"


PEOPLE_KEYS = [
    "{groups: [g]}",
    "{users: [u1]}",
    "{emails: [a@c.example]}",
    "{email_domains: [c.example]}",
    "{claims: {d: x}}",
]


@pytest.mark.parametrize(
    "condition", [*PEOPLE_KEYS, "{none: [{groups: [other]}]}", "{until: '2030-01-01T00:00:00Z'}"]
)
def test_no_allow_without_workload_lets_a_workload_in(
    with_rules: WithRules, condition: str, now: float
) -> None:
    policy = with_rules(f"- {{id: a, paths: [/a], allow: {condition}}}")
    decision = policy.decide(policy.find("", "GET", "/a"), workload(policy), now)
    assert (decision.effect, decision.reason) == ("deny", Reason.NOT_IN_ALLOW)
    assert decision.failed == ("a person",)


@pytest.mark.parametrize("condition", [*PEOPLE_KEYS, "signed_in"])
def test_keys_for_people_are_false_for_a_workload_not_unknown(
    with_rules: WithRules, condition: str, now: float
) -> None:
    policy = with_rules(
        f"""
        - {{id: a, paths: [/a], allow: signed_in}}
        - {{id: s, paths: [/**], shared: true, deny: {condition}}}
        """
    )
    decision = policy.decide(policy.find("", "GET", "/a"), workload(policy), now)
    assert decision.reason is Reason.NOT_IN_ALLOW


def workload(policy: Policy) -> Identity:
    """A workload about which everything is known that would let a person in."""
    return Identity(
        subject="u1",
        alias="login",
        actor_type="workload",
        groups=frozenset({"g"}),
        email="a@c.example",
        email_verified=True,
        claims={"d": "x"},
        kept=policy.wanted,
    )


# -- e-mail --------------------------------------------------------------------------------------------------------

MAIL_KEYS = ["{emails: [alice@corp.example]}", "{email_domains: [corp.example]}"]
ALICE = {"email": "Alice@Corp.Example", "email_verified": True}


@pytest.mark.parametrize("condition", MAIL_KEYS)
def test_email_counts_when_verified_whatever_its_case(allows: Ask, condition: str) -> None:
    assert allows(condition, **ALICE) is True
    assert allows(condition, email="mallory@evil.example", email_verified=True) is False


@pytest.mark.parametrize("condition", MAIL_KEYS)
def test_unverified_email_lets_nobody_in_unless_configured(allows: Ask, condition: str) -> None:
    unverified = {**ALICE, "email_verified": False}
    assert allows(condition, **unverified) is False
    assert allows(condition, **unverified, context={"email_verified_required": False}) is True


@pytest.mark.parametrize("condition", MAIL_KEYS)
def test_unverified_email_keeps_out_all_the_same(allows: Ask, denies: Ask, condition: str) -> None:
    unverified = {**ALICE, "email_verified": False}
    assert denies(condition, **unverified) is True
    assert allows(f"{{none: [{condition}]}}", **unverified) is False


@pytest.mark.parametrize("condition", MAIL_KEYS)
def test_deny_for_everybody_else_is_not_escaped_by_an_unverified_email(denies: Ask, condition: str) -> None:
    everybody_else = f"{{none: [{condition}]}}"
    assert denies(everybody_else, **ALICE) is False
    assert denies(everybody_else, **{**ALICE, "email_verified": False}) is True


@pytest.mark.parametrize("condition", MAIL_KEYS)
@pytest.mark.parametrize(
    "email",
    [None, "corp.example", "a@b@corp.example", "alice@evil@corp.example"],
    ids=["none", "no at sign", "two at signs", "two at signs around another domain"],
)
def test_email_that_is_missing_or_no_address_is_unknown(
    allows: Ask, denies: Ask, condition: str, email: str | None
) -> None:
    assert allows(condition, email=email, email_verified=True) is None
    assert denies(condition, email=email, email_verified=True) is None


@pytest.mark.parametrize(
    ("domain", "email", "holds"),
    [
        ("bücher.example", "a@xn--bcher-kva.example", True),
        ("xn--bcher-kva.example", "a@BÜCHER.example", True),
        ("corp.example", "a@sub.corp.example", False),
        ("corp.example", "a@evilcorp.example", False),
        ("corp.example", "a@\uff43orp.example", None),
    ],
)
def test_email_domains_are_compared_whole_and_as_idna(
    allows: Ask, domain: str, email: str, holds: bool | None
) -> None:
    assert allows(f"{{email_domains: ['{domain}']}}", email=email, email_verified=True) is holds


@pytest.mark.parametrize(
    ("hosted", "holds"),
    [("corp.example", True), ("CORP.example", True), ("other.example", False), (None, False)],
)
def test_where_hosted_domains_are_checked_the_domain_needs_an_equal_hd(
    allows: Ask, hosted: str | None, holds: bool
) -> None:
    google = {"hosted_domain_checked": True}
    assert allows("{email_domains: [corp.example]}", **ALICE, hosted_domain=hosted, context=google) is holds
    assert allows("{emails: [alice@corp.example]}", **ALICE, hosted_domain=hosted, context=google) is True


def test_deny_on_a_domain_does_not_ask_for_hd(denies: Ask) -> None:
    google = {"hosted_domain_checked": True}
    assert denies("{email_domains: [corp.example]}", **ALICE, hosted_domain=None, context=google) is True


# -- explanations --------------------------------------------------------------------------------------------------


def explain(policy: Policy, who: Identity, now: float) -> tuple[tuple[str, ...], ...]:
    decision = policy.decide(policy.find("", "GET", "/red"), who, now)
    return decision.held, decision.failed, decision.unknown


def test_explanation_names_what_held_failed_and_was_unknown(
    with_rules: WithRules, person: Person, now: float
) -> None:
    policy = with_rules(
        """
        - id: a
          paths: [/red]
          allow:
            any:
              - {groups: [sre], claims: {department: [it, 7]}}
              - {users: [u1], none: [{groups: [contractors]}]}
              - {emails: [alice@corp.example], email_domains: [corp.example]}
              - {none: [{none: [{groups: [staff]}]}]}
        """
    )
    held, failed, unknown = explain(policy, person(policy, "staff", "contractors"), now)
    assert sorted(held) == ["groups: staff", "users: one of 1"]
    assert sorted(failed) == ["groups: sre", "not groups: contractors"]
    assert sorted(unknown) == [
        "claims: department = 7, it",
        "email_domains: corp.example",
        "emails: one of 1",
    ]


def test_explanation_never_holds_an_address_or_a_subject(
    with_rules: WithRules, person: Person, now: float
) -> None:
    policy = with_rules(
        """
        - id: a
          paths: [/red]
          allow: {emails: [alice@corp.example, bob@corp.example], users: [u1, u2]}
          deny: {emails: [eve@corp.example]}
        """
    )
    for email in ("alice@corp.example", "eve@corp.example", None):
        shown = str(explain(policy, person(policy, email=email, email_verified=True), now))
        assert "@" not in shown
        assert "u1" not in shown
    assert explain(policy, person(policy, email="bob@corp.example", email_verified=True), now)[0] == (
        "emails: one of 2",
        "users: one of 2",
    )


def test_eight_groups_are_all_named_in_explanations(
    with_rules: WithRules, person: Person, now: float
) -> None:
    policy = with_rules("- {id: a, paths: [/red], allow: {groups: [g1, g2, g3, g4, g5, g6, g7, g8]}}")
    assert explain(policy, person(policy), now)[1] == ("groups: g1, g2, g3, g4, g5, g6, g7, g8",)


def test_long_lists_of_groups_are_cut_in_explanations(
    with_rules: WithRules, person: Person, now: float
) -> None:
    groups = ", ".join(f"g{n:02}" for n in range(12))
    policy = with_rules(f"- {{id: a, paths: [/red], allow: {{groups: [{groups}]}}}}")
    assert explain(policy, person(policy), now)[1] == (
        "groups: g00, g01, g02, g03, g04, g05, g06, g07, … (4 more)",
    )
