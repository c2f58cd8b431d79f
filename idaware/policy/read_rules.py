"""How rules are written: from nodes to ``Rule``, with every error at its place.

Errors of one rule are found here; those between rules (duplicates, our own endpoints, what can never be
reached) in ``checks``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from idaware.http.methods import KNOWN_METHODS, check_method
from idaware.http.paths import ALLOWANCES
from idaware.policy import fields
from idaware.policy.conditions import Condition, SignedIn
from idaware.policy.digests import digests_of
from idaware.policy.document import Node, Scalar
from idaware.policy.fields import Problems, at
from idaware.policy.model import Authorization, PolicyContext, Preflight, Require, Rule, Unauthenticated
from idaware.policy.patterns import Pattern, parse_pattern
from idaware.policy.read_conditions import Scope, read_condition
from idaware.policy.read_times import read_date, read_duration

_KEYS: Final = (
    "id",
    "paths",
    "methods",
    "allow",
    "deny",
    "require",
    "shared",
    "mode",
    "audit",
    "owner",
    "review_by",
    "reason",
    "unauthenticated",
    "preflight",
    "authorization",
    "origins",
    "allow_in_path",
)
_LATER: Final = ("hosts", "enforce_for", "preserve_post")
_NOT_ON_SHARED: Final = ("allow", "unauthenticated", "preflight", "authorization", "origins", "allow_in_path")
_NOT_ON_PUBLIC: Final = ("deny", "require", "unauthenticated", "allow_in_path")
_ID: Final = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)
_ORIGIN: Final = re.compile(
    r"https?://(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?", re.ASCII
)
_MAX_REASON: Final = 500

OTHER_METHODS: Final = frozenset(
    {
        *("ACL", "BIND", "CHECKIN", "CHECKOUT", "COPY", "LABEL", "LINK", "LOCK", "MERGE", "MKACTIVITY"),
        *("MKCALENDAR", "MKCOL", "MKWORKSPACE", "MOVE", "ORDERPATCH", "PROPFIND", "PROPPATCH", "PURGE"),
        *("QUERY", "REBIND", "REPORT", "SEARCH", "UNBIND", "UNCHECKOUT", "UNLINK", "UNLOCK", "UPDATE"),
        "VERSION-CONTROL",
    }
)
"""Further methods that somebody uses: never taken for a misspelt one (IANA's registry, and ``PURGE``)."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """One rule while it is read."""

    record: Mapping[str, Node]
    node: Node
    path: str
    problems: Problems
    context: PolicyContext
    aliases: Mapping[str, tuple[str, ...]]

    def wrong(self, key: str, message: str) -> None:
        """Note a problem with the value of a key."""
        self.problems.add(self.record[key].place, at(self.path, key), message)

    def word(self, key: str, words: tuple[str, ...]) -> str:
        """One of a few words; the first is the default."""
        if key not in self.record:
            return words[0]
        return fields.read_word(self.record[key], at(self.path, key), self.problems, words) or words[0]

    def text(self, key: str) -> str | None:
        """A text that may be missing."""
        return (
            fields.read_text(self.record[key], at(self.path, key), self.problems)
            if key in self.record
            else None
        )

    def texts(self, key: str, what: str) -> list[tuple[str, str, Scalar]]:
        """A list of texts that may be missing."""
        if key not in self.record:
            return []
        return fields.read_texts(self.record[key], at(self.path, key), self.problems, what=what)


def read_rule(
    node: Node,
    path: str,
    problems: Problems,
    context: PolicyContext,
    aliases: Mapping[str, tuple[str, ...]],
) -> Rule | None:
    """One rule, or ``None`` (and problems). A rule that comes back may still have problems: none of it counts then."""
    record = fields.read_record(node, path, problems, known=_KEYS, later=_LATER)
    if record is None:
        return None
    reading = _Reading(record, node, path, problems, context, aliases)
    shared = "shared" in record and fields.read_bool(record["shared"], at(path, "shared"), problems) is True
    public = isinstance(access := record.get("allow"), Scalar) and access.text == "public"
    _check_keys(reading, shared=shared, public=public)
    allowances = _read_allowances(reading)
    patterns = _read_patterns(reading, allowances)
    rule_id = _read_id(reading)
    allow, deny = _read_conditions(reading, patterns, public=public)
    _read_later_words(reading)
    review_by = (
        read_date(record["review_by"], at(path, "review_by"), problems) if "review_by" in record else None
    )
    return Rule(
        id=rule_id or "",
        patterns=patterns,
        place=node.place,
        methods=_read_methods(reading),
        public=public,
        shared=shared,
        allow=allow,
        deny=deny,
        requires=_read_require(reading),
        needs=_needs(allow, deny),
        owner=reading.text("owner"),
        reason=_read_reason(reading),
        review_by=review_by,
        unauthenticated=cast(
            Unauthenticated, reading.word("unauthenticated", ("auto", "redirect", "challenge"))
        ),
        preflight=cast(Preflight, reading.word("preflight", ("refuse", "pass"))),
        authorization=cast(Authorization, reading.word("authorization", ("ours", "app"))),
        origins=_read_origins(reading),
        allow_in_path=allowances,
    )


def _needs(*conditions: Condition | None) -> frozenset[str]:
    return frozenset().union(
        *(digests_of(condition.wanted()) for condition in conditions if condition is not None)
    )


def _check_keys(reading: _Reading, *, shared: bool, public: bool) -> None:
    """Keys that are missing, and keys that would say nothing here (security rule 30)."""
    place, path, problems = reading.node.place, reading.path, reading.problems
    for key in ("id", "paths"):
        if key not in reading.record:
            problems.add(place, path, f"'{key}' is missing")
    if shared and not {"deny", "require"} & reading.record.keys():
        problems.add(place, path, "a shared rule needs 'deny' or 'require'")
    if not shared and "allow" not in reading.record:
        problems.add(
            place, path, "'allow' is missing (or 'shared: true', for a rule that is applied beside others)"
        )
    for key in (*(_NOT_ON_SHARED if shared else ()), *(_NOT_ON_PUBLIC if public else ())):
        if key in reading.record:
            what = "a shared" if shared else "a public"
            reading.wrong(key, f"'{key}' has no place on {what} rule")


def _read_id(reading: _Reading) -> str | None:
    text = reading.text("id")
    if text is not None and not _ID.fullmatch(text):
        reading.wrong("id", f"'{text[:70]}': an id has 1 to 64 of a-z, 0-9 and '-'")
        return None
    return text


def _read_patterns(reading: _Reading, allowances: frozenset[str]) -> tuple[Pattern, ...]:
    patterns: dict[object, Pattern] = {}
    for text, path, item in reading.texts("paths", "a path pattern"):
        pattern = parse_pattern(text, item.place, allowances)
        if isinstance(pattern, str):
            reading.problems.add(item.place, path, pattern)
        elif pattern.shape in patterns:
            same = patterns[pattern.shape].text
            reading.problems.add(item.place, path, f"'{text}' is the same pattern as '{same}' in this list")
        else:
            patterns[pattern.shape] = pattern
    return tuple(sorted(patterns.values(), key=lambda pattern: pattern.text))


def _read_methods(reading: _Reading) -> tuple[str, ...]:
    methods = []
    for text, path, item in reading.texts("methods", "a method"):
        wrong = _wrong_method(text)
        if wrong:
            reading.problems.add(item.place, path, wrong)
        methods.append(text)
    return tuple(sorted(methods))


def _wrong_method(text: str) -> str | None:
    """Security rule 7. WebSockets have a method of their own: the right to read must not open a channel to write."""
    if text in KNOWN_METHODS or text in OTHER_METHODS:
        return None
    if text in ("TRACE", "CONNECT"):
        return f"{text} is always refused"
    if check_method(text) is not None:
        return f"'{text[:40]}' is no method; methods are written in upper case{_upper_hint(text)}"
    hint = fields.suggest(text.lower(), [method.lower() for method in KNOWN_METHODS | OTHER_METHODS])
    return f"unknown method '{text}'{hint.upper().replace('DID YOU MEAN', 'did you mean')}" if hint else None


def _upper_hint(text: str) -> str:
    return f": {text.upper()}" if text.upper() in KNOWN_METHODS | OTHER_METHODS else ""


def _read_allowances(reading: _Reading) -> frozenset[str]:
    forms = reading.texts("allow_in_path", "a form")
    for text, path, item in forms:
        if text not in ALLOWANCES:
            known = sorted(ALLOWANCES)
            hint = fields.suggest(text, known)
            message = f"expected one of {', '.join(known)}, found '{text[:60]}'{hint}"
            reading.problems.add(item.place, path, message)
    return frozenset(text for text, _, _ in forms) & ALLOWANCES


def _read_conditions(
    reading: _Reading, patterns: tuple[Pattern, ...], *, public: bool
) -> tuple[Condition | None, Condition | None]:
    captures = frozenset.intersection(*(pattern.names for pattern in patterns)) if patterns else frozenset()
    record, path = reading.record, reading.path
    scope = Scope(reading.problems, reading.context, reading.aliases, captures, lets_in=True)
    allow = (
        read_condition(record["allow"], at(path, "allow"), scope)
        if "allow" in record and not public
        else None
    )
    scope = Scope(reading.problems, reading.context, reading.aliases, captures, lets_in=False)
    deny = read_condition(record["deny"], at(path, "deny"), scope) if "deny" in record else None
    if allow is not None and reading.context.multi_tenant and not allow.names_somebody():
        reading.wrong(
            "allow", "anybody can sign in at this issuer, so this lets everybody in; name groups or people"
        )
    if allow is not None and isinstance(deny, SignedIn):
        reading.wrong("deny", "'signed_in' denies everybody whom 'allow' could let in")
    return allow, deny


def _read_require(reading: _Reading) -> Require | None:
    if "require" not in reading.record:
        return None
    path, problems = at(reading.path, "require"), reading.problems
    record = fields.read_record(
        reading.record["require"], path, problems, known=("acr", "amr", "auth_within")
    )
    if record is None:
        return None
    acr, amr = (
        tuple(sorted(text for text, _, _ in fields.read_texts(record[key], at(path, key), problems)))
        if key in record
        else ()
        for key in ("acr", "amr")
    )
    within = (
        read_duration(record["auth_within"], at(path, "auth_within"), problems)
        if "auth_within" in record
        else None
    )
    return Require(acr, amr, within)


def _read_reason(reading: _Reading) -> str | None:
    text = reading.text("reason")
    if text is not None and len(text) > _MAX_REASON:
        reading.wrong("reason", f"at most {_MAX_REASON} characters are shown, found {len(text)}")
    return text


def _read_origins(reading: _Reading) -> tuple[str, ...]:
    origins = reading.texts("origins", "an origin")
    for text, path, item in origins:
        if not _ORIGIN.fullmatch(text):
            message = (
                f"'{text[:80]}' is no origin; write scheme and host in lower case: https://admin.corp.example"
            )
            reading.problems.add(item.place, path, message)
    return tuple(sorted(text for text, _, _ in origins))


def _read_later_words(reading: _Reading) -> None:
    """``mode`` and ``audit`` know more words than are supported; what is not is said, never ignored."""
    for key, words, supported in (
        ("mode", ("enforce", "shadow"), "enforce"),
        ("audit", ("normal", "required", "counted"), "normal"),
    ):
        word = reading.word(key, words)
        if word != supported:
            reading.wrong(key, f"'{key}: {word}' is not supported yet; take it out")
