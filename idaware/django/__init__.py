"""Django: ``request.user`` from the gate, guards for views, and security rule 6 at dispatch.

    MIDDLEWARE = [..., "idaware.django.IdentityMiddleware"]     # after AuthenticationMiddleware, where there is one

It stands inside and only reads what the gate decided; the gate itself goes round the application in ``wsgi.py`` or
``asgi.py``. Which users there are, and their settings: ``users.py``.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeVar, cast

# Django has no type hints of its own.
from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.core.exceptions import PermissionDenied  # type: ignore[import-untyped]
from django.http import (  # type: ignore[import-untyped]
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseForbidden,
)
from django.urls import ResolverMatch  # type: ignore[import-untyped]
from django.urls.resolvers import LocalePrefixPattern, RegexPattern, RoutePattern  # type: ignore[import-untyped]
from django.utils.functional import SimpleLazyObject  # type: ignore[import-untyped]

from idaware.django.users import Users, users_from_settings
from idaware.errors import ClientError
from idaware.guards import CHALLENGE, checked_identity, group_names, guard
from idaware.http.routes import RoutePart, mounted, parts_agree
from idaware.identity import Identity
from idaware.wsgi import inner_mount

__all__ = ["IdentityMiddleware", "current_identity", "require_groups"]

_HOW = (
    "wrap the application in wsgi.py or asgi.py: application = IdentityMiddleware(get_wsgi_application()), "
    "with IdentityMiddleware from idaware.wsgi (or idaware.asgi)"
)

View = TypeVar("View", bound=Callable[..., Any])


def current_identity(request: HttpRequest) -> Identity:
    """Who asks in this request; ``ANONYMOUS`` for nobody on a public path.

    Raises ``ConfigurationError`` when the request did not come through the gate.
    """
    scope = getattr(request, "scope", None)
    found = request.META.get("idaware.identity") if scope is None else scope.get("idaware")
    return checked_identity(found, _HOW)


def require_groups(*groups: str) -> Callable[[View], View]:
    """Decorate a view (``method_decorator`` for classes) for people in any of ``groups`` (raw token values).

    Everybody else gets ``PermissionDenied``, Django's 403; nobody 401. The policy has to name each group, in a rule
    or under ``keep``: a request raises ``ConfigurationError`` otherwise.
    """
    names = group_names(groups)

    def decorate(view: View) -> View:
        if iscoroutinefunction(view):

            @functools.wraps(view)
            async def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                refusal = _refusal(request, names)
                return await view(request, *args, **kwargs) if refusal is None else refusal
        else:

            @functools.wraps(view)
            def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                refusal = _refusal(request, names)
                return view(request, *args, **kwargs) if refusal is None else refusal

        return cast(View, guarded)

    return decorate


def _refusal(request: HttpRequest, groups: tuple[str, ...]) -> HttpResponse | None:
    try:
        guard(current_identity(request), groups)
    except ClientError as refusal:
        if refusal.status == 401:
            return HttpResponse(
                str(refusal), status=401, content_type="text/plain", headers={"WWW-Authenticate": CHALLENGE}
            )
        raise PermissionDenied(str(refusal)) from refusal
    return None


class IdentityMiddleware:
    """Sets ``request.user`` (and ``request.auser``) to whoever the gate let in; refuses to work without the gate.

    Capable of sync and async. The user is looked up when first asked for.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self._users: Users = users_from_settings()
        self._async = iscoroutinefunction(get_response)
        if self._async:
            markcoroutinefunction(self)
        # Django would call a plain one on a thread, under ASGI.
        self.process_view = _compare_async if self._async else _compare

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """One request."""
        if self._async:
            return self._call_async(request)
        self._attach(request)
        return self.get_response(request)

    async def _call_async(self, request: HttpRequest) -> HttpResponseBase:
        self._attach(request)
        return await self.get_response(request)

    def _attach(self, request: HttpRequest) -> None:
        find = functools.partial(self._users.user_of, current_identity(request))
        request.user = user = SimpleLazyObject(find)

        async def auser() -> object:
            await sync_to_async(bool)(user)
            return user

        request.auser = auser


def _compare(request: HttpRequest, view: object, args: object, kwargs: object) -> HttpResponseBase | None:
    """Security rule 6: after routing, before the view."""
    told: MutableMapping[str, Any] = getattr(request, "scope", None) or request.META
    match: ResolverMatch = request.resolver_match
    mount = _mount(request, told)
    told["idaware.route"] = f"{mount}/{match.route}"
    told["idaware.framework"] = "django"
    # The last one tried is the one that matched: the patterns on the way to the view.
    parts = tuple(_part(entry.pattern) for entry in match.tried[-1]) if match.tried else (("unknown", ""),)
    if parts_agree((("path", f"{mount}/"), *parts) if mount else parts, told["idaware.path"]):
        return None
    told["idaware.mismatch"] = True  # the middleware at the door puts its own refusal in place of this one
    return HttpResponseForbidden()


async def _compare_async(
    request: HttpRequest, view: object, args: object, kwargs: object
) -> HttpResponseBase | None:
    return _compare(request, view, args, kwargs)


def _mount(request: HttpRequest, told: MutableMapping[str, Any]) -> str:
    if told is request.META:
        return inner_mount(told, request.path_info)
    return mounted(told["idaware.path"], request.path_info, told.get("root_path", ""), told["idaware.mount"])


def _part(pattern: object) -> RoutePart:
    if isinstance(pattern, RoutePattern | LocalePrefixPattern):
        return ("path", str(pattern))
    return ("regex", str(pattern)) if isinstance(pattern, RegexPattern) else ("unknown", "")
