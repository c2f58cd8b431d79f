"""The blocking ports, for WSGI and the command line."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from idaware.effects import FetchJson, JsonAnswer, PostForm, ReadBody
from idaware.io.answers import MAX_ANSWER_BYTES, check_status, read_answer, too_large, too_slow
from idaware.io.clients import Outbound, failures, fault_of, form_headers, get_headers
from idaware.io.flights import Flights

if TYPE_CHECKING:
    import httpx2


class BlockingHttp:
    """HTTP for a whole process: make one, and ``BlockingPorts`` with it for each request.

    ``timeout_seconds``: for a whole exchange, however slowly the bytes drip. NOT CHECKED: the time of
    a name look-up, which the system's resolver limits, and of a second address tried after the first.
    ``transport``: what tests bring.
    """

    def __init__(
        self,
        timeout_seconds: float = 5.0,
        *,
        ca_file: str | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self._outbound = Outbound(timeout_seconds, ca_file=ca_file)
        self._transport = transport
        self._flights = Flights(patience_seconds=2 * timeout_seconds)

    def fetch_json(self, effect: FetchJson) -> JsonAnswer:
        """See ``FetchJson``. Without a bearer, one fetch at a time for each URL in the process."""
        headers = get_headers(effect.url, effect.bearer)
        if effect.bearer is not None:
            return self._exchange("GET", effect.url, headers, None)
        return self._flights.share(effect.url, lambda: self._exchange("GET", effect.url, headers, None))

    def post_form(self, effect: PostForm) -> JsonAnswer:
        """See ``PostForm``."""
        return self._exchange("POST", effect.url, form_headers(effect.headers), effect.body.encode())

    def _exchange(self, method: str, url: str, headers: dict[str, str], content: bytes | None) -> JsonAnswer:
        deadline = _Deadline(self._outbound.timeout_seconds)
        try:
            with deadline:
                return self._speak(method, url, headers, content, deadline)
        except failures() as error:
            if deadline.passed:
                raise too_slow(url, self._outbound.timeout_seconds) from error
            raise fault_of(url, error) from error

    def _speak(
        self, method: str, url: str, headers: dict[str, str], content: bytes | None, deadline: _Deadline
    ) -> JsonAnswer:
        watched = {"trace": deadline.watch}
        with (
            self._client() as client,
            client.stream(method, url, headers=headers, content=content, extensions=watched) as response,
        ):
            check_status(url, response.status_code)
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise too_large(url)
            if deadline.passed:
                raise too_slow(url, self._outbound.timeout_seconds)
            return read_answer(url, response.status_code, response.headers, bytes(body))

    def _client(self) -> httpx2.Client:
        import httpx2

        if self._transport is not None:
            return httpx2.Client(transport=self._transport, timeout=self._outbound.timeout_seconds)
        return httpx2.Client(**self._outbound.options())


class BlockingPorts:
    """The ports of one request. ``read_body(limit_bytes)`` is the adapter's."""

    __slots__ = ("_http", "_read_body")

    def __init__(self, http: BlockingHttp, read_body: Callable[[int], bytes]) -> None:
        self._http = http
        self._read_body = read_body

    def fetch_json(self, effect: FetchJson, /) -> JsonAnswer:
        """See ``BlockingHttp.fetch_json``."""
        return self._http.fetch_json(effect)

    def post_form(self, effect: PostForm, /) -> JsonAnswer:
        """See ``BlockingHttp.post_form``."""
        return self._http.post_form(effect)

    def read_body(self, effect: ReadBody, /) -> bytes:
        """See ``ReadBody``."""
        return self._read_body(effect.limit_bytes)


class _Deadline:
    """Cuts an exchange off when its time is up.

    A read has a time limit, an exchange has none: a provider that sends a byte now and then could hold a
    thread for ever. So the socket is shut down from outside, which ends whatever the exchange waits for.
    """

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def watch(self, event: str, info: dict[str, Any]) -> None:
        """The client's ``trace`` extension: notes each socket as it is connected and as TLS wraps it."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")
            if self.passed:
                self._cut()

    def _cut(self) -> None:
        self.passed = True
        if self._socket is not None:
            with suppress(OSError):  # closed already
                # Not ``SSLSocket.shutdown``: the reader's next read would then bring raw ciphertext.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
