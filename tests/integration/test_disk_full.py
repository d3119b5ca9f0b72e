"""A full disk: what was taken stays, what was not is refused by name, and work goes on when there is room again."""

from __future__ import annotations

import errno
import gc
import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from resonance.engines.embedded_log import EmbeddedLog
from resonance.errors import Full
from resonance.stores.database import Database
from tests.support.process import Up
from tests.support.seeding import Desk


@contextmanager
def tmpfs(folder: Path, megabytes: int) -> Iterator[Path]:
    """A disk of its own."""
    folder.mkdir(parents=True)
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        # What a failed connection left behind is closed when it is collected; a process that ended may still be cleared away.
        gc.collect()
        deadline = time.monotonic() + 10
        while subprocess.run(["umount", str(folder)], capture_output=True).returncode:
            assert time.monotonic() < deadline, f"{folder} is still in use"
            time.sleep(0.2)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of a few megabytes."""
    with tmpfs(tmp_path / "small", 6) as folder:
        yield folder


def fill(folder: Path, leave: int) -> Path:
    """A file that takes all room but so many bytes."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(1 << 16)):
                pass
        except OSError as error:
            assert error.errno == errno.ENOSPC
        file.truncate(max(0, file.tell() - leave))
    return ballast


def test_the_log_refuses_what_does_not_fit_whole_and_keeps_the_rest(small_disk: Path) -> None:
    log = EmbeddedLog(small_disk / "log.db")
    taken = 0
    with pytest.raises(Full, match="no room for the log"):
        for _ in range(200):
            log.append([(0, bytes(50_000)), (0, bytes(50_000))])
            taken += 2
    assert taken > 10
    assert len(log.read(0, 0, 1000)) == taken
    log.close()


def test_the_store_says_full_and_works_again_with_room(small_disk: Path) -> None:
    database = Database(f"sqlite:///{small_disk / 'store.db'}")
    database.migrate()
    ballast = fill(small_disk, 40_000)
    with pytest.raises(Full):
        for number in range(200):
            database.set_meta(f"name-{number}", "x" * 20_000)
    ballast.unlink()
    database.set_meta("after", "room")
    assert database.meta("after") == "room"
    database.close()


def test_a_store_on_a_full_disk_is_not_ready(small_disk: Path) -> None:
    desk = Desk(small_disk)
    assert desk.get("/health/ready").status_code == 200
    ballast = fill(small_disk, 0)
    answers = [desk.get("/health/ready") for _ in range(30)]
    assert answers[-1].status_code == 503 and "the store cannot be written" in answers[-1].json()["problems"][0]
    ballast.unlink()
    assert desk.get("/health/ready").status_code == 200
    desk.close()


def test_an_instance_refuses_by_name_what_has_no_room_and_loses_nothing_that_it_took(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit that refuses pushes while there is still room is switched off: what is looked at is the end itself."""
    monkeypatch.setenv("RESONANCE_LIMITS__FREE_DISK_MB", "0")
    with tmpfs(tmp_path / "up" / "data", 80) as disk:
        up = Up(tmp_path / "up")
        try:
            up.wait_ready()
            ballast = fill(disk, 3_000_000)
            taken, refused = pushed_until_refused(up)
            assert taken and refused["type"].endswith("/full") and "no room" in refused["detail"]
            ballast.unlink()
            deadline = time.monotonic() + 90
            while stored(up) < taken:
                assert up.process.poll() is None, up.output.read_text()
                assert time.monotonic() < deadline, (stored(up), taken, up.output.read_text()[-3000:])
                time.sleep(0.5)
            assert stored(up) == taken
            assert up.rows("SELECT count(*) FROM dead_letter") == [(0,)]
        finally:
            up.stop()


def pushed_until_refused(up: Up) -> tuple[int, dict[str, str]]:
    """How many mentions were taken, and the problem with which the first were not."""
    for number in range(200):
        items = [
            {
                "id": f"live:{number}-{n}",
                "text": f"united {os.urandom(3000).hex()}",
                "published_at": "2026-05-04T12:00:00Z",
            }
            for n in range(40)
        ]
        request = urllib.request.Request(f"{up.url}/v1/mentions", json.dumps(items).encode(), method="POST")
        try:
            urllib.request.urlopen(request, timeout=60).close()
        except urllib.error.HTTPError as error:
            assert error.code == 507
            return number * 40, json.load(error)
    raise AssertionError("the disk is never full")


def stored(up: Up) -> int:
    return int(up.rows("SELECT count(*) FROM mention WHERE platform = 'live'")[0][0])
