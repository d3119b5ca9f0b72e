"""After an erasure the store is what it would be had the author never said a word."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import structs

from resonance.model import Author, EraseAuthor, Event, Mention, Upsert
from resonance.records import without
from resonance.update import Record
from tests.property.test_any_order import FAST, SCORER, stories
from tests.support.machine import Machine, at, grouped, rows_of, sums_of

ANNA = "test:0"
KEY = SCORER.author_key(f"test:author-{ANNA}")


def told(machine: Machine, events: list[Event]) -> None:
    for event in events:
        machine.put([event], stamp=at(10))
        machine.work()


def in_the_end(machine: Machine) -> Machine:
    """Later, when nothing waits for anything any more."""
    machine.beat(at(100))
    machine.work()
    return machine


def erase(machine: Machine) -> None:
    machine.ledger.erased.add(KEY)
    # Time stands still meanwhile: a reply looks for its root for a minute, in both worlds alike.
    machine.put([EraseAuthor(author_key=KEY.hex(), observed_at=at(10))], stamp=at(10))
    machine.beat(at(10))
    machine.work()


def is_hers(event: Event) -> bool:
    return (event.mention.id if isinstance(event, Upsert) else getattr(event, "id", "")) == ANNA


def left(machine: Machine) -> dict[bytes, Record]:
    """What is kept; without tombstones, as whether a reply leaves one depends on what its root was when it went, and without
    the names of mentions of hers: others go on naming what they answer, and of one that was never kept nobody can know
    that it was hers."""
    kept = {key: record for key, record in rows_of(machine.ledger).items() if record.mention is not None}
    return {
        key: structs.replace(record, mention=without(record.mention, {ANNA}))
        for key, record in kept.items()
        if record.mention
    }


@settings(max_examples=150, deadline=None, phases=FAST)
@given(story=stories(), data=st.data())
def test_an_erasure_leaves_what_there_would_be_without_the_author(story: list[Event], data: st.DataObject) -> None:
    """Others say the same in both worlds, and name her mentions in both: the stamp of what they say is of all that they
    told. A repost of hers is her own words, and goes with them."""
    assume(not any(isinstance(event, Upsert) and event.mention.repost_of == ANNA for event in story))
    lanes = data.draw(st.integers(1, 3))
    shuffled = data.draw(st.permutations(story))
    before = data.draw(st.integers(0, len(shuffled)))
    machine, reference = Machine(SCORER, lanes), Machine(SCORER, lanes)
    told(machine, list(shuffled[:before]))
    erase(machine)
    told(machine, [*shuffled[before:], *data.draw(st.lists(st.sampled_from(story), max_size=3))])
    told(reference, [event for event in shuffled if not is_hers(event)])
    assert left(in_the_end(machine)) == left(in_the_end(reference))
    assert sums_of(machine.ledger.windows) == sums_of(reference.ledger.windows) == grouped(machine.ledger)
    assert all(record.author_key != KEY for record in machine.ledger.records.values())


@pytest.mark.parametrize("text", ["die bahn ist schlecht", "nichts davon", "…"])
@pytest.mark.parametrize("version", [0, 1])
def test_a_reply_is_the_same_whether_it_is_told_before_or_after_the_erasure_of_what_it_answers(
    text: str, version: int
) -> None:
    root, reply = (
        Upsert(
            mention=Mention(
                id=name,
                platform="test",
                source="test",
                text=words,
                published_at=at(-300),
                edited_at=at(version) if version else None,
                author=Author(id=f"author-{name}"),
                reply_to=answers,
            ),
            observed_at=at(1),
        )
        for name, words, answers in ((ANNA, "kaffee und bahn", None), ("test:1", text, ANNA))
    )
    worlds = []
    for order in ([root, reply], [reply, root], [root, None, reply], [root, reply, None, reply]):
        machine = Machine(SCORER)
        first = order.index(None) if None in order else len(order)
        told(machine, [event for event in order[:first] if event])
        erase(machine)
        told(machine, [event for event in order[first:] if event])
        worlds.append(rows_of(in_the_end(machine).ledger))
    assert worlds == worlds[:1] * len(worlds)
