"""Whenever an author is put on the list and whenever the lanes are told: nothing of them stays, and the sums are right."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from resonance.model import EraseAuthor, Event, Upsert
from resonance.update import Record
from tests.property.test_any_order import FAST, SCORER, stories
from tests.support.machine import Machine, at, grouped, sums_of


def key_of(event: Upsert) -> bytes:
    assert event.mention.author is not None
    return SCORER.author_key(f"{event.mention.platform}:{event.mention.author.id}")


def exhaust(machine: Machine) -> None:
    for _ in range(200):
        if not sum(loop.step() for loop in machine.loops):
            return
    raise AssertionError("a lane does not come to an end")


@settings(max_examples=300, deadline=None, phases=FAST)
@given(story=stories(), data=st.data())
def test_an_erasure_at_any_moment_leaves_nothing_and_right_sums(story: list[Event], data: st.DataObject) -> None:
    machine = Machine(SCORER, data.draw(st.integers(1, 3)))
    said = [event for event in story if isinstance(event, Upsert)]
    erased = key_of(data.draw(st.sampled_from(said)))
    shuffled = list(data.draw(st.permutations(story + story)))
    listed = data.draw(st.integers(0, len(shuffled)))
    told = data.draw(st.integers(listed, len(shuffled)))
    chunk = data.draw(st.integers(1, 4))
    lagging = data.draw(st.booleans())
    for number in range(len(shuffled) + 1):
        if number == listed:
            machine.ledger.erased.add(erased)
        if number == told:
            machine.put([EraseAuthor(author_key=erased.hex())], stamp=at(10))
        if number < len(shuffled):
            machine.put(shuffled[number : number + 1], stamp=at(10))
        if not lagging and number % chunk == 0:
            exhaust(machine)
    machine.beat(at(11))
    exhaust(machine)
    records: dict[bytes, Record] = machine.ledger.records
    assert [record for record in records.values() if record.author_key == erased] == []
    assert sums_of(machine.ledger.windows) == grouped(machine.ledger)
