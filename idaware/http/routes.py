"""Does the route that a framework dispatched to fit the path that the policy decided on? (security rule 6)

Belongs here: comparing a template's literal segments with the segments that the policy saw. A router may fold case,
merge slashes, decode twice or match anywhere in the path; where its template shows that it read another path than
the policy did, the request is refused. What must not: routing. Regular expressions are read in ``route_regex.py``.

INVARIANT: a framework that routed on the decided path is never refused for a template that it matched from the
path's first character on; what cannot be compared by its place is not compared.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

from idaware.http.route_regex import ANY, MAYBE, ONE, OPTIONAL_SLASH, marks_of_regex

RoutePart: TypeAlias = tuple[Literal["path", "regex", "unknown"], str]
"""One piece of a template that is made of several (Django's ``include``): how it is written, and its text."""

# Starlette's and FastAPI's {name:converter}; Flask's <converter(arguments):name>, Django's <converter:name>.
_PLACEHOLDER = re.compile(
    r"\{[A-Za-z_]\w*(?::(?P<curly>[A-Za-z_]\w*))?\}|<(?:(?P<angle>[^<>:(]+)(?:\(.*?\))?:)?[^<>:()]+>"
)
_ONE_SEGMENT = frozenset({None, "any", "default", "float", "int", "slug", "str", "string", "uuid"})
"""Converters that never take a slash. One that is not known may."""


class Shape(NamedTuple):
    """What of a template can be compared.

    ``literals``: places (those after an open end count from the path's end) and the segments that belong there.
    ``at_least``: how many segments there are, and at most unless ``open_ended``. ``lead``: the place of the
    first open end and the literal text that it begins with.
    """

    literals: tuple[tuple[int, str], ...]
    at_least: int
    open_ended: bool
    lead: tuple[int, str] | None


def route_agrees(template: str, path: str, *, prefix: bool = False) -> bool:
    """Whether every literal segment of ``template`` equals the segment of ``path`` at the same place.

    ``template`` is the framework's (``/jobs/{id}``, ``/jobs/<int:id>``); a segment with a placeholder in it may be
    anything, one that may take slashes any number of segments. ``prefix``: a mount, whose own application routes
    what follows. A trailing slash does not count.
    """
    return _agrees(_shape_of_template(template, prefix), path)


def parts_agree(parts: tuple[RoutePart, ...], path: str) -> bool:
    """The same for a template in several parts (Django's ``path`` and ``re_path``), the last of them the endpoint.

    A regular expression is compared as far as its literals have a place; letters as they are written, also under
    ``(?i)``. One without ``^`` counts as if it had one where its first segment is a whole literal (``admin/``):
    whoever matches in the middle of a path has a handler with any number of addresses.
    """
    return _agrees(_shape_of_parts(parts), path)


def mounted(decided: str, routed: str, root: str, outer_root: str) -> str:
    """What an application inside took off the decided path before its router looked at it; usually nothing.

    ``decided``: the path that the policy saw. ``routed``: the path that the router looked at. ``root`` and
    ``outer_root``: ``root_path`` or ``SCRIPT_NAME`` there and at our door. Where both paths are equal nothing was
    taken off, whatever an application says about its own address (``ProxyFix``, ``FORCE_SCRIPT_NAME``).
    """
    return "" if routed == decided else root[len(outer_root) :]


def _agrees(shape: Shape, path: str) -> bool:
    inner = path.strip("/")
    segments = inner.split("/") if inner else []
    literals, at_least, open_ended, lead = shape
    if len(segments) < at_least or (len(segments) > at_least and not open_ended):
        return False
    if (
        lead is not None
        and lead[1]
        and not (len(segments) > lead[0] and segments[lead[0]].startswith(lead[1]))
    ):
        return False
    for index, literal in literals:  # noqa: SIM110 - ``all`` costs as much again as the comparison
        if segments[index] != literal:
            return False
    return True


@lru_cache(maxsize=4096)
def _shape_of_template(template: str, prefix: bool) -> Shape:
    marks = _marks_of_template(template)
    return _shape(f"{marks.rstrip('/')}/{ANY}" if prefix else marks)


@lru_cache(maxsize=4096)
def _shape_of_parts(parts: tuple[RoutePart, ...]) -> Shape:
    marks = [
        marks_of_regex(text, endpoint=index == len(parts) - 1)
        if kind == "regex"
        else _marks_of_template(text)
        if kind == "path"
        else ANY
        for index, (kind, text) in enumerate(parts)
    ]
    return _shape("".join(marks))


def _marks_of_template(template: str) -> str:
    return _PLACEHOLDER.sub(
        lambda found: ONE if (found["curly"] or found["angle"]) in _ONE_SEGMENT else ANY, template
    )


def _shape(marks: str) -> Shape:
    inner = marks.rstrip(f"/{OPTIONAL_SLASH}").lstrip("/").replace(OPTIONAL_SLASH, ANY)
    segments = inner.split("/") if inner else []
    opens = [index for index, segment in enumerate(segments) if _is_open(segment)]
    first, last = (opens[0], opens[-1]) if opens else (len(segments), -1)
    literals = [
        (index if index < first else index - len(segments), segment)
        for index, segment in enumerate(segments)
        if (index < first or index > last) and not _is_marked(segment)
    ]
    lead = (first, re.split(f"[{ONE}{MAYBE}{ANY}]", segments[first])[0]) if opens else None
    return Shape(tuple(literals), len(segments) - len(opens), bool(opens), lead)


def _is_open(segment: str) -> bool:
    """It may take slashes; or it may be empty, and then there is no such segment."""
    return ANY in segment or (MAYBE in segment and not segment.strip(MAYBE))


def _is_marked(segment: str) -> bool:
    return ONE in segment or MAYBE in segment
