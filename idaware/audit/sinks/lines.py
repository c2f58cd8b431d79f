"""Whole lines to a file descriptor: what stdout and files share."""

from __future__ import annotations

import os
from collections.abc import Sequence


class LineWriter:
    """Writes batches of lines and remembers whether the last one ended in the middle of a line.

    After a short write (a full disk, a signal) the next batch begins with a newline, so that what is torn
    is one line, and no whole line is glued to it (audit promise 6).
    """

    def __init__(self) -> None:
        self.torn = False

    def write(self, fd: int, lines: Sequence[bytes]) -> int:
        """One ``write`` of all ``lines``; how many were written whole. Raises ``OSError``."""
        lead = b"\n" if self.torn else b""
        size = os.write(fd, lead + b"".join(lines)) - len(lead)
        if size < 0:
            return 0
        whole = 0
        for line in lines:
            if size < len(line):
                break
            size -= len(line)
            whole += 1
        self.torn = size > 0
        return whole
