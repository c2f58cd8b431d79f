"""The same Django application without a guard."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import path
from visitor import PATH


def plain(request: HttpRequest) -> HttpResponse:
    return HttpResponse("hi", content_type="text/plain")


def use_these_urls(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """The one middleware of this application: two of them live in one process, with one set of settings."""

    def respond(request: HttpRequest) -> HttpResponse:
        request.urlconf = __name__
        return get_response(request)

    return respond


urlpatterns = [path(PATH[1:], plain)]
