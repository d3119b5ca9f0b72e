"""Mastodon: public timelines and hashtags of as many instances as are listed.

With a token a timeline is streamed, and the hole since the last time is closed by REST before the stream is read on; without one it is
asked for again and again. What ails one timeline does not stop the others.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from typing import Annotated
from urllib.parse import quote

from msgspec import Meta, Struct

from ingest.fetching import Web
from ingest.source import AuthFailed, Batch, Source, Transient
from ingest.sources import Secrets
from ingest.sources.mastodon_places import read_token
from ingest.sources.mastodon_statuses import Malformed
from ingest.sources.mastodon_timelines import Piece, Reading, Timeline
from resonance.catalogue import Source as Configured
from resonance.catalogue import Span, duration
from resonance.clock import Clock
from resonance.errors import RateLimited

COVERAGE = (
    "what the listed instances know: public posts of people who want to be found (indexable, without #nobot); deletions and edits while "
    "nobody listened are found among the latest 200 of a timeline only"
)
_QUEUED, _EVENTS, _SECONDS = 20, 500, 0.2
_LONGEST = 300.0
Reference = Annotated[str, Meta(pattern=r"^(env:[A-Z][A-Z0-9_]*|file:/.+)$")]
Stream = Annotated[str, Meta(pattern=r"^(public(:local|:remote)?|hashtag:[^\s/#?]{1,100})$")]
_PATHS = {
    "public": ("/api/v1/timelines/public?", "public"),
    "public:local": ("/api/v1/timelines/public?local=true&", "public/local"),
    "public:remote": ("/api/v1/timelines/public?remote=true&", "public/remote"),
}


class Instance(Struct, frozen=True, forbid_unknown_fields=True):
    """One instance. `token` names where its access token is (scope read:statuses); without one its timelines are asked for, not
    streamed. `streams`: public, public:local, public:remote, hashtag:NAME."""

    url: Annotated[str, Meta(pattern=r"^https?://[^\s/]+/?$")]
    token: Reference | None = None
    streams: Annotated[tuple[Stream, ...], Meta(min_length=1, max_length=50)] = ("public",)


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """`instances`; `every`: how often a timeline without token is asked for; `recheck`: how often the latest are looked at for
    deletions; `spacing`: at least so long between two requests to one host; `only_indexable`: only people who allow to be found."""

    instances: Annotated[tuple[Instance, ...], Meta(min_length=1, max_length=50)]
    every: Span = "30s"
    recheck: Span = "15m"
    spacing: Span = "1s"
    only_indexable: bool = True


def problems(configured: Configured, options: Options) -> list[tuple[str, str]]:
    """An instance that stands twice, or an address where none belongs."""
    hosts = [instance.url.rstrip("/") for instance in options.instances]
    found = [("options.instances", f"{host} stands twice") for host in sorted(set(hosts)) if hosts.count(host) > 1]
    return found + ([("url", "name the instances in the options")] if configured.url else [])


def open_source(configured: Configured, options: Options, clock: Clock, secrets: Secrets) -> Source:
    """The reader."""
    return Mastodon(options, clock, secrets, Web(spacing=duration(options.spacing).total_seconds()))


class Mastodon:
    """`ingest.source.Source` for all timelines of the options."""

    def __init__(self, options: Options, clock: Clock, secrets: Secrets, web: Web) -> None:
        self._options, self._clock, self._secrets, self._web = options, clock, secrets, web
        self._failures: dict[str, int] = {}

    async def batches(self, token: str | None) -> AsyncGenerator[Batch, None]:
        """What comes from all timelines, in batches of at most 500 events or 0.2 s. Ends when none can be read: by AuthFailed when
        all of them refuse us, else by what the last one met."""
        timelines = [timeline for instance in self._options.instances for timeline in self._timelines(instance)]
        known = read_token(token)
        queue: asyncio.Queue[Piece] = asyncio.Queue(_QUEUED)
        reading = Reading(
            self._web,
            self._clock,
            queue,
            {t.name: known[t.name] for t in timelines if t.name in known},
            self._options.only_indexable,
        )
        every, recheck = duration(self._options.every).total_seconds(), duration(self._options.recheck).total_seconds()
        ailing: dict[str, Exception] = {}
        async with self._web:
            tasks = [asyncio.create_task(self._follow(reading, t, every, recheck, ailing)) for t in timelines]
            try:
                while True:
                    pieces = [await queue.get()]
                    deadline = asyncio.get_running_loop().time() + _SECONDS
                    while sum(len(piece.events) for piece in pieces) < _EVENTS:
                        try:
                            async with asyncio.timeout_at(deadline):
                                pieces.append(await queue.get())
                        except TimeoutError:
                            break
                    yield reading.handed_out(pieces, _told(ailing))
                    if len(ailing) == len(timelines):
                        raise _worst(ailing)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def _timelines(self, instance: Instance) -> list[Timeline]:
        found = []
        secret = self._secrets(instance.token) if instance.token else None
        for stream in instance.streams:
            _, _, tag = stream.partition(":")
            path, live = _PATHS.get(stream, (f"/api/v1/timelines/tag/{quote(tag)}?", f"hashtag?tag={quote(tag)}"))
            found.append(Timeline(instance.url.rstrip("/"), stream, path, live, secret))
        return found

    async def _follow(
        self, reading: Reading, timeline: Timeline, every: float, recheck: float, ailing: dict[str, Exception]
    ) -> None:
        """Read one timeline for ever; whatever breaks it is told, and it is read again after a while. A refusal ends it."""
        while True:
            try:
                async for _ in reading.follow(timeline, every, recheck):
                    # It stands: what was said of it is taken back.
                    self._failures.pop(timeline.name, None)
                    if ailing.pop(timeline.name, None):
                        await reading.say(timeline)
            except (Transient, RateLimited, AuthFailed, Malformed) as error:
                ailing[timeline.name] = error
            except Exception as error:
                # A mistake of ours in one timeline must not be the silence of all.
                ailing[timeline.name] = Transient(f"{type(error).__name__}: {error}")
            await reading.say(timeline)
            met = ailing[timeline.name]
            if isinstance(met, AuthFailed):
                return
            failures = self._failures[timeline.name] = self._failures.get(timeline.name, 0) + 1
            after = getattr(met, "after", None)
            limit = min(2.0**failures, _LONGEST)
            await asyncio.sleep(limit * random.random() + (after.total_seconds() if after else 0.0))


def _told(ailing: dict[str, Exception]) -> str | None:
    said = "; ".join(f"{name}: {error}" for name, error in sorted(ailing.items()))
    return said[:1000] or None


def _worst(ailing: dict[str, Exception]) -> Exception:
    """What the worker is to make of it: a person is needed only when every timeline refuses us."""
    passing = [error for error in ailing.values() if not isinstance(error, AuthFailed)]
    if not passing:
        return AuthFailed(_told(ailing) or "")
    return passing[-1] if isinstance(passing[-1], RateLimited) else Transient(_told(ailing) or "")
