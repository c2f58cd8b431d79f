"""The reference of all settings, out of the table: Markdown for people, plain data for programs.

``docs/reference/configuration.md`` is ``markdown()``, word for word; a test insists.
"""

from __future__ import annotations

from itertools import groupby
from typing import Final

from idaware.identity import Json
from idaware.settings.rows import SETTINGS
from idaware.settings.table import Setting

_HEAD: Final = """\
# Configuration

<!-- Printed by `idaware env` from the table in idaware/settings/; change it there. -->

Everything flat is an environment variable; everything structured is in the policy file.

* Each variable has a keyword argument of the same name in lower case (`issuer=`, `session_idle=`) on
  `IdentityMiddleware`. An argument beats the environment. It takes text as the variable does, or what is
  natural in Python: `True`, a list, a mapping, a `datetime.timedelta`.
* A variable that is empty counts as not set. An argument that is empty (`""`, `[]`) means the default,
  whatever the environment says; one that is `None` counts as not given.
* Durations carry a unit: `90s`, `15m`, `8h`, `7d`. A bare number is an error.
* Lists are separated by commas.
* Every secret `X` may be given as `X_FILE`, the path of a file that holds it; both at once is an error.
  The line break at the end of the file does not count. Files are read again within 10 seconds of a
  change; where the new content is wrong, the old one stays in use.
* An unknown name that begins with `IDAWARE_` is an error. What Kubernetes injects for a Service called
  `idaware…` (`*_SERVICE_HOST`, `*_SERVICE_PORT*`, `*_PORT`, `*_PORT_<n>_*`) is ignored.
* All errors are reported at once. Each names the variable, what it held (never a secret's value) and what
  was expected. A setting that is not used, or contradicted by another, is an error as well.
"""

_LATER_HEAD: Final = """\
These names are known, and nothing stands behind them yet. Anything but the default stops the start with
"not supported yet", so that nobody relies on what is not there.
"""


def markdown() -> str:
    """The reference page."""
    sections = groupby(SETTINGS, key=lambda setting: setting.section)
    return "\n".join([_HEAD, *(_section(title, list(settings)) for title, settings in sections)])


def _section(title: str, settings: list[Setting]) -> str:
    intro = [_LATER_HEAD] if settings[0].later else []
    table = ["| variable | default | holds | meaning |", "|---|---|---|---|", *map(_row, settings)]
    return "\n".join([f"## {title}\n", *intro, *table, ""])


def _row(setting: Setting) -> str:
    names = " or ".join(f"`{variable}`" for variable in setting.variables)
    later = f" Not supported yet: {', '.join(f'`{word}`' for word in setting.kind.later)}."
    keyword = " A variable only: there is no keyword argument."
    meaning = setting.meaning + (later if setting.kind.later else "") + ("" if setting.keyword else keyword)
    cells = (names, _default(setting), setting.kind.expected, meaning)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _default(setting: Setting) -> str:
    if setting.required:
        return "**required**"
    return f"`{setting.default}`" if setting.default else setting.default_note or "–"


def as_data() -> list[Json]:
    """One object a setting, in the order of the page."""
    return [
        {
            "variable": setting.variable,
            "file_variable": setting.variables[1] if setting.secret else None,
            "argument": setting.name if setting.keyword else None,
            "section": setting.section,
            "required": setting.required,
            "default": setting.default or None,
            "default_note": setting.default_note or None,
            "secret": setting.secret,
            "holds": setting.kind.expected,
            "meaning": setting.meaning,
            "supported": not setting.later,
            "not_supported_yet": list[Json](setting.kind.later),
        }
        for setting in SETTINGS
    ]
