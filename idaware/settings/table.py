"""The shape of the table of settings, and the names in it.

The rows are in ``rows.py``. Reading, types, ``idaware env`` and the reference page all come from them: an
option is added there, as a field in ``model.py`` and as a key in ``overrides.py``; tests compare the three.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from idaware.settings.kinds import Kind

PREFIX_OF_NAMES: Final = "IDAWARE_"

Section: TypeAlias = Literal[
    "Application",
    "Who may come in",
    "Provider",
    "Claims",
    "Sessions and cookies",
    "Requests",
    "Audit",
    "Pages and operation",
    "Later releases",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: a variable ``IDAWARE_<NAME>`` and a keyword argument ``<name>``.

    * ``default``: as somebody would write it; empty where there is none. ``default_note``: in words, where
      the default follows from other settings.
    * ``required``: nothing starts without it.
    * ``later``: known, but of a later release: anything but the default is refused as not supported yet.
    * ``keyword``: whether there is a keyword argument.
    """

    name: str
    kind: Kind
    section: Section
    meaning: str
    default: str = ""
    default_note: str = ""
    required: bool = False
    later: bool = False
    keyword: bool = True

    @property
    def variable(self) -> str:
        """The name of its environment variable."""
        return PREFIX_OF_NAMES + self.name.upper()

    @property
    def secret(self) -> bool:
        """Whether its value is never shown, and may come out of a file (``X_FILE``)."""
        return self.kind.secret

    @property
    def variables(self) -> tuple[str, ...]:
        """Every variable that gives it a value."""
        return (self.variable, f"{self.variable}_FILE") if self.secret else (self.variable,)

    @property
    def default_value(self) -> object:
        """What it is when nobody gives it."""
        return self.kind.read(self.default) if self.default else self.kind.nothing


_INJECTED: Final = re.compile(
    r"IDAWARE_(?:.*_)?(?:SERVICE_HOST|SERVICE_PORT(?:_.*)?|PORT|PORT_[0-9]+_.*)", re.ASCII | re.DOTALL
)


def injected_by_kubernetes(variable: str) -> bool:
    """Whether Kubernetes makes up such a name in every container beside a Service called ``idaware…``."""
    return _INJECTED.fullmatch(variable) is not None
