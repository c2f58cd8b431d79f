"""The drivers run a flow to its end, whatever happens on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import Any, TypeAlias

import pytest

from idaware.effects import Effect, FetchJson, Flow, JsonAnswer, PostForm, ReadBody
from idaware.errors import ProviderUnavailable
from idaware.io.drivers import run_async, run_blocking


class Scripted:
    """Ports that answer as told, and note what they were asked."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.asked: list[Effect[Any]] = []

    def answer(self, effect: Effect[Any]) -> Any:
        self.asked.append(effect)
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def fetch_json(self, effect: FetchJson, /) -> JsonAnswer:
        answer: JsonAnswer = self.answer(effect)
        return answer

    def post_form(self, effect: PostForm, /) -> JsonAnswer:
        answer: JsonAnswer = self.answer(effect)
        return answer

    def read_body(self, effect: ReadBody, /) -> bytes:
        answer: bytes = self.answer(effect)
        return answer


class ScriptedAsync:
    """As ``Scripted``, awaited."""

    def __init__(self, scripted: Scripted) -> None:
        self.scripted = scripted

    async def fetch_json(self, effect: FetchJson, /) -> JsonAnswer:
        await asyncio.sleep(0)
        return self.scripted.fetch_json(effect)

    async def post_form(self, effect: PostForm, /) -> JsonAnswer:
        await asyncio.sleep(0)
        return self.scripted.post_form(effect)

    async def read_body(self, effect: ReadBody, /) -> bytes:
        await asyncio.sleep(0)
        return self.scripted.read_body(effect)


Driver: TypeAlias = Callable[[Flow[Any], Scripted], Any]


@pytest.fixture(params=["blocking", "async"])
def drive(request: pytest.FixtureRequest) -> Driver:
    """Each claim holds for both drivers."""
    if request.param == "blocking":
        return run_blocking
    return lambda flow, ports: asyncio.run(run_async(flow, ScriptedAsync(ports)))


ANSWER = JsonAnswer(200, {"a": 1})
FETCH = FetchJson("https://login.example/keys")
POST = PostForm("https://login.example/token", "a=b")


def test_every_effect_gets_its_reply(drive: Driver) -> None:
    def flow() -> Flow[list[object]]:
        return [(yield from FETCH), (yield from POST), (yield from ReadBody(9))]

    ports = Scripted(ANSWER, JsonAnswer(400, None), b"body")
    assert drive(flow(), ports) == [ANSWER, JsonAnswer(400, None), b"body"]
    assert ports.asked == [FETCH, POST, ReadBody(9)]


def test_a_flow_that_asks_nothing_ends_at_once(drive: Driver) -> None:
    def flow() -> Flow[str]:
        return "done"
        yield FETCH

    assert drive(flow(), Scripted()) == "done"


def test_a_failure_is_raised_at_the_yield_where_the_flow_can_bridge_it(drive: Driver) -> None:
    def flow() -> Flow[str]:
        try:
            yield from FETCH
        except ProviderUnavailable as error:
            reply = yield from POST
            return f"{error} then {reply.status}"
        return "no failure"

    assert drive(flow(), Scripted(ProviderUnavailable("down"), ANSWER)) == "down then 200"


def test_a_failure_that_the_flow_does_not_catch_comes_out_and_the_flow_cleans_up(drive: Driver) -> None:
    closed: list[bool] = []

    def flow() -> Flow[str]:
        try:
            yield from FETCH
        finally:
            closed.append(True)
        return "no failure"

    with pytest.raises(ProviderUnavailable, match="down"):
        drive(flow(), Scripted(ProviderUnavailable("down")))
    assert closed == [True]


def test_a_failure_of_one_effect_is_forgotten_at_the_next(drive: Driver) -> None:
    def flow() -> Flow[list[object]]:
        replies: list[object] = []
        for _ in range(3):
            try:
                replies.append((yield from FETCH))
            except ProviderUnavailable:
                replies.append("down")
        return replies

    ports = Scripted(ProviderUnavailable("down"), ANSWER, ProviderUnavailable("down"))
    assert drive(flow(), ports) == ["down", ANSWER, "down"]


def test_a_stray_stop_iteration_of_a_port_never_ends_as_a_decision(drive: Driver) -> None:
    def flow() -> Flow[str]:
        yield from FETCH
        return "decided"

    with pytest.raises(RuntimeError, match="StopIteration"):
        drive(flow(), Scripted(StopIteration("a decision")))


def test_a_stray_stop_iteration_of_the_flow_never_ends_as_a_decision(drive: Driver) -> None:
    def flow() -> Flow[str]:
        yield from FETCH
        next(iter(()))
        return "decided"

    with pytest.raises(RuntimeError, match="StopIteration"):
        drive(flow(), Scripted(ANSWER))


def test_a_flow_without_a_result_is_an_error_and_no_decision(drive: Driver) -> None:
    def flow() -> Generator[Effect[Any], Any, None]:
        yield from FETCH

    with pytest.raises(TypeError, match="without a result"):
        drive(flow(), Scripted(ANSWER))


def test_an_effect_that_nobody_knows_is_an_error_in_the_flow(drive: Driver) -> None:
    class Unknown(Effect[str]):
        pass

    def flow() -> Flow[str]:
        return (yield from Unknown())

    with pytest.raises(AssertionError, match="unreachable"):
        drive(flow(), Scripted())


def test_a_bug_in_a_port_goes_through_the_flow_and_comes_out(drive: Driver) -> None:
    closed: list[bool] = []

    def flow() -> Flow[str]:
        try:
            yield from FETCH
        finally:
            closed.append(True)
        return "no failure"

    with pytest.raises(ZeroDivisionError):
        drive(flow(), Scripted(ZeroDivisionError()))
    assert closed == [True]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit], ids=["interrupt", "exit"])
def test_what_stops_the_thread_is_not_the_flows_to_bridge_but_closes_it(stop: type[BaseException]) -> None:
    seen: list[str] = []

    def flow() -> Flow[str]:
        try:
            yield from FETCH
        except BaseException as error:
            seen.append(type(error).__name__)
            raise
        return "no failure"

    with pytest.raises(stop):
        run_blocking(flow(), Scripted(stop()))
    assert seen == ["GeneratorExit"]


def test_a_cancellation_closes_the_flow_and_goes_on_outwards() -> None:
    seen: list[str] = []

    def flow() -> Flow[str]:
        try:
            yield from FETCH
        except BaseException as error:
            seen.append(type(error).__name__)
            raise
        return "no failure"

    class Hanging(ScriptedAsync):
        async def fetch_json(self, effect: FetchJson, /) -> JsonAnswer:
            await asyncio.Event().wait()
            return ANSWER

    async def scenario() -> None:
        task = asyncio.ensure_future(run_async(flow(), Hanging(Scripted())))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scenario())
    assert seen == ["GeneratorExit"]
