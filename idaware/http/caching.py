"""What becomes of an application's caching headers when an identity is attached (security rule 26).

NOT CHECKED: headers for particular caches (``Surrogate-Control``, ``CDN-Cache-Control``): whoever sets one means it.
"""

from __future__ import annotations

import re
from functools import lru_cache

_VARY = ("Cookie", "Authorization")
_DIRECTIVE = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^,])+')
_SHARED = frozenset({"public", "s-maxage"})
# Values of the application, which has few: remembering them saves two parsers a request.
_MAX_REMEMBERED = 256
_NOT_SHARED = frozenset({"private", "no-store"})


def adjust_caching(
    cache_control: str | None, has_validator: bool, vary: str | None, *, attached: bool, public: bool
) -> tuple[str | None, str | None]:
    """The new ``(Cache-Control, Vary)`` of an application's answer; ``None`` leaves a header as it is.

    ``cache_control`` and ``vary`` are all values joined by a comma, ``None`` when there are none; a new value
    replaces all of them. ``has_validator``: whether the answer carries ``ETag`` or ``Last-Modified``. ``attached``:
    whether an identity went along with the request. ``public``: whether the deciding rule is public.

    With an identity: ``private`` with ``no-cache`` or ``no-store`` unless the application set its own; ``Vary``
    names what the identity came from. On a rule that is not public, ``public`` and ``s-maxage`` go, and what is left
    does not stay storable for shared caches. A public answer without an identity is untouched.
    """
    new_vary = _vary(vary) if attached else None
    if cache_control is not None:
        return (None if public else _not_shared(cache_control, attached)), new_vary
    if not attached:
        return None, None
    return ("private, no-cache" if has_validator else "private, no-store"), new_vary


@lru_cache(_MAX_REMEMBERED)
def kept_by_others(cache_control: str, *, public: bool) -> bool:
    """Whether a shared cache may keep an answer with this ``Cache-Control``, and what cookie there is with it.

    Only on a public rule: elsewhere ``adjust_caching`` makes it private.
    """
    names = {text.strip().lower() for text in _DIRECTIVE.findall(cache_control)}
    return public and names.isdisjoint(_NOT_SHARED)


@lru_cache(_MAX_REMEMBERED)
def _not_shared(cache_control: str, attached: bool) -> str | None:
    directives = [text for text in map(str.strip, _DIRECTIVE.findall(cache_control)) if text]
    names = [text.partition("=")[0].rstrip().lower() for text in directives]
    kept = [text for text, name in zip(directives, names, strict=True) if name not in _SHARED]
    if attached and not any(text.lower() in _NOT_SHARED for text in kept):
        kept.insert(0, "private")
    if not kept:  # a header cannot be empty, and no header at all would be open to heuristics
        kept.append("private")
    return None if kept == directives else ", ".join(kept)


@lru_cache(_MAX_REMEMBERED)
def _vary(vary: str | None) -> str | None:
    if vary is None or not vary.strip():
        return ", ".join(_VARY)
    present = {name.strip().lower() for name in vary.split(",")}
    if "*" in present:
        return None
    missing = [name for name in _VARY if name.lower() not in present]
    return ", ".join([vary.strip(), *missing]) if missing else None
