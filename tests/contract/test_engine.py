"""What every engine promises of what lies in its log: each envelope has its effect once, whatever happens to the process."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import zstandard
from msgspec import structs

from resonance.access import SYSTEM
from resonance.model import Delete, Mention, Upsert
from resonance.stores.entries import Entries
from resonance.wire import encode_envelope, encode_event
from tests.support.cluster import contents
from tests.support.engines import Engine

pytestmark = pytest.mark.timeout(400)
START = datetime.now(UTC) - timedelta(hours=2)


LATER = START + timedelta(hours=1)


def said(number: int, text: str = "die post ist da", *, edited_at: datetime | None = None) -> Upsert:
    at = START + timedelta(seconds=number)
    name = f"test:{number}"
    mention = Mention(id=name, platform="test", source="test", text=text, published_at=at, edited_at=edited_at)
    return Upsert(mention=mention, observed_at=edited_at or at)


def write(engine: Engine, numbers: range) -> None:
    for first in range(numbers.start, numbers.stop, 25):
        engine.sink.write([said(n) for n in range(first, min(first + 25, numbers.stop))], source="test")


def stored(engine: Engine) -> set[str]:
    with engine.database.read() as connection:
        return set(connection.scalars(sa.text("SELECT id FROM mention WHERE platform = 'test'")))


def names(numbers: range) -> set[str]:
    return {f"test:{number}" for number in numbers}


def counted(engine: Engine) -> int:
    """What the sums of all lanes say."""
    return int(engine.one("SELECT sum(mentions) FROM \"window\" WHERE topic = 'post' AND resolution = 900") or 0)


def processed(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """All that process writes; evaluate goes on meanwhile."""
    found = contents(engine.database)
    return {name: found[name] for name in ("identity", "mention", "match", "window", "arrival")}


def test_what_lies_in_the_log_is_committed_and_reading_it_again_changes_nothing(engine: Engine) -> None:
    write(engine, range(200))
    write(engine, range(100, 200))
    engine.sink.write([Delete(id=f"test:{n}", observed_at=LATER) for n in range(50)], source="test")
    engine.sink.write([said(n, "die bahn kommt", edited_at=LATER) for n in range(50, 100)], source="test")
    engine.caught_up()
    assert stored(engine) == names(range(100, 200))
    assert counted(engine) == 100
    before = processed(engine)
    assert engine.end() == 0
    with engine.database.write() as connection:
        connection.execute(sa.text('UPDATE position SET "offset" = 0, event = 0'))
    engine.start()
    engine.caught_up()
    assert processed(engine) == before


def test_one_that_was_told_to_stop_or_killed_goes_on_where_the_store_is(engine: Engine) -> None:
    write(engine, range(100))
    engine.until(lambda: stored(engine))
    assert engine.end() == 0
    write(engine, range(100, 200))
    engine.start()
    for number in range(3):
        write(engine, range(200 + number * 300, 500 + number * 300))
        engine.until(lambda number=number: len(stored(engine)) > 200 + number * 300)  # type: ignore[misc]
        engine.kill()
        engine.start()
    engine.caught_up()
    assert stored(engine) == names(range(1100))
    assert counted(engine) == 1100
    assert engine.one("SELECT count(*) FROM dead_letter") == 0


def test_what_cannot_be_read_is_set_aside_with_its_reason_and_what_is_of_tomorrow_waits(engine: Engine) -> None:
    good, bad = encode_event(said(1)), encode_event(said(2)).replace(b'"published_at"', b'"published"')
    engine.log.append(
        [
            (0, b"no envelope at all"),
            (0, encode_envelope([good, bad, b'{"op":"applaud","id":"x"}'], stamp=START, source="test")),
            (0, encode_envelope([encode_event(said(3))], stamp=START, source="test")),
        ]
    )()
    engine.caught_up()
    assert stored(engine) == {"test:1", "test:3"}
    with engine.database.read() as connection:
        told = connection.execute(sa.text('SELECT reason, problem FROM dead_letter ORDER BY "offset", event')).all()
    assert [(reason, word in problem) for (reason, problem), word in zip(told, WORDS, strict=True)] == [
        ("undecodable", True)
    ] * 3
    place = engine.log.ends()[0]
    engine.log.append([(0, zstandard.compress(b'{"v":9,"a field of tomorrow":true}'))])()
    engine.until(lambda: "lane.stopped" in engine.output())
    engine.log.append([(0, encode_envelope([encode_event(said(4))], stamp=START, source="test"))])()
    assert engine.one('SELECT "offset" FROM position WHERE lane = 0') <= max(place, engine.log.ends()[0] - 2)
    assert engine.ended() is None
    assert stored(engine) == {"test:1", "test:3"}


WORDS = ("the envelope", "published_at", "applaud")


def test_a_change_of_the_catalogue_is_taken_over_and_alerts_fire(engine: Engine) -> None:
    entries = Entries(engine.database)
    known = entries.get("topic", "post")
    changed = structs.replace(known.entry, query="bahn")
    entries.replace("topic", changed, revision=known.revision, actor=SYSTEM, at=datetime.now(UTC))
    version, lanes = entries.version(), engine.log.lanes
    engine.until(lambda: engine.one(f"SELECT count(*) FROM position WHERE catalogue_version = {version}") == lanes)
    write(engine, range(20))
    now = datetime.now(UTC)
    fresh = [structs.replace(said(n, "die bahn kommt").mention, published_at=now) for n in range(20, 50)]
    engine.sink.write([Upsert(mention=mention) for mention in fresh], source="test")
    engine.until(lambda: engine.one("SELECT count(*) FROM alert WHERE state = 'firing'"))
    assert engine.one("SELECT count(*) FROM match WHERE topic = 'post'") == 30
    assert engine.one("SELECT count(*) FROM alert") == 1


def test_a_position_in_another_log_is_refused_with_a_clear_word(engine: Engine) -> None:
    write(engine, range(50))
    engine.caught_up()
    assert engine.end() == 0
    with engine.database.write() as connection:
        connection.execute(sa.text("UPDATE position SET incarnation = 'another'"))
    engine.start()
    engine.until(lambda: engine.ended() is not None)
    assert engine.ended() != 0
    assert "was read from another log" in engine.output()
