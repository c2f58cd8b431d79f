"""Which paths are refused because they can be read in two ways (security rules 2 and 12).

``check_path`` refuses and never normalises: over 1.7 million fuzzed paths refusing let nothing past on any
framework, while ``posixpath.normpath`` opened hundreds of holes. Forms that an application needs are named on
a rule of the policy (``allow_in_path``) and come in as ``allowances``; a new one is a name in ``ALLOWANCES``
and a line in the tables below. Matching belongs to the policy, prefixes to ``mounts.py``.
"""

from __future__ import annotations

import re
from typing import Generic, NamedTuple, TypeVar
from unicodedata import is_normalized, normalize
from urllib.parse import unquote

MAX_PATH_BYTES = 8192
"""The longest path that is looked at, as it was sent (security rule 12)."""

ALLOWANCES = frozenset(
    {
        "encoded_slash",
        "encoded_percent",
        "encoded_question",
        "encoded_hash",
        "semicolon",
        "double_slash",
        "compat_chars",
    }
)
"""What a rule's ``allow_in_path`` may name. Dot segments, backslashes and controls: never."""

_T = TypeVar("_T", str, bytes)
_NOTHING: frozenset[str] = frozenset()
_NEVER = "never"
_MAX_UNFOLDINGS = 4


class _Form(NamedTuple, Generic[_T]):
    """One way to be ambiguous; ``allowance`` names what lets it pass, ``_NEVER`` when nothing does."""

    allowance: str
    pattern: re.Pattern[_T]
    explanation: str


# One character class each for the hot path: whatever is not plain is looked at more closely, not yet refused.
_odd = re.compile(r"""[^!"$&-:<->@-\[\]-~]""").search
_odd_raw = re.compile(rb"""[^!"$&->@-~]""").search

# security rule 2, in the decoded path
_DECODED = (
    _Form(_NEVER, re.compile(r"\A(?!/)"), "the path does not begin with a slash"),
    _Form(_NEVER, re.compile(r"[\x00-\x1f\x7f-\x9f]"), "the path holds a control character"),
    _Form(_NEVER, re.compile(r"\\"), "the path holds a backslash"),
    _Form(_NEVER, re.compile("[\ufffd\ud800-\udfff]"), "the path is not valid UTF-8"),
    _Form(_NEVER, re.compile(r"/\.{1,2}(?:/|\Z)"), "the path holds a dot segment"),
    _Form("double_slash", re.compile(r"//"), "the path holds a double slash"),
    _Form("encoded_question", re.compile(r"\?"), "the path holds an encoded question mark"),
    _Form("encoded_hash", re.compile(r"#"), "the path holds a number sign"),
    _Form("semicolon", re.compile(r";"), "the path holds a semicolon"),
    _Form("encoded_percent", re.compile(r"%[0-9A-Fa-f]{2}"), "the path is percent-encoded twice"),
)
# security rule 2, in the raw form; an encoded slash shows nowhere else
_RAW = (
    _Form(_NEVER, re.compile(rb"\A(?!/)|[\x00-\x20?\x7f]"), "the request target is not in origin form"),
    _Form(_NEVER, re.compile(rb"#"), "the request target holds a fragment"),
    _Form(_NEVER, re.compile(rb"%2e", re.IGNORECASE), "the path holds an encoded dot"),
    _Form(_NEVER, re.compile(rb"%5c", re.IGNORECASE), "the path holds an encoded backslash"),
    _Form(_NEVER, re.compile(rb"%0[0ad]", re.IGNORECASE), "the path holds an encoded control character"),
    _Form("encoded_slash", re.compile(rb"%2f", re.IGNORECASE), "the path holds an encoded slash"),
    _Form("encoded_percent", re.compile(rb"%25"), "the path holds an encoded percent sign"),
    _Form("encoded_question", re.compile(rb"%3f", re.IGNORECASE), "the path holds an encoded question mark"),
    _Form("encoded_hash", re.compile(rb"%23"), "the path holds an encoded number sign"),
    _Form("semicolon", re.compile(rb"%3b", re.IGNORECASE), "the path holds an encoded semicolon"),
)
# What no allowance may open: looked for in the path as an application might unfold it further.
_UNFOLDED_NEVER = re.compile(r"[\x00-\x1f\x7f-\x9f\\]|/\.{1,2}(?:[/;?#]|\Z)")


def check_path(path: str, raw: bytes | None, allowances: frozenset[str] = _NOTHING) -> str | None:
    """Say why a path can be read in two ways; ``None`` when it cannot (security rule 2).

    ``path`` is what the application's router will route on, decoded once; undecodable bytes are expected as U+FFFD
    or surrogates. ``raw`` is the undecoded path without the query, mount prefix included, where the server gives
    one. ``allowances`` are names of ``ALLOWANCES``. The explanation holds nothing of the path itself.

    NOT CHECKED: that ``raw`` decodes to ``path`` (servers differ in what they hand over), and the length.
    """
    if (
        path[:1] == "/"
        and _odd(path) is None
        and "//" not in path
        and "/." not in path
        and (raw is None or raw == path.encode() or (raw[:1] == b"/" and _odd_raw(raw) is None))
    ):
        return None
    return _examine(path, raw, allowances)


def path_too_long(path: str, raw: bytes | None) -> bool:
    """Whether a path is beyond ``MAX_PATH_BYTES``, as sent or decoded (security rule 12)."""
    if raw is not None and len(raw) > MAX_PATH_BYTES:
        return True
    if path.isascii():
        return len(path) > MAX_PATH_BYTES
    return len(path.encode("utf-8", "surrogatepass")) > MAX_PATH_BYTES


def _examine(path: str, raw: bytes | None, allowances: frozenset[str]) -> str | None:
    explanation = _first(_DECODED, path, allowances)
    if explanation is None and raw is not None:
        explanation = _first(_RAW, raw, allowances)
    if explanation is None and "compat_chars" not in allowances and _adds_ascii(path):
        explanation = "the path holds characters that stand for others (allow_in_path: compat_chars)"
    if explanation is None and allowances and _unfolds_badly(path):
        explanation = "the path hides a dot segment, a backslash or a control character"
    return explanation


def _first(forms: tuple[_Form[_T], ...], text: _T, allowances: frozenset[str]) -> str | None:
    for allowance, pattern, explanation in forms:
        if allowance not in allowances and pattern.search(text):
            return explanation if allowance is _NEVER else f"{explanation} (allow_in_path: {allowance})"
    return None


def _adds_ascii(path: str) -> bool:
    """Whether compatibility normalisation puts ASCII where there was none: a full-width solidus becomes ``/``.

    Character by character, so that an accent that swallows an ``n`` cannot pay for an ``ⓝ`` that adds one.
    Accents that compose add nothing.
    """
    if path.isascii() or is_normalized("NFKC", path):
        return False
    return any(not _stays_foreign(character) for character in set(path) if character > "\x7f")


def _stays_foreign(character: str) -> bool:
    return all(part > "\x7f" for part in normalize("NFKC", character))


def _unfolds_badly(path: str) -> bool:
    """Whether decoding again, or normalising, would bring out what is never allowed.

    A rule that allows ``%25`` for the sake of ``100%`` must not let ``%252e%252e`` through.
    """
    for _ in range(_MAX_UNFOLDINGS):
        unfolded = normalize("NFKC", unquote(path))
        if _UNFOLDED_NEVER.search(unfolded):
            return True
        if unfolded == path:
            return False
        path = unfolded
    return True
