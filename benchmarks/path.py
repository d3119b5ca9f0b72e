"""The path of a mention on this machine: decoding and matching, the log, the whole way into the durable store, the API."""

from __future__ import annotations

import resource
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from prometheus_client import CollectorRegistry

from resonance.access import EVERYTHING, SYSTEM
from resonance.catalogue import Catalogue, Source, Topic
from resonance.engines.embedded_log import EmbeddedLog
from resonance.engines.lane import LaneLoop
from resonance.language.detect import LanguageDetector
from resonance.metrics import Metrics
from resonance.model import Author, Mention, Upsert
from resonance.scoring import Scorer, author_keys
from resonance.sentiment.linear import LinearModel
from resonance.stores.database import Database
from resonance.stores.figures import Figures, Span
from resonance.stores.incidents import Incidents
from resonance.stores.ledger import SqlLedger
from resonance.stores.mentions import MentionFilter, Mentions
from resonance.wire import decode_event, encode_envelope, encode_event

START = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
TOPICS = 50
WORDS = [
    "heute",
    "morgen",
    "wieder",
    "lange",
    "gewartet",
    "und",
    "niemand",
    "sagt",
    "etwas",
    "dazu",
    "der",
    "service",
    "war",
    "freundlich",
    "aber",
    "das",
    "produkt",
    "hält",
    "nicht",
    "was",
    "versprochen",
    "wurde",
    "ich",
    "frage",
    "mich",
    "ob",
    "das",
    "so",
    "bleibt",
    "vielen",
    "dank",
    "für",
    "die",
    "schnelle",
    "antwort",
    "leider",
    "kam",
    "nichts",
    "an",
]


def scorer() -> Scorer:
    """50 topics of three leaves each."""
    topics = {
        f"t{n}": Topic(id=f"t{n}", name=f"T{n}", query=f'marke{n} OR "produkt {n}" OR #kampagne{n}')
        for n in range(TOPICS)
    }
    catalogue = Catalogue(version=1, topics=topics, sources={"bench": Source(id="bench")})
    return Scorer(
        catalogue, model=LinearModel.load(), detector=LanguageDetector(("de", "en")), authors=author_keys(b"bench")
    )


def mention(number: int, *, matched: bool) -> Mention:
    """About 200 characters; every second one of the matched has a neighbour's brand in it, too."""
    words = [WORDS[(number * 7 + n * 3) % len(WORDS)] for n in range(28)]
    if matched:
        words[5] = f"marke{number % TOPICS}"
    return Mention(
        id=f"bench:{number}",
        platform="bench",
        source="bench",
        text=" ".join(words),
        published_at=START + timedelta(milliseconds=number * 3),
        author=Author(id=str(number % 5000), handle=f"u{number % 5000}", followers=number % 3000),
    )


def encoded(count: int, *, matched: bool) -> list[bytes]:
    """Events as they lie in envelopes."""
    return [
        encode_event(Upsert(mention=(one := mention(n, matched=matched)), observed_at=one.published_at))
        for n in range(count)
    ]


def rate(count: int, work: Callable[[], object]) -> float:
    """Things a second."""
    started = time.perf_counter()
    work()
    return count / (time.perf_counter() - started)


def measure() -> list[dict[str, Any]]:
    """Rows of {what, value, unit, baseline, ratio, goal}."""
    rows: list[dict[str, Any]] = []
    score = scorer()
    quiet = encoded(20_000, matched=False)
    read = rate(len(quiet), lambda: score.read([decode_event(raw).mention for raw in quiet]))  # type: ignore[union-attr]
    plain = rate(len(quiet), lambda: [msgspec.json.decode(raw) for raw in quiet])
    rows.append(_row("decode + match, nothing matching, 50 topics", read, "mentions/s", "JSON alone", plain, 12_000))
    with tempfile.TemporaryDirectory() as folder:
        rows += _store(Path(folder), score)
    return rows


def _store(folder: Path, score: Scorer) -> list[dict[str, Any]]:
    database = Database(f"sqlite:///{folder / 'store.db'}")
    database.migrate()
    ledger, log = SqlLedger(database), EmbeddedLog(folder / "log.db")
    loop = LaneLoop(log, ledger, 0, lambda: score, ledger.progress, Metrics(CollectorRegistry()))
    events = encoded(12_000, matched=True)
    envelopes = [
        (0, encode_envelope(events[n : n + 500], stamp=START + timedelta(seconds=n)))
        for n in range(0, len(events), 500)
    ]
    appended = rate(len(events), lambda: [log.append([one]) for one in envelopes])
    one = (0, encode_envelope(events[:1], stamp=START))
    single = rate(200, lambda: [log.append([one]) for _ in range(200)])
    whole = rate(len(events), lambda: _exhaust(loop))
    rows = [
        _row("log append, envelopes of 500, on disk", appended, "mentions/s", "one by one", single, None),
        _row(
            "full path into the durable store, matched",
            whole,
            "mentions/s",
            "obsei 1.1.1, as published in our notes",
            660.0,
            1_500,
        ),
    ]
    rows += _beside(folder, database, log, loop)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows.append(_row("memory of this process after it all", peak, "MB", "the goal for both processes", 450.0, None))
    database.close()
    log.close()
    return rows


def _beside(folder: Path, database: Database, log: EmbeddedLog, loop: LaneLoop) -> list[dict[str, Any]]:
    """Reads and writes of the API while the engine is saturated."""
    stop = threading.Event()
    events = encoded(60_000, matched=True)[12_000:]
    for n in range(0, len(events), 500):
        log.append([(0, encode_envelope(events[n : n + 500], stamp=START + timedelta(hours=1, seconds=n)))])

    def saturate() -> None:
        while not stop.is_set() and loop.step():
            pass

    worker = threading.Thread(target=saturate)
    worker.start()
    mentions, figures, incidents = Mentions(database), Figures(database), Incidents(database)
    span = Span(START, START + timedelta(hours=24), "15m", ZoneInfo("UTC"))
    reads: list[float] = []
    writes: list[float] = []
    deadline = time.perf_counter() + 8
    while time.perf_counter() < deadline and worker.is_alive():
        reads.append(_seconds(lambda: mentions.page(MentionFilter(topic=("t1",)), EVERYTHING, limit=50)))
        reads.append(_seconds(lambda: figures.series(["t1"], "volume", span)))
        writes.append(
            _seconds(
                lambda: incidents.silence(
                    topic=None,
                    rule="r",
                    starts=START,
                    ends=START + timedelta(hours=1),
                    comment="",
                    actor=SYSTEM,
                    at=START,
                )
            )
        )
        time.sleep(0.01)
    stop.set()
    worker.join()
    return [
        _row("read p99 beside a saturated engine (one process)", _p99(reads), "ms", "median", _p50(reads), 100),
        _row("write p99 beside a saturated engine (one process)", _p99(writes), "ms", "median", _p50(writes), 150),
    ]


def _exhaust(loop: LaneLoop) -> None:
    while loop.step():
        pass


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def _p99(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.99)]


def _p50(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _row(what: str, value: float, unit: str, baseline: str, other: float, goal: float | None) -> dict[str, Any]:
    return {"what": what, "value": value, "unit": unit, "baseline": baseline, "ratio": value / other, "goal": goal}
