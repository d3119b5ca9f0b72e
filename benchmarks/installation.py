"""A whole installation as users start it: from a push to the alert's POST, an import, and the memory of both processes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.process import Up

TOPICS = 30
RATE = 300
AIRLINE = "corpora/airline_us_2015/Tweets.csv"


class _Hook(BaseHTTPRequestHandler):
    """A webhook that notes when it was called, by path."""

    called: dict[str, float]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.called.setdefault(self.path, time.perf_counter())
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: Any) -> None:
        """Be quiet."""


def measure() -> list[dict[str, Any]]:
    """Rows of {what, value, unit, baseline, ratio, goal}."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        called: dict[str, float] = {}
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Hook", (_Hook,), {"called": called}))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        up = Up(folder, config=_config(folder, server.server_port))
        try:
            up.wait_ready()
            time.sleep(6)
            latencies = _latencies(up, called)
            imported = _import(up)
            memory = _memory(up)
        finally:
            up.stop()
            server.shutdown()
    rows = [
        _row(
            "push → alert POST, p50, at 300 mentions/s",
            latencies[len(latencies) // 2],
            "s",
            "the fastest",
            latencies[0],
            0.5,
        ),
        _row("push → alert POST, p99, at 300 mentions/s", latencies[-1], "s", "the fastest", latencies[0], 2.0),
        _row("alerts told", float(len(latencies)), "of 30", "all", float(TOPICS), None),
        _row("memory of both processes together", memory, "MB", "one bare Python", _bare(), 450.0),
    ]
    if imported:
        rows.append(_row("airline corpus imported into a running instance", imported, "s", "the goal", 25.0, 25.0))
    return rows


def _config(folder: Path, port: int) -> str:
    tables = []
    for n in range(TOPICS):
        secret = folder / f"hook-{n}"
        secret.write_text(f"http://127.0.0.1:{port}/{n}")
        tables.append(
            f'[[topics]]\nid = "t{n}"\nname = "T{n}"\nquery = "marke{n}"\ndepartments = ["d{n}"]\n'
            f'[[departments]]\nid = "d{n}"\nname = "D{n}"\nchannels = ["c{n}"]\n'
            f'[[channels]]\nid = "c{n}"\nkind = "slack"\nsecret = "file:{secret}"\n'
        )
    rule = '[[rules]]\nid = "many"\nwhen = { kind = "threshold", mentions = 20, window = "1h" }\n'
    return "\n".join([*tables, rule])


def _latencies(up: Up, called: dict[str, float]) -> list[float]:
    """Each topic in turn gets its 20 mentions within a steady stream; from the push of the last to the POST."""
    pushed: dict[str, float] = {}
    number = 0
    batch = RATE // 10
    started = time.perf_counter()
    for step in range(TOPICS * 5):
        topic, part = divmod(step, 5)
        items = []
        for k in range(batch):
            number += 1
            brand = f"marke{topic}" if part == 2 and k < 20 else "etwas anderes"
            now = datetime.now(UTC).isoformat()
            items.append(
                {"id": f"b:{number}", "text": f"{brand} Nummer {number} ist wieder zu spät", "published_at": now}
            )
        if part == 2:
            pushed[f"/{topic}"] = time.perf_counter()
        up.push(items)
        time.sleep(max(0.0, started + (step + 1) * 0.1 - time.perf_counter()))
    deadline = time.perf_counter() + 15
    while len(called) < TOPICS and time.perf_counter() < deadline:
        time.sleep(0.05)
    return sorted(called[path] - pushed[path] for path in called)


def _import(up: Up) -> float | None:
    beside = Path(__file__).parents[2] / "shared" / "data"
    corpus = Path(os.environ.get("RESONANCE_TEST_DATA", str(beside))) / AIRLINE
    if not corpus.exists():
        return None
    started = time.perf_counter()
    command = [sys.executable, "-m", "services", "import", str(corpus), "--preset", "airline", "--url", up.url]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def _memory(up: Up) -> float:
    return sum(_resident(pid) for pid in up.children().values())


def _bare() -> float:
    """The memory of an interpreter that does nothing."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        time.sleep(0.3)
        found = _resident(process.pid)
        process.kill()
    return found


def _resident(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def _row(what: str, value: float, unit: str, baseline: str, other: float, goal: float | None) -> dict[str, Any]:
    return {"what": what, "value": value, "unit": unit, "baseline": baseline, "ratio": value / other, "goal": goal}
