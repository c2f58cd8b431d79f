"""Test clients: Starlette's and FastAPI's, Flask's, Django's, and plain ``httpx`` clients on an application.

Belongs here: putting cookies into a client, and having it ask for a host that the gate answers under. Clients are told
apart by what they have, so that no framework is imported for a suite of another one.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from datetime import timedelta
from email.message import Message
from http.cookiejar import CookieJar
from typing import Any, Protocol, TypeVar, cast
from urllib.parse import urlsplit
from urllib.request import Request as UrlRequest

from idaware.assembly import Runtime
from idaware.settings import Settings
from idaware.testing.applications import runtime_of
from idaware.testing.sessions import claims_of, session_cookie_names, session_cookies

Client = TypeVar("Client")

_NO_CLAIMS: Mapping[str, Any] = {}
_STARLETTES_WEBSOCKETS = "https://testserver"
"""Where ``TestClient.websocket_connect`` asks for a path, whatever the client's base URL; secure cookies included."""


def signed_in(
    client: Client,
    /,
    *,
    groups: Iterable[str] | None = (),
    sub: str = "tester",
    email: str | None = None,
    email_verified: bool = True,
    name: str | None = None,
    claims: Mapping[str, Any] = _NO_CLAIMS,
    acr: str | None = None,
    amr: Iterable[str] = (),
    auth_age: float | timedelta = 0,
    app: object = None,
) -> Client:
    """Sign ``client`` in as somebody, and give it back; a second call signs somebody else in.

    * ``groups``: as they are in the token; ``None``: the provider says nothing about groups.
    * ``claims``: further claims of the ID token, by name. ``acr``, ``amr``: how the person signed in.
    * ``auth_age``: how long ago, in seconds or as a ``timedelta``, for rules with ``auth_within``.
    * ``app``: the guarded application, where it cannot be found from the client.

    The session is a real one: the gate and the policy decide about each request. Raises ``LookupError`` when there is
    no gate, ``TypeError`` for a client that is not known, ``ConfigurationError`` when the settings are wrong.
    """
    known, runtime = _prepared(client, app)
    person = claims_of(
        runtime.settings, groups=groups, sub=sub, email=email, email_verified=email_verified, name=name,
        claims=claims, acr=acr, amr=amr,
    )  # fmt: skip
    cookies = session_cookies(runtime, person, auth_age)
    known.forget(session_cookie_names(runtime.settings))
    for cookie in cookies:
        known.take(cookie)
    return client


def signed_out(client: Client, /, *, app: object = None) -> Client:
    """Take ``client``'s session away and give it back: nobody is signed in.

    Also for a client that never was: it then asks for a host that the gate answers under.
    """
    known, runtime = _prepared(client, app)
    known.forget(session_cookie_names(runtime.settings))
    return client


class _Cookies(Protocol):
    """What one kind of client does."""

    def ask_for(self, settings: Settings) -> None:
        """Ask for a host that the gate answers under, unless it does so already."""

    def take(self, set_cookie: str) -> None:
        """Take a cookie as from an answer."""

    def forget(self, names: Iterable[str]) -> None:
        """Forget the cookies of these names."""


def _prepared(client: object, app: object) -> tuple[_Cookies, Runtime]:
    known, holder = _known(client)
    runtime = runtime_of(holder if app is None else app)
    known.ask_for(runtime.settings)
    return known, runtime


def holder_of(client_or_application: Any) -> object:
    """What to look for the gate in. Django's clients get it put before them: they call Django past ``wsgi.py``."""
    if not _is_djangos(client_or_application):
        return client_or_application
    from idaware.testing.django_client import guarded

    return guarded(client_or_application)


def _is_djangos(client: object) -> bool:
    return hasattr(client, "handler") and hasattr(client, "defaults")


def _known(client: Any) -> tuple[_Cookies, object]:
    """The client, and what to look for the gate in."""
    if _is_djangos(client):
        from idaware.testing.django_client import DjangoCookies

        return DjangoCookies(client), holder_of(client)
    if hasattr(client, "set_cookie") and hasattr(client, "open"):
        return _WerkzeugCookies(client), client
    if hasattr(client, "base_url") and hasattr(getattr(client, "cookies", None), "jar"):
        return _HttpxCookies(client), client
    raise TypeError(
        f"{type(client).__name__} is no test client of Starlette, FastAPI, Flask, Django, Werkzeug or httpx"
    )


def is_answered(host: str, settings: Settings) -> bool:
    """Whether the gate answers under ``host`` (name, and port if there is one)."""
    return host.lower() in settings.hosts


class _HttpxCookies:
    """``httpx`` and ``httpx2`` clients, and Starlette's ``TestClient``, which is one."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._addresses: list[str] = []

    @property
    def _jar(self) -> CookieJar:
        return cast(CookieJar, self._client.cookies.jar)

    def ask_for(self, settings: Settings) -> None:
        """See ``_Cookies``. A browser names its origin for a WebSocket: so does Starlette's client then."""
        self._client.base_url = settings.origin
        self._addresses = [settings.origin]
        if hasattr(self._client, "websocket_connect"):
            self._client.headers.setdefault("origin", settings.origin)
            self._addresses.append(_STARLETTES_WEBSOCKETS)

    def take(self, set_cookie: str) -> None:
        """See ``_Cookies``. By the jar's own rules, so that an answer of the application's replaces it later."""
        answer = Message()
        answer["Set-Cookie"] = set_cookie
        for address in self._addresses:
            asked = UrlRequest(address)  # noqa: S310 - nothing is opened
            self._jar.extract_cookies(_Answer(answer), asked)  # type: ignore[arg-type]  # it asks for info() alone

    def forget(self, names: Iterable[str]) -> None:
        """See ``_Cookies``."""
        gone = frozenset(names)
        for cookie in [known for known in self._jar if known.name in gone]:
            self._jar.clear(cookie.domain, cookie.path, cookie.name)


class _Answer:
    def __init__(self, headers: Message) -> None:
        self._headers = headers

    def info(self) -> Message:
        return self._headers


class _WerkzeugCookies:
    """Werkzeug's client, and Flask's, which is one."""

    def __init__(self, client: Any) -> None:
        self._client = client

    @property
    def _host(self) -> str:
        """What the client asks for, with the port if there is one."""
        opened = self._client.open
        if isinstance(opened, functools.partial):
            return str(urlsplit(opened.keywords["base_url"]).netloc)
        config = getattr(self._client.application, "config", {})
        return str(config.get("SERVER_NAME") or "localhost")

    def ask_for(self, settings: Settings) -> None:
        """See ``_Cookies``."""
        if not is_answered(self._host, settings):
            plain = type(self._client).open.__get__(self._client)
            self._client.open = functools.partial(plain, base_url=settings.origin)

    def take(self, set_cookie: str) -> None:
        """See ``_Cookies``."""
        name, value = parsed_cookie(set_cookie)
        if value:
            self._client.set_cookie(name, value, domain=self._host.partition(":")[0])

    def forget(self, names: Iterable[str]) -> None:
        """See ``_Cookies``."""
        for name in names:
            self._client.delete_cookie(name, domain=self._host.partition(":")[0])


def parsed_cookie(set_cookie: str) -> tuple[str, str]:
    """Name and value of one of our own ``Set-Cookie`` texts; the value is empty where it deletes the cookie."""
    name, _, value = set_cookie.partition(";")[0].partition("=")
    return name, value
