"""The demo comes up on loopback and nowhere else, says what is in its way, and goes down whole."""

from __future__ import annotations

import errno
import io
import logging
import socket
import sys
import threading
import time
from collections.abc import Iterable
from typing import Any

import httpx2
import pytest
from websockets.sync.client import connect

from idaware.demo import fence, hosting
from idaware.devidp.server import bind
from idaware.errors import ConfigurationError


def test_what_it_starts_listens_on_one_address_alone(demo) -> None:
    for url in (demo.url, demo.provider.issuer):
        with pytest.raises(OSError, match=r"refused|assign"):
            socket.create_connection(("127.0.0.2", int(url.rpartition(":")[2])), 5)


def test_the_tool_and_the_provider_are_two_hosts_for_a_browser(demo) -> None:
    assert demo.url.startswith("http://localhost:")
    assert demo.provider.issuer.startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"x-forwarded-for": "203.0.113.9"},
        {"forwarded": "for=203.0.113.9"},
        {"via": "1.1 tunnel"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_what_comes_from_elsewhere_is_refused(demo, headers: dict[str, str]) -> None:
    for path in ("/", "/records/stream", "/_idaware/me"):
        answer = httpx2.get(demo.url + path, headers=headers, trust_env=False)
        assert answer.status_code == 403
        assert "this machine only" in answer.text


def test_everything_stops_with_streams_and_sockets_open() -> None:
    before = set(threading.enumerate())
    demo = hosting.start(port=0, provider_port=0)
    url, issuer, feed = demo.url, demo.provider.issuer, demo.feed
    with (
        httpx2.Client(trust_env=False, timeout=10) as http,
        http.stream("GET", f"{url}/records/stream") as answer,
    ):
        lines = answer.iter_lines()
        next(lines)
        begun = time.monotonic()
        demo.stop()
        assert time.monotonic() - begun < 5
        assert "event: left-out" in list(lines)
    assert feed.closed
    for address in (url, issuer):
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(address, trust_env=False)
    left = set(threading.enumerate()) - before
    assert not [thread for thread in left if thread.name == "idaware-server"]


def test_a_payment_that_is_under_way_does_not_hold_up_the_end(closing) -> None:
    from demo.conftest import Person

    demo = hosting.start(port=0, provider_port=0)
    bob = Person(demo.url)
    closing.callback(bob.http.close)
    bob.be("bob")
    url = demo.url.replace("http", "ws") + "/live/payments"
    with connect(url, additional_headers={"Cookie": bob.cookies}, origin=demo.url, proxy=None) as ws:  # type: ignore[arg-type]
        ws.recv(timeout=10)
        begun = time.monotonic()
        demo.stop()
        assert time.monotonic() - begun < 5


def test_each_start_has_secrets_of_its_own() -> None:
    one = hosting.variables("http://localhost:1", "http://127.0.0.1:2", "s", None)
    two = hosting.variables("http://localhost:1", "http://127.0.0.1:2", "s", None)
    assert one["IDAWARE_SECRET_KEYS"] != two["IDAWARE_SECRET_KEYS"]
    assert "IDAWARE_POLICY_FILE" not in one


@pytest.mark.parametrize("option", ["--port", "--provider-port"])
def test_a_port_that_is_taken_is_named_with_its_option(option: str) -> None:
    with bind("127.0.0.1") as taken:
        port = taken.getsockname()[1]
        ports = (
            {"port": port, "provider_port": 0} if option == "--port" else {"port": 0, "provider_port": port}
        )
        with pytest.raises(ConfigurationError, match=rf"{option}: {port} cannot be used.*0 for a free one"):
            hosting.start(**ports)


def test_a_port_that_is_none_is_named() -> None:
    with pytest.raises(ConfigurationError, match="--port: 70000 cannot be used"):
        hosting.claim("localhost", 70000, "--port")


def test_nothing_stays_behind_where_the_provider_s_port_is_taken() -> None:
    with bind("127.0.0.1") as taken, bind("127.0.0.1") as free:
        port = free.getsockname()[1]
        free.close()
        with pytest.raises(ConfigurationError):
            hosting.start(port=port, provider_port=taken.getsockname()[1])
        bind("localhost", port).close()


def test_who_listens_on_ipv6_is_not_taken_for_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosting, "_is_taken_on_ipv6", lambda port: True)
    with bind("127.0.0.1") as free:
        port = free.getsockname()[1]
    with pytest.raises(ConfigurationError, match=rf"{port} is in use on \[::1\]"):
        hosting.claim("localhost", port, "--port")
    hosting.claim("127.0.0.1", port, "--port").close()
    hosting.claim("localhost", 0, "--port").close()


class Probe:
    """A socket that cannot be bound, for one reason or another."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __call__(self, *_: object) -> Any:
        return self

    def __enter__(self) -> Probe:
        return self

    def __exit__(self, *_: object) -> None: ...

    def setsockopt(self, *_: object) -> None: ...

    def bind(self, _: object) -> None:
        raise OSError(self.number, "no")


@pytest.mark.parametrize(("number", "taken"), [(errno.EADDRINUSE, True), (errno.EADDRNOTAVAIL, False)])
def test_a_machine_without_ipv6_is_no_obstacle(
    monkeypatch: pytest.MonkeyPatch, number: int, taken: bool
) -> None:
    monkeypatch.setattr(hosting.socket, "socket", Probe(number))
    assert hosting._is_taken_on_ipv6(8000) is taken


def test_without_ipv6_at_all_nothing_is_taken_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> Any:
        raise OSError(errno.EAFNOSUPPORT, "no")

    monkeypatch.setattr(hosting.socket, "socket", none)
    assert not hosting._is_taken_on_ipv6(8000)


def test_without_uvicorn_the_message_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'idaware\[demo\]'"):
        hosting.start(port=0, provider_port=0)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://proxy:3128"}, None),
        ({"HTTP_PROXY": "http://proxy:3128"}, "localhost,127.0.0.1"),
        ({"all_proxy": "http://proxy:3128", "NO_PROXY": "corp.example"}, "corp.example,localhost,127.0.0.1"),
        ({"http_proxy": "http://proxy:3128", "no_proxy": "a", "NO_PROXY": "b"}, "a,localhost,127.0.0.1"),
    ],
    ids=["no proxy", "https only", "http", "with exceptions", "both spellings"],
)
def test_a_proxy_for_the_outside_is_not_asked_for_the_provider(
    environ: dict[str, str], expected: str | None
) -> None:
    hosting.keep_loopback_direct(environ)
    assert environ.get("no_proxy") == expected
    if expected is not None:
        assert environ["NO_PROXY"] == expected


def test_one_false_alarm_of_uvicorn_is_kept_off_the_screen() -> None:
    hosting.hush()
    hosting.hush()
    log = logging.getLogger("uvicorn.error")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    log.addHandler(handler)
    try:
        log.error("ASGI callable returned without completing handshake.")
        log.error("something else")
    finally:
        log.removeHandler(handler)
    assert stream.getvalue() == "something else\n"
    assert log.filters.count(hosting._is_no_false_alarm) == 1


# --- the fence


class Asked:
    """An application that remembers that it was asked."""

    def __init__(self) -> None:
        self.scopes: list[str] = []

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope["type"])

    def wsgi(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        self.scopes.append("wsgi")
        return [b"in"]


def ask(kind: str, host: bytes, *, client: Any = ("127.0.0.1", 1)) -> tuple[Asked, list[Any]]:
    import asyncio

    app, sent = Asked(), []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": kind, "headers": [(b"host", host)], "client": client}
    asyncio.run(fence.AsgiFence(app.asgi)(scope, None, send))  # type: ignore[arg-type]
    return app, sent


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_asgi_what_comes_from_here_passes(kind: str) -> None:
    assert ask(kind, b"localhost:8000")[0].scopes == [kind]
    assert ask(kind, b"localhost:8000", client=None)[0].scopes == [kind]


def test_asgi_what_comes_from_elsewhere_does_not() -> None:
    for client, host in ((("203.0.113.9", 1), b"localhost"), (None, b"evil.example")):
        app, sent = ask("http", host, client=client)
        assert app.scopes == []
        assert [message.get("status") for message in sent] == [403, None]
        app, sent = ask("websocket", host, client=client)
        assert app.scopes == []
        assert sent == [{"type": "websocket.close", "code": 4403}]


def test_asgi_the_lifespan_passes() -> None:
    assert ask("lifespan", b"evil.example")[0].scopes == ["lifespan"]


@pytest.mark.parametrize(
    ("changes", "passes"),
    [
        ({}, True),
        ({"REMOTE_ADDR": ""}, True),
        ({"HTTP_HOST": "evil.example"}, False),
        ({"REMOTE_ADDR": "203.0.113.9"}, False),
        ({"HTTP_X_FORWARDED_FOR": "203.0.113.9"}, False),
    ],
    ids=["from here", "a socket file", "another host", "another machine", "a proxy"],
)
def test_wsgi_only_what_comes_from_here_passes(changes: dict[str, str], passes: bool) -> None:
    app, status = Asked(), []
    environ = {"HTTP_HOST": "localhost:8000", "REMOTE_ADDR": "127.0.0.1", "HTTP_ACCEPT": "*/*", **changes}
    body = fence.WsgiFence(app.wsgi)(environ, lambda line, headers: status.append(line))  # type: ignore[arg-type]
    assert (b"".join(body) == b"in") is passes
    assert status == ([] if passes else ["403 Forbidden"])
