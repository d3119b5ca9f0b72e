"""The catalogue's rows: revisions, versions, and what is written beside every change."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from resonance.access import Actor
from resonance.catalogue import (
    Account,
    Catalogue,
    Change,
    Channel,
    Department,
    NegativeShare,
    Rule,
    Silent,
    Source,
    Threshold,
    Topic,
    read_entry,
)
from resonance.catalogue_check import check
from resonance.errors import Conflict, Invalid, NotFound
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


@pytest.mark.parametrize(
    ("kind", "data", "place"),
    [
        ("rule", {"id": "r", "when": {"kind": "change", "factor": float("inf")}}, "/when"),
        ("rule", {"id": "r", "when": {"kind": "change", "score": float("inf")}}, "/when"),
        ("rule", {"id": "r", "when": {"kind": "threshold", "mentions": 10**400}}, "/when"),
        ("topic", {"id": "t", "name": "T", "query": "t", "owner": "o" * 1_000_000}, "/owner"),
        ("topic", {"id": "t", "name": "T", "query": "t", "tags": ["\ud800"]}, "/tags"),
    ],
)
def test_what_could_not_be_read_back_is_refused_with_its_place(kind: str, data: dict[str, object], place: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_entry(kind, data)
    assert [problem.pointer for problem in refused.value.problems] == [place]


@settings(max_examples=200, deadline=None)
@given(
    number=st.floats() | st.integers() | st.none() | st.text(max_size=3),
    text=st.text(st.characters(), max_size=5),
    kind=st.sampled_from(["threshold", "change", "negative_share", "silent"]),
)
def test_an_entry_that_is_taken_is_read_back_as_it_is(number: object, text: str, kind: str) -> None:
    for name, data in (
        ("rule", {"id": "r", "when": {"kind": kind, "factor": number, "score": number, "share": number}}),
        ("rule", {"id": "r", "when": {"kind": kind, "mentions": number, "window": text}}),
        ("topic", {"id": "t", "name": text, "query": text, "tags": [text], "zone": text}),
        ("source", {"id": "s", "url": text, "keep": text or "all", "options": {text: number}}),
        ("department", {"id": "d", "name": text, "hours": text, "goals": [text]}),
    ):
        try:
            entry = read_entry(name, data)
        except Invalid as error:
            assert error.problems
            continue
        again = msgspec.json.decode(msgspec.json.encode(entry), type=type(entry))
        assert again == entry or isinstance(entry, Source)


@pytest.mark.parametrize("window", ["0m", "59s", "90s", "36d", "999999w"])
def test_a_window_that_no_arrivals_could_fill_is_refused(window: str) -> None:
    for when in (Threshold(window=window), Change(window=window), NegativeShare(window=window)):
        catalogue = Catalogue(rules={"r": Rule(id="r", when=when)})
        assert [(p.pointer, p.code) for p in check(catalogue)] == [("rules.r.when", "window")]


def test_windows_of_whole_minutes_up_to_what_is_kept_are_taken() -> None:
    for window in ("1m", "60s", "120s", "15m", "35d", "5w"):
        assert check(Catalogue(rules={"r": Rule(id="r", when=Threshold(window=window))})) == []
    assert check(Catalogue(rules={"r": Rule(id="r", when=Silent(after="90s"))})) == []
    assert check(Catalogue(rules={"r": Rule(id="r", when=Silent(after="0s"))})) != []
