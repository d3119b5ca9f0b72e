"""The files forget what was deleted, in slices that hold up nobody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from resonance.stores import schema
from resonance.stores.database import Database
from resonance.stores.forgetting import Forgetting, Nightly, forget
from tests.support.scan import found_in_files, found_in_rows
from tests.support.seeding import Seed

WORD = "zauberwort"
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def seed(tmp_path: Path) -> Iterator[Seed]:
    database = Database(f"sqlite:///{tmp_path / 'store.db'}")
    database.migrate()
    made = Seed(database)
    for number in range(300):
        made.mention(f"x:{number}", text=f"die bahn {number} {WORD if number % 100 == 50 else 'kommt'}")
    with database.write() as connection:
        connection.execute(sa.delete(schema.mention).where(schema.mention.c.text.contains(WORD)))
    yield made
    database.close()


def test_a_deleted_word_is_in_the_index_and_the_files_until_they_have_forgotten(seed: Seed, tmp_path: Path) -> None:
    assert found_in_files(tmp_path, [WORD]) and found_in_rows(seed.database, [WORD])
    state: Forgetting | None = Forgetting()
    while state is not None:
        state = forget(seed.database, state, pause=lambda _: None)
    assert found_in_files(tmp_path, [WORD]) == [] and found_in_rows(seed.database, [WORD]) == []
    with seed.database.read() as connection:
        words = "SELECT count(*) FROM mention_text WHERE mention_text MATCH 'kommt'"
        assert connection.exec_driver_sql(words).scalar() == 297


def test_slices_become_smaller_where_they_take_too_long(seed: Seed) -> None:
    ticks = iter(range(1000))
    state = forget(seed.database, Forgetting(pages=8), clock=lambda: next(ticks), pause=lambda _: None)
    assert state is None or state.pages < 8


def test_it_goes_on_when_a_reader_no_longer_needs_the_old_log(seed: Seed, tmp_path: Path) -> None:
    state: Forgetting | None = Forgetting()
    with seed.database.read() as reader:
        reader.execute(sa.select(schema.mention.c.row).limit(1)).all()
        seed.mention("x:later")
        for _ in range(3):
            assert state is not None
            state = forget(seed.database, state, pause=lambda _: None)
        assert state is not None and state.merged
    assert forget(seed.database, state, pause=lambda _: None) is None
    assert found_in_files(tmp_path, [WORD]) == []


def test_every_night_once_and_in_the_morning_where_the_machine_slept(seed: Seed, tmp_path: Path) -> None:
    night = datetime(2026, 5, 5, 1, 0, tzinfo=UTC)
    seed.database.set_meta("forgotten.day", "2026-05-04")
    nightly = Nightly(seed.database, BERLIN)
    assert not nightly.step(night - timedelta(minutes=1)) and found_in_files(tmp_path, [WORD])
    while nightly.step(night):
        pass
    assert found_in_files(tmp_path, [WORD]) == []
    assert not Nightly(seed.database, BERLIN).step(night + timedelta(hours=23))
    assert Nightly(seed.database, BERLIN).step(night + timedelta(hours=31))
