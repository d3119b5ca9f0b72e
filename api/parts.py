"""What the API is made of; handed to it whole, so that it knows no environment and no file."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from resonance.catalogue import Source
from resonance.clock import Clock
from resonance.ports import Backlog, Intake, Sink
from resonance.stores.access_keys import AccessKeys
from resonance.stores.database import Database
from resonance.stores.deliveries import Deliveries
from resonance.stores.entries import Entries
from resonance.stores.expectations import Expectations
from resonance.stores.feed import Feed
from resonance.stores.figures import Figures
from resonance.stores.idempotency import Idempotency
from resonance.stores.incidents import Incidents
from resonance.stores.jobs import JobRows
from resonance.stores.mentions import Mentions
from resonance.stores.outbox import Outbox
from resonance.stores.source_states import SourceStates
from resonance.stores.trials import Trials


@dataclass(frozen=True)
class Play:
    """How a demo stands: whether its time runs, whether its crisis is still to come, whether it is the story without one,
    and whether the other story was asked for and is being prepared."""

    running: bool
    jumpable: bool
    quiet: bool = False
    changing: bool = False


@dataclass(frozen=True)
class Demo:
    """What the page may do with a demo. `jump` goes to where the crisis begins; `change` plays the other story, with the
    crisis or without, None where there is only one here."""

    state: Callable[[], Play]
    pause: Callable[[], None]
    resume: Callable[[], None]
    jump: Callable[[], None]
    change: Callable[[], None] | None = None


@dataclass(frozen=True)
class Parts:
    """Everything the routes need. `metrics` renders Prometheus' text; `await_stored` waits until what is in the log now
    is in the store, and says whether it got there; `pending` tells whether a migration waits; `stopping` ends open streams,
    of which there are at most `streams`; `real` is the wall clock (µs), by
    which deliveries go; `coverage` says in words what such a source can have of its platform, None: everything;
    `secret` gives what stands behind "env:NAME" or "file:/path", or raises Unconfigured;
    `slack_signing` is what Slack signs clicks with, None where there is no app."""

    database: Database
    clock: Clock
    intake: Intake
    sink: Sink
    backlog: Callable[[], Backlog]
    await_stored: Callable[[float], bool]
    metrics: Callable[[], bytes]
    pending: Callable[[], bool]
    free_disk_mb: Callable[[], float] = lambda: float("inf")
    open_loopback: bool = True
    open_everywhere: bool = False
    backlog_seconds: float = 30.0
    backlog_envelopes: int = 20_000
    least_disk_mb: float = 200.0
    pseudonymous: bool = False
    simulated: bool = False
    stopping: Callable[[], bool] = field(default=lambda: False)
    streams: int = 100
    minutes_days: int = 30
    real: Callable[[], int] = lambda: time.time_ns() // 1000
    coverage: Callable[[Source], str | None] = lambda _: None
    secret: Callable[[str], str] = lambda reference: ""
    slack_signing: Callable[[], str | None] = lambda: None
    demo: Demo | None = None

    @cached_property
    def mentions(self) -> Mentions:
        """Reading mentions."""
        return Mentions(self.database)

    @cached_property
    def figures(self) -> Figures:
        """Reading sums."""
        return Figures(self.database, self.minutes_days)

    @cached_property
    def expectations(self) -> Expectations:
        """What is usual."""
        return Expectations(self.database)

    @cached_property
    def trials(self) -> Trials:
        """Test messages to channels."""
        return Trials(self.database)

    @cached_property
    def deliveries(self) -> Deliveries:
        """What became of notifications."""
        return Deliveries(self.database)

    @cached_property
    def outbox(self) -> Outbox:
        """Which channels are off."""
        return Outbox(self.database)

    @cached_property
    def entries(self) -> Entries:
        """The catalogue."""
        return Entries(self.database)

    @cached_property
    def incidents(self) -> Incidents:
        """Alerts and silences."""
        return Incidents(self.database)

    @cached_property
    def states(self) -> SourceStates:
        """How the sources do."""
        return SourceStates(self.database)

    @cached_property
    def jobs(self) -> JobRows:
        """Jobs."""
        return JobRows(self.database)

    @cached_property
    def keys(self) -> AccessKeys:
        """API keys."""
        return AccessKeys(self.database)

    @cached_property
    def idempotency(self) -> Idempotency:
        """What was asked before."""
        return Idempotency(self.database)

    @cached_property
    def feed(self) -> Feed:
        """The change feed."""
        return Feed(self.database)
