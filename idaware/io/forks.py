"""What a forked child has to make anew: threads, locks, queues, connections.

gunicorn with ``--preload`` builds the application, and this middleware with it, before it forks. A child then
holds locks that another thread of the parent may have held, and believes in a thread that does not run in it.
Whoever has such state names a method here, which runs in each child before anything else does.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from weakref import WeakMethod

_methods: list[WeakMethod[Callable[[], None]]] = []
_registered: list[bool] = []


def after_fork(method: Callable[[], None]) -> None:
    """Call the bound ``method`` in each forked child, for as long as its object lives."""
    if not _registered:
        _registered.append(True)
        os.register_at_fork(after_in_child=in_child)
    _methods[:] = [known for known in _methods if known() is not None]
    _methods.append(WeakMethod(method))


def in_child() -> None:
    """Make everything anew; runs by itself in a forked child."""
    for known in _methods:
        if (method := known()) is not None:
            method()
