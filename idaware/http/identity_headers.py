"""Identity in headers, for applications that read them (``IDAWARE_IDENTITY_HEADERS``): a bridge, built on purpose."""

from __future__ import annotations

import re
from collections.abc import Sequence

from idaware.identity import Identity

_PLACEHOLDER = re.compile(r"\{(subject|principal|email|name|user|groups)\}")
_UNFIT = re.compile(r"[^\x20-\x7e\xa0-\xff]")


class HeaderBridge:
    """Fills header templates such as ``{email}``; compiled once. ``templates``: pairs of name and template."""

    def __init__(self, templates: Sequence[tuple[str, str]]) -> None:
        self._templates = tuple(templates)

    def fill(self, identity: Identity) -> tuple[tuple[str, str], ...]:
        """The headers for ``identity``.

        What a header cannot carry (control characters, anything beyond Latin-1) is left out of a value, and so is a
        group with a comma in its name: in a comma-separated list it would read as two.
        """
        if not self._templates:
            return ()
        facts = {
            "subject": identity.subject,
            "principal": identity.principal or "",
            "email": identity.email or "",
            "name": identity.name or "",
            "user": identity.user,
            "groups": ",".join(sorted(group for group in identity.groups or () if "," not in group)),
        }
        return tuple(
            (name, _UNFIT.sub("", _PLACEHOLDER.sub(lambda found: facts[found[1]], template)))
            for name, template in self._templates
        )
