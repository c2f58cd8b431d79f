"""Identity in headers, for applications that read them (``IDAWARE_IDENTITY_HEADERS``): a bridge, built on purpose."""

from __future__ import annotations

import re
from collections.abc import Sequence

from idaware.identity import Identity

_PLACEHOLDER = re.compile(r"\{(subject|principal|email|name|user|groups)\}")
# A display name may be what Latin-1 can write; who somebody *is* has to read the same whatever decodes it.
_UNFIT_IN_NAME = re.compile(r"[^\x20-\x7e\xa0-\xff]")
_FIT = re.compile(r"[!-~](?:[ -~]*[!-~])?")


class HeaderBridge:
    """Fills header templates such as ``{email}``; compiled once. ``templates``: pairs of name and template.

    ``verified_only``: an e-mail address that the provider does not vouch for stays out, as it does in the policy.
    """

    def __init__(self, templates: Sequence[tuple[str, str]], *, verified_only: bool = True) -> None:
        self._templates = tuple(templates)
        self._verified_only = verified_only

    def fill(self, identity: Identity) -> tuple[tuple[str, str], ...]:
        """The headers for ``identity``.

        What names somebody goes in whole or not at all (then its place stays empty): left-out characters would make
        ``admin`` of an ``admin`` with an invisible blank, and whoever chooses their own name at the provider would be
        somebody else here. So too with groups, and a group with a comma in its name is left out: it would read as
        two. From a display name only the characters that a header cannot carry go, for a ``?``.
        """
        if not self._templates:
            return ()
        vouched = identity.email_verified or not self._verified_only
        facts = {
            "subject": _whole(identity.subject),
            "principal": _whole(identity.principal),
            "email": _whole(identity.email) if vouched else "",
            "name": _UNFIT_IN_NAME.sub("?", identity.name or ""),
            "user": _whole(identity.user),
            "groups": ",".join(sorted(g for g in identity.groups or () if "," not in g and _whole(g))),
        }
        return tuple(
            (name, _PLACEHOLDER.sub(lambda found: facts[found[1]], template))
            for name, template in self._templates
        )


def _whole(text: str | None) -> str:
    return text if text is not None and _FIT.fullmatch(text) else ""
