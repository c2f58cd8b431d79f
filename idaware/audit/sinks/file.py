"""Records in a file that several worker processes append to, and that somebody else rotates."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Callable, Sequence

from idaware.audit.sinks.lines import LineWriter

_NEW_FILE_MODE = 0o640
_LOCK_TRIES = 50
_LOCK_PAUSE_SECONDS = 0.002


class FileSink:
    """Appends to the file at ``path``; makes it where it is missing, but not its directory.

    * A batch is one ``write`` with ``O_APPEND``: batches of several processes do not mix.
    * A file that was moved away or removed is noticed before each batch, and opened anew.
    * Where the file ends in the middle of a line, whoever tore it (a full disk, a killed process), the
      batch begins with a newline (audit promise 6). A lock tells that from a batch that another process is
      just writing; one that is held for long is not waited for.

    ``pause`` is called between two tries for the lock.
    """

    direct = False

    def __init__(
        self, path: str, *, pause: Callable[[], None] = lambda: time.sleep(_LOCK_PAUSE_SECONDS)
    ) -> None:
        self.name = f"file:{path}"
        self._path = path
        self._pause = pause
        self._fd: int | None = None
        self._writer = LineWriter()

    def write(self, lines: Sequence[bytes]) -> int:
        """See ``Sink.write``."""
        fd = self._current()
        locked = stat.S_ISREG(os.fstat(fd).st_mode) and self._lock(fd)
        try:
            self._writer.torn = _ends_torn(fd, self._writer.torn)
            return self._writer.write(fd, lines)
        finally:
            if locked:
                fcntl.lockf(fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """See ``Sink.close``."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _lock(self, fd: int) -> bool:
        """Keep other processes' batches out; whether that was possible soon. (A forked child has no share in it.)"""
        for _ in range(_LOCK_TRIES):
            try:
                fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:  # somebody writes, or the file system knows no locks
                self._pause()
            else:
                return True
        return False

    def _current(self) -> int:
        if self._fd is not None and _same_file(self._fd, self._path):
            return self._fd
        self.close()
        self._writer.torn = False
        self._fd = _open(self._path)
        return self._fd


def _open(path: str) -> int:
    """Readable as well where that is permitted: the last byte tells whether the last line is whole."""
    # O_NONBLOCK matters for named pipes only: one that nobody reads must fail, not wait.
    flags = os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    try:
        return os.open(path, flags | os.O_RDWR, _NEW_FILE_MODE)
    except PermissionError:
        return os.open(path, flags | os.O_WRONLY, _NEW_FILE_MODE)


def _same_file(fd: int, path: str) -> bool:
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return False
    return os.path.samestat(there, os.fstat(fd))


def _ends_torn(fd: int, known: bool) -> bool:
    """Whether the file's last line lacks its newline; ``known`` where the file does not tell."""
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        return known
    if status.st_size == 0:
        return False
    try:
        return os.pread(fd, 1, status.st_size - 1) != b"\n"
    except OSError:  # not opened for reading
        return known
