"""The parts of an exchange that no mock provider shows."""

from __future__ import annotations

import socket
import ssl

import pytest

from idaware.io.blocking import _Deadline
from idaware.io.clients import cause_of


def chained(outer: Exception, inner: BaseException | None, *, explicit: bool = True) -> Exception:
    if explicit:
        outer.__cause__ = inner
    else:
        outer.__context__ = inner
    return outer


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OSError("plain words"), "plain words"),
        (ConnectionRefusedError(111, "Connect call failed ('10.0.0.1', 443)"), "Connection refused"),
        (chained(OSError("outer"), ConnectionResetError(104, "x")), "Connection reset by peer"),
        (chained(OSError("outer"), OSError(113, "No route to host"), explicit=False), "No route to host"),
        (chained(OSError("outer"), KeyError("a secret of the caller"), explicit=False), "outer"),
        (
            chained(OSError("all failed"), ExceptionGroup("all", [ConnectionRefusedError(111, "x")])),
            "Connection refused",
        ),
        (
            ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1000)"),
            "wrong version number",
        ),
        (ConnectionError(), "ConnectionError"),
    ],
    ids=["text", "asyncio's text", "cause", "context", "unrelated context", "group", "TLS", "nothing said"],
)
def test_the_cause_is_the_innermost_one_of_the_network(error: Exception, cause: str) -> None:
    assert cause_of(error) == cause


class Connected:
    """What the client's trace hands over."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def get_extra_info(self, name: str) -> socket.socket | None:
        return self.connection if name == "socket" else None


def test_time_that_is_up_before_anything_is_connected_cuts_the_connection_when_it_is() -> None:
    deadline = _Deadline(60.0)
    deadline._cut()
    left, right = socket.socketpair()
    with left, right:
        deadline.watch("connection.connect_tcp.started", {})
        right.sendall(b"x")
        assert left.recv(1) == b"x"
        deadline.watch("connection.connect_tcp.complete", {"return_value": Connected(left)})
        assert left.recv(1) == b""
    assert deadline.passed


def test_a_connection_that_is_closed_already_is_not_cut() -> None:
    deadline = _Deadline(60.0)
    left, right = socket.socketpair()
    right.close()
    deadline.watch("connection.connect_tcp.complete", {"return_value": Connected(left)})
    left.close()
    deadline._cut()
    assert deadline.passed
