"""The bodies of ``healthz`` and ``readyz``: what probes read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from idaware.identity import Json
from idaware.pages.document import Page
from idaware.pages.problem import json_page

PartState: TypeAlias = Literal["ok", "degraded", "unavailable"]


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that readiness looks at: ``policy``, ``provider``, a sink. No secret in ``message``."""

    name: str
    state: PartState
    message: str | None = None


def healthz() -> Page:
    """The process answers; nothing else is looked at."""
    return json_page(200, {"status": "ok"})


def readyz(*, ready: bool, parts: Sequence[Part], detailed: bool) -> Page:
    """503 only while not ``ready`` (no policy yet, draining); a part that fails is ``degraded`` with 200.

    Anonymous callers get the status alone: ``detailed`` is for those who may know more.
    """
    impaired = any(part.state != "ok" for part in parts)
    status = "unavailable" if not ready else "degraded" if impaired else "ok"
    body: dict[str, Json] = {"status": status}
    if detailed:
        body["parts"] = {part.name: _part(part) for part in parts}
    return json_page(200 if ready else 503, body)


def _part(part: Part) -> Json:
    return {"status": part.state} if part.message is None else {"status": part.state, "message": part.message}
