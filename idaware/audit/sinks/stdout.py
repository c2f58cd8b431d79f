"""Records on standard output, for containers: whoever collects the application's log collects them too.

The file descriptor is written, not ``sys.stdout``: no buffer of the application's stands between.
"""

from __future__ import annotations

import os
import select
import stat
import time
from collections.abc import Callable, Iterator, Sequence

from idaware.audit.record import MAX_RECORD_BYTES
from idaware.audit.sinks.lines import LineWriter

PATIENCE_SECONDS = 0.5
"""So long a batch waits for whoever reads, all in all."""


class StdoutSink:
    """Standard output, or another open file descriptor (``fd``).

    On anything but a regular file each ``write`` holds whole lines of 4,096 bytes at most together: on a
    pipe that is atomic (POSIX ``PIPE_BUF``), so that lines of several processes never mix. A pipe that
    nobody reads is not waited for: it counts as failing.
    """

    direct = False

    def __init__(self, fd: int = 1, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = "stdout"
        self._fd = fd
        self._clock = clock
        self._writer = LineWriter()

    def write(self, lines: Sequence[bytes]) -> int:
        """See ``Sink.write``."""
        if stat.S_ISREG(os.fstat(self._fd).st_mode):
            return self._writer.write(self._fd, lines)
        deadline = self._clock() + PATIENCE_SECONDS
        written = 0
        for portion in _portions(lines):
            try:
                whole = self._write_portion(portion, deadline)
            except OSError:
                if not written:
                    raise
                break
            written += whole
            if whole < len(portion):
                break
        return written

    def close(self) -> None:
        """Standard output is not ours to close."""

    def _write_portion(self, portion: list[bytes], deadline: float) -> int:
        # ``select`` is cooperative under gevent, where a write that waits would stop the hub.
        patience = max(0.0, deadline - self._clock())
        if not select.select([], [self._fd], [], patience)[1]:
            raise TimeoutError("nobody reads it")
        return self._writer.write(self._fd, portion)


def _portions(lines: Sequence[bytes]) -> Iterator[list[bytes]]:
    portion: list[bytes] = []
    size = 0
    for line in lines:
        if size + len(line) > MAX_RECORD_BYTES and portion:
            yield portion
            portion, size = [], 0
        portion.append(line)
        size += len(line)
    yield portion
