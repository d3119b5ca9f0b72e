"""The demo's afternoon as a source: each event comes when simulated time has reached it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from datetime import datetime, timedelta
from itertools import chain, islice

from msgspec import structs

from ingest.demo import endless, generate
from ingest.source import Batch
from resonance.clock import Clock
from resonance.model import PublicEvent

_POLL = 0.1
AFTERNOON = timedelta(hours=5)


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
