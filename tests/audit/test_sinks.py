"""Sinks write whole lines, and say honestly how many."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from idaware.audit.sinks import make_sink
from idaware.audit.sinks.file import FileSink
from idaware.audit.sinks.lines import LineWriter
from idaware.audit.sinks.memory import MemorySink
from idaware.audit.sinks.stdout import StdoutSink
from idaware.errors import SettingsError

ONE, TWO, THREE = b'{"n":1}\n', b'{"n":2}\n', b'{"n":3}\n'


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    for fd in (reader, writer):
        try:
            os.close(fd)
        except OSError:
            continue


class Impatient:
    """A clock on which every wait is over at once."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 10.0
        return self.now


# -- by name --------------------


def test_stdout_and_an_absolute_file_are_known_sinks(tmp_path: Path) -> None:
    assert make_sink("stdout").name == "stdout"
    assert make_sink(f"file:{tmp_path}/audit.jsonl").name == f"file:{tmp_path}/audit.jsonl"


@pytest.mark.parametrize("spec", ["syslog://localhost:514", "file:relative", "", "stdout ", "logger:audit"])
def test_what_is_not_a_known_sink_stops_the_start(spec: str) -> None:
    with pytest.raises(
        SettingsError, match=r"IDAWARE_AUDIT: .* is not supported yet; expected stdout or file:"
    ):
        make_sink(spec)


# -- lines --------------------


class ShortFile:
    """A file descriptor whose every write is cut off after so many bytes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room = 10**6
        self.content = b""
        monkeypatch.setattr(os, "write", self.write)

    def write(self, fd: int, data: bytes) -> int:
        taken = data[: self.room]
        self.content += taken
        return len(taken)


def test_after_a_short_write_the_next_batch_begins_with_a_newline(monkeypatch: pytest.MonkeyPatch) -> None:
    file, writer = ShortFile(monkeypatch), LineWriter()
    file.room = len(ONE) + 3
    assert writer.write(9, [ONE, TWO, THREE]) == 1
    file.room = 10**6
    assert writer.write(9, [TWO, THREE]) == 2
    assert file.content == ONE + TWO[:3] + b"\n" + TWO + THREE
    assert writer.write(9, [ONE]) == 1
    assert file.content.endswith(THREE + ONE)


def test_a_write_that_stops_between_two_lines_tears_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    file, writer = ShortFile(monkeypatch), LineWriter()
    file.room = len(ONE)
    assert writer.write(9, [ONE, TWO]) == 1
    file.room = 10**6
    writer.write(9, [TWO])
    assert file.content == ONE + TWO


def test_a_batch_that_finds_no_room_even_for_its_newline_stays_torn(monkeypatch: pytest.MonkeyPatch) -> None:
    file, writer = ShortFile(monkeypatch), LineWriter()
    file.room = 3
    assert writer.write(9, [ONE]) == 0
    file.room = 0
    assert writer.write(9, [ONE]) == 0
    file.room = 1
    assert writer.write(9, [ONE]) == 0
    file.room = 10**6
    assert writer.write(9, [ONE]) == 1
    assert file.content == ONE[:3] + b"\n" + ONE


# -- standard output --------------------


def test_on_a_pipe_every_write_is_whole_lines_of_4096_bytes_at_most(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[bytes] = []
    really_write = os.write

    def write(fd: int, data: bytes) -> int:
        writes.append(data)
        return really_write(fd, data)

    monkeypatch.setattr(os, "write", write)
    lines = [b"x" * 4095 + b"\n", ONE, TWO, b"y" * 4080 + b"\n", THREE]
    assert StdoutSink(pipe[1]).write(lines) == 5
    assert writes == [lines[0], ONE + TWO, lines[3] + THREE]
    assert max(map(len, writes)) <= 4096


def test_a_pipe_that_nobody_reads_fails_instead_of_waiting(pipe: tuple[int, int]) -> None:
    sink = StdoutSink(pipe[1], clock=Impatient())
    os.set_blocking(pipe[1], False)
    full = [b"x" * 4095 + b"\n"] * 1000
    assert 0 < sink.write(full) < 1000
    with pytest.raises(TimeoutError, match="nobody reads it"):
        sink.write(full)


def test_a_pipe_whose_reader_is_gone_fails(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    with pytest.raises(BrokenPipeError):
        StdoutSink(pipe[1]).write([ONE])


def test_what_was_written_before_a_failure_is_not_offered_again(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    really_write, calls = os.write, iter([True, False])

    def write(fd: int, data: bytes) -> int:
        if next(calls):
            return really_write(fd, data)
        raise BrokenPipeError

    monkeypatch.setattr(os, "write", write)
    big = b"x" * 4000 + b"\n"
    assert StdoutSink(pipe[1]).write([big, big]) == 1


def test_a_socket_that_takes_a_part_of_a_line_only_leaves_the_rest_for_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left, right = socket.socketpair()
    with left, right:
        really_write = os.write
        monkeypatch.setattr(os, "write", lambda fd, data: really_write(fd, data[:4]))
        sink = StdoutSink(left.fileno())
        assert sink.write([ONE, TWO]) == 0
        monkeypatch.setattr(os, "write", lambda fd, data: really_write(fd, data[: len(ONE) + 3]))
        assert sink.write([ONE, TWO]) == 1
        monkeypatch.undo()
        assert sink.write([TWO]) == 1
        assert right.recv(100) == ONE[:4] + b"\n" + ONE + TWO[:2] + b"\n" + TWO


def test_standard_output_sent_to_a_file_gets_one_write_a_batch(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "out", os.O_CREAT | os.O_WRONLY)
    sink = StdoutSink(fd)
    assert sink.write([b"x" * 4095 + b"\n"] * 3) == 3
    sink.close()
    assert os.fstat(fd).st_size == 3 * 4096
    os.close(fd)


# -- files --------------------


def test_a_missing_file_is_made_readable_for_its_group_at_most(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    sink = FileSink(str(path))
    assert not path.exists()
    assert sink.write([ONE, TWO]) == 2
    sink.close()
    assert path.read_bytes() == ONE + TWO
    assert path.stat().st_mode & 0o137 == 0


def test_a_file_that_was_moved_away_is_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    sink = FileSink(str(path))
    sink.write([ONE])
    path.rename(tmp_path / "audit.1")
    sink.write([TWO])
    path.rename(tmp_path / "audit.2")
    path.write_bytes(ONE)  # the rotation made a new one itself
    sink.write([THREE])
    sink.close()
    assert (tmp_path / "audit.1").read_bytes() == ONE
    assert (tmp_path / "audit.2").read_bytes() == TWO
    assert path.read_bytes() == ONE + THREE


def test_a_file_that_was_emptied_in_place_is_appended_to_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    sink = FileSink(str(path))
    sink.write([ONE])
    os.truncate(path, 0)
    sink.write([TWO])
    sink.close()
    assert path.read_bytes() == TWO


def test_a_line_that_another_process_left_torn_does_not_swallow_ours(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_bytes(ONE[:4])
    sink = FileSink(str(path))
    sink.write([TWO])
    with path.open("ab") as other:
        other.write(b'{"to')
    sink.write([THREE])
    sink.close()
    assert path.read_bytes() == ONE[:4] + b"\n" + TWO + b'{"to\n' + THREE


OTHER_WRITER = """
import fcntl, os, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_APPEND | os.O_CREAT)
fcntl.lockf(fd, fcntl.LOCK_EX)
os.write(fd, b'{"n"')
print("half", flush=True)
sys.stdin.readline()
os.write(fd, b':1}\\n')
fcntl.lockf(fd, fcntl.LOCK_UN)
print("whole", flush=True)
"""


@pytest.fixture
def other_writer(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process in the middle of writing ``ONE``; it goes on when it is told to."""
    command = [sys.executable, "-c", OTHER_WRITER, str(tmp_path / "audit.jsonl")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"half\n"
        yield process
        process.kill()


def test_a_line_that_another_process_is_just_writing_is_not_torn(
    tmp_path: Path, other_writer: subprocess.Popen[bytes]
) -> None:
    def finish() -> None:
        assert other_writer.stdin is not None
        assert other_writer.stdout is not None
        other_writer.stdin.write(b"\n")
        other_writer.stdin.flush()
        other_writer.stdout.readline()

    path = tmp_path / "audit.jsonl"
    sink = FileSink(str(path), pause=finish)
    assert sink.write([TWO]) == 1
    sink.close()
    assert path.read_bytes() == ONE + TWO


def test_a_process_that_never_finishes_its_line_is_waited_for_a_moment_only(
    tmp_path: Path, other_writer: subprocess.Popen[bytes]
) -> None:
    path = tmp_path / "audit.jsonl"
    pauses: list[None] = []
    sink = FileSink(str(path), pause=lambda: pauses.append(None))
    assert sink.write([TWO]) == 1
    sink.close()
    assert len(pauses) == 50
    assert path.read_bytes() == b'{"n"\n' + TWO


def test_nobody_is_locked_out_of_the_file_between_two_batches(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    sink = FileSink(str(path))
    sink.write([ONE])
    probe = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'ab'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    subprocess.run([sys.executable, "-c", probe, str(path)], check=True)
    sink.close()


def test_a_directory_that_is_missing_is_an_error_and_works_once_it_is_there(tmp_path: Path) -> None:
    sink = FileSink(str(tmp_path / "logs" / "audit.jsonl"))
    with pytest.raises(FileNotFoundError):
        sink.write([ONE])
    (tmp_path / "logs").mkdir()
    assert sink.write([ONE]) == 1
    sink.close()


def test_a_file_that_may_be_written_but_not_read_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really_open = os.open

    def open_write_only(path: str, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_RDWR:
            raise PermissionError
        return really_open(path, flags, mode)

    monkeypatch.setattr(os, "open", open_write_only)
    path = tmp_path / "audit.jsonl"
    sink = FileSink(str(path))
    assert [sink.write([ONE]), sink.write([TWO])] == [1, 1]
    sink.close()
    assert path.read_bytes() == ONE + TWO


def test_a_named_pipe_that_nobody_reads_fails_instead_of_waiting(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    sink = FileSink(str(path))
    line = b"x" * 4095 + b"\n"
    assert 0 < sink.write([line] * 1000) < 1000
    with pytest.raises(BlockingIOError):
        sink.write([line])
    sink.close()
    sink.close()


# -- memory --------------------


def test_memory_keeps_records_and_tells_who_listens() -> None:
    sink, heard = MemorySink(), list[dict[str, Any]]()
    end = sink.subscribe(heard.append)
    assert sink.write([ONE, TWO]) == 2
    end()
    sink.write([THREE])
    sink.close()
    assert sink.records == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert heard == [{"n": 1}, {"n": 2}]
    sink.clear()
    assert sink.records == []


def test_memory_keeps_the_newest_up_to_its_limit() -> None:
    sink = MemorySink(limit=2)
    sink.write([ONE, TWO, THREE])
    assert sink.records == [{"n": 2}, {"n": 3}]


def test_a_listener_that_fails_is_dropped_and_the_others_hear_on(caplog: pytest.LogCaptureFixture) -> None:
    sink, heard = MemorySink(), list[dict[str, Any]]()
    sink.subscribe(lambda record: heard[99].clear())
    sink.subscribe(heard.append)
    assert sink.write([ONE, TWO]) == 2
    assert heard == [{"n": 1}, {"n": 2}]
    assert len(caplog.records) == 1
