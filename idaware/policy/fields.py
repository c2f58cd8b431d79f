"""Typed reading of nodes. Each reader notes what is wrong, with its place, and goes on: all errors at once.

What the fields mean is said in ``read_rules`` and ``read_conditions``; here is only how a list, a mapping
or a text is read, and how a misspelt key is answered.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from idaware.errors import Problem
from idaware.policy import scalars
from idaware.policy.document import Mapping, Node, Place, Scalar, Sequence

_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(slots=True)
class Problems:
    """Everything that is wrong so far."""

    found: list[tuple[Place, str]] = field(default_factory=list)

    def add(self, place: Place, path: str, message: str) -> None:
        """Note one. ``path``: such as ``rules[3].allow``, from the top of its file; left out where there is none."""
        self.found.append((place, f"{path}: {message}" if path and place.line else message))

    def sorted(self) -> list[Problem]:
        """Each problem once, in the order of the files."""
        return [Problem(str(place), message) for place, message in sorted(set(self.found))]


def kind(node: Node) -> str:
    """What stands there, in words."""
    if isinstance(node, Scalar):
        return f"'{node.text[:60]}'" if node.text else "nothing"
    return "a mapping" if isinstance(node, Mapping) else "a list"


def suggest(name: str, known: Collection[str]) -> str:
    """``; did you mean 'groups'?``, or nothing."""
    close = difflib.get_close_matches(name.lower(), known, 1, 0.6)
    return f"; did you mean '{close[0]}'?" if close else ""


def read_mapping(node: Node, path: str, problems: Problems) -> dict[str, tuple[Scalar, Node]] | None:
    """The entries of a mapping by key; ``None`` (and a problem) for anything else, an empty one included."""
    if not isinstance(node, Mapping):
        problems.add(node.place, path, f"expected a mapping, found {kind(node)}")
        return None
    if not node.entries:
        problems.add(node.place, path, "an empty mapping says nothing; fill it or take it out")
        return None
    read: dict[str, tuple[Scalar, Node]] = {}
    for key, value in node.entries:
        name = read_text(key, path, problems, what="a key")
        if name is None or not isinstance(key, Scalar):
            continue
        if name in read:
            first = read[name][0].place
            problems.add(key.place, at(path, name), f"the key '{name}' comes twice; it is already at {first}")
            continue
        read[name] = key, value
    return read


def read_record(
    node: Node, path: str, problems: Problems, *, known: Collection[str], later: Collection[str] = ()
) -> dict[str, Node] | None:
    """A mapping with a closed set of keys. ``later``: keys that are right, but not supported yet."""
    entries = read_mapping(node, path, problems)
    if entries is None:
        return None
    record = {}
    for name, (key, value) in entries.items():
        if name in known:
            record[name] = value
        elif name in later:
            problems.add(key.place, at(path, name), f"'{name}' is not supported yet; take it out")
        else:
            hint = suggest(name, known)
            problems.add(key.place, at(path, name), f"unknown key '{name}'{hint}")
    return record


def at(path: str, name: str) -> str:
    """The path of a key inside ``path``."""
    return f"{path}.{name}" if path else name


def read_text(node: Node, path: str, problems: Problems, *, what: str = "text") -> str | None:
    """One text without control characters, not empty, not surrounded by blanks."""
    if not isinstance(node, Scalar):
        problems.add(node.place, path, f"expected {what}, found {kind(node)}")
    elif not scalars.is_text(node):
        if node.text:
            problems.add(node.place, path, f'{kind(node)} is not text in YAML; quote it: "{node.text[:60]}"')
        else:
            problems.add(node.place, path, f"expected {what}, found nothing")
    elif not node.text.strip() or node.text != node.text.strip():
        problems.add(
            node.place, path, f"expected {what}, found a text that is empty or begins or ends with a blank"
        )
    elif _CONTROLS.search(node.text):
        problems.add(node.place, path, f"expected {what} on one line, without control characters")
    else:
        return node.text
    return None


def read_word(node: Node, path: str, problems: Problems, words: Collection[str]) -> str | None:
    """One of a few words."""
    text = read_text(node, path, problems, what=f"one of {', '.join(words)}")
    if text is None or text in words:
        return text
    problems.add(
        node.place, path, f"expected one of {', '.join(words)}, found '{text[:60]}'{suggest(text, words)}"
    )
    return None


def read_bool(node: Node, path: str, problems: Problems) -> bool | None:
    """``true`` or ``false``."""
    value = scalars.as_bool(node) if isinstance(node, Scalar) else None
    if value is None:
        problems.add(node.place, path, f"expected true or false, found {kind(node)}")
    return value


def read_items(node: Node, path: str, problems: Problems) -> Iterator[tuple[str, Node]]:
    """The members of a list, each with its path; a problem for anything else, an empty list included."""
    if not isinstance(node, Sequence):
        example = f"; write a list: [{node.text[:60]}]" if isinstance(node, Scalar) and node.text else ""
        problems.add(node.place, path, f"expected a list, found {kind(node)}{example}")
        return
    if not node.items:
        problems.add(node.place, path, "an empty list says nothing; fill it or take it out")
    for index, item in enumerate(node.items):
        yield f"{path}[{index}]", item


def read_texts(
    node: Node, path: str, problems: Problems, *, what: str = "text"
) -> list[tuple[str, str, Scalar]]:
    """The texts of a list: each with its path and its node. One that comes twice is a problem."""
    read: list[tuple[str, str, Scalar]] = []
    seen = set()
    for item_path, item in read_items(node, path, problems):
        text = read_text(item, item_path, problems, what=what)
        if text is None or not isinstance(item, Scalar):
            continue
        if text in seen:
            problems.add(item.place, item_path, f"'{text}' comes twice in this list")
            continue
        seen.add(text)
        read.append((text, item_path, item))
    return read
