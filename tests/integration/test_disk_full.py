"""A full disk: what was taken stays, what was not is refused by name, and work goes on when there is room again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from resonance.engines.embedded_log import EmbeddedLog
from resonance.errors import Full
from resonance.stores.database import Database


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of a few megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


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
    ballast = small_disk / "ballast"
    free = os.statvfs(small_disk)
    ballast.write_bytes(bytes(max(free.f_bavail * free.f_frsize - 40_000, 0)))
    with pytest.raises(Full):
        for number in range(200):
            database.set_meta(f"name-{number}", "x" * 20_000)
    ballast.unlink()
    database.set_meta("after", "room")
    assert database.meta("after") == "room"
    database.close()
