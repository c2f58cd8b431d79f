"""Audit records on their way to whoever watches: the terminal, and every browser that shows the live view.

Watching must not be what is watched: the view's own requests pass the gate and are recorded like all others, but are
counted here instead of shown, so that a window that reconnects does not push everything else off the screen.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final, TypeAlias

AuditRecord: TypeAlias = dict[str, Any]
Watcher: TypeAlias = Callable[[AuditRecord | None], object]
"""Is told each further record, and ``None`` when there will be no more. On any thread; must not wait."""

KEPT_RECORDS: Final = 500


class Feed:
    """The latest records, and who wants to hear of further ones. For any thread.

    ``own_rules``: rules whose requests are the view's own. ``left_out`` counts those.
    """

    def __init__(self, *, own_rules: frozenset[str] = frozenset(), limit: int = KEPT_RECORDS) -> None:
        self.left_out = 0
        self.closed = False
        self._own_rules = own_rules
        self._records: deque[AuditRecord] = deque(maxlen=limit)
        self._watchers: tuple[Watcher, ...] = ()
        self._lock = threading.Lock()

    def add(self, record: AuditRecord) -> None:
        """Take one record, as ``MemorySink.subscribe`` gives it."""
        with self._lock:
            if record.get("rule") in self._own_rules:
                self.left_out += 1
                return
            self._records.append(record)
            watchers = self._watchers
        for tell in watchers:
            tell(record)

    def since(self, event_id: str | None) -> list[AuditRecord]:
        """The records after the one with this ``event_id``, oldest first; all that are kept where it is not among
        them.
        """
        with self._lock:
            records = list(self._records)
        known = next((at for at, record in enumerate(records) if record.get("event_id") == event_id), -1)
        return records[known + 1 :]

    def watch(self, tell: Watcher) -> Callable[[], None]:
        """Tell of each further record; the result ends that."""
        with self._lock:
            self._watchers = (*self._watchers, tell)
        return lambda: self._forget(tell)

    def close(self) -> None:
        """There will be no more: everybody who waits goes home."""
        with self._lock:
            self.closed = True
            watchers, self._watchers = self._watchers, ()
        for tell in watchers:
            tell(None)

    def _forget(self, tell: Watcher) -> None:
        with self._lock:
            self._watchers = tuple(known for known in self._watchers if known is not tell)
