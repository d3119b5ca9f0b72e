"""Real Kafka brokers in KRaft mode on loopback, from Maven's packages: for trials and tests, not for a data centre."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from deploy.native.ports import free_port

_HERE = Path(__file__).parent
_JVM = ["-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
_SECONDS = 60


class Unavailable(Exception):
    """What is needed is not installed here, and how it would be."""


def jars() -> Path:
    """The folder of the broker's jars, fetched once a machine; raises Unavailable where that cannot be done."""
    if not (shutil.which("java") and shutil.which("mvn")):
        raise Unavailable("Kafka needs java and mvn (Debian: apt-get install default-jre-headless maven)")
    pom = _HERE / "pom.xml"
    version = hashlib.sha256(pom.read_bytes()).hexdigest()[:12]
    target = Path.home() / ".cache" / "resonance" / f"kafka-{version}"
    if not target.exists():
        fetched = target.with_name(f"{target.name}.{os.getpid()}")
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={fetched}", "-DincludeScope=runtime"]
        done = subprocess.run(
            ["mvn", "-B", "-q", "-f", str(pom), *goal], capture_output=True, text=True, timeout=600, check=False
        )
        if done.returncode:
            raise Unavailable(f"Kafka's packages cannot be fetched: {done.stdout[-500:]}")
        with suppress(OSError):
            fetched.rename(target)
    return target


@dataclass
class Broker:
    """One node; `address` is host:port. `settings` win over those that all nodes have; {port} and {controller} in them are
    its ports."""

    number: int
    folder: Path
    lib: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    controller: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where clients find it."""
        return f"127.0.0.1:{self.port}"

    @property
    def file(self) -> Path:
        """Its settings."""
        return self.folder / f"kafka-{self.number}.properties"

    @property
    def log(self) -> Path:
        """What it says."""
        return self.folder / f"kafka-{self.number}.log"

    def configure(self, nodes: int, controllers: str) -> None:
        """Write its settings."""
        replicas, in_sync = min(nodes, 3), 2 if nodes >= 3 else 1
        lines = {
            "process.roles": "broker,controller",
            "node.id": str(self.number),
            "controller.quorum.bootstrap.servers": controllers,
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://127.0.0.1:{self.controller}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": str(self.folder / f"kafka-{self.number}"),
            "default.replication.factor": str(replicas),
            "min.insync.replicas": str(in_sync),
            "offsets.topic.replication.factor": str(replicas),
            "offsets.topic.num.partitions": "5",
            "transaction.state.log.replication.factor": str(replicas),
            "transaction.state.log.min.isr": str(in_sync),
            "transaction.state.log.num.partitions": "5",
            "share.coordinator.state.topic.replication.factor": str(replicas),
            "share.coordinator.state.topic.min.isr": str(in_sync),
            "group.initial.rebalance.delay.ms": "0",
            "group.min.session.timeout.ms": "1000",
            "broker.session.timeout.ms": "3000",
            "broker.heartbeat.interval.ms": "500",
            "auto.create.topics.enable": "false",
            "log.cleaner.dedupe.buffer.size": "4194304",
            "log.segment.bytes": "67108864",
            "num.network.threads": "2",
            "num.io.threads": "4",
            **{name: value.format(port=self.port, controller=self.controller) for name, value in self.settings.items()},
        }
        self.file.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))

    def launch(self) -> None:
        """Start it, without waiting."""
        self.log.write_text("")
        with self.log.open("ab") as stream:
            self.process = subprocess.Popen(
                command(self.lib, "kafka.Kafka", str(self.file)), stdout=stream, stderr=stream, start_new_session=True
            )

    def await_started(self) -> None:
        """Until it serves: its own word, for a connection succeeds earlier."""
        deadline = time.monotonic() + _SECONDS
        while "Kafka Server started" not in self.log.read_text(errors="replace"):
            if self.process is None or self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the broker did not start: {self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)

    def start(self) -> None:
        """Start it and wait until it serves."""
        self.launch()
        self.await_started()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop and wait; SIGKILL is a crash."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def command(lib: Path, *arguments: str) -> list[str]:
    """A program of Kafka's."""
    logging = f"-Dlog4j2.configurationFile=file:{_HERE / 'log4j2.properties'}"
    return ["java", *_JVM, logging, "-cp", f"{lib}/*", *arguments]


def run(lib: Path, *arguments: str) -> str:
    """Run a program of Kafka's that ends; returns what it said."""
    done = subprocess.run(command(lib, *arguments), capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise RuntimeError(f"{arguments}: {done.stdout}{done.stderr}")
    return done.stdout


class Brokers:
    """Some nodes that keep each other's copies, all of them brokers and controllers. A folder that holds their data
    already is taken up again."""

    def __init__(
        self, folder: Path, count: int, settings: dict[str, str] | None = None, format_with: tuple[str, ...] = ()
    ) -> None:
        lib = jars()
        folder.mkdir(parents=True, exist_ok=True)
        known = [file.read_text() for file in sorted(folder.glob("kafka-*.properties"))]
        self.nodes = [Broker(number, folder, lib, settings or {}) for number in range(1, count + 1)]
        if len(known) == count:
            for node, text in zip(self.nodes, known, strict=True):
                listeners = next(line for line in text.splitlines() if line.startswith("listeners="))
                node.port, node.controller = (int(part.rpartition(":")[2]) for part in listeners.split(","))
            return
        controllers = ",".join(f"127.0.0.1:{node.controller}" for node in self.nodes)
        cluster = run(lib, "kafka.tools.StorageTool", "random-uuid").strip()
        initial = ",".join(
            f"{node.number}@127.0.0.1:{node.controller}:{run(lib, 'kafka.tools.StorageTool', 'random-uuid').strip()}"
            for node in self.nodes
        )
        for node in self.nodes:
            node.configure(count, controllers)
            how = ("--initial-controllers", initial) if count > 1 else ("--standalone",)
            run(lib, "kafka.tools.StorageTool", "format", "-t", cluster, *how, "-c", str(node.file), *format_with)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where clients find them."""
        return tuple(node.address for node in self.nodes)

    def start(self) -> None:
        """All of them; they need each other."""
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.await_started()

    def stop(self) -> None:
        """All at once: one that is left without the others waits for minutes."""
        running = [node.process for node in self.nodes if node.process is not None and node.process.poll() is None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + 10
        for process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
