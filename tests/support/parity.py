"""One scenario, both adapters, every place: the same status, headers, bodies and records, byte for byte."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from support.site import ADAPTERS, Answer, Site

BELOW_A_PREFIX = ("stripped", "mounted", "server")

# What differs on purpose: identifiers, durations, and what only the record of a mount says.
_DIFFERS = ("event_id", "duration_ms", "mount", "settings_digest")


def parity(scenario: Callable[..., None] | None = None, **setup: Any) -> Any:
    """Make a test of ``scenario(site, …)``, which asks the site things and checks what it expects.

    ``setup`` goes to ``Site``; values that are callable are called anew for each site. The scenario may have further
    parameters, for ``pytest.mark.parametrize``.
    """
    if scenario is None:
        return lambda scenario: parity(scenario, **setup)

    def transcript(adapter: str, place: str, **parameters: Any) -> list[Any]:
        made = {name: value() if callable(value) else value for name, value in setup.items()}
        site = Site(adapter, place, **made)
        scenario(site, **parameters)
        return [_comparable(answer) for answer in site.answers]

    @pytest.mark.parametrize("places", [("plain",), BELOW_A_PREFIX], ids=["at the root", "below a prefix"])
    def test(places: tuple[str, ...], **parameters: Any) -> None:
        first, *others = (
            transcript(adapter, place, **parameters) for place in places for adapter in ADAPTERS
        )
        for other in others:
            assert other == first

    signature = inspect.signature(scenario)
    kept = [name for name in signature.parameters if name != "site"]
    names = ["places", *kept]
    test.__signature__ = inspect.Signature(  # what pytest reads parameters from
        [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names]
    )
    test.__name__ = scenario.__name__
    test.__qualname__ = scenario.__qualname__
    test.__module__ = scenario.__module__
    test.__doc__ = scenario.__doc__
    test.pytestmark = [*test.pytestmark, *getattr(scenario, "pytestmark", [])]
    return test


def _comparable(answer: Answer) -> Any:
    records = [
        {key: value for key, value in record.items() if key not in _DIFFERS} for record in answer.records
    ]
    headers = [] if answer.status == 101 else sorted(answer.headers)  # a WebSocket is not cached
    return answer.status, headers, answer.body, type(answer.error), records
