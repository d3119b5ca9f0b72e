"""`resonance work`: processes and evaluates the lanes that Kafka gives to this process."""

from __future__ import annotations

import asyncio
import hashlib
import signal
import threading
from collections.abc import Callable, Mapping

from resonance.engines.evaluator import Evaluator
from resonance.engines.faust_app import Worker, make_app
from resonance.engines.inbox import Inbox
from resonance.engines.lane import LaneLoop
from services import parts
from services.cluster import Cluster
from services.probe import probe
from services.upkeep import Timetable

_TARGET = 0.2
"""Seconds of a transaction: nobody waits for the store's write lock here, and each costs a round to the disk."""

_CATALOGUE_SECONDS, _LAG_SECONDS = 0.9, 5.0


def lane_of_topic(topic: str, lanes: int) -> int:
    """The lane whose owner evaluates the topic."""
    return int.from_bytes(hashlib.blake2b(topic.encode(), digest_size=8).digest(), "big") % lanes


def run(cluster: Cluster) -> None:
    """Until told to stop; then leaves the process with an exit code."""
    cluster.check_stream()
    cluster.await_prepared()
    inbox = Inbox(cluster.log)
    stirred = threading.Event()
    evaluator = parts.evaluator(cluster, stirred)
    worker = Worker(
        app=make_app(cluster.brokers, f"{cluster.settings.namespace}.work", cluster.settings.kafka.session_seconds),
        stream=cluster.stream,
        inbox=inbox,
        make_lane=lambda number: _lane(cluster, number, inbox, stirred.set),
        parts={"evaluate": evaluator.run, "upkeep": lambda stop: timetable.run(stop)},
        on_lanes=lambda lanes: _own(cluster, evaluator, lanes),
        ended=cluster.close,
    )
    timetable = Timetable(
        {
            "catalogue": (_CATALOGUE_SECONDS, cluster.watch.refresh),
            "lag": (_LAG_SECONDS, lambda: measure_lag(cluster, worker.lanes, worker.offsets)),
        }
    )
    with probe(cluster.settings.probe, cluster.metrics.registry, lambda: _why_not(worker)):
        asyncio.run(_until_told(worker))


async def _until_told(worker: Worker) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, worker.stop.set)
    await worker.run()


def _lane(cluster: Cluster, number: int, inbox: Inbox, committed: Callable[[], object]) -> LaneLoop:
    loop = cluster.lane(number, inbox)
    loop.target, loop.size, loop.committed = _TARGET, 500, committed
    return loop


def _own(cluster: Cluster, evaluator: Evaluator, lanes: frozenset[int]) -> None:
    """Evaluate the topics of these lanes from now on."""
    count = cluster.log.lanes
    evaluator.owns = lambda topic: lane_of_topic(topic, count) in lanes
    evaluator.begin_anew()
    cluster.metrics.rebalances.inc()
    cluster.metrics.lanes_owned.set(len(lanes))


def measure_lag(cluster: Cluster, lanes: frozenset[int], offsets: Mapping[int, int]) -> None:
    """How many envelopes of each lane wait. Where it is not known how far one of ours is (the store is away), what was
    known last stands; lanes of others say nothing here."""
    for lane, end in enumerate(cluster.log.ends()):
        gauge = cluster.metrics.lane_lag.labels(str(lane))
        if lane in offsets:
            gauge.set(max(end - offsets[lane], 0))
        elif lane not in lanes:
            gauge.set(0)


def _why_not(worker: Worker) -> str | None:
    if worker.failure is not None:
        return str(worker.failure)
    return None if worker.assigned_at else "no lanes were assigned yet"
