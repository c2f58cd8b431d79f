"""Programs that tests start: on free ports of loopback, awaited with a bound, stopped by their own handle."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

READY_SECONDS = 45.0
"""How long a program may take to start: generous, for machines that are busy with other things."""
STOP_SECONDS = 10.0
_POLL_SECONDS = 0.05


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at the moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_until(holds: Callable[[], bool], what: str, *, seconds: float = READY_SECONDS) -> None:
    """Wait until ``holds()``, at most so long. Raises ``AssertionError`` that says what never came about."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(_POLL_SECONDS)


def clean_environment(given: Mapping[str, str]) -> dict[str, str]:
    """An environment of its own: nothing of this process but what programs need to be found."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "PYTHONUNBUFFERED": "1", **given}


_WITH_US = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
"""What a program is started with, so that it ends when this process is killed (Linux)."""


class Program:
    """One program in a process group of its own. ``log``: the file that both its outputs go to."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.log_path = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [*_WITH_US, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=clean_environment(env or {}),
                cwd=cwd,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    @property
    def log(self) -> str:
        return self.log_path.read_text("utf-8", "replace")

    def wait_until_ready(
        self, port: int, path: str = "/", *, accept: Iterable[int] = range(100, 500)
    ) -> None:
        """Wait until ``path`` is answered on ``port`` with one of the statuses ``accept``."""

        def ready() -> bool:
            assert self.runs, f"it ended by itself:\n{self.log}"
            return status_of(port, path) in set(accept)

        try:
            wait_until(ready, f"an answer on port {port}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log}") from None

    def stop(self) -> None:
        """Ask it to stop; after a while end its whole group."""
        if self.runs:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End the whole group at once, with SIGKILL."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(STOP_SECONDS)

    def children(self) -> list[int]:
        """The processes that it started: a server's workers."""
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text("ascii")
        return [int(pid) for pid in listed.split()]


def status_of(port: int, path: str, *, seconds: float = 5.0) -> int | None:
    """The status of a ``GET`` without cookies; ``None`` where nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def exchange(port: int, request: bytes, *, seconds: float = 5.0) -> bytes:
    """Send these bytes as they are and read what comes back until the other side closes, or falls silent."""
    answer = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as sock, suppress(OSError):
        sock.sendall(request)
        while chunk := sock.recv(65536):
            answer += chunk
    return bytes(answer)
