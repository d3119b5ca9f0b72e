"""The stream on a real Kafka: made as it has to be, appended in order, refused where it is not as wanted."""

from __future__ import annotations

import gc
import signal
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from kafka import KafkaConsumer, TopicPartition

from deploy.native.kafka import Brokers
from ingest.kafka_sink import KafkaStream, create, describe
from ingest.log_sink import LogSink
from ingest.placement import lane_of
from resonance import brokers as access
from resonance.clock import SystemClock
from resonance.errors import Invalid, NotFound, Retry
from resonance.model import Mention, Upsert
from resonance.ports import Backlog
from resonance.wire import decode_envelope, decode_event
from tests.support.kafka import running
from tests.support.machine import at

pytestmark = [
    pytest.mark.cluster,
    # kafka-python leaves the sockets of a failed bootstrap to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@dataclass
class Broker:
    """A running one, and how it is reached."""

    kafka: Brokers
    brokers: access.Brokers


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with running() as made:
        yield Broker(made, access.Brokers(made.addresses))
        gc.collect()


@pytest.fixture
def name(broker: Broker, request: pytest.FixtureRequest) -> str:
    made = f"mentions.{zlib.crc32(request.node.name.encode())}"
    assert create(broker.brokers, made, lanes=4, replicas=1)
    return made


def read(broker: Broker, name: str, lane: int) -> list[bytes]:
    place = TopicPartition(name, lane)
    consumer = KafkaConsumer(bootstrap_servers=list(broker.kafka.addresses), auto_offset_reset="earliest")
    consumer.assign([place])
    end, found = consumer.end_offsets([place])[place], []
    while len(found) < end:
        for records in consumer.poll(1000).values():
            found += [record.value for record in records]
    consumer.close()
    return found


def test_a_stream_is_made_once_and_a_wrong_one_is_refused_with_every_mistake(broker: Broker, name: str) -> None:
    assert not create(broker.brokers, name, lanes=4, replicas=1)
    with pytest.raises(Invalid, match="4 partitions, not 8"):
        create(broker.brokers, name, lanes=8, replicas=1)
    assert describe(broker.brokers, name).mistakes(4) == []
    with pytest.raises(NotFound, match="nowhere"):
        assert KafkaStream(broker.brokers, "nowhere").lanes


def test_envelopes_lie_in_their_lanes_in_order_when_append_returns(broker: Broker, name: str) -> None:
    stream = KafkaStream(broker.brokers, name)
    stream.append([(0, b"a"), (1, b"x"), (0, b"b")])()
    stream.append([(0, b"c" * 2_000_000)])()
    assert [stream.bounds(lane) for lane in range(4)] == [(0, 3), (0, 1), (0, 0), (0, 0)]
    stream.close()
    assert [body[:1] for body in read(broker, name, 0)] == [b"a", b"b", b"c"]


def test_the_backlog_is_what_lies_after_the_offsets_and_as_old_as_it_has_waited(broker: Broker, name: str) -> None:
    stream = KafkaStream(broker.brokers, name)
    stream.append([(lane, b"first") for lane in range(3)])()
    time.sleep(1.5)
    stream.append([(lane, b"second") for lane in range(3)] * 2)()
    assert stream.backlog([3, 3, 3, 0]) == Backlog(0, 0.0)
    fresh, old = stream.backlog([1, 2, 3, 0]), stream.backlog([1, 0, 3, 0])
    assert (fresh.envelopes, old.envelopes) == (3, 5)
    assert 0 <= fresh.seconds < 1.4 <= old.seconds < 10
    stream.close()


def test_the_sink_puts_each_mention_where_every_client_would_and_loses_none_of_several_threads(
    broker: Broker, name: str
) -> None:
    stream = KafkaStream(broker.brokers, name)
    sink = LogSink(stream, SystemClock())

    def write(part: int) -> None:
        for start in range(part, 400, 40):
            sink.write([said(number) for number in range(start, start + 10)], source="test")

    threads = [threading.Thread(target=write, args=(part,)) for part in (0, 10, 20, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sink.heartbeat()
    stream.close()
    found: dict[str, int] = {}
    for lane in range(4):
        for body in read(broker, name, lane):
            for raw in decode_envelope(body).events:
                event = decode_event(raw)
                assert isinstance(event, Upsert)
                found[event.mention.id] = lane
    assert found == {f"test:{number}": lane_of(f"test:{number}", 4) for number in range(400)}


def test_a_broker_that_is_gone_says_try_again_and_its_return_is_enough(broker: Broker, name: str) -> None:
    stream = KafkaStream(broker.brokers, name)
    stream.append([(0, b"before")])()
    broker.kafka.nodes[0].stop(signal.SIGKILL)
    with pytest.raises(Retry):
        KafkaStream(broker.brokers, name).bounds(0)
    broker.kafka.nodes[0].start()
    stream.append([(0, b"after")])()
    stream.close()
    assert read(broker, name, 0) == [b"before", b"after"]


def said(number: int) -> Upsert:
    return Upsert(
        mention=Mention(id=f"test:{number}", platform="test", source="test", text="die bahn", published_at=at(0))
    )
