"""Which path the application's router will route on, and what was taken off before it (security rules 1 and 3).

Only the scope's ``path``, ``root_path`` and ``app_root_path`` count, and only the environ's ``PATH_INFO`` and
``SCRIPT_NAME``: never a URL put together again, a raw target or a forwarded header. What a path may hold is
decided in ``paths.py``.

An empty path below a mount is ``/``: Django (WSGI) and Werkzeug take it for the root of the mount or redirect
there, Starlette redirects or has no route, and the policy does not count a trailing slash, so no router
serves anything there that a rule for ``/`` was not written for. Without a mount nothing legitimate has an
empty path (a target like ``?x`` or ``http://host``): it stays empty, and ``check_path`` refuses it.
"""

from __future__ import annotations

from idaware.http.paths import check_path

_UNDECODABLE = "\N{REPLACEMENT CHARACTER}"


def split_asgi(path: str, root_path: str, app_root_path: str | None, expected: str) -> tuple[str, str, bool]:
    """Split an ASGI ``path`` into ``(path for the router, mount, whether the mount is the configured one)``.

    By the ASGI specification ``path`` includes ``root_path``. ``app_root_path`` is what Starlette's ``Mount`` leaves
    behind: the ``root_path`` of the server; what ``root_path`` holds beyond it is an in-process mount. ``expected``
    is ``IDAWARE_ROOT_PATH``. A path outside the prefix is not ok: routers route it in full, so that one handler
    would have two paths. Clients can set ``root_path`` on some servers (``Daphne-Root-Path``).
    """
    if not root_path and not expected and not app_root_path:
        return path, "", True
    outer = root_path if app_root_path is None else app_root_path
    if (
        outer != expected  # security rule 3
        or not _is_below(root_path, expected)
        or not _is_below(path, root_path)  # on a segment boundary: ``/appadmin`` is not below ``/app``
        or (root_path != expected and check_path(root_path, None) is not None)
    ):
        return path, root_path, False
    return path[len(root_path) :] or "/", root_path, True


def split_wsgi(path_info: str, script_name: str, expected: str) -> tuple[str, str, bool]:
    """The same for WSGI: ``PATH_INFO`` and ``SCRIPT_NAME`` are bytes in the clothes of Latin-1 text (PEP 3333).

    ``PATH_INFO`` is already what the router routes on. Bytes that are not UTF-8 become U+FFFD, which
    ``check_path`` refuses. ``expected`` is the ``root_path=`` of this copy of the middleware.
    """
    path, mount = _utf8(path_info), _utf8(script_name)
    if mount and not path:
        path = "/"
    return path, mount, mount == expected  # security rule 3: gunicorn takes SCRIPT_NAME from a header


def _is_below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")


def _utf8(text: str) -> str:
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8", "replace")
    except UnicodeEncodeError:  # a server that breaks PEP 3333: nobody knows what the router will read
        return _UNDECODABLE
