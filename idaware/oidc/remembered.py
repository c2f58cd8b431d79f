"""A document of the provider that is fetched when needed, kept, and served stale while the provider is down.

Belongs here: lifetimes and cool-downs, for metadata and keys alike. State is two attributes that hold
immutable values and change only between yields; two flows that fetch at the same time both write a good
value, and the newer one stays. INVARIANT: nothing here is marked *before* a fetch, so that callers who come
while one is under way join it (the port makes one request of them) instead of being told that it failed.
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
"""After a failed fetch, how long the next one waits: a provider that is down costs one attempt in this time."""


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
    """The last good document and the last failure since."""

    def __init__(self) -> None:
        self.held: Held[T] | None = None
        self.failure: Failure | None = None

    def usable(self, now: float, source: str) -> T | None:
        """The document, when it can be had without a fetch: it is fresh, or a fetch has just failed."""
        held = self.held
        if held is None or held.source != source:
            return None
        if held.fetched <= now < held.fresh_until or (self.resting(now) and _serves(held, now)):
            return held.value
        return None

    def resting(self, now: float) -> bool:
        """Whether a fetch failed so recently that none is tried."""
        return self.failure is not None and 0 <= now - self.failure.at < RETRY_SECONDS

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
        try:
            held = yield from fetch()
        except (ProviderUnavailable, ProviderMisbehaved) as error:
            self.failure = Failure(type(error), str(error), now)
            raise
        if self.held is None or self.held is before or self.held.fetched <= held.fetched:
            self.held = held
        self.failure = None
        return held.value


def _serves(held: Held[T], now: float) -> bool:
    return now - held.fetched <= STALE_SECONDS
