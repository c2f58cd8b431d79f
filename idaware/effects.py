"""What a flow may ask of the world: a small closed set of typed effects.

A *flow* is a generator that yields effects and returns its result. ``reply = yield from FetchJson(url)`` has the
reply's type. The drivers in ``idaware/io`` carry effects out; what fails comes back as an exception *raised at the
yield* (``ProviderUnavailable``, ``ProviderMisbehaved``, ``ClientError``), so that a flow can bridge it.

Timeouts, size limits, TLS, pools and single flight live in the ports, never here. A new kind of I/O is a new class
here and one port method for each driver; the type checker lists what else has to change.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeAlias, TypeVar, cast

from idaware.identity import Json

R = TypeVar("R")
T = TypeVar("T")


class Effect(Generic[R]):
    """A wish; carried out by a driver, which sends back an ``R`` or raises at the yield."""

    __slots__ = ()

    def __iter__(self) -> Generator[Effect[Any], Any, R]:
        return cast(R, (yield self))


Flow: TypeAlias = Generator[Effect[Any], Any, T]
"""A dialogue with the world that ends in a ``T``. INVARIANT: ``T`` is never ``None`` for a decision."""


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """An HTTP answer whose body is JSON (``None`` when the body is empty or no JSON).

    ``max_age_seconds`` is what ``Cache-Control`` said, ``None`` when it said nothing.
    """

    status: int
    body: Json = field(repr=False)  # may hold tokens: never for a message or a log line
    max_age_seconds: int | None = None
    content_type: str = ""
    date: float | None = None
    """The provider's own clock, from the ``Date`` header, as UTC epoch seconds."""


@dataclass(frozen=True, slots=True)
class FetchJson(Effect[JsonAnswer]):
    """GET a document of the provider: discovery, JWKS, userinfo (with ``bearer``).

    Redirects are never followed. Without ``bearer`` the fetch is shared: one at a time per URL in a process.
    Raises ``ProviderUnavailable`` (no answer, time-out, 5xx, 429) or ``ProviderMisbehaved`` (redirect, too large).
    """

    url: str
    bearer: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PostForm(Effect[JsonAnswer]):
    """POST a form to the provider: token endpoint, revocation, introspection. Never retried, never shared.

    4xx answers come back as answers; ``ProviderUnavailable`` and ``ProviderMisbehaved`` as with ``FetchJson``.
    """

    url: str
    body: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False, default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReadBody(Effect[bytes]):
    """The body of the request at one of our own endpoints; the application's bodies are never read.

    Raises ``ClientError`` (413, ``request_too_large``) beyond ``limit_bytes`` and (400) when the client hangs up.
    """

    limit_bytes: int = 65_536
