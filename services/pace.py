"""Simulated time that all processes of an installation share: how it runs stands in the store."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

from resonance.clock import Clock, Pace, SystemClock
from resonance.errors import Full, Retry
from resonance.model import instant, micros
from resonance.stores.database import Database

_LOOK_SECONDS = 0.2
_PACE, _TOLD = "pace", "pace.told"
_FAR = datetime(9000, 1, 1, tzinfo=UTC)


class SharedPace:
    """The pace and the last time told by it, on a Database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self) -> Pace | None:
        """How simulated time runs; None: it does not."""
        written = self._database.meta(_PACE)
        return msgspec.json.decode(written, type=Pace) if written else None

    def run(self, pace: Pace) -> None:
        """Let it run so; every process notices within a moment."""
        self._database.set_meta(_PACE, msgspec.json.encode(pace).decode())

    def stand(self, at: datetime, end: datetime, speed: float) -> None:
        """Let it stand still until it is told to run."""
        self.run(Pace(origin=_FAR, start=at, end=end, speed=speed))

    def tell(self, at: datetime) -> None:
        """Remember where it is, for a restart."""
        self._database.set_meta(_TOLD, str(micros(at)))

    def told(self) -> datetime | None:
        """Where it was."""
        written = self._database.meta(_TOLD)
        return instant(int(written)) if written else None


class SharedClock:
    """Log time by the shared pace; looks now and then whether it runs differently."""

    def __init__(self, shared: SharedPace, pace: Pace, real: Clock | None = None) -> None:
        self._shared, self._pace = shared, pace
        self._real = real or SystemClock()
        self._due = 0.0

    def now(self) -> datetime:
        """Simulated time."""
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + _LOOK_SECONDS
            # Where the store is busy, time goes on as it went.
            with suppress(Retry, Full):
                self._pace = self._shared.load() or self._pace
        return self._pace.at(self._real.now())
