"""Does the route that a framework dispatched to fit the path that the policy decided on? (security rule 6)"""

from __future__ import annotations

import re
from functools import lru_cache

_STARLETTE_PATH = re.compile(r"\{[^{}:]*:path\}")
_FLASK_PATH = re.compile(r"<(?:path|any)\b[^<>]*>")


def route_agrees(template: str, path: str, *, prefix: bool = False) -> bool:
    """Whether every literal segment of ``template`` equals the segment of ``path`` at the same place.

    ``template`` is the framework's (``/jobs/{id}``, ``/jobs/<int:id>``); a segment with a placeholder in it may be
    anything, one that takes the rest of the path ends the comparison. ``prefix``: a mount, whose own application
    routes what follows. A trailing slash does not count.
    """
    literals, count, open_ended = _compiled(template)
    segments = path.strip("/").split("/")
    if len(segments) < count or (len(segments) > count and not (open_ended or prefix)):
        return count == 0 and segments == [""]
    return all(segments[index] == literal for index, literal in literals)


@lru_cache(maxsize=4096)
def _compiled(template: str) -> tuple[tuple[tuple[int, str], ...], int, bool]:
    """The literal segments with their places, how many segments there must be, whether more may follow."""
    literals: list[tuple[int, str]] = []
    segments = [segment for segment in template.strip("/").split("/") if segment]
    for index, segment in enumerate(segments):
        if _STARLETTE_PATH.search(segment) or _FLASK_PATH.search(segment):
            return tuple(literals), index, True
        if "{" not in segment and "<" not in segment:
            literals.append((index, segment))
    return tuple(literals), len(segments), False
