"""Waiting for what another thread or process does: with a bound, and without guessing how long it takes."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(holds: Callable[[], bool], what: str, *, seconds: float = 20.0) -> None:
    """Wait until ``holds()``. Raises ``AssertionError`` that says what never came about."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)
