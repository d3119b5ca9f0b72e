"""`make cluster`, as a person starts it: it tells the demo as `make demo` does, looks after its processes, and stops in order."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ingest.demo.generator import generate
from ingest.sources.demo import AFTERNOON
from tests.support.cluster import KEY
from tests.support.process import free_port

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
SEED, SPEED = int(os.environ.get("RESONANCE_TEST_SEED", "7")), int(os.environ.get("RESONANCE_TEST_SPEED", "600"))
LEFT_OUT = {"id", "url"} if SPEED <= 60 else {"id", "url", "reasons", "mentions", "text"}
"""Of an alert. Why it fired is read from what is there a moment later: at ten times the demo's speed that is minutes later."""

TOPICS = tuple(dict.fromkeys((str(generate(SEED).truth.topic), "kesselfink", "finkdienst", "nestfunk")))[:3]
"""The one of the crisis, and two others."""

METRICS = ("volume", "reach", "engagement", "positive", "neutral", "negative", "net_sentiment", "resonance")
PROCESSES = ("ingest", "work-1", "work-2", "serve", "notify")


class Started:
    """A command that runs in the background and answers at a port."""

    def __init__(self, folder: Path, *words: str, **environment: str) -> None:
        self.folder, self.port = folder, free_port()
        self.output = folder / "output.txt"
        # Authors are known by the same keys.
        folder.mkdir()
        (folder / "installation.key").write_text(KEY)
        command = [sys.executable, "-m", *(word.format(port=self.port, folder=folder) for word in words)]
        environment = {name: value.format(port=self.port, folder=folder) for name, value in environment.items()}
        with self.output.open("ab") as out:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=os.environ | environment, stdout=out, stderr=subprocess.STDOUT
            )

    def get(self, path: str, **query: Any) -> Any:
        address = f"http://127.0.0.1:{self.port}{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=10) as answer:
            return json.load(answer)

    def time(self) -> datetime:
        """Its simulated time."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/live", timeout=10) as answer:
            return datetime.fromisoformat(answer.headers["X-Resonance-Time"])

    def items(self, path: str, **query: Any) -> list[Any]:
        """All pages of a list."""
        page = self.get(path, limit=200, **query)
        found = list(page["items"])
        while page["next"]:
            page = self.get(path, limit=200, cursor=page["next"], **query)
            found += page["items"]
        return found

    def until(self, reached: Callable[[], bool], seconds: float) -> None:
        """Wait for it; until it answers, nothing is reached."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if reached():
                    return
            except (OSError, urllib.error.URLError):
                pass
            assert self.process.poll() is None and time.monotonic() < deadline, self.output.read_text()[-3000:]
            time.sleep(0.3)

    def pid(self, name: str) -> int:
        return int((self.folder / f"{name}.pid").read_text())

    def stop(self, seconds: float = 60) -> int:
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(seconds)
        finally:
            self.process.kill()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    told = {"BROKERS": "1", "SEED": str(SEED), "SPEED": str(SPEED), "PORT": "{port}", "RUN": "{folder}"}
    started = Started(tmp_path_factory.mktemp("native") / "run", "deploy.native.cluster", **told)
    yield started
    started.stop()
    if (data := started.folder / "postgres").is_symlink():
        shutil.rmtree(data.resolve())


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Started]:
    words = ("--demo", "--seed", str(SEED), "--speed", str(SPEED), "--data", "{folder}", "--port", "{port}")
    started = Started(tmp_path / "demo", "services", "up", *words)
    yield started
    started.stop()


def test_a_cluster_tells_the_demo_as_one_machine_does(cluster: Started, machine: Started) -> None:
    """Series, mentions and alerts of three topics, from the first day of the history to the afternoon's end. SPEED 60 (as
    `make demo` runs) compares an alert's causes, too."""
    truth = generate(SEED).truth
    end = truth.afternoon_at + AFTERNOON
    for started in (cluster, machine):
        started.until(lambda started=started: started.time() > end, 480)
    deadline = time.monotonic() + 60
    # From then on they run at real speed, one some seconds behind the other.
    while (ours := results(cluster, end)) != (theirs := results(machine, end)):
        assert time.monotonic() < deadline, differences(ours, theirs)
        time.sleep(1)
    assert all(len(ours[f"{topic}: mentions"]) > 200 for topic in TOPICS)
    assert ours[f"{truth.topic}: alerts"]


def test_a_process_that_died_is_started_again(cluster: Started) -> None:
    cluster.until(lambda: cluster.get("/health/ready")["status"] == "ready", 120)
    for name in PROCESSES:
        old = cluster.pid(name)
        os.kill(old, signal.SIGKILL)
        cluster.until(lambda name=name, old=old: cluster.pid(name) != old, 10)
    cluster.until(lambda: cluster.get("/health/ready")["status"] == "ready", 60)


def test_it_stops_in_order_and_leaves_nobody_behind(cluster: Started) -> None:
    pids = [cluster.pid(name) for name in (*PROCESSES, "kafka-1", "postgres")]
    assert cluster.stop() == 0
    said = [line for line in cluster.output.read_text().splitlines() if "stopped" in line]
    assert [line.split()[0] for line in said] == ["ingest", "serve", "work-1", "work-2", "notify", "postgres", "kafka"]
    assert not [pid for pid in pids if runs(pid)]


def runs(pid: int) -> bool:
    """Whether there is such a process; one that nobody has buried yet is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def results(started: Started, end: datetime) -> dict[str, Any]:
    """What the API answers until then, without ids of rows."""
    found: dict[str, Any] = {}
    span = {"start": (end - timedelta(days=29)).isoformat(), "end": end.isoformat()}
    for topic in TOPICS:
        for metric in METRICS:
            answer = started.get(f"/v1/topics/{topic}/series", metric=metric, step="15m", **span)
            found[f"{topic}: {metric}"] = answer
        mentions = started.items("/v1/mentions", topic=topic, **span)
        found[f"{topic}: mentions"] = [one for one in mentions if datetime.fromisoformat(one["observed_at"]) <= end]
        alerts = started.items("/v1/alerts", topic=topic)
        found[f"{topic}: alerts"] = [
            {name: value for name, value in alert.items() if name not in LEFT_OUT} for alert in alerts
        ]
    return found


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> str:
    """Where they are not equal: each list's objects one by one, of each the fields."""
    said = []
    for name in ours:
        left, right = ([whole] if isinstance(whole, dict) else whole for whole in (ours[name], theirs[name]))
        if len(left) != len(right):
            said.append(f"{name}: {len(left)} on the cluster, {len(right)} on one machine")
        for one, other in zip(left, right, strict=False):
            fields = [field for field in one if one[field] != other.get(field)]
            said += [f"{name}: {one.get('id')}: {field}: {one[field]} | {other.get(field)}"[:600] for field in fields]
    return "\n".join(said[:20])
