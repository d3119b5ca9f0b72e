"""The parts of a cluster: the stream on Kafka, the store on PostgreSQL. Any number of processes of each kind share them."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import structlog

from ingest.kafka_sink import KafkaStream
from resonance.brokers import Brokers
from resonance.catalogue import Source
from resonance.errors import InvalidSetting, Problem, Unconfigured
from resonance.ports import Backlog
from resonance.stores.database import Database
from resonance.stores.erasure import ErasureList
from services.build import Installation
from services.settings import Settings, load

_LOOK_SECONDS = 1.0
_BACKLOG_SECONDS = 0.5

log = structlog.get_logger()


@dataclass
class Cluster(Installation):
    """One process' view of it."""

    _backlog: tuple[float, Backlog] = (-_BACKLOG_SECONDS, Backlog(0, 0.0))

    @classmethod
    def open(cls, config: Path | None, **given: Any) -> Cluster:
        """From a configuration file, over which `given` wins; raises InvalidSetting naming all that is missing for a
        cluster."""
        configuration = load(config, **given)
        settings = configuration.settings
        needed = {
            "kafka.brokers": bool(settings.kafka.brokers),
            "store.url": settings.store.url is not None,
            "installation_key": settings.installation_key is not None,
            "erased_list": settings.erased_list is not None,
        }
        missing = [Problem("a cluster needs it", name, "missing") for name, given in needed.items() if not given]
        if missing:
            raise InvalidSetting(missing)
        return cls(configuration)

    @cached_property
    def name(self) -> str:
        """This process, told apart from all others that ever were."""
        return f"{socket.gethostname()}-{os.getpid()}-{os.urandom(3).hex()}"

    @cached_property
    def brokers(self) -> Brokers:
        """How Kafka is reached."""
        return brokers_of(self.settings)

    @property
    def stream(self) -> str:
        """The stream's name."""
        return stream_of(self.settings)

    @cached_property
    def database(self) -> Database:
        """The store, in a schema of the namespace's name."""
        url = self.settings.store.url
        assert url is not None
        return Database(url.get_secret_value(), schema=self.settings.namespace)

    @cached_property
    def log(self) -> KafkaStream:
        """The stream."""
        return KafkaStream(self.brokers, self.stream)

    @cached_property
    def author_key(self) -> Callable[[str], bytes]:
        """ "platform:id" → the author's key."""
        from resonance.scoring import author_keys

        key = self.settings.installation_key
        assert key is not None
        return author_keys(key.get_secret_value().encode())

    @cached_property
    def erasures(self) -> ErasureList:
        """Where all processes that may prepare the installation find it."""
        assert self.settings.erased_list is not None
        return ErasureList(self.settings.erased_list)

    def prepare(self) -> None:
        """The store, the stream's lanes and the catalogue; whichever process comes first does it."""
        with self.database.alone("prepare"):
            super().prepare()

    @property
    def demo(self) -> Source | None:
        """The source of a demonstration, where the configuration has one."""
        found = (source for source in self.configuration.seed.sources.values() if source.kind == "demo")
        return next(found, None)

    def await_prepared(self) -> None:
        """Prepare the installation, or where it demonstrates wait until ingest has: only that knows the demo's time."""
        if self.demo is None:
            self.prepare()
            return
        while not self._is_prepared():
            log.info("waiting", until="`resonance ingest` has prepared the demonstration")
            time.sleep(_LOOK_SECONDS)

    def _is_prepared(self) -> bool:
        with self.database.alone("prepare"):
            self.database.migrate()
            return self.pace.load() is not None and self.entries.version() > 0

    def check_access(self) -> None:
        """Raises Unconfigured where Kafka does not let us in: within seconds, which kafka-python does not."""
        from resonance.engines.faust_app import check_access

        asyncio.run(check_access(self.brokers))

    def check_stream(self) -> None:
        """Raises Unconfigured where Kafka does not let us in, has no stream, or not the one that is needed."""
        self.check_access()
        mistakes = self.log.described.mistakes()
        if mistakes:
            raise Unconfigured(f"the stream {self.stream} is not as it has to be: {'; '.join(map(str, mistakes))}")

    def backlog(self) -> Backlog:
        """How far processing is behind the stream; asked for by every push, found out twice a second."""
        asked, found = self._backlog
        if time.monotonic() - asked >= _BACKLOG_SECONDS:
            found = self.log.backlog([self.ledger.position(lane).offset for lane in range(self.log.lanes)])
            self._backlog = time.monotonic(), found
        return found


def brokers_of(settings: Settings) -> Brokers:
    """How Kafka is reached."""
    kafka = settings.kafka
    return Brokers(
        addresses=kafka.brokers,
        tls=kafka.tls,
        ca=str(kafka.ca) if kafka.ca else None,
        user=kafka.user,
        password=kafka.password.get_secret_value(),
        mechanism=kafka.mechanism,
    )


def stream_of(settings: Settings) -> str:
    """The stream's name on Kafka: prefixed, so that installations may share brokers."""
    return f"{settings.namespace}.{settings.kafka.stream}"
