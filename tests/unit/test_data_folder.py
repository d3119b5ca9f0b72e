"""The data folder's key: whole or not there, the same for everybody, and never an empty one."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from resonance.errors import Unconfigured
from services.folder import DataFolder


def test_whoever_is_killed_while_the_key_is_written_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = DataFolder(tmp_path)

    def killed(_: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", killed)
        with pytest.raises(KeyboardInterrupt):
            folder.installation_key(None)
    assert not (tmp_path / "installation.key").exists()
    key = folder.installation_key(None)
    assert len(key) > 30 and folder.installation_key(None) == key
    assert (tmp_path / "installation.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["installation.key"]


def test_two_that_start_at_once_have_one_key(tmp_path: Path) -> None:
    found: set[bytes] = set()
    for number in range(20):
        folder = DataFolder(tmp_path / str(number))
        keys: list[bytes] = []
        threads = [threading.Thread(target=lambda f=folder, k=keys: k.append(f.installation_key(None))) for _ in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(keys) == 2 and len(set(keys)) == 1
        found |= set(keys)
    assert len(found) == 20


def test_an_empty_key_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "installation.key").write_text("\n")
    with pytest.raises(Unconfigured, match=r"installation\.key is empty"):
        DataFolder(tmp_path).installation_key(None)
