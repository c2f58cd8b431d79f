"""The live view: records as they are made, through the gate, without watching itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from idaware.demo import stream
from idaware.demo.feed import Feed


def record(event_id: str, **fields: Any) -> dict[str, Any]:
    return {"event_id": event_id, "rule": None, **fields}


# --- the feed


def test_the_feed_gives_what_came_after_a_record() -> None:
    feed = Feed()
    for event_id in "abc":
        feed.add(record(event_id))
    assert [one["event_id"] for one in feed.since("a")] == ["b", "c"]
    assert [one["event_id"] for one in feed.since("c")] == []


@pytest.mark.parametrize("last", [None, "", "long gone"])
def test_who_saw_nothing_that_is_kept_gets_all_that_is_kept(last: str | None) -> None:
    feed = Feed(limit=2)
    for event_id in "abc":
        feed.add(record(event_id))
    assert [one["event_id"] for one in feed.since(last)] == ["b", "c"]


def test_requests_of_the_view_itself_are_counted_and_not_shown() -> None:
    feed, seen = Feed(own_rules=frozenset({"live"})), []
    feed.watch(seen.append)
    feed.add(record("a", rule="live"))
    feed.add(record("b", rule="other"))
    assert [one["event_id"] for one in seen] == ["b"]
    assert feed.left_out == 1
    assert feed.since(None) == seen


def test_a_watcher_who_leaves_hears_no_more() -> None:
    feed, seen, others = Feed(), [], []
    leave = feed.watch(seen.append)
    feed.watch(others.append)
    leave()
    feed.add(record("a"))
    assert (len(seen), len(others)) == (0, 1)


def test_a_feed_that_closes_says_so_once() -> None:
    feed, seen = Feed(), []
    feed.watch(seen.append)
    feed.close()
    feed.add(record("a"))
    assert seen == [None]
    assert feed.closed


# --- the stream


def collected(feed: Feed, last: str | None = None) -> list[bytes]:
    async def collect() -> list[bytes]:
        return [piece async for piece in stream.events(feed, last)]

    return asyncio.run(collect())


def test_a_stream_brings_what_is_kept_and_ends_with_the_feed() -> None:
    feed = Feed(own_rules=frozenset({"live"}))
    feed.add(record("a"))
    feed.add(record("x", rule="live"))
    feed.close()
    pieces = collected(feed)
    assert pieces == [
        b"retry: 1000\n\n",
        b'id: a\ndata: {"event_id":"a","rule":null}\n\nevent: left-out\ndata: 1\n\n',
    ]


def test_a_stream_goes_on_after_what_the_browser_saw_last() -> None:
    feed = Feed()
    feed.add(record("a"))
    feed.add(record("b"))
    feed.close()
    assert [piece[:6] for piece in collected(feed, "a")][1] == b"id: b\n"


def test_a_stream_where_nothing_happens_gives_signs_of_life() -> None:
    async def first_sign() -> bytes:
        pieces = stream.events(Feed(), None, sign_of_life_seconds=0)
        async for piece in pieces:
            if piece.startswith(b":"):
                await pieces.aclose()
                return piece
        raise AssertionError

    assert asyncio.run(first_sign()) == b": still here\n\n"


def test_a_stream_wakes_for_a_record_of_another_thread_and_forgets_its_watcher() -> None:
    feed = Feed()

    async def second() -> bytes:
        pieces = stream.events(feed, None)
        assert (await anext(pieces)).startswith(b"retry")
        assert (await anext(pieces)).startswith(b"event: left-out")
        await asyncio.to_thread(feed.add, record("a"))
        piece = await anext(pieces)
        await pieces.aclose()
        return piece

    assert b'"a"' in asyncio.run(second())
    assert feed._watchers == ()


def test_a_record_for_a_listener_whose_loop_is_gone_disturbs_nobody() -> None:
    feed = Feed()
    loop = asyncio.new_event_loop()
    pieces = stream.events(feed, None)
    loop.run_until_complete(anext(pieces))
    [wake] = feed._watchers
    loop.run_until_complete(pieces.aclose())
    loop.close()
    wake(record("a"))


def test_text_in_a_record_cannot_end_the_event() -> None:
    frame = stream.frame(record("a", path="/x\n\nevent: message\ndata: {}"))
    assert frame.count(b"\n\n") == 1


# --- over the wire


@contextmanager
def listening(url: str, **headers: str) -> Iterator[Iterator[tuple[str, Any]]]:
    """The events of a stream: ``(name, data)``."""
    with (
        httpx2.Client(trust_env=False, timeout=10) as http,
        http.stream("GET", f"{url}/records/stream", headers=headers) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield _events(answer.iter_lines())


def _events(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    name = "message"
    for line in lines:
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)
            name = "message"


def test_a_record_is_on_the_screen_when_the_answer_is(demo, person) -> None:
    with listening(demo.url) as events:
        next(data for name, data in events if name == "left-out")
        person().ask("GET", "/debug", headers={"x-request-id": "on-the-screen"})
        seen = next(data for name, data in events if name == "message")
    assert seen["request_id"] == "on-the-screen"
    assert (seen["decision"], seen["reason"]) == ("deny", "no_rule")


def test_the_view_does_not_watch_itself(demo, person) -> None:
    before = demo.feed.left_out
    with listening(demo.url) as events:
        assert next(data for name, data in events if name == "left-out") == before + 1
        person().ask("GET", "/records")
        person().ask("GET", "/status", headers={"x-request-id": "after-the-view"})
        seen = next(data for name, data in events if name == "message")
    assert seen["request_id"] == "after-the-view"
    assert all(one["rule"] != "live-records" for one in demo.feed.since(None))


def test_a_browser_that_comes_back_gets_only_what_it_missed(demo, person) -> None:
    person().ask("GET", "/status")
    last = demo.feed.since(None)[-1]["event_id"]
    person().ask("GET", "/status", headers={"x-request-id": "missed"})
    for headers, query in ({"last-event-id": last}, ""), ({}, f"?after={last}"):
        with (
            httpx2.Client(trust_env=False, timeout=10) as http,
            http.stream("GET", f"{demo.url}/records/stream{query}", headers=headers) as answer,
        ):
            _, seen = next(_events(answer.iter_lines()))
        assert seen["request_id"] == "missed"


def test_no_secret_is_in_the_view(demo, person) -> None:
    alice = person("alice", path="/invoices")
    # the count of sign-ins holds a time, which is no secret and stands in every record
    values = [cookie.value for cookie in alice.http.cookies.jar if not cookie.name.endswith("-i")]
    assert values
    text = json.dumps(demo.feed.since(None))
    assert not [value for value in values if value in text]


# --- the socket


def payments(demo: Any, cookies: str, origin: str | None) -> dict[str, str]:
    url = demo.url.replace("http", "ws") + "/live/payments"
    with connect(url, additional_headers={"Cookie": cookies}, origin=origin, proxy=None) as socket:  # type: ignore[arg-type]
        return json.loads(socket.recv(timeout=10))


def test_finance_hears_of_payments(demo, person) -> None:
    assert set(payments(demo, person("bob").cookies, demo.url)) == {"from", "amount"}


@pytest.mark.parametrize(
    ("who", "origin", "status"),
    [("alice", None, 403), ("bob", "https://evil.example", 403), (None, None, 401)],
    ids=["reads the page and may not listen", "a page of another site", "nobody"],
)
def test_the_socket_has_a_rule_of_its_own(
    demo, person, who: str | None, origin: str | None, status: int
) -> None:
    with pytest.raises(InvalidStatus) as refused:
        payments(demo, person(who).cookies, origin or demo.url)
    assert refused.value.response.status_code == status
