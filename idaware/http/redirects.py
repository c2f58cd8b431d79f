"""Where a sign-in may end: a path of this application, or its root (security rule 20)."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

from idaware.http.paths import check_path

MAX_NEXT_BYTES = 2048
"""The longest ``next``; a longer one becomes the root."""

_SEMICOLON = frozenset({"semicolon"})
# Printable ASCII without the fragment, which no request line carries. Blanks and controls are what browsers
# drop silently and what splits headers.
_TARGET = re.compile(r"/[!-\"$->@-~]*(?:\?[!-\"$-~]*)?")
_PATH_SAFE = "/:@!$&'()*+,;=-._~"


def safe_next(target: str | None, *, base_path: str, prefix: str) -> str:
    """``target`` itself where a sign-in may lead there, else ``base_path + "/"``, silently (security rule 20).

    ``target`` is the external path, the base URL's prefix (``base_path``) included, with its query. Its path
    passes security rule 2 (a ``;`` is fine), begins with one ``/``, lies below ``base_path`` and is not an
    endpoint of ours (below ``base_path + prefix``): those would loop, sign out or feed the callback.
    """
    if target is not None and _is_safe(target, base_path, base_path + prefix):
        return target
    return base_path + "/"


def next_for(path: str, query: str, *, base_path: str, prefix: str) -> str:
    """The ``next`` that leads back to a request: its routed ``path`` encoded again, below ``base_path``, with
    its query.

    What does not pass ``safe_next`` becomes the root.
    """
    target = base_path + quote(path, safe=_PATH_SAFE, errors="replace")
    return safe_next(f"{target}?{query}" if query else target, base_path=base_path, prefix=prefix)


def _is_safe(target: str, base_path: str, own: str) -> bool:
    if len(target) > MAX_NEXT_BYTES or not _TARGET.fullmatch(target):
        return False
    raw = target.partition("?")[0]
    path = unquote_to_bytes(raw).decode("utf-8", "replace")
    return (
        check_path(path, raw.encode("ascii"), _SEMICOLON) is None
        and path.startswith(base_path + "/")
        and path != own
        and not path.startswith(own + "/")
    )
