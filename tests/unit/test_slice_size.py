"""How many events a slice takes: as many as its transaction may last, found from the slices before."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from resonance.engines.lane import LaneLoop
from resonance.metrics import Metrics
from resonance.model import Mention, Upsert
from resonance.stores.memory import MemoryLedger
from tests.support.machine import ListLog, Machine, at
from tests.support.scoring import scorer

FIXED, EACH = 0.004, 0.0001
"""What a transaction takes at least, and for each event (s)."""


@pytest.fixture
def lane() -> LaneLoop:
    ledger = MemoryLedger()
    return LaneLoop(ListLog(), ledger, 0, scorer, ledger.progress, Metrics(CollectorRegistry()), target=0.025)


def test_full_slices_settle_where_a_transaction_lasts_as_long_as_it_may(lane: LaneLoop) -> None:
    for _ in range(20):
        lane._adapt(FIXED + EACH * lane.size, lane.size)
    assert 0.0225 <= FIXED + EACH * lane.size <= 0.0255


def test_one_slow_transaction_costs_half_at_most_and_is_made_up_for(lane: LaneLoop) -> None:
    for _ in range(20):
        lane._adapt(FIXED + EACH * lane.size, lane.size)
    before = lane.size
    lane._adapt(3.0, lane.size)
    assert before // 2 <= lane.size < before
    for _ in range(20):
        lane._adapt(FIXED + EACH * lane.size, lane.size)
    assert abs(lane.size - before) <= 5


def test_a_slice_that_was_not_full_makes_none_greater_and_none_is_smaller_than_the_least(lane: LaneLoop) -> None:
    before = lane.size
    lane._adapt(0.0001, before - 1)
    assert lane.size == before
    for _ in range(20):
        lane._adapt(9.0, 1)
    assert lane.size == 96


def test_an_envelope_counts_once_however_many_slices_it_takes_and_a_heartbeat_does_not() -> None:
    machine = Machine(scorer())
    said = [
        Upsert(mention=Mention(id=f"test:{n}", source="test", text="bahn", published_at=at(0)), observed_at=at(0))
        for n in range(250)
    ]
    machine.put(said[:3], stamp=at(0))
    machine.beat(at(1))
    machine.put(said[3:], stamp=at(2))
    machine.loops[0].size = 100
    machine.work()
    registry = machine.loops[0].metrics.registry
    assert registry.get_sample_value("resonance_process_envelope_events_sum") == 250
    assert registry.get_sample_value("resonance_process_envelope_events_count") == 2
