"""Each log that there is, as those see it who write it, and what lies in it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kafka.admin import KafkaAdminClient

from ingest.kafka_sink import KafkaStream, create
from resonance.brokers import Brokers
from resonance.engines.embedded_log import EmbeddedLog
from resonance.ports import LogWriter
from tests.support.kafka import contents

LANES = 3
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Opened:
    """`read` gives what lies in a lane, in order; `again` opens the same log as another process would; `anew` deletes it,
    and makes one of the same name."""

    log: LogWriter
    read: Callable[[int], list[bytes]]
    again: Callable[[], LogWriter]
    anew: Callable[[], LogWriter]


@contextmanager
def embedded(folder: Path) -> Iterator[Opened]:
    """In a file of its own."""
    file = folder / "log.db"
    opened: list[EmbeddedLog] = []

    def again() -> EmbeddedLog:
        opened.append(EmbeddedLog(file, LANES))
        return opened[-1]

    def anew() -> EmbeddedLog:
        for log in opened:
            log.close()
        for part in folder.glob("log.db*"):
            part.unlink()
        return again()

    log = again()
    yield Opened(log, lambda lane: [body for _, body in log.read(lane, 0, 100_000)], again, anew)
    for each in opened:
        each.close()


@contextmanager
def on_kafka(addresses: tuple[str, ...]) -> Iterator[Opened]:
    """A stream of its own."""
    brokers, name = Brokers(addresses), f"contract.{os.getpid()}.{next(_numbers)}"
    opened: list[KafkaStream] = []

    def again() -> KafkaStream:
        opened.append(KafkaStream(brokers, name))
        return opened[-1]

    def anew() -> KafkaStream:
        admin = KafkaAdminClient(bootstrap_servers=list(addresses))
        admin.delete_topics([name])
        admin.close()
        create(brokers, name, lanes=LANES, replicas=1)
        return again()

    create(brokers, name, lanes=LANES, replicas=1)
    yield Opened(again(), lambda lane: contents(addresses, name, lane), again, anew)
    for each in opened:
        each.close()
