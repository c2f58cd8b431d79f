"""The gate in an application: found from whatever a test has in hand."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

from idaware.assembly import Runtime
from idaware.effects import JsonAnswer
from idaware.testing.defaults import ISSUER

_INSIDE: Final = (
    "app", "wsgi_app", "application", "middleware_stack", "asgi_app", "wrapped", "func", "__self__", "_transport",
)  # fmt: skip
"""Where clients, frameworks and middlewares keep the application that they pass requests to."""

_MAX_STEPS: Final = 200


def runtime_of(holder: object) -> Runtime:
    """What ``IdentityMiddleware`` was assembled from, in ``holder``: an application, or a test client that has one.

    Raises ``LookupError`` when there is none, and ``ConfigurationError`` when the settings are wrong.
    """
    for seen in _inside(holder):
        runtime = getattr(seen, "runtime", None)
        if isinstance(runtime, Runtime):
            _introduce_provider(runtime)
            return runtime
    raise LookupError(
        f"no IdentityMiddleware was found in {holder!r}; give the guarded application: app=..., "
        "and see that the middleware is there before the test begins"
    )


def _inside(holder: object) -> Iterator[object]:
    """``holder`` and what it holds, from the outside in."""
    waiting, known = [holder], {id(holder)}
    while waiting and len(known) < _MAX_STEPS:
        seen = waiting.pop(0)
        yield seen
        _build_stack(seen)
        for name in _INSIDE:
            found = getattr(seen, name, None)
            if found is not None and id(found) not in known:
                known.add(id(found))
                waiting.append(found)


def _build_stack(seen: Any) -> None:
    """Starlette and FastAPI put ``add_middleware`` into effect at the first request; here it is needed before."""
    if getattr(seen, "middleware_stack", seen) is None:
        seen.middleware_stack = seen.build_middleware_stack()


def _introduce_provider(runtime: Runtime) -> None:
    """Answer for the metadata of the issuer of ``configure``: nobody listens there, and sign-ins begin all the same."""
    if runtime.settings.issuer != ISSUER:
        return
    flow = runtime.provider.metadata(time.time())
    document = {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/authorize",
        "token_endpoint": f"{ISSUER}/token",
        "jwks_uri": f"{ISSUER}/keys",
    }
    try:
        next(flow)
        flow.send(JsonAnswer(status=200, body={**document}))
    except StopIteration:
        return
