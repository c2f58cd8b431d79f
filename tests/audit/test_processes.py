"""What holds for real processes, files and pipes: kills, forks, rotations, full disks, several writers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BEGIN = """
import os, signal, sys, threading, time
from idaware.audit.record import Record
from idaware.audit.sinks import make_sink
from idaware.audit.trail import Trail
def trail(*specs, **options):
    return Trail([make_sink(spec) for spec in specs], **options)
"""


def run(body: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-X", "dev", "-c", BEGIN + body, *arguments]
    return subprocess.run(command, capture_output=True, timeout=60, check=True, **options)


def start(body: str, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", BEGIN + body, *arguments], **options)


def whole(lines: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.splitlines()]


def test_importing_and_making_a_trail_starts_no_thread() -> None:
    done = run("t = trail('stdout'); print(threading.active_count())")
    assert done.stdout == b"1\n"


def test_records_are_written_at_the_end_of_a_process_that_says_nothing_more() -> None:
    done = run("t = trail('stdout')\nfor _ in range(3): t.emit(Record())\n")
    assert [record["seq"] for record in whole(done.stdout)] == [1, 2, 3]
    assert done.stderr == b""


def test_records_that_come_while_the_interpreter_ends_are_written() -> None:
    done = run("import atexit\natexit.register(lambda: t.emit(Record(path='/last')))\nt = trail('stdout')\n")
    assert [record["path"] for record in whole(done.stdout)] == ["/last"]


def test_the_background_thread_writes_without_being_asked() -> None:
    body = "t = trail('stdout')\nt.emit(Record())\nsys.stdin.read()\nos._exit(0)\n"
    process = start(body, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdin is not None
    assert json.loads(process.stdout.readline())["seq"] == 1
    process.stdin.close()
    process.stdout.close()
    assert process.wait(30) == 0


def test_a_dead_standard_output_fails_no_request_and_delays_the_end_by_two_seconds_at_most() -> None:
    body = """
os.close(1) if sys.argv[1] == "closed" else None
t = trail('stdout')
for _ in range(2000): t.emit(Record())
t.flush(0.1)
assert t.failing, t.failing
print(t.failing, file=sys.stderr)
"""
    reader, writer = os.pipe()
    os.close(reader)
    for how, stdout, message in (("closed", None, b"Bad file"), ("broken", writer, b"Broken pipe")):
        command = [sys.executable, "-c", BEGIN + body, how]
        done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, timeout=30, check=False)
        assert message in done.stderr
        assert b"Traceback" not in done.stderr
    os.close(writer)


def test_a_pipe_that_nobody_reads_fails_no_request() -> None:
    reader, writer = os.pipe()
    body = """
t = trail('stdout')
for _ in range(2000): t.emit(Record())
t.flush(0.0)
t.flush(0.0)
print(t.failing, file=sys.stderr)
"""
    command = [sys.executable, "-c", BEGIN + body]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, timeout=30, check=True)
    assert b"stdout: nobody reads it" in done.stderr
    os.close(writer)
    os.close(reader)


def test_several_processes_share_one_file_and_every_line_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    body = """
t = trail(f"file:{sys.argv[1]}")
for n in range(3000):
    t.emit(Record(path="/" + "x" * (n % 900)))
"""
    processes = [start(body, str(path)) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    records = whole(path.read_bytes())
    assert len(records) == 9000
    for instance in {record["instance"] for record in records}:
        assert [r["seq"] for r in records if r["instance"] == instance] == list(range(1, 3001))


def test_several_processes_share_one_pipe_and_every_line_is_whole() -> None:
    body = "t = trail('stdout')\nfor n in range(1500): t.emit(Record(path='/' + 'x' * (n % 900)))\n"
    reader, writer = os.pipe()
    processes = [start(body, stdout=writer) for _ in range(3)]
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        records = whole(stream.read())
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    written = {record["instance"]: 0 for record in records}
    assert len(written) == 3
    assert len(records) >= 3 * 1000  # what does not fit into two seconds of a busy machine may stay behind


@pytest.fixture
def endless(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    path = tmp_path / "audit.jsonl"
    body = """
t = trail(f"file:{sys.argv[1]}")
n = 0
while True:
    n += 1
    t.emit(Record(path="/" + "x" * (n % 900)))
    if n % 50 == 0:
        t.flush()
    if n == 2000:
        print("going", flush=True)
"""
    process = start(body, str(path), stdout=subprocess.PIPE)
    assert process.stdout is not None
    yield process, path
    process.kill()
    process.wait(30)
    process.stdout.close()


@pytest.mark.parametrize("moment", range(3))
def test_a_process_killed_at_any_moment_leaves_every_line_whole_but_possibly_the_last(
    endless: tuple[subprocess.Popen[bytes], Path], moment: int
) -> None:
    process, path = endless
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    *lines, _ = path.read_bytes().split(b"\n")
    seqs = [json.loads(line)["seq"] for line in lines]
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) >= 1900


def test_a_file_that_is_rotated_under_a_busy_process_loses_nothing(
    endless: tuple[subprocess.Popen[bytes], Path], tmp_path: Path
) -> None:
    process, path = endless
    assert process.stdout is not None
    process.stdout.readline()
    parts = [tmp_path / f"audit.{number}" for number in range(3)]
    for part in parts:
        path.rename(part)
        while not path.exists():
            assert process.poll() is None
    process.send_signal(signal.SIGSTOP)
    parts.append(path)
    lines = b"".join(part.read_bytes() for part in parts).split(b"\n")[:-1]
    seqs = [json.loads(line)["seq"] for line in lines]
    assert seqs == list(range(1, len(seqs) + 1))
    process.send_signal(signal.SIGCONT)


def test_a_disk_that_is_full_costs_the_records_that_find_no_room_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    body = """
import resource
t = trail(f"file:{sys.argv[1]}", max_queue=20)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
for n in range(100):
    t.emit(Record())
t.flush()  # takes a part
t.flush()  # takes nothing
assert t.failing, t.failing
for n in range(20):
    t.emit(Record())
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
t.flush()
assert t.failing is None, t.failing
print(t.lost)
"""
    lost = int(run(body, str(path)).stdout)
    torn, records = 0, []
    for line in path.read_bytes().splitlines():
        try:
            records.append(json.loads(line))
        except ValueError:
            torn += 1
    gaps = [record for record in records if record["kind"] == "gap"]
    assert torn <= 1
    assert lost > 0
    assert sum(gap["count"] for gap in gaps) == lost
    assert len(records) - len(gaps) + lost == 120
    assert len({record["seq"] for record in records}) == len(records)


def test_a_forked_child_writes_its_own_records_and_the_parents_are_written_once(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    body = """
t = trail(f"file:{sys.argv[1]}")
t.emit(Record(path="/parent"))
child = os.fork()
if child == 0:
    t.emit(Record(path="/child"))
    t.emit(Record(path="/child"))
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
t.emit(Record(path="/parent"))
"""
    run(body, str(path))
    records = whole(path.read_bytes())
    assert sorted((record["path"], record["seq"]) for record in records) == [
        ("/child", 1),
        ("/child", 2),
        ("/parent", 1),
        ("/parent", 2),
    ]
    instances = {record["path"]: record["instance"] for record in records}
    assert instances["/child"] != instances["/parent"]
    assert len({record["event_id"] for record in records}) == 4


def test_a_child_forked_while_the_parent_was_writing_has_a_thread_of_its_own() -> None:
    body = """
t = trail('stdout')
t.emit(Record(path="/parent"))
t.flush()
child = os.fork()
if child == 0:
    t.emit(Record(path="/child"))
    time.sleep(30)  # killed long before, once its thread has written
    os._exit(1)
os.waitpid(child, 0)
"""
    process = start(body, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    with process.stdout as stream:
        paths = [json.loads(stream.readline())["path"] for _ in range(2)]
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)
    assert paths == ["/parent", "/child"]


def test_at_the_end_every_trail_is_closed(tmp_path: Path) -> None:
    body = "a, b = trail(f'file:{sys.argv[1]}'), trail(f'file:{sys.argv[1]}')\na.emit(Record())\nb.emit(Record())\n"
    run(body, str(tmp_path / "audit.jsonl"))
    assert len(whole((tmp_path / "audit.jsonl").read_bytes())) == 2
