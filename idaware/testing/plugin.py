"""Fixtures for pytest: ``idaware_sign_in`` and ``idaware_audit``.

pytest finds them by itself. Nothing of idaware is imported before a test asks for one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from idaware.testing import CapturedAudit


@pytest.fixture
def idaware_sign_in() -> Iterator[Callable[..., Any]]:
    """``signed_in`` whose clients are signed out again after the test: for clients that several tests share."""
    from idaware.testing import signed_in, signed_out

    clients: list[tuple[Any, object]] = []

    def sign_in(client: Any, /, *, app: object = None, **who: Any) -> Any:
        clients.append((client, app))
        return signed_in(client, app=app, **who)

    yield sign_in
    for client, app in clients:
        signed_out(client, app=app)


@pytest.fixture
def idaware_audit() -> Iterator[Callable[[object], CapturedAudit]]:
    """``capture_audit`` until the end of the test: give it the application, or a client of it."""
    from idaware.testing import capture_audit

    with contextlib.ExitStack() as stack:
        yield lambda application: stack.enter_context(capture_audit(application))
