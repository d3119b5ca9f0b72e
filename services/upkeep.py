"""What has to be done now and then: heartbeats, the catalogue, the demo's clock, lag, retention, jobs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from zoneinfo import ZoneInfo

import structlog

from resonance.clock import SystemClock
from resonance.engines.jobs import Jobs
from resonance.errors import Full, Retry
from resonance.stores.forgetting import Nightly
from resonance.stores.retention import Retention, terms_of
from services import parts
from services.build import Installation, Machine

Tasks = Mapping[str, tuple[float, Callable[[], object]]]
"""Name → period in real seconds, and what to do."""

_SPELL, _REST = 0.02, 600.0
"""Real seconds that retention works at a time, and rests when it is through."""

log = structlog.get_logger()


@dataclass
class Timetable:
    """Does each task once in its period; one that fails for a passing reason is tried again."""

    tasks: Tasks
    due: dict[str, float] = field(default_factory=dict)

    def run(self, stop: threading.Event) -> None:
        """Until told to stop."""
        while not stop.wait(self.step()):
            pass

    def step(self) -> float:
        """Do what is due; returns how many seconds later the next is."""
        for name, (period, task) in self.tasks.items():
            if time.monotonic() >= self.due.get(name, 0):
                self.due[name] = time.monotonic() + period
                try:
                    task()
                except (Retry, Full) as error:
                    log.warning("upkeep.retry", task=name, problem=str(error))
        return max(0.0, min(self.due.values()) - time.monotonic())


@dataclass
class Upkeep:
    """What an installation needs besides its parts."""

    site: Installation
    jobs: Jobs
    _retaining: Iterator[int] | None = None
    _rested: float = 0.0

    def of_every_process(self) -> Tasks:
        """What each process that ingests does."""
        return {
            "heartbeat": (0.25 if self.site.simulated else 1.0, self.site.sink.heartbeat),
            "catalogue": (0.5, self.site.watch.refresh),
            "lag": (1.0, self.site.measure_lag),
        }

    def of_one(self) -> Tasks:
        """What one process does for the whole installation."""
        return {"clock": (1.0, self.remember_time)}

    def chores(self) -> Tasks:
        """What one process does for the whole installation and may take its time over: in a thread of its own, so that no
        heartbeat waits for it."""
        return {
            "jobs": (0.5, self.jobs.step),
            "retention": (0.1, self.retain),
            "files": (1.0, lambda: self.nightly.step(SystemClock().now())),
        }

    def remember_time(self) -> None:
        """Where simulated time is."""
        if self.site.simulated:
            self.site.pace.tell(self.site.clock.now())

    @cached_property
    def nightly(self) -> Nightly:
        """Has the store's files forget what is deleted."""
        return Nightly(self.site.database, ZoneInfo(self.site.settings.zone))

    def retain(self) -> None:
        """Take some rows away whose time is over; counts stay. For a spell only: many rows may be due at midnight, and
        neither an erasure nor whoever writes may wait for all of them."""
        began = time.monotonic()
        if self._retaining is None:
            if began < self._rested:
                return
            self._retaining = self._retention()
        while time.monotonic() < began + _SPELL:
            if next(self._retaining, None) is None:
                # At the end, or after an error: whatever is left is done the next time.
                self._retaining, self._rested = None, began + _REST
                return

    def _retention(self) -> Iterator[int]:
        keep = self.site.settings.keep
        own = {source.id: source.retention_days for source in self.site.watch.catalogue().sources.values()}
        terms = terms_of(own, mentions_days=keep.mentions_days, minutes_days=keep.minutes_days)
        return Retention(self.site.database).steps(self.site.clock.now(), terms)


def carry_out_jobs(machine: Machine) -> None:
    """Carry out all open jobs in a folder on which nothing else runs."""
    jobs, lanes = parts.jobs(machine), machine.lanes()
    while jobs.step():
        machine.sink.heartbeat()
        for lane in lanes:
            while lane.step():
                pass
