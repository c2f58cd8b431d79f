"""What holds for every policy (``docs/reference/policy.md``), and a second opinion on matching and deciding.

The naive matcher and the naive decision below say from the text of the rules what the compiled policy should say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from idaware.errors import PolicyError
from idaware.identity import ANONYMOUS, Identity, Wanted
from idaware.policy.combined import All, AnyOf, NoneOf
from idaware.policy.conditions import Condition, Groups
from idaware.policy.digests import digests_of
from idaware.policy.load import load_policy
from idaware.policy.model import PolicyContext
from idaware.policy.policy import Policy

NOW = 1_800_000_000.0
KNOWN = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WEBSOCKET")
Rules = list[dict[str, Any]]

# -- policies, requests, people ------------------------------------------------------------------------------------

_segments = st.lists(st.sampled_from(["a", "b", "c", "{x}", "*"]), max_size=3).filter(
    lambda s: s.count("{x}") < 2
)
_paths = st.builds(
    lambda segments, rest: "/" + "/".join([*segments, *(["**"] if rest else [])]), _segments, st.booleans()
)
_named = st.lists(st.sampled_from(["GET", "HEAD", "POST", "WEBSOCKET"]), min_size=1, max_size=2, unique=True)
_methods = st.one_of(st.none(), _named)
_leaves = st.one_of(
    st.sampled_from(["g1", "g2", "g3"]).map(lambda group: {"groups": [group]}),
    st.sampled_from(["u1", "u2"]).map(lambda user: {"users": [user] if user == "u1" else [user, "u4"]}),
    st.sampled_from(["v", "w"]).map(lambda value: {"claims": {"c": value}}),
)
_conditions = st.recursive(
    _leaves,
    lambda inner: st.builds(
        lambda key, members: {key: members},
        st.sampled_from(["all", "any", "none"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=5,
)
_requires = st.one_of(st.none(), st.just({"amr": ["mfa"]}))


def _rule(paths: list[str], methods: Any, allow: Any, deny: Any, require: Any) -> dict[str, Any]:
    optional = {"methods": methods, "deny": deny, "require": require}
    if allow == "public":
        optional = {"methods": methods}
    return {
        "paths": paths,
        "allow": allow,
        **{key: value for key, value in optional.items() if value is not None},
    }


def _shared(paths: list[str], methods: Any, deny: Any) -> dict[str, Any]:
    return {"paths": paths, "shared": True, "deny": deny, **({"methods": methods} if methods else {})}


_deciding = st.builds(
    _rule,
    st.lists(_paths, min_size=1, max_size=2),
    _methods,
    st.one_of(st.just("public"), st.just("signed_in"), _conditions),
    st.one_of(st.none(), _conditions),
    _requires,
)
_beside = st.builds(_shared, st.lists(_paths, min_size=1, max_size=2), _methods, _conditions)


def _without_conflicts(rules: Rules) -> Rules:
    """Rules with ids, less what the loader would refuse: repeated cells and patterns."""
    taken: set[object] = set()
    kept: Rules = []
    for number, rule in enumerate(rules):
        paths = list({_shape(path): path for path in rule["paths"]}.values())
        cells = {(_shape(path), method) for path in paths for method in rule.get("methods") or [""]}
        if rule.get("shared") or not cells & taken:
            taken |= set() if rule.get("shared") else cells
            kept.append({"id": f"r{number}", **rule, "paths": paths})
    return kept


_rules = st.lists(st.one_of(_deciding, _deciding, _beside), min_size=1, max_size=6).map(_without_conflicts)
_requests = st.tuples(
    st.sampled_from([*KNOWN[:4], "WEBSOCKET", "TRACE", "PURGE", "get"]),
    st.builds(
        lambda segments, slash: "/" + "/".join(segments) + slash,
        st.lists(st.sampled_from(["a", "b", "c", "d", "x"]), max_size=4),
        st.sampled_from(["", "/"]),
    ).map(lambda path: path if path != "//" else "/"),
)
_people = st.builds(
    lambda groups, subject, claims, amr: Identity(
        subject=subject,
        alias="login",
        actor_type="human",
        groups=groups,
        claims=claims,
        amr=amr,
        kept=Wanted(groups=frozenset({"g1", "g2", "g3"}), claims=frozenset({"c"})),
    ),
    st.one_of(st.none(), st.frozensets(st.sampled_from(["g1", "g2", "g3"]))),
    st.sampled_from(["u1", "u2", "u3"]),
    st.sampled_from([{}, {"c": "v"}, {"c": ["v", "w"]}, {"c": []}, {"c": 1}]),
    st.sampled_from([(), ("mfa",)]),
)
_anybody = st.one_of(st.just(ANONYMOUS), _people)


def compile_(rules: Rules) -> Policy:
    text = json.dumps({"version": 1, "rules": rules}).encode()
    try:
        return load_policy(text, source="p.yaml", context=PolicyContext(now=NOW))
    except PolicyError as error:
        # what remains is a pattern that others hide, or a policy of nothing
        assert all("can match nothing" in str(p) or "empty list" in str(p) for p in error.problems), error  # noqa: PT017
        assume(False)
        raise


# -- the naive matcher ---------------------------------------------------------------------------------------------


def _shape(path: str) -> tuple[str, ...]:
    return tuple("*" if part == "{x}" else part for part in path.strip("/").split("/"))


def _specificity(pattern: str, path: str) -> tuple[int, ...] | None:
    """The rank of each segment, literal before captured before the end before the rest; ``None``: no match."""
    wanted = [part for part in pattern.split("/") if part]
    given_ = [part for part in path.split("/") if part]
    rest = wanted[-1:] == ["**"]
    wanted = wanted[:-1] if rest else wanted
    if len(given_) < len(wanted) or (len(given_) > len(wanted) and not rest):
        return None
    if any(w not in ("*", "{x}", g) for w, g in zip(wanted, given_, strict=False)):
        return None
    return (*(1 if w in ("*", "{x}") else 0 for w in wanted), 3 if rest else 2)


def _naive_rule(rules: Rules, method: str, path: str) -> dict[str, Any] | str:
    ranked = [
        (rank, rule)
        for rule in rules
        if not rule.get("shared")
        for pattern in rule["paths"]
        if (rank := _specificity(pattern, path)) is not None
    ]
    if not ranked:
        return "no_rule"
    best = min(rank for rank, _ in ranked)
    here = [rule for rank, rule in ranked if rank == best]
    for names in ([method], ["GET"] if method == "HEAD" else []):
        for rule in here:
            if set(names) & set(rule.get("methods", [])):
                return rule
    unnamed = [rule for rule in here if "methods" not in rule]
    return unnamed[0] if unnamed and method in KNOWN else "method_not_covered"


def _naive_shared(rules: Rules, method: str, path: str) -> Rules:
    return [
        rule
        for rule in rules
        if rule.get("shared")
        and any(_specificity(pattern, path) is not None for pattern in rule["paths"])
        and (
            "methods" not in rule
            or method in rule["methods"]
            or (method == "HEAD" and "GET" in rule["methods"])
        )
    ]


# -- the naive decision --------------------------------------------------------------------------------------------


def _naive_holds(condition: Any, who: Identity) -> bool | None:
    if condition == "signed_in":
        return True
    [(key, value)] = condition.items()
    if key == "groups":
        return None if who.groups is None else value[0] in who.groups
    if key == "users":
        return who.subject in value
    if key == "claims":
        claim = who.claims.get("c")
        members = claim if isinstance(claim, list) else [claim]
        known = all(isinstance(member, str) for member in members)
        return value["c"] in members if known else None
    outcomes = [_naive_holds(member, who) for member in value]
    if key == "all":
        return _kleene_all(outcomes)
    negated = [None if outcome is None else not outcome for outcome in outcomes]
    if key == "none":
        return _kleene_all(negated)
    outcome = _kleene_all(negated)
    return None if outcome is None else not outcome


def _kleene_all(outcomes: list[bool | None]) -> bool | None:
    return False if any(o is False for o in outcomes) else None if any(o is None for o in outcomes) else True


def _naive_effect(rules: Rules, method: str, path: str, who: Identity) -> str:
    rule = _naive_rule(rules, method, path)
    if isinstance(rule, str):
        return "deny"
    if rule["allow"] == "public":
        return "allow"
    if who is ANONYMOUS:
        return "login"
    denies = [r["deny"] for r in [rule, *_naive_shared(rules, method, path)] if "deny" in r]
    if any(_naive_holds(deny, who) is not False for deny in denies):
        return "deny"
    if _naive_holds(rule["allow"], who) is not True:
        return "deny"
    return "step_up" if "require" in rule and "mfa" not in who.amr else "allow"


def effect(policy: Policy, request: tuple[str, str], who: Identity) -> str:
    return policy.decide(policy.find("", *request), who, NOW).effect


# -- the properties ------------------------------------------------------------------------------------------------


@settings(max_examples=80)
@given(_rules, st.lists(_requests, min_size=1, max_size=6))
def test_compiled_matcher_agrees_with_a_naive_one(rules: Rules, requests: list[tuple[str, str]]) -> None:
    policy = compile_(rules)
    for method, path in requests:
        match = policy.find("", method, path)
        naive = _naive_rule(rules, method, path)
        found = match.rule.id if match.rule is not None else match.reason
        assert found == (naive if isinstance(naive, str) else naive["id"])
        public = isinstance(naive, str) or naive["allow"] == "public"
        beside = [] if public else [rule["id"] for rule in _naive_shared(rules, method, path)]
        assert {applied.rule.id for applied in match.beside} == set(beside)


@settings(max_examples=80)
@given(_rules, _requests, _anybody)
def test_decision_agrees_with_a_naive_one(rules: Rules, request: tuple[str, str], who: Identity) -> None:
    assert effect(compile_(rules), request, who) == _naive_effect(rules, *request, who)


@settings(max_examples=50)
@given(_rules, st.lists(_requests, min_size=1, max_size=5), _anybody, st.randoms(use_true_random=False))
def test_order_of_rules_members_and_keys_changes_nothing(
    rules: Rules, requests: list[tuple[str, str]], who: Identity, random: Any
) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, Mapping):
            items = [(key, shuffled(item)) for key, item in value.items()]
            random.shuffle(items)
            return dict(items)
        if isinstance(value, list):
            items = [shuffled(item) for item in value]
            random.shuffle(items)
            return items
        return value

    one, other = compile_(rules), compile_(shuffled(rules))
    assert one.version == other.version
    for request in requests:
        decision = one.decide(one.find("", *request), who, NOW)
        assert decision == other.decide(other.find("", *request), who, NOW)


@settings(max_examples=50)
@given(_rules, st.one_of(_beside, _conditions), st.lists(_requests, min_size=1, max_size=5), _anybody)
def test_adding_a_deny_never_allows(
    rules: Rules, deny: dict[str, Any], requests: list[tuple[str, str]], who: Identity
) -> None:
    if "shared" in deny:
        added = _without_conflicts([*rules, deny])
        added = [{**rule, "id": f"r{number}"} for number, rule in enumerate(added)]
    else:
        added = [dict(rule) for rule in rules]
        target = added[0]
        assume(target.get("allow") != "public")
        target["deny"] = {"any": [target["deny"], deny]} if "deny" in target else deny
    before, after = compile_(rules), compile_(added)
    for request in requests:
        if effect(after, request, who) == "allow":
            assert effect(before, request, who) == "allow"


@settings(max_examples=50)
@given(_rules, _deciding, st.lists(_requests, min_size=1, max_size=6), _anybody)
def test_adding_a_rule_for_a_pattern_changes_no_decision_outside_it(
    rules: Rules, rule: dict[str, Any], requests: list[tuple[str, str]], who: Identity
) -> None:
    added = _without_conflicts([*({key: r[key] for key in r if key != "id"} for r in rules), rule])
    assume(len(added) == len(rules) + 1)
    before = compile_([{**r, "id": f"r{number}"} for number, r in enumerate(rules)])
    after = compile_([{**r, "id": f"r{number}"} for number, r in enumerate(added)])
    for request in requests:
        if all(_specificity(pattern, request[1]) is None for pattern in added[-1]["paths"]):
            decided = before.decide(before.find("", *request), who, NOW)
            assert after.decide(after.find("", *request), who, NOW) == decided


@settings(max_examples=50)
@given(_rules, st.lists(_requests, min_size=1, max_size=6))
def test_no_allow_but_public_ever_admits_anybody_anonymous(
    rules: Rules, requests: list[tuple[str, str]]
) -> None:
    policy = compile_(rules)
    for request in requests:
        match = policy.find("", *request)
        decision = policy.decide(match, ANONYMOUS, NOW)
        if decision.effect == "allow":
            assert match.rule is not None
            assert match.rule.public
        else:
            assert decision.effect == ("deny" if match.rule is None else "login")


@settings(max_examples=80)
@given(_rules, _requests, _people)
def test_explanation_agrees_with_the_decision(rules: Rules, request: tuple[str, str], who: Identity) -> None:
    """Whoever reads what held, failed and was unknown comes to the same result as the policy."""
    policy = compile_(rules)
    match = policy.find("", *request)
    decision = policy.decide(match, who, NOW)
    if match.rule is None or match.rule.public:
        assert decision.held == decision.failed == decision.unknown == ()
        return
    told = {True: set(decision.held), False: set(decision.failed), None: set(decision.unknown)}
    if decision.effect in ("allow", "step_up") or decision.reason == "not_in_allow":
        assert match.rule.allow is not None
        outcome = _reread(match.rule.allow, told, negated=False)
        assert (outcome is True) == (decision.effect != "deny")
        assert ("amr: mfa" in told[False]) == (decision.effect == "step_up")
        return
    by = next(rule for rule in policy.rules if rule.id == decision.refused_by)
    prefix = "" if by is match.rule else f"{by.id}: "
    told = {outcome: {label.removeprefix(prefix) for label in labels} for outcome, labels in told.items()}
    refusing = [condition for condition in (by.deny, by.allow) if condition is not None]
    assert any(
        _reread(condition, told, negated=False) is (None if decision.reason == "claim_unknown" else True)
        for condition in refusing
        if _all_told(condition, told, negated=False)
    )


def _label(condition: Condition, *, negated: bool) -> str:
    label = getattr(condition, "label", "")
    return f"not {label}" if negated else label


def _all_told(condition: Condition, told: dict[bool | None, set[str]], *, negated: bool) -> bool:
    if isinstance(condition, (All, AnyOf, NoneOf)):
        inside = negated ^ isinstance(condition, NoneOf)
        return all(_all_told(member, told, negated=inside) for member in condition.members)
    return any(_label(condition, negated=negated) in labels for labels in told.values())


def _reread(condition: Condition, told: dict[bool | None, set[str]], *, negated: bool) -> bool | None:
    """The outcome of a condition from what was told about its leaves."""
    if isinstance(condition, (All, AnyOf, NoneOf)):
        inside = negated ^ isinstance(condition, NoneOf)
        return condition.outcome([_reread(member, told, negated=inside) for member in condition.members])
    label = _label(condition, negated=negated)
    [outcome] = [outcome for outcome, labels in told.items() if label in labels]
    return outcome if outcome is None else outcome ^ negated


@settings(max_examples=50)
@given(_rules, _requests, _people)
def test_groups_matched_are_groups_of_the_person_that_the_policy_names(
    rules: Rules, request: tuple[str, str], who: Identity
) -> None:
    policy = compile_(rules)
    decision = policy.decide(policy.find("", *request), who, NOW)
    assert set(decision.groups_matched) <= (who.groups or frozenset()) & policy.wanted.groups
    assert decision.groups_matched == tuple(sorted(set(decision.groups_matched)))


@settings(max_examples=50)
@given(_rules, _requests)
def test_a_match_needs_no_more_than_the_policy_wants(rules: Rules, request: tuple[str, str]) -> None:
    policy = compile_(rules)
    assert policy.find("", *request).needs <= digests_of(policy.wanted)


@settings(max_examples=80)
@given(_rules, st.text(max_size=12), st.text(max_size=30), _anybody)
def test_any_method_and_path_end_in_a_decision(rules: Rules, method: str, path: str, who: Identity) -> None:
    policy = compile_(rules)
    for target in (path, "/" + path):
        decision = policy.decide(policy.find("", method, target), who, NOW)
        assert decision.effect in ("allow", "deny", "login", "step_up")


def test_groups_is_the_only_leaf_with_several_texts() -> None:
    """The reader above relies on it: with one group each, what is told of ``groups`` is its label."""
    assert Groups.of({"g1": "g1"}).label == "groups: g1"
