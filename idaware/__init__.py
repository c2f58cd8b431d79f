"""Identity-aware access for Python web applications, in process.

``idaware.asgi.IdentityMiddleware`` and ``idaware.wsgi.IdentityMiddleware`` are the two adapters; the names below are
imported when they are first used, so that a Flask process never imports Starlette.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from idaware.errors import ConfigurationError, IdawareError, PolicyError, SettingsError
    from idaware.identity import ANONYMOUS, Identity
    from idaware.reasons import Reason
    from idaware.settings import Settings

__version__ = "0.1.0"

_HOMES = {
    "ANONYMOUS": "identity",
    "ConfigurationError": "errors",
    "IdawareError": "errors",
    "Identity": "identity",
    "PolicyError": "errors",
    "Reason": "reasons",
    "Settings": "settings",
    "SettingsError": "errors",
}

__all__ = [
    "ANONYMOUS",
    "ConfigurationError",
    "IdawareError",
    "Identity",
    "PolicyError",
    "Reason",
    "Settings",
    "SettingsError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'idaware' has no attribute {name!r}")
    return getattr(importlib.import_module(f"idaware.{home}"), name)
