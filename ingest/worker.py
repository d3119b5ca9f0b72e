"""Runs one source: leases it, cleans what comes, logs it, and only then remembers the place."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from ingest.cleaning import clean
from ingest.source import Batch, Gap, Source, TokenTooOld
from resonance.catalogue import Source as Configured
from resonance.clock import Clock
from resonance.errors import Fenced, Full, Invalid, Retry, Stop
from resonance.model import PublicEvent, micros
from resonance.ports import Sink
from resonance.stores.source_states import Lease, SourceStates

_FIRST, _LONGEST, _HEALTHY = 1.0, 60.0, 60.0
_LEASE_PAUSE = 5.0

log = structlog.get_logger()


@dataclass
class SourceWorker:
    """Until cancelled. Whatever breaks, it comes again with full jitter; a place is never remembered ahead of the log."""

    configured: Configured
    source: Source
    sink: Sink
    states: SourceStates
    clock: Clock
    owner: str = "engine"
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random
    attempts: int = field(default=0, init=False)

    async def run(self) -> None:
        """Read for ever."""
        while True:
            lease = await asyncio.to_thread(self.states.take, self.configured.id, self.owner, _now())
            if lease is None:
                await self.sleep(_LEASE_PAUSE)
                continue
            started = time.monotonic()
            problem = await self._read(lease)
            if time.monotonic() - started > _HEALTHY:
                self.attempts = 0
            self.attempts += 1
            pause = min(_FIRST * 2 ** min(self.attempts - 1, 10), _LONGEST) * self.jitter()
            log.warning("source.reconnect", source=self.configured.id, problem=problem, in_s=round(pause, 2))
            await self.sleep(pause)

    async def _read(self, lease: Lease) -> str:
        """Read until something breaks; returns what."""
        token = lease.token
        try:
            async for batch in self.source.batches(token):
                await self._take(lease, batch)
            problem = "the stream ended"
        except TokenTooOld as error:
            problem = str(error)
            await self._gap(lease, Gap(problem))
            await asyncio.to_thread(self.states.keep, lease, _now(), token="", at=None, counters={})
        except Fenced:
            return "read by somebody else"
        except (Retry, Full, Stop, OSError) as error:
            problem = str(error) or type(error).__name__
        try:
            await asyncio.to_thread(self.states.broken, lease, _now(), problem, {"reconnects": 1})
        except Retry as error:
            log.warning("source.state", source=self.configured.id, problem=str(error))
        return problem

    async def _take(self, lease: Lease, batch: Batch) -> None:
        """Log a batch, then remember its token. What cannot be cleaned is counted and named, nothing else is lost."""
        if batch.gap is not None:
            await self._gap(lease, batch.gap)
        now = self.clock.now()
        events: list[PublicEvent] = []
        rejected = batch.malformed
        for event in batch.events:
            at = event.observed_at if batch.observed and event.observed_at else now
            try:
                events.append(clean(event, source=self.configured.id, observed_at=at))
            except Invalid as error:
                rejected += 1
                log.info("event.rejected", source=self.configured.id, problem=str(error))
        if events:
            await asyncio.to_thread(self.sink.write, events, source=self.configured.id)
        counters = {"events": len(events), "rejected": rejected, "ignored": batch.ignored}
        at_us = micros(now) if events else None
        await asyncio.to_thread(self.states.keep, lease, _now(), token=batch.token, at=at_us, counters=counters)

    async def _gap(self, lease: Lease, gap: Gap) -> None:
        since = micros(gap.since) if gap.since else None
        until = micros(self.clock.now())
        await asyncio.to_thread(self.states.gap, lease, since=since, until=until, reason=gap.reason)


def _now() -> int:
    return time.time_ns() // 1000
