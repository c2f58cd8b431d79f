"""The asynchronous ports, for ASGI (asyncio)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from idaware.effects import FetchJson, JsonAnswer, PostForm, ReadBody
from idaware.io.answers import MAX_ANSWER_BYTES, check_status, read_answer, too_large, too_slow
from idaware.io.async_flights import AsyncFlights
from idaware.io.clients import Outbound, failures, fault_of, form_headers, get_headers

if TYPE_CHECKING:
    import httpx2


class AsyncHttp:
    """HTTP for a whole process, on whichever event loop runs. See ``BlockingHttp``."""

    def __init__(
        self,
        timeout_seconds: float = 5.0,
        *,
        ca_file: str | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._outbound = Outbound(timeout_seconds, ca_file=ca_file)
        self._transport = transport
        self._flights = AsyncFlights()

    async def fetch_json(self, effect: FetchJson) -> JsonAnswer:
        """See ``FetchJson``. Without a bearer, one fetch at a time for each URL on an event loop."""
        headers = get_headers(effect.url, effect.bearer)
        if effect.bearer is not None:
            return await self._exchange("GET", effect.url, headers, None)
        return await self._flights.share(effect.url, lambda: self._exchange("GET", effect.url, headers, None))

    async def post_form(self, effect: PostForm) -> JsonAnswer:
        """See ``PostForm``."""
        return await self._exchange("POST", effect.url, form_headers(effect.headers), effect.body.encode())

    async def _exchange(
        self, method: str, url: str, headers: dict[str, str], content: bytes | None
    ) -> JsonAnswer:
        client = await self._client()
        try:
            async with asyncio.timeout(self._outbound.timeout_seconds), client:
                return await _speak(client, method, url, headers, content)
        except TimeoutError as error:
            raise too_slow(url, self._outbound.timeout_seconds) from error
        except failures() as error:
            raise fault_of(url, error) from error

    async def _client(self) -> httpx2.AsyncClient:
        if self._transport is not None:
            import httpx2

            return httpx2.AsyncClient(transport=self._transport, timeout=self._outbound.timeout_seconds)
        if self._outbound.ready:
            return self._make_client()
        return await asyncio.to_thread(self._make_client)  # the import and the TLS context: not on the loop

    def _make_client(self) -> httpx2.AsyncClient:
        import httpx2

        return httpx2.AsyncClient(**self._outbound.options())


class AsyncPorts:
    """The ports of one request. ``read_body(limit_bytes)`` is the adapter's."""

    __slots__ = ("_http", "_read_body")

    def __init__(self, http: AsyncHttp, read_body: Callable[[int], Awaitable[bytes]]) -> None:
        self._http = http
        self._read_body = read_body

    async def fetch_json(self, effect: FetchJson, /) -> JsonAnswer:
        """See ``AsyncHttp.fetch_json``."""
        return await self._http.fetch_json(effect)

    async def post_form(self, effect: PostForm, /) -> JsonAnswer:
        """See ``AsyncHttp.post_form``."""
        return await self._http.post_form(effect)

    async def read_body(self, effect: ReadBody, /) -> bytes:
        """See ``ReadBody``."""
        return await self._read_body(effect.limit_bytes)


async def _speak(
    client: httpx2.AsyncClient, method: str, url: str, headers: dict[str, str], content: bytes | None
) -> JsonAnswer:
    async with client.stream(method, url, headers=headers, content=content) as response:
        check_status(url, response.status_code)
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise too_large(url)
        return read_answer(url, response.status_code, response.headers, bytes(body))
