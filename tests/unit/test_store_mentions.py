"""Finding mentions: every filter, order and page gives what going through all of them by hand gives."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from resonance.access import EVERYTHING, Scope
from resonance.errors import Invalid
from resonance.stores.database import Database
from resonance.stores.mentions import MentionFilter, Mentions, read_cursor, write_cursor
from tests.support.machine import at
from tests.support.seeding import Seed

TOPICS = ("bahn", "tee", "zug")
MANY = tuple(f"t{number}" for number in range(25))


@pytest.fixture(scope="module")
def world(
    store_kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Mentions, list[dict[str, Any]]]]:
    sqlite = f"sqlite:///{tmp_path_factory.mktemp('store') / 'store.db'}"
    database = Database(sqlite if store_kind == "sqlite" else request.getfixturevalue("postgres").url())
    database.migrate()
    seed, chance = Seed(database), random.Random(7)
    seed.topics("bahn:pr", "tee:hr", "zug:pr")
    said = []
    for number in range(120):
        one: dict[str, Any] = {
            "id": f"{chance.choice('xy')}:{number}",
            "topics": {topic for topic in TOPICS if chance.random() < 0.4},
            "placed": chance.randrange(12),
            "reach": chance.choice([None, 0, 5, 5, 90]),
            "engagement_total": chance.randrange(4),
            "language": chance.choice(["de", "en"]),
            "label": chance.choice(["negative", "positive"]),
            "site": chance.choice([None, "a.example", "b.a.example", "xa.example"]),
            "text": chance.choice(["die bahn kommt", "Grüße aus Köln", "nichts"]),
            "row": number + 1,
        }
        columns = {name: one[name] for name in ("reach", "engagement_total", "language", "site", "text")}
        label = {"label": one["label"]} if one["topics"] else {}
        seed.mention(one["id"], *sorted(one["topics"]), placed=at(one["placed"]), **columns, **label)
        said.append(one)
    yield Mentions(database), said
    database.close()


def through(mentions: Mentions, chosen: MentionFilter, scope: Scope, limit: int) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        page = mentions.page(chosen, scope, limit=limit, cursor=cursor)
        assert len(page.items) <= limit
        found += [item.row["id"] for item in page.items]
        cursor = page.next
        if cursor is None:
            return found


def by_hand(said: list[dict[str, Any]], chosen: dict[str, Any], topics: set[str] | None) -> list[str]:
    def fits(one: dict[str, Any]) -> bool:
        wanted = set(chosen.get("topic", ())) or None
        bounds = [names for names in (wanted, topics) if names is not None]
        if "department" in chosen:
            bounds.append({"bahn", "zug"})
        matched = set.intersection(one["topics"], *bounds) if bounds or "label" in chosen else {"any"}
        return (
            bool(matched)
            and one["label"] in chosen.get("label", (one["label"],))
            and one["language"] in chosen.get("language", (one["language"],))
            and ("site" not in chosen or one["site"] in ("a.example", "b.a.example"))
            and ("reach_min" not in chosen or (one["reach"] is not None and one["reach"] >= chosen["reach_min"]))
            and ("q" not in chosen or "Grüße" in one["text"])
            and 3 <= one["placed"] < 10
        )

    def place(one: dict[str, Any]) -> tuple[int, int]:
        order = chosen.get("order", "newest")
        first = {"reach": -1 if one["reach"] is None else one["reach"], "engagement": one["engagement_total"]}
        return first.get(order, one["placed"]), one["row"]

    return [one["id"] for one in sorted(filter(fits, said), key=place, reverse=chosen.get("order") != "oldest")]


@pytest.mark.parametrize("order", ["newest", "oldest", "reach", "engagement", "resonance"])
@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"topic": ("bahn",)},
        {"topic": ("bahn", "tee")},
        {"topic": ("bahn", *MANY)},
        {"topic": ("bahn",), "label": ("negative",)},
        {"label": ("positive",)},
        {"language": ("de",), "topic": ("zug",)},
        {"department": ("pr",)},
        {"department": ("pr",), "topic": ("tee", "zug")},
        {"site": ("a.example",)},
        {"reach_min": 5, "topic": ("tee",)},
        {"q": "gruße"},
        {"q": "grüße KOLN", "topic": ("bahn",)},
        {"q": "Grüße", "topic": ("bahn", "zug"), "label": ("negative",)},
    ],
    ids=str,
)
def test_a_page_is_what_going_through_all_by_hand_gives(
    world: tuple[Mentions, list[dict[str, Any]]], filters: dict[str, Any], order: str
) -> None:
    mentions, said = world
    chosen = MentionFilter(**filters, order=order, start=_us(3), end=_us(10))  # type: ignore[arg-type]
    for topics in (None, {"bahn"}, {"tee", "zug"}, set(MANY), set[str]()):
        scope = EVERYTHING if topics is None else Scope(frozenset(topics))
        expected = by_hand(said, {**filters, "order": order}, topics)
        assert through(mentions, chosen, scope, 7) == expected
        assert through(mentions, chosen, scope, 200) == expected


def _us(seconds: int) -> int:
    return int(at(seconds).timestamp()) * 1_000_000


def test_a_page_can_be_left_at_any_mention(world: tuple[Mentions, list[dict[str, Any]]]) -> None:
    mentions, _ = world
    for order in ("newest", "oldest", "reach", "engagement"):
        chosen = MentionFilter(topic=("bahn",), order=order)  # type: ignore[arg-type]
        whole = mentions.page(chosen, EVERYTHING, limit=200).items
        for number in (0, 5, len(whole) - 1):
            rest = mentions.page(
                chosen, EVERYTHING, limit=200, cursor=mentions.cursor_after(chosen, whole[number])
            ).items
            assert [item.row["id"] for item in rest] == [item.row["id"] for item in whole[number + 1 :]]


def test_a_bounded_reader_sees_of_a_mention_only_its_own_matches(world: tuple[Mentions, list[dict[str, Any]]]) -> None:
    mentions, said = world
    one = next(one for one in said if one["topics"] >= {"bahn", "tee"})
    found = mentions.get_by_id(one["id"], Scope(frozenset({"tee"})))
    assert [match.topic for match, _ in found.matches] == ["tee"]


def test_a_cursor_knows_its_filters() -> None:
    cursor = write_cursor(MentionFilter(topic=("bahn",)), 5, 7)
    assert read_cursor(cursor, MentionFilter(topic=("bahn",))) == (5, 7)
    for other in (
        MentionFilter(),
        MentionFilter(topic=("bahn",), order="oldest"),
        MentionFilter(topic=("bahn", "tee")),
    ):
        with pytest.raises(Invalid):
            read_cursor(cursor, other)
