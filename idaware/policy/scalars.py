"""What a plain scalar is: text, or one of the things that YAML takes for something else (security rule 31).

YAML 1.1 and 1.2 disagree about ``no``, ``1_000`` or ``2026-01-01``, and people forget all three. What
either of them would read as anything but text is not text here, unless it stands in quotes.
"""

from __future__ import annotations

import re
from typing import Final

from idaware.policy.document import Scalar

_BOOL_LIKE: Final = r"y|n|yes|no|on|off|true|false"
_NULL_LIKE: Final = r"null|~|"
_INT: Final = r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-f_]+|[0-9][0-9_]*(?::[0-5]?[0-9])*)"
_FLOAT: Final = (
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9_]+|[0-9][0-9_]*)(?:e[-+]?[0-9]+)?"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.inf|\.nan"
)
_TIME: Final = r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:t|[ \t]+)[0-9]{1,2}:[0-9]{2}.*)?"
_NOT_TEXT: Final = re.compile(
    rf"(?:{_BOOL_LIKE}|{_NULL_LIKE}|{_INT}|{_FLOAT}|{_TIME}|=|<<)", re.IGNORECASE | re.ASCII | re.DOTALL
)
_PLAIN_INT: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})", re.ASCII)


def is_text(scalar: Scalar) -> bool:
    """Whether every reader of YAML would take it for text."""
    return not scalar.plain or _NOT_TEXT.fullmatch(scalar.text) is None


def as_bool(scalar: Scalar) -> bool | None:
    """``true`` or ``false``, written so and without quotes; ``None`` for everything else."""
    return {"true": True, "false": False}.get(scalar.text) if scalar.plain else None


def as_int(scalar: Scalar) -> int | None:
    """A plain decimal number; ``None`` for everything else."""
    return int(scalar.text) if scalar.plain and _PLAIN_INT.fullmatch(scalar.text) else None
