"""The list of erased authors stands in the store and beside it, so that a restored copy forgets no erasure."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from resonance.stores import schema
from resonance.stores.erasure import ErasureList, agree
from tests.support.erasing import KEY, NEEDLES, STORY, Site, name_of, said
from tests.support.machine import at
from tests.support.scan import found_in_files, found_in_rows


def test_a_restored_older_copy_of_the_store_erases_again_at_start(store_url: str, tmp_path: Path) -> None:
    if not store_url.startswith("sqlite"):
        pytest.skip("the copy is of a file")
    site = Site(store_url, tmp_path)
    site.tell(*STORY)
    site.database.close()
    shutil.copy(tmp_path / "store.db", tmp_path / "backup.db")
    site.open()
    site.erase()
    site.database.close()
    shutil.copy(tmp_path / "backup.db", tmp_path / "store.db")
    (tmp_path / "backup.db").unlink()
    site.open()
    assert found_in_rows(site.database, NEEDLES) != []
    assert agree(site.database, site.list, at=at(100)) == [KEY]
    assert agree(site.database, site.list, at=at(101)) == []
    site.carry_out()
    assert found_in_rows(site.database, NEEDLES) == [] and found_in_files(tmp_path, NEEDLES) == []
    site.database.close()


def test_a_store_that_knows_less_than_the_file_erases_at_start(site: Site) -> None:
    site.tell(*STORY)
    site.list.append([KEY])
    assert agree(site.database, site.list, at=at(100)) == [KEY]
    # From now on nothing new is taken, also before the job has begun.
    site.tell(said(80))
    assert site.many(schema.identity, schema.identity.c.id == name_of(80)) == 0
    site.carry_out()
    assert found_in_rows(site.database, NEEDLES) == []
    assert site.many(schema.job, schema.job.c.state == "done", schema.job.c.by == "system:resonance") == 1


def test_a_lost_file_is_written_anew_from_the_table(site: Site, tmp_path: Path) -> None:
    site.erase()
    (tmp_path / "erased.list").unlink()
    assert agree(site.database, site.list, at=at(1)) == []
    assert site.list.read() == {KEY}


def test_the_file_holds_keys_only_and_outlives_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "erased.list"
    path.write_bytes(b"\n" + b"a" * 32 + b"\n" + b"b" * 20)
    file = ErasureList(path)
    assert file.read() == {bytes.fromhex("a" * 32)}
    file.append([KEY, KEY])
    file.append([KEY])
    assert file.read() == {bytes.fromhex("a" * 32), KEY}
    assert path.read_text().count(KEY.hex()) == 1
