"""The pages of the billing console."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

from idaware.django import current_identity, require_groups

INVOICES: dict[int, dict[str, Any]] = {
    1001: {"customer": "Acme", "amount": 1200, "state": "open"},
    1002: {"customer": "Globex", "amount": 830, "state": "open"},
    1003: {"customer": "Initech", "amount": 96, "state": "paid"},
}


def known(number: int) -> dict[str, Any]:
    """The invoice with this number, or a 404."""
    if number not in INVOICES:
        raise Http404("There is no such invoice.")
    return INVOICES[number]


@require_GET
def health(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "ok"})


@require_GET
def about(request: HttpRequest) -> HttpResponse:
    return render(request, "about.html")


@require_GET
def dashboard(request: HttpRequest) -> HttpResponse:
    return render(request, "dashboard.html", {"invoices": INVOICES})


@require_GET
def invoice(request: HttpRequest, number: int) -> HttpResponse:
    may_void = current_identity(request).in_group("sre")
    return render(request, "invoice.html", {"number": number, "invoice": known(number), "may_void": may_void})


@require_POST
def pay(request: HttpRequest, number: int) -> HttpResponse:
    known(number)["state"] = "paid"
    return redirect("invoice", number=number)


@require_POST
@require_groups("sre")
def void(request: HttpRequest, number: int) -> HttpResponse:
    known(number)["state"] = "void"
    return redirect("invoice", number=number)


@require_GET
def api(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"for": current_identity(request).principal, "invoices": INVOICES})


@require_GET
def admin(request: HttpRequest) -> HttpResponse:
    amount = sum(invoice["amount"] for invoice in INVOICES.values() if invoice["state"] == "open")
    return render(request, "admin.html", {"open_amount": amount, "acr": current_identity(request).acr})


urlpatterns = [
    path("healthz", health),
    path("about", about),
    path("", dashboard),
    path("invoices/<int:number>", invoice, name="invoice"),
    path("invoices/<int:number>/pay", pay),
    path("invoices/<int:number>/void", void),
    path("api/invoices", api),
    path("admin", admin),
]
