"""The only reader of ``Cookie`` and the only writer of ``Set-Cookie``, for both adapters (security rule 22).

The reader works on the raw header and knows one question: is there exactly one cookie of exactly this name?
General parsers strip Unicode spaces from names, invent names for nameless cookies and let the last of two
win, and each of those lets another site under the same domain plant a session ("cookie tossing").
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final, Literal, TypeAlias


class _Duplicate(Enum):
    DUPLICATE = "duplicate"


Duplicate: TypeAlias = Literal[_Duplicate.DUPLICATE]
"""The type of ``DUPLICATE``."""

DUPLICATE: Final = _Duplicate.DUPLICATE
"""More than one cookie of our name: nobody can know which one is ours, so none is."""

MAX_FOUND = 32
"""How many cookies ``find_cookies_with_prefix`` returns at most."""

_BLANK = " \t"
# RFC 6265 section 4.1.1: token and cookie-octet.
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]*")
_PATH = re.compile(r"/[!-:<-~]*")
_SAMESITE = {"lax": "Lax", "strict": "Strict", "none": "None"}
_LONG_AGO = "Thu, 01 Jan 1970 00:00:00 GMT"


def find_cookie(header: str, name: str) -> str | Duplicate | None:
    """The value of the one cookie called ``name``; ``None`` when there is none, ``DUPLICATE`` when there are more.

    Byte-exact: pairs are split at ``;``, blanks (space, tab) around a pair do not count, anything else does,
    so a name with a Unicode space, in other case, or without an ``=`` is foreign. Two headers that a server
    joined with a comma make one pair, whose value no signature fits.
    """
    needle = name + "="
    before, found, rest = header.partition(needle)
    if not found:
        return None
    if needle not in rest and (not before or before.endswith("; ")):
        return rest.partition(";")[0].strip(_BLANK)
    return _only(header, needle)


def find_cookies_with_prefix(header: str, prefix: str) -> list[tuple[str, str]]:
    """``(name, value)`` of cookies whose names start with ``prefix``, in order, at most ``MAX_FOUND``."""
    if prefix not in header:
        return []
    found: list[tuple[str, str]] = []
    for pair in _pairs(header):
        name, equals, value = pair.partition("=")
        if equals and name.startswith(prefix) and len(found) < MAX_FOUND:
            found.append((name, value.strip(_BLANK)))
    return found


def set_cookie(
    name: str, value: str, *, max_age: int | None, secure: bool, samesite: str, path: str = "/"
) -> str:
    """A ``Set-Cookie`` value (RFC 6265 section 4.1.1): always ``HttpOnly``, never with a ``Domain``.

    ``max_age`` is in seconds; ``None`` lets the cookie end with the browser. Raises ``ValueError`` (never
    echoing the value) for anything that could inject or that a browser would drop: characters outside the
    grammar, a ``__Host-`` name without ``Secure`` or off the root, ``SameSite=None`` without ``Secure``.
    """
    _check_cookie(name, value, path)
    same = _SAMESITE.get(samesite.lower())
    if same is None:
        raise ValueError(f"SameSite is lax, strict or none, not {samesite!r}")
    if not secure and (same == "None" or name.lower().startswith(("__host-", "__secure-"))):
        raise ValueError(f"browsers drop the cookie {name} without Secure")
    age = "" if max_age is None else f"; Max-Age={int(max_age)}"
    return f"{name}={value}; Path={path}{age}; HttpOnly{'; Secure' if secure else ''}; SameSite={same}"


def expire_cookie(name: str, *, secure: bool, samesite: str, path: str = "/") -> str:
    """A ``Set-Cookie`` value that makes the browser forget the cookie."""
    return (
        f"{set_cookie(name, '', max_age=0, secure=secure, samesite=samesite, path=path)}; Expires={_LONG_AGO}"
    )


def _pairs(header: str) -> list[str]:
    return [pair.strip(_BLANK) for pair in header.split(";")]


def _only(header: str, needle: str) -> str | Duplicate | None:
    values = [pair[len(needle) :] for pair in _pairs(header) if pair.startswith(needle)]
    if len(values) > 1:
        return DUPLICATE
    return values[0].strip(_BLANK) if values else None


def _check_cookie(name: str, value: str, path: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError("a cookie's name is a token")
    if not _VALUE.fullmatch(value):
        raise ValueError(f"the value of the cookie {name} holds characters that cookies cannot")
    if not _PATH.fullmatch(path):
        raise ValueError(f"the path of the cookie {name} is no path")
    if name.lower().startswith("__host-") and path != "/":
        raise ValueError(f"browsers drop the cookie {name} off the root path")
