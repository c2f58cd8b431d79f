"""The records as server-sent events: first what is kept, then each further one while the browser listens."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from idaware.demo.feed import AuditRecord, Feed
from idaware.pages import Page
from idaware.pages.document import plain_headers

SIGN_OF_LIFE_SECONDS: Final = 15.0
"""So often something is written to a listener, so that one who has gone is noticed."""


def response(page: Page) -> Response:
    """``page`` as a Starlette response."""
    answer = Response(page.body, page.status)
    for name, value in page.headers:
        answer.headers[name] = value
    return answer


def stream(feed: Feed, request: Request) -> StreamingResponse:
    """The answer to a browser's ``EventSource``, which says what it saw last."""
    last = request.headers.get("last-event-id") or request.query_params.get("after") or None
    return StreamingResponse(events(feed, last), headers=dict(plain_headers("text/event-stream")))


async def events(
    feed: Feed, last: str | None, *, sign_of_life_seconds: float = SIGN_OF_LIFE_SECONDS
) -> AsyncIterator[bytes]:
    """The stream's text (HTML, 9.2.5), from the record after ``last``; it ends when the feed is closed.

    A listener who is slow misses nothing that is still kept, and holds nobody up.
    """
    loop, woken = asyncio.get_running_loop(), asyncio.Event()

    def wake(_: AuditRecord | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed already: nobody listens any more
            loop.call_soon_threadsafe(woken.set)

    forget = feed.watch(wake)
    try:
        yield b"retry: 1000\n\n"
        while True:
            woken.clear()
            records = feed.since(last)
            if records:
                last = str(records[-1]["event_id"])
            # One write for all: each further one to a browser that has gone would be a line in the log.
            yield b"".join(map(frame, records)) + b"event: left-out\ndata: %d\n\n" % feed.left_out
            if feed.closed:
                return
            try:
                await asyncio.wait_for(woken.wait(), sign_of_life_seconds)
            except TimeoutError:
                yield b": still here\n\n"
    finally:
        forget()


def frame(record: AuditRecord) -> bytes:
    """One event. JSON has no line breaks of its own, so a record cannot end it early."""
    return b"id: %s\ndata: %s\n\n" % (str(record["event_id"]).encode(), msgspec.json.encode(record))
