"""Which rule decides about a method and a path: a trie of dictionaries, compiled once.

A look-up costs time in the length of the path, not in the number of rules. From the left, segment by
segment, literal text beats a captured segment, which beats the end of the pattern before ``**``; what leads
nowhere is left again for the next best. A property test compares it with a matcher that has no trie.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from idaware.http.methods import KNOWN_METHODS
from idaware.policy.model import NO_CAPTURES, Applied, Match, Rule
from idaware.policy.patterns import Pattern
from idaware.reasons import Reason

_NO_RULE: Final = Match(None, None, reason=Reason.NO_RULE)


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is answered for one pattern and method; complete where the pattern captures nothing."""

    match: Match
    rule: Rule
    pattern: str
    captures: tuple[tuple[str, int], ...]


@dataclass(slots=True)
class _Cell:
    """The rules that share one pattern: by method, and the one that names none."""

    pattern: str
    named: dict[str, _Entry] = field(default_factory=dict)
    unnamed: _Entry | None = None


@dataclass(slots=True)
class _Node:
    """A place between two segments. ``end``: a pattern ends here; ``rest``: one goes on with ``**``."""

    literal: dict[str, _Node] = field(default_factory=dict)
    capture: _Node | None = None
    end: _Cell | None = None
    rest: _Cell | None = None


@dataclass(slots=True)
class _SharedNode:
    """The same for shared rules, of which all that match hold."""

    literal: dict[str, _SharedNode] = field(default_factory=dict)
    capture: _SharedNode | None = None
    end: list[tuple[Rule, Pattern]] = field(default_factory=list)
    rest: list[tuple[Rule, Pattern]] = field(default_factory=list)


class Matcher:
    """All patterns of a policy. INVARIANT: rules were checked, so no two share a pattern and a method."""

    __slots__ = ("_everywhere", "_needed_everywhere", "_root", "_shared")

    def __init__(self, rules: Iterable[Rule]) -> None:
        rules = sorted(rules, key=lambda rule: rule.id)
        shared = [rule for rule in rules if rule.shared]
        self._everywhere = tuple(Applied(rule, NO_CAPTURES) for rule in shared if _is_everywhere(rule))
        self._needed_everywhere = frozenset().union(*(applied.rule.needs for applied in self._everywhere))
        self._shared = _plant_shared(rule for rule in shared if not _is_everywhere(rule))
        self._root = _Node()
        for rule in rules:
            if not rule.shared:
                for pattern in rule.patterns:
                    self._plant(rule, pattern)

    def find(self, method: str, path: str) -> Match:
        """The deciding rule and the shared ones beside it.

        ``path`` is the one that the router will see (security rule 1), already found to be readable in one way only.
        """
        if path[:1] != "/":
            return _NO_RULE
        segments = path.split("/")
        if not segments[-1]:  # a trailing slash does not count
            segments.pop()
        cell = _seek(self._root, segments, 1)
        if cell is None:
            return _NO_RULE
        entry = cell.named.get(method)
        if entry is None:
            entry = cell.unnamed
            # security rule 7: a rule without methods covers those that everybody knows
            if entry is None or method not in KNOWN_METHODS:
                return Match(None, cell.pattern, reason=Reason.METHOD_NOT_COVERED)
        if entry.captures or (self._shared is not None and not entry.match.public):
            return self._complete(entry, method, segments)
        return entry.match

    def _complete(self, entry: _Entry, method: str, segments: list[str]) -> Match:
        captures = {name: segments[position + 1] for name, position in entry.captures} or NO_CAPTURES
        rule, match = entry.rule, entry.match
        if rule.public:
            return Match(rule, entry.pattern, captures, public=True)
        if self._shared is not None:
            found = _unique(_collect(self._shared, method, segments, 1))
            if found:
                beside = tuple(sorted((*match.beside, *found), key=_applied_order))
                needs = match.needs.union(*(applied.rule.needs for applied in found))
                return Match.of(rule, entry.pattern, captures, beside, needs)
        return match.capturing(captures) if entry.captures else match

    def _plant(self, rule: Rule, pattern: Pattern) -> None:
        node = self._root
        for segment in pattern.segments:
            if segment is not None:
                node = node.literal.setdefault(segment, _Node())
            else:
                node.capture = node = node.capture or _Node()
        cell = (node.rest if pattern.rest else node.end) or _Cell(pattern.text)
        cell.pattern = min(cell.pattern, pattern.text)
        if pattern.rest:
            node.rest = cell
        else:
            node.end = cell
        self._enter(cell, rule, pattern)

    def _enter(self, cell: _Cell, rule: Rule, pattern: Pattern) -> None:
        if rule.public:
            match = Match(rule, pattern.text, public=True)
        else:
            needs = rule.needs | self._needed_everywhere
            match = Match.of(rule, pattern.text, NO_CAPTURES, self._everywhere, needs)
        entry = _Entry(match, rule, pattern.text, pattern.captures)
        for method in rule.methods:
            cell.named[method] = entry
        if not rule.methods:
            cell.unnamed = entry
        if "GET" in rule.methods:
            cell.named.setdefault(
                "HEAD", entry
            )  # HEAD follows GET, unless a rule names it: that one overwrites


def _seek(node: _Node, segments: list[str], index: int) -> _Cell | None:
    """The most specific pattern from ``node`` on. Goes deeper only where literal and captured segments compete."""
    rest, count = None, len(segments)
    while index < count:
        if node.rest is not None:
            rest = node.rest
        segment = segments[index]
        index += 1
        child = node.literal.get(segment)
        if node.capture is not None and segment:
            if child is not None:
                found = _seek(child, segments, index)
                if found is not None:
                    return found
            child = node.capture
        if child is None:
            return rest
        node = child
    return node.end or node.rest or rest


def _is_everywhere(rule: Rule) -> bool:
    return not rule.methods and any(pattern.rest and not pattern.segments for pattern in rule.patterns)


def _plant_shared(rules: Iterable[Rule]) -> _SharedNode | None:
    """The shared rules that hold for some requests only; ``None`` when there are none."""
    root = None
    for rule in rules:
        root = root or _SharedNode()
        for pattern in rule.patterns:
            node = root
            for segment in pattern.segments:
                if segment is not None:
                    node = node.literal.setdefault(segment, _SharedNode())
                else:
                    node.capture = node = node.capture or _SharedNode()
            (node.rest if pattern.rest else node.end).append((rule, pattern))
    return root


def _collect(node: _SharedNode, method: str, segments: list[str], index: int) -> Iterator[Applied]:
    here = node.rest if index < len(segments) else [*node.rest, *node.end]
    for rule, pattern in here:
        if not rule.methods or method in rule.methods or (method == "HEAD" and "GET" in rule.methods):
            yield Applied(rule, {name: segments[position + 1] for name, position in pattern.captures})
    if index < len(segments):
        segment = segments[index]
        if segment in node.literal:
            yield from _collect(node.literal[segment], method, segments, index + 1)
        if node.capture is not None and segment:
            yield from _collect(node.capture, method, segments, index + 1)


def _unique(found: Iterable[Applied]) -> list[Applied]:
    """A rule whose patterns match twice holds once, unless they captured something else."""
    return list({_applied_order(applied): applied for applied in found}.values())


def _applied_order(applied: Applied) -> tuple[str, tuple[tuple[str, str], ...]]:
    return applied.rule.id, _items(applied.captures)


def _items(captures: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(captures.items()))
