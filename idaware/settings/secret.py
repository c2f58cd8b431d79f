"""A text that must not be shown."""

from __future__ import annotations

import hmac


class Secret:
    """A secret text whose ``repr`` and ``str`` hide it; ``reveal()`` gives it away, on purpose and in one place.

    Equality takes the same time wherever two secrets differ (security rule 32).
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself. Never for a message, a log line, a record or a page."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(hidden)"

    __str__ = __repr__  # security rule 29: an f-string shows nothing either

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        mine, theirs = (text.encode("utf-8", "surrogatepass") for text in (self._text, other._text))
        return hmac.compare_digest(mine, theirs)

    def __hash__(self) -> int:
        return hash((Secret, self._text))
