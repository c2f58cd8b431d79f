"""Settings: ``IDAWARE_*`` variables and keyword arguments to one typed ``Settings``, every error at once.

Vocabulary: nothing is read at import, and ``Settings.from_env`` is the one reader. Inside:

* ``rows.py``: the table; to add an option, begin there. ``table.py``: its shape.
* ``kinds.py``, ``web.py``: how one value is read. ``strength.py``, ``client_key.py``: which keys are of use.
* ``read.py``: which values were given, and where. ``derive.py``: defaults that follow from others.
* ``checks.py``: contradictions. ``model.py``: ``Settings``. ``overrides.py``: the types of keyword arguments.
* ``reference.py``: the reference page and ``idaware env``.
"""

from idaware.settings.model import Reread, Settings, reread_secrets
from idaware.settings.overrides import SettingsOverrides
from idaware.settings.rows import SETTINGS
from idaware.settings.secret import Secret
from idaware.settings.table import Setting
from idaware.settings.web import fold_header

__all__ = [
    "SETTINGS",
    "Reread",
    "Secret",
    "Setting",
    "Settings",
    "SettingsOverrides",
    "fold_header",
    "reread_secrets",
]
