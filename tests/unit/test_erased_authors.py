"""What comes of an erased author after the erasure."""

from __future__ import annotations

import pytest

from resonance.model import Author, Mention, Upsert
from tests.support.machine import Machine, at, sums_of
from tests.support.scoring import scorer

SCORER = scorer()


def said(name: str, **more: object) -> Upsert:
    fields: dict[str, object] = {
        "id": name,
        "platform": "test",
        "source": "test",
        "text": "die bahn ist schlecht",
        "published_at": at(-300),
    }
    return Upsert(mention=Mention(**(fields | more)), observed_at=at(0))  # type: ignore[arg-type]


@pytest.mark.parametrize("lanes", [1, 3])
@pytest.mark.parametrize("root_first", [True, False])
def test_what_repeats_an_erased_authors_later_words_is_not_kept(lanes: int, root_first: bool) -> None:
    machine = Machine(SCORER, lanes)
    machine.ledger.erased.add(SCORER.author_key("test:anna"))
    root = said("test:1", author=Author(id="anna", handle="anna"))
    repost = said("test:2", kind="repost", repost_of="test:1")
    quote = said("test:3", quote_of="test:1", quoted_text="die bahn ist schlecht", text="der zug war gut")
    for event in [root, repost, quote] if root_first else [repost, root, quote]:
        machine.put([event], stamp=at(0))
        machine.work()
    machine.beat(at(100))
    machine.work()
    kept = {record.id: record.mention for record in machine.ledger.records.values() if record.mention}
    assert list(kept) == ["test:3"]
    assert kept["test:3"].quote_of is None and kept["test:3"].quoted_text is None
    assert not machine.ledger.authors and "anna" not in str(machine.ledger.records)
    assert sum(counts.mentions for counts in sums_of(machine.ledger.windows).values()) == 2


def test_what_came_of_an_erased_author_later_is_told_twice_and_stands_once() -> None:
    machine = Machine(SCORER)
    machine.ledger.erased.add(SCORER.author_key("test:anna"))
    for _ in range(2):
        machine.put([said("test:1", author=Author(id="anna"))], stamp=at(0))
        machine.work()
    (record,) = machine.ledger.records.values()
    assert record.erased and record.author_key is None and record.mention is None
