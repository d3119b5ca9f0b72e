"""`resonance up`: two children on one data folder, the engine and the web, restarted when they die, ended with us."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import structlog

from resonance.errors import Unconfigured
from services.process import STOPPED

_STOP_SECONDS = 3.0
_HEALTHY_SECONDS = 10.0
_GREATEST_PAUSE = 10.0

log = structlog.get_logger()


class Assignment(msgspec.Struct, frozen=True):
    """What a child is told: where its parts lie, and the descriptors it inherits. `stories`: the folder of a demo that has
    two of them."""

    config: str | None
    data: str
    host: str
    port: int
    lock: int
    life: int
    url: str
    stories: str | None = None


@dataclass
class Child:
    """One supervised process."""

    name: str
    module: str
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = 0.0
    due: float = 0.0


@dataclass
class Supervisor:
    """Starts the children, and again 0.2 s (doubling up to 10 s) after one died; stops all when told to."""

    children: Sequence[Child]
    assignment: Callable[[int], Assignment]
    environment: Mapping[str, str]
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> int:
        """Until told to stop; returns 0, or the exit code of a child that needs a person."""
        reading, writing = os.pipe()
        os.set_inheritable(reading, True)
        code = 0
        try:
            while not self.stop.is_set():
                for child in self.children:
                    code = code or self._look_after(child, reading)
                if code:
                    break
                self.stop.wait(0.05)
        finally:
            os.close(writing)
            os.close(reading)
            self._end()
        return code

    def _look_after(self, child: Child, life: int) -> int:
        now = time.monotonic()
        if child.process is not None:
            code = child.process.poll()
            if code is None:
                return 0
            child.process = None
            if code == STOPPED:
                return STOPPED
            healthy = now - child.started > _HEALTHY_SECONDS
            child.pause = 0.2 if healthy else min(max(child.pause * 2, 0.2), _GREATEST_PAUSE)
            child.due = now + child.pause
            log.warning("child.died", child=child.name, code=code, again_in_s=round(child.pause, 1))
        if now >= child.due:
            child.process = self._start(child, life)
            child.started = now
        return 0

    def _start(self, child: Child, life: int) -> subprocess.Popen[bytes]:
        told = self.assignment(life)
        return subprocess.Popen(
            [sys.executable, "-m", child.module, msgspec.json.encode(told).decode()],
            pass_fds=(told.lock, life),
            env={**os.environ, **self.environment},
            start_new_session=True,
        )

    def _end(self) -> None:
        running = [child.process for child in self.children if child.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + _STOP_SECONDS
        for process in running:
            try:
                process.wait(max(0.05, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("child.killed", pid=process.pid)
                process.kill()
                process.wait()


def stop_on_signals(stop: threading.Event) -> None:
    """Ctrl-C and SIGTERM set the event; a second one is not needed."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())


def check_port(host: str, port: int) -> None:
    """Raise Unconfigured where nobody could listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Unconfigured(
                f"port {port} on {host} cannot be used: {error.strerror}. Give another with --port, "
                f"or stop what listens there"
            ) from error


def children() -> list[Child]:
    """The two of one machine."""
    return [Child("engine", "services.engine"), Child("web", "services.webserver")]


def config_path(path: Path | None) -> str | None:
    """An absolute path for a child, whose folder may be another."""
    return None if path is None else str(path.resolve())
