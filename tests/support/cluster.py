"""A cluster of real processes on a real Kafka and a real PostgreSQL, and what its store holds."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from kafka.admin import KafkaAdminClient
from prometheus_client.parser import text_string_to_metric_families

from resonance.stores import schema
from resonance.stores.database import Database
from tests.support.process import Up, free_port
from tests.support.recording import record

LANES = 8
KEY = "an installation key of tests"
EVENTS = int(os.environ.get("RESONANCE_TEST_EVENTS", "10000"))
RATE = 700

CATALOGUE = """
[[topics]]
id = "bahn"
name = "Bahn"
query = "bahn"
departments = ["pr"]
valid_from = {start}
[[topics]]
id = "post"
name = "Post"
query = "post"
departments = ["pr"]
valid_from = {start}
[[topics]]
id = "wetter"
name = "Wetter"
query = "wetter"
valid_from = {start}
[[departments]]
id = "pr"
name = "PR"
channels = ["console"]
[[channels]]
id = "console"
kind = "log"
[[rules]]
id = "many"
topics = ["bahn", "post"]
when = {{ kind = "threshold", mentions = 150, window = "5m" }}
[[sources]]
id = "recording"
kind = "replay"
options = {{ file = "{file}", rate = {rate} }}
"""


def catalogue(file: Path, start: datetime, rate: float) -> str:
    """The configuration of a recording's replay."""
    return CATALOGUE.format(file=file, start=start.isoformat(), rate=rate)


@dataclass
class Cluster:
    """Processes by name: "work-1" runs `resonance work`. `lines`: the configuration's head."""

    folder: Path
    brokers: Sequence[str]
    url: str
    config: str
    settings: str = ""
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    probes: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file = self.folder / "resonance.toml"
        addresses = ", ".join(f'"{address}"' for address in self.brokers)
        replicas = min(3, len(self.brokers))
        head = (
            f'installation_key = "{KEY}"\nerased_list = "{self.folder}/erased.list"\ndata = "{self.folder}"\n{self.settings}\n[store]\nurl = "{self.url}"\n[kafka]\nbrokers = [{addresses}]\n'
            f"partitions = {LANES}\nreplicas = {replicas}\nsession_seconds = 6\n"
        )
        self.file.write_text(head + self.config)
        self.schema = next(
            (line.split('"')[1] for line in self.settings.splitlines() if line.startswith("namespace")), "resonance"
        )
        self.stream = f"{self.schema}.mentions.v1"
        self.database = Database(self.url, schema=self.schema)

    def run(self, *words: str) -> None:
        """A command that ends."""
        done = subprocess.run(self._command(*words), capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "services", *words, "--config", str(self.file)]

    def start(self, *names: str) -> None:
        """Start processes."""
        for name in names:
            words = [name.partition("-")[0]]
            port = self.probes.setdefault(name, free_port())
            environment = os.environ | {"RESONANCE_PROBE__PORT": str(port)}
            with (self.folder / f"{name}.txt").open("ab") as out:
                self.processes[name] = subprocess.Popen(self._command(*words), stdout=out, stderr=out, env=environment)

    def shown(self, name: str) -> frozenset[str]:
        """The names under which a process shows what it counts."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.probes[name]}/metrics", timeout=10) as answer:
            families = text_string_to_metric_families(answer.read().decode())
        return frozenset(sample.name for family in families for sample in family.samples)

    def positions(self) -> dict[int, int]:
        """Lane → the offset up to which the store has it."""
        with self.database.read() as connection:
            rows = connection.exec_driver_sql('SELECT lane, "offset" FROM position').all()
        return {row.lane: row.offset for row in rows}

    def committed(self) -> dict[int, int]:
        """Lane → the offset that the workers have committed to Kafka."""
        admin = KafkaAdminClient(bootstrap_servers=list(self.brokers))
        group = f"{self.schema}.work"
        offsets = admin.list_group_offsets(group)[group]
        admin.close()
        return {place.partition: known.offset for place, known in offsets.items()}

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a process."""
        self.processes[name].send_signal(number)

    def kill(self, name: str) -> None:
        """kill -9."""
        self.processes[name].kill()
        self.processes[name].wait()

    def end(self, name: str, seconds: float = 20) -> int:
        """SIGTERM; returns the exit code."""
        self.processes[name].terminate()
        return self.processes[name].wait(seconds)

    def stop(self) -> None:
        """End what still runs."""
        running = [process for process in self.processes.values() if process.poll() is None]
        for process in running:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.database.close()

    def output(self) -> str:
        """What all processes said last."""
        return "\n".join(f"== {file.stem}\n{file.read_text()[-3000:]}" for file in sorted(self.folder.glob("*.txt")))

    def until(self, reached: Callable[[], bool], seconds: float = 240) -> None:
        """Wait for it."""
        deadline = time.monotonic() + seconds
        while not reached():
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.2)

    def stored(self) -> int:
        """How many mentions were ever seen."""
        return int(self.one("SELECT count(*) FROM identity") or 0)

    def one(self, query: str) -> Any:
        """A single value; None while there is no such table."""
        try:
            with self.database.engine.connect() as connection:
                return connection.scalar(sa.text(query))
        except sa.exc.ProgrammingError:
            return None

    def caught_up(self, last: datetime) -> bool:
        """Whether every lane has seen all of the recording, and no reply has to look at its root any more."""
        seen = f"SELECT count(*) = {LANES} FROM position WHERE progress > {_micros(last) + 120_000_000}"
        return bool(self.one(seen)) and self.settled()

    def settled(self) -> bool:
        """Whether no reply has to look at its root any more."""
        return bool(self.one("SELECT count(*) FROM orphan WHERE kind = 'child'") == 0)


def _micros(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000)


@dataclass
class Story:
    """A recording, and what one machine makes of it."""

    file: Path
    start: datetime
    last: datetime
    expected: dict[str, list[tuple[Any, ...]]]
    events: int = EVENTS

    @classmethod
    def told(cls, folder: Path) -> Story:
        """Record it, and have one machine work on it."""
        start = datetime.now(UTC) - timedelta(seconds=EVENTS + 2000)
        file = folder / "events.jsonl"
        last = record(file, start, EVENTS)
        expected = truth(folder / "truth", catalogue(file, start - timedelta(minutes=5), 0), last)
        assert len(expected["mention"]) > EVENTS / 5
        assert len(expected["alert"]) == 1
        return cls(file, start, last, expected)

    def cluster(self, folder: Path, brokers: Sequence[str], url: str) -> Cluster:
        """A cluster that has been told to read it, with its stream."""
        namespace = f'namespace = "t{random.randrange(10**9)}"'
        config = catalogue(self.file, self.start - timedelta(minutes=5), RATE)
        made = Cluster(folder, brokers, url, config, settings=namespace)
        made.run("streams", "create")
        return made

    def await_share(self, cluster: Cluster, part: float) -> None:
        """Wait until about this part of the recording is stored."""
        cluster.until(lambda: cluster.stored() >= part * 0.7 * EVENTS)

    def same(self, cluster: Cluster) -> None:
        """Wait for the end of the recording; then everything is equal."""
        cluster.until(lambda: cluster.caught_up(self.last))
        deadline = time.monotonic() + 20
        while (found := contents(cluster.database)) != self.expected and time.monotonic() < deadline:
            time.sleep(0.5)
        for name, rows in self.expected.items():
            missing, more = sorted(set(rows) - set(found[name])), sorted(set(found[name]) - set(rows))
            assert not missing and not more, (
                f"{name}: {len(missing)} missing: {missing[:4]}, {len(more)} more: {more[:4]}"
            )


def truth(folder: Path, config: str, last: datetime) -> dict[str, list[tuple[Any, ...]]]:
    """What one machine makes of the same recording."""
    up = Up(folder, config=f'installation_key = "{KEY}"\n' + config)
    try:
        up.wait_ready()
        deadline = time.monotonic() + 120
        while not up.rows(f"SELECT 1 FROM position WHERE progress > {_micros(last) + 120_000_000}"):
            assert time.monotonic() < deadline, up.output.read_text()
            time.sleep(0.2)
        while not up.rows("SELECT 1 FROM alert WHERE state = 'resolved'") or up.rows(
            "SELECT 1 FROM orphan WHERE kind = 'child' LIMIT 1"
        ):
            assert time.monotonic() < deadline, up.output.read_text()
            time.sleep(0.2)
    finally:
        up.stop()
    database = Database(f"sqlite:///{folder / 'data' / 'store.db'}")
    try:
        return contents(database)
    finally:
        database.close()


def contents(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that must be equal: lanes added up; row keys, epochs, positions and delivery times left out. When a
    repost arrives for its root's words depends on when the root is found: only the weather is ever inherited."""
    identity, mention, match = schema.identity.c, schema.mention.c, schema.match.c
    window, arrival, alert, box = schema.window.c, schema.arrival.c, schema.alert.c, schema.outbox.c
    sums = [sa.func.sum(schema.window.c[name]) for name in schema.COUNTS]
    cell = (window.topic, window.resolution, window.bucket, window.environment, window.voice)
    minute = (arrival.topic, arrival.version, arrival.platform, arrival.minute)
    queries = {
        "identity": sa.select(
            identity.id,
            identity.placed_at,
            identity.observed_at,
            identity.stamp_at,
            identity.stamp_version,
            identity.stamp_content,
            identity.deleted_at,
            identity.row != 0,
        ),
        "mention": sa.select(*(column for column in schema.mention.c if column.name not in ("row", "logged_at"))),
        "match": sa.select(mention.id, *(column for column in schema.match.c if column.name != "row")).where(
            match.row == mention.row
        ),
        "window": sa.select(*cell, *sums).group_by(*cell).having(sums[0] > 0),
        "arrival": sa.select(*minute, sa.func.sum(arrival.mentions)).where(arrival.topic != "wetter").group_by(*minute),
        "alert": sa.select(alert.id, alert.fingerprint, alert.rule, alert.topic, alert.state, alert.bucket),
        "outbox": sa.select(box.idempotency_key, box.channel, box.grouping, box.alert, box.kind),
    }
    found = {}
    with database.read() as connection:
        for name, query in queries.items():
            found[name] = sorted(_plain(row) for row in connection.execute(query))
    return found


def _plain(row: Sequence[Any]) -> tuple[Any, ...]:
    """Comparable: None sorts, numbers of either database are equal."""
    return tuple(
        "" if value is None else str(int(value)) if isinstance(value, bool | int) or _whole(value) else str(value)
        for value in row
    )


def _whole(value: Any) -> bool:
    return hasattr(value, "as_integer_ratio") and value == int(value)
