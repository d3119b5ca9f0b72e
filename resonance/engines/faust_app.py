"""One worker of a cluster: Faust brings the lanes that are its own and their envelopes, threads process and evaluate them.

The only door to Faust. It decides nothing: which envelope is next says the store's position, and whoever is not the owner
any more is fenced off by it. Kafka's committed offset is a hint.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import faust
import structlog
from faust.contrib.asgi import faust_app_running
from faust.types import TP

from resonance.brokers import Brokers
from resonance.engines import lanes
from resonance.engines.inbox import Inbox
from resonance.engines.lane import LaneLoop
from resonance.errors import Unconfigured

_STOP_SECONDS = 10.0
_LAST_SECONDS = 5.0
_RETIRE_SECONDS = 1.0
_TICK = 0.2
_SEEK_PAUSE = 1.0
_HINT_SECONDS = 2.0
_SILENT = 2.5
"""Heartbeats come every second: a lane of which nothing is delivered for so long may have been forgotten."""

_THREADS = 2
"""While one waits for the store, the other computes."""

log = structlog.get_logger()


def make_app(brokers: Brokers, group: str, session_seconds: int) -> faust.App:
    """A Faust application that makes no streams and keeps no tables."""
    credentials: Any = None
    context = ssl.create_default_context(cafile=brokers.ca) if brokers.tls else None
    if brokers.user:
        credentials = faust.SASLCredentials(
            username=brokers.user, password=brokers.password, ssl_context=context, mechanism=brokers.mechanism
        )
    elif context is not None:
        credentials = faust.SSLCredentials(context)
    return faust.App(
        group,
        broker=[f"kafka://{address}" for address in brokers.addresses],
        broker_credentials=credentials,
        store="memory://",
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=float(session_seconds),
        broker_heartbeat_interval=max(session_seconds / 5, 0.5),
        # It must not be shorter than the session.
        broker_request_timeout=max(20.0, 2.0 * session_seconds),
        broker_rebalance_timeout=max(20.0, 2.0 * session_seconds),
        # Of itself Faust has nothing to commit.
        broker_commit_interval=10.0,
        broker_max_poll_interval=300.0,
        stream_wait_empty=False,
        # A small buffer stalls the fetcher for a second each time that it is full.
        stream_buffer_maxsize=1024,
        broker_max_poll_records=64,
        consumer_max_fetch_size=8 << 20,
        producer_acks=-1,
    )


@dataclass
class Worker:
    """`make_lane` makes the loop of a lane over the inbox. `parts` are run in threads beside the lanes. `owned` is told,
    and `on_lanes` called, whenever the assignment has changed. `ended` is called just before the process is left."""

    app: faust.App
    stream: str
    inbox: Inbox
    make_lane: Callable[[int], LaneLoop]
    parts: Mapping[str, Callable[[threading.Event], object]]
    on_lanes: Callable[[frozenset[int]], object] = lambda _: None
    ended: Callable[[], object] = lambda: None
    stop: threading.Event = field(default_factory=threading.Event)
    failure: BaseException | None = None
    assigned_at: float | None = None
    """Real time (s) of the newest assignment; None before the first."""
    _lanes: dict[int, LaneLoop] = field(default_factory=dict)
    _sought: dict[int, float] = field(default_factory=dict)
    """Lane → when Faust was told where to go on (monotonic s) …"""
    _due: dict[int, float] = field(default_factory=dict)
    """… and when it is to be told again, if nothing comes until then."""
    _paused: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        # Nothing is acknowledged one by one: see `_tell_kafka`.
        topic = self.app.topic(
            self.stream, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw", acks=False
        )

        async def deliver(stream: Any) -> None:
            async for event in stream.noack().events():
                await self._deliver(event)

        self.app.agent(topic, name="deliver")(deliver)
        self.app.on_partitions_assigned.connect(self._assigned)  # type: ignore[arg-type]
        self.app.on_partitions_revoked.connect(self._revoked)  # type: ignore[arg-type]

    @property
    def lanes(self) -> frozenset[int]:
        """The lanes that are ours."""
        return frozenset(self._lanes)

    @property
    def offsets(self) -> dict[int, int]:
        """Lane → the offset that it has to commit next, of those of ours that know."""
        known = ((number, loop.position) for number, loop in list(self._lanes.items()))
        return {number: position.offset for number, position in known if position is not None}

    # ---- from Faust -----------------------------------------------------------------------------------------

    async def _deliver(self, event: Any) -> None:
        """Into the inbox. Never waits, so that no lane holds up another; never raises: Faust would lose the message."""
        message = event.message
        number = message.tp.partition
        offered = self.inbox.offer(number, message.offset, event.value or b"")
        if offered == "early":
            self._due[number] = min(self._due.get(number, 0.0), self._sought.get(number, 0.0) + _SEEK_PAUSE)
            return
        self._due[number] = time.monotonic() + _SILENT
        if offered == "taken" and self.inbox.crowded(number):
            self._paused.add(number)
            self.app.consumer.pause_partitions({message.tp})

    async def _follow(self) -> None:
        """Have Faust go on where the store does, in lanes of which nothing came for a while, or something too early.

        Right after an assignment that is so in every lane: the store's position may lie before Kafka's committed offset,
        and Faust finds its own place only after it has told the assignment. Later it is so where Faust has fetched
        something and dropped it: it does where a partition was not active at that moment.
        """
        consumer: Any = self.app.consumer
        if self.app.rebalancing or not consumer.flow_active:
            return
        for number in list(self._lanes):
            following, tp = self.inbox.following(number), TP(self.stream, number)
            if number in self._paused:
                if self.inbox.crowded(number, 0.5):
                    continue
                self._paused.discard(number)
                consumer.resume_partitions({tp})
            if following is not None and time.monotonic() >= self._due.get(number, 0.0):
                self._sought[number] = time.monotonic()
                self._due[number] = time.monotonic() + _SILENT
                with suppress(Exception):
                    await consumer.seek(tp, following)
                consumer.resume_partitions({tp})

    async def _assigned(self, _app: object, assigned: set[TP], **_: object) -> None:
        """All lanes that are ours now: Faust takes everything away at each change, and gives it anew."""
        numbers = sorted(tp.partition for tp in assigned if tp.topic == self.stream)
        for number in numbers:
            self._due[number] = self._sought[number] = 0.0
            self._lanes[number] = self.make_lane(number)
            # Wakes whoever works on it.
            self.inbox.empty(number)
        self._paused.clear()
        self.assigned_at = time.time()
        log.info("lanes.assigned", lanes=numbers)
        self.on_lanes(self.lanes)
        # Nothing is delivered before it is known what comes next.
        self.app.consumer.pause_partitions(assigned)

    async def _revoked(self, _app: object, revoked: set[TP], **_: object) -> None:
        gone = [self._lanes.pop(tp.partition) for tp in revoked if tp.partition in self._lanes]
        for loop in gone:
            loop.stopped = True
        self.on_lanes(self.lanes)
        # The next owner claims the lanes: what is under way here should be done by then, but is fenced off if it is not.
        await asyncio.gather(*(asyncio.to_thread(loop.retire, _RETIRE_SECONDS) for loop in gone))

    async def _tell_kafka(self) -> None:
        """Commit where the store is, every now and then: what tools call the group's lag, and a hint for the next owner.

        Faust's own bookkeeping of acknowledged messages would wait for ever for those that a seek has left out.
        """
        consumer: Any = self.app.consumer
        while not self.stop.is_set():
            await asyncio.sleep(_HINT_SECONDS)
            offsets = {TP(self.stream, number): offset for number, offset in self.offsets.items()}
            if offsets and not self.app.rebalancing:
                await consumer._commit(offsets)

    # ---- the process ----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until told to stop; then leaves the process with its exit code: 0, or 1 where something failed.

        It never returns: Faust's threads would be waited for, for ever where a broker is gone.
        """
        code = 0
        threads = [self._thread(f"lanes-{number}", self._work_of(number)) for number in range(_THREADS)]
        threads += [self._thread(name, part) for name, part in self.parts.items()]
        try:
            async with faust_app_running(self.app, stop_timeout=_STOP_SECONDS):
                # A task of its own: it waits while no broker answers.
                telling = asyncio.create_task(self._tell_kafka())
                while not (self.stop.is_set() or self.app.should_stop or self.app.crashed):
                    await self._follow()
                    await asyncio.sleep(_TICK)
                code = int(self.failure is not None or not self.stop.is_set())
                if self.app.crashed:
                    log.error("faust.crashed", problem=repr(self.app.crash_reason))
                self.stop.set()
                # Should even this loop hang.
                watchdog = threading.Timer(_STOP_SECONDS + _LAST_SECONDS, os._exit, [5])
                watchdog.daemon = True
                watchdog.start()
                await asyncio.to_thread(_join, threads)
                telling.cancel()
        except TimeoutError:
            log.warning("faust.slow_stop")
        except Exception:
            log.exception("faust.failed")
            code = 1
        finally:
            self.stop.set()
            _join(threads)
            self.ended()
            os._exit(code)

    def _work_of(self, number: int) -> Callable[[threading.Event], None]:
        def mine() -> list[LaneLoop]:
            return [loop for loop in list(self._lanes.values()) if loop.lane % _THREADS == number]

        return lambda stop: lanes.run(mine, self.inbox, stop)

    def _thread(self, name: str, part: Callable[[threading.Event], object]) -> threading.Thread:
        def guarded() -> None:
            try:
                part(self.stop)
            except BaseException as error:
                self.failure = error
                log.critical("part.failed", part=name, problem=str(error), exc_info=True)
            finally:
                self.stop.set()

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        thread.start()
        return thread


def _join(threads: list[threading.Thread]) -> None:
    """Let transactions that are under way end: bounded, for what is cut off is computed anew."""
    deadline = time.monotonic() + _LAST_SECONDS
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))


async def check_access(brokers: Brokers, seconds: float = 5.0) -> None:
    """Raises Unconfigured, naming the reason, where no broker lets us in or answers in time."""
    from aiokafka.conn import create_conn
    from aiokafka.errors import KafkaError

    reasons = []
    for address in brokers.addresses:
        host, _, port = address.rpartition(":")
        try:
            connection = await asyncio.wait_for(
                create_conn(
                    host,
                    int(port),
                    request_timeout_ms=int(seconds * 1000),
                    security_protocol=brokers.protocol,
                    ssl_context=ssl.create_default_context(cafile=brokers.ca) if brokers.tls else None,
                    sasl_mechanism=brokers.mechanism if brokers.user else None,
                    sasl_plain_username=brokers.user,
                    sasl_plain_password=brokers.password,
                ),
                seconds,
            )
        except (TimeoutError, KafkaError, OSError, ValueError) as error:
            said = f"{type(error).__name__} {error}".strip()
            reasons.append(f"{address}: {said if str(error) else f'no answer within {seconds:g} s'}")
            if "Authentication" in said:
                break
        else:
            connection.close()
            return
    raise Unconfigured(f"Kafka cannot be used: {'; '.join(reasons)}")
