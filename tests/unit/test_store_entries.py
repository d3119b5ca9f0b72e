"""The catalogue's rows: revisions, versions, and what is written beside every change."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from msgspec import structs

from resonance.access import Actor
from resonance.catalogue import Account, Catalogue, Channel, Department, Rule, Silent, Threshold, Topic
from resonance.catalogue_check import check
from resonance.errors import Conflict, NotFound
from resonance.stores import schema
from resonance.stores.database import Database
from resonance.stores.entries import Entries
from tests.support.machine import at
from tests.support.seeding import Seed

WHO = Actor("user", "ana")
BAHN = Topic(id="bahn", name="Bahn", query="bahn")


@pytest.fixture
def seed(store_url: str) -> Iterator[Seed]:
    database = Database(store_url)
    database.migrate()
    yield Seed(database)
    database.close()


def written(seed: Seed) -> tuple[int, int, int]:
    return seed.count(schema.audit), seed.count(schema.change), Entries(seed.database).version()


def test_only_an_empty_catalogue_is_seeded(seed: Seed) -> None:
    entries = Entries(seed.database)
    assert entries.seed([("topic", BAHN)], at=at(0))
    assert not entries.seed([("topic", structs.replace(BAHN, id="zug"))], at=at(1))
    assert list(entries.load().topics) == ["bahn"]


def test_every_change_is_written_down_told_and_raises_the_version(seed: Seed) -> None:
    entries = Entries(seed.database)
    entries.create("topic", BAHN, actor=WHO, at=at(0))
    assert written(seed) == (1, 1, 1)
    entries.replace("topic", structs.replace(BAHN, name="Die Bahn"), revision=1, actor=WHO, at=at(1))
    assert written(seed) == (2, 2, 2)
    assert seed.count(schema.change, schema.change.c.type == "topic.changed", schema.change.c.key == "bahn") == 2
    assert seed.count(schema.audit, schema.audit.c.actor == "user:ana") == 2


def test_a_refused_change_leaves_nothing_behind(seed: Seed) -> None:
    entries = Entries(seed.database)
    entries.create("topic", BAHN, actor=WHO, at=at(0))
    before = written(seed)
    with pytest.raises(Conflict):
        entries.create("topic", BAHN, actor=WHO, at=at(1))
    with pytest.raises(Conflict):
        entries.replace("topic", structs.replace(BAHN, query="zug"), revision=7, actor=WHO, at=at(1))
    with pytest.raises(NotFound):
        entries.replace("topic", structs.replace(BAHN, id="zug"), revision=None, actor=WHO, at=at(1))
    assert written(seed) == before
    assert entries.get("topic", "bahn").entry.query == "bahn"


@pytest.mark.parametrize(
    ("changes", "version", "since"),
    [({"query": "zug"}, 2, at(9)), ({"languages": ("de",)}, 2, at(9)), ({"name": "Zug"}, 1, at(0))],
)
def test_a_topic_counts_anew_only_where_it_matches_something_else(
    seed: Seed, changes: dict[str, object], version: int, since: object
) -> None:
    entries = Entries(seed.database)
    entries.create("topic", BAHN, actor=WHO, at=at(0))
    stored = entries.replace("topic", structs.replace(BAHN, **changes), revision=1, actor=WHO, at=at(9))
    assert (stored.entry.version, stored.entry.valid_from) == (version, since)


def test_what_was_loaded_before_is_given_until_somebody_changes_it(seed: Seed) -> None:
    reader, writer = Entries(seed.database), Entries(seed.database)
    writer.create("topic", BAHN, actor=WHO, at=at(0))
    first = reader.load()
    assert reader.load() is first
    writer.create("topic", structs.replace(BAHN, id="zug"), actor=WHO, at=at(1))
    assert sorted(reader.load().topics) == ["bahn", "zug"]
    seed.database.set_meta("zone", "America/Lima")
    assert reader.load().zone == "America/Lima"


def test_every_reference_that_leads_nowhere_is_named_at_once() -> None:
    wrong = Catalogue(
        zone="Mars/Olympus",
        topics={"bahn": structs.replace(BAHN, query="(bahn", departments=("none",), zone="Nowhere")},
        rules={
            "many": Rule(id="many", when=Threshold(), topics=("gone",), notify=("none",)),
            "quiet": Rule(id="quiet", when=Silent(sources=("gone",)), topics=()),
        },
        departments={"pr": Department(id="pr", name="PR", channels=("none",))},
        channels={"slack": Channel(id="slack", kind="slack")},
        accounts={"x:us": Account(platform="x", author="us", department="none")},
    )
    assert sorted(problem.pointer for problem in check(wrong)) == [
        "accounts.x:us.department",
        "channels.slack.secret",
        "departments.pr.channels",
        "rules.many.notify",
        "rules.many.topics",
        "rules.quiet.topics",
        "rules.quiet.when",
        "topics.bahn.departments",
        "topics.bahn.query",
        "topics.bahn.zone",
        "zone",
    ]
    query = next(problem for problem in check(wrong) if problem.pointer == "topics.bahn.query")
    assert (query.line, query.column) == (1, 1)
