"""What has to be done once a second: heartbeats, the catalogue, the demo's clock, lag, retention, jobs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from resonance.clock import SimulatedClock, SystemClock
from resonance.engines.jobs import Jobs
from resonance.errors import Full, Retry
from resonance.model import micros
from resonance.stores.retention import Retention
from services.build import Machine

log = structlog.get_logger()


@dataclass
class Upkeep:
    """Each task has its own period in real seconds; a task that fails for a passing reason is tried again."""

    machine: Machine
    jobs: Jobs
    due: dict[str, float] = field(default_factory=dict)

    def run(self, stop: threading.Event) -> None:
        """Until told to stop; the clock's place is kept at the end, too."""
        tasks: dict[str, tuple[float, Callable[[], object]]] = {
            "heartbeat": (0.25 if isinstance(self.machine.clock, SimulatedClock) else 1.0, self.machine.sink.heartbeat),
            "catalogue": (0.5, self.machine.watch.refresh),
            "pace": (1.0, self.keep_pace),
            "lag": (1.0, self.measure_lag),
            "jobs": (0.5, self.jobs.step),
            "trim": (60.0, self.trim),
            "retention": (600.0, self.retain),
        }
        while not stop.wait(0.05):
            for name, (period, task) in tasks.items():
                if time.monotonic() >= self.due.get(name, 0):
                    self.due[name] = time.monotonic() + period
                    try:
                        task()
                    except (Retry, Full) as error:
                        log.warning("upkeep.retry", task=name, problem=str(error))
        self.keep_pace()

    def keep_pace(self) -> None:
        """Remember where simulated time is."""
        clock = self.machine.clock
        if isinstance(clock, SimulatedClock):
            self.machine.folder.keep_pace(clock.pace.resumed(clock.now(), SystemClock().now()))

    def measure_lag(self) -> None:
        """How far processing is behind the log."""
        counts, ages = [], []
        for lane in range(self.machine.log.lanes):
            count, age = self.machine.log.backlog(lane, self.machine.ledger.position(lane).offset)
            counts.append(count)
            ages.append(age)
        self.machine.metrics.lag_envelopes.set(sum(counts))
        self.machine.metrics.lag_seconds.set(max(ages, default=0.0))
        limits = self.machine.configuration.settings.limits
        self.machine.behind = max(ages, default=0.0) > limits.backlog_seconds or sum(counts) > limits.backlog_envelopes

    def trim(self) -> None:
        """Let the log forget what is processed and old enough."""
        keep = self.machine.configuration.settings.keep.log_hours * 3600
        for lane in range(self.machine.log.lanes):
            while self.machine.log.trim(lane, self.machine.ledger.position(lane).offset, keep):
                pass

    def retain(self) -> None:
        """Take rows away whose time is over; counts stay."""
        keep = self.machine.configuration.settings.keep
        now = self.machine.clock.now()
        Retention(self.machine.database).run(
            now=micros(now),
            mentions_before=micros(now - timedelta(days=keep.mentions_days)),
            minutes_before=micros(now - timedelta(days=keep.minutes_days)),
        )


def carry_out_jobs(machine: Machine) -> None:
    """Carry out all open jobs in a folder on which nothing else runs."""
    jobs = Jobs(machine.database, machine.sink, machine.log, machine.ledger, machine.clock)
    lanes = machine.lanes()
    while jobs.step():
        machine.sink.heartbeat()
        for lane in lanes:
            while lane.step():
                pass
