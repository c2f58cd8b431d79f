"""A policy, compiled and in force: the two questions that a request asks it, and what sessions have to keep for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote

from idaware.identity import Identity, Wanted
from idaware.policy import digests, times
from idaware.policy.decide import decide
from idaware.policy.match import Matcher
from idaware.policy.model import Decision, Match, Rule
from idaware.policy.normal import version_of

_NOTHING: Final[frozenset[str]] = frozenset()
_REVIEW_NOTICE_SECONDS: Final = 14 * 86_400


class Policy:
    """Immutable; a request sees one policy from start to end.

    * ``app``: the application's name for records, ``None`` where the policy gives none.
    * ``version``: 12 hex digits that name the policy's meaning.
    * ``rules``: sorted by id. ``warnings``: reviews that are due, in words.
    * ``wanted``: what has to be known about people, ``keep`` included; ``wanted_id`` names the same for sessions.
    """

    __slots__ = (
        "_below",
        "_matcher",
        "app",
        "rules",
        "version",
        "wanted",
        "wanted_id",
        "warnings",
    )

    def __init__(self, rules: Sequence[Rule], *, app: str | None = None, keep: Wanted, now: float) -> None:
        self.app = app
        self.rules = tuple(sorted(rules, key=lambda rule: rule.id))
        self.wanted = _wanted(self.rules, keep)
        self.wanted_id = digests.wanted_id(digests.digests_of(self.wanted))
        self.version = version_of(app, keep, self.rules)
        self.warnings = tuple(_review_warnings(self.rules, now))
        self._matcher = Matcher(self.rules)
        self._below = _allowed_below(self.rules)

    def find(self, host: str, method: str, path: str) -> Match:
        """Which rules are asked, from host, method and path alone; costs time in the length of the path.

        ``method``: in upper case, ``WEBSOCKET`` for a WebSocket; for a preflight the one that it names.
        ``path``: as the router will see it, mount taken off, readable in one way only. NOT CHECKED:
        ``host``, since no rule can name one.
        """
        return self._matcher.find(method, path)

    def decide(self, match: Match, identity: Identity, now: float) -> Decision:
        """What the policy says about ``identity``; ``now`` in UTC epoch seconds."""
        return decide(match, identity, now)

    def allowances(self, path: str, raw: bytes | str | None, *, mount: str = "") -> frozenset[str]:
        """The odd forms that a rule permits in this path (``allow_in_path``, security rule 2); nearly always none.

        The literal prefix of the rule's pattern has to stand in the decoded path and, where the server gives one, in
        the raw one too, behind ``mount`` if that is left in it: ``/files%2Fx`` is not below ``/files``.
        """
        if not self._below:
            return _NOTHING
        segments = path.split("/")[1:]
        raw_segments = None if raw is None else _raw_segments(raw, mount)
        for prefix, forms in self._below:
            if segments[: len(prefix)] == prefix and (
                raw_segments is None or raw_segments[: len(prefix)] == prefix
            ):
                return forms
        return _NOTHING


def _raw_segments(raw: bytes | str, mount: str) -> list[str]:
    """Split before decoding, so that an encoded slash is part of its segment and not the end of it."""
    text = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
    segments = [unquote(segment) for segment in text.split("/")[1:]]
    mounted = mount.split("/")[1:]
    return segments[len(mounted) :] if segments[: len(mounted)] == mounted else segments


def _allowed_below(rules: Sequence[Rule]) -> list[tuple[list[str], frozenset[str]]]:
    """The literal prefixes with ``allow_in_path``; no two rules share one (``checks``)."""
    return [
        ([segment for segment in pattern.segments if segment is not None], rule.allow_in_path)
        for rule in rules
        if rule.allow_in_path
        for pattern in rule.patterns
    ]


def _wanted(rules: Sequence[Rule], keep: Wanted) -> Wanted:
    parts = [c.wanted() for rule in rules for c in (rule.allow, rule.deny) if c is not None]
    return Wanted(
        keep.groups.union(*(part.groups for part in parts)),
        keep.group_affixes.union(*(part.group_affixes for part in parts)),
        keep.claims.union(*(part.claims for part in parts)),
    )


def _review_warnings(rules: Sequence[Rule], now: float) -> list[str]:
    """Two weeks before a rule's ``review_by``, and ever after."""
    warnings = []
    for rule in rules:
        if rule.review_by is None:
            continue
        left = times.end_of(rule.review_by) - now
        if left <= _REVIEW_NOTICE_SECONDS:
            state = "is past" if left <= 0 else "is near"
            whom = f"; its owner is {rule.owner}" if rule.owner else ""
            warnings.append(f"{rule.place}: the review of rule '{rule.id}' by {rule.review_by} {state}{whom}")
    return warnings
