"""The change feed as others read it: nothing twice, nothing skipped, and a clear word where that cannot be promised."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from resonance.access import EVERYTHING, Scope
from resonance.errors import Invalid
from resonance.stores import schema
from resonance.stores.database import Database, append_changes
from resonance.stores.feed import Feed, Forgotten, forget
from resonance.update import Change
from tests.support.seeding import INCARNATION, Seed


@pytest.fixture
def seed(store_url: str) -> Iterator[Seed]:
    database = Database(store_url)
    database.migrate()
    database.set_meta("incarnation", INCARNATION)
    yield Seed(database)
    database.close()


def forgotten(seed: Seed, below: int) -> None:
    """Let the changes numbered below be older than what is kept."""
    with seed.database.write() as connection:
        connection.execute(sa.update(schema.change).where(schema.change.c.id < below).values(at=0))
        assert forget(connection, 1, 1000) > 0


def test_reading_on_gives_every_change_once(seed: Seed) -> None:
    feed = Feed(seed.database)
    place, seen = feed.end(), []
    for number in range(7):
        seed.changes(("mention.matched", "bahn", f"k{number}"))
    while True:
        entries, following = feed.after(place, EVERYTHING, limit=3)
        seen += [entry.key for entry in entries]
        if following == place:
            break
        place = following
    assert seen == [f"k{number}" for number in range(7)]


def test_a_bounded_reader_sees_its_topics_and_nothing_of_the_house(seed: Seed) -> None:
    seed.changes(("mention.matched", "bahn", "a"), ("mention.matched", "tee", "b"), ("job.done", None, "j"))
    seed.changes(("rule.changed", None, "many"))
    feed = Feed(seed.database)
    first = f"{INCARNATION[:8]}-0-0"
    assert [entry.key for entry in feed.after(first, Scope(frozenset({"bahn"})))[0]] == ["a"]
    assert [entry.key for entry in feed.after(first, EVERYTHING)[0]] == ["a", "b", "j"]
    assert [entry.key for entry in feed.after(first, EVERYTHING, topics=("tee",))[0]] == ["b"]


def places(feed: Feed) -> list[str]:
    """The place after each change."""
    return [entry.cursor for entry in feed.after(f"{INCARNATION[:8]}-0-0", EVERYTHING)[0]]


def test_a_place_whose_changes_are_forgotten_is_refused(seed: Seed) -> None:
    seed.changes(*(("mention.matched", "bahn", str(number)) for number in range(5)))
    feed = Feed(seed.database)
    known = places(feed)
    forgotten(seed, 4)
    with pytest.raises(Forgotten):
        feed.after(known[1], EVERYTHING)
    assert [entry.key for entry in feed.after(known[2], EVERYTHING)[0]] == ["3", "4"]


def test_after_a_week_of_silence_the_last_place_is_still_good_and_an_older_one_is_not(seed: Seed) -> None:
    seed.changes(*(("mention.matched", "bahn", str(number)) for number in range(5)))
    feed = Feed(seed.database)
    known, end = places(feed), feed.end()
    forgotten(seed, 100)
    assert feed.after(end, EVERYTHING) == ([], end)
    with pytest.raises(Forgotten):
        feed.after(known[2], EVERYTHING)
    seed.changes(("mention.matched", "bahn", "new"))
    assert [entry.key for entry in feed.after(end, EVERYTHING)[0]] == ["new"]


def test_a_change_that_commits_late_is_not_skipped(seed: Seed, store_kind: str) -> None:
    if store_kind == "sqlite":
        pytest.skip("SQLite writes one transaction after the other")
    feed = Feed(seed.database)
    start = feed.end()
    with seed.database.write() as connection:
        append_changes(connection, [Change("mention.matched", "bahn", "begun first", 0)])
        seed.changes(("mention.matched", "bahn", "committed first"))
        early, place = feed.after(start, EVERYTHING)
    late, _ = feed.after(place, EVERYTHING)
    assert [entry.key for entry in early] == []
    assert [entry.key for entry in late] == ["begun first", "committed first"]


@pytest.mark.parametrize("place", ["ffffffff-0-1", f"{INCARNATION[:8]}-{10**17}-1"])
def test_a_place_of_another_store_is_refused(seed: Seed, place: str) -> None:
    with pytest.raises(Forgotten):
        Feed(seed.database).after(place, EVERYTHING)


@pytest.mark.parametrize(
    "place", ["", "x", f"{INCARNATION[:8]}-1", f"{INCARNATION[:8]}-0-٣", f"{INCARNATION[:8]}-0-{'9' * 30}"]
)
def test_what_is_no_place_is_said_to_be_none(seed: Seed, place: str) -> None:
    with pytest.raises(Invalid):
        Feed(seed.database).after(place, EVERYTHING)
