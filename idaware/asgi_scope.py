"""The scope that an ASGI application gets: who is asking in Starlette's words, and an ear for its router.

Belongs here: what is put into the scope, and security rule 6, which is heard there. Sending and receiving is in
``asgi.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from starlette.authentication import AuthCredentials, BaseUser

from idaware.errors import IdawareError
from idaware.http.routes import route_agrees

if TYPE_CHECKING:
    from idaware.identity import Identity
    from idaware.request import Allow, Request

_FRAMEWORKS = frozenset({"fastapi", "litestar", "quart", "starlette"})


class RouteMismatchError(IdawareError):
    """The application's router chose a route whose template does not fit the decided path (security rule 6)."""


class Dispatch(Struct, eq=False):
    """Where the application's router went.

    ``path``: what the policy decided on. ``outer``: the scope that the middleware was called with.
    ``mismatch``: a route was chosen that does not fit. ``template``: of the chosen route, mounts included; ``None``
    where no framework told. ``mounted``: the templates of the mounts that were passed. ``told``: whether the framework
    named the route that it goes to next; ``routes``: those of the mount that it went to last.
    """

    path: str
    outer: Mapping[str, Any]
    mismatch: bool = False
    template: str | None = None
    mounted: str = ""
    told: bool = False
    routes: Sequence[object] | None = None

    def reached(self, endpoint: object, scope: Mapping[str, Any]) -> None:
        """The router is about to hand over to ``endpoint``. Starlette before 1.6 does not say by which route.

        Then it is one of those that lead there; where several do, the one that fits. Raises as ``chosen``.
        """
        if self.told:
            self.told = False
            return
        leading = [route for route in self._known_routes(scope) if endpoint is _endpoint_of(route)]
        fitting = [route for route in leading if self._fits(route, scope)]
        if leading:
            self.chosen((fitting or leading)[0], scope)

    def _known_routes(self, scope: Mapping[str, Any]) -> Iterable[object]:
        """The routes that the router chooses from, as far as it can be seen."""
        if self.routes is not None:
            return self.routes
        return getattr(scope.get("app") or scope.get("router"), "routes", None) or ()

    def _fits(self, route: object, scope: Mapping[str, Any]) -> bool:
        told = _template_of(route, scope)
        return told is None or route_agrees(
            self._inner_root(scope) + told, self.path, prefix=hasattr(route, "routes")
        )

    def chosen(self, route: object, scope: Mapping[str, Any]) -> None:
        """The router is about to hand over to ``route``. Raises ``RouteMismatchError``: the handler must not run."""
        told = _template_of(route, scope)
        is_mount = hasattr(route, "routes")
        if is_mount:
            self.routes = getattr(route, "routes", None)
        if told is None:
            return
        root = self._inner_root(scope)
        # A mount's own template, where it told one; else what it took off the path.
        mounted = self.mounted.count("/") == root.count("/")
        self.template = (self.mounted if mounted else root) + told
        if is_mount:
            self.mounted = self.template
        if not route_agrees(root + told, self.path, prefix=is_mount):
            self.mismatch = True
            raise RouteMismatchError(f"the route {self.template!r} does not fit the path that was decided on")

    def prefixed(self, root_path: str) -> None:
        """The application itself says that ``root_path`` is to be taken off the path (``FastAPI(root_path=)``).

        Where it really begins with that, the router reads another path than the policy decided on (security rule 1):
        ``/app/admin`` would be ``/admin``. Raises ``RouteMismatchError``.
        """
        if root_path and self.path.startswith(root_path) and (self.path + "/").startswith(root_path + "/"):
            self.mismatch = True
            raise RouteMismatchError(f"the application takes {root_path!r} off the path that was decided on")

    def route_and_framework(self, scope: Mapping[str, Any]) -> tuple[str | None, str | None]:
        """The template of the route, and the framework by its package's name, as far as the application told them."""
        route = scope.get("idaware.route") or self.template or scope.get("path_template")
        framework = scope.get("idaware.framework")
        if framework is None and "app" in scope:
            framework = self._framework(scope["app"])
        return _text(route), _text(framework)

    def _framework(self, app: object) -> str | None:
        if app is self.outer.get("app") and self.template is None:
            return None  # ``add_middleware``: it is the outer one
        return _framework_of(type(app))  # type: ignore[arg-type]  # mypy takes a class's __hash__ for its instances'

    def _inner_root(self, scope: Mapping[str, Any]) -> str:
        """What mounts inside the application took off the path, as Starlette reads ``root_path``."""
        root: str = scope.get("root_path", "")
        if not (scope["path"] + "/").startswith(root + "/"):
            return ""  # the router then looks at the whole path
        return root.removeprefix(self.outer.get("root_path", ""))


class RoutedScope(dict[str, Any]):
    """A scope that hears where the application's router goes, at the moment it goes there (security rule 6).

    Starlette and FastAPI put ``route`` into the scope when they dispatch; that is the one place where the route is
    known before the handler runs, without routing a second time. NOT CHECKED: applications whose own middleware makes
    a plain ``dict`` of the scope, and frameworks that tell no route.
    """

    __slots__ = ("dispatch",)

    def __init__(self, scope: Mapping[str, Any], dispatch: Dispatch) -> None:
        super().__init__(scope)
        self.dispatch = dispatch

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        if key == "route":
            self.dispatch.told = True
            self.dispatch.chosen(value, self)
        elif key == "root_path":  # a mount tells it together with its route, by ``update``
            self.dispatch.prefixed(value)
        elif key == "idaware.mismatch":  # an integration compared by itself (Django's)
            self.dispatch.mismatch = True

    def update(self, *args: Any, **kwargs: Any) -> None:
        """As ``dict.update``."""
        given = dict(*args, **kwargs)
        if "endpoint" in given and "route" not in given:
            self.dispatch.reached(given["endpoint"], self)  # before a mount's ``root_path`` is taken over
        super().update(given)
        if "route" in given:
            self.dispatch.chosen(given["route"], self)

    def copy(self) -> RoutedScope:
        """A copy that hears as well."""
        return RoutedScope(self, self.dispatch)

    __copy__ = copy


def inner_scope(
    scope: Mapping[str, Any], request: Request, allow: Allow, stripped: Sequence[int]
) -> RoutedScope:
    """The scope for the application: without the headers at the places ``stripped``, with who is asking."""
    headers = scope["headers"]
    if stripped:  # security rule 9
        headers = [pair for index, pair in enumerate(headers) if index not in stripped]
    if allow.identity_headers:
        added = ((n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in allow.identity_headers)
        headers = [*headers, *added]
    inner = RoutedScope(scope, Dispatch(request.path, scope))
    identity = allow.identity
    dict.update(
        inner,
        {
            "headers": headers,
            "idaware": identity,
            "idaware.path": request.path,
            "idaware.mount": request.mount,
            "user": User(identity),
            "auth": Credentials(identity),
        },
    )
    return inner


def _template_of(route: object, scope: Mapping[str, Any]) -> str | None:
    """The path template that ``route`` stands for, below the mounts that were passed; ``None`` where it has none.

    FastAPI keeps included routers as they are: the route itself is without the prefix it was included under. Where that
    cannot be found the template stands as it is, which at worst refuses too much.
    """
    beside = scope.get("fastapi")
    if isinstance(beside, Mapping):
        effective, included = beside.get("effective_route_context"), beside.get("included_router")
        if getattr(effective, "original_route", None) is route:
            return _text(getattr(effective, "path", None))
        if included is not None and any(known is route for known in included.original_router.routes):
            return _text(included.include_context.path_for(route))
    return _text(getattr(route, "path", None))


def _endpoint_of(route: object) -> object:
    """What ``route`` hands over to: a mount's application, a route's handler."""
    return getattr(route, "app", None) if hasattr(route, "routes") else getattr(route, "endpoint", None)


@lru_cache(maxsize=64)
def _framework_of(kind: type) -> str | None:
    """The framework that a kind of application is made with."""
    packages = (base.__module__.partition(".")[0] for base in kind.__mro__)
    return next((package for package in packages if package in _FRAMEWORKS), None)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


class User(BaseUser):
    """``request.user`` in Starlette and FastAPI: the identity, in Starlette's words."""

    __slots__ = ("_identity",)

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    @property
    def is_authenticated(self) -> bool:
        """Whether anybody is signed in."""
        return self._identity.is_authenticated

    @property
    def display_name(self) -> str:
        """The person's name, else what ``IDAWARE_USER_CLAIM`` names."""
        return self._identity.name or self._identity.user

    @property
    def identity(self) -> str:
        """The principal: ``alias/sub``; empty for nobody."""
        return self._identity.principal or ""

    @property
    def idaware(self) -> Identity:
        """The whole identity."""
        return self._identity


class Credentials(AuthCredentials):
    """``request.auth``: ``authenticated``, and ``group:<name>`` for each kept group (for ``@requires``)."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    @property
    def scopes(self) -> list[str]:  # type: ignore[override]  # computed when asked for, not on every request
        """The scopes that Starlette's ``@requires`` looks at."""
        if not self._identity.is_authenticated:
            return []
        return ["authenticated", *(f"group:{group}" for group in sorted(self._identity.groups or ()))]
