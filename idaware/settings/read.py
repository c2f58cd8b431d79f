"""From variables and keyword arguments to values: which were given, where, and what is wrong with each.

One setting at a time. What contradicts what is for ``checks.py``.
"""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Final, TypeAlias

from idaware.errors import Problem
from idaware.settings.kinds import MAX_SHOWN, MalformedError, NotYetError, show, text_of
from idaware.settings.rows import SETTINGS
from idaware.settings.strength import HOW_TO_MAKE_ONE
from idaware.settings.table import PREFIX_OF_NAMES, Setting, injected_by_kubernetes

ReadText: TypeAlias = Callable[[str], str]
"""Reads a file as UTF-8 text; raises ``OSError`` or ``ValueError``."""

Environ: TypeAlias = Mapping[str, str]
Overrides: TypeAlias = Mapping[str, object]

MAX_FILE_BYTES: Final = 262_144
"""No secret is larger; another file by mistake may be."""


def read_file(path: str) -> str:
    """Read the file of a secret. Raises ``OSError``, or ``ValueError`` for what is no text or too large."""
    with Path(path).open("rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise ValueError("too large")
    return content.decode()


@dataclass(frozen=True, slots=True)
class Given:
    """A value as it came: ``where`` is the variable, or ``name=`` for a keyword argument."""

    where: str
    raw: object = field(repr=False)
    from_file: bool = False


@dataclass(slots=True)
class Draft:
    """What has been read so far. A name that is missing in ``values`` is one whose value is a problem."""

    values: dict[str, Any] = field(default_factory=dict, repr=False)
    places: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def where(self, name: str) -> str:
        """Where ``name`` was given; its variable when it was not."""
        return self.places.get(name, PREFIX_OF_NAMES + name.upper())


def read(environ: Environ, overrides: Overrides, read_text: ReadText) -> Draft:
    """Read every setting; problems are collected, none is raised."""
    draft = Draft()
    draft.problems += _unknown_variables(environ)
    draft.problems += _unknown_keywords(overrides)
    for setting in SETTINGS:
        read_one(setting, environ, overrides, read_text, draft)
    return draft


def read_one(
    setting: Setting, environ: Environ, overrides: Overrides, read_text: ReadText, draft: Draft
) -> None:
    """Read one setting into ``draft``."""
    try:
        given = _find(setting, environ, overrides)
        if given is None:
            _without(setting, draft)
            return
        draft.places[setting.name] = given.where
        draft.values[setting.name] = _value(setting, _content(given, read_text), given)
    except _Wrong as wrong:
        draft.problems.append(wrong.problem)


class _Wrong(Exception):
    """Ends the reading of one setting; never leaves this module."""

    def __init__(self, where: str, message: str) -> None:
        self.problem = Problem(where, message)


def _without(setting: Setting, draft: Draft) -> None:
    if not setting.required:
        draft.values[setting.name] = setting.default_value
        return
    hint = f"; {HOW_TO_MAKE_ONE}" if setting.name == "secret_keys" else ""
    draft.problems.append(Problem(setting.variable, f"is missing; expected {setting.kind.expected}{hint}"))


def _find(setting: Setting, environ: Environ, overrides: Overrides) -> Given | None:
    """The one place that gives ``setting``; an argument beats the environment."""
    names = (setting.name, f"{setting.name}_file") if setting.secret else (setting.name,)
    if setting.keyword and any(overrides.get(name) is not None for name in names):
        return _only(
            [
                Given(f"{name}=", overrides[name], from_file=name != setting.name)
                for name in names
                if _says_something(overrides.get(name))
            ]
        )
    return _only(
        [
            Given(variable, environ[variable], from_file=variable != setting.variable)
            for variable in setting.variables
            if _says_something(environ.get(variable))
        ]
    )


def _says_something(raw: object) -> bool:
    """Whether ``raw`` is more than an empty list or the empty text that ``X=`` leaves."""
    if isinstance(raw, str):
        return bool(raw.strip())
    return raw is not None and not (isinstance(raw, Collection) and not raw)


def _only(found: list[Given]) -> Given | None:
    if len(found) > 1:
        raise _Wrong(found[0].where, f"and {found[1].where} are both set; expected one of them")
    return found[0] if found else None


def _content(given: Given, read_text: ReadText) -> object:
    if not given.from_file:
        return given.raw
    path = _path_of(given)
    try:
        return read_text(path)
    except OSError as error:
        why = f"cannot be read ({error.strerror or type(error).__name__})"
    except ValueError:  # not UTF-8, or too large; the error's own text would show a part of the secret
        why = f"is no UTF-8 text of {MAX_FILE_BYTES} bytes at most"
    raise _Wrong(given.where, f"names the file {_show_path(path)}, which {why}")


def _path_of(given: Given) -> str:
    try:
        if isinstance(given.raw, str | PathLike):
            return text_of(given.raw)
    except MalformedError:
        pass
    raise _Wrong(given.where, "holds no path; expected the path of a file")


def _show_path(path: str) -> str:
    """The path for a message, unless it looks as if somebody had put the secret itself there."""
    return (
        show(path) if re.match(r"\.{0,2}/|[A-Za-z]:\\", path) else "(not shown: it does not look like a path)"
    )


def _value(setting: Setting, raw: object, given: Given) -> object:
    if setting.later:
        return _later_value(setting, raw, given)
    kind = setting.kind
    try:
        return kind.read(raw)
    except NotYetError as not_yet:
        raise _Wrong(
            given.where, f"asks for {not_yet}: not supported yet; expected {kind.expected}"
        ) from None
    except MalformedError as malformed:
        hint = f" ({malformed})" if str(malformed) else ""
        raise _Wrong(given.where, f"{_held(setting, given)}; expected {kind.expected}{hint}") from None


def _later_value(setting: Setting, raw: object, given: Given) -> object:
    """Security rule 30: what is not in force yet is never ignored; only its default may be spelt out."""
    with contextlib.suppress(MalformedError):
        value = setting.kind.read(raw)
        if value == setting.default_value:
            return value
    raise _Wrong(given.where, "is not supported yet; leave it out")


def _held(setting: Setting, given: Given) -> str:
    if given.from_file:
        return f"names the file {_show_path(_path_of(given))}, whose content is not shown"
    if setting.secret or setting.kind.discreet:
        return "holds something that is not shown"
    return f"holds {show(given.raw)}"


def _unknown_variables(environ: Environ) -> Iterator[Problem]:
    known = [variable for setting in SETTINGS for variable in setting.variables]
    short_names = [variable.removeprefix(PREFIX_OF_NAMES) for variable in known]
    for name in environ:
        # The value of an unknown name is never shown: it may be a secret under a misspelt name.
        if (
            name.upper().startswith(PREFIX_OF_NAMES)
            and name not in known
            and not injected_by_kubernetes(name)
        ):
            nearest = _nearest(name.upper().removeprefix(PREFIX_OF_NAMES), short_names)
            yield Problem(_printable(name), _unknown(nearest and PREFIX_OF_NAMES + nearest))


def _unknown_keywords(overrides: Overrides) -> Iterator[Problem]:
    known = [
        variable[len(PREFIX_OF_NAMES) :].lower() for s in SETTINGS if s.keyword for variable in s.variables
    ]
    for name in overrides:
        if name not in known:
            yield Problem(f"{_printable(name)}=", _unknown(_nearest(name, known)))


def _printable(name: str) -> str:
    return name if name.isprintable() else ascii(name)


def _nearest(name: str, known: list[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name[:MAX_SHOWN], known, n=1)), None)


def _unknown(nearest: str | None) -> str:
    return (
        f"is unknown; did you mean {nearest}?" if nearest else "is unknown; `idaware env` lists what there is"
    )
