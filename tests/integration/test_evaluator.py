"""The evaluator on a real store: crashes, rivals, silent sources, lost rebuilds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from resonance.alerts.reasons import Said
from resonance.baseline import Baseline
from resonance.catalogue import Catalogue, Channel, Department, NegativeShare, Rule, Silent, Threshold, Topic
from resonance.clock import ManualClock
from resonance.engines.evaluator import Evaluator
from resonance.errors import Fenced
from resonance.model import micros
from resonance.stores import schema
from resonance.stores.database import Database, append_changes
from resonance.stores.evaluations import Decided, Evaluations
from resonance.tracker import begin
from resonance.update import Change

START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
EPOCH = int(START.timestamp())
TOPIC = Topic(id="acme", name="Acme", query="acme", departments=("press",), valid_from=START)
RULES = {
    "many": Rule(id="many", when=Threshold(mentions=8, window="5m"), keep_firing_for="5m"),
    "lasting": Rule(id="lasting", when=Threshold(mentions=4, window="5m"), for_="3m", keep_firing_for="5m"),
    "angry": Rule(id="angry", when=NegativeShare(share=0.6, mentions=5, window="10m"), keep_firing_for="5m"),
    "silent": Rule(id="silent", when=Silent(after="15m")),
}
CATALOGUE = Catalogue(
    version=1,
    topics={"acme": TOPIC},
    rules=RULES,
    departments={"press": Department(id="press", name="Press", channels=("desk",))},
    channels={"desk": Channel(id="desk")},
)
STORY = [0, 1, 0, 3, 6, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]


class World:
    """A store, a clock, and an evaluator that can be dropped at any time."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(f"sqlite:///{folder}/store.db")
        self.database.migrate()
        self.clock = ManualClock(START)
        self.catalogue = CATALOGUE
        self.evaluator = self.fresh()

    def fresh(self) -> Evaluator:
        return Evaluator(
            Evaluations(self.database), lambda: self.catalogue, self.clock, lambda *_, **__: [], real=lambda: 1e9
        )

    def pass_minute(self, number: int, mentions: int) -> None:
        """What process would have committed by the end of this minute."""
        self.clock.set(START + timedelta(minutes=number + 1))
        with self.database.write() as connection:
            connection.execute(sa.delete(schema.position))
            connection.execute(
                sa.insert(schema.position).values(lane=0, incarnation="x", progress=micros(self.clock.now()))
            )
            if mentions:
                row = {"topic": "acme", "version": 1, "platform": "demo", "minute": EPOCH + 60 * number, "lane": 0}
                connection.execute(sa.insert(schema.arrival).values(**row, mentions=mentions, negative=mentions))
                append_changes(connection, [Change("mention.matched", "acme", "k", micros(self.clock.now()))])

    def hear(self, source: str) -> None:
        with self.database.write() as connection:
            connection.execute(sa.delete(schema.source_state).where(schema.source_state.c.source == source))
            values = {"source": source, "last_event_at": micros(self.clock.now())}
            connection.execute(sa.insert(schema.source_state).values(values))

    def rows(self, table: sa.Table, *columns: str) -> list[tuple[Any, ...]]:
        with self.database.read() as connection:
            query = sa.select(*(table.c[name] for name in columns)).order_by(*(table.c[name] for name in columns))
            return [tuple(row) for row in connection.execute(query)]

    def alerts(self) -> list[tuple[Any, ...]]:
        return self.rows(schema.alert, "id", "rule", "state", "pending_at", "fired_at", "resolved_at", "value")

    def outbox(self) -> list[tuple[Any, ...]]:
        return self.rows(schema.outbox, "idempotency_key", "channel", "alert", "kind", "at")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.database.close()


@pytest.mark.parametrize("every", [1, 2, 5])
def test_a_crash_between_any_steps_leaves_the_same_alerts_and_messages(tmp_path: Path, every: int) -> None:
    worlds = []
    for name in ("whole", "crashing"):
        (tmp_path / name).mkdir()
        one = World(tmp_path / name)
        for number, mentions in enumerate(STORY):
            one.pass_minute(number, mentions)
            one.evaluator.step()
            if name == "crashing" and number % every == 0:
                one.evaluator = one.fresh()
                one.evaluator.step()
        worlds.append(one)
    whole, crashing = worlds
    assert crashing.alerts() == whole.alerts()
    assert crashing.outbox() == whole.outbox()
    # Every incident that fired was told once and resolved once.
    kinds = [(alert, kind) for _, _, alert, kind, _ in whole.outbox()]
    assert len(kinds) == len(set(kinds)) >= 6
    for one in worlds:
        one.database.close()


def test_a_crash_in_the_commit_leaves_nothing_and_the_next_try_everything(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, mentions in enumerate(STORY[:5]):
        world.pass_minute(number, mentions)

    def broken(*_: object) -> None:
        raise ConnectionError("the power is gone")

    with monkeypatch.context() as patch:
        patch.setattr("resonance.stores.evaluations.append_changes", broken)
        with pytest.raises(ConnectionError):
            world.evaluator.step()
    assert (world.alerts(), world.outbox(), world.rows(schema.tracker, "rev")) == ([], [], [])
    world.evaluator = world.fresh()
    world.evaluator.step()
    assert len(world.outbox()) == 2


def test_who_comes_second_with_a_tracker_leaves_nothing_behind(world: World) -> None:
    store = Evaluations(world.database)
    state = begin(1, EPOCH, [], UTC)
    store.commit([Decided(topic="acme", rev=0, state=state, due=None)])
    late = Decided(topic="acme", rev=0, state=state, due=None, changes=[Change("alert.firing", "acme", "a", 1)])
    other = Decided(topic="other", rev=0, state=state, due=None, changes=[Change("alert.firing", "other", "b", 1)])
    with pytest.raises(Fenced):
        store.commit([other, late])
    assert world.rows(schema.change, "key") == []
    assert world.rows(schema.tracker, "topic", "rev") == [("acme", 1)]


def test_minutes_in_which_nothing_is_learned_or_told_write_nothing(world: World) -> None:
    for number in range(6):
        world.pass_minute(number, int(number == 5))
        world.evaluator.step()
    before = world.rows(schema.tracker, "rev")
    for number in range(6, 9):
        world.pass_minute(number, int(number == 7))
        world.evaluator.step()
    assert world.rows(schema.tracker, "rev") == before
    world.pass_minute(9, 0)
    world.evaluator.step()
    assert world.rows(schema.tracker, "rev") == [(before[0][0] + 1,)]


def test_a_silent_source_is_told_once_however_long_it_is_silent(world: World) -> None:
    world.hear("feed")
    world.clock.advance(timedelta(minutes=16))
    for _ in range(20):
        world.evaluator.step()
        world.clock.advance(timedelta(minutes=1))
    assert world.rows(schema.change, "type") == [("alert.firing",), ("source.silent",)]
    assert len(world.outbox()) == 1
    world.hear("feed")
    world.evaluator.step()
    assert [row[2] for row in world.alerts()] == ["resolved"]
    assert len(world.outbox()) == 2


def test_a_paused_rule_closes_what_it_said_of_a_source(world: World) -> None:
    world.hear("feed")
    world.clock.advance(timedelta(minutes=16))
    world.evaluator.step()
    assert [row[2] for row in world.alerts()] == ["firing"]
    paused = msgspec.structs.replace(RULES["silent"], status="paused")
    world.catalogue = msgspec.structs.replace(CATALOGUE, version=2, rules={"silent": paused})
    world.evaluator.step()
    assert [row[2] for row in world.alerts()] == ["resolved"]


def past(world: World, first: int, count: int, *, told: bool) -> None:
    """Mentions before the topic began to be watched, one each five minutes; `told`: the change feed says so."""
    with world.database.write() as connection:
        for number in range(first, first + count):
            match = {"topic": "acme", "row": number + 1, "version": 1, "placed_at": (EPOCH - 300 * number) * 10**6 - 1}
            rest = {"environment": 1, "voice": "earned", "spans": "[]", "label": "neutral", "model": "m"}
            odds = {"p_negative": 0, "p_neutral": 1000, "p_positive": 0}
            connection.execute(sa.insert(schema.match).values(**match, **rest, **odds))
        if told:
            append_changes(connection, [Change("topic.rebuild", "acme", "acme", EPOCH * 10**6)])


def learned(world: World) -> Baseline:
    """What is usual of the topic, as a new owner of it finds it."""
    world.evaluator = world.fresh()
    world.evaluator.step()
    remembered = Evaluations(world.database).remembered(["acme"])["acme"]
    assert remembered.state is not None
    return remembered.state.baseline


def test_a_rebuild_that_was_asked_for_before_a_crash_is_done_after_it(world: World) -> None:
    world.pass_minute(0, 0)
    world.evaluator.step()
    past(world, 0, 2 * 288, told=True)
    assert Evaluations(world.database).rebuilds().keys() == {"acme"}
    assert learned(world).settled
    assert Evaluations(world.database).rebuilds() == {}


def test_what_comes_late_does_not_change_what_is_usual_with_the_next_owner(world: World) -> None:
    world.pass_minute(0, 0)
    past(world, 0, 2 * 288, told=True)
    before = learned(world)
    past(world, 2 * 288, 288, told=False)
    assert learned(world) == before
    past(world, 3 * 288, 288, told=True)
    assert learned(world).since < before.since


def test_why_it_fired_is_read_from_what_was_counted_not_from_what_was_imported_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    blank = {"text": "", "language": None, "author_key": None, "links": (), "reach": None, "engagement": 0}
    came = [Said(key=f"{n}", platform="live" if n < 9 else "imported", **blank) for n in range(50)]  # type: ignore[arg-type]
    monkeypatch.setattr(world.evaluator.store, "said", lambda *_: came)
    world.pass_minute(0, 9)
    world.evaluator.step()
    ((why,),) = {row for row in world.rows(schema.alert, "reasons") if "volume" in row[0]}
    platforms = {reason["code"]: reason["values"] for reason in msgspec.json.decode(why)}["platforms"]
    assert platforms == [{"platform": "live", "mentions": 9}]


def test_an_alert_began_with_the_minute_in_which_more_arrived_not_with_its_window(world: World) -> None:
    for number, mentions in enumerate([1, 0, 0, 2000]):
        world.pass_minute(number, mentions)
        world.evaluator.step()
    since = {
        reason["values"]["since"]
        for (why,) in world.rows(schema.alert, "reasons")
        for reason in msgspec.json.decode(why)
        if reason["code"] in ("volume", "negative_share")
    }
    assert since == {EPOCH + 180}
