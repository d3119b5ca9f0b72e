"""`make soak`: a cluster under a steady load for MINUTES (15), with a fault in each; what it ends with.

The faults come in random order, each kind once before any comes again. SEED (1) chooses the order and whom they hit,
RATE (100) the mentions per second, BROKERS (3) how many there are. It ends with 1 where a mention is missing, the lag does
not return to 0, or a process grew by more than a tenth after its first two minutes.
"""

from __future__ import annotations

import os
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.made import mention, query
from benchmarks.row import say
from deploy.native.kafka import Brokers as Nodes
from ingest.kafka_sink import KafkaStream
from ingest.log_sink import LogSink
from resonance.brokers import Brokers
from resonance.clock import SystemClock
from resonance.errors import ResonanceError
from resonance.model import Upsert
from tests.support import kafka, postgres
from tests.support.cluster import LANES, Cluster

_WORKERS = ("work-1", "work-2")
_PROCESSES = (*_WORKERS, "ingest-1", "notify-1", "serve-1")
_WARM, _SAMPLE = 120.0, 5.0
_ASLEEP, _DOWN = 9.0, 5.0
"""Seconds that a worker sleeps (its session lasts 6), and that a server stays away."""

_GROWTH = 0.10
_DRAIN = 120.0


@dataclass
class Sizes:
    """The resident memory of every process by name and pid: (age in s, MB)."""

    cluster: Cluster
    seen: dict[tuple[str, int], list[tuple[float, float]]] = field(default_factory=dict)
    born: dict[int, float] = field(default_factory=dict)

    def look(self) -> None:
        """One more sample of each."""
        for name, process in list(self.cluster.processes.items()):
            with suppress(OSError, StopIteration):
                lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
                size = next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))
                age = time.monotonic() - self.born.setdefault(process.pid, time.monotonic())
                self.seen.setdefault((name, process.pid), []).append((age, size))

    def now(self) -> str:
        """What each is now."""
        latest = {name: samples[-1][1] for (name, _), samples in self.seen.items()}
        return ", ".join(f"{name} {size:.0f}" for name, size in sorted(latest.items()))

    def growth(self) -> dict[tuple[str, int], tuple[float, float, float]]:
        """Name and pid → MB after the first two minutes, MB at the end, minutes of life; of those that lived for five."""
        found = {}
        for who, samples in self.seen.items():
            age = samples[-1][0]
            if age >= _WARM + 180:
                first = statistics.median(size for at, size in samples if _WARM <= at < _WARM + 60)
                last = statistics.median(size for at, size in samples if at >= age - 60)
                found[who] = (first, last, age / 60)
        return found


@dataclass
class Soak:
    """`sent` are the mentions that the stream has acknowledged."""

    cluster: Cluster
    nodes: Nodes
    server: postgres.Server
    sink: LogSink
    stream: KafkaStream
    rate: int
    dice: random.Random
    sent: int = 0
    stop: threading.Event = field(default_factory=threading.Event)

    def load(self) -> None:
        """A tenth of a second's mentions at a time, each until it is acknowledged."""
        number, due = 0, time.monotonic()
        while not self.stop.is_set():
            batch = [Upsert(mention=mention(number + n, matched=True)) for n in range(self.rate // 10)]
            while not self.stop.is_set():
                try:
                    self.sink.write(batch, source="soak")
                    break
                except ResonanceError as error:
                    say(f"the stream did not take it: {error}")
                    time.sleep(0.5)
            else:
                return
            number += len(batch)
            self.sent = number
            due += 0.1
            time.sleep(max(0.0, due - time.monotonic()))

    def faults(self) -> Iterator[Callable[[], str]]:
        """What happens, minute after minute, for ever: each does it and says what it was."""
        kinds = [self._worker_killed, self._worker_rolled, self._worker_asleep, self._postgres_crashes]
        kinds += [lambda: self._killed("ingest-1"), lambda: self._killed("serve-1")]
        if len(self.nodes.nodes) > 1:
            kinds.append(self._broker_killed)
        while True:
            yield from self.dice.sample(kinds, len(kinds))

    def _killed(self, name: str) -> str:
        self.cluster.kill(name)
        time.sleep(1)
        self.cluster.start(name)
        return f"kill -9 of {name}"

    def _worker_killed(self) -> str:
        return self._killed(self.dice.choice(_WORKERS))

    def _worker_rolled(self) -> str:
        name = self.dice.choice(_WORKERS)
        self.cluster.end(name)
        self.cluster.start(name)
        return f"SIGTERM of {name}"

    def _worker_asleep(self) -> str:
        name = self.dice.choice(_WORKERS)
        self.cluster.signal(name, signal.SIGSTOP)
        time.sleep(_ASLEEP)
        self.cluster.signal(name, signal.SIGCONT)
        return f"{name} asleep for {_ASLEEP:g} s"

    def _broker_killed(self) -> str:
        node = self.dice.choice(self.nodes.nodes)
        node.stop(signal.SIGKILL)
        time.sleep(_DOWN)
        node.start()
        return f"kill -9 of broker {node.number}"

    def _postgres_crashes(self) -> str:
        self.server.stop("immediate")
        self.cluster.database.close()
        time.sleep(_DOWN)
        self.server.start()
        return "PostgreSQL crashes"

    def lag(self) -> int | None:
        """Envelopes that wait; None while it cannot be told."""
        try:
            with self.cluster.database.read() as connection:
                rows = connection.exec_driver_sql('SELECT "offset" FROM position ORDER BY lane').scalars().all()
            return self.stream.backlog(list(rows)).envelopes if len(rows) == LANES else None
        except Exception:
            return None


def main(environment: Mapping[str, str]) -> int:
    """Run it; returns the exit code."""
    minutes, seed = float(environment.get("MINUTES", "15")), int(environment.get("SEED", "1"))
    rate, brokers = int(environment.get("RATE", "100")), int(environment.get("BROKERS", "3"))
    with kafka.running(brokers) as nodes, postgres.running() as server, tempfile.TemporaryDirectory() as name:
        config = "".join(f'[[topics]]\nid = "t{n}"\nname = "T{n}"\nquery = \'{query(n)}\'\n' for n in range(50))
        cluster = Cluster(Path(name), nodes.addresses, server.url(), config, 'namespace = "soak"')
        cluster.run("streams", "create")
        stream = KafkaStream(Brokers(nodes.addresses), cluster.stream)
        soak = Soak(cluster, nodes, server, LogSink(stream, SystemClock()), stream, rate, random.Random(seed))
        try:
            return _run(soak, minutes)
        finally:
            soak.stop.set()
            cluster.stop()
            stream.close()


def _run(soak: Soak, minutes: float) -> int:
    cluster, sizes = soak.cluster, Sizes(soak.cluster)
    cluster.start(*_PROCESSES)
    loading = threading.Thread(target=soak.load, daemon=True)
    loading.start()
    begun = time.monotonic()
    for minute, fault in zip(range(1, int(minutes) + 1), soak.faults(), strict=False):
        while time.monotonic() < begun + (minute - 0.75) * 60:
            sizes.look()
            time.sleep(_SAMPLE)
        what = fault()
        while time.monotonic() < begun + minute * 60:
            sizes.look()
            time.sleep(_SAMPLE)
        dead = [name for name, process in cluster.processes.items() if process.poll() is not None]
        waiting = f"{soak.lag()} envelopes wait{f'; DEAD: {dead}' if dead else ''}"
        say(f"minute {minute}: {what}; {soak.sent} sent, {waiting}; MB: {sizes.now()}")
        cluster.start(*dead)
    soak.stop.set()
    loading.join()
    return _verdict(soak, sizes)


def _verdict(soak: Soak, sizes: Sizes) -> int:
    ended = time.monotonic()
    while soak.lag() != 0 and time.monotonic() < ended + _DRAIN:
        time.sleep(0.5)
    drained = time.monotonic() - ended
    stored = int(soak.cluster.one("SELECT count(*) FROM identity WHERE row > 0") or 0)
    counted = int(soak.cluster.one('SELECT sum(mentions) FROM "window" WHERE resolution = 900') or 0)
    say(
        f"no envelope waits {drained:.1f} s after the last was sent"
        if drained < _DRAIN
        else "the lag did not return to 0"
    )
    say(f"{soak.sent} mentions sent, {stored} stored, {counted} counted")
    grown = False
    for (name, pid), (first, last, age) in sorted(sizes.growth().items()):
        grown |= abs(last / first - 1) > _GROWTH
        say(
            f"{name} ({pid}, {age:.0f} min): {first:.0f} MB after two minutes, {last:.0f} MB at the end ({last / first - 1:+.0%})"
        )
    return int(grown or drained >= _DRAIN or not soak.sent == stored == counted)


if __name__ == "__main__":
    sys.exit(main(os.environ))
