"""The log in a file, beside what every log promises: read from any offset, trimmed, opened by several processes."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from resonance.engines.embedded_log import EmbeddedLog
from resonance.errors import Conflict, Stop


@pytest.fixture
def log(tmp_path: Path) -> EmbeddedLog:
    return EmbeddedLog(tmp_path / "log.db", lanes=2)


def test_a_lane_is_read_from_any_offset_and_no_further_than_asked(log: EmbeddedLog) -> None:
    log.append([(0, b"a"), (1, b"x"), (0, b"b")])
    first = log.read(0, 0, 1)[0][0]
    assert [body for _, body in log.read(0, first + 1, 10)] == [b"b"]


def test_another_process_finds_what_was_written(log: EmbeddedLog, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from resonance.engines.embedded_log import EmbeddedLog;"
        "EmbeddedLog(Path(sys.argv[1]), 2).append([(1, b'from elsewhere')])"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "log.db")], check=True)
    assert [body for _, body in log.read(1, 0, 10)] == [b"from elsewhere"]


def test_several_writers_lose_nothing_and_offsets_never_repeat(log: EmbeddedLog) -> None:
    def write(number: int) -> None:
        for index in range(50):
            log.append([(index % 2, f"{number}-{index}".encode())])
        log.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = log.read(0, 0, 1000) + log.read(1, 0, 1000)
    assert {body for _, body in found} == {f"{n}-{i}".encode() for n in range(4) for i in range(50)}
    assert len({offset for offset, _ in found}) == 200


def test_trimming_forgets_only_what_was_processed_and_is_old_and_never_reuses_an_offset(log: EmbeddedLog) -> None:
    log.append([(0, b"a"), (0, b"b"), (0, b"c")])
    offsets = [offset for offset, _ in log.read(0, 0, 10)]
    assert log.trim(0, offsets[2], keep_seconds=3600) == 0
    assert log.trim(0, offsets[2], keep_seconds=-1) == 2
    assert log.bounds(0)[0] == offsets[2]
    assert log.trim(0, offsets[2] + 1, keep_seconds=-1) == 1
    log.append([(0, b"d")])
    assert log.read(0, 0, 10)[0][0] > offsets[2]


def test_another_number_of_lanes_is_refused(tmp_path: Path) -> None:
    EmbeddedLog(tmp_path / "log.db", lanes=2)
    with pytest.raises(Conflict, match="2 lanes"):
        EmbeddedLog(tmp_path / "log.db", lanes=3)


def test_a_folder_that_is_not_there_stops_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(Stop, match="nowhere"):
        EmbeddedLog(tmp_path / "nowhere" / "log.db")


def test_what_is_trimmed_cannot_be_found_in_the_files(log: EmbeddedLog, tmp_path: Path) -> None:
    log.append([(0, b"gone " + bytes(9000)), (0, b"gone too"), (0, b"stays")])
    last = log.read(0, 0, 10)[-1][0]

    def found(body: bytes) -> bool:
        return any(body in path.read_bytes() for path in tmp_path.glob("log.db*"))

    assert found(b"gone")
    log.trim(0, last, keep_seconds=-1)
    assert found(b"stays") and not found(b"gone")


def test_a_thread_that_has_ended_leaves_no_connection_open(tmp_path: Path) -> None:
    log = EmbeddedLog(tmp_path / "log.db")
    thread = threading.Thread(target=lambda: log.append([(0, b"x")]))
    thread.start()
    thread.join()
    del thread
    # From Python 3.13 on an open connection that is collected is a warning, and a warning fails the test.
    gc.collect()
    assert len(log.read(0, 0, 9)) == 1
    log.close()
