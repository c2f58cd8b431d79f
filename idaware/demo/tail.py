"""The records of an application of one's own: it writes them into a file, and this reads along."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from idaware.demo.feed import AuditRecord

ROUND_SECONDS: Final = 0.1


class Tail:
    """Reads ``path``, which need not be there yet, and hands each whole line to ``tell`` as a record.

    A thread looks every ``ROUND_SECONDS``: the writer does the same, so nothing would be won by more.
    """

    def __init__(self, path: Path, tell: Callable[[AuditRecord], None]) -> None:
        self._path = path
        self._tell = tell
        self._at = 0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="idaware-demo-records", daemon=True)

    def __enter__(self) -> Tail:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self.read()

    def _follow(self) -> None:
        while not self._done.wait(ROUND_SECONDS):
            self.read()

    def read(self) -> None:
        """Hand over what was written since the last time."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._at)
                text = file.read()
        except FileNotFoundError:
            return
        whole = text.rfind(b"\n") + 1
        self._at += whole
        for line in text[:whole].splitlines():
            self._tell_line(line)

    def _tell_line(self, line: bytes) -> None:
        try:
            record = msgspec.json.decode(line, type=dict)
        except msgspec.DecodeError:  # torn by a full disk; the record follows whole
            return
        self._tell(record)
