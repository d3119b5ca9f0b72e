"""A whole installation as users start it, two processes on one folder: from a push to the alert's POST, imports, the API
beside an engine that has no rest, and the memory of both after it all."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.callers import Calls, call_until
from benchmarks.made import TOPICS, mention, query
from benchmarks.row import Row, Skipped, percentile, say
from tests.support.process import Up

ALERTS = 40
RATE = 300
IMPORTED = 100_000
PATIENCE = 300.0
"""So many seconds the import may take before we go on without the rest."""
AIRLINE = "corpora/airline_us_2015/Tweets.csv"
AIRLINES = ("united", "usairways", "americanair", "southwestair", "jetblue", "virginamerica")
BRANDS = TOPICS - len(AIRLINES)


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


@contextmanager
def _hook() -> Iterator[tuple[int, dict[str, float]]]:
    called: dict[str, float] = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Hook", (_Hook,), {"called": called}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port, called
    finally:
        server.shutdown()


def measure() -> list[Row | Skipped]:
    """Latency, the airline corpus, the API at rest and beside an import, memory."""
    with tempfile.TemporaryDirectory(prefix="resonance-bench-") as name, _hook() as (port, called):
        folder = Path(name)
        up = Up(folder, config=_config(folder, port))
        try:
            say("waiting for an installation to be ready")
            up.wait_ready()
            time.sleep(6)
            rows: list[Row | Skipped] = [*_latencies(up, called)]
            rows.append(_airline(up))
            rows += _busy(up, folder)
            rows.append(_memory(up))
        finally:
            up.stop()
    return rows


def _config(folder: Path, port: int) -> str:
    """50 topics, six of them airlines; each tells a webhook of its own."""
    queries = {f"t{n}": query(n) for n in range(BRANDS)}
    queries |= {name: f"@{name} OR {name}" for name in AIRLINES}
    tables = []
    for number, (topic, asked) in enumerate(queries.items()):
        secret = folder / f"hook-{number}"
        secret.write_text(f"http://127.0.0.1:{port}/{topic}")
        tables.append(
            f'[[topics]]\nid = "{topic}"\nname = "{topic}"\nquery = \'{asked}\'\ndepartments = ["d{number}"]\n'
            f'[[departments]]\nid = "d{number}"\nname = "D{number}"\nchannels = ["c{number}"]\n'
            f'[[channels]]\nid = "c{number}"\nkind = "slack"\nsecret = "file:{secret}"\n'
        )
    rule = '[[rules]]\nid = "many"\nwhen = { kind = "threshold", mentions = 20, window = "1h" }\n'
    return "\n".join([*tables, rule])


# ---- from a push to the alert's POST -----------------------------------------------------------------------------


def _latencies(up: Up, called: dict[str, float]) -> Iterator[Row]:
    """Each topic in turn gets its 20 mentions within a steady stream; from the push of the last to the POST."""
    say(f"{ALERTS} alerts within {RATE} mentions/s")
    pushed = _stream(up)
    deadline = time.perf_counter() + 15
    while len(called) < ALERTS and time.perf_counter() < deadline:
        time.sleep(0.05)
    seconds = [called[path] - pushed[path] for path in called if path in pushed]
    fastest = min(seconds, default=float("nan"))
    what = f"push → alert POSTed, beside {RATE} mentions/s"
    yield Row(
        f"{what}: median of {ALERTS}", percentile(seconds, 50), "s", "the fastest of them", fastest, 0.5, most=True
    )
    yield Row(f"{what}: 99 of 100", percentile(seconds, 99), "s", "the fastest of them", fastest, 2.0, most=True)
    yield Row("… of them told", float(len(seconds)), "alerts", "all", float(ALERTS), float(ALERTS))


def _stream(up: Up) -> dict[str, float]:
    """Half a second a topic; returns path of its hook → when its last mention was pushed."""
    pushed: dict[str, float] = {}
    number, batch = 0, RATE // 10
    started = time.perf_counter()
    for step in range(ALERTS * 5):
        topic, part = divmod(step, 5)
        items = []
        for k in range(batch):
            number += 1
            brand = f"marke{topic}" if part == 2 and k < 20 else "etwas anderes"
            now = datetime.now(UTC).isoformat()
            items.append({"id": f"b:{number}", "text": f"{brand} Nummer {number} ist zu spät", "published_at": now})
        if part == 2:
            pushed[f"/t{topic}"] = time.perf_counter()
        up.push(items)
        time.sleep(max(0.0, started + (step + 1) * 0.1 - time.perf_counter()))
    return pushed


# ---- imports -----------------------------------------------------------------------------------------------------


def _airline(up: Up) -> Row | Skipped:
    what = "import of 14,640 tweets about airlines (CSV) into a running instance"
    beside = Path(__file__).parents[2] / "shared" / "data"
    corpus = Path(os.environ.get("RESONANCE_TEST_DATA", str(beside))) / AIRLINE
    if not corpus.exists():
        return Skipped(what, "the corpus is not on this machine (RESONANCE_TEST_DATA)")
    say("importing the airline corpus")
    alone = _seconds([sys.executable, "-c", _READ, str(corpus)])
    whole = _seconds(_import(corpus, up, "--preset", "airline"))
    return Row(what, whole, "s", "reading the file alone", alone, 25.0, most=True)


_READ = "import sys; from pathlib import Path; from ingest.files import read_file; "
_READ += (
    "print(sum(1 for _ in read_file(Path(sys.argv[1]), mapping={}, preset='airline', zone=None, default_source='x')))"
)


def _import(file: Path, up: Up, *more: str) -> list[str]:
    return [sys.executable, "-m", "services", "import", str(file), *more, "--url", up.url]


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


# ---- the API beside a saturated engine, and memory ---------------------------------------------------------------


def _busy(up: Up, folder: Path) -> Iterator[Row]:
    say("the API at rest")
    quiet = call_until(up.port, threading.Event(), seconds=4)
    file = folder / "many.jsonl"
    now = datetime.now(UTC)
    with file.open("wb") as lines:
        for n in range(IMPORTED):
            at = now - timedelta(hours=20) + timedelta(milliseconds=700 * n)
            lines.write(msgspec.json.encode(mention(n, matched=True, at=at, topics=BRANDS)) + b"\n")
    say(f"importing {IMPORTED:,} matching mentions, and calling the API meanwhile (two minutes or more)")
    done = threading.Event()
    found: list[Calls] = []
    caller = threading.Thread(target=lambda: found.append(call_until(up.port, done)))
    caller.start()
    started, used = time.perf_counter(), _used(up)
    logged = _seconds(_import(file, up))
    stored = _await_stored(up, started + PATIENCE)
    seconds, cpu = time.perf_counter() - started, _used(up) - used
    done.set()
    caller.join()
    what = f"import of {stored:,} matching mentions into it, until all are stored"
    yield Row(what, stored / seconds, "mentions/s", "until the importer ended", IMPORTED / logged, cpu=stored / cpu)
    yield from _beside(found[0], quiet)


def _await_stored(up: Up, deadline: float) -> int:
    """How many of the import are stored in the end."""
    while True:
        stored = int(up.rows("SELECT count(*) FROM mention WHERE platform = 'bench'")[0][0])
        if stored == IMPORTED or time.perf_counter() > deadline:
            return stored
        time.sleep(0.5)


def _used(up: Up) -> float:
    """Seconds of CPU time that the engine has used so far."""
    facts = Path(f"/proc/{up.children()['services.engine']}/stat").read_text().rpartition(")")[2].split()
    return (int(facts[11]) + int(facts[12])) / os.sysconf("SC_CLK_TCK")


def _beside(busy: Calls, quiet: Calls) -> Iterator[Row]:
    what = "beside that import, 99 of 100"
    for name, goal in (("reads", 100.0), ("writes", 150.0), ("pushes", None)):
        loaded, rested = getattr(busy, name), getattr(quiet, name)
        baseline = percentile(rested, 99)
        full = f"API {name} {what} of {len(loaded)}"
        yield Row(full, percentile(loaded, 99), "ms", "the same at rest", baseline, goal, most=True)


def _memory(up: Up) -> Row:
    time.sleep(3)
    children = up.children()
    for module, pid in children.items():
        say(f"memory of {module}: {_kept(pid, 'Rss'):.0f} MB, its share alone {_kept(pid, 'Pss'):.0f} MB")
    together = sum(_kept(pid, "Rss") for pid in children.values())
    what = "memory of engine and web together after all that (RSS)"
    return Row(what, together, "MB", "two Pythons that do nothing", 2 * _bare(), 450.0, most=True)


def _bare() -> float:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        time.sleep(0.3)
        found = _kept(process.pid, "Rss")
        process.kill()
    return found


def _kept(pid: int, kind: str) -> float:
    """MB; Pss counts what is shared with others by its share."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) / 1024 for line in rollup.splitlines() if line.startswith(f"{kind}:"))
