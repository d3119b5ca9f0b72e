"""Where a mention's time goes: every stage from being published to being told, on clocks that stand still."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from resonance.catalogue import Catalogue, Channel, Department, Rule, Threshold
from resonance.clock import ManualClock
from resonance.engines.evaluator import Evaluator
from resonance.engines.lane import LaneLoop
from resonance.metrics import STAGES, Metrics
from resonance.model import Mention, Upsert, micros
from resonance.stores.database import Database
from resonance.stores.evaluations import Evaluations
from resonance.stores.ledger import SqlLedger
from resonance.stores.outbox import Outbox
from services.notifier import Notifier
from tests.support.machine import Machine, at
from tests.support.outbox import Ear
from tests.support.scoring import catalogue, scorer

MENTIONS = 3


class World:
    """Process, evaluate and notify on one store; each acts when told to, at the time that its clock shows."""

    def __init__(self, folder: Path) -> None:
        self.database = Database(f"sqlite:///{folder}/store.db")
        self.database.migrate()
        self.clock, self.real = ManualClock(at(0)), 1_000.0
        self.metrics = Metrics(CollectorRegistry())
        known = catalogue()
        topic = msgspec.structs.replace(known.topics["bahn"], departments=("press",), valid_from=at(-3600))
        self.catalogue: Catalogue = msgspec.structs.replace(
            known,
            topics={"bahn": topic},
            rules={"many": Rule(id="many", when=Threshold(mentions=MENTIONS, window="5m"))},
            departments={"press": Department(id="press", name="Press", channels=("desk",))},
            channels={"desk": Channel(id="desk")},
        )
        self.machine = Machine(scorer(self.catalogue), ledger=SqlLedger(self.database))
        self.lane: LaneLoop = self.machine.loops[0]
        self.lane.metrics, self.lane.now = self.metrics, lambda: micros(self.clock.now())
        self.evaluator = Evaluator(
            Evaluations(self.database),
            lambda: self.catalogue,
            self.clock,
            lambda *_, **__: [],
            real=lambda: self.real,
            evaluated=self.metrics.looked,
        )
        self.evaluator.step()
        ear: Any = Ear()
        self.notifier = Notifier(
            Outbox(self.database),
            lambda: {"desk": ear},
            "http://localhost",
            now=lambda: self.real,
            on_sent=self.metrics.told,
        )

    def put(self) -> None:
        """Mentions published 90 s ago, observed 30 s ago, logged now."""
        said = [
            Mention(id=f"test:{n}", platform="test", source="test", text="die bahn", published_at=at(-90))
            for n in range(MENTIONS)
        ]
        self.machine.put([Upsert(mention=one, observed_at=at(-30)) for one in said], stamp=self.clock.now())

    def stages(self) -> dict[str, tuple[float, float]]:
        """Stage → how many passed it, and seconds for each."""
        found = {}
        for stage in STAGES:
            count, total = (
                self.metrics.registry.get_sample_value(f"resonance_mention_latency_seconds_{name}", {"stage": stage})
                for name in ("count", "sum")
            )
            assert count is not None and total is not None
            found[stage] = (count, total / count if count else 0.0)
        return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.database.close()


def test_each_stage_counts_from_the_one_before_and_together_they_are_the_whole_way(world: World) -> None:
    world.put()
    world.clock.advance(timedelta(seconds=4))
    world.machine.work()
    world.clock.advance(timedelta(seconds=2))
    world.evaluator.step()
    world.real += 7
    assert world.notifier.step() == 1
    assert world.stages() == {
        "observed": (MENTIONS, 60.0),
        "logged": (MENTIONS, 30.0),
        "committed": (MENTIONS, 4.0),
        "evaluated": (MENTIONS, 2.0),
        "told": (1, 7.0),
    }


def test_a_look_without_news_counts_no_mention(world: World) -> None:
    world.put()
    world.machine.work()
    world.evaluator.step()
    before = world.stages()
    world.clock.advance(timedelta(minutes=5))
    world.machine.beat(world.clock.now())
    world.machine.work()
    world.evaluator.step()
    assert world.stages() == before


def test_a_mention_of_another_owners_topic_counts_where_it_is_decided(world: World) -> None:
    world.evaluator.owns = lambda topic: topic != "bahn"
    world.put()
    world.machine.work()
    world.evaluator.step()
    assert world.stages()["evaluated"] == (0, 0.0)


def test_a_message_that_has_to_be_sent_again_counts_once_from_when_it_was_decided(world: World) -> None:
    world.put()
    world.machine.work()
    world.evaluator.step()
    channels = world.notifier.channels()
    world.notifier.channels = dict
    world.notifier.step()
    assert world.stages()["told"] == (0, 0.0)
    world.notifier.channels = lambda: channels
    world.real += 100
    world.notifier.step()
    assert world.stages()["told"] == (1, 100.0)
