"""A real Kafka for tests, in a temporary folder."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka import KafkaConsumer, TopicPartition

from deploy.native.kafka import Brokers, Unavailable


@contextmanager
def running(
    count: int = 1, settings: dict[str, str] | None = None, format_with: tuple[str, ...] = ()
) -> Iterator[Brokers]:
    """Brokers for as long as the block lasts; skips the test where they cannot be had."""
    folder = Path(tempfile.mkdtemp(prefix="resonance-kafka-"))
    try:
        try:
            brokers = Brokers(folder, count, settings, format_with)
        except Unavailable as error:
            pytest.skip(str(error))
        brokers.start()
        try:
            yield brokers
        finally:
            brokers.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def contents(addresses: Sequence[str], stream: str, lane: int) -> list[bytes]:
    """Everything that lies in a partition now, in order."""
    place = TopicPartition(stream, lane)
    consumer = KafkaConsumer(bootstrap_servers=list(addresses), auto_offset_reset="earliest")
    consumer.assign([place])
    end, found = consumer.end_offsets([place])[place], []
    while len(found) < end:
        for records in consumer.poll(1000).values():
            found += [record.value for record in records]
    consumer.close()
    return found
