"""The Django application of these tests, guarded by one line under either protocol."""

import os
from typing import Any

import django
from content import STATIC, page, protected
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from django.views.static import serve

settings.configure(
    DEBUG=False,
    SECRET_KEY="of the tests alone",
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    USE_TZ=True,
)
django.setup()


def who(request: HttpRequest) -> Any:
    scope = getattr(request, "scope", None)
    return request.META["idaware.identity"] if scope is None else scope["idaware"]


def health(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "ok"})


def front(request: HttpRequest) -> HttpResponse:
    return HttpResponse(page("Front page", who(request)))


def open_to_all(request: HttpRequest, rest: str) -> HttpResponse:
    return HttpResponse(page(f"Open {rest}", who(request)))


def report(request: HttpRequest, team: str) -> HttpResponse:
    return HttpResponse(page(f"Report of {team}", who(request)))


def behind(request: HttpRequest, **_captured: str) -> HttpResponse:
    return HttpResponse(protected(request.path, who(request)))


@csrf_exempt
def area(request: HttpRequest, area: str, name: str) -> HttpResponse:
    if request.method == "POST":
        return JsonResponse({"bytes": len(request.body), "who": who(request).email})
    return HttpResponse(protected(f"{area.title()} {name}", who(request)))


mounted = [path("", behind), path("secret", behind)]

urlpatterns = [
    path("", front),
    path("health", health),
    path("open/<path:rest>", open_to_all),
    path("team/<str:team>/report", report),
    path("admin", behind),
    path("admin/<path:rest>", behind),
    path("api/v1/items/<str:item>", behind),
    path("static/<path:path>", serve, {"document_root": STATIC}),
    path("mnt/", include(mounted)),
    path("<str:area>/<str:name>", area),
]

if os.environ.get("E2E_PROTOCOL") == "asgi":
    from idaware.asgi import IdentityMiddleware as AsgiMiddleware

    app: Any = AsgiMiddleware(get_asgi_application())
else:
    from idaware.wsgi import IdentityMiddleware as WsgiMiddleware

    app = WsgiMiddleware(get_wsgi_application())
