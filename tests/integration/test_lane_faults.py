"""One bad event costs itself alone; a record of a newer program costs its lane alone."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
import zstandard
from msgspec import structs
from prometheus_client import CollectorRegistry

from resonance import processor
from resonance.engines import lanes
from resonance.engines.lane import LaneLoop
from resonance.errors import NewerVersion
from resonance.metrics import Metrics
from resonance.model import MOST, Author, Engagement, Mention, Upsert, mention_key
from resonance.stores import schema
from resonance.stores.database import Database
from resonance.stores.ledger import SqlLedger
from tests.support.machine import Machine, at
from tests.support.scoring import scorer


def said(number: int, rate: float | None = None) -> Upsert:
    mention = Mention(
        id=f"test:{number}",
        platform="test",
        source="test",
        text="die bahn",
        published_at=at(-60),
        sample_rate=rate,
    )
    return Upsert(mention=mention, observed_at=at(0))


def stored(database: Database) -> set[str]:
    with database.read() as connection:
        return set(connection.scalars(sa.select(schema.mention.c.id)))


def letters(database: Database) -> list[tuple[str, int, int]]:
    letter = schema.dead_letter.c
    with database.read() as connection:
        rows = connection.execute(sa.select(letter.reason, letter.offset, letter.event)).all()
    return [(row[0], row[1], row[2]) for row in rows]


@pytest.mark.parametrize("bad", [[0], [99], [37, 38], list(range(0, 100, 9))])
def test_a_value_that_the_store_refuses_is_set_aside_and_nothing_else_with_it(
    database: Database, bad: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor, "keeps", lambda mention, keep: 10**30 if mention.sample_rate else 1000)
    machine = Machine(scorer(), ledger=SqlLedger(database))
    machine.put([said(number, 0.5 if number in bad else None) for number in range(100)])
    machine.work()
    assert stored(database) == {f"test:{number}" for number in range(100) if number not in bad}
    assert sorted(letters(database)) == [("refused", 0, number) for number in bad]
    with database.read() as connection:
        assert connection.scalar(
            sa.select(sa.func.sum(schema.window.c.mentions)).where(schema.window.c.resolution == 60)
        ) == 100 - len(bad)


def test_sums_of_the_greatest_numbers_that_are_taken_stay_whole(database: Database) -> None:
    """SQLite would go on in floating point where 63 bits are not enough, PostgreSQL would refuse the event."""
    most = Engagement(likes=MOST, replies=MOST, reposts=MOST, quotes=MOST, views=MOST)
    loud = [
        structs.replace(
            event, mention=structs.replace(event.mention, engagement=most, author=Author(id="a", followers=MOST))
        )
        for event in (said(number, 5e-324) for number in range(1500))
    ]
    machine = Machine(scorer(), ledger=SqlLedger(database))
    machine.put(loud)
    machine.work()
    assert letters(database) == []
    window = schema.window.c
    with database.read() as connection:
        rows = connection.execute(sa.select(window.weight, window.reach, window.likes, window.views)).all()
        total = connection.scalar(sa.select(sa.func.sum(window.reach)).where(window.resolution == 60))
    assert [tuple(row) for row in rows] == [(1500 * 10**9, *[1500 * MOST] * 3)] * 2
    assert (int(total or 0), {type(value) for row in rows for value in row}) == (1500 * MOST, {int})


def test_a_record_of_a_newer_version_stops_its_lane_after_what_stood_before_it_and_no_other(
    database: Database,
) -> None:
    machine = Machine(scorer(), lanes=2, ledger=SqlLedger(database))
    machine.put([said(number) for number in range(20)])
    newer = zstandard.compress(b'{"v":9,"a field of tomorrow":true}')
    machine.log.append([(0, newer)])
    machine.put([said(number) for number in range(20, 40)])
    stop = threading.Event()
    thread = threading.Thread(target=lanes.run, args=(lambda: machine.loops, machine.log, stop))
    thread.start()
    expected = {f"test:{n}" for n in range(40) if n < 20 or mention_key(f"test:{n}")[0] % 2 == 1}
    for _ in range(200):
        if stored(database) == expected:
            break
        stop.wait(0.05)
    assert thread.is_alive()
    stop.set()
    thread.join(5)
    assert stored(database) == expected
    with pytest.raises(NewerVersion):
        machine.loops[0].step()


def test_who_works_on_a_lane_that_is_somebody_elses_by_now_is_refused_and_that_is_counted(database: Database) -> None:
    machine = Machine(scorer(), ledger=SqlLedger(database))
    machine.put([said(0)])
    machine.work()
    [asleep] = machine.loops
    registry = CollectorRegistry()
    asleep.metrics = Metrics(registry)
    other = LaneLoop(machine.log, machine.ledger, 0, lambda: machine.scorer, machine.ledger.progress, asleep.metrics)
    other.claim()
    machine.put([said(1)])
    assert not asleep.attempt()
    assert registry.get_sample_value("resonance_process_fenced_total") == 1
    assert stored(database) == {"test:0"}
    assert other.attempt()
    assert stored(database) == {"test:0", "test:1"}
