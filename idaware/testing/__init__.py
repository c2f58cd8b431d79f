"""The testing kit: sign a test client in, see the audit records, let an application be imported without a provider.

    # conftest.py, before the application is imported
    import idaware.testing
    idaware.testing.configure(policy_file="policy.yaml")

    # a test
    client = signed_in(TestClient(app), groups=["sre"])

A client that is signed in has a real session cookie, made with the application's own keys: the real gate and the real
policy decide about each of its requests. Nothing in here opens the gate, and no environment variable does.

* ``defaults.py``: settings for a test suite. ``sessions.py``: from a person to cookies.
* ``applications.py``: the gate in an application. ``clients.py``: test clients; ``django_client.py``: Django's.
* ``audit.py``: records. ``plugin.py``: fixtures for pytest.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from idaware.testing.audit import CapturedAudit, capture_audit
    from idaware.testing.clients import signed_in, signed_out
    from idaware.testing.defaults import configure

__all__ = ["CapturedAudit", "capture_audit", "configure", "signed_in", "signed_out"]

_HOMES = {
    "CapturedAudit": "audit",
    "capture_audit": "audit",
    "configure": "defaults",
    "signed_in": "clients",
    "signed_out": "clients",
}


def __getattr__(name: str) -> Any:
    """Imported when first used: pytest loads this package for ``plugin.py`` in suites that use none of it."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'idaware.testing' has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(f"idaware.testing.{home}"), name)
    return found
