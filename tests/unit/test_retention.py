"""What is kept for how long: rows go when their time is over, their counts stay."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from resonance.model import Author, Delete, EngagementSeen, Event, Mention, Upsert, mention_key, micros
from resonance.model import Engagement as Counted
from resonance.ports import Wanted
from resonance.stores import partitions, schema
from resonance.stores.database import Database, append_changes
from resonance.stores.ledger import SqlLedger
from resonance.stores.retention import Retention, Terms, terms_of
from resonance.update import Change
from services.upkeep import Upkeep
from tests.support.machine import Machine
from tests.support.scoring import scorer

SAID = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)


@pytest.fixture
def machine(database: Database) -> Machine:
    return Machine(scorer(), 2, SqlLedger(database))


def mention(number: int = 1, **changes: object) -> Mention:
    facts = {"id": f"test:{number}", "platform": "test", "source": "test", "text": "die bahn", "published_at": SAID}
    return Mention(**{**facts, "author": Author(id=f"a{number}", name="Anna"), **changes})  # type: ignore[arg-type]


def tell(machine: Machine, *events: Event, now: datetime = SAID) -> None:
    machine.put(list(events), stamp=now)
    machine.work()


def seen(one: Mention, now: datetime = SAID) -> Upsert:
    return Upsert(mention=one, observed_at=now)


def run(database: Database, days: float, terms: Terms | None = None) -> int:
    """Retention, so many days after everything was said."""
    return Retention(database).run(SAID + timedelta(days=days), terms or Terms())


def names(database: Database, table: sa.Table = schema.mention) -> list[str]:
    with database.read() as connection:
        return sorted(connection.scalars(sa.select(table.c.id)))


def counted(database: Database, resolution: int = 900, topic: str = "bahn") -> int:
    """How many mentions the sums hold."""
    window = schema.window.c
    query = sa.select(sa.func.sum(window.mentions)).where(window.resolution == resolution, window.topic == topic)
    with database.read() as connection:
        return int(connection.scalar(query) or 0)


def many(database: Database, table: sa.Table) -> int:
    with database.read() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def test_mentions_and_matches_go_after_400_days_and_their_counts_stay(database: Database, machine: Machine) -> None:
    tell(machine, seen(mention()))
    run(database, 399)
    assert names(database) == ["test:1"]
    run(database, 401)
    assert names(database) == [] and many(database, schema.match) == 0
    assert counted(database) == 1


def test_a_source_may_have_days_of_its_own_fewer_or_more(database: Database, machine: Machine) -> None:
    tell(machine, *(seen(mention(n, source=source)) for n, source in enumerate(["short", "test", "long"])))
    terms = terms_of({"short": 30, "long": 1000, "other": None}, mentions_days=400, minutes_days=30)
    run(database, 29.9, terms)
    assert names(database) == ["test:0", "test:1", "test:2"]
    run(database, 30.1, terms)
    assert names(database) == ["test:1", "test:2"]
    run(database, 400.1, terms)
    assert names(database) == ["test:2"]
    run(database, 1001, terms)
    assert names(database) == []


def test_changed_terms_hold_for_what_is_stored_already(database: Database, machine: Machine) -> None:
    tell(machine, seen(mention()))
    run(database, 100, Terms())
    run(database, 101, Terms(sources={"other": 3}))
    assert names(database) == ["test:1"]
    run(database, 102, Terms(sources={"test": 50}))
    assert names(database) == []


def test_a_mention_that_says_until_when_it_may_be_stored_goes_on_the_next_day(
    database: Database, machine: Machine
) -> None:
    tell(machine, seen(mention(store_until=date(2026, 5, 10))), seen(mention(2)))
    run(database, 6)
    assert names(database) == ["test:1", "test:2"]
    run(database, 6.6)
    assert names(database) == ["test:2"]


@pytest.mark.parametrize("root", [None, "test:9"])
def test_what_comes_again_while_it_is_recognised_is_neither_kept_nor_counted_again(
    database: Database, machine: Machine, root: str | None
) -> None:
    one = mention(reply_to=root)
    terms = Terms(sources={"test": 10})
    tell(machine, seen(one))
    run(database, 10.5, terms)
    later = SAID + timedelta(days=11)
    edited = mention(reply_to=root, text="die bahn steht", edited_at=later)
    likes = EngagementSeen(id="test:1", engagement=Counted(likes=4), observed_at=later)
    tell(machine, seen(one, later), seen(edited, later), likes, now=later)
    assert names(database) == [] and counted(database) == 1


def test_an_identity_lives_for_7_days_longer_than_its_row(database: Database, machine: Machine) -> None:
    tell(machine, seen(mention(1, source="short")), seen(mention(2)))
    terms = Terms(sources={"short": 10})
    run(database, 10.5, terms)
    run(database, 17, terms)
    assert names(database, schema.identity) == ["test:1", "test:2"]
    run(database, 18.5, terms)
    assert names(database, schema.identity) == ["test:2"]
    run(database, 406, terms)
    assert names(database, schema.identity) == ["test:2"]
    run(database, 408, terms)
    assert names(database, schema.identity) == []


def test_a_deletion_takes_the_count_too_but_only_while_the_row_is_there(database: Database, machine: Machine) -> None:
    tell(machine, seen(mention(1)), seen(mention(2)))
    run(database, 100)
    tell(machine, Delete(id="test:1", observed_at=SAID + timedelta(days=100)))
    assert counted(database) == 1
    run(database, 401)
    tell(machine, Delete(id="test:2", observed_at=SAID + timedelta(days=401)))
    assert counted(database) == 1
    known = machine.ledger.read(Wanted(frozenset([mention_key("test:2")]))).records
    assert [record.deleted_at is not None for record in known.values()] == [True]


def test_minutes_go_after_30_days_and_quarter_hours_stay(database: Database, machine: Machine) -> None:
    tell(machine, seen(mention()))
    run(database, 29.9)
    assert counted(database, 60) == 1
    run(database, 31)
    assert (counted(database, 60), counted(database, 900)) == (0, 1)


def test_quarter_hours_become_days_by_environment_after_90_days(database: Database, machine: Machine) -> None:
    tell(machine, seen(mention(1)), seen(mention(2, platform="x")), seen(mention(3, text="zug")))
    run(database, 90)
    assert many_of(database, 86_400) == []
    run(database, 92)
    midnight = int(datetime(2026, 5, 4, tzinfo=UTC).timestamp())
    assert many_of(database, 86_400) == [(midnight, 1), (midnight, 2)]
    assert many_of(database, 900) == [(int(SAID.timestamp()), 3)]


def many_of(database: Database, resolution: int) -> list[tuple[int, int]]:
    """(bucket, mentions) of each row of sums."""
    window = schema.window.c
    query = sa.select(window.bucket, window.mentions).where(window.resolution == resolution)
    with database.read() as connection:
        return sorted((row[0], row[1]) for row in connection.execute(query))


def test_lanes_are_one_after_8_days(database: Database, machine: Machine) -> None:
    tell(machine, *(seen(mention(number)) for number in range(8)))
    run(database, 7.9)
    assert len(many_of(database, 900)) == 2
    run(database, 9)
    assert many_of(database, 900) == [(int(SAID.timestamp()), 8)]


def test_arrivals_go_after_35_days(database: Database, machine: Machine) -> None:
    tell(machine, seen(mention()))
    run(database, 34)
    assert many(database, schema.arrival) == 1
    run(database, 36)
    assert many(database, schema.arrival) == 0


def test_changes_go_after_7_days_however_many_there_are(database: Database) -> None:
    for moment, count in ((SAID, 1200), (SAID + timedelta(days=5), 3)):
        with database.write() as connection:
            append_changes(connection, [Change("x", None, str(n), micros(moment)) for n in range(count)])
    assert run(database, 8) == 1200
    assert many(database, schema.change) == 3


def test_an_author_goes_with_the_last_that_is_kept_of_them(database: Database, machine: Machine) -> None:
    tell(machine, seen(mention(1)))
    later = SAID + timedelta(days=300)
    tell(machine, seen(mention(2), later), seen(mention(3, author=Author(id="a1", name="Anna")), later), now=later)
    run(database, 402)
    assert names(database, schema.author) == ["a1", "a2"]
    run(database, 702)
    assert names(database, schema.author) == []


def test_what_is_done_once_a_day_is_done_once_a_day(database: Database, machine: Machine) -> None:
    run(database, 31)
    tell(machine, seen(mention()))
    run(database, 31.1)
    assert counted(database, 60) == 1
    run(database, 32)
    assert counted(database, 60) == 0


def test_postgresql_drops_whole_days_and_makes_the_next_ones(database: Database, machine: Machine) -> None:
    if database.engine.dialect.name == "sqlite":
        pytest.skip("SQLite keeps all days together")
    run(database, 0)
    assert {"mention_20260504", "match_20260504", "mention_20260507"} <= partitions._existing(database)
    tell(machine, seen(mention()))
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM mention_20260504").scalar() == 1
    run(database, 400.4)
    assert "mention_20260504" in partitions._existing(database)
    run(database, 400.6)
    assert not {"mention_20260504", "match_20260504"} & partitions._existing(database)
    assert counted(database) == 1


@pytest.mark.parametrize(("moment", "kept"), [("LOCK", "mention_other"), ("CREATE TABLE", "mention_20260504")])
def test_what_is_written_while_a_day_is_made_lies_in_it_or_keeps_it_from_being_made(
    database: Database, machine: Machine, moment: str, kept: str
) -> None:
    if database.engine.dialect.name == "sqlite":
        pytest.skip("SQLite keeps all days together")
    writers: list[threading.Thread] = []

    def meddle(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(moment) and not writers:
            writers.append(threading.Thread(target=tell, args=(machine, seen(mention()))))
            writers[-1].start()
            writers[-1].join(0.5)

    sa.event.listen(database.engine, "before_cursor_execute", meddle)
    partitions.make_ahead(database, SAID)
    for writer in writers:
        writer.join()
    assert names(database) == ["test:1"]
    with database.read() as connection:
        assert connection.exec_driver_sql(f"SELECT count(*) FROM {kept}").scalar() == 1
    assert partitions.make_ahead(database, SAID) == []


def test_installations_that_share_a_database_have_days_of_their_own(store_url: str) -> None:
    if store_url.startswith("sqlite"):
        pytest.skip("a file holds one installation")
    first, second = Database(store_url, schema="one"), Database(store_url, schema="two")
    for database in (first, second):
        database.migrate()
        assert len(partitions.make_ahead(database, SAID)) == 8
    assert len(partitions.drop_before(first, SAID + timedelta(days=9))) == 8
    assert "mention_20260504" in partitions._existing(second)
    for database in (first, second):
        database.close()


def test_a_step_is_short_and_lets_others_write_before_the_next(database: Database, machine: Machine) -> None:
    for first in range(0, 1200, 400):
        tell(machine, *(seen(mention(number)) for number in range(first, first + 400)))
    steps = Retention(database).steps(SAID + timedelta(days=420), Terms())
    taken = []
    for number, rows in enumerate(steps):
        database.set_meta("somebody", str(number))
        taken.append(rows)
    assert max(taken) <= 500
    assert sum(taken) >= 2400
    assert names(database) == []


def test_retention_works_for_a_spell_and_rests_when_it_is_through(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    passes: list[int] = []

    def steps() -> Iterator[int]:
        passes.append(0)
        for _ in range(5):
            now[0] += 0.015
            passes[-1] += 1
            yield 500

    upkeep = Upkeep(None, None)  # type: ignore[arg-type]
    monkeypatch.setattr(upkeep, "_retention", steps)
    monkeypatch.setattr("services.upkeep.time.monotonic", lambda: now[0])
    done = []
    for _ in range(4):
        upkeep.retain()
        done.append(list(passes))
    assert done == [[2], [4], [5], [5]]
    now[0] += 600
    upkeep.retain()
    assert passes == [5, 2]
