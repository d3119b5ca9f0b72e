"""Hacker News: every item by its number, none left out; changes by the list of what has changed lately."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from msgspec import Struct, structs

from ingest.fetching import Web, refusal
from ingest.source import Batch, Source, Transient
from ingest.sources import Secrets
from ingest.sources.hackernews_items import (
    WAITING,
    Item,
    Malformed,
    Place,
    Thread,
    in_thread,
    mark,
    mention_id,
    packed,
    read_item,
    read_token,
    unpacked,
    write_token,
)
from resonance.catalogue import Source as Configured
from resonance.catalogue import Span, duration
from resonance.clock import Clock
from resonance.model import Delete, EngagementSeen, Mention, PublicEvent, Upsert

HOST = "https://hacker-news.firebaseio.com"
COVERAGE = (
    "every item; changes and deletions of older ones while nobody listened are found among the latest 300 only; an item that is not there "
    "15 minutes after its number was given away is left out"
)
_BLOCK, _TOGETHER, _TRIES = 100, 10, 4
_PATIENCE, _AGAIN = 900, 10.0
_KEPT = 20_000
_DEEPEST = 30
_EDITABLE = timedelta(hours=3)
"""Texts can be changed for two hours."""


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """`every`: how often new items are looked for; `updates`: how often changed ones are."""

    every: Span = "5s"
    updates: Span = "30s"


def problems(configured: Configured, options: Options) -> list[tuple[str, str]]:
    """An address that is none."""
    known = configured.url is None or configured.url.startswith(("http://", "https://"))
    return [] if known else [("url", "begins with https://")]


def open_source(configured: Configured, options: Options, clock: Clock, secrets: Secrets) -> Source:
    """The reader of the API at `url`."""
    every, updates = (duration(span).total_seconds() for span in (options.every, options.updates))
    return HackerNews(configured.url or HOST, every, updates, clock, Web(spacing=0.0, largest=2_000_000))


class HackerNews:
    """`ingest.source.Source`. The token is the next number, with what was not there yet, and marks of the latest items."""

    def __init__(self, host: str, every: float, updates: float, clock: Clock, web: Web) -> None:
        self._every, self._updates, self._clock, self._web = every, updates, clock, web
        self._host = host.rstrip("/")

    async def batches(self, token: str | None) -> AsyncGenerator[Batch, None]:
        """New items in the order of their numbers, changes beside them. Ends by Transient or RateLimited."""
        async with self._web:
            place = read_token(token) if token else Place(await self._newest() + 1)
            walk = _Walk(self, place, self._clock)
            yield Batch(token=walk.token())
            if latest := walk.known():
                yield await walk.look_again(latest)
            looked = retried = time.monotonic()
            while True:
                newest = await self._newest()
                while walk.next <= newest:
                    yield await walk.block(newest)
                if time.monotonic() - looked >= self._updates:
                    looked = time.monotonic()
                    yield await walk.look_again(await self._changed())
                if walk.waiting and time.monotonic() - retried >= min(_AGAIN, self._updates):
                    retried = time.monotonic()
                    yield await walk.retry()
                await asyncio.sleep(self._every)

    async def _newest(self) -> int:
        found = await self.get("maxitem")
        if not isinstance(found, int):
            raise Transient("Hacker News does not say which item is the newest")
        return found

    async def _changed(self) -> list[int]:
        found = await self.get("updates")
        items = found.get("items") if isinstance(found, dict) else None
        return [number for number in items or () if isinstance(number, int)][:1000]

    async def items(self, numbers: Iterable[int]) -> list[Item | Malformed | None]:
        """The items, ten at a time, in their order."""
        turns = asyncio.Semaphore(_TOGETHER)

        async def one(number: int) -> Item | Malformed | None:
            async with turns:
                return await self.item(number)

        tasks = [asyncio.create_task(one(number)) for number in numbers]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def item(self, number: int) -> Item | Malformed | None:
        """One item; what cannot be read is answered as the error."""
        try:
            return read_item(await self.get(f"item/{number}"))
        except Malformed as error:
            return error

    async def get(self, name: str) -> Any:
        """A plain value. One of many answers fails now and then: it is asked for again before that is anybody's business."""
        for attempt in range(1, _TRIES + 1):
            try:
                answer = await self._web.get(f"{self._host}/v0/{name}.json")
                wrong = refusal(answer.status, answer.headers, f"{name} answered {answer.status}", self._clock.now())
                if wrong:
                    raise wrong
                return answer.json()
            except Transient:
                if attempt == _TRIES:
                    raise
                await asyncio.sleep(random.random() * 0.2 * 2**attempt)
        raise AssertionError("unreachable: the last attempt returns or raises")


@dataclass
class _Taken:
    """Events on their way into a batch."""

    events: list[PublicEvent] = field(default_factory=list)
    malformed: int = 0
    ignored: int = 0
    duplicates: int = 0

    def batch(self, token: str) -> Batch:
        return Batch(self.events, token, malformed=self.malformed, ignored=self.ignored, duplicates=self.duplicates)


class _Walk:
    """Where we are, and what we know of what we have seen."""

    def __init__(self, api: HackerNews, place: Place, clock: Clock) -> None:
        self._api, self._clock = api, clock
        self.next, self.waiting = place.next, dict(place.waiting)
        self._marks = unpacked(place)
        self._threads: dict[int, Thread | int] = {}

    def token(self) -> str:
        """The place now."""
        return write_token(Place(self.next, tuple(self.waiting.items()), packed(self._marks, self.next)))

    def known(self) -> list[int]:
        """The numbers of the items that we have and can tell from others."""
        return sorted(self._marks)

    async def block(self, newest: int) -> Batch:
        """The next items; those that are not there are waited for."""
        if len(self.waiting) > WAITING:
            raise Transient(f"{len(self.waiting)} items are not there yet")
        numbers = range(self.next, min(self.next + _BLOCK, newest + 1))
        taken, found = _Taken(), await self._api.items(numbers)
        for number, item in zip(numbers, found, strict=True):
            if item is None:
                self.waiting[number] = int(self._clock.now().timestamp())
            else:
                await self._first(taken, item)
        self.next = numbers.stop
        return taken.batch(self.token())

    async def retry(self) -> Batch:
        """Look for those that were not there; after a quarter of an hour they never will be."""
        taken, now = _Taken(), int(self._clock.now().timestamp())
        numbers = list(self.waiting)
        for number, item in zip(numbers, await self._api.items(numbers), strict=True):
            if item is not None:
                await self._first(taken, item)
            elif now - self.waiting[number] < _PATIENCE:
                continue
            else:
                taken.ignored += 1
            del self.waiting[number]
        return taken.batch(self.token())

    async def look_again(self, numbers: Sequence[int]) -> Batch:
        """What became of items that we have: changed, counted, gone."""
        taken = _Taken()
        known = [number for number in numbers if number < self.next and number not in self.waiting]
        for item in await self._api.items(known):
            if isinstance(item, Item):
                await self._again(taken, item)
        return taken.batch(self.token())

    async def _first(self, taken: _Taken, item: Item | Malformed) -> None:
        if isinstance(item, Malformed):
            taken.malformed += 1
        elif item.deleted:
            taken.events.append(Delete(id=mention_id(item.id)))
        elif item.mention is None:
            # What is dead may be brought back to life by readers: a deletion would be for good.
            taken.ignored += 1
        else:
            await self._tell(taken, item, item.mention)

    async def _again(self, taken: _Taken, item: Item) -> None:
        if item.gone:
            self._marks.pop(item.id, None)
            taken.events.append(Delete(id=mention_id(item.id)))
        elif item.mention is None:
            taken.ignored += 1
        elif self._marks.get(item.id) == mark(item.mention) or self._too_old(item):
            taken.duplicates += 1
            if counts := item.mention.engagement:
                taken.events.append(EngagementSeen(id=item.mention.id, engagement=counts, at=self._clock.now()))
        else:
            # There is no time of a change: it is the time at which we saw it.
            seen = self._clock.now().isoformat(timespec="microseconds")
            await self._tell(taken, item, structs.replace(item.mention, version=seen))

    def _too_old(self, item: Item) -> bool:
        """Unknown to us, and beyond the time in which it can be changed."""
        assert item.mention is not None
        return item.id not in self._marks and self._clock.now() - item.mention.published_at > _EDITABLE

    async def _tell(self, taken: _Taken, item: Item, mention: Mention) -> None:
        _remember(self._marks, item.id, mark(mention))
        if item.thread:
            _remember(self._threads, item.id, item.thread)
        if item.parent:
            _remember(self._threads, item.id, item.parent)
            mention = in_thread(mention, item.parent, await self._thread(item.parent))
        if mention.engagement:
            mention = structs.replace(mention, engagement_at=self._clock.now())
        taken.events.append(Upsert(mention=mention))

    async def _thread(self, number: int) -> Thread | None:
        """The story above a comment: as far as possible from memory, else asked for step by step."""
        for _ in range(_DEEPEST):
            above = self._threads.get(number)
            if above is None:
                item = await self._api.item(number)
                above = (item.thread or item.parent) if isinstance(item, Item) else None
                if above is None:
                    return None
                _remember(self._threads, number, above)
            if isinstance(above, Thread):
                return above
            number = above
        return None


def _remember(memory: dict[int, Any], number: int, value: Any) -> None:
    memory.pop(number, None)
    memory[number] = value
    if len(memory) > _KEPT:
        del memory[next(iter(memory))]
