"""The demo's company: its catalogue is one that the product takes."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from ingest.demo import catalogue_toml
from ingest.demo.company import BY_ID, DEPARTMENTS, TOPICS
from ingest.demo.crises import SCENARIOS, Scenario
from ingest.demo.writer import TONGUES, WORDS, Writer
from resonance.catalogue import ENTRY_TYPES, Account, Rule, Topic, read_entry
from resonance.matching import Matcher
from resonance.model import Mention
from services.settings import load, seed_entries

MATCHER = Matcher.compile({topic.id: topic.query for topic in TOPICS})


def _topics_of(text: str) -> list[str]:
    mention = Mention(id="demo:1", published_at=datetime(2026, 6, 1, tzinfo=UTC), text=text)
    return [topic for topic, _ in MATCHER.match(mention)]


def test_every_table_of_the_catalogue_is_read_without_a_problem() -> None:
    tables = tomllib.loads(catalogue_toml())
    assert sorted(tables) == ["accounts", "channels", "departments", "rules", "sources", "topics"]
    entries = [read_entry(name.removesuffix("s"), row) for name, rows in tables.items() for row in rows]
    assert {type(entry) for entry in entries} == set(ENTRY_TYPES.values())
    topics = [entry for entry in entries if isinstance(entry, Topic)]
    assert len(topics) == 6
    assert {entry.voice for entry in entries if isinstance(entry, Account)} == {"own", "employee", "competitor"}
    assert [entry.id for entry in entries if isinstance(entry, Rule)] == ["surge", "negative-share", "silent"]


def test_the_product_finds_no_mistake_in_the_catalogue(tmp_path: Path) -> None:
    file = tmp_path / "demo.toml"
    file.write_text(catalogue_toml(), "utf-8")
    assert {kind for kind, _ in seed_entries(load(file, {}).seed)} == set(ENTRY_TYPES)


def test_topics_name_departments_and_departments_name_channels_that_exist() -> None:
    tables = tomllib.loads(catalogue_toml())
    departments = {row["id"] for row in tables["departments"]}
    channels = {row["id"] for row in tables["channels"]}
    assert departments == {id_ for id_, *_ in DEPARTMENTS}
    assert all(set(row["departments"]) <= departments for row in tables["topics"])
    assert all(row["channels"] and set(row["channels"]) <= channels for row in tables["departments"])


def test_every_crisis_is_routed_to_exactly_two_departments() -> None:
    assert len({scenario.kind for scenario in SCENARIOS}) == len(SCENARIOS) >= 4
    assert all(len(set(BY_ID[scenario.topic].departments)) == 2 for scenario in SCENARIOS)


def test_the_competitors_arena_is_not_the_competitor() -> None:
    assert _topics_of("Handball in der Brodelux Arena") == []
    assert _topics_of("Der Mixer von Brodelux ist laut") == ["brodelux"]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.kind)
@pytest.mark.parametrize("language", ["de", "en"])
def test_whatever_is_said_of_a_crisis_is_said_of_its_topic_alone(scenario: Scenario, language: str) -> None:
    writer = Writer(Random(5))
    for shape in ("post", "reply", "quote", "headline", "statement"):
        for _ in range(60):
            text = writer.crisis(scenario, language, shape)
            assert _topics_of(text) == [scenario.topic], text
            assert "{" not in text


@pytest.mark.parametrize("language", ["de", "en"])
def test_whatever_belongs_to_no_topic_matches_none(language: str) -> None:
    writer = Writer(Random(6))
    for _ in range(300):
        text = writer.elsewhere(language)
        assert _topics_of(text) == [], text


def test_both_languages_have_words_for_every_topic_and_every_mood() -> None:
    for language, tongue in TONGUES.items():
        assert set(WORDS[language]) == set(BY_ID)
        assert (
            set(tongue.cores) == set(tongue.openers) == set(tongue.tails) == set(tongue.replies) == set(tongue.titles)
        )


def test_the_source_stands_last_so_that_its_options_can_be_added_below() -> None:
    tables = tomllib.loads(catalogue_toml() + "options = { seed = 3 }\n")
    assert tables["sources"] == [{"id": "demo", "kind": "demo", "options": {"seed": 3}}]
