"""Flask: who is asking, guards for views, and security rule 6 at dispatch.

Importing this module makes Flask say where it routes, for every application in the process that stands behind
``idaware.wsgi.IdentityMiddleware``; the middleware imports it by itself where it finds Flask loaded.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

from flask import Flask, abort, current_app, request, request_started
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized
from werkzeug.local import LocalProxy

from idaware.errors import ClientError
from idaware.guards import CHALLENGE, checked_identity, group_names, guard
from idaware.http.routes import route_agrees
from idaware.identity import Identity
from idaware.wsgi import inner_mount

__all__ = ["current_identity", "require_groups"]

_HOW = "wrap the application: app.wsgi_app = idaware.wsgi.IdentityMiddleware(app.wsgi_app)"

View = TypeVar("View", bound=Callable[..., Any])


def _identity() -> Identity:
    return checked_identity(request.environ.get("idaware.identity"), _HOW)


current_identity: Final = cast(Identity, LocalProxy(_identity))
"""Who asks in this request; equal to ``ANONYMOUS`` for nobody on a public path.

A proxy, like Flask's own ``request``. Raises ``RuntimeError`` outside of a request, and ``ConfigurationError`` when
the request did not come through ``idaware.wsgi.IdentityMiddleware``.
"""


def require_groups(*groups: str) -> Callable[[View], View]:
    """Decorate a view, or a ``before_request`` function, for people in any of ``groups`` (raw token values).

    It stands below the route: ``@app.get("/admin")`` first. Everybody else gets ``abort(403)``, nobody 401. The policy
    has to name each group, in a rule or under ``keep``: a request raises ``ConfigurationError`` otherwise.
    """
    names = group_names(groups)

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            _check(names)
            return current_app.ensure_sync(view)(*args, **kwargs)

        return cast(View, guarded)

    return decorate


def _check(groups: tuple[str, ...]) -> None:
    try:
        guard(_identity(), groups)
    except ClientError as refusal:
        if refusal.status == 401:
            # As a "token", or Werkzeug would leave out the quotes that a realm needs (RFC 9110 section 11.5).
            challenge = WWWAuthenticate("bearer", token=CHALLENGE.removeprefix("Bearer "))
            raise Unauthorized(str(refusal), www_authenticate=challenge) from refusal
        abort(refusal.status, str(refusal))


def _routed(sender: Flask, **extra: object) -> None:
    """Security rule 6: the signal comes after routing and before anything of the application's runs."""
    environ, rule = request.environ, request.url_rule
    if rule is None or "idaware.path" not in environ:
        return
    template = inner_mount(environ, request.path) + rule.rule
    environ["idaware.route"], environ["idaware.framework"] = template, "flask"
    if not route_agrees(template, environ["idaware.path"]):
        environ["idaware.mismatch"] = True  # the middleware puts its own refusal in place of this one
        abort(403)


request_started.connect(_routed)
