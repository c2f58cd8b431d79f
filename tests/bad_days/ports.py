"""Ports of loopback that nobody listens on."""

from __future__ import annotations

from idaware.devidp.server import bind


def free_port() -> int:
    """A port that was free a moment ago."""
    with bind("localhost") as sock:
        return int(sock.getsockname()[1])
