"""The Django application of ``peers.mozilla_django_oidc``: the visitor's page, guarded."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.urls import include, path
from visitor import GROUP, PATH


@login_required
def guarded(request: HttpRequest) -> HttpResponse:
    if GROUP not in request.session["groups"]:
        return HttpResponseForbidden()
    return HttpResponse("hi", content_type="text/plain")


urlpatterns = [path(PATH[1:], guarded), path("oidc/", include("mozilla_django_oidc.urls"))]
