"""A recorded stream as a source: a file of events with the times at which they were observed; for trials and load."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from itertools import islice
from pathlib import Path

import msgspec

from ingest.source import Batch, Source
from ingest.sources import Secrets
from resonance.catalogue import Source as Configured
from resonance.clock import Clock
from resonance.errors import Unconfigured
from resonance.model import PublicEvent

_BATCH = 100
_IDLE = 0.25


COVERAGE = None


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which recording, and how many events a second (0: as fast as they are taken)."""

    file: str
    rate: float = 0.0


def problems(configured: Configured, options: Options) -> list[tuple[str, str]]:
    """None."""
    return []


def open_source(configured: Configured, options: Options, clock: Clock, secrets: Secrets) -> Source:
    """The recording from its beginning."""
    return Replay(Path(options.file), options.rate, clock)


class Replay:
    """Each line of `file` is an event as it travels, with `observed_at`, which never falls. `rate`: events a second of
    real time (0: as fast as they are taken). The token is how many were sent."""

    def __init__(self, file: Path, rate: float, clock: Clock) -> None:
        self._file, self._rate, self._clock = file, rate, clock
        self._decoder = msgspec.json.Decoder(PublicEvent)

    async def batches(self, token: str | None) -> AsyncGenerator[Batch, None]:
        """The rest of the file; then the time, for ever."""
        sent = int(token or 0)
        started, begun = time.monotonic(), sent
        try:
            lines = self._file.open("rb")
        except OSError as error:
            raise Unconfigured(f"the recording {self._file} cannot be read: {error.strerror}") from error
        with lines:
            following = islice(lines, sent, None)
            while part := [self._decoder.decode(line) for line in islice(following, _BATCH)]:
                sent += len(part)
                yield Batch(part, str(sent), until=part[-1].observed_at)
                if self._rate:
                    await asyncio.sleep(max(0.0, started + (sent - begun) / self._rate - time.monotonic()))
        while True:
            yield Batch(until=self._clock.now())
            await asyncio.sleep(_IDLE)
