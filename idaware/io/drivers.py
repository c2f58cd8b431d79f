"""The two drivers: they run a flow, carry its effects out and hand the replies back. Nothing is decided here.

INVARIANT: the ``try`` round the flow is apart from the ``try`` round the I/O. Were they one, a ``StopIteration``
that some port lets slip would look like the end of the flow, and its ``None`` like a decision. INVARIANT: a flow is
closed however its run ends (result, exception, cancellation): its ``finally`` runs.
"""

from __future__ import annotations

from typing import Any, TypeVar, assert_never, cast

from idaware.effects import Effect, FetchJson, Flow, PostForm, ReadBody
from idaware.io.ports import CarriesOut, CarriesOutAsync, KnownEffect

T = TypeVar("T")


def run_blocking(flow: Flow[T], ports: CarriesOut) -> T:
    """Run ``flow`` to its result on this thread.

    What a port raises is raised in the flow, at its yield; what the flow does not catch comes out of here.
    Raises ``TypeError`` for a flow that ends without a result.
    """
    reply: object = None
    failure: Exception | None = None
    try:
        while True:
            try:
                effect = flow.send(reply) if failure is None else flow.throw(failure)
            except StopIteration as end:
                result: T | None = end.value
                return _result(result)
            reply = failure = None
            try:
                reply = _carry_out(effect, ports)
            except Exception as error:  # noqa: BLE001 - whatever failed is the flow's to see, at its yield
                failure = error
    finally:
        flow.close()


async def run_async(flow: Flow[T], ports: CarriesOutAsync) -> T:
    """As ``run_blocking``, on the running event loop. A cancellation closes the flow and goes on outwards."""
    reply: object = None
    failure: Exception | None = None
    try:
        while True:
            try:
                effect = flow.send(reply) if failure is None else flow.throw(failure)
            except StopIteration as end:
                result: T | None = end.value
                return _result(result)
            reply = failure = None
            try:
                reply = await _carry_out_async(effect, ports)
            except Exception as error:  # noqa: BLE001 - whatever failed is the flow's to see, at its yield
                failure = error
    finally:
        flow.close()


def _result(value: T | None) -> T:
    if value is None:  # security rule 28: a missing decision is never "continue without"
        raise TypeError("a flow ended without a result")
    return value


def _carry_out(effect: Effect[Any], ports: CarriesOut) -> object:
    known = cast(KnownEffect, effect)
    if isinstance(known, FetchJson):
        return ports.fetch_json(known)
    if isinstance(known, PostForm):
        return ports.post_form(known)
    if isinstance(known, ReadBody):
        return ports.read_body(known)
    assert_never(known)


async def _carry_out_async(effect: Effect[Any], ports: CarriesOutAsync) -> object:
    known = cast(KnownEffect, effect)
    if isinstance(known, FetchJson):
        return await ports.fetch_json(known)
    if isinstance(known, PostForm):
        return await ports.post_form(known)
    if isinstance(known, ReadBody):
        return await ports.read_body(known)
    assert_never(known)
