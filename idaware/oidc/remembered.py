"""A document of the provider that is fetched when needed, kept, and served stale while the provider is down.

Belongs here: lifetimes and cool-downs, for metadata and keys alike. State is two attributes that hold
immutable values and change only between yields; two flows that fetch at the same time both write a good
value, and the newer one stays. INVARIANT: callers who come while a fetch is under way are never told that it
failed: they get the document that is kept, and where there is none they join (the port makes one request of them).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from idaware.effects import Flow
from idaware.errors import ProviderMisbehaved, ProviderUnavailable

T = TypeVar("T")

STALE_SECONDS = 86_400
"""How long a document may serve while the provider brings no newer one (security rule 18)."""

RETRY_SECONDS = 5
"""After a fetch failed, how long the next one waits: a provider that is down costs one attempt in this time.
It begins when the attempt *ends*: one that answers nothing has taken as long as this before it fails."""

UNDER_WAY_SECONDS = 30
"""So long, at most, a fetch that began counts as under way; one that was cut off by a ``fork`` never ends."""


@dataclass(frozen=True, slots=True)
class Held(Generic[T]):
    """A document: where it came from, when it was asked for, until when it is not asked for again."""

    value: T
    source: str
    fetched: float
    fresh_until: float


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the last fetch brought nothing."""

    error: type[ProviderUnavailable] | type[ProviderMisbehaved]
    message: str
    at: float


class Remembered(Generic[T]):
    """The last good document and the last failure since.

    ``clock``: UTC epoch seconds, for when a fetch has ended; ``None`` takes the time that it began at.
    """

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self.held: Held[T] | None = None
        self.failure: Failure | None = None
        self._clock = clock
        self._began: float | None = None

    def usable(self, now: float, source: str) -> T | None:
        """The document, when it can be had without a fetch: it is fresh, or a fetch has just failed or is under way.

        So a provider that is slow holds up whoever asked first, not every thread there is.
        """
        held = self.held
        if held is None or held.source != source:
            return None
        if held.fetched <= now < held.fresh_until:
            return held.value
        return held.value if (self.resting(now) or self._is_under_way(now)) and _serves(held, now) else None

    def resting(self, now: float) -> bool:
        """Whether a fetch failed so recently that none is tried."""
        # abs: another thread's failure may have come a moment after this request took the time
        return self.failure is not None and abs(now - self.failure.at) < RETRY_SECONDS

    def _is_under_way(self, now: float) -> bool:
        return self._began is not None and abs(now - self._began) < UNDER_WAY_SECONDS

    def get(self, now: float, source: str, fetch: Callable[[], Flow[Held[T]]]) -> Flow[T]:
        """The document from ``source``: as it is kept, fetched, or stale when the fetch fails.

        Raises ``ProviderUnavailable`` or ``ProviderMisbehaved`` when there is none to serve.
        """
        usable = self.usable(now, source)
        if usable is not None:
            return usable
        try:
            return (yield from self.renew(now, fetch))
        except (ProviderUnavailable, ProviderMisbehaved):
            held = self.held
            if held is None or held.source != source or not _serves(held, now):
                raise
            return held.value

    def renew(self, now: float, fetch: Callable[[], Flow[Held[T]]]) -> Flow[T]:
        """Fetch the document, however fresh the kept one is; while resting, the last failure is raised again."""
        failure = self.failure
        if failure is not None and self.resting(now):
            raise failure.error(failure.message)
        before = self.held
        self._began = now
        try:
            held = yield from fetch()
        except (ProviderUnavailable, ProviderMisbehaved) as error:
            self.failure = Failure(type(error), str(error), now if self._clock is None else self._clock())
            raise
        finally:
            self._began = None
        if self.held is None or self.held is before or self.held.fetched <= held.fetched:
            self.held = held
        self.failure = None
        return held.value


def _serves(held: Held[T], now: float) -> bool:
    return now - held.fetched <= STALE_SECONDS
