"""Where records go. A sink takes whole lines and says how many it has written; ``Trail`` does the rest.

One file a sink. A sink never waits for long, keeps no queue and starts no thread: records that it does not
take wait in the trail's queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from idaware.errors import Problem, SettingsError


class Sink(Protocol):
    """A place for records.

    ``name``: what people know it by, for example ``file:/var/log/audit.jsonl``. ``direct``: writing never
    waits, so that the trail hands each record over at once, without its thread.
    """

    name: str
    direct: bool

    def write(self, lines: Sequence[bytes]) -> int:
        """Write ``lines`` (each ends with a newline) in order; how many of them were written whole.

        Raises ``OSError`` when it could write none. Fewer than all, and the rest is offered again later.
        """

    def close(self) -> None:
        """Let go of files and connections. A later ``write`` opens them again."""


def make_sink(spec: str) -> Sink:
    """The sink that one entry of ``IDAWARE_AUDIT`` names. Raises ``SettingsError`` for one that is not known."""
    from idaware.audit.sinks.file import FileSink
    from idaware.audit.sinks.stdout import StdoutSink

    if spec == "stdout":
        return StdoutSink()
    if spec.startswith("file:/"):
        return FileSink(spec.removeprefix("file:"))
    problem = f"{spec!r} is not supported yet; expected stdout or file:/path (an absolute path)"
    raise SettingsError([Problem("IDAWARE_AUDIT", problem)])
