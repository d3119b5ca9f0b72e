"""The reader of feeds against a server on loopback that moves, refuses, dawdles and lies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from ingest.fetching import Web
from ingest.source import AuthFailed, Batch
from ingest.sources.feed_places import read_token
from ingest.sources.feeds import Feeds
from resonance.clock import ManualClock
from resonance.model import Upsert
from tests.support.fake_feeds import FakeFeeds, Feed, Item, rss
from tests.support.machine import at
from tests.support.reading import batches_of
from tests.support.serving import Serving

EVERY = timedelta(seconds=0.02)


@pytest.fixture
def world() -> Iterator[tuple[FakeFeeds, str]]:
    fake = FakeFeeds()
    with Serving(fake.app()) as server:
        yield fake, server.url


def read(
    address: str,
    *paths: str,
    token: str | None = None,
    until: Callable[[list[Batch]], bool],
    client: dict[str, Any] | None = None,
) -> list[Batch]:
    """Batches until enough came."""
    feeds = tuple(address + path for path in paths)

    source = Feeds(feeds, EVERY, ManualClock(at(0)), Web(**{"spacing": 0.0, **(client or {})}))
    return batches_of(source, token, until)


def ids(batches: list[Batch]) -> list[str]:
    return [e.mention.id for b in batches for e in b.events if isinstance(e, Upsert)]


def items(*numbers: int) -> Callable[[], bytes]:
    return lambda: rss([Item(n) for n in numbers])


def told(count: int) -> Callable[[list[Batch]], bool]:
    return lambda found: len(ids(found)) >= count


def ailing(found: list[Batch]) -> bool:
    return found[-1].problem is not None


def test_no_item_comes_twice_over_fifty_readings_and_most_are_answered_with_304(world: tuple[FakeFeeds, str]) -> None:
    fake, address = world
    numbers = [1, 2, 3]
    fake.feeds["/a"] = Feed(lambda: rss([Item(n) for n in numbers]))

    def enough(found: list[Batch]) -> bool:
        if len(fake.asked["/a"]) in (20, 40) and numbers[0] < len(fake.asked["/a"]):
            numbers.insert(0, len(fake.asked["/a"]))
        return "rss:urn:item:40" in ids(found)

    async def story() -> list[str]:
        found: list[Batch] = []
        source = Feeds((address + "/a",), EVERY, ManualClock(at(0)), Web(spacing=0.0))
        async with asyncio.timeout(30), aclosing(source.batches(None)) as batches:
            coming = asyncio.ensure_future(anext(batches))
            while len(fake.asked["/a"]) < 50:
                enough(found)
                if (await asyncio.wait({coming}, timeout=0.01))[0]:
                    found.append(coming.result())
                    coming = asyncio.ensure_future(anext(batches))
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
        return ids(found)

    assert sorted(asyncio.run(story())) == sorted(f"rss:urn:item:{n}" for n in (1, 2, 3, 20, 40))
    assert fake.answered["/a"].count(200) == 3
    assert fake.answered["/a"].count(304) >= 46


def test_a_reader_that_comes_again_with_its_token_gets_only_what_is_new(world: tuple[FakeFeeds, str]) -> None:
    fake, address = world
    fake.feeds["/a"] = Feed(items(1, 2))
    first = read(address, "/a", until=told(2))
    assert [batch.mode for batch in first if batch.events] == ["backfill"]
    fake.feeds["/a"] = Feed(items(3, 2, 1))
    again = read(address, "/a", token=first[-1].token, until=told(1))
    assert ids(again) == ["rss:urn:item:3"]
    assert [batch.mode for batch in again if batch.events] == ["live"]
    assert "If-None-Match" in fake.asked["/a"][-1]


@pytest.mark.parametrize(("status", "stays"), [(301, True), (308, True), (302, False), (307, False)])
def test_a_feed_that_has_moved_for_good_is_asked_there_ever_after(
    world: tuple[FakeFeeds, str], status: int, stays: bool
) -> None:
    fake, address = world
    fake.feeds["/old"] = Feed(before=[web.Response(status=status, headers={"Location": "/new"})], body=items(1))
    fake.feeds["/new"] = Feed(items(1))
    (place,) = read_token(read(address, "/old", until=told(1))[-1].token).values()
    assert place.moved == (f"{address}/new" if stays else "")


def test_a_feed_that_is_gone_is_asked_no_more_and_a_person_is_told(world: tuple[FakeFeeds, str]) -> None:
    fake, address = world
    fake.feeds["/a"] = Feed(before=[web.Response(status=410)], body=items(1))
    numbers = iter(range(3, 1000))
    fake.feeds["/b"] = Feed(lambda: rss([Item(2), Item(next(numbers))]))
    found = read(address, "/a", "/b", until=told(6))
    assert len(fake.asked["/a"]) == 1
    assert found[-1].problem == f"{address}/a is gone for good (410) and is not asked any more"
    read(address, "/a", "/b", token=found[-1].token, until=told(3))
    assert len(fake.asked["/a"]) == 1


def test_when_no_feed_is_left_a_person_is_needed(world: tuple[FakeFeeds, str]) -> None:
    fake, address = world
    fake.feeds["/a"] = Feed(before=[web.Response(status=410)])
    with pytest.raises(AuthFailed, match="gone for good"):
        read(address, "/a", until=lambda _: False)


def test_what_ails_one_feed_is_told_does_not_stop_the_others_and_is_taken_back(world: tuple[FakeFeeds, str]) -> None:
    fake, address = world
    fake.feeds["/a"] = Feed(before=[web.Response(status=500), web.Response(status=500)], body=items(1))
    fake.feeds["/b"] = Feed(items(2))
    found = read(address, "/a", "/b", until=told(2))
    assert sorted(ids(found)) == ["rss:urn:item:1", "rss:urn:item:2"]
    said = [batch.problem for batch in found]
    assert f"{address}/a answered 500" in said
    assert said[-1] is None and found[-1].token is not None


@pytest.mark.parametrize("end", ["cut", "bomb", "slow", "no feed", "loop", "elsewhere"])
def test_a_broken_answer_is_told_and_the_feed_read_when_it_is_well_again(
    world: tuple[FakeFeeds, str], end: str
) -> None:
    fake, address = world
    ill: dict[str, Feed] = {
        "cut": Feed(items(1), before=["cut"]),
        "bomb": Feed(lambda: b"0" * 20_000_000, packed=True),
        "slow": Feed(items(1), seconds=3),
        "no feed": Feed(lambda: b"<html><p>Wartung</p></html>", kind="text/html"),
        "loop": Feed(before=[web.Response(status=302, headers={"Location": "/a"}) for _ in range(6)]),
        "elsewhere": Feed(before=[web.Response(status=302, headers={"Location": "file:///etc/passwd"})]),
    }
    fake.feeds["/a"] = ill[end]

    def heal(found: list[Batch]) -> bool:
        if ailing(found):
            fake.feeds["/a"] = Feed(items(1))
        return bool(ids(found))

    found = read(address, "/a", until=heal, client={"seconds": 0.5})
    words = {"bomb": "longer than 5,000,000 bytes", "no feed": "no feed", "loop": "from one address to the next", "elsewhere": "no web address"}  # fmt: skip
    said = [batch.problem for batch in found if batch.problem]
    assert said and words.get(end, "/a") in said[0]
    assert ids(found) == ["rss:urn:item:1"]


def test_a_packed_body_is_read(world: tuple[FakeFeeds, str]) -> None:
    fake, address = world
    fake.feeds["/a"] = Feed(items(1), packed=True)
    assert ids(read(address, "/a", until=told(1))) == ["rss:urn:item:1"]


def test_a_host_that_asks_for_a_pause_gets_it_for_all_of_its_feeds(world: tuple[FakeFeeds, str]) -> None:
    fake, address = world
    fake.feeds["/a"] = Feed(before=[web.Response(status=429, headers={"Retry-After": "90"})], body=items(1))
    numbers = iter(range(3, 1000))
    fake.feeds["/b"] = Feed(lambda: rss([Item(2), Item(next(numbers))]))
    now, pauses = [0.0], []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds
        await asyncio.sleep(0.01)

    client = {"monotonic": lambda: now[0], "sleep": sleep, "spacing": 1.0}
    read(address, "/a", "/b", until=lambda _: any(pause > 80 for pause in pauses), client=client)
    assert len(fake.asked["/a"]) == 1
    assert all(pause >= 0.9 for pause in pauses)


def test_a_feed_that_moves_on_faster_than_it_is_read_leaves_a_gap(world: tuple[FakeFeeds, str]) -> None:
    fake, address = world
    fake.feeds["/a"] = Feed(items(1, 2))
    token = read(address, "/a", until=told(2))[-1].token
    fake.feeds["/a"] = Feed(items(8, 9))
    found = read(address, "/a", token=token, until=told(2))
    assert [batch.gap.reason for batch in found if batch.gap] == [f"{address}/a has moved on by more than it holds"]


def test_feeds_that_are_listed_no_more_are_forgotten(world: tuple[FakeFeeds, str]) -> None:
    fake, address = world
    fake.feeds["/a"], fake.feeds["/b"] = Feed(items(1)), Feed(items(2))
    token = read(address, "/a", "/b", until=told(2))[-1].token
    fake.feeds["/b"] = Feed(items(3, 2))
    again = read(address, "/b", token=token, until=told(1))
    assert list(read_token(again[-1].token)) == [f"{address}/b"]
