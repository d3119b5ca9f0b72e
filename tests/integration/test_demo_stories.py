"""`resonance up --demo` with its real processes: a visitor plays without the crisis, and with it again."""

from __future__ import annotations

import json
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

from ingest.demo import generate
from tests.support.process import free_port

pytestmark = pytest.mark.slow
SPEED = "60"


class Visited:
    """A demo and somebody who looks at it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{free_port()}"
        self.output = folder / "output.txt"
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        port = self.url.rpartition(":")[2]
        command = ["up", "--demo", "--data", str(self.folder / "demo"), "--port", port, "--speed", SPEED]
        with self.output.open("ab") as output:
            return subprocess.Popen([sys.executable, "-m", "services", *command], stdout=output, stderr=output)

    def again(self) -> None:
        self.stop()
        self.process = self._start()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(20) == 0, self.output.read_text()

    def look(self, path: str = "/", form: dict[str, str] | None = None) -> tuple[str, datetime]:
        """A view in German, and the demo's time; "" and the story's start where nobody answers."""
        body = urllib.parse.urlencode(form).encode() if form else None
        request = urllib.request.Request(self.url + path, body, {"Accept-Language": "de", "Origin": self.url})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.read().decode(), datetime.fromisoformat(answer.headers["X-Resonance-Time"])
        except (urllib.error.URLError, OSError):
            return "", generate(1).truth.afternoon_at

    def press(self, act: str) -> str:
        return self.look("/demo", {"act": act})[0]

    def alerts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.look("/v1/alerts")[0])["items"]
        return found

    def until(self, wanted: Callable[[str, datetime], bool], seconds: float = 150) -> None:
        deadline = time.monotonic() + seconds
        while not wanted(*self.look()):
            assert self.process.poll() is None and time.monotonic() < deadline, self.output.read_text()[-3000:]
            time.sleep(0.2)


@pytest.fixture
def visited(tmp_path: Path) -> Iterator[Visited]:
    made = Visited(tmp_path)
    yield made
    if made.process.poll() is None:
        made.process.kill()


def test_a_visitor_plays_without_the_crisis_and_with_it_again_and_a_restart_goes_on_with_the_last(
    visited: Visited,
) -> None:
    onset = generate(1).truth.onset_at
    assert onset is not None
    visited.until(lambda page, _: "Zur Krise springen" in page)
    visited.press("pause")
    _, stood = visited.look()
    assert "wird vorbereitet" in visited.press("change")
    visited.until(lambda page, _: "Demo ohne Krise" in page)
    visited.until(lambda _, now: now > onset + timedelta(minutes=15))
    assert visited.alerts() == []
    visited.again()
    visited.until(lambda page, _: "Demo ohne Krise" in page)
    _, later = visited.look()
    assert later > onset + timedelta(minutes=15)
    visited.press("change")
    visited.until(lambda page, _: "Zur Krise springen" in page)
    _, back = visited.look()
    assert stood <= back < onset < later
    visited.press("jump")
    visited.until(lambda page, _: 'class="alert' in page)
    assert {alert["topic"] for alert in visited.alerts()} == {generate(1).truth.topic}
    visited.stop()
