"""Single flight among the tasks of an event loop (see ``flights.py``)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from weakref import WeakKeyDictionary

from idaware.effects import JsonAnswer
from idaware.errors import ProviderError, ProviderUnavailable
from idaware.io.flights import Landing, unpack


class AsyncFlights:
    """One fetch at a time for each key, among the tasks of each asyncio event loop.

    The fetch has a task of its own: a request that is cancelled while it waits takes neither the fetch
    nor the other waiters with it. The task ends by its own time limit.
    """

    def __init__(self) -> None:
        self._flying: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Task[Landing]]]
        self._flying = WeakKeyDictionary()

    async def share(self, key: str, fetch: Callable[[], Coroutine[Any, Any, JsonAnswer]]) -> JsonAnswer:
        """See ``Flights.share``."""
        flying = self._flying.setdefault(asyncio.get_running_loop(), {})
        task = flying.get(key)
        if task is None:
            task = flying[key] = asyncio.ensure_future(_land(fetch))
            task.add_done_callback(lambda _: flying.pop(key, None))
        await asyncio.wait((task,))  # unlike ``await task``: our cancellation does not cancel it
        if task.cancelled():
            raise ProviderUnavailable("the fetch of a document was stopped")
        return unpack(task.result())


async def _land(fetch: Callable[[], Coroutine[Any, Any, JsonAnswer]]) -> Landing:
    try:
        return await fetch()
    except ProviderError as error:
        return error
