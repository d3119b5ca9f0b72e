"""A real Kafka for tests: brokers in KRaft mode on loopback, from Maven's packages, in a temporary folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from resonance.brokers import Brokers
from tests.support.postgres import free_port

_DEPLOY = Path(__file__).parents[2] / "deploy" / "kafka"
_JVM = ["-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
_SECONDS = 60


def jars() -> Path:
    """The folder of the broker's jars, fetched once a machine; skips the test where that cannot be done."""
    if not (shutil.which("java") and shutil.which("mvn")):
        pytest.skip("Kafka needs java and mvn (Debian: apt-get install default-jre-headless maven)")
    pom = _DEPLOY / "pom.xml"
    version = hashlib.sha256(pom.read_bytes()).hexdigest()[:12]
    target = Path.home() / ".cache" / "resonance" / f"kafka-{version}"
    if not target.exists():
        fetched = target.with_name(f"{target.name}.{os.getpid()}")
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={fetched}", "-DincludeScope=runtime"]
        done = subprocess.run(
            ["mvn", "-B", "-q", "-f", str(pom), *goal], capture_output=True, text=True, timeout=600, check=False
        )
        if done.returncode:
            pytest.skip(f"Kafka's packages cannot be fetched: {done.stdout[-500:]}")
        with suppress(OSError):
            fetched.rename(target)
    return target


class Broker:
    """One broker; `address` is host:port."""

    def __init__(self, folder: Path, lib: Path) -> None:
        self.folder, self.lib = folder, lib
        self.port, self.controller = free_port(), free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.brokers = Brokers((self.address,))
        self.process: subprocess.Popen[bytes] | None = None
        lines = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{self.controller}",
            "listeners": f"PLAINTEXT://{self.address},CONTROLLER://127.0.0.1:{self.controller}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": str(folder / "data"),
            "default.replication.factor": "1",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "5",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "group.min.session.timeout.ms": "1000",
            "broker.session.timeout.ms": "3000",
            "broker.heartbeat.interval.ms": "500",
            "auto.create.topics.enable": "false",
            "log.cleaner.dedupe.buffer.size": "4194304",
            "num.network.threads": "2",
            "num.io.threads": "4",
        }
        self.settings = folder / "server.properties"
        self.settings.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))
        cluster = self._java("kafka.tools.StorageTool", "random-uuid").strip()
        self._java("kafka.tools.StorageTool", "format", "-t", cluster, "--standalone", "-c", str(self.settings))

    def _command(self, *arguments: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile=file:{_DEPLOY / 'log4j2.properties'}"
        return ["java", *_JVM, logging, "-cp", f"{self.lib}/*", *arguments]

    def _java(self, *arguments: str) -> str:
        done = subprocess.run(self._command(*arguments), capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise RuntimeError(f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def start(self) -> None:
        """Start and wait until it serves."""
        out = self.folder / "broker.log"
        with out.open("wb") as stream:
            self.process = subprocess.Popen(
                self._command("kafka.Kafka", str(self.settings)), stdout=stream, stderr=stream, start_new_session=True
            )
        deadline = time.monotonic() + _SECONDS
        while "Kafka Server started" not in out.read_text(errors="replace"):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the broker did not start: {out.read_text(errors='replace')[-2000:]}")
            time.sleep(0.1)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop and wait; SIGKILL is a crash."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@contextmanager
def running() -> Iterator[Broker]:
    """A broker for as long as the block lasts."""
    lib = jars()
    folder = Path(tempfile.mkdtemp(prefix="resonance-kafka-"))
    try:
        broker = Broker(folder, lib)
        broker.start()
        try:
            yield broker
        finally:
            broker.stop(signal.SIGKILL)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
