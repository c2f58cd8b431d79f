"""What of a regular expression in a URL pattern has a place in the path: its literal characters (security rule 6).

Belongs here: reading a pattern, cautiously. Nothing is matched; what is not understood counts as "anything". The
result is the pattern's text with marks in place of what is not literal; marks are control characters, which no path
that reaches the application holds.
"""

from __future__ import annotations

import re
from typing import Final

ONE: Final = "\x00"
"""Something that is not empty and takes no slash."""
MAYBE: Final = "\x01"
"""Something that may be empty and takes no slash."""
ANY: Final = "\x02"
"""Something that may take slashes."""
OPTIONAL_SLASH: Final = "\x03"
"""``/?``: at the end of a path a slash does not count."""

# One character that may be a slash among others. Alone it counts as one that is none: where it was a slash, the path
# has another segment than the pattern shows, and that is a difference.
_DOT: Final = "\x04"

_QUANTIFIER = re.compile(r"(?:[*+?]|\{(?:\d+(?:,\d*)?|,\d*)\})[+?]?")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_FLAGS = re.compile(r"\(\?[aiLmsu]+\)")
_GROUP = re.compile(r"\((?:\?(?:P<\w+>|[aiLmsu-]*:)|(?!\?))")
_NO_WIDTH = re.compile(r"[\^$]|\\[AZzbB]|\(\?#[^)]*\)")
_AROUND = re.compile(r"\(\?<?[=!]")
_ANCHORED = re.compile(r"(?:\(\?[aiLmsu]+\))?(?:\^|\\A)")


def marks_of_regex(regex: str, *, endpoint: bool) -> str:
    """The literals and slashes of ``regex``, with marks for the rest.

    ``endpoint``: it has to match to the end of the path if it says so (``$``), and else leaves the rest open. A
    pattern without ``^`` may match in the middle; see ``routes.parts_agree``.
    """
    try:
        marks = _Reader(regex).whole()
    except _NotUnderstood:
        return ANY
    whole = endpoint and regex.endswith("$")  # Django asks for a full match then, and else searches
    if not (whole or _ANCHORED.match(regex) or _begins_with_whole_literal(marks)):
        marks = ANY + marks
    if endpoint and not (whole or regex.endswith((r"\Z", r"\z"))):
        marks += ANY
    return marks.replace(_DOT, ONE)


def _begins_with_whole_literal(marks: str) -> bool:
    head, slash, _ = marks.partition("/")
    return bool(slash) and not any(mark in head for mark in (ONE, MAYBE, ANY, OPTIONAL_SLASH, _DOT))


class _NotUnderstood(Exception):
    """Something that this module does not read; never leaves it."""


class _Reader:
    """Reads one pattern from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def whole(self) -> str:
        """The marks of the whole pattern. One with alternatives has no ends of its own: ``^`` is the first one's."""
        marks = self._sequence()
        if self._at < len(self._text):
            raise _NotUnderstood
        return marks

    def _alternatives(self) -> str:
        """Up to the end, or to the parenthesis that closes a group."""
        branches = [self._sequence()]
        while self._took("|"):
            branches.append(self._sequence())
        return branches[0] if len(branches) == 1 else _blurred(*branches)

    def _sequence(self) -> str:
        marks = ""
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            atom = self._atom()
            quantifier = self._match(_QUANTIFIER)
            marks += atom if quantifier is None else _repeated(atom, quantifier)
        return marks

    def _atom(self) -> str:
        if self._match(_NO_WIDTH) is not None or self._match(_FLAGS) is not None:
            return ""
        if self._match(_AROUND) is not None:
            self._closed()
            return ""
        if self._match(_GROUP) is not None:
            return self._closed()
        found = self._match(_CLASS)
        if found is not None:
            return _one_of(found)
        character = self._next()
        if character == "\\":
            return self._escaped()
        if character == "(":
            raise _NotUnderstood  # (?x), conditions, references, atomic groups
        return _DOT if character == "." else character

    def _escaped(self) -> str:
        character = self._next()
        if character in ("d", "w", "s", "D", "W", "S"):
            return _one_of("\\" + character)
        if not character or character.isalnum():
            raise _NotUnderstood  # \1, \x2f, \N{...}
        return character

    def _closed(self) -> str:
        marks = self._alternatives()
        if not self._took(")"):
            raise _NotUnderstood
        return marks

    def _next(self) -> str:
        self._at += 1
        return self._text[self._at - 1 : self._at]

    def _took(self, token: str) -> bool:
        if not self._text.startswith(token, self._at):
            return False
        self._at += len(token)
        return True

    def _match(self, pattern: re.Pattern[str]) -> str | None:
        found = pattern.match(self._text, self._at)
        if found is None:
            return None
        self._at = found.end()
        return found[0]


def _one_of(characters: str) -> str:
    """A class of characters, asked in the language that it is written in."""
    return _DOT if re.fullmatch(characters, "/") else ONE


def _repeated(atom: str, quantifier: str) -> str:
    if atom == "/" and quantifier[0] == "?":
        return OPTIONAL_SLASH
    blurred = _blurred(atom)
    return MAYBE if blurred == ONE and quantifier.startswith(("*", "?", "{0", "{,")) else blurred


def _blurred(*branches: str) -> str:
    """One mark for any of ``branches``."""
    if any(slash in branch for branch in branches for slash in ("/", ANY, OPTIONAL_SLASH, _DOT)):
        return ANY
    return ONE if all(branch.strip(MAYBE) for branch in branches) else MAYBE
