"""One caller of the API who reads, writes and pushes in turn, and notes how long each takes."""

from __future__ import annotations

import http.client
import json
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

READS = (
    "/v1/mentions?topic=t1&limit=50",
    "/v1/topics/t1/series?metric=volume&step=15m",
    "/v1/topics/t2/summary",
    "/v1/alerts",
)


@dataclass
class Calls:
    """Milliseconds of each call. `writes` go into the store, `pushes` (one mention) into the log."""

    reads: list[float] = field(default_factory=list)
    writes: list[float] = field(default_factory=list)
    pushes: list[float] = field(default_factory=list)


def call_until(port: int, done: threading.Event, seconds: float = 600.0) -> Calls:
    """Call until told to stop, at most for so long."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    calls = Calls()
    deadline = time.perf_counter() + seconds
    while not done.is_set() and time.perf_counter() < deadline:
        for path in READS:
            calls.reads.append(_ask(connection, "GET", path))
        now = datetime.now(UTC)
        silence = {"topic": "t3", "ends_at": (now + timedelta(seconds=1)).isoformat(), "comment": "bench"}
        calls.writes.append(_ask(connection, "POST", "/v1/silences", silence))
        said = {"id": f"caller:{time.time_ns()}", "text": "etwas anderes", "published_at": now.isoformat()}
        calls.pushes.append(_ask(connection, "POST", "/v1/mentions", said))
        time.sleep(0.05)
    connection.close()
    return calls


def _ask(connection: http.client.HTTPConnection, method: str, path: str, body: Any = None) -> float:
    """The milliseconds of one call; 429 is an answer, too."""
    started = time.perf_counter()
    headers = {"Content-Type": "application/json"} if body is not None else {}
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    answer = connection.getresponse()
    answer.read()
    if answer.status >= 400 and answer.status != 429:
        raise RuntimeError(f"{method} {path}: {answer.status}")
    return (time.perf_counter() - started) * 1_000
