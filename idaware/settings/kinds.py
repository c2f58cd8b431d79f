"""Kinds of values: how one setting is read from text, or from the Python value of a keyword argument.

Belongs here: what is not about the web (``web.py`` has addresses, hosts, paths, headers). A kind knows one
value and nothing of other settings. What does not fit raises ``MalformedError`` with a hint, or
``NotYetError``; the reader (``read.py``) makes the whole sentence out of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from os import PathLike, fspath
from typing import Final

from idaware.settings.client_key import USABLE, signing_alg
from idaware.settings.secret import Secret
from idaware.settings.strength import HOW_TO_MAKE_ONE, weakness

MAX_SHOWN = 80
MAX_TEXT = 2048

_DURATION: Final = re.compile(r"([0-9]{1,6})([smhd])", re.ASCII)
_UNIT_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_CREDENTIALS: Final = re.compile(r"//.*@", re.DOTALL)


class MalformedError(ValueError):
    """The value does not fit. The text says what is wrong beyond "expected …", and may be empty."""


class NotYetError(ValueError):
    """A value of a later release. The text is the part of the value that is not supported yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How a value is read.

    * ``expected``: completes "expected …" in messages and the column "holds" in the reference.
    * ``read``: the value, from text or from a natural Python value; raises ``MalformedError`` or ``NotYetError``.
    * ``nothing``: the value of a setting that is not given and has no default.
    * ``secret``: may be given as ``X_FILE``; its value is in no message.
    * ``later``: values that later releases bring; naming one is a ``NotYetError``.
    * ``discreet``: no secret, but may hold one inside (an address with a password): is in no message either.
    """

    expected: str
    read: Callable[[object], object]
    nothing: object = None
    secret: bool = False
    discreet: bool = False
    later: tuple[str, ...] = ()


def show(raw: object) -> str:
    """What a setting held, fit for a message: quoted, on one line, cut, without credentials of an address."""
    if isinstance(raw, bool | int | float):
        return f"{raw!r} (a Python {type(raw).__name__})"
    if not isinstance(raw, str):
        return f"a Python {type(raw).__name__}"
    text = _CREDENTIALS.sub("//…@", raw)
    return repr(text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…")


def text_of(raw: object) -> str:
    """``raw`` as text without surrounding blanks; a path object is fine, any other type is not."""
    if isinstance(raw, PathLike):
        raw = fspath(raw)
    if not isinstance(raw, str):
        raise MalformedError("")
    text = raw.strip()
    if not text.isprintable():  # surrogates of undecodable bytes included
        raise MalformedError("it has characters that cannot be printed")
    if len(text) > MAX_TEXT:
        raise MalformedError(f"more than {MAX_TEXT} characters")
    return text


def items_of(raw: object) -> list[str]:
    """The members of a comma list, or of a Python list, tuple or set (whose members may hold commas)."""
    if isinstance(raw, str):
        members: list[object] = list(raw.split(","))
    elif isinstance(raw, list | tuple):
        members = list(raw)
    elif isinstance(raw, set | frozenset):
        members = sorted(raw, key=str)
    else:
        raise MalformedError("")
    texts = [text_of(member) for member in members]
    if "" in texts:
        raise MalformedError("one of the list is empty")
    return texts


def text(expected: str, pattern: str = r".+") -> Kind:
    """Text that matches ``pattern`` as a whole."""
    compiled = re.compile(pattern)

    def read(raw: object) -> str:
        value = text_of(raw)
        if compiled.fullmatch(value) is None:
            raise MalformedError("")
        return value

    return Kind(expected=expected, read=read)


def one_of(*choices: str, later: tuple[str, ...] = ()) -> Kind:
    """One of a few words; ``later`` are words of later releases."""

    def read(raw: object) -> str:
        value = text_of(raw)
        if value in later:
            raise NotYetError(show(value))
        if value not in choices:
            raise MalformedError("")
        return value

    return Kind(expected=" or ".join(f"`{choice}`" for choice in choices), read=read, later=later)


def _read_boolean(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    match text_of(raw).lower():
        case "true":
            return True
        case "false":
            return False
    raise MalformedError("")


BOOLEAN: Final = Kind(expected="`true` or `false`", read=_read_boolean, nothing=False)


def _read_duration(raw: object) -> int:
    if isinstance(raw, timedelta):
        seconds = raw.total_seconds()
        if seconds != int(seconds):
            raise MalformedError("whole seconds only")
    else:
        value = text_of(raw)
        match = _DURATION.fullmatch(value)
        if match is None:
            raise MalformedError("a bare number says no unit" if value.isdigit() else "")
        seconds = int(match[1]) * _UNIT_SECONDS[match[2]]
    if seconds <= 0:
        raise MalformedError("it must be longer than nothing")
    return int(seconds)


DURATION: Final = Kind(
    expected="a duration with its unit, such as `90s`, `15m`, `8h`, `7d`", read=_read_duration
)


def list_of(expected: str, item: Callable[[str], object], separator: str = "comma list") -> Kind:
    """A list whose members ``item`` reads; a member that is there twice counts once."""

    def read(raw: object) -> tuple[object, ...]:
        return tuple(dict.fromkeys(item(member) for member in items_of(raw)))

    return Kind(expected=f"a {separator} of {expected}", read=read, nothing=())


def words(*choices: str, noun: str) -> Kind:
    """A comma list of words out of a closed set."""

    def item(member: str) -> str:
        if member not in choices:
            raise MalformedError(f"{show(member)} is none of them")
        return member

    return list_of(f"{noun} out of {', '.join(f'`{choice}`' for choice in choices)}", item)


def matching(expected: str, pattern: str) -> Kind:
    """A comma list of texts, each of which matches ``pattern`` as a whole."""
    compiled = re.compile(pattern)

    def item(member: str) -> str:
        if compiled.fullmatch(member) is None:
            raise MalformedError(f"{show(member)} is not one")
        return member

    return list_of(expected, item)


def pairs_of(
    expected: str, pair: Callable[[str, str], tuple[str, str]], fold: Callable[[str], str] = str
) -> Kind:
    """A comma list of ``name=value``, or a Python mapping; no name twice, as ``fold`` spells it."""

    def split(member: str) -> tuple[str, str]:
        name, equals, value = member.partition("=")
        if not equals or not name.strip():
            raise MalformedError(f"{show(member)} has no name before an equals sign")
        return pair(name.strip(), value.strip())

    def read(raw: object) -> tuple[tuple[str, str], ...]:
        if isinstance(raw, Mapping):
            found = [pair(text_of(name), text_of(value)) for name, value in raw.items()]
        else:
            found = [split(member) for member in items_of(raw)]
        names = [fold(name) for name, _ in found]
        if len(set(names)) != len(names):
            raise MalformedError("a name comes twice")
        return tuple(found)

    return Kind(expected=expected, read=read, nothing=())


def _secret_text(raw: object) -> str:
    """A secret's own text: nothing is taken off but the line break at its end, which editors add."""
    value = raw.reveal() if isinstance(raw, Secret) else raw
    if not isinstance(value, str):
        raise MalformedError("")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise MalformedError("it is not UTF-8 text") from None  # the error's own text would show the secret
    return value.rstrip("\r\n")


def _read_secret(raw: object) -> Secret:
    value = _secret_text(raw)
    if not value.strip():
        raise MalformedError("it is empty")
    if not value.isprintable():
        raise MalformedError("it has line breaks or other characters that cannot be printed")
    return Secret(value)


SECRET: Final = Kind(expected="a secret on one line", read=_read_secret, secret=True)

_PEM: Final = re.compile(
    r"\s*-----BEGIN (?P<label>(?:[A-Z]+ )?PRIVATE KEY)-----\s[A-Za-z0-9+/=\s]+-----END (?P=label)-----\s*",
    re.ASCII,
)


def _read_private_key(raw: object) -> Secret:
    value = _secret_text(raw)
    if "BEGIN ENCRYPTED" in value or "Proc-Type:" in value:
        raise MalformedError("it is encrypted; idaware asks for no passphrase")
    if _PEM.fullmatch(value) is None:
        raise MalformedError("")
    if signing_alg(value) is None:
        raise MalformedError(f"it is not {USABLE}")
    return Secret(value)


PRIVATE_KEY: Final = Kind(
    expected="one private key in PEM, not encrypted (`-----BEGIN PRIVATE KEY-----` …)",
    read=_read_private_key,
    secret=True,
)


def _strong(key: str, name: str) -> Secret:
    problem = weakness(key)  # security rule 23
    if problem is not None:
        raise MalformedError(f"{name} {problem}; {HOW_TO_MAKE_ONE}")
    if not key.isprintable():
        raise MalformedError(f"{name} has characters that cannot be printed")
    return Secret(key)


def _read_key(raw: object) -> Secret:
    return _strong(_secret_text(raw).strip(), "it")


KEY: Final = Kind(expected="a random key of 32 bytes or more", read=_read_key, secret=True)


def _read_keys(raw: object) -> tuple[Secret, ...]:
    members = list(raw) if isinstance(raw, list | tuple) else re.split(r"[,\r\n]", _secret_text(raw))
    texts = [text for text in (_secret_text(member).strip() for member in members) if text]
    if not texts:
        raise MalformedError(f"it is empty; {HOW_TO_MAKE_ONE}")
    if len(set(texts)) != len(texts):
        raise MalformedError("the same key is there twice")
    return tuple(_strong(text, f"key {number}") for number, text in enumerate(texts, 1))


KEYS: Final = Kind(
    expected="random keys of 32 bytes or more each, newest first, one a line or separated by commas",
    read=_read_keys,
    nothing=(),
    secret=True,
)
