"""Every source with a log that refuses, and with one that stands still: the place is never ahead, memory stays bounded."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pytest

from ingest.sources import open_source
from ingest.sources.feed_places import read_token as feed_places
from ingest.sources.hackernews_items import Place, write_token
from ingest.sources.hackernews_items import read_token as hackernews_place
from ingest.sources.mastodon_places import read_token as mastodon_places
from ingest.worker import SourceWorker
from resonance.catalogue import Source
from resonance.clock import SystemClock
from resonance.errors import Retry
from resonance.model import Event, Upsert
from resonance.ports import Mode
from resonance.stores.database import Database
from resonance.stores.source_states import SourceStates
from tests.support.fake_feeds import FakeFeeds, Feed, Item, rss
from tests.support.fake_hackernews import FakeHackerNews
from tests.support.fake_mastodon import FakeMastodon
from tests.support.serving import Serving


class Log:
    """Refuses every third write; looks at what is remembered while it writes; stands still while `still`."""

    def __init__(self, states: SourceStates) -> None:
        self.ids: list[str] = []
        self.looked: list[tuple[str, int]] = []
        self.calls = 0
        self.states = states
        self.still = threading.Event()
        self.still.set()

    def hold(self, source: str) -> None:
        raise AssertionError("no times of its own")

    def write(
        self, events: Sequence[Event], *, source: str, mode: Mode = "live", until: datetime | None = None
    ) -> None:
        assert self.still.wait(60)
        self.calls += 1
        self.looked += [(state.token, len(self.ids)) for state in self.states.all() if state.token]
        if self.calls % 3 == 0:
            raise Retry("not now")
        self.ids += [event.mention.id for event in events if isinstance(event, Upsert)]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    database = Database(f"sqlite:///{tmp_path / 'store.db'}")
    database.migrate()
    yield Log(SourceStates(database))
    database.close()


async def _at_once(_: float) -> None:
    await asyncio.sleep(0.01)


def run(configured: Source, log: Log, tick: Callable[[], None], done: Callable[[], bool]) -> None:
    """The worker until `done`, while `tick` happens ten times a second."""
    source = open_source(configured, SystemClock(), lambda _: "secret")
    assert source is not None

    async def story() -> None:
        worker = SourceWorker(configured, source, log, log.states, SystemClock(), sleep=_at_once)
        task = asyncio.create_task(worker.run())
        try:
            async with asyncio.timeout(60):
                while not done():
                    assert not task.done(), task.exception()
                    tick()
                    await asyncio.sleep(0.1)
        finally:
            log.still.set()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(story())


def test_feeds_come_again_until_the_log_takes_them_and_their_places_are_never_ahead(log: Log) -> None:
    served: dict[str, list[Item]] = {f"/{name}": [] for name in "abcd"}
    fake = FakeFeeds({path: Feed(lambda items=items: rss(items)) for path, items in served.items()})  # type: ignore[misc]
    numbers = iter(range(40))

    def tick() -> None:
        number = next(numbers, None)
        if number is not None:
            for path, items in served.items():
                items.insert(0, Item(number, guid=f"urn:{path}:{number}"))

    wanted = {f"rss:urn:{path}:{number}" for path in served for number in range(40)}
    with Serving(fake.app()) as server:
        options = {"feeds": [server.url + path for path in served], "every": "0s", "spacing": "0s"}
        run(Source(id="s", kind="feeds", options=options), log, tick, lambda: set(log.ids) == wanted)
    assert log.calls > 10
    for token, count in log.looked:
        known = {name: len(place.items) // 4 * 3 // 16 for name, place in feed_places(token).items()}
        for name, remembered in known.items():
            path = name.removeprefix(server.url)
            assert sum(item.startswith(f"rss:urn:{path}:") for item in set(log.ids[:count])) >= remembered


def test_mastodons_statuses_come_again_until_the_log_takes_them(log: Log) -> None:
    fake = FakeMastodon()
    numbers = iter(range(60))

    def tick() -> None:
        if any(json.loads(state.token or "{}") for state in log.states.all()):
            for number in [next(numbers, None), next(numbers, None)]:
                if number is not None:
                    fake.post(number, ms=1_780_000_000_000 + number * 10)

    with Serving(fake.app()) as server:
        instance = {"url": server.url, "token": "env:T", "streams": ["public"]}
        options = {"instances": [instance], "spacing": "0s"}
        run(
            Source(id="s", kind="mastodon", options=options),
            log,
            tick,
            lambda: (
                len(fake.statuses) == 60 and set(log.ids) == {f"mastodon:{s['uri']}" for s in fake.statuses.values()}
            ),
        )
    ids = {status["uri"]: name for name, status in fake.statuses.items()}
    for token, count in log.looked:
        logged = {ids[name.removeprefix("mastodon:")] for name in log.ids[:count]}
        for place in mastodon_places(token).values():
            assert {name for name in ids.values() if int(name) <= int(place.last)} <= logged


def test_hacker_news_items_come_again_until_the_log_takes_them(log: Log) -> None:
    fake = FakeHackerNews()
    fake.story(1)
    numbers = iter(range(2, 202))

    def tick() -> None:
        if log.states.all() and log.states.all()[0].token:
            for _ in range(10):
                if number := next(numbers, None):
                    fake.story(number)

    with Serving(fake.app()) as server:
        configured = Source(id="s", kind="hackernews", url=server.url, options={"every": "0s", "updates": "1s"})
        wanted = {f"hackernews:{number}" for number in range(2, 202)}
        run(configured, log, tick, lambda: set(log.ids) == wanted)
    for token, count in log.looked:
        assert set(range(2, hackernews_place(token).next)) <= {int(name.partition(":")[2]) for name in log.ids[:count]}


def test_while_the_log_stands_still_a_stream_is_read_only_as_far_as_a_bounded_queue_and_the_buffers_go(
    log: Log,
) -> None:
    fake = FakeMastodon()
    offered, seen = 0, list[int]()

    def tick() -> None:
        nonlocal offered
        if not any(json.loads(state.token or "{}") for state in log.states.all()):
            return
        log.still.clear()
        if offered < 60_000_000:
            for _ in range(1000):
                name = fake.post(len(fake.statuses), "x" * 5000, ms=1_780_000_000_000 + len(fake.statuses), told=False)
                fake.tell("update", json.dumps(fake.statuses[name]))
                offered += 5000
        else:
            seen.append(fake.sent)

    with Serving(fake.app()) as server:
        instance = {"url": server.url, "token": "env:T", "streams": ["public"]}
        configured = Source(id="s", kind="mastodon", options={"instances": [instance], "spacing": "0s"})
        # It has come to rest: for a second nothing more was sent.
        run(configured, log, tick, lambda: len(seen) > 10 and seen[-1] == seen[-10])
    assert 0 < seen[-1] < offered / 2


def test_while_the_log_stands_still_nothing_more_is_asked_for(log: Log) -> None:
    fake = FakeHackerNews()
    for number in range(1, 3000):
        fake.story(number)
    seen: list[int] = []

    def tick() -> None:
        log.still.clear()
        seen.append(fake.asked)

    lease = log.states.take("s", "engine", 0)
    assert lease is not None
    log.states.keep(lease, 1, token=write_token(Place(1)), at=None, counters={})
    with Serving(fake.app()) as server:
        configured = Source(id="s", kind="hackernews", url=server.url, options={"every": "0s"})
        run(configured, log, tick, lambda: len(seen) > 20 and seen[-1] == seen[-10] > 50)
    assert seen[-1] < 300
