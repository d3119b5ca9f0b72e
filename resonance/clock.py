"""Where time comes from: log time, which a demo may simulate, handed to every part that asks for the hour.

Real time (leases, back-off, sessions) is `time.monotonic` at the edges and never a Clock.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec


class Clock(Protocol):
    """Tells log time as an aware UTC instant; never goes backwards within one run by more than the system's clock does."""

    def now(self) -> datetime: ...


class SystemClock:
    """The wall clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until told to move; for tests and for replays."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    def advance(self, by: timedelta) -> None:
        self._at += by

    def set(self, at: datetime) -> None:
        self._at = at


class Pace(msgspec.Struct, frozen=True):
    """How simulated time runs: `start` is told at the real instant `origin`, then time runs `speed` times as fast
    until `end`, and at real speed after it. Serialisable, so that every process of an installation agrees."""

    origin: datetime
    start: datetime
    end: datetime
    speed: float

    def at(self, real: datetime) -> datetime:
        """Simulated time at a real instant."""
        elapsed = max(real - self.origin, timedelta())
        fast = (self.end - self.start) / self.speed
        if elapsed <= fast:
            return self.start + elapsed * self.speed
        return max(self.start, self.end) + (elapsed - max(fast, timedelta()))

    def resumed(self, told: datetime, real: datetime) -> Pace:
        """The same pace, continuing from `told` at the real instant `real`."""
        return Pace(origin=real, start=told, end=max(self.end, told), speed=self.speed)
