"""From bytes to a tree of nodes that know their place: syntax, sizes, aliases; nothing of what a policy means.

ruamel.yaml scans and parses; its events are composed here, because three things have to be known that a
loaded value no longer tells: the line and column of everything, whether a scalar was quoted, and whether a
key came twice. No tag is ever resolved and no object constructed (security rule 31).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)
from ruamel.yaml.reader import ReaderError

from idaware.errors import Problem

MAX_BYTES: Final = 16 * 1024 * 1024
MAX_DEPTH: Final = 32
MAX_ALIASED_NODES: Final = 10_000
"""How many nodes aliases may add to a document, all together (security rule 31)."""


class Place(NamedTuple):
    """Where something stands: file, line and column, both from 1. Line 0 stands for the whole source."""

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Scalar:
    """One text. ``plain``: it stood there without quotes, so YAML may take it for something else."""

    place: Place
    text: str
    plain: bool = False
    size: int = 1


@dataclass(slots=True)
class Sequence:
    """A list. ``size`` counts the nodes in it, aliases expanded."""

    place: Place
    items: list[Node] = field(default_factory=list)
    size: int = 1


@dataclass(slots=True)
class Mapping:
    """Keys and values in the order of the file, repeated keys included."""

    place: Place
    entries: list[tuple[Node, Node]] = field(default_factory=list)
    size: int = 1


Node: TypeAlias = "Scalar | Sequence | Mapping"


class Unreadable(Exception):
    """The document cannot be read on; holds the one problem that says why. Never leaves this module."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(str(place), message)


def read_document(text: bytes, source: str) -> Node | Problem:
    """Read one YAML (or JSON) document, or say what is wrong with it.

    ``text``: the file as it is, UTF-8, 16 MiB at most. ``source``: its name in messages.
    """
    try:
        return _compose(_decode(text, source), source)
    except Unreadable as error:
        return error.problem


def _decode(text: bytes, source: str) -> str:
    if len(text) > MAX_BYTES:
        raise Unreadable(Place(source), f"the file has {len(text)} bytes; at most {MAX_BYTES} are read")
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = _place_of(text.decode("latin-1"), error.start, source)
        raise Unreadable(place, "the file is not UTF-8 text") from error


def _place_of(text: str, position: int, source: str) -> Place:
    return Place(source, text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position))


def _compose(text: str, source: str) -> Node:
    events = YAML(typ="safe", pure=True).parse(text)
    try:
        composer = _Composer(source, events)
        return composer.document()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(source, mark.line + 1, mark.column + 1) if mark else Place(source)
        raise Unreadable(place, f"not valid YAML: {_said(error)}") from error
    except ReaderError as error:
        place = _place_of(text, error.position, source)
        raise Unreadable(place, "the file holds a control character, or another that YAML refuses") from error
    except (YAMLError, ValueError, OverflowError, AssertionError) as error:
        # ruamel lets impossible numbers in escapes and directives out as the last three
        raise Unreadable(Place(source), f"not valid YAML: {str(error).splitlines()[0]}") from error
    finally:
        events.close()


def _said(error: MarkedYAMLError) -> str:
    return ", ".join(str(part) for part in (error.context, error.problem) if part)


class _Composer:
    """Builds nodes from events; knows the anchors of its document and how much aliases have added."""

    def __init__(self, source: str, events: Iterator[Event]) -> None:
        self._source = source
        self._events = events
        self._anchors: dict[str, Node] = {}
        self._open: set[int] = set()
        self._aliased = 0

    def document(self) -> Node:
        """The only document of the stream."""
        next(self._events)  # the start of the stream
        start = next(self._events)
        if not isinstance(start, DocumentStartEvent):
            raise Unreadable(Place(self._source), "the file is empty; a policy begins with 'version: 1'")
        if start.version or start.tags:
            raise Unreadable(
                self._place(start), "YAML directives are not supported; take the '%' lines above out"
            )
        node = self._node(next(self._events), 0)
        next(self._events)  # the end of the document
        following = next(self._events)
        if isinstance(following, DocumentStartEvent):
            raise Unreadable(
                self._place(following), "a second document begins here; a policy is one document"
            )
        return node

    def _place(self, event: Event) -> Place:
        return Place(self._source, event.start_mark.line + 1, event.start_mark.column + 1)

    def _node(self, event: Event, depth: int) -> Node:
        place = self._place(event)
        if isinstance(event, AliasEvent):
            return self._alias(event, place)
        if depth > MAX_DEPTH:
            raise Unreadable(place, f"nested more than {MAX_DEPTH} levels deep")
        assert isinstance(event, (ScalarEvent, CollectionStartEvent))
        if event.tag:
            raise Unreadable(place, f"the tag '{event.tag}' is not supported; write plain YAML")
        node = self._empty(event, place)
        if event.anchor:
            if event.anchor in self._anchors:
                raise Unreadable(place, f"the anchor '&{event.anchor}' is defined twice")
            self._anchors[event.anchor] = node
        if not isinstance(node, Scalar):
            self._fill(node, depth)
        return node

    def _empty(self, event: Event, place: Place) -> Node:
        if isinstance(event, ScalarEvent):
            return Scalar(place, event.value, plain=event.style is None)
        return Mapping(place) if isinstance(event, MappingStartEvent) else Sequence(place)

    def _fill(self, node: Sequence | Mapping, depth: int) -> None:
        self._open.add(id(node))
        if isinstance(node, Mapping):
            while not isinstance(event := next(self._events), MappingEndEvent):
                key = self._node(event, depth + 1)
                value = self._node(next(self._events), depth + 1)
                if isinstance(value, Scalar) and value.plain and not value.text:
                    value = replace(value, place=key.place)  # nothing stands nowhere: its key tells more
                node.entries.append((key, value))
                node.size += key.size + value.size
        else:
            while not isinstance(event := next(self._events), SequenceEndEvent):
                item = self._node(event, depth + 1)
                node.items.append(item)
                node.size += item.size
        self._open.discard(id(node))

    def _alias(self, event: AliasEvent, place: Place) -> Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            raise Unreadable(place, f"the alias '*{event.anchor}' has no anchor '&{event.anchor}' before it")
        if id(node) in self._open:
            raise Unreadable(place, f"the alias '*{event.anchor}' stands inside its own anchor")
        self._aliased += node.size
        if self._aliased > MAX_ALIASED_NODES:
            raise Unreadable(place, f"aliases expand to more than {MAX_ALIASED_NODES} entries")
        return node
