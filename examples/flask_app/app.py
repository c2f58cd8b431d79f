"""A billing console in Flask, behind idaware: dashboards for two groups, changes for some, an admin page."""

from __future__ import annotations

from flask import Flask, abort, jsonify, redirect, render_template, url_for
from werkzeug.wrappers import Response

from idaware.flask import current_identity, require_groups
from idaware.wsgi import IdentityMiddleware

app = Flask(__name__)

INVOICES = {
    1001: {"customer": "Acme", "amount": 1200, "state": "open"},
    1002: {"customer": "Globex", "amount": 830, "state": "open"},
    1003: {"customer": "Initech", "amount": 96, "state": "paid"},
}


@app.context_processor
def who() -> dict[str, object]:
    """Every template knows who is asking."""
    return {"identity": current_identity}


@app.get("/healthz")
def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/about")
def about() -> str:
    return render_template("about.html")


@app.get("/")
def dashboard() -> str:
    return render_template("dashboard.html", invoices=INVOICES)


@app.get("/invoices/<int:number>")
def invoice(number: int) -> str:
    return render_template("invoice.html", number=number, invoice=INVOICES.get(number) or abort(404))


@app.post("/invoices/<int:number>/pay")
def pay(number: int) -> Response:
    (INVOICES.get(number) or abort(404))["state"] = "paid"
    return redirect(url_for("invoice", number=number))


@app.post("/invoices/<int:number>/void")
@require_groups("sre")
def void(number: int) -> Response:
    (INVOICES.get(number) or abort(404))["state"] = "void"
    return redirect(url_for("invoice", number=number))


@app.get("/api/invoices")
def api() -> Response:
    return jsonify({"for": current_identity.principal, "invoices": INVOICES})


@app.get("/admin")
def admin() -> str:
    return render_template(
        "admin.html", open_amount=sum(i["amount"] for i in INVOICES.values() if i["state"] == "open")
    )


app.wsgi_app = IdentityMiddleware(app.wsgi_app)
