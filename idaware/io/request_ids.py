"""Ids for requests that bring none of their own: random, made many at a time.

Asking the kernel for randomness costs ten times what an id may cost; so a block is asked for, and cut up. A forked
child throws away what its parent had ready, or two requests would share an id.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable

from idaware.io.forks import after_fork

ID_BYTES = 8
BLOCK_IDS = 256


class RequestIds:
    """Call it for a fresh id of 16 hex digits. ``random_bytes(n)``: ``n`` random bytes."""

    def __init__(self, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._random_bytes = random_bytes
        self._make_anew()
        after_fork(self._make_anew)

    def __call__(self) -> str:
        """An id that was given to nobody else, whatever thread asks."""
        try:
            return self._ready.popleft()
        except IndexError:
            block = self._random_bytes(ID_BYTES * BLOCK_IDS)
            first, *others = (block[at : at + ID_BYTES].hex() for at in range(0, len(block), ID_BYTES))
            self._ready.extend(others)
            return first

    def _make_anew(self) -> None:
        self._ready: deque[str] = deque()
