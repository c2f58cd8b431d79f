"""Starlette: who is asking, and guards for endpoints.

``request.user`` and ``request.auth`` are set already (``@requires("authenticated")`` works); what is here fails
loudly where those would silently say no.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

from starlette.exceptions import HTTPException, WebSocketException
from starlette.requests import HTTPConnection

from idaware.errors import ClientError
from idaware.guards import CHALLENGE, checked_identity, close_code, group_names, guard
from idaware.identity import Identity

__all__ = ["current_identity", "require_groups"]

_HOW = "wrap the application: app = idaware.asgi.IdentityMiddleware(app), or app.add_middleware(IdentityMiddleware)"

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def current_identity(connection: HTTPConnection) -> Identity:
    """Who asks in this request or WebSocket; ``ANONYMOUS`` for nobody on a public path.

    Raises ``ConfigurationError`` when the request did not come through ``idaware.asgi.IdentityMiddleware``.
    """
    return checked_identity(connection.scope.get("idaware"), _HOW)


def require_groups(*groups: str) -> Callable[[Endpoint], Endpoint]:
    """Decorate an endpoint, function or method, for people in any of ``groups`` (raw token values).

    Everybody else gets 403 as an ``HTTPException``, nobody 401; a WebSocket is closed with 4403 or 4401. The policy
    has to name each group, in a rule or under ``keep``: a request raises ``ConfigurationError`` otherwise.
    """
    names = group_names(groups)

    def decorate(endpoint: Endpoint) -> Endpoint:
        if inspect.iscoroutinefunction(endpoint):

            @functools.wraps(endpoint)
            async def guarded(*args: Any, **kwargs: Any) -> Any:
                check_groups(_connection(args, kwargs), names)
                return await endpoint(*args, **kwargs)
        else:

            @functools.wraps(endpoint)
            def guarded(*args: Any, **kwargs: Any) -> Any:
                check_groups(_connection(args, kwargs), names)
                return endpoint(*args, **kwargs)

        return cast(Endpoint, guarded)

    return decorate


def check_groups(connection: HTTPConnection, groups: tuple[str, ...]) -> Identity:
    """Let pass who is in any of ``groups``; raise Starlette's exceptions for everybody else."""
    identity = current_identity(connection)
    try:
        guard(identity, groups)
    except ClientError as refusal:
        if connection.scope["type"] == "websocket":
            raise WebSocketException(close_code(refusal), str(refusal)) from refusal
        headers = {"WWW-Authenticate": CHALLENGE} if refusal.status == 401 else None
        raise HTTPException(refusal.status, str(refusal), headers) from refusal
    return identity


def _connection(args: tuple[Any, ...], kwargs: dict[str, Any]) -> HTTPConnection:
    for given in (*args, *kwargs.values()):
        if isinstance(given, HTTPConnection):
            return given
    raise TypeError("require_groups decorates endpoints: functions that take a Request or a WebSocket")
