"""Runs one source: leases it, cleans what comes, logs it, and only then remembers the place."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial

import structlog

from ingest.cleaning import clean
from ingest.source import AuthFailed, Batch, Gap, Source, TokenTooOld
from resonance.catalogue import Source as Configured
from resonance.clock import Clock
from resonance.errors import Fenced, Full, Invalid, ResonanceError, Retry, Stop
from resonance.model import Delete, DeleteAuthor, PublicEvent, micros
from resonance.ports import Sink
from resonance.stores.source_states import Lease, Missed, SourceStates

_FIRST, _LONGEST, _HEALTHY = 1.0, 60.0, 60.0
_LEASE_PAUSE = 5.0
_BUSY_PAUSE = 0.5

log = structlog.get_logger()


class _Ended(Retry):
    """What ended a session, and for how long the other side wants to be left alone (`after`)."""


@dataclass
class SourceWorker:
    """Until cancelled. Whatever breaks, it comes again with full jitter; a place is never remembered ahead of the log.

    `busy` tells that the log is far ahead of its readers: nothing more is read meanwhile. Only AuthFailed ends the
    worker by itself (the state says why), and an error of ours that needs a person is raised.
    """

    configured: Configured
    source: Source
    sink: Sink
    states: SourceStates
    clock: Clock
    owner: str = "engine"
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random
    monotonic: Callable[[], float] = time.monotonic
    busy: Callable[[], bool] = lambda: False
    renew_seconds: float = 10.0
    attempts: int = field(default=0, init=False)
    simulated: bool = False
    """Events carry observed times of their own: nobody's stamp may overtake them."""
    _said: bool = field(default=False, init=False)
    """Whether this session has told the state that the connection stands."""

    async def run(self) -> None:
        """Read for ever."""
        while True:
            if self.simulated:
                self.sink.hold(self.configured.id)
            lease = await self._lease()
            if lease is None:
                await self.sleep(_LEASE_PAUSE)
                continue
            started = self.monotonic()
            try:
                ended = await self._session(lease)
            except AuthFailed as error:
                log.error("source.refused", source=self.configured.id, problem=str(error))
                return
            if self.monotonic() - started > _HEALTHY:
                self.attempts = 0
            await self.sleep(self._pause(ended))

    async def _lease(self) -> Lease | None:
        try:
            return await asyncio.to_thread(self.states.take, self.configured.id, self.owner, _now())
        except (Retry, Full) as error:
            log.warning("source.state", source=self.configured.id, problem=str(error))
            return None

    def _pause(self, ended: _Ended) -> float:
        """Full jitter below a limit that doubles, but never less than the other side asked for."""
        limit: float = min(_FIRST * 2 ** min(self.attempts, 10), _LONGEST)
        self.attempts += 1
        pause = limit * self.jitter()
        if ended.after is not None:
            pause += ended.after.total_seconds()
        log.warning("source.reconnect", source=self.configured.id, problem=str(ended), in_s=round(pause, 2))
        return pause

    async def _session(self, lease: Lease) -> _Ended:
        """Read until something breaks; returns what. Whatever it is, the state says it."""
        gap, self._said = None, False
        try:
            await self._follow(lease)
            ended = _Ended("the stream ended")
        except asyncio.CancelledError:
            await self._released(lease)
            raise
        except Fenced:
            return _Ended("read by somebody else")
        except TokenTooOld as error:
            ended, gap = _Ended(str(error)), self._missed(Gap(str(error)))
        except Stop as error:
            await self._broken(lease, _Ended(str(error)), None)
            raise
        except (Retry, Full, OSError) as error:
            ended = _Ended(str(error) or type(error).__name__, getattr(error, "after", None))
        except Exception as error:
            # A mistake in one connector must not end the connector: it is named, and the next attempt may pass it.
            log.exception("source.failed", source=self.configured.id)
            ended = _Ended(f"{type(error).__name__}: {error}")
        await self._broken(lease, ended, gap)
        return ended

    async def _broken(self, lease: Lease, ended: _Ended, gap: Missed | None) -> None:
        try:
            await asyncio.to_thread(self.states.broken, lease, _now(), str(ended), {"reconnects": 1}, gap=gap)
        except ResonanceError as error:
            log.warning("source.state", source=self.configured.id, problem=str(error))

    async def _released(self, lease: Lease) -> None:
        try:
            await asyncio.to_thread(self.states.release, lease)
        except ResonanceError as error:
            log.warning("source.state", source=self.configured.id, problem=str(error))

    async def _follow(self, lease: Lease) -> None:
        """Take batch after batch, and hold the lease while none comes."""
        async with aclosing(self.source.batches(lease.token)) as batches:
            while True:
                coming = asyncio.ensure_future(anext(batches))
                try:
                    while not (await asyncio.wait({coming}, timeout=self.renew_seconds))[0]:
                        await asyncio.to_thread(self.states.renew, lease, _now())
                except BaseException:
                    coming.cancel()
                    await asyncio.gather(coming, return_exceptions=True)
                    raise
                try:
                    batch = coming.result()
                except StopAsyncIteration:
                    return
                await self._unhurried(lease)
                await self._take(lease, batch)

    async def _unhurried(self, lease: Lease) -> None:
        while self.busy():
            await asyncio.to_thread(self.states.renew, lease, _now())
            await self.sleep(_BUSY_PAUSE)

    async def _take(self, lease: Lease, batch: Batch) -> None:
        """Log a batch, then remember its token. What cannot be cleaned is counted and named, nothing else is lost."""
        now = self.clock.now()
        events: list[PublicEvent] = []
        for event in batch.events:
            at = event.observed_at if batch.until and event.observed_at else now
            try:
                events.append(clean(event, source=self.configured.id, observed_at=at))
            except Invalid as error:
                log.info("event.rejected", source=self.configured.id, problem=str(error))
        if events or batch.until:
            write = partial(self.sink.write, source=self.configured.id, mode=batch.mode, until=batch.until)
            await asyncio.to_thread(write, events)
        if batch == Batch(until=batch.until) and self._said:
            return
        self._said = True
        await asyncio.to_thread(
            self.states.keep,
            lease,
            _now(),
            token=batch.token,
            at=micros(now) if events else None,
            counters=_counters(batch, events),
            gap=self._missed(batch.gap) if batch.gap else None,
            problem=batch.problem,
        )

    def _missed(self, gap: Gap) -> Missed:
        since = micros(gap.since) if gap.since else None
        return Missed(since, micros(gap.until or self.clock.now()), gap.reason)


def _counters(batch: Batch, taken: list[PublicEvent]) -> dict[str, int]:
    """What the batch adds to the totals."""
    found = {
        "events": len(taken),
        "deletes": sum(isinstance(event, Delete | DeleteAuthor) for event in taken),
        "rejected": batch.malformed + len(batch.events) - len(taken),
        "ignored": batch.ignored,
        "unknown": batch.unknown,
        "duplicates": batch.duplicates,
    }
    return {name: count for name, count in found.items() if count}


def _now() -> int:
    return time.time_ns() // 1000
