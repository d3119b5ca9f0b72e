"""Puts the parts of one machine together. Every process makes its own from the same folder and configuration.

What only the engine needs (models, language tables) is imported where it is made: the web stays small without it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from prometheus_client import CollectorRegistry

from ingest.log_sink import LogSink
from ingest.push import PushIntake
from resonance.catalogue import Catalogue
from resonance.clock import Clock, SimulatedClock, SystemClock
from resonance.engines.embedded_log import EmbeddedLog
from resonance.errors import Unconfigured
from resonance.metrics import Metrics
from resonance.model import micros
from resonance.stores.database import Database
from resonance.stores.entries import Entries
from resonance.stores.ledger import SqlLedger
from services.folder import DataFolder
from services.settings import Configuration, load, seed_entries

if TYPE_CHECKING:
    from resonance.engines.local import LaneLoop
    from resonance.engines.watch import CatalogueWatch
    from resonance.scoring import Scorer, Sentiment

log = structlog.get_logger()
LANES = 1


@dataclass
class Machine:
    """The parts of one machine, each made when it is first asked for."""

    configuration: Configuration
    folder: DataFolder
    behind: bool = False
    """Whether processing is so far behind the log that pull sources should wait."""

    @classmethod
    def open(cls, config: Path | None, data: Path | None = None) -> Machine:
        """From a configuration file; raises Invalid or Unconfigured with every reason why not."""
        configuration = load(config, data=data)
        return cls(configuration, DataFolder(configuration.settings.data))

    @cached_property
    def clock(self) -> Clock:
        """Log time: the demo's, where the folder has one."""
        pace = self.folder.pace()
        return SimulatedClock(pace) if pace else SystemClock()

    @cached_property
    def database(self) -> Database:
        """The store."""
        return Database(self.folder.store)

    @cached_property
    def log(self) -> EmbeddedLog:
        """The log."""
        return EmbeddedLog(self.folder.log, LANES)

    @cached_property
    def sink(self) -> LogSink:
        """Where events go in."""
        return LogSink(self.log, self.clock, ingester="local")

    @cached_property
    def intake(self) -> PushIntake:
        """Where pushed events go in."""
        return PushIntake(self.sink, self.clock)

    @cached_property
    def ledger(self) -> SqlLedger:
        """The process side of the store."""
        return SqlLedger(self.database)

    @cached_property
    def entries(self) -> Entries:
        """The catalogue's rows."""
        return Entries(self.database)

    @cached_property
    def author_key(self) -> Callable[[str], bytes]:
        """ "platform:id" → the author's key."""
        from resonance.scoring import author_keys

        configured = self.configuration.settings.installation_key
        return author_keys(self.folder.installation_key(configured.get_secret_value() if configured else None))

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

        detector = LanguageDetector(self.configuration.settings.languages)

        def compile(catalogue: Catalogue) -> Scorer:
            return Scorer(catalogue, model=self.model, detector=detector, authors=self.author_key)

        return CatalogueWatch(self.entries.version, self.entries.load, compile)

    def prepare(self) -> None:
        """Key, migrations, seed: what has to be there before the first process works."""
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
            self.database.set_meta("zone", self.configuration.settings.zone)
        self.entries.seed(seed_entries(self.configuration.seed), at=self.clock.now())

    def lanes(self, *, alone: bool = False) -> list[LaneLoop]:
        """The loops over the log. `alone`: no page waits for the store, so that transactions may be long."""
        from resonance.engines.local import LaneLoop

        loops = [
            LaneLoop(self.log, self.ledger, lane, self.watch.scorer, self.ledger.progress, self.metrics)
            for lane in range(LANES)
        ]
        for loop in loops:
            loop.target = 0.5 if alone else loop.target
            loop.now = lambda: micros(self.clock.now())
        return loops

    def close(self) -> None:
        """Let go of files."""
        if "database" in self.__dict__:
            self.database.close()
        if "log" in self.__dict__:
            self.log.close()
