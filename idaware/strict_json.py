"""JSON that has one reading: what two parsers may read in two ways is refused (security rules 12 and 16).

For whatever comes from outside and is decided on: tokens, documents of the provider. Linear in the length of the text.
"""

from __future__ import annotations

import json
import math
import re
from typing import Final, NoReturn

from idaware.identity import Json

MAX_NUMBER_CHARS: Final = 32
"""How long a number may be written: more than any identifier or time, far less than Python's own limit."""

# A string that does not end goes on to the end of the text: tried again from each of its quotes, it would cost the
# square of its length.
_NESTING: Final = re.compile(
    r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|(?P<opens>[\[{])|(?P<closes>[\]}])', re.DOTALL
)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class AmbiguousJson(ValueError):
    """JSON that two readers may read in two ways, or that is too deep to read."""


def read_json(text: str, *, max_depth: int) -> Json:
    """Read one JSON document (RFC 8259) whose lists and objects nest ``max_depth`` levels at most.

    Raises ``AmbiguousJson`` for duplicate names, ``NaN``, infinities, long numbers, lone surrogates and nesting that is
    too deep, and plain ``ValueError`` for what is no JSON at all.
    """
    _check_depth(text, max_depth)
    document: Json = json.loads(
        text,
        object_pairs_hook=_unique,
        parse_constant=_no_constant,
        parse_int=_bounded_int,
        parse_float=_finite_float,
    )
    # An escaped lone surrogate is text that cannot be written anywhere, a record included.
    if "\\u" in text and _SURROGATE.search(json.dumps(document, ensure_ascii=False)):
        raise AmbiguousJson("half a surrogate pair in a text")
    return document


def _check_depth(text: str, max_depth: int) -> None:
    depth = 0
    for found in _NESTING.finditer(text):
        if found.lastgroup == "opens":
            depth += 1
            if depth > max_depth:
                raise AmbiguousJson(f"more than {max_depth} levels")
        elif found.lastgroup == "closes":
            depth -= 1


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):  # parsers differ on which one counts
        raise AmbiguousJson("a name occurs twice in one object")
    return members


def _no_constant(name: str) -> NoReturn:
    raise AmbiguousJson(f"{name} is not a number")


def _bounded_int(digits: str) -> int:
    if len(digits) > MAX_NUMBER_CHARS:
        raise AmbiguousJson(f"a number with {len(digits)} characters")
    return int(digits)


def _finite_float(digits: str) -> float:
    number = float(digits)
    if len(digits) > MAX_NUMBER_CHARS or not math.isfinite(number):
        raise AmbiguousJson("a number that is too long or too large")
    return number
