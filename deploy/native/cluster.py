"""A whole cluster on this machine, from packages: Kafka, PostgreSQL and the processes of Resonance. Ctrl-C stops it in order.

Environment: BROKERS (3), PORT of the API (8000), DEMO=0 leaves the demo out, SEED and QUIET=1 choose its story, SPEED (60) is how fast
its afternoon passes, RUN is the folder of data, logs and pid files (data/cluster).
One of our processes that died is started again. What it says goes to RUN/NAME.log.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.native.kafka import Brokers, Unavailable
from deploy.native.postgres import Server, binaries

PARTITIONS = 8
WORKERS = 2
_AGAIN_SECONDS = 1.0
_STOP_SECONDS = 15.0
_NEEDS_A_PERSON = 3


@dataclass
class Child:
    """One of our processes."""

    name: str
    command: Sequence[str]
    log: Path
    pid: Path
    process: subprocess.Popen[bytes] | None = None
    due: float = 0.0

    def start(self) -> None:
        """Start it, and say so."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(self.command, stdout=out, stderr=out, start_new_session=True)
        self.pid.write_text(str(self.process.pid))
        say(self.name, f"process {self.process.pid}, log {self.log}")

    def look_after(self) -> None:
        """Start it again where it died; raises SystemExit where it needs a person."""
        if self.process is not None:
            code = self.process.poll()
            if code is None:
                return
            if code == _NEEDS_A_PERSON:
                raise SystemExit(f"{self.name} needs a person: {self.log.read_text(errors='replace')[-600:]}")
            say(self.name, f"ended with {code}; again in {_AGAIN_SECONDS:g} s")
            self.process, self.due = None, time.monotonic() + _AGAIN_SECONDS
        if time.monotonic() >= self.due:
            self.start()

    def stop(self) -> None:
        """End it, and say how long that took."""
        if self.process is None or self.process.poll() is not None:
            return
        began = time.monotonic()
        self.process.terminate()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        say(self.name, f"stopped in {time.monotonic() - began:.1f} s")


@dataclass
class Native:
    """Everything in one folder."""

    run: Path
    brokers: int
    port: int
    demo: bool
    seed: int
    quiet: bool
    speed: float
    stop: threading.Event = field(default_factory=threading.Event)

    def up(self) -> None:
        """Start all of it, look after it, and stop it in order."""
        self.run.mkdir(parents=True, exist_ok=True)
        programs = binaries()
        if programs is None:
            raise SystemExit("PostgreSQL 15 or later is needed (Debian: apt-get install postgresql)")
        try:
            kafka = Brokers(self.run / "kafka", self.brokers)
        except Unavailable as error:
            raise SystemExit(str(error)) from None
        postgres = Server(self.run / "postgres", programs, self._kept("postgres.port"))
        (self.run / "postgres.port").write_text(str(postgres.port))
        children: list[Child] = []
        try:
            kafka.start()
            for node in kafka.nodes:
                assert node.process is not None
                self._note(f"kafka-{node.number}", node.process.pid, f"broker at {node.address}, log {node.log}")
            _start(postgres)
            self._note(
                "postgres", postgres.pid, f"PostgreSQL at 127.0.0.1:{postgres.port}, log {postgres.folder / 'log'}"
            )
            config = self._configure(kafka.addresses, postgres.address("postgres"))
            subprocess.run([*_resonance(), "streams", "create", "--config", str(config)], check=True)
            children = [self._child(name, config) for name in _names()]
            self._watch(children)
        finally:
            # First what brings new events, then what waits for them.
            for child in sorted(children, key=lambda child: _ORDER.index(child.name.partition("-")[0])):
                child.stop()
            postgres.stop()
            say("postgres", "stopped")
            kafka.stop()
            say("kafka", "stopped; nothing is lost")

    def _watch(self, children: Sequence[Child]) -> None:
        for child in children:
            child.start()
        told = False
        while not self.stop.wait(0.25):
            for child in children:
                child.look_after()
            if not told and _answers(self.port):
                told = True
                say("serve", f"Resonance at http://127.0.0.1:{self.port} (Ctrl-C stops everything)")

    def _child(self, name: str, config: Path) -> Child:
        kind = name.partition("-")[0]
        more = ["--port", str(self.port)] if kind == "serve" else []
        command = [*_resonance(), kind, "--config", str(config), *more]
        return Child(name, command, self.run / f"{name}.log", self.run / f"{name}.pid")

    def _configure(self, addresses: Sequence[str], url: str) -> Path:
        """The processes' configuration; kept once it is there, but for the addresses."""
        key = self.run / "installation.key"
        if not key.exists():
            key.write_text(secrets.token_urlsafe(32))
        quoted = ", ".join(f'"{address}"' for address in addresses)
        lines = [
            f'installation_key = "{key.read_text()}"',
            f'erased_list = "{self.run / "erased.list"}"',
            f'data = "{self.run}"',
            "[web]",
            f"port = {self.port}",
            "[store]",
            f'url = "{url}"',
            "[kafka]",
            f"brokers = [{quoted}]",
            f"partitions = {PARTITIONS}",
            f"replicas = {min(3, len(addresses))}",
        ]
        if self.demo:
            from ingest.demo.company import catalogue_toml

            options = f"seed = {self.seed}, quiet = {str(self.quiet).lower()}, speed = {self.speed}"
            lines += [f"{catalogue_toml()}options = {{ {options} }}"]
        file = self.run / "resonance.toml"
        file.write_text("\n".join(lines) + "\n", "utf-8")
        return file

    def _note(self, name: str, pid: int, what: str) -> None:
        (self.run / f"{name}.pid").write_text(str(pid))
        say(name, f"process {pid}, {what}")

    def _kept(self, name: str) -> int | None:
        file = self.run / name
        return int(file.read_text()) if file.exists() else None


_ORDER = ("ingest", "serve", "work", "notify")


def _names() -> list[str]:
    return ["ingest", *(f"work-{number}" for number in range(1, WORKERS + 1)), "serve", "notify"]


def _resonance() -> list[str]:
    return [sys.executable, "-m", "services"]


def _start(postgres: Server) -> None:
    """Start it; one that was killed has left its lock."""
    try:
        postgres.start()
    except RuntimeError:
        postgres.stop("immediate")
        postgres.start()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=1):
            return True
    except OSError:
        return False


def say(name: str, what: str) -> None:
    """One line about a process."""
    sys.stderr.write(f"{name:<10} {what}\n")


def main(environment: Mapping[str, str]) -> None:
    """From the environment."""
    native = Native(
        run=Path(environment.get("RUN", "data/cluster")).resolve(),
        brokers=int(environment.get("BROKERS", "3")),
        port=int(environment.get("PORT", "8000")),
        demo=environment.get("DEMO", "1") != "0",
        seed=int(environment.get("SEED", "1")),
        quiet=environment.get("QUIET", "0") == "1",
        speed=float(environment.get("SPEED", "60")),
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: native.stop.set())
    native.up()


if __name__ == "__main__":
    main(os.environ)
