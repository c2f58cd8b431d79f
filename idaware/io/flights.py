"""Single flight among threads: whoever wants what is being fetched already waits for that fetch.

``async_flights.py`` does it among tasks; apart, so that a WSGI process never imports asyncio. A process that serves
from threads and from loops at once may fetch a document once in each: bounded by the number of loops, and nothing
has to wait across the border between a thread and a loop, which is where single flights deadlock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeAlias

from idaware.effects import JsonAnswer
from idaware.errors import ProviderError, ProviderUnavailable
from idaware.io.forks import after_fork

Landing: TypeAlias = JsonAnswer | ProviderError
"""What a flight brought. Each waiter raises an error of its own: threads must not share a traceback."""


def unpack(landing: Landing) -> JsonAnswer:
    """The answer, or the error raised anew."""
    if isinstance(landing, ProviderError):
        raise type(landing)(*landing.args)
    return landing


class _Flight:
    __slots__ = ("landed", "landing")

    def __init__(self) -> None:
        self.landed = threading.Event()
        self.landing: Landing | None = None


class Flights:
    """One fetch at a time for each key, among all threads. ``patience_seconds``: of whoever waits."""

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._make_anew()
        after_fork(self._make_anew)

    def share(self, key: str, fetch: Callable[[], JsonAnswer]) -> JsonAnswer:
        """``fetch()``, or what another thread's fetch for the same ``key`` brings.

        Raises what the fetch raised, and ``ProviderUnavailable`` when it takes too long.
        """
        while True:
            with self._lock:
                ahead = self._flying.get(key)
                if ahead is None:
                    flight = self._flying[key] = _Flight()
            if ahead is None:
                return self._fly(key, flight, fetch)
            if not ahead.landed.wait(self._patience_seconds):
                raise ProviderUnavailable("another request's fetch of the same document takes too long")
            if ahead.landing is not None:
                return unpack(ahead.landing)
            # Whoever fetched was stopped (not refused): the next one in line fetches.

    def _fly(self, key: str, flight: _Flight, fetch: Callable[[], JsonAnswer]) -> JsonAnswer:
        try:
            flight.landing = answer = fetch()
        except ProviderError as error:
            flight.landing = error
            raise
        finally:
            with self._lock:
                self._flying.pop(key, None)
            flight.landed.set()
        return answer

    def _make_anew(self) -> None:
        self._lock = threading.Lock()
        self._flying: dict[str, _Flight] = {}
