"""FastAPI: dependencies that say who is asking and who may, for HTTP and WebSockets, and say so in OpenAPI.

    @app.get("/jobs")
    def jobs(who: Annotated[Identity, Depends(current_identity)]): ...

    @app.post("/jobs", dependencies=[Depends(require_groups("sre"))])
    def start(): ...

Not here: ``from __future__ import annotations``. FastAPI reads the annotations of ``__call__`` below, and older
releases cannot resolve a text there.
"""

from typing import Annotated, Any, Final, TypeAlias

from fastapi import Depends
from fastapi.openapi.models import APIKey, APIKeyIn
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from idaware import starlette
from idaware.guards import group_names
from idaware.identity import Identity

__all__ = ["CurrentIdentity", "current_identity", "require_groups"]

_DESCRIPTION: Final = (
    "The session cookie of the access layer. Its name is `__Host-idaware-` and eight characters of this deployment's; "
    "a browser has it after signing in at `/_idaware/login`. Requests without it get 401, with `login_url`."
)


class _Session(SecurityBase):
    """A dependency that OpenAPI lists as needing the session."""

    def __init__(self) -> None:
        self.scheme_name = "idaware"
        where: dict[str, Any] = {"in": APIKeyIn.cookie}
        self.model = APIKey(**where, name="__Host-idaware", description=_DESCRIPTION)


class _CurrentIdentity(_Session):
    async def __call__(self, connection: HTTPConnection) -> Identity:
        """Who asks."""
        return starlette.current_identity(connection)


class _RequireGroups(_Session):
    def __init__(self, groups: tuple[str, ...]) -> None:
        super().__init__()
        self._groups = groups

    async def __call__(self, connection: HTTPConnection) -> Identity:
        """Who asks, if they may."""
        return starlette.check_groups(connection, self._groups)


current_identity: Final = _CurrentIdentity()
"""``Depends(current_identity)``: who asks; ``ANONYMOUS`` for nobody on a public path.

Raises ``ConfigurationError`` when the request did not come through ``idaware.asgi.IdentityMiddleware``.
"""

CurrentIdentity: TypeAlias = Annotated[Identity, Depends(current_identity)]
"""The annotation of a parameter that is to hold who asks."""


def require_groups(*groups: str) -> _RequireGroups:
    """``Depends(require_groups("sre", "finance"))``: people in any of ``groups`` (raw token values); gives who asks.

    Everybody else gets 403 as an ``HTTPException``, nobody 401; a WebSocket is closed with 4403 or 4401. The policy
    has to name each group, in a rule or under ``keep``: a request raises ``ConfigurationError`` otherwise.
    """
    return _RequireGroups(group_names(groups))
