"""The stream of envelopes on Kafka: appended by ingest, acknowledged by all in-sync replicas. The only door to kafka-python.

`KafkaStream` is a `resonance.ports.LogWriter`: with it `ingest.log_sink.LogSink` is a sink on Kafka. Workers read by Faust.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic
from kafka.errors import KafkaError, MessageSizeTooLargeError, TopicAlreadyExistsError

from resonance.brokers import Brokers
from resonance.errors import Conflict, Invalid, NotFound, Problem, Retry
from resonance.ports import Backlog

LARGEST = 8 * 1024 * 1024
"""Bytes of the largest record."""

_SECONDS = 20.0
_FETCH_SECONDS = 2.0
WANTED = {
    "retention.ms": str(23 * 3_600_000),
    # A segment is only forgotten as a whole: an hour's, so that nothing outlives its day.
    "segment.ms": "3600000",
    "max.message.bytes": str(LARGEST),
    "cleanup.policy": "delete",
    "message.timestamp.type": "LogAppendTime",
}
"""The stream's settings: platforms oblige us to forget within a day."""


class KafkaStream:
    """Appends envelopes to a stream that exists (else NotFound, as soon as it is needed). Threads may share it.

    It connects when it is first used: who only reads the store need not wait for Kafka.
    """

    def __init__(self, brokers: Brokers, name: str) -> None:
        self._brokers, self._name = brokers, name
        self._lock = threading.Lock()
        self._reader: KafkaConsumer | None = None

    @cached_property
    def described(self) -> Described:
        """The stream as it was when it was first asked for."""
        return describe(self._brokers, self._name)

    @property
    def lanes(self) -> int:
        """How many partitions it has."""
        return self.described.lanes

    @property
    def incarnation(self) -> str:
        """Told apart from a stream that was deleted and made anew."""
        return self.described.incarnation

    @cached_property
    def _producer(self) -> KafkaProducer:
        with _translated():
            return KafkaProducer(
                **_access(self._brokers),
                acks="all",
                enable_idempotence=True,
                linger_ms=5,
                max_block_ms=int(_SECONDS * 1000),
                max_request_size=LARGEST,
                delivery_timeout_ms=int(2 * _SECONDS * 1000),
            )

    def append(self, envelopes: Sequence[tuple[int, bytes]]) -> Callable[[], None]:
        """Append (lane, envelope) in order. Call the answer to wait until all in-sync replicas have them. Raises Retry
        where some may not be there: what is sent again then comes twice, which changes nothing."""
        with self._lock:
            producer = self._producer
        with _translated():
            sent = [producer.send(self._name, value=body, partition=lane) for lane, body in envelopes]

        def wait() -> None:
            with _translated():
                for future in sent:
                    future.get(2 * _SECONDS)

        return wait

    def bounds(self, lane: int) -> tuple[int, int]:
        """The first offset still there and the one after the last."""
        place = TopicPartition(self._name, lane)
        with self._reading() as reader:
            return reader.beginning_offsets([place])[place], reader.end_offsets([place])[place]

    def ends(self) -> list[int]:
        """The offset after the last of each lane."""
        places = [TopicPartition(self._name, lane) for lane in range(self.lanes)]
        with self._reading() as reader:
            found = reader.end_offsets(places)
        return [found[place] for place in places]

    def backlog(self, offsets: Sequence[int]) -> Backlog:
        """How many envelopes wait at or after the offset of each lane, and for how long the oldest of them has."""
        places = {TopicPartition(self._name, lane): offset for lane, offset in enumerate(offsets)}
        with self._reading() as reader:
            ends = reader.end_offsets(list(places))
            behind = {place: offset for place, offset in places.items() if offset < ends[place]}
            oldest = _appended(reader, behind) if behind else None
        waiting = sum(ends[place] - offset for place, offset in behind.items())
        return Backlog(waiting, max(0.0, time.time() - oldest) if oldest is not None else 0.0)

    @contextmanager
    def _reading(self) -> Iterator[KafkaConsumer]:
        """The reader, alone."""
        with self._lock, _translated():
            try:
                if self._reader is None:
                    self._reader = KafkaConsumer(
                        **_access(self._brokers),
                        auto_offset_reset="earliest",
                        enable_auto_commit=False,
                        # A record is fetched only to be asked for its time.
                        max_partition_fetch_bytes=1,
                    )
                yield self._reader
            except KafkaError:
                # One that lost its only broker does not always find it again.
                reader, self._reader = self._reader, None
                if reader is not None:
                    reader.close(autocommit=False)
                raise

    def close(self) -> None:
        """Send what waits and let go of the connections."""
        if "_producer" in self.__dict__:
            self._producer.close(timeout=_SECONDS)
        if self._reader is not None:
            self._reader.close(autocommit=False)


def _appended(reader: KafkaConsumer, wanted: Mapping[TopicPartition, int]) -> float | None:
    """When (s since 1970) the oldest of the records at these offsets was appended; None where they cannot be had in time."""
    reader.assign(list(wanted))
    for place, offset in wanted.items():
        reader.seek(place, offset)
    found: dict[TopicPartition, float] = {}
    deadline = time.monotonic() + _FETCH_SECONDS
    try:
        while len(found) < len(wanted) and (left := deadline - time.monotonic()) > 0:
            for place, records in reader.poll(timeout_ms=int(left * 1000), max_records=1).items():
                found[place] = records[0].timestamp / 1000
                reader.pause(place)
    finally:
        reader.unsubscribe()
    return min(found.values(), default=None)


@dataclass(frozen=True)
class Described:
    """A stream as the brokers have it. `incarnation` is its id: one made anew under the same name has another."""

    incarnation: str
    lanes: int
    replicas: int
    settings: dict[str, str]

    def mistakes(self, lanes: int | None = None) -> list[Problem]:
        """What is not as it has to be."""
        found = [
            Problem(f"is {self.settings.get(name)!r}, not {value!r}", name, "setting")
            for name, value in WANTED.items()
            if self.settings.get(name) != value
        ]
        if lanes is not None and lanes != self.lanes:
            found.append(Problem(f"has {self.lanes} partitions, not {lanes}", "partitions", "partitions"))
        return found


def create(brokers: Brokers, name: str, *, lanes: int, replicas: int) -> bool:
    """Make the stream; False where it is there already. Raises Invalid where that one is not as wanted."""
    with _admin(brokers) as admin:
        settings = {**WANTED, "min.insync.replicas": str(2 if replicas >= 3 else 1)}
        try:
            admin.create_topics([NewTopic(name, lanes, replicas, topic_configs=settings)])
        except TopicAlreadyExistsError:
            mistakes = describe(brokers, name).mistakes(lanes)
            if mistakes:
                raise Invalid(mistakes) from None
            return False
    return True


def describe(brokers: Brokers, name: str) -> Described:
    """The stream as it is; raises NotFound."""
    with _admin(brokers) as admin:
        topic = admin.describe_topics([name])[0]
        if topic["error_code"]:
            raise NotFound(f"there is no stream {name!r}")
        partitions = topic["partitions"]
        settings = _settings(admin, name)
        return Described(str(topic["topic_id"]), len(partitions), len(partitions[0]["replica_nodes"]), settings)


def _access(brokers: Brokers) -> dict[str, Any]:
    """How every client of kafka-python reaches the brokers."""
    found: dict[str, Any] = {
        "bootstrap_servers": list(brokers.addresses),
        "security_protocol": brokers.protocol,
        "request_timeout_ms": int(_SECONDS * 1000),
    }
    if brokers.tls and brokers.ca:
        found["ssl_cafile"] = brokers.ca
    if brokers.user:
        found |= {
            "sasl_mechanism": brokers.mechanism,
            "sasl_plain_username": brokers.user,
            "sasl_plain_password": brokers.password,
        }
    return found


def _settings(admin: KafkaAdminClient, name: str) -> dict[str, str]:
    answer = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    return {key: str(setting["value"]) for key, setting in answer["topic"][name].items()}


@contextmanager
def _admin(brokers: Brokers) -> Iterator[KafkaAdminClient]:
    with _translated():
        # A long-lived one fails after its only broker was restarted.
        admin = KafkaAdminClient(**_access(brokers))
        try:
            yield admin
        finally:
            admin.close()


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the client's errors into what the caller is to do."""
    try:
        yield
    except MessageSizeTooLargeError as error:
        raise Conflict(f"the stream does not take a record of this size: {error}") from error
    except KafkaError as error:
        raise Retry(f"Kafka did not answer: {error}") from error
