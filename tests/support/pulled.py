"""A source under kill -9: a real instance that reads from a server on loopback, and what its store holds in the end."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.support.process import Up

KILLS = int(os.environ.get("RESONANCE_TEST_KILLS", "6"))
TOPIC = '[[topics]]\nid = "all"\nname = "All"\nquery = "number OR text"\n'


def configuration(kind: str, url: str | None, options: str, name: str = "pulled") -> str:
    """A configuration with one source that keeps everything."""
    address = f'url = "{url}"\n' if url else ""
    return f'{TOPIC}[[sources]]\nid = "{name}"\nkind = "{kind}"\nkeep = "all"\n{address}options = {options}\n'


class Pulled:
    """`resonance up` with one source."""

    def __init__(self, folder: Path, config: str) -> None:
        self.up = Up(folder, config=config)
        self.kills = 0

    def killed_again_and_again(self, happens: Callable[[int], None], *, kills: int = KILLS) -> None:
        """kill -9 of the engine at random moments after its start, while something happens on the other side."""
        chance = random.Random(7)
        self.up.wait_ready(90)
        for number in range(kills):
            happens(number)
            time.sleep(chance.uniform(0.2, 2.5))
            self.killed("services.engine")

    def killed(self, which: str) -> None:
        """kill -9, once the child runs: it may be just about to be started again."""
        self.until(lambda: which in self.up.children())
        self.up.kill(which)
        self.kills += 1

    @property
    def stored(self) -> dict[str, str]:
        """Id → text of what is kept."""
        return dict(self.up.rows("SELECT id, text FROM mention"))

    @property
    def token(self) -> str | None:
        rows = self.up.rows("SELECT token FROM source_state")
        return rows[0][0] if rows else None

    def until(self, wanted: Callable[[], bool], seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while not wanted():
            assert self.up.process.poll() is None, self.up.output.read_text()[-3000:]
            assert time.monotonic() < deadline, self.told()
            time.sleep(0.1)

    def told(self) -> str:
        """What a person would look at."""
        rows: Iterable[Any] = self.up.rows("SELECT token, connected, counters, problem FROM source_state")
        return json.dumps([list(row) for row in rows])[:2000] + self.up.output.read_text()[-2000:]

    def health(self) -> Mapping[str, Any]:
        """The source as /v1/sources tells of it."""
        found: Mapping[str, Any] = next(item for item in self.up.get("/v1/sources")["items"] if item["id"] == "pulled")
        return found

    def engine_kilobytes(self) -> int:
        """Resident memory of the engine."""
        pid = self.up.children()["services.engine"]
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") // 1024
