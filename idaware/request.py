"""One request as the gate sees it, and what the gate can answer: ``Allow``, ``Respond`` or ``Pending``.

Adapters build a ``Request`` and carry the outcome out; nothing here knows ASGI or WSGI.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct, field

from idaware.effects import Flow
from idaware.identity import Identity

if TYPE_CHECKING:
    from idaware.audit.record import Record

Protocol: TypeAlias = Literal["http", "websocket"]


class Request(Struct, kw_only=True):
    """What a client asked for.

    * ``method``: as sent; ``WEBSOCKET`` for a WebSocket handshake under either protocol. ``upgrade``: it is also the
      ``GET`` that it came as, because nobody knows yet which of them it becomes (WSGI).
    * ``path``: the path that the application's own router will route on, decoded once, mount prefix taken off.
    * ``raw_path``: the undecoded path where the server gives one, without the query; ``None`` where it does not.
    * ``mount``: the prefix that was taken off; ``mount_ok`` is False where it is not the configured one
      (security rule 3).
    * ``query``: the raw query string.
    * ``headers``: lower-case name to value, only names that the gate reads; repeated ones joined by ``, `` (cookies
      by ``; ``) and listed in ``repeated``. ``headers_bytes``: size of all of them, read or not.
    * ``scheme`` and ``peer`` (the address at the other end of the socket, ``unix`` for a socket file) as the server
      said, before trusted proxies.
    * ``started``: when it came in, in seconds of a monotonic clock.
    """

    protocol: Protocol
    method: str
    path: str
    raw_path: bytes | None = None
    mount: str = ""
    mount_ok: bool = True
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    repeated: Collection[str] = ()
    headers_bytes: int = 0
    scheme: str = "http"
    peer: str | None = None
    started: float = 0.0
    upgrade: bool = False

    def __repr__(self) -> str:
        return f"Request({self.protocol} {self.method} {self.path!r})"  # never the headers: they hold cookies


class Allow(Struct, kw_only=True):
    """The application may see the request.

    ``identity`` is put where the application finds it (``identity_headers`` too, where configured); ``set_cookies``
    are added to its answer. ``attached``: whether somebody is signed in, and ``public``: whether the rule is, decide
    what becomes of the answer's caching headers. ``record`` is completed by the adapter with status and route.
    """

    identity: Identity
    record: Record
    set_cookies: tuple[str, ...] = ()
    identity_headers: tuple[tuple[str, str], ...] = ()
    attached: bool = True
    public: bool = False


class Respond(Struct, kw_only=True):
    """An answer of ours; the application never sees the request.

    ``headers`` are complete but for ``Content-Length``. ``close_code`` is what a WebSocket is closed with where the
    server cannot answer HTTP. ``events`` are further records (a login, a logout) beside the decision's. ``log`` is a
    line for whoever runs the application, where they have to do something; ``cause`` what went wrong, if it is a bug.
    """

    status: int
    record: Record
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    close_code: int = 4403
    events: tuple[Record, ...] = ()
    log: str | None = None
    cause: BaseException | None = None


class Pending(Struct):
    """The decision needs the world: a driver runs ``flow`` to its ``Allow`` or ``Respond``."""

    flow: Flow[Allow | Respond]


Outcome: TypeAlias = "Allow | Respond | Pending"
