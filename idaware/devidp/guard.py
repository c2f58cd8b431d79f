"""In front of everything: loopback only, and the faults of availability. Pure ASGI."""

from __future__ import annotations

from email.utils import formatdate
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from idaware.devidp.faults import CLOCK_SHIFT_SECONDS, Active
from idaware.devidp.loopback import refusal_of
from idaware.devidp.state import PATHS, State


class Guard:
    """Refuses what does not come from this machine, counts what does, and is slow or down on request."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        self.app = app
        self.state = state
        self._endpoints: Final = {state.base_path + path: name for name, path in PATHS.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the lifespan; nothing else is spoken here."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:
            raise RuntimeError(f"the development provider does not speak {scope['type']!r}")

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        refusal = refusal_of(scope["headers"], client[0] if client else None)
        if refusal is not None:
            await _plain(send, 403, f"The development provider answers this machine only: {refusal}.")
            return
        endpoint = self._endpoints.get(scope["path"])
        if endpoint is not None:
            self.state.hits[endpoint] += 1
            if await self._is_down(endpoint):
                await _plain(send, 503, "As requested, the development provider is down.")
                return
        await self.app(scope, receive, self._dated(send))

    async def _is_down(self, endpoint: str) -> bool:
        """Wait where ``slow`` says so; whether ``down`` says so."""
        active = [one for one in self.state.faults.always if _concerns(one, endpoint)]
        for one in active:
            if one.name == "slow":
                await self.state.sleep(one.seconds)
        return any(one.name == "down" for one in active)

    def _dated(self, send: Send) -> Send:
        """Answers carry the provider's own ``Date``, so that a wrong clock shows there too."""

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = formatdate(self.state.clock() + self._clock_shift(), usegmt=True)
                message["headers"] = [*message["headers"], (b"date", date.encode())]
            await send(message)

        return dated

    def _clock_shift(self) -> int:
        return sum(CLOCK_SHIFT_SECONDS.get(one.name, 0) for one in self.state.faults.always)


def _concerns(active: Active, endpoint: str) -> bool:
    return active.name in ("slow", "down") and active.endpoint in (None, endpoint)


async def _plain(send: Send, status: int, text: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
