"""`resonance up` as a real process on a free port, and what its store holds."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

CONFIG = """
zone = "Europe/Berlin"
[[topics]]
id = "united"
name = "United"
query = "@united OR united OR #united"
departments = ["pr"]
[[topics]]
id = "delay"
name = "Delays"
query = "delay* OR late OR cancel*"
departments = ["pr"]
[[departments]]
id = "pr"
name = "PR"
channels = ["console"]
[[channels]]
id = "console"
kind = "log"
language = "en"
[[rules]]
id = "many"
topics = ["united"]
when = { kind = "threshold", mentions = 20, window = "1h" }
"""


def free_port() -> int:
    """A port on loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Up:
    """A running instance."""

    def __init__(self, folder: Path, *more: str, config: str = CONFIG) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / "resonance.toml"
        self.config.write_text(config)
        self.port = free_port()
        self.more = more
        self.output = folder / "output.txt"
        self.process = self._start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _start(self) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            "services",
            "up",
            "--config",
            str(self.config),
            "--data",
            str(self.folder / "data"),
        ]
        with self.output.open("ab") as output:
            return subprocess.Popen([*command, "--port", str(self.port), *self.more], stdout=output, stderr=output)

    def again(self) -> None:
        """Start it anew on the same folder."""
        self.process = self._start()

    def wait_ready(self, seconds: float = 120) -> None:
        """Until it answers ready."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if self.get("/health/ready")["status"] == "ready":
                    return
            except (urllib.error.URLError, OSError):
                pass
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.1)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return json.load(answer)

    def push(self, items: list[dict[str, Any]], seconds: float = 60) -> Any:
        """POST live mentions, again and again until they are taken: ids make repetition harmless."""
        deadline = time.monotonic() + seconds
        while True:
            request = urllib.request.Request(
                self.url + "/v1/mentions",
                json.dumps(items).encode(),
                {"Content-Type": "application/json"},
                method="POST",
            )
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    return json.load(answer)
            except (urllib.error.URLError, OSError):
                assert time.monotonic() < deadline
                time.sleep(0.1)

    def children(self) -> dict[str, int]:
        """Module → pid of the supervised processes."""
        found: dict[str, int] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                try:
                    parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                except (OSError, IndexError):
                    continue
                if parent == self.process.pid and b"-m" in words:
                    found[words[words.index(b"-m") + 1].decode()] = int(entry.name)
        return found

    def kill(self, which: str) -> None:
        """kill -9 of the parent ("up") or of a child by its module."""
        pid = self.process.pid if which == "up" else self.children().get(which)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)

    def stop(self) -> float:
        """Ctrl-C; returns how many seconds it took."""
        started = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        return time.monotonic() - started

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.folder / "data" / "store.db") as connection:
            return connection.execute(query).fetchall()
