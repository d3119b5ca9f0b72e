"""The page over 100,000 mentions of four weeks, while an alert is open: how long the server works on each view."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from benchmarks.row import Row, percentile, say
from resonance.stores import schema
from services import webserver
from services.build import Machine
from tests.support.afternoon import lived

MENTIONS = 100_000
SEEDS = (1, 2, 3, 4, 5)
"""The demo's company, spoken of by as many people as make so many mentions."""
HOURS = 0.75
"""Of the afternoon: its alert has just fired."""
GOAL = 100.0
TIMES = 40
_FIRST = 3
_STATIC = "a file of the page"


def measure() -> list[Row]:
    """Median and 99 of 100 of each view, in milliseconds, beside an answer for which nothing is read."""
    say("waiting for 100,000 mentions")
    with tempfile.TemporaryDirectory(prefix="resonance-bench-") as name:
        machine, demo = lived(Path(name), SEEDS[0], hours=HOURS, beside=SEEDS[1:])
        assert stored(machine) >= MENTIONS
        (machine.folder.path / "metrics").mkdir()
        app = create_app(webserver.of_machine(machine, threading.Event()))
        with TestClient(app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50000)) as client:
            rows = _views(client, str(demo.truth.topic))
        machine.close()
    return rows


def stored(machine: Machine) -> int:
    """How many mentions there are."""
    with machine.database.read() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(schema.mention)) or 0


def _views(client: TestClient, topic: str) -> list[Row]:
    views = {
        "Today": "/",
        "Topic, 24 hours": f"/topics/{topic}",
        "Topic, 28 days": f"/topics/{topic}?period=28d",
        "Mentions": f"/mentions?topic={topic}",
        "Alerts": "/alerts",
        "Sources": "/sources",
    }
    idle, _ = _asked(client, "/static/app.css")
    least = percentile(idle, 50)
    rows = []
    for view, path in views.items():
        say(f"the page: {view}")
        wall, cpu = _asked(client, path)
        what = f"the page, {view}"
        rows.append(Row(f"{what}: median of {TIMES}", percentile(wall, 50), "ms", _STATIC, least, GOAL, most=True))
        rows.append(Row(f"{what}: 99 of 100", percentile(wall, 99), "ms", _STATIC, least, GOAL, most=True))
        rows.append(Row(f"{what}: CPU time", percentile(cpu, 50), "CPU ms", _STATIC, least))
    return rows


def _asked(client: TestClient, path: str) -> tuple[Sequence[float], Sequence[float]]:
    """Milliseconds of each request but the first: by the clock, and of CPU time."""
    wall, cpu = [], []
    for number in range(_FIRST + TIMES):
        started, used = time.perf_counter(), time.process_time()
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        if number >= _FIRST:
            wall.append(1_000 * (time.perf_counter() - started))
            cpu.append(1_000 * (time.process_time() - used))
    return wall, cpu
