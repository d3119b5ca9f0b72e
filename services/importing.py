"""`resonance import`: files into a data folder, or into a running instance. Bad lines are named, nothing else is lost.

An import never notifies. The same file may be imported again: its mentions have the same ids.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from ingest.files import Line, read_file
from resonance.engines.lane import LaneLoop
from resonance.errors import Full, Invalid, Problem, ResonanceError, Retry
from resonance.model import Event
from resonance.wire import encode_event
from services.build import Machine

BATCH, BATCH_BYTES = 500, 4_000_000
"""At most so many events, and bytes of them, are written at once: half of what a push may hold."""
_RETRY_SECONDS = 60.0


class Failed(ResonanceError):
    """The import cannot go on; what was taken so far stays."""


class Target(Protocol):
    """Where imported events go; on return they are in the log."""

    def write(self, events: Sequence[Event]) -> None: ...

    def finish(self) -> None:
        """Return when all of it is stored."""


@dataclass
class Result:
    """What became of an import."""

    taken: int = 0
    skipped: int = 0
    bad: list[tuple[str, int, str]] = field(default_factory=list)


@dataclass
class FolderTarget:
    """A data folder on which nothing runs: we are the engine."""

    machine: Machine
    lanes: Sequence[LaneLoop] = field(init=False)

    def __post_init__(self) -> None:
        self.lanes = self.machine.lanes(alone=True)

    def write(self, events: Sequence[Event]) -> None:
        """Log them, and process what fits meanwhile."""
        self.machine.sink.write(events, source="import", mode="backfill")
        self._work()

    def finish(self) -> None:
        """Process the rest."""
        self._work()

    def _work(self) -> None:
        for lane in self.lanes:
            while lane.step():
                pass


@dataclass(frozen=True)
class UrlTarget:
    """A running instance. While it restarts, we wait for it."""

    url: str
    key: str | None = None

    def write(self, events: Sequence[Event]) -> None:
        """Push them; raises Failed when the other side refuses, or does not come back within a minute."""
        body = b"\n".join(msgspec.json.encode(event) for event in events)
        answer = self._post("/v1/mentions?mode=backfill", body, {})
        if answer["rejected"]:
            first = answer["rejected"][0]
            raise Failed(f"the instance refused {len(answer['rejected'])} events, the first because {first['problem']}")

    def finish(self) -> None:
        """Wait until the instance has stored what it took."""
        self._post("/v1/mentions?mode=backfill", b"[]", {"Prefer": "wait=60", "Content-Type": "application/json"})

    def _post(self, path: str, body: bytes, headers: dict[str, str]) -> dict[str, list[dict[str, str]]]:
        headers = {"Content-Type": "application/x-ndjson", **({"X-API-Key": self.key} if self.key else {}), **headers}
        deadline = time.monotonic() + _RETRY_SECONDS
        while True:
            try:
                request = urllib.request.Request(self.url.rstrip("/") + path, data=body, headers=headers, method="POST")
                with urllib.request.urlopen(request, timeout=90) as response:
                    answer: dict[str, list[dict[str, str]]] = json.load(response)
                    return answer
            except urllib.error.HTTPError as error:
                pause = _pause(error)
                if pause is None:
                    raise Failed(
                        f"{self.url} answered {error.code}: {error.read(500).decode('utf-8', 'replace')}"
                    ) from error
            except (urllib.error.URLError, OSError, json.JSONDecodeError) as error:
                pause = 0.5
                if time.monotonic() > deadline:
                    raise Failed(f"{self.url} does not answer: {error}") from error
            time.sleep(pause)


def _pause(error: urllib.error.HTTPError) -> float | None:
    if error.code in (429, 503):
        return min(float(error.headers.get("Retry-After") or 1), 10.0)
    return 0.5 if error.code in (500, 502, 504) else None


def run(
    files: Sequence[Path],
    target: Target,
    lines: Callable[[Path], Iterator[Line]],
    *,
    progress: Callable[[Path, Line], None],
    bookmarks: Path | None = None,
    choices: str = "",
) -> Result:
    """Import the files in order, resuming after what `bookmarks` (a folder) remembers of an interrupted import under the
    same `choices`: with another mapping or zone every line has to be read anew."""
    result = Result()
    for path in files:
        mark = Bookmark(path, bookmarks, choices)
        events: list[Event] = []
        size = 0
        for line in lines(path):
            progress(path, line)
            if line.problems:
                result.bad.append((str(path), line.number, "; ".join(map(str, line.problems))))
            if line.number <= mark.line:
                result.skipped += 1
                continue
            if line.event is not None:
                events.append(line.event)
                size += len(encode_event(line.event))
                result.taken += 1
            if len(events) >= BATCH or size >= BATCH_BYTES:
                _write(target, events)
                events, size = [], 0
                mark.save(line.number)
        if events:
            _write(target, events)
        target.finish()
        mark.forget()
    return result


def _write(target: Target, events: Sequence[Event]) -> None:
    for attempt in range(20):
        try:
            target.write(events)
            return
        except Retry as error:
            time.sleep(min(0.1 * 2**attempt, 2.0) if error.after is None else error.after.total_seconds())
        except Full as error:
            raise Failed(str(error)) from error
    raise Failed("the store did not take the events within the time allowed")


class Bookmark:
    """How far a file was imported, for the case of an interruption."""

    def __init__(self, path: Path, folder: Path | None, choices: str = "") -> None:
        facts = path.stat()
        told = f"{path.resolve()}|{facts.st_size}|{facts.st_mtime_ns}|{choices}"
        name = hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()[:24]
        self._file = folder / f"import-{name}" if folder else None
        self.line = 0
        if self._file and self._file.exists():
            self.line = int(self._file.read_text("ascii") or 0)

    def save(self, line: int) -> None:
        """Everything up to this line is in the log."""
        if self._file:
            fresh = self._file.with_suffix(f".{os.getpid()}")
            fresh.write_text(str(line), "ascii")
            fresh.replace(self._file)

    def forget(self) -> None:
        """The whole file is imported."""
        if self._file:
            self._file.unlink(missing_ok=True)


def reader(*, mapping: dict[str, str], preset: str | None, zone: str | None) -> Callable[[Path], Iterator[Line]]:
    """Lines of a file under these choices."""
    return lambda path: read_file(path, mapping=mapping, preset=preset, zone=zone, default_source="import")


def parse_mapping(text: str | None) -> dict[str, str]:
    """ "text=Tweet,id=tweet_id" as a dict; raises Invalid for anything else."""
    found: dict[str, str] = {}
    for part in filter(None, (text or "").split(",")):
        name, separator, column = part.partition("=")
        if not separator or not name.strip() or not column.strip():
            raise Invalid([Problem(f"{part!r} is no FIELD=COLUMN", "--map", "mapping")])
        found[name.strip()] = column.strip()
    return found
