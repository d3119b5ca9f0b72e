"""Puts the parts of an installation together. Every process makes its own from the same configuration.

What only some processes need (models, language tables) is imported where it is made: the web stays small without it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from ingest.log_sink import LogSink
from ingest.push import PushIntake
from resonance.catalogue import Catalogue
from resonance.clock import Clock, SystemClock
from resonance.engines.embedded_log import EmbeddedLog
from resonance.errors import Unconfigured
from resonance.metrics import Metrics
from resonance.model import micros
from resonance.ports import Backlog, LogReader, LogWriter
from resonance.stores.database import Database
from resonance.stores.entries import Entries
from resonance.stores.erasure import ErasureList, agree
from resonance.stores.ledger import SqlLedger
from services.folder import DataFolder
from services.pace import SharedClock, SharedPace
from services.settings import Configuration, Settings, load, seed_entries

if TYPE_CHECKING:
    from resonance.engines.lane import LaneLoop
    from resonance.engines.watch import CatalogueWatch
    from resonance.scoring import Scorer, Sentiment

LANES = 1
"""Of one machine."""


@dataclass
class Installation(ABC):
    """The parts of an installation, each made when it is first asked for: what is the same on one machine and on a
    cluster."""

    configuration: Configuration

    def __post_init__(self) -> None:
        self.behind = False
        """Whether processing is so far behind the log that pull sources should wait."""

    @property
    def settings(self) -> Settings:
        """All settings."""
        return self.configuration.settings

    @property
    @abstractmethod
    def database(self) -> Database:
        """The store."""

    @property
    @abstractmethod
    def log(self) -> LogWriter:
        """Where envelopes go in."""

    @property
    @abstractmethod
    def author_key(self) -> Callable[[str], bytes]:
        """ "platform:id" → the author's key."""

    @property
    @abstractmethod
    def erasures(self) -> ErasureList:
        """Who was erased, outside the store."""

    @abstractmethod
    def backlog(self) -> Backlog:
        """How far processing is behind the log."""

    @cached_property
    def pace(self) -> SharedPace:
        """How simulated time runs."""
        return SharedPace(self.database)

    @cached_property
    def clock(self) -> Clock:
        """Log time: the demo's, where the store has one; ask only once the store is prepared."""
        pace = self.pace.load()
        return SharedClock(self.pace, pace) if pace else SystemClock()

    @property
    def simulated(self) -> bool:
        """Whether log time is simulated."""
        return isinstance(self.clock, SharedClock)

    @cached_property
    def sink(self) -> LogSink:
        """Where events go in."""
        return LogSink(self.log, self.clock, ingester=self.name)

    @property
    def name(self) -> str:
        """This process among those that ingest and notify."""
        return "local"

    @cached_property
    def intake(self) -> PushIntake:
        """Where pushed events go in."""
        return PushIntake(self.sink, self.clock, self.metrics.unknown_fields.inc)

    @cached_property
    def ledger(self) -> SqlLedger:
        """The process side of the store."""
        return SqlLedger(self.database)

    @cached_property
    def entries(self) -> Entries:
        """The catalogue's rows."""
        return Entries(self.database)

    @property
    def tables(self) -> Path:
        """Where what is made from the packages' tables is kept; may be deleted while nothing runs."""
        return self.settings.data / "tables"

    @cached_property
    def model(self) -> Sentiment:
        """The shipped sentiment model."""
        from resonance.sentiment.linear import LinearModel

        return LinearModel.load()

    @cached_property
    def metrics(self) -> Metrics:
        """The instruments of this process."""
        return Metrics(CollectorRegistry())

    @cached_property
    def watch(self) -> CatalogueWatch:
        """The catalogue as it is now."""
        from resonance.engines.watch import CatalogueWatch
        from resonance.language.detect import LanguageDetector
        from resonance.scoring import Scorer

        detector = LanguageDetector(self.settings.languages)

        def compile(catalogue: Catalogue) -> Scorer:
            return Scorer(catalogue, model=self.model, detector=detector, authors=self.author_key)

        return CatalogueWatch(self.entries.version, self.entries.load, compile)

    def prepare(self) -> None:
        """What has to be there before the first process works: the store, and the catalogue in it."""
        self.open_store()
        self.ledger.open(self.log.lanes)
        agree(self.database, self.erasures, at=self.clock.now())
        self.entries.seed(seed_entries(self.configuration.seed), at=self.clock.now())

    def open_store(self) -> None:
        """Key, migrations, and the facts of the whole store."""
        key = self.author_key("resonance:key-check").hex()
        self.database.migrate()
        known = self.database.meta("key_check")
        if known is None:
            self.database.set_meta("key_check", key)
        elif known != key:
            raise Unconfigured("the installation key is not the one with which these data were written")
        if self.database.meta("incarnation") is None:
            self.database.set_meta("incarnation", self.log.incarnation)
        if self.database.meta("zone") is None:
            self.database.set_meta("zone", self.settings.zone)

    def lane(self, number: int, log: LogReader) -> LaneLoop:
        """The loop over one lane of the log, as `log` reads it."""
        from resonance.engines.lane import LaneLoop

        loop = LaneLoop(log, self.ledger, number, self.watch.scorer, self.ledger.progress, self.metrics)
        loop.now = lambda: micros(self.clock.now())
        return loop

    def measure_lag(self) -> None:
        """Look how far processing is behind, for the metrics and for those who should wait."""
        backlog, limits = self.backlog(), self.settings.limits
        self.metrics.lag_envelopes.set(backlog.envelopes)
        self.metrics.lag_seconds.set(backlog.seconds)
        self.behind = backlog.seconds > limits.backlog_seconds or backlog.envelopes > limits.backlog_envelopes

    def close(self) -> None:
        """Let go of files and connections."""
        if "database" in self.__dict__:
            self.database.close()
        if "log" in self.__dict__:
            self.log.close()  # type: ignore[attr-defined]


@dataclass
class Machine(Installation):
    """The parts of one machine, in its data folder."""

    folder: DataFolder

    @classmethod
    def open(cls, config: Path | None, data: Path | None = None) -> Machine:
        """From a configuration file; raises Invalid or Unconfigured with every reason why not."""
        configuration = load(config, data=data)
        return cls(configuration, DataFolder(configuration.settings.data))

    @cached_property
    def database(self) -> Database:
        """The store."""
        return Database(self.folder.store)

    @cached_property
    def log(self) -> EmbeddedLog:
        """The log."""
        return EmbeddedLog(self.folder.log, LANES)

    @cached_property
    def author_key(self) -> Callable[[str], bytes]:
        """ "platform:id" → the author's key."""
        from resonance.scoring import author_keys

        configured = self.settings.installation_key
        return author_keys(self.folder.installation_key(configured.get_secret_value() if configured else None))

    @cached_property
    def erasures(self) -> ErasureList:
        """In the folder, or where all the installation's processes find it."""
        return ErasureList(self.settings.erased_list or self.folder.erased)

    def backlog(self) -> Backlog:
        """How far processing is behind the log."""
        found = [self.log.backlog(lane, self.ledger.position(lane).offset) for lane in range(self.log.lanes)]
        return Backlog(sum(count for count, _ in found), max((age for _, age in found), default=0.0))

    def lanes(self, *, alone: bool = False) -> list[LaneLoop]:
        """The loops over the log. `alone`: no page waits for the store, so that transactions may be long."""
        loops = [self.lane(number, self.log) for number in range(self.log.lanes)]
        for loop in loops:
            loop.target = 0.5 if alone else loop.target
        return loops

    def trim(self) -> None:
        """Let the log forget what is processed and old enough."""
        for lane in range(self.log.lanes):
            while self.log.trim(lane, self.ledger.position(lane).offset, self.settings.keep.log_hours * 3600):
                pass
