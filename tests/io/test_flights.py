"""Whoever wants what is being fetched already waits for that fetch, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from idaware.effects import JsonAnswer
from idaware.errors import ProviderMisbehaved, ProviderUnavailable
from idaware.io.async_flights import AsyncFlights
from idaware.io.flights import Flights

ANSWER = JsonAnswer(200, {"keys": []})


class Fetch:
    """A fetch that takes until it is let go; ``others`` want the same document meanwhile."""

    def __init__(self, result: JsonAnswer | BaseException = ANSWER) -> None:
        self.result = result
        self.calls = 0
        self.begun = threading.Event()
        self.let_go = threading.Event()

    def __call__(self) -> JsonAnswer:
        self.calls += 1
        self.begun.set()
        assert self.let_go.wait(10)
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result


def outcome(share: Callable[[], JsonAnswer], results: list[object]) -> threading.Thread:
    """A thread that notes what ``share`` brings."""

    def work() -> None:
        try:
            results.append(share())
        except BaseException as error:
            results.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def together(flights: Flights, fetch: Fetch, waiting: int = 3) -> list[object]:
    """One thread fetches, ``waiting`` others come while it does; what each of them gets, the first one first."""
    results: list[object] = []
    threads = [outcome(lambda: flights.share("key", fetch), results)]
    assert fetch.begun.wait(10)
    others: list[object] = []
    threads += [outcome(lambda: flights.share("key", fetch), others) for _ in range(waiting)]
    fetch.let_go.set()
    for thread in threads:
        thread.join(10)
    return results + others


def test_a_document_is_fetched_once_for_all_threads_that_want_it_at_once() -> None:
    fetch, flights = Fetch(), Flights(10.0)
    leader: list[object] = []
    first = outcome(lambda: flights.share("key", fetch), leader)
    assert fetch.begun.wait(10)
    flight = flights._flying["key"]
    arrived = threading.Semaphore(0)
    really_wait = flight.landed.wait
    flight.landed.wait = lambda timeout=None: arrived.release() or really_wait(timeout)  # type: ignore[method-assign] - to see them arrive
    others: list[object] = []
    threads = [outcome(lambda: flights.share("key", fetch), others) for _ in range(3)]
    for _ in threads:
        assert arrived.acquire(timeout=10)
    fetch.let_go.set()
    for thread in [first, *threads]:
        thread.join(10)
    assert (fetch.calls, leader, others) == (1, [ANSWER], [ANSWER] * 3)


def test_a_later_wish_is_a_fetch_of_its_own() -> None:
    fetch, flights = Fetch(), Flights(10.0)
    fetch.let_go.set()
    flights.share("key", fetch)
    flights.share("key", fetch)
    assert fetch.calls == 2
    assert flights._flying == {}


def test_other_documents_do_not_wait() -> None:
    slow, quick, flights = Fetch(), Fetch(), Flights(10.0)
    results: list[object] = []
    thread = outcome(lambda: flights.share("slow", slow), results)
    assert slow.begun.wait(10)
    quick.let_go.set()
    assert flights.share("quick", quick) == ANSWER
    slow.let_go.set()
    thread.join(10)


@pytest.mark.parametrize(
    "error", [ProviderUnavailable("down"), ProviderMisbehaved("odd")], ids=["down", "odd"]
)
def test_a_failure_is_everybodys_but_each_gets_an_exception_of_its_own(error: Exception) -> None:
    results = together(Flights(10.0), Fetch(error))
    assert {(type(result), str(result)) for result in results} == {(type(error), str(error))}
    assert len({id(result) for result in results}) == len(results)


def test_when_whoever_fetches_is_stopped_the_next_in_line_fetches() -> None:
    flights, stopped, fetch = Flights(10.0), Fetch(SystemExit()), Fetch()
    leader: list[object] = []
    first = outcome(lambda: flights.share("key", stopped), leader)
    assert stopped.begun.wait(10)
    others: list[object] = []
    fetch.let_go.set()
    second = outcome(lambda: flights.share("key", fetch), others)
    stopped.let_go.set()
    first.join(10)
    second.join(10)
    assert (type(leader[0]), others, fetch.calls) == (SystemExit, [ANSWER], 1)


def test_nobody_waits_longer_for_another_thread_than_is_reasonable() -> None:
    fetch, flights = Fetch(), Flights(0.0)
    results: list[object] = []
    thread = outcome(lambda: flights.share("key", fetch), results)
    assert fetch.begun.wait(10)
    with pytest.raises(ProviderUnavailable, match="takes too long"):
        flights.share("key", fetch)
    fetch.let_go.set()
    thread.join(10)
    assert results == [ANSWER]


def test_a_forked_child_does_not_wait_for_a_fetch_of_its_parent() -> None:
    stuck, fetch, flights = Fetch(), Fetch(), Flights(10.0)
    thread = outcome(lambda: flights.share("key", stuck), [])
    assert stuck.begun.wait(10)
    flights._make_anew()  # what the fork does in the child
    fetch.let_go.set()
    assert flights.share("key", fetch) == ANSWER
    stuck.let_go.set()
    thread.join(10)


# -- among tasks --------------------


class AsyncFetch:
    def __init__(self, result: JsonAnswer | Exception = ANSWER) -> None:
        self.result = result
        self.calls = 0
        self.let_go = asyncio.Event()

    async def __call__(self) -> JsonAnswer:
        self.calls += 1
        await self.let_go.wait()
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


def on_a_loop(scenario: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        await scenario()

    asyncio.run(run(), debug=True)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_document_is_fetched_once_for_all_tasks_that_want_it_at_once() -> None:
    async def scenario() -> None:
        flights, fetch = AsyncFlights(), AsyncFetch()
        tasks = [asyncio.create_task(flights.share("key", fetch)) for _ in range(4)]
        await settle()
        fetch.let_go.set()
        assert await asyncio.gather(*tasks) == [ANSWER] * 4
        assert fetch.calls == 1
        await flights.share("key", fetch)
        assert fetch.calls == 2

    on_a_loop(scenario)


@pytest.mark.parametrize("cancelled", [0, 1], ids=["whoever came first", "whoever waits"])
def test_a_request_that_is_cancelled_takes_no_other_with_it(cancelled: int) -> None:
    async def scenario() -> None:
        flights, fetch = AsyncFlights(), AsyncFetch()
        tasks = [asyncio.create_task(flights.share("key", fetch)) for _ in range(3)]
        await settle()
        gone = tasks.pop(cancelled)
        gone.cancel()
        await settle()
        assert gone.cancelled()
        fetch.let_go.set()
        assert await asyncio.gather(*tasks) == [ANSWER] * 2
        assert fetch.calls == 1

    on_a_loop(scenario)


def test_a_fetch_that_everybody_left_ends_quietly() -> None:
    async def scenario() -> None:
        flights, fetch = AsyncFlights(), AsyncFetch(ProviderUnavailable("down"))
        task = asyncio.create_task(flights.share("key", fetch))
        await settle()
        task.cancel()
        fetch.let_go.set()
        await settle()
        assert fetch.calls == 1

    on_a_loop(scenario)


def test_an_error_reaches_every_task_as_its_own() -> None:
    async def scenario() -> None:
        flights, fetch = AsyncFlights(), AsyncFetch(ProviderMisbehaved("odd"))
        tasks = [asyncio.create_task(flights.share("key", fetch)) for _ in range(3)]
        await settle()
        fetch.let_go.set()
        results: list[Any] = await asyncio.gather(*tasks, return_exceptions=True)
        assert [str(result) for result in results] == ["odd"] * 3
        assert len({id(result) for result in results}) == 3

    on_a_loop(scenario)


def test_a_fetch_that_is_stopped_from_outside_is_unavailable_and_cancels_nobody() -> None:
    async def scenario() -> None:
        flights, fetch = AsyncFlights(), AsyncFetch()
        task = asyncio.create_task(flights.share("key", fetch))
        await settle()
        (flying,) = flights._flying[asyncio.get_running_loop()].values()
        flying.cancel()
        with pytest.raises(ProviderUnavailable, match="was stopped"):
            await task

    on_a_loop(scenario)


def test_a_bug_in_a_fetch_reaches_whoever_waits() -> None:
    async def scenario() -> None:
        flights, fetch = AsyncFlights(), AsyncFetch(ZeroDivisionError())
        fetch.let_go.set()
        with pytest.raises(ZeroDivisionError):
            await flights.share("key", fetch)

    on_a_loop(scenario)


def test_each_loop_has_flights_of_its_own_and_a_closed_one_leaves_nothing() -> None:
    flights = AsyncFlights()

    async def fetch() -> JsonAnswer:
        return ANSWER

    for _ in range(3):
        assert asyncio.run(flights.share("key", fetch)) == ANSWER
    assert not any(flights._flying.values())
