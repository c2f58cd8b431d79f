"""Whether memory stays flat under cookies that nobody signed, each of them different."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from itertools import count
from typing import Any

import bare
from guarded import Guard
from visitor import OWN_COOKIES, PROGRAM_HEADERS, scope


def blocks_kept(guard: Guard, cookies: int) -> int:
    """How many blocks of memory the interpreter holds more after so many forged cookies than after a thousand."""
    numbers = count()
    _send(guard, numbers, 1000)
    before = _blocks(guard)
    _send(guard, numbers, cookies)
    return _blocks(guard) - before


def _send(guard: Guard, numbers: Iterator[int], requests: int) -> None:
    template = scope(PROGRAM_HEADERS, "")
    name, signature = guard.codec.session_name, guard.codec.encode(guard.session()).rpartition(".")[2]
    for _ in range(requests):
        cookie = f"{OWN_COOKIES}; {name}={next(numbers):0600d}.{signature}"
        headers = [*template["headers"][:-1], (b"cookie", cookie.encode())]
        _visit(guard, {**template, "headers": headers})


def _visit(guard: Guard, scope: dict[str, Any]) -> None:
    try:
        guard.asgi(scope, bare._receive, bare._send).send(None)
    except StopIteration:
        return


def _blocks(guard: Guard) -> int:
    guard.runtime.trail.flush()
    gc.collect()
    return sys.getallocatedblocks()
