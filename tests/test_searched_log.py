"""What would be found, were it ever logged: a search that finds nothing proves something only if it can find."""

from __future__ import annotations

import logging

import pytest

from support.searched_log import SearchedLog, secret_in

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("logger", "line", "kind"),
    [
        ("idaware", f"rejected {TOKEN}", "a signed token"),
        ("httpx2", "headers: Authorization: Bearer 2YotnFZFEjr1zCsicMWpAA", "credentials"),
        (
            "httpcore2.http11",
            "body: code=x&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r",
            "a field of a token request",
        ),
        (
            "idaware.audit",
            "cookie __Host-idaware-0a1b2c3d-a=lgHZIGFiY2RlZmdoaQ.ZmVkY2JhOTg3NjU0MzIxMA",
            "a cookie of ours",
        ),
        ("authlib", "secret is correct horse battery staple", "a secret of the tests"),
        ("idaware", "sign-in failed: the provider answered access_denied (request 01JD)", None),
        ("httpcore2.http11", "headers: idaware-0a1b2c3d=lgHZIGFiY2RlZmdoaQ.ZmVkY2JhOTg3NjU0MzIxMA", None),
    ],
    ids=["token", "bearer", "verifier", "cookie", "client secret", "nothing", "a browser's own cookie"],
)
def test_a_secret_is_told_from_other_text(logger: str, line: str, kind: str | None) -> None:
    assert secret_in(logger, line) == kind


def test_what_is_kept_names_the_logger_and_not_the_secret() -> None:
    log = SearchedLog()
    try:
        raise ValueError(TOKEN)
    except ValueError as error:
        exc_info = (type(error), error, error.__traceback__)
    log.emit(logging.LogRecord("idaware", logging.ERROR, "", 1, "it failed", (), exc_info))
    assert log.found == ["idaware (ERROR) logged a signed token"]
