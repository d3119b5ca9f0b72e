"""The demo's afternoon as a source: each event comes when simulated time has reached it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from datetime import datetime, timedelta
from itertools import chain, islice

from msgspec import Struct, structs

from ingest.demo import endless, generate
from ingest.source import Batch, Source
from ingest.sources import Secrets
from resonance.catalogue import Source as Configured
from resonance.clock import Clock
from resonance.model import PublicEvent

_POLL = 0.1
AFTERNOON = timedelta(hours=5)


COVERAGE = None


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """Which story, whether without the crisis, and on a cluster how many times real speed."""

    seed: int = 1
    quiet: bool = False
    speed: float = 60.0


def problems(configured: Configured, options: Options) -> list[tuple[str, str]]:
    """None."""
    return []


def open_source(configured: Configured, options: Options, clock: Clock, secrets: Secrets) -> Source:
    """The story from its afternoon on."""
    return DemoSource(options.seed, options.quiet, clock)


class DemoSource:
    """The token is how many events were sent."""

    def __init__(self, seed: int, quiet: bool, clock: Clock) -> None:
        self._seed, self._quiet, self._clock = seed, quiet, clock

    async def batches(self, token: str | None) -> AsyncGenerator[Batch, None]:
        """What has happened by now, ten times a second."""
        sent = int(token or 0)
        story = islice(self._story(), sent, None)
        following = next(story)
        while True:
            now = self._clock.now()
            events: list[PublicEvent] = []
            while following[0] <= now:
                events.append(structs.replace(following[1], observed_at=following[0]))
                following = next(story)
            sent += len(events)
            yield Batch(events, str(sent) if events else None, until=now)
            await asyncio.sleep(_POLL)

    def _story(self) -> Iterator[tuple[datetime, PublicEvent]]:
        demo = generate(self._seed, quiet=self._quiet)
        return chain(demo.afternoon, endless(self._seed, demo.truth.afternoon_at + AFTERNOON))  # type: ignore[arg-type]
