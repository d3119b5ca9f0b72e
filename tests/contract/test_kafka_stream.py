"""The stream on a real Kafka, beside what every log promises: made as it has to be, refused where it is not as wanted."""

from __future__ import annotations

import signal
import time
import zlib

import pytest

from deploy.native.kafka import Brokers
from ingest.kafka_sink import KafkaStream, create, describe
from resonance import brokers as access
from resonance.errors import Invalid, NotFound, Retry
from resonance.ports import Backlog
from tests.support.kafka import contents

pytestmark = [
    pytest.mark.cluster,
    # kafka-python leaves the sockets of a failed bootstrap to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def brokers(broker: Brokers) -> access.Brokers:
    """How it is reached."""
    return access.Brokers(broker.addresses)


@pytest.fixture
def name(brokers: access.Brokers, request: pytest.FixtureRequest) -> str:
    made = f"mentions.{zlib.crc32(request.node.name.encode())}"
    assert create(brokers, made, lanes=4, replicas=1)
    return made


def test_a_stream_is_made_once_and_a_wrong_one_is_refused_with_every_mistake(
    brokers: access.Brokers, name: str
) -> None:
    assert not create(brokers, name, lanes=4, replicas=1)
    with pytest.raises(Invalid, match="4 partitions, not 8"):
        create(brokers, name, lanes=8, replicas=1)
    assert describe(brokers, name).mistakes(4) == []
    with pytest.raises(NotFound, match="nowhere"):
        assert KafkaStream(brokers, "nowhere").lanes


def test_the_backlog_is_what_lies_after_the_offsets_and_as_old_as_it_has_waited(
    brokers: access.Brokers, name: str
) -> None:
    stream = KafkaStream(brokers, name)
    begun = time.time()
    stream.append([(lane, b"first") for lane in range(3)])()
    time.sleep(1.5)
    stream.append([(lane, b"second") for lane in range(3)] * 2)()
    assert stream.backlog([3, 3, 3, 0]) == Backlog(0, 0.0)
    fresh, old = stream.backlog([1, 2, 3, 0]), stream.backlog([1, 0, 3, 0])
    assert (fresh.envelopes, old.envelopes) == (3, 5)
    assert 0 <= fresh.seconds < fresh.seconds + 1.4 <= old.seconds <= time.time() - begun
    stream.close()


def test_a_broker_that_is_gone_says_try_again_and_its_return_is_enough(
    broker: Brokers, brokers: access.Brokers, name: str
) -> None:
    stream = KafkaStream(brokers, name)
    stream.append([(0, b"before")])()
    broker.nodes[0].stop(signal.SIGKILL)
    with pytest.raises(Retry):
        KafkaStream(brokers, name).bounds(0)
    broker.nodes[0].start()
    stream.append([(0, b"after")])()
    stream.close()
    assert contents(broker.addresses, name, 0) == [b"before", b"after"]
