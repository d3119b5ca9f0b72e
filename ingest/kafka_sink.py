"""The stream of envelopes on Kafka: appended by ingest, acknowledged by all in-sync replicas. The only door to kafka-python.

`KafkaStream` is a `resonance.ports.LogWriter`: with it `ingest.log_sink.LogSink` is a sink on Kafka. Workers read by Faust.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic
from kafka.errors import KafkaError, MessageSizeTooLargeError, TopicAlreadyExistsError

from resonance.errors import Conflict, Invalid, NotFound, Problem, Retry

LARGEST = 8 * 1024 * 1024
"""Bytes of the largest record."""

_SECONDS = 20.0
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
    """Appends envelopes to a stream that exists (else NotFound). Threads may share it."""

    def __init__(self, brokers: Sequence[str], name: str) -> None:
        self._brokers, self._name = list(brokers), name
        found = describe(brokers, name)
        self.lanes, self.incarnation = found.lanes, found.incarnation
        with _translated():
            self._producer = KafkaProducer(
                bootstrap_servers=self._brokers,
                acks="all",
                enable_idempotence=True,
                linger_ms=5,
                max_block_ms=int(_SECONDS * 1000),
                max_request_size=LARGEST,
                request_timeout_ms=int(_SECONDS * 1000),
                delivery_timeout_ms=int(2 * _SECONDS * 1000),
            )

    def append(self, envelopes: Sequence[tuple[int, bytes]]) -> None:
        """Append (lane, envelope) in order; on return all in-sync replicas have them. Raises Retry where some may not be
        there: what is sent again then comes twice, which changes nothing."""
        with _translated():
            sent = [self._producer.send(self._name, value=body, partition=lane) for lane, body in envelopes]
            self._producer.flush(2 * _SECONDS)
            for future in sent:
                future.get(_SECONDS)

    def bounds(self, lane: int) -> tuple[int, int]:
        """The first offset still there and the one after the last."""
        return bounds(self._brokers, self._name)[lane]

    def close(self) -> None:
        """Send what waits and let go of the connections."""
        self._producer.close(timeout=_SECONDS)


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


def create(brokers: Sequence[str], name: str, *, lanes: int, replicas: int) -> bool:
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


def describe(brokers: Sequence[str], name: str) -> Described:
    """The stream as it is; raises NotFound."""
    with _admin(brokers) as admin:
        topic = admin.describe_topics([name])[0]
        if topic["error_code"]:
            raise NotFound(f"there is no stream {name!r}")
        partitions = topic["partitions"]
        settings = _settings(admin, name)
        return Described(str(topic["topic_id"]), len(partitions), len(partitions[0]["replica_nodes"]), settings)


def bounds(brokers: Sequence[str], name: str) -> list[tuple[int, int]]:
    """Lane → the first offset still there and the one after the last."""
    with _translated():
        consumer = KafkaConsumer(bootstrap_servers=list(brokers), request_timeout_ms=int(_SECONDS * 1000))
        try:
            lanes = sorted(consumer.partitions_for_topic(name) or ())
            places = [TopicPartition(name, lane) for lane in lanes]
            first, after = consumer.beginning_offsets(places), consumer.end_offsets(places)
            return [(first[place], after[place]) for place in places]
        finally:
            consumer.close()


def _settings(admin: KafkaAdminClient, name: str) -> dict[str, str]:
    answer = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
    return {key: str(setting["value"]) for key, setting in answer["topic"][name].items()}


@contextmanager
def _admin(brokers: Sequence[str]) -> Iterator[KafkaAdminClient]:
    with _translated():
        # A long-lived one fails after its only broker was restarted.
        admin = KafkaAdminClient(bootstrap_servers=list(brokers), request_timeout_ms=int(_SECONDS * 1000))
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
