"""Path patterns as they are written: their syntax, when two are the same, when two may match one path.

Which of several patterns decides is ``match``'s business; which *requests* are readable is
``idaware/http/paths.py``'s.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from idaware.http.paths import MAX_PATH_BYTES, check_path, path_too_long
from idaware.policy.document import Place

MAX_SEGMENTS: Final = 64
_CAPTURE: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]{0,63})\}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Pattern:
    """``/teams/{team}/**``: what it says, segment by segment.

    * ``segments``: literal text, or ``None`` where any one segment stands. ``rest``: ends in ``**``.
    * ``captures``: names of segments with their position.
    * ``place``: where it stands in the policy.
    """

    text: str
    segments: tuple[str | None, ...]
    rest: bool
    captures: tuple[tuple[str, int], ...]
    place: Place

    @property
    def shape(self) -> tuple[tuple[str | None, ...], bool]:
        """Equal for patterns that are the same: capture names and a trailing slash do not count."""
        return self.segments, self.rest

    @property
    def names(self) -> frozenset[str]:
        """The names that it captures."""
        return frozenset(name for name, _ in self.captures)

    def overlaps(self, other: Pattern) -> bool:
        """Whether some path is matched by both."""
        mine, theirs = self.segments, other.segments
        if any(a != b for a, b in zip(mine, theirs, strict=False) if a is not None and b is not None):
            return False
        if len(mine) == len(theirs):
            return True
        shorter = self if len(mine) < len(theirs) else other
        return shorter.rest


def parse_pattern(text: str, place: Place, allowances: frozenset[str] = frozenset()) -> Pattern | str:
    """Read one pattern, or say what is wrong with it.

    ``allowances``: forms that the rule allows in paths (``allow_in_path``), so its patterns may hold them too.
    """
    if not text.startswith("/"):
        return f"a path pattern begins with '/', found '{text[:60]}'"
    if path_too_long(text, None):
        return f"no request can match a pattern of more than {MAX_PATH_BYTES} bytes"
    if "//" in text:
        return "'//' in a pattern matches nothing"
    parts = text[1:].removesuffix("/").split("/") if text != "/" else []
    if len(parts) > MAX_SEGMENTS:
        return f"a pattern has {MAX_SEGMENTS} segments at most, found {len(parts)}"
    rest = parts[-1:] == ["**"]
    if rest:
        parts.pop()
    return _read(text, parts, rest, place, allowances)


def _read(text: str, parts: list[str], rest: bool, place: Place, allowances: frozenset[str]) -> Pattern | str:
    segments: list[str | None] = []
    captures: list[tuple[str, int]] = []
    for position, part in enumerate(parts):
        named = _CAPTURE.fullmatch(part)
        if named and any(named[1] == name for name, _ in captures):
            return f"'{part}' is captured twice in '{text}'"
        if named:
            captures.append((named[1], position))
        elif part != "*" and (wrong := _not_literal(part)):
            return f"{wrong} in '{text}'"
        segments.append(None if named or part == "*" else part)
    # Patterns are held to what requests are held to (security rules 2 and 4): the others could match nothing.
    ambiguous = check_path("/" + "/".join(segment or "x" for segment in segments), None, allowances)
    if ambiguous:
        return f"no request can match '{text}': {ambiguous}"
    return Pattern(text, tuple(segments), rest, tuple(captures), place)


def _not_literal(part: str) -> str | None:
    """Why a segment is no literal text (security rule 5: no regular expressions, no partial wildcards)."""
    if part == "**":
        return "'**' stands for the rest of a path, so it may only be the last segment"
    if "*" in part:
        return f"'{part[:60]}': a wildcard stands for a whole segment ('*', or '**' at the end)"
    if "{" in part or "}" in part:
        return f"'{part[:60]}': a capture is a whole segment, '{{name}}', of letters, digits and '_'"
    return None
