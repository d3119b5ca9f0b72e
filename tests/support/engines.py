"""Each engine that there is, as processes: `resonance up` on its file, `resonance work` on Kafka and PostgreSQL."""

from __future__ import annotations

import itertools
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ingest.kafka_sink import KafkaStream
from ingest.log_sink import LogSink
from resonance.brokers import Brokers
from resonance.clock import SystemClock
from resonance.engines.embedded_log import EmbeddedLog
from resonance.ports import LogWriter
from resonance.stores.database import Database
from tests.support.cluster import KEY, Cluster
from tests.support.process import Up

CONFIG = """
[[topics]]
id = "post"
name = "Post"
query = "post"
departments = ["pr"]
[[departments]]
id = "pr"
name = "PR"
channels = ["console"]
[[channels]]
id = "console"
kind = "log"
[[rules]]
id = "many"
when = { kind = "threshold", mentions = 20, window = "5m" }
"""
_numbers = itertools.count(1)


class Engine(ABC):
    """Works on what lies in its log, once started."""

    @abstractmethod
    def start(self) -> None:
        """Start it, as often as it was ended or killed."""

    @abstractmethod
    def end(self) -> int:
        """Ask it to stop; returns its exit code."""

    @abstractmethod
    def kill(self) -> None:
        """kill -9."""

    @abstractmethod
    def ended(self) -> int | None:
        """The exit code of one that stopped by itself; None while it runs."""

    @abstractmethod
    def output(self) -> str:
        """What it said."""

    database: Database
    log: LogWriter

    @cached_property
    def sink(self) -> LogSink:
        """Where the test writes."""
        return LogSink(self.log, SystemClock())

    def one(self, query: str) -> Any:
        """A single value."""
        with self.database.read() as connection:
            return connection.scalar(sa.text(query))

    def until(self, reached: Callable[[], object], seconds: float = 120) -> None:
        """Wait for it."""
        deadline = time.monotonic() + seconds
        while not reached():
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.1)

    def caught_up(self) -> None:
        """Wait until everything that lies in the log now was committed."""
        ends = self.log.ends()
        position = 'SELECT "offset" FROM position WHERE lane = {}'
        self.until(lambda: all((self.one(position.format(lane)) or 0) >= end for lane, end in enumerate(ends)))

    @abstractmethod
    def close(self) -> None:
        """End it, whatever its state."""


class Local(Engine):
    """One process for all of it."""

    def __init__(self, folder: Path) -> None:
        self._up = Up(folder, config=f'installation_key = "{KEY}"\n{CONFIG}')
        self._up.wait_ready()
        self.database = Database(f"sqlite:///{folder / 'data' / 'store.db'}")
        self.log = EmbeddedLog(folder / "data" / "log.db")

    def start(self) -> None:
        if self._up.process.poll() is not None:
            self._up.again()

    def end(self) -> int:
        self._up.stop()
        return int(self._up.process.returncode)

    def kill(self) -> None:
        self._up.kill("up")
        self._up.process.wait()

    def ended(self) -> int | None:
        return self._up.process.poll()

    def output(self) -> str:
        return self._up.output.read_text()

    def close(self) -> None:
        self.database.close()
        self.log.close()  # type: ignore[attr-defined]
        self._up.stop()


class OnFaust(Engine):
    """A worker of a cluster; an ingester beside it tells the time."""

    def __init__(self, folder: Path, brokers: tuple[str, ...], url: str) -> None:
        namespace = f'namespace = "engine{os.getpid()}n{next(_numbers)}"'
        self._cluster = Cluster(folder, brokers, url, CONFIG, settings=namespace)
        self._cluster.run("streams", "create")
        self.database = self._cluster.database
        self.log = KafkaStream(Brokers(brokers), self._cluster.stream)
        self._cluster.start("work", "ingest")
        self._cluster.until(lambda: bool(self._cluster.one("SELECT count(*) = 8 FROM position WHERE epoch > 0")))

    def start(self) -> None:
        self._cluster.start("work")

    def end(self) -> int:
        return self._cluster.end("work")

    def kill(self) -> None:
        self._cluster.kill("work")

    def ended(self) -> int | None:
        return self._cluster.processes["work"].poll()

    def output(self) -> str:
        return self._cluster.output()

    def close(self) -> None:
        self._cluster.stop()
        self.log.close()  # type: ignore[attr-defined]
