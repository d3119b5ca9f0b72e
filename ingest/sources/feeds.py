"""Feeds (RSS, Atom, JSON Feed): blogs, news, Google Alerts, YouTube channels. One source reads as many as are listed.

Each feed is asked more often while it has news and less often while it has none; what ails one does not stop the others.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple

import structlog
from msgspec import Meta, Struct, field, structs

from ingest.fetching import Answer, Web, refusal
from ingest.source import AuthFailed, Batch, Source, Transient
from ingest.sources import Secrets
from ingest.sources.feed_documents import Unreadable, read_document
from ingest.sources.feed_places import Place, news, read_token, write_token
from resonance.catalogue import Source as Configured
from resonance.catalogue import Span, duration
from resonance.clock import Clock
from resonance.errors import RateLimited

COVERAGE = "what a feed holds each time it is read; deletions are not told"
PATIENCE = 12
"""A feed without news, or one that ails, is asked at least once in so many times `every`."""
_TOGETHER = 4
_ETAG = 256
_GONE = 410

log = structlog.get_logger()


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """`feeds`: their addresses (beside the source's `url`). `every`: how often a feed with news is read; one without, up to
    twelve times more seldom. `spacing`: at least so long between two requests to one host."""

    feeds: tuple[Annotated[str, Meta(pattern=r"^https?://[^\s/]+", max_length=2048)], ...] = field(default=())
    every: Span = "5m"
    spacing: Span = "1s"


def problems(configured: Configured, options: Options) -> list[tuple[str, str]]:
    """What is wrong beside the types."""
    count = len(addresses(configured, options))
    if not count:
        return [("options.feeds", "name at least one feed here, or as url")]
    return [("options.feeds", f"a source reads at most 200 feeds; these are {count}")] if count > 200 else []


def addresses(configured: Configured, options: Options) -> tuple[str, ...]:
    """All feeds of the source."""
    return tuple(dict.fromkeys([*([configured.url] if configured.url else []), *options.feeds]))


def open_source(configured: Configured, options: Options, clock: Clock, secrets: Secrets) -> Source:
    """The reader."""
    web = Web(spacing=duration(options.spacing).total_seconds())
    return Feeds(addresses(configured, options), duration(options.every), clock, web)


class _Read(NamedTuple):
    """What came of asking one feed: a batch (without token), and its place after it."""

    batch: Batch
    place: Place
    pause: float
    """Ask again after so many seconds."""


class Feeds:
    """`ingest.source.Source` for a list of feeds."""

    def __init__(self, feeds: tuple[str, ...], every: timedelta, clock: Clock, web: Web) -> None:
        self._feeds, self._every, self._clock, self._web = feeds, every.total_seconds(), clock, web
        self._pauses: dict[str, float] = {}
        self._problems: dict[str, str] = {}
        self._read_at: dict[str, datetime] = {}

    async def batches(self, token: str | None) -> AsyncGenerator[Batch, None]:
        """For each reading that brings anything, one batch. Ends only when no feed at all is left to be asked."""
        places = {name: place for name, place in read_token(token).items() if name in self._feeds}
        due = [(0.0, name) for name in self._feeds]
        loop = asyncio.get_running_loop()
        asking: dict[asyncio.Task[_Read], str] = {}
        said: str | None = None
        async with self._web:
            try:
                yield Batch()
                while due or asking:
                    while due and due[0][0] <= loop.time() and len(asking) < _TOGETHER:
                        _, name = heapq.heappop(due)
                        asking[asyncio.create_task(self._ask(name, places.get(name, Place())))] = name
                    await _until(due[0][0] if due and len(asking) < _TOGETHER else None, asking, loop)
                    for task in [task for task in asking if task.done()]:
                        name, read = asking.pop(task), task.result()
                        if not read.place.gone:
                            heapq.heappush(due, (loop.time() + read.pause, name))
                        news = read.batch != Batch() or places.get(name) != read.place or said != self._problem()
                        places[name], said = read.place, self._problem()
                        if news:
                            yield structs.replace(read.batch, token=write_token(places), problem=said)
            finally:
                for task in asking:
                    task.cancel()
                await asyncio.gather(*asking, return_exceptions=True)
        raise AuthFailed(self._problem() or "no feed is left")

    def _problem(self) -> str | None:
        """What ails, in one sentence for all feeds."""
        said = list(self._problems.values())
        more = f" (and {len(said) - 3} more)" if len(said) > 3 else ""
        return "; ".join(said[:3])[:1000] + more if said else None

    async def _ask(self, name: str, place: Place) -> _Read:
        """Read one feed. Whatever goes wrong is told in `problem`, and the feed asked again later."""
        if place.gone:
            return self._gone(name, place)
        try:
            answer = await self._web.get(place.moved or name, place.conditions)
            read = await asyncio.to_thread(self._news, name, place, answer, self._clock.now())
        except (Transient, RateLimited, AuthFailed, Unreadable) as error:
            self._problems[name] = str(error)
            log.info("feed.failed", feed=name, problem=str(error))
            after = getattr(error, "after", None)
            return _Read(Batch(malformed=isinstance(error, Unreadable)), place, self._later(name, after))
        return read

    def _news(self, name: str, place: Place, answer: Answer, now: datetime) -> _Read:
        """What an answer means."""
        if answer.status == _GONE:
            return self._gone(name, place)
        if wrong := refusal(answer.status, answer.headers, f"{name} answered {answer.status}", now):
            raise wrong
        self._problems.pop(name, None)
        before, self._read_at[name] = self._read_at.get(name), now
        place = structs.replace(place, moved=answer.moved or place.moved)
        if answer.status != 200:
            return _Read(Batch(), place, self._next(name, new=False))
        document = read_document(answer.body, answer.headers, place.moved or name, now)
        found = news(document, place, name, now, before)
        if not found.events and found.gap is None and place.at:
            pause = max(self._next(name, new=False), min(document.ttl, self._longest))
            return _Read(Batch(), _tagged(place, answer), pause)
        batch = Batch(
            found.events,
            gap=found.gap,
            malformed=document.malformed,
            ignored=document.left_out,
            duplicates=found.duplicates,
            mode="backfill" if found.old else "live",
        )
        return _Read(
            batch, _tagged(found.place, answer), max(self._next(name, new=True), min(document.ttl, self._longest))
        )

    @property
    def _longest(self) -> float:
        return self._every * PATIENCE

    def _gone(self, name: str, place: Place) -> _Read:
        self._problems[name] = f"{name} is gone for good (410) and is not asked any more"
        return _Read(Batch(), structs.replace(place, gone=True), 0)

    def _next(self, name: str, *, new: bool) -> float:
        """Half as long as last time after news, half as long again without."""
        last = self._pauses.get(name, self._every)
        pause = max(last / 2, self._every) if new else min(last * 1.5, self._longest)
        self._pauses[name] = pause
        return pause

    def _later(self, name: str, after: timedelta | None) -> float:
        """Twice as long as last time with full jitter, at least as long as was asked for."""
        limit = min(self._pauses.get(name, self._every) * 2, self._longest)
        self._pauses[name] = limit
        return (after.total_seconds() if after else self._every) + random.random() * limit


async def _until(due: float | None, asking: dict[asyncio.Task[_Read], str], loop: asyncio.AbstractEventLoop) -> None:
    """Until a feed has answered, or the next is due."""
    wait = None if due is None else max(0.0, due - loop.time())
    if asking:
        await asyncio.wait(asking, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
    elif wait:
        await asyncio.sleep(wait)


def _tagged(place: Place, answer: Answer) -> Place:
    headers = answer.headers
    return structs.replace(place, etag=_short(headers.get("ETag")), modified=_short(headers.get("Last-Modified")))


def _short(value: str | None) -> str:
    return value if value and len(value) <= _ETAG else ""
