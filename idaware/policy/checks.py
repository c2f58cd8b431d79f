"""What has to be right between rules: each (method, path) has one deciding rule, and each rule can decide something.

Errors inside one rule are found while it is read (``read_rules``). All of these stop the start (security rule 4).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import combinations

from idaware.http.methods import KNOWN_METHODS
from idaware.policy.document import Place
from idaware.policy.fields import Problems
from idaware.policy.model import PolicyContext, Rule
from idaware.policy.patterns import Pattern

_EVERY = ""
_FOLLOWED = KNOWN_METHODS - {"HEAD"}  # HEAD follows GET
_Shape = tuple[tuple[str | None, ...], bool]


def check_rules(rules: Sequence[Rule], context: PolicyContext, problems: Problems, source: str) -> None:
    """Note everything that is wrong between ``rules``. ``source``: the place of what is missing."""
    _check_ids(rules, context, problems, source)
    _check_cells(rules, problems)
    for rule in rules:
        for pattern in rule.patterns:
            _check_own_endpoints(pattern, context.prefix, problems)
    _check_unreachable(rules, problems)
    _check_path_forms(rules, problems)
    _check_acr(rules, problems)


def _check_ids(rules: Sequence[Rule], context: PolicyContext, problems: Problems, source: str) -> None:
    first: dict[str, Rule] = {}
    for rule in rules:
        if rule.id and rule.id in first:
            problems.add(
                rule.place, "", f"the id '{rule.id}' comes twice; it is already at {first[rule.id].place}"
            )
        first.setdefault(rule.id, rule)
    for missing in sorted(set(context.require_ids) - first.keys()):
        problems.add(
            Place(source), "", f"the rule '{missing}' is required (IDAWARE_POLICY_REQUIRE) and is not there"
        )


def _deciding(rules: Iterable[Rule]) -> Iterator[tuple[Rule, Pattern]]:
    for rule in rules:
        if not rule.shared:
            for pattern in rule.patterns:
                yield rule, pattern


def _check_cells(rules: Iterable[Rule], problems: Problems) -> None:
    """Two rules with the same pattern and a method in common would make the order of lines matter."""
    taken: dict[tuple[_Shape, str], tuple[Rule, Pattern]] = {}
    for rule, pattern in _deciding(rules):
        for method in rule.methods or (_EVERY,):
            other, theirs = taken.setdefault((pattern.shape, method), (rule, pattern))
            if other is not rule:
                what = f"'{pattern.text}'{f' with {method}' if method else ', for every other method,'}"
                problems.add(
                    pattern.place, "", f"{what} is already decided by '{other.id}' at {theirs.place}"
                )


def _check_own_endpoints(pattern: Pattern, prefix: str, problems: Problems) -> None:
    own = tuple(prefix.strip("/").split("/"))
    if pattern.segments[: len(own)] != own:
        return
    below = pattern.segments[len(own) :]
    if (below == ("metrics",) and not pattern.rest) or (below == ("console",) and pattern.rest):
        problems.add(pattern.place, "", f"'{pattern.text}' is not supported yet; take it out")
    else:
        problems.add(
            pattern.place, "", f"'{pattern.text}': the paths below {prefix} are answered before any rule"
        )


def _check_unreachable(rules: Iterable[Rule], problems: Problems) -> None:
    """``/a/**`` decides nothing where ``/a`` and ``/a/{x}/**`` are there: both are more specific. The rule without
    methods decides nothing where each of them is named.
    """
    shapes: dict[_Shape, set[str]] = {}
    for rule, pattern in _deciding(rules):
        shapes.setdefault(pattern.shape, set()).update(rule.methods)
    for rule, pattern in _deciding(rules):
        if not rule.methods and shapes[pattern.shape] >= _FOLLOWED:
            message = (
                f"'{pattern.text}' without methods can match nothing: other rules name every method there"
            )
            problems.add(pattern.place, "", message)
        if pattern.rest and _all_taken(pattern.segments, shapes):
            message = (
                f"'{pattern.text}' can match nothing: more specific patterns take every path that it covers"
            )
            problems.add(pattern.place, "", message)


def _all_taken(segments: tuple[str | None, ...], shapes: Container[_Shape]) -> bool:
    while (segments, False) in shapes:
        segments = (*segments, None)
        if (segments, True) in shapes:
            return True
    return False


def _check_path_forms(rules: Sequence[Rule], problems: Problems) -> None:
    """``allow_in_path`` opens odd spellings, so below its prefix no other rule allows (security rule 2)."""
    for rule in rules:
        if not rule.allow_in_path:
            continue
        for pattern in rule.patterns:
            if not pattern.rest or not pattern.segments or None in pattern.segments:
                message = f"'{pattern.text}': allow_in_path needs patterns of literal segments before '/**'"
                problems.add(pattern.place, "", message)
                continue
            for other, theirs in _deciding(rules):
                if other is not rule and theirs.segments[: len(pattern.segments)] == pattern.segments:
                    message = (
                        f"'{pattern.text}' has allow_in_path, so no other rule may allow below it,"
                        f" as '{other.id}' does at {theirs.place}"
                    )
                    problems.add(pattern.place, "", message)


def _check_acr(rules: Iterable[Rule], problems: Problems) -> None:
    """A shared ``acr`` that excludes another one can be met by nobody where both hold."""
    asking = [rule for rule in rules if rule.requires is not None and rule.requires.acr]
    for one, other in combinations(sorted(asking, key=lambda rule: rule.shared), 2):
        assert one.requires is not None
        assert other.requires is not None
        if other.shared and set(one.requires.acr).isdisjoint(other.requires.acr) and _meet(one, other):
            message = f"no sign-in meets the 'acr' of both '{one.id}' and '{other.id}' at {other.place}"
            problems.add(one.place, "", message)


def _meet(one: Rule, other: Rule) -> bool:
    """Whether both hold for some request."""
    methods = not one.methods or not other.methods or not set(one.methods).isdisjoint(other.methods)
    return methods and any(mine.overlaps(theirs) for mine in one.patterns for theirs in other.patterns)
