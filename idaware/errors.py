"""Everything idaware raises, in one tree, split by whose fault it is.

    IdawareError
    ├── ConfigurationError      whoever deploys: settings, policy file, keys
    │   ├── SettingsError
    │   └── PolicyError
    ├── ProviderError           the OpenID provider
    │   ├── ProviderUnavailable     no answer, 5xx, 429, timeout: try again later
    │   ├── ProviderMisbehaved      an answer that no conforming provider gives
    │   ├── ProviderRefused         an OAuth error response (``error`` in it)
    │   └── TokenRejected           a token that fails one of our checks
    ├── ClientError             whoever sent the request
    └── StoreError              a session store

A message says what was got, what was expected and what to do. It never holds a token, a cookie or a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from idaware.reasons import Reason


class IdawareError(Exception):
    """The root of the tree: catch it to catch whatever idaware raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the configuration.

    ``where`` is a variable's name, or ``policy.yaml:14:7`` (file, line, column; both from 1).
    ``message`` says what it held (never a secret's value), what was expected and what to do.
    """

    where: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class ConfigurationError(IdawareError):
    """The deployment is wrong. Holds every problem that was found, not only the first."""

    def __init__(self, problems: tuple[Problem, ...] | list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SettingsError(ConfigurationError):
    """An environment variable or keyword argument that is missing, unknown, malformed or contradicted."""


class PolicyError(ConfigurationError):
    """A policy file that cannot be loaded. None of it is in force."""


class ProviderError(IdawareError):
    """The OpenID provider's fault, or the network's between us and it."""


class ProviderUnavailable(ProviderError):
    """No usable answer: refused connection, time-out, 5xx, 429, TLS failure. Trying again later may help."""


class ProviderMisbehaved(ProviderError):
    """An answer that breaks the specification: wrong issuer in discovery, not JSON, too large, a redirect."""


class ProviderRefused(ProviderError):
    """The provider answered with an OAuth error response (RFC 6749 section 5.2).

    ``error`` is its ``error`` code (for example ``invalid_grant``), ``status`` the HTTP status.
    """

    def __init__(self, error: str, description: str, status: int) -> None:
        self.error = error
        self.description = description
        self.status = status
        super().__init__(
            f"the provider answered {status} {error}: {description}"
            if description
            else f"the provider answered {status} {error}"
        )


class TokenRejected(ProviderError):
    """A token failed a check. ``step`` names the check in the specification's words, for the record and the log."""

    def __init__(self, reason: Reason, step: str, message: str) -> None:
        self.reason = reason
        self.step = step
        super().__init__(f"{step}: {message}")


class ClientError(IdawareError):
    """The request cannot be accepted as it is. ``status`` is the HTTP status that says so."""

    def __init__(self, reason: Reason, message: str, status: int = 400) -> None:
        self.reason = reason
        self.status = status
        super().__init__(message)


class StoreError(IdawareError):
    """A session store could not be read or written."""
