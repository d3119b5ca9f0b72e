"""Every ledger does the same: memory, SQLite and PostgreSQL go through one suite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from msgspec import structs

from resonance.errors import Fenced, Retry
from resonance.model import (
    Author,
    Delete,
    DeleteAuthor,
    Engagement,
    EngagementSeen,
    Event,
    Mention,
    Upsert,
    mention_key,
)
from resonance.ports import Ledger, Wanted
from resonance.stores import dialect, schema
from resonance.stores.database import Database
from resonance.stores.ledger import SqlLedger
from resonance.stores.memory import MemoryLedger
from resonance.update import Change, Position, Rejected, Update, Waiting
from tests.property.test_any_order import FAST, stories
from tests.support.machine import Machine, at, plain, rows_of
from tests.support.scoring import scorer


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "memory":
        yield MemoryLedger()
        return
    sqlite = f"sqlite:///{tmp_path / 'store.db'}"
    database = Database(sqlite if request.param == "sqlite" else request.getfixturevalue("postgres").url())
    database.migrate()
    yield SqlLedger(database)
    database.close()


def mention(**fields: Any) -> Mention:
    known: dict[str, Any] = {
        "id": "test:1",
        "platform": "test",
        "source": "test",
        "text": "Die Bahn ist schlecht",
        "title": "Überschrift",
        "published_at": at(-60),
        "author": Author(id="7", handle="jo", name="Jo", followers=250, verified=True, created_at=at(-9999)),
        "engagement": Engagement(likes=3, reactions={"haha": 2}),
        "links": ("https://example.org/a",),
        "extra": {"unknown": [1, 2]},
    }
    return Mention(**(known | fields))


def known(ledger: Ledger, *names: str) -> dict[bytes, Any]:
    return dict(ledger.read(Wanted(frozenset(map(mention_key, names)))).records)


def test_lanes_of_which_nothing_is_told_move_together_or_not_at_all(ledger: Ledger) -> None:
    old = [Position(lane=lane) for lane in range(3)]
    first = [Position(lane=lane, incarnation="i", offset=1, epoch=1, progress=10 + lane) for lane in range(3)]
    for lane in range(3):
        ledger.commit(Update(), old[lane], first[lane])
    second = [structs.replace(position, offset=2, progress=20, catalogue_version=7, last_row=4) for position in first]
    ledger.advance(list(zip(first[:2], second[:2], strict=True)))
    assert [ledger.position(lane) for lane in range(3)] == [second[0], second[1], first[2]]
    third = structs.replace(second[1], offset=3)
    with pytest.raises(Fenced):
        ledger.advance([(second[1], third), (old[2], second[2])])
    assert [ledger.position(lane) for lane in range(3)] == [second[0], second[1], first[2]]


def test_lanes_are_named_in_which_something_that_waits_is_due(ledger: Ledger) -> None:
    waiting = [Waiting(lane, "delete", b"k" * 16, due, b"{}") for lane, due in ((0, 10), (0, 30), (1, 30))]
    reached = [Position(lane=lane) for lane in range(3)]

    def reach(*progress: int) -> None:
        """By what all lanes have reached it is decided: what is due in one alone is not looked at yet."""
        for lane, until in enumerate(progress):
            old, reached[lane] = reached[lane], structs.replace(reached[lane], incarnation="i", progress=until)
            ledger.commit(Update(waiting=waiting if until == 9 and lane == 0 else []), old, reached[lane])

    reach(9, 99, 99)
    assert ledger.lanes_due(range(3)) == frozenset()
    reach(99, 10, 99)
    assert ledger.lanes_due(range(3)) == {0}
    reach(99, 99, 30)
    assert ledger.lanes_due(range(3)) == {0, 1}
    assert ledger.lanes_due([1, 2]) == {1}
    assert ledger.lanes_due([]) == frozenset()


def test_a_fresh_lane_stands_at_the_beginning(ledger: Ledger) -> None:
    assert ledger.position(3) == Position(lane=3)


def test_a_commit_moves_the_position_and_a_stale_owner_is_refused_and_changes_nothing(ledger: Ledger) -> None:
    old = Position(lane=0)
    new = structs.replace(old, incarnation="a", offset=5, epoch=1)
    ledger.commit(Update(), old, new)
    assert ledger.position(0) == new
    late = Waiting(0, "delete", b"k" * 16, 1, b"{}")
    with pytest.raises(Fenced):
        ledger.commit(Update(waiting=[late]), old, structs.replace(old, offset=9))
    assert ledger.position(0) == new
    assert ledger.due(0, 10, 10) == []


def test_a_new_epoch_fences_the_owner_before(ledger: Ledger) -> None:
    first = structs.replace(Position(lane=0), incarnation="a", epoch=1)
    ledger.commit(Update(), Position(lane=0), first)
    ledger.commit(Update(), first, structs.replace(first, epoch=2))
    with pytest.raises(Fenced):
        ledger.commit(Update(), first, structs.replace(first, offset=1))


def test_a_record_comes_back_as_it_was_committed(ledger: Ledger) -> None:
    machine = Machine(scorer(), ledger=ledger)
    machine.put([Upsert(mention=mention(), observed_at=at(0))])
    machine.work()
    reference = Machine(scorer())
    reference.put([Upsert(mention=mention(), observed_at=at(0))])
    reference.work()
    assert {key: plain(record) for key, record in known(ledger, "test:1").items()} == rows_of(reference.ledger)


def test_what_waits_is_due_in_order_and_settled_once(ledger: Ledger) -> None:
    items = [Waiting(0, "delete", b"a" * 16, due, b"{}") for due in (30, 10, 20)]
    ledger.commit(Update(waiting=items), Position(lane=0), Position(lane=0, epoch=1))
    due = ledger.due(0, 25, 10)
    assert [item.due_at for _, item in due] == [10, 20]
    assert ledger.due(1, 25, 10) == []
    settled = Update(settled=[number for number, _ in due])
    ledger.commit(settled, Position(lane=0, epoch=1), Position(lane=0, epoch=2))
    assert [item.due_at for _, item in ledger.due(0, 99, 10)] == [30]


def test_the_same_dead_letter_is_kept_once(ledger: Ledger) -> None:
    letter = Rejected(0, 4, 2, 9, "test", "undecodable", "no JSON", b"{")
    position = Position(lane=0)
    for epoch in (1, 2):
        following = Position(lane=0, epoch=epoch)
        ledger.commit(Update(rejected=[letter], changes=[Change("x", None, "k", 1)]), position, following)
        position = following
    if isinstance(ledger, MemoryLedger):
        assert list(ledger.rejected.values()) == [letter]
    else:
        assert isinstance(ledger, SqlLedger)
        with ledger._database.read() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM dead_letter").scalar() == 1


def test_nothing_of_an_author_takes_effect_who_was_erased_after_it_was_computed(ledger: Ledger) -> None:
    key = b"e" * 16
    if isinstance(ledger, MemoryLedger):
        ledger.erased.add(key)
    else:
        assert isinstance(ledger, SqlLedger)
        with ledger._database.write() as connection:
            connection.execute(sa.insert(schema.erasure), {"author_key": key, "at": 0, "receipt": ""})
    update = Update(speakers=frozenset({key}), changes=[Change("x", None, "k", 1)])
    with pytest.raises(Retry):
        ledger.commit(update, Position(lane=0), Position(lane=0, epoch=1))
    assert ledger.position(0) == Position(lane=0)
    ledger.commit(Update(speakers=frozenset({b"o" * 16})), Position(lane=0), Position(lane=0, epoch=1))


def test_nothing_takes_effect_that_rests_on_what_a_root_says_no_more(ledger: Ledger) -> None:
    machine = Machine(scorer(), ledger=ledger)
    machine.put([Upsert(mention=mention(), observed_at=at(0))])
    machine.work()
    (root,) = known(ledger, "test:1").values()
    position, waits = ledger.position(0), [Waiting(0, "delete", b"k" * 16, 1, b"{}")]
    for topic, row in (("bahn", root.row + 1), ("kaffee", root.row)):
        with pytest.raises(Retry):
            ledger.commit(Update(waiting=waits, inherited=frozenset({(row, topic)})), position, position)
    assert ledger.due(0, 10, 10) == []
    ledger.commit(Update(waiting=waits, inherited=frozenset({(root.row, "bahn")})), position, position)
    assert len(ledger.due(0, 10, 10)) == 1


def test_a_root_that_changes_waits_for_the_reply_that_is_being_committed(postgres: Any) -> None:
    database = Database(postgres.url())
    database.migrate()
    with database.write() as connection, database.write() as other:
        dialect.lock_roots(connection, alone=(), shared=(7, 9))
        dialect.lock_roots(other, alone=(8,), shared=(9,))
        other.exec_driver_sql("SET LOCAL lock_timeout = '100ms'")
        with pytest.raises(sa.exc.OperationalError):
            dialect.lock_roots(other, alone=(7,), shared=())
        other.rollback()
    database.close()


def test_what_is_known_of_an_author_goes_when_their_platform_takes_them_away(ledger: Ledger) -> None:
    machine = Machine(scorer(), ledger=ledger)
    author, key = Author(id="7", name="Jo"), scorer().author_key("test:7")
    seen = Upsert(mention=mention(author=author), observed_at=at(0))
    machine.put([seen, DeleteAuthor(author="test:7", observed_at=at(1))])
    machine.work()
    assert ledger.read(Wanted(frozenset(), frozenset({key}))).authors == {}
    machine.put([Upsert(mention=mention(id="test:2", author=author), observed_at=at(2))])
    machine.work()
    assert ledger.read(Wanted(frozenset(), frozenset({key}))).authors[key].author.name == "Jo"
    machine.put([DeleteAuthor(author="test:7", observed_at=at(3))])
    machine.work()
    assert ledger.read(Wanted(frozenset(), frozenset({key}))).authors == {}


def test_a_deleted_mention_leaves_a_tombstone_and_no_content(ledger: Ledger) -> None:
    machine = Machine(scorer(), ledger=ledger)
    machine.put([Upsert(mention=mention(), observed_at=at(0)), Delete(id="test:1", observed_at=at(1))])
    machine.put([EngagementSeen(id="test:1", engagement=Engagement(likes=9), observed_at=at(2))])
    machine.work()
    record = known(ledger, "test:1")[mention_key("test:1")]
    assert record.deleted_at is not None
    assert record.mention is None and record.matches == () and record.engagement == {}


@settings(max_examples=30, deadline=None, phases=FAST, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories())
def test_sqlite_holds_what_memory_holds(tmp_path_factory: pytest.TempPathFactory, story: list[Event]) -> None:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'store.db'}")
    database.migrate()
    stored = SqlLedger(database)
    machines = [Machine(scorer(), 2), Machine(scorer(), 2, stored)]
    for machine in machines:
        for event in story:
            machine.put([event], stamp=at(10))
            machine.work()
    expected = machines[0].ledger
    found = known(stored, *(record.id for record in expected.records.values()))
    assert {key: plain(record) for key, record in found.items()} == rows_of(expected)
    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM window WHERE mentions != 0").mappings().all()
        live = {key: counts for key, counts in expected.windows.items() if counts.mentions}
        assert {
            (r["topic"], r["resolution"], r["bucket"], r["environment"], r["voice"], r["lane"]) for r in rows
        } == set(live)
        for row in rows:
            key = (row["topic"], row["resolution"], row["bucket"], row["environment"], row["voice"], row["lane"])
            counts = {tuple(k): c for k, c in live.items()}[key]
            assert {name: row[name] for name in counts._fields} == counts._asdict()
        assert (
            connection.exec_driver_sql("INSERT INTO mention_text(mention_text) VALUES ('integrity-check')") is not None
        )
    database.close()
