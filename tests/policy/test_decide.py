"""The order of a decision: denies, ``allow``, ``require``; and what it says about itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from idaware.identity import ANONYMOUS, Identity
from idaware.policy.decide import merge_require
from idaware.policy.model import Decision, Require
from idaware.policy.policy import Policy
from idaware.reasons import Reason

WithRules = Callable[..., Policy]
Person = Callable[..., Identity]

RULES = """
- id: page
  paths: [/page]
  allow: {groups: [staff]}
  deny: {groups: [interns]}
  owner: page@corp.example
  reason: Ask the page team.
- id: open
  paths: [/open]
  allow: public
  owner: open@corp.example
- id: z-no-contractors
  paths: [/**]
  shared: true
  deny: {groups: [contractors]}
  owner: org@corp.example
  reason: Contractors have a tool of their own.
- id: no-leavers
  paths: [/**]
  shared: true
  deny: {groups: [leavers]}
"""


@pytest.fixture(scope="session")
def policy(with_rules: WithRules) -> Policy:
    return with_rules(RULES)


@pytest.fixture(scope="session")
def ask(policy: Policy, person: Person, now: float) -> Callable[..., Decision]:
    """Decide about somebody in these groups who wants ``/page``, or ``path``."""

    def ask(*groups: str, path: str = "/page", method: str = "GET", **known: Any) -> Decision:
        return policy.decide(policy.find("", method, path), person(policy, *groups, **known), now)

    return ask


Ask = Callable[..., Decision]


def test_allowed_by_the_rule(ask: Ask) -> None:
    assert ask("staff") == Decision(
        "allow",
        Reason.ALLOWED_BY_RULE,
        "page",
        "/page",
        "page@corp.example",
        held=("groups: staff",),
        groups_matched=("staff",),
    )


def test_not_in_allow_names_the_rule_its_owner_and_its_reason(ask: Ask) -> None:
    assert ask("nobody") == Decision(
        "deny",
        Reason.NOT_IN_ALLOW,
        "page",
        "/page",
        "page@corp.example",
        failed=("groups: staff",),
        rule_reason="Ask the page team.",
        refused_by="page",
        refused_by_owner="page@corp.example",
    )


def test_own_deny_wins_over_allow(ask: Ask) -> None:
    decision = ask("staff", "interns")
    assert (decision.effect, decision.reason) == ("deny", Reason.DENIED_BY_RULE)
    assert decision.held == ("groups: interns",)
    assert decision.groups_matched == ("interns",)
    assert (decision.rule_id, decision.refused_by) == ("page", "page")


def test_shared_deny_wins_over_allow_and_tells_which_rule_refused(ask: Ask) -> None:
    decision = ask("staff", "contractors")
    assert (decision.effect, decision.reason) == ("deny", Reason.DENIED_BY_RULE)
    assert decision.held == ("z-no-contractors: groups: contractors",)
    assert (decision.rule_id, decision.rule_owner) == ("page", "page@corp.example")
    assert (decision.refused_by, decision.refused_by_owner) == ("z-no-contractors", "org@corp.example")
    assert decision.rule_reason == "Contractors have a tool of their own."


def test_own_deny_with_a_captured_segment_stands_beside_the_shared_ones(
    with_rules: WithRules, person: Person, now: float
) -> None:
    policy = with_rules(
        """
        - {id: a, paths: ["/a/{t}"], allow: signed_in, deny: {groups: ["out-{t}"]}}
        - {id: s, paths: [/**], shared: true, deny: {groups: [contractors]}}
        """
    )
    refused_by = {
        group: policy.decide(policy.find("", "GET", "/a/red"), person(policy, group), now).refused_by
        for group in ("out-red", "out-blue", "contractors")
    }
    assert refused_by == {"out-red": "a", "out-blue": None, "contractors": "s"}


def test_of_several_denies_the_own_one_is_told_then_the_first_by_id(ask: Ask) -> None:
    assert ask("interns", "contractors", "leavers").refused_by == "page"
    assert ask("contractors", "leavers").refused_by == "no-leavers"


def test_unknown_groups_hold_in_a_deny(ask: Ask) -> None:
    decision = ask(groups=None)
    assert (decision.effect, decision.reason) == ("deny", Reason.CLAIM_UNKNOWN)
    assert decision.unknown == ("groups: interns",)
    assert decision.unknown_groups


def test_a_deny_that_holds_is_told_before_one_that_is_unknown(
    with_rules: WithRules, person: Person, now: float
) -> None:
    policy = with_rules(
        """
        - {id: a, paths: [/a], allow: signed_in, deny: {groups: [x]}}
        - {id: s1, paths: [/**], shared: true, deny: {claims: {c: d}}}
        - {id: s2, paths: [/**], shared: true, deny: {users: [u1]}}
        """
    )
    decision = policy.decide(policy.find("", "GET", "/a"), person(policy, groups=None), now)
    assert (decision.reason, decision.refused_by) == (Reason.DENIED_BY_RULE, "s2")


def test_unknown_groups_do_not_allow(with_rules: WithRules, person: Person, now: float) -> None:
    policy = with_rules("- {id: a, paths: [/a], allow: {groups: [staff]}}")
    decision = policy.decide(policy.find("", "GET", "/a"), person(policy, groups=None), now)
    assert (decision.effect, decision.reason) == ("deny", Reason.CLAIM_UNKNOWN)
    assert decision.unknown == ("groups: staff",)
    assert decision.unknown_groups


def test_unknown_groups_are_not_blamed_for_an_unknown_claim(
    with_rules: WithRules, person: Person, now: float
) -> None:
    policy = with_rules("- {id: a, paths: [/a], allow: {any: [{groups: [staff]}, {claims: {c: d}}]}}")
    decision = policy.decide(policy.find("", "GET", "/a"), person(policy, "other"), now)
    assert decision.reason is Reason.CLAIM_UNKNOWN
    assert not decision.unknown_groups


def test_unknown_groups_are_not_blamed_where_something_else_failed(
    with_rules: WithRules, person: Person, now: float
) -> None:
    policy = with_rules("- {id: a, paths: [/a], allow: {groups: [staff], users: [u2]}}")
    decision = policy.decide(policy.find("", "GET", "/a"), person(policy, groups=None), now)
    assert decision.reason is Reason.NOT_IN_ALLOW
    assert not decision.unknown_groups


@pytest.mark.parametrize(
    ("method", "path", "reason", "pattern"),
    [("GET", "/nowhere", Reason.NO_RULE, None), ("TRACE", "/page", Reason.METHOD_NOT_COVERED, "/page")],
)
def test_what_no_rule_covers_is_denied_to_everybody(
    policy: Policy, ask: Ask, now: float, method: str, path: str, reason: Reason, pattern: str | None
) -> None:
    expected = Decision("deny", reason, pattern=pattern)
    assert ask("staff", path=path, method=method) == expected
    assert policy.decide(policy.find("", method, path), ANONYMOUS, now) == expected


def test_public_admits_everybody_and_no_shared_rule_applies(policy: Policy, ask: Ask, now: float) -> None:
    expected = Decision("allow", Reason.PUBLIC, "open", "/open", "open@corp.example")
    assert ask("contractors", path="/open") == expected
    assert policy.decide(policy.find("", "GET", "/open"), ANONYMOUS, now) == expected
    assert policy.find("", "GET", "/open").public


def test_nobody_is_sent_to_sign_in_and_no_deny_is_asked(policy: Policy, now: float) -> None:
    decision = policy.decide(policy.find("", "GET", "/page"), ANONYMOUS, now)
    assert decision == Decision("login", Reason.NO_IDENTITY, "page", "/page", "page@corp.example")


# -- require -------------------------------------------------------------------------------------------------------

STEP_UP = """
- id: page
  paths: [/page]
  allow: {groups: [staff]}
  require: {auth_within: 15m, amr: [mfa, hwk], acr: [silver, gold]}
  reason: This page needs a fresh sign-in.
- id: plain
  paths: [/plain]
  allow: {groups: [staff]}
- id: everywhere
  paths: [/**]
  shared: true
  require: {amr: [pwd], auth_within: 8h, acr: [bronze, gold]}
- id: silent
  paths: [/**]
  shared: true
  deny: {groups: [contractors]}
"""

STRONG: dict[str, Any] = {"amr": ("mfa", "hwk", "pwd", "x"), "acr": "gold"}


@pytest.fixture(scope="session")
def step(with_rules: WithRules, person: Person, now: float) -> Callable[..., Decision]:
    """Decide about somebody on the staff whose sign-in was strong but for ``changed``, ``age`` seconds ago."""
    policy = with_rules(STEP_UP)

    def step(
        path: str = "/page", *, age: float = 60, groups: tuple[str, ...] = ("staff",), **changed: Any
    ) -> Decision:
        known = {**STRONG, "auth_time": now - age, **changed}
        return policy.decide(policy.find("", "GET", path), person(policy, *groups, **known), now)

    return step


def test_what_is_required_is_met(step: Callable[..., Decision]) -> None:
    decision = step()
    assert (decision.effect, decision.reason) == ("allow", Reason.ALLOWED_BY_RULE)
    assert decision.held == (
        "groups: staff",
        "acr: gold, silver",
        "amr: hwk, mfa",
        "auth_within: 900s",
        "everywhere: acr: bronze, gold",
        "everywhere: amr: pwd",
        "everywhere: auth_within: 28800s",
    )
    assert decision.require is None


@pytest.mark.parametrize(
    ("changed", "failed"),
    [
        ({"age": 901}, ("auth_within: 900s",)),
        ({"auth_time": None}, ("auth_within: 900s", "everywhere: auth_within: 28800s")),
        ({"auth_time": 0}, ("auth_within: 900s", "everywhere: auth_within: 28800s")),
        ({"age": -31}, ("auth_within: 900s", "everywhere: auth_within: 28800s")),
        ({"amr": ("mfa", "pwd")}, ("amr: hwk, mfa",)),
        ({"amr": ()}, ("amr: hwk, mfa", "everywhere: amr: pwd")),
        ({"acr": "silver"}, ("everywhere: acr: bronze, gold",)),
        ({"acr": "bronze"}, ("acr: gold, silver",)),
        ({"acr": None}, ("acr: gold, silver", "everywhere: acr: bronze, gold")),
    ],
    ids=[
        *("too old", "no auth_time", "auth_time 0", "in the future", "one amr", "no amr"),
        *("acr of one", "acr of the other", "no acr"),
    ],
)
def test_what_is_required_and_not_met_is_a_step_up_with_the_strictest_of_all(
    step: Callable[..., Decision], changed: dict[str, Any], failed: tuple[str, ...]
) -> None:
    decision = step(**changed)
    assert (decision.effect, decision.reason) == ("step_up", Reason.STEP_UP_REQUIRED)
    assert decision.failed == failed
    assert decision.require == Require(acr=("gold",), amr=("hwk", "mfa", "pwd"), auth_within=900)
    assert decision.rule_reason == "This page needs a fresh sign-in."
    assert decision.groups_matched == ("staff",)


@pytest.mark.parametrize("age", [900, 0, -30], ids=["just within", "now", "clocks that differ"])
def test_sign_in_within_the_time_is_fresh(step: Callable[..., Decision], age: float) -> None:
    assert step(age=age).effect == "allow"


def test_shared_require_holds_on_a_rule_without_its_own(step: Callable[..., Decision]) -> None:
    assert step("/plain", acr="bronze").effect == "allow"
    decision = step("/plain", acr="silver")
    assert decision.effect == "step_up"
    assert decision.require == Require(acr=("bronze", "gold"), amr=("pwd",), auth_within=28_800)


def test_own_require_holds_without_any_shared_rule(with_rules: WithRules, person: Person, now: float) -> None:
    policy = with_rules("- {id: a, paths: [/a], allow: signed_in, require: {amr: [mfa]}}")
    match = policy.find("", "GET", "/a")
    assert policy.decide(match, person(policy), now).effect == "step_up"
    assert policy.decide(match, person(policy, amr=("mfa",)), now).effect == "allow"


def test_deny_and_allow_come_before_require(step: Callable[..., Decision]) -> None:
    assert step(amr=(), groups=("staff", "contractors")).reason is Reason.DENIED_BY_RULE
    assert step(amr=(), groups=()).reason is Reason.NOT_IN_ALLOW


def test_first_sign_in_already_carries_what_is_required(with_rules: WithRules, now: float) -> None:
    policy = with_rules(STEP_UP)
    for path, require in (
        ("/page", Require(("gold",), ("hwk", "mfa", "pwd"), 900)),
        ("/plain", Require(("bronze", "gold"), ("pwd",), 28_800)),
    ):
        match = policy.find("", "GET", path)
        assert merge_require(match) == require
        assert policy.decide(match, ANONYMOUS, now).require == require
    assert merge_require(policy.find("", "GET", "/nowhere")) is None
    assert merge_require(with_rules(RULES).find("", "GET", "/page")) is None


def test_acr_that_no_sign_in_meets_together_stay_unmet(
    with_rules: WithRules, person: Person, now: float
) -> None:
    policy = with_rules(
        """
        - {id: a, paths: [/a], allow: signed_in, require: {acr: [x, z]}}
        - {id: b, paths: [/**], shared: true, require: {acr: [x, w]}}
        - {id: c, paths: [/**], shared: true, require: {acr: [z, w]}}
        """
    )
    match = policy.find("", "GET", "/a")
    assert merge_require(match) == Require(acr=("w", "x", "z"))
    for acr in ("w", "x", "z"):
        assert policy.decide(match, person(policy, acr=acr), now).effect == "step_up"


def test_each_shared_require_stands_for_itself(with_rules: WithRules, person: Person, now: float) -> None:
    policy = with_rules(
        """
        - {id: a, paths: [/a], allow: signed_in}
        - {id: b, paths: [/**], shared: true, require: {amr: [mfa]}}
        - {id: c, paths: [/a], shared: true, require: {amr: [hwk]}}
        """
    )
    decision = policy.decide(policy.find("", "GET", "/a"), person(policy, amr=("mfa",)), now)
    assert (decision.held, decision.failed) == (("signed_in", "b: amr: mfa"), ("c: amr: hwk",))
    assert decision.require == Require(amr=("hwk", "mfa"))


def test_one_shared_require_that_applies_twice_is_told_once(
    with_rules: WithRules, person: Person, now: float
) -> None:
    policy = with_rules(
        """
        - {id: a, paths: [/a/b], allow: signed_in}
        - {id: c, paths: ["/{x}/b", "/a/{x}"], shared: true, require: {amr: [hwk]}}
        """
    )
    decision = policy.decide(policy.find("", "GET", "/a/b"), person(policy), now)
    assert decision.failed == ("c: amr: hwk",)
