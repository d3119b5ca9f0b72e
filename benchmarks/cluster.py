"""`make bench-cluster`: real Kafka, real PostgreSQL, real worker processes; each figure beside a baseline of the same run."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from kafka import KafkaConsumer, TopicPartition
from msgspec import structs

from benchmarks.made import mention, query
from benchmarks.path import measure as measure_path
from benchmarks.row import Row, percentile, rates, say
from ingest.kafka_sink import KafkaStream
from ingest.log_sink import LogSink
from resonance.access import SYSTEM
from resonance.brokers import Brokers
from resonance.catalogue import Catalogue, Source, Topic
from resonance.clock import SystemClock
from resonance.language.detect import LanguageDetector
from resonance.model import Upsert
from resonance.scoring import Scorer, author_keys
from resonance.sentiment.linear import LinearModel
from resonance.stores import schema
from resonance.stores.entries import Entries
from resonance.wire import decode_envelope, decode_event
from tests.support import kafka, postgres
from tests.support.cluster import LANES, Cluster

_BATCH = 500
QUIET, MATCHING = 60_000, 12_000
_CHANGES = 30
SESSION = 6
"""Seconds, as `tests.support.cluster` sets it."""


def measure() -> list[Row]:
    """Every row, on one broker."""
    with kafka.running() as brokers, postgres.running() as server, tempfile.TemporaryDirectory() as name:
        folder, reach = Path(name), Brokers(brokers.addresses)

        @contextmanager
        def cluster(part: str, topics: int, rule: str = "") -> Iterator[tuple[Cluster, LogSink]]:
            config = "".join(_topic(number) for number in range(topics)) + rule
            made = Cluster(folder / part, brokers.addresses, server.url(), config, f'namespace = "bench_{part}"')
            made.run("streams", "create")
            stream = KafkaStream(reach, f"bench_{part}.mentions.v1")
            try:
                yield made, LogSink(stream, SystemClock())
            finally:
                made.stop()
                stream.close()

        return [
            *_quiet(cluster, reach),
            *_matching(cluster),
            *_alerts(cluster),
            *_catalogue(cluster),
            *_takeover(cluster),
            *_idle(cluster),
        ]


def _topic(number: int) -> str:
    return f'[[topics]]\nid = "t{number}"\nname = "T{number}"\nquery = \'{query(number)}\'\n'


Made = Callable[..., object]


def _write(sink: LogSink, count: int, *, matched: bool) -> None:
    for first in range(0, count, _BATCH):
        events = [Upsert(mention=mention(n, matched=matched)) for n in range(first, min(first + _BATCH, count))]
        sink.write(events, source="bench")


def _drained(cluster: Cluster, workers: Sequence[str], envelopes: int) -> float:
    """Start workers; seconds from the first envelope that they take to the last."""
    cluster.start(*workers)
    began = 0.0
    while (done := int(cluster.one('SELECT coalesce(sum("offset"), 0) FROM position') or 0)) < envelopes:
        if done and not began:
            began = time.perf_counter()
        assert all(cluster.processes[name].poll() is None for name in workers), cluster.output()
        time.sleep(0.02)
    return time.perf_counter() - began


def _quiet(cluster: Made, reach: Brokers) -> list[Row]:
    say("nothing matches: one worker, 1,000 topics")
    with cluster("quiet", 1000) as (made, sink):  # type: ignore[attr-defined]
        _write(sink, QUIET, matched=False)
        name = "bench_quiet.mentions.v1"
        ends = [KafkaStream(reach, name).bounds(lane)[1] for lane in range(LANES)]
        consumer = KafkaConsumer(bootstrap_servers=list(reach.addresses), auto_offset_reset="earliest")
        consumer.assign([TopicPartition(name, lane) for lane in range(LANES)])
        bodies: list[bytes] = []

        def fetch() -> None:
            while len(bodies) < sum(ends):
                for records in consumer.poll(1000).values():
                    bodies.extend(record.value for record in records)

        fetched, _ = rates(QUIET, fetch)
        consumer.close(autocommit=False)
        events = [event for body in bodies for event in decode_envelope(body).events]
        decoded, _ = rates(QUIET, lambda: [decode_event(raw) for raw in events])
        mentions = [decode_event(raw).mention for raw in events]  # type: ignore[union-attr]
        judge = _scorer(1000)
        matched, _ = rates(QUIET, lambda: judge.read(mentions))
        parts = 1 / (1 / fetched + 1 / decoded + 1 / matched)
        seconds = _drained(made, ["work-1"], sum(ends))
        what = "mentions that match none of 1,000 topics, through one worker"
        return [Row(what, QUIET / seconds, "mentions/s", "fetched, decoded, matched alone", parts, parts / 2)]


def _scorer(topics: int) -> Scorer:
    known = {f"t{n}": Topic(id=f"t{n}", name=f"T{n}", query=query(n)) for n in range(topics)}
    catalogue = Catalogue(version=1, topics=known, sources={"bench": Source(id="bench")})
    return Scorer(
        catalogue, model=LinearModel.load(), detector=LanguageDetector(("de", "en")), authors=author_keys(b"bench")
    )


def _matching(cluster: Made) -> list[Row]:
    say("everything matches: one worker, then two")
    figures, spread = [], 0.0
    for workers in (1, 2):
        with cluster(f"match{workers}", 50) as (made, sink):  # type: ignore[attr-defined]
            _write(sink, MATCHING, matched=True)
            ends = [sink._log.bounds(lane)[1] for lane in range(LANES)]
            spread = max(abs(end - sum(ends) / LANES) for end in ends) / (sum(ends) / LANES)
            seconds = _drained(made, [f"work-{number + 1}" for number in range(workers)], sum(ends))
            figures.append(MATCHING / seconds)
    embedded = next(row for row in measure_path(6_000) if isinstance(row, Row) and "SQLite" in row.what)
    least = max(1000.0, 0.6 * embedded.value)
    return [
        Row(
            "matched mentions into PostgreSQL, one worker",
            figures[0],
            "mentions/s",
            "into SQLite",
            embedded.value,
            least,
        ),
        Row("the same, two workers on these cores", figures[1], "mentions/s", "one worker", figures[0]),
        Row("envelopes a partition, farthest from the mean", spread * 100, "%", "allowed", 10, 10, most=True),
    ]


def _alerts(cluster: Made) -> list[Row]:
    say("from seen to an alert's row, at 300 matched mentions/s")
    rule = '[[rules]]\nid = "any"\nwhen = { kind = "threshold", mentions = 5, window = "5m" }\n'
    with cluster("alerts", 50, rule) as (made, sink):  # type: ignore[attr-defined]
        made.start("work-1")
        made.until(lambda: bool(made.one("SELECT count(*) = 8 FROM position WHERE epoch > 0")))
        for _ in range(20):
            sink.heartbeat()
            time.sleep(0.1)
        seen: dict[str, float] = {}
        fired: dict[str, float] = {}
        number, started = 0, time.time()
        while time.time() - started < 45 and len(fired) < 50:
            # A topic begins to be talked of each half second.
            topics = min(50, 1 + int((time.time() - started) * 2))
            events = [
                Upsert(mention=mention(n, matched=True, at=datetime.now(UTC), topics=topics))
                for n in range(number, number + 15)
            ]
            number += 15
            now = time.time()
            for event in events:
                topic = f"t{int(next(w for w in event.mention.text.split() if w.startswith('marke'))[5:])}"
                count = sum(1 for name in seen if name.startswith(f"{topic}@"))
                if count < 5:
                    seen[f"{topic}@{count}"] = now
            sink.write(events, source="bench")
            with made.database.read() as connection:
                rows = connection.scalars(sa.select(schema.alert.c.topic)).all()
            fired.update({topic: time.time() for topic in rows if topic not in fired})
            time.sleep(max(0.0, started + number / 300 - time.time()))
        latencies = [at - seen[f"{topic}@4"] for topic, at in fired.items() if f"{topic}@4" in seen]
    baseline = "half a second's poll"
    return [
        Row("seen → alert row, p50", percentile(latencies, 50), "s", baseline, 0.5, 1.0, most=True),
        Row(
            f"seen → alert row, p99 of {len(latencies)}", percentile(latencies, 99), "s", baseline, 0.5, 2.0, most=True
        ),
    ]


def _catalogue(cluster: Made) -> list[Row]:
    say("a topic changes, at 300 matched mentions/s: when the last lane of two workers commits under it")
    with cluster("catalogue", 50) as (made, sink):  # type: ignore[attr-defined]
        made.start("work-1", "work-2")
        made.until(lambda: bool(made.one("SELECT count(*) = 8 FROM position WHERE epoch > 0")))
        stop = threading.Event()
        loading = threading.Thread(target=_steadily, args=(sink, 300, stop))
        loading.start()
        # The second worker has joined, and every lane goes on.
        time.sleep(10)
        entries, latencies = Entries(made.database), []
        for number in range(_CHANGES):
            time.sleep(1 + number % 7 / 10)
            known = entries.get("topic", f"t{number}")
            changed = structs.replace(known.entry, query=f"{query(number)} OR anders{number}")
            began = time.perf_counter()
            entries.replace("topic", changed, revision=known.revision, actor=SYSTEM, at=datetime.now(UTC))
            live = f"SELECT count(*) = {LANES} FROM position WHERE catalogue_version = {entries.version()}"
            while not made.one(live):
                time.sleep(0.01)
            latencies.append(time.perf_counter() - began)
        stop.set()
        loading.join()
    baseline = "half a second's poll"
    return [
        Row("topic changed → live in every lane, p50", percentile(latencies, 50), "s", baseline, 0.5),
        Row(f"the same, worst of {_CHANGES}", max(latencies), "s", baseline, 0.5, 2.0, most=True),
    ]


def _steadily(sink: LogSink, rate: int, stop: threading.Event) -> None:
    """Write so many matched mentions a second until told to stop."""
    number, due = 0, time.monotonic()
    while not stop.is_set():
        at = datetime.now(UTC)
        batch = range(number, number + rate // 10)
        sink.write([Upsert(mention=mention(n, matched=True, at=at)) for n in batch], source="bench")
        number, due = batch.stop, due + 0.1
        stop.wait(max(0.0, due - time.monotonic()))


def _takeover(cluster: Made) -> list[Row]:
    say("kill -9 of a worker: how long a lane stands still")
    with cluster("takeover", 5) as (made, sink):  # type: ignore[attr-defined]
        made.start("work-1", "work-2")
        made.until(lambda: bool(made.one("SELECT count(*) = 8 FROM position WHERE epoch > 0")))
        moved: dict[int, tuple[int, float]] = {}
        longest, killed, started = 0.0, False, time.monotonic()
        while time.monotonic() - started < 60:
            sink.heartbeat()
            with made.database.read() as connection:
                position = schema.position.c
                rows = connection.execute(sa.select(position.lane, position.offset)).all()
            now = time.monotonic()
            for lane, offset in rows:
                if lane not in moved or moved[lane][0] != offset:
                    if killed and lane in moved:
                        longest = max(longest, now - moved[lane][1])
                    moved[lane] = offset, now
            if not killed and now - started > 25:
                made.kill("work-2")
                killed = True
            time.sleep(0.1)
    return [
        Row(
            "takeover after kill -9: longest pause of a lane",
            longest,
            "s",
            "the session timeout",
            SESSION,
            SESSION + 10,
            most=True,
        )
    ]


def _idle(cluster: Made) -> list[Row]:
    say("an idle worker with 1,000 topics")
    with cluster("idle", 1000) as (made, sink):  # type: ignore[attr-defined]
        made.start("work-1")
        made.until(lambda: bool(made.one("SELECT count(*) = 8 FROM position WHERE epoch > 0")))
        samples = []
        for second in range(40):
            sink.heartbeat()
            if second in (15, 39):
                samples.append((time.monotonic(), _cpu_seconds(made.processes["work-1"].pid)))
            time.sleep(1)
    share = (samples[1][1] - samples[0][1]) / (samples[1][0] - samples[0][0])
    return [Row("idle worker with 1,000 topics", share * 100, "% of a core", "allowed", 3, 3, most=True)]


def _cpu_seconds(pid: int) -> float:
    """What a process's threads have computed, as the scheduler counts it: short wakings-up escape the clock's ticks."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9
