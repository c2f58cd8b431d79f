"""Records in memory, for tests and the demo."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import msgspec

_log = logging.getLogger("idaware.audit")

Subscriber: TypeAlias = Callable[[dict[str, Any]], None]


class MemorySink:
    """Keeps the last ``limit`` records (all of them by default) and tells whoever subscribed.

    Each record is there as soon as ``Trail.emit`` returns; no thread is involved.
    """

    direct = True

    def __init__(self, limit: int | None = None) -> None:
        self.name = "memory"
        self.lines: deque[bytes] = deque(maxlen=limit)
        self._subscribers: tuple[Subscriber, ...] = ()

    @property
    def records(self) -> list[dict[str, Any]]:
        """What the lines say, oldest first, as a reader of the log would see it."""
        return [msgspec.json.decode(line) for line in list(self.lines)]

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call ``subscriber`` with each further record, on the thread that emits it; the result ends that."""
        self._subscribers = (*self._subscribers, subscriber)
        return lambda: self._unsubscribe(subscriber)

    def clear(self) -> None:
        """Forget every record."""
        self.lines.clear()

    def write(self, lines: Sequence[bytes]) -> int:
        """See ``Sink.write``."""
        for line in lines:
            self.lines.append(line)
            for subscriber in self._subscribers:
                self._tell(subscriber, line)
        return len(lines)

    def close(self) -> None:
        """Nothing to let go of: the records stay."""

    def _tell(self, subscriber: Subscriber, line: bytes) -> None:
        try:
            subscriber(msgspec.json.decode(line))
        except Exception:  # noqa: BLE001 - promise 4: who listens never fails a request
            _log.warning("a subscriber to audit records failed and is dropped", exc_info=True)
            self._unsubscribe(subscriber)

    def _unsubscribe(self, subscriber: Subscriber) -> None:
        self._subscribers = tuple(known for known in self._subscribers if known != subscriber)
