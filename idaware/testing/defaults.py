"""Settings for an application's own test suite."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, MutableMapping
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Unpack

from idaware.settings.secret import Secret

if TYPE_CHECKING:
    from idaware.settings import SettingsOverrides

ISSUER: Final = "http://localhost:9/idaware-testing"
"""An issuer that nobody listens at: the kit answers for its metadata, and nobody can sign in there."""

_DEFAULTS: Final = {
    "ISSUER": ISSUER,
    "CLIENT_ID": "idaware-testing",
    "CLIENT_AUTH": "none",
    "BASE_URL": "http://localhost",
    "AUDIT": f"file:{os.devnull}",
}
_TEST_HOSTS: Final = "localhost,testserver"
"""Flask's test client asks for ``localhost``, Starlette's and Django's for ``testserver``."""


def configure(
    environ: MutableMapping[str, str] = os.environ, /, **settings: Unpack[SettingsOverrides]
) -> None:
    """Give an application the settings it needs to be imported and tested; call it before the import.

    ``settings`` are those of the middleware; they go into ``environ`` as ``IDAWARE_*``, and beat what is there. What is
    missing gets a default that is good for tests only: an issuer on this machine that nobody listens at, a base URL on
    this machine, fresh random keys, records that go nowhere (``capture_audit`` has them). There is no default for who
    may come in: name the policy, or ``allow_groups``.
    """
    for name, value in settings.items():
        environ[f"IDAWARE_{name.upper()}"] = _text(value)
    if (
        "IDAWARE_CLIENT_SECRET" in environ
        or "IDAWARE_CLIENT_SECRET_FILE" in environ
        or "IDAWARE_CLIENT_KEY" in environ
    ):
        environ.setdefault("IDAWARE_CLIENT_AUTH", "client_secret_basic")
    if "IDAWARE_BASE_URL" not in environ:
        environ.setdefault("IDAWARE_HOSTS", _TEST_HOSTS)
    if "IDAWARE_SECRET_KEYS_FILE" not in environ:
        environ.setdefault("IDAWARE_SECRET_KEYS", secrets.token_urlsafe(32))
    for name, value in _DEFAULTS.items():
        environ.setdefault(f"IDAWARE_{name}", value)


def _text(value: object) -> str:
    """A keyword argument as it is written in the environment."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, timedelta):
        return f"{int(value.total_seconds())}s"
    if isinstance(value, str | os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return ",".join(f"{key}={item}" for key, item in value.items())
    assert isinstance(value, list | tuple | set | frozenset)
    return ",".join(_text(item) for item in value)
