"""The reader of Hacker News against its API on loopback: every number, holes, errors, changes, deletions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from ingest.cleaning import clean
from ingest.fetching import Web
from ingest.source import Batch, Transient
from ingest.sources.hackernews import HackerNews
from ingest.sources.hackernews_items import RECENT, WAITING, Malformed, Place, read_item, read_token, write_token
from resonance.clock import ManualClock
from resonance.errors import RateLimited
from resonance.model import Delete, EngagementSeen, Mention, Upsert
from tests.support.data import data_path
from tests.support.fake_hackernews import TIME, FakeHackerNews
from tests.support.reading import batches_of
from tests.support.serving import Serving

START = datetime.fromtimestamp(TIME + 1000, UTC)


@pytest.fixture
def world() -> Iterator[tuple[FakeHackerNews, str]]:
    fake = FakeHackerNews()
    with Serving(fake.app()) as server:
        yield fake, server.url


def read(
    address: str,
    token: str | None,
    until: Callable[[list[Batch]], bool],
    clock: ManualClock | None = None,
    updates: float = 0.0,
) -> list[Batch]:
    source = HackerNews(address, 0.01, updates, clock or ManualClock(START), Web(spacing=0.0))
    return batches_of(source, token, until, seconds=60)


def mentions(found: list[Batch]) -> list[Mention]:
    return [e.mention for b in found for e in b.events if isinstance(e, Upsert)]


def numbers(found: list[Batch]) -> list[int]:
    return [int(mention.id.partition(":")[2]) for mention in mentions(found)]


def gone(found: list[Batch]) -> list[str]:
    return [e.id for b in found for e in b.events if isinstance(e, Delete)]


def place(number: int) -> str:
    return write_token(Place(number))


@pytest.mark.slow
def test_five_thousand_items_are_walked_with_two_errors_in_a_hundred_and_none_is_missing(
    world: tuple[FakeHackerNews, str],
) -> None:
    fake, address = world
    for number in range(1, 5001):
        fake.story(number)
    fake.errors = 2.0
    found: list[int] = []
    token = place(1)
    while len(found) < 5000:
        part: list[Batch] = []
        wanted = 5000 - len(found)

        def until(batches: list[Batch], part: list[Batch] = part, wanted: int = wanted) -> bool:
            part[:] = batches
            return sum(len(b.events) for b in batches) >= wanted

        with suppress(Transient, RateLimited):
            read(address, token, until, updates=1e9)
        found += numbers(part)
        token = next((batch.token for batch in reversed(part) if batch.token), token)
    assert found == list(range(1, 5001))
    assert fake.refused > 50


def test_without_a_place_it_begins_with_what_comes_next(world: tuple[FakeHackerNews, str]) -> None:
    fake, address = world
    fake.story(7)
    first = read(address, None, lambda found: True)
    assert read_token(first[0].token or "").next == 8
    fake.story(8)
    assert numbers(read(address, first[0].token, lambda found: bool(numbers(found)))) == [8]


def test_an_item_that_is_not_there_yet_is_waited_for_also_over_a_restart(world: tuple[FakeHackerNews, str]) -> None:
    fake, address = world
    for number in range(1, 6):
        fake.story(number)
    fake.hidden = {2, 4}
    found = read(address, place(1), lambda found: len(numbers(found)) == 3)
    assert [number for number, _ in read_token(found[-1].token or "").waiting] == [2, 4]
    fake.hidden = {4}
    again = read(address, found[-1].token, lambda found: bool(numbers(found)))
    assert numbers(again) == [2]
    assert [number for number, _ in read_token(again[-1].token or "").waiting] == [4]


def test_an_item_that_never_comes_is_given_up_after_a_quarter_of_an_hour(world: tuple[FakeHackerNews, str]) -> None:
    fake, address = world
    fake.story(1)
    fake.story(2)
    fake.hidden = {1}
    clock = ManualClock(START)

    def until(found: list[Batch]) -> bool:
        clock.advance(timedelta(seconds=100))
        return found[-1].ignored == 1

    found = read(address, place(1), until, clock)
    assert len(found) >= 9
    assert read_token(found[-1].token or "").waiting == ()


def test_where_hundreds_are_not_there_nothing_is_given_up(world: tuple[FakeHackerNews, str]) -> None:
    fake, address = world
    for number in range(1, 1000):
        fake.story(number)
    fake.hidden = set(fake.items)
    with pytest.raises(Transient, match="are not there yet"):
        read(address, place(1), lambda found: len(read_token(found[-1].token or "").waiting) > WAITING + 100)


def test_comments_know_what_they_answer_and_under_which_story(world: tuple[FakeHackerNews, str]) -> None:
    fake, address = world
    fake.story(1)
    fake.comment(2, 1)
    fake.comment(3, 2)
    for number in (4, 5):
        fake.comment(number, 3)
    found = mentions(read(address, place(4), lambda found: len(numbers(found)) == 2))
    for mention in found:
        assert (mention.kind, mention.reply_to, mention.thread_root) == ("comment", "hackernews:3", "hackernews:1")
        assert (mention.thread_title, mention.text) == ("number 1", f"text {mention.id[-1]}")


def test_changes_get_the_time_at_which_they_were_seen_and_counts_alone_are_no_change(
    world: tuple[FakeHackerNews, str],
) -> None:
    fake, address = world
    fake.story(1)
    fake.story(2)
    clock = ManualClock(START)
    done: list[int] = []

    def until(found: list[Batch]) -> bool:
        if numbers(found) == [1, 2] and not done:
            done.append(1)
            fake.change(1, text="changed")
            fake.change(2, score=99)
        return len(numbers(found)) == 3

    found = read(address, place(1), until, clock)
    assert mentions(found)[-1].text == "changed"
    assert mentions(found)[-1].version == START.isoformat(timespec="microseconds")
    counted = {e.id: e.engagement.likes for b in found for e in b.events if isinstance(e, EngagementSeen)}
    assert counted["hackernews:2"] == 99


def test_changes_and_deletions_while_nobody_listened_are_found_after_a_restart(
    world: tuple[FakeHackerNews, str],
) -> None:
    fake, address = world
    for number in range(1, 11):
        fake.story(number)
    token = read(address, place(1), lambda found: len(numbers(found)) == 10)[-1].token
    fake.items[3] = {"id": 3, "type": "story", "deleted": True, "time": TIME}
    fake.items[4]["dead"] = True
    fake.items[5]["text"] = "changed"
    found = read(address, token, lambda found: bool(gone(found)))
    assert gone(found) == ["hackernews:3", "hackernews:4"]
    assert [(mention.id, mention.text) for mention in mentions(found)] == [("hackernews:5", "changed")]


def test_what_is_dead_when_we_first_see_it_may_come_back_to_life(world: tuple[FakeHackerNews, str]) -> None:
    fake, address = world
    fake.story(1, dead=True)
    fake.story(2, deleted=True)
    done: list[int] = []

    def until(found: list[Batch]) -> bool:
        if gone(found) and not done:
            done.append(1)
            fake.change(1, dead=False)
        return bool(numbers(found))

    found = read(address, place(1), until)
    assert (gone(found), numbers(found)) == (["hackernews:2"], [1])


def test_a_pause_that_is_asked_for_is_told(world: tuple[FakeHackerNews, str]) -> None:
    fake, address = world
    fake.before = [web.Response(status=429, headers={"Retry-After": "7"})]
    with pytest.raises(RateLimited) as caught:
        read(address, None, lambda _: True)
    assert caught.value.after == timedelta(seconds=7)


def test_the_place_stays_small(world: tuple[FakeHackerNews, str]) -> None:
    fake, address = world
    for number in range(1, 3 * RECENT):
        fake.story(number)
    fake.hidden = set(range(500, 700))
    found = read(address, place(1), lambda found: len(numbers(found)) >= 3 * RECENT - 201)
    assert max(len(batch.token or "") for batch in found) < 8_000


def test_the_recorded_items_are_read_as_they_are() -> None:
    lines = data_path("recorded/hackernews/items.jsonl").read_text("utf-8").splitlines()
    found = []
    for line in filter(str.strip, lines):
        value = json.loads(line)
        if isinstance(value, dict) and "type" in value:
            item = read_item(value)
            assert item is not None
            found.append((value["type"], item.mention))
            if item.mention:
                clean(Upsert(mention=item.mention), source="s", observed_at=START)
    assert [kind for kind, mention in found if mention is None] == ["pollopt"]
    assert len(found) >= 6


@pytest.mark.parametrize("value", [3, "x", [], {}, {"id": "x"}, {"id": 1, "type": "story", "title": "a", "time": -1}])
def test_what_is_no_item_is_refused(value: object) -> None:
    with pytest.raises(Malformed):
        read_item(value)
