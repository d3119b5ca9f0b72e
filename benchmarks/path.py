"""The path of a mention in one process: decoding and matching, the log, the whole way into the durable store."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
from prometheus_client import CollectorRegistry

from benchmarks.made import START, events, scorer
from benchmarks.row import Row, Skipped, rates, say
from deploy.native.postgres import binaries
from resonance.engines.embedded_log import EmbeddedLog
from resonance.engines.lane import LaneLoop
from resonance.metrics import Metrics
from resonance.scoring import Scorer
from resonance.stores.database import Database
from resonance.stores.ledger import SqlLedger
from resonance.stores.memory import MemoryLedger
from resonance.stores.partitions import make_ahead
from resonance.wire import decode_event, encode_envelope
from tests.support import postgres

ENVELOPE = 500
SQLITE, POSTGRES = (f"matching mentions: log → matched, scored, stored in {name}" for name in ("SQLite", "PostgreSQL"))


def measure(mentions: int = 12_000) -> list[Row | Skipped]:
    """Decoding and matching, the log, SQLite, PostgreSQL."""
    judge = scorer()
    rows: list[Row | Skipped] = [_read(judge, mentions)]
    said = events(mentions, matched=True)
    with tempfile.TemporaryDirectory(prefix="resonance-bench-") as name:
        folder = Path(name)
        rows.append(_log(folder, said))
        say("mentions into SQLite")
        memory = _work(MemoryLedger(), folder / "memory.db", said, judge)
        wall, cpu = _stored(f"sqlite:///{folder / 'store.db'}", folder / "a.db", said, judge)
        rows.append(Row(SQLITE, wall, "mentions/s", "the same into memory", memory[0], 1_500, cpu=cpu))
        rows.append(_postgres(folder, said, judge, wall))
    return rows


def _read(judge: Scorer, mentions: int) -> Row:
    say("decoding and matching")
    quiet = events(2 * mentions, matched=False)
    alone = rates(len(quiet), lambda: [msgspec.json.decode(raw) for raw in quiet])
    wall, cpu = rates(len(quiet), lambda: judge.read([decode_event(raw).mention for raw in quiet]))  # type: ignore[union-attr]
    what = "mentions that match none of 50 topics: decoded, asked"
    return Row(what, wall, "mentions/s", "their JSON decoded alone", alone[0], 12_000, cpu=cpu)


def _log(folder: Path, said: Sequence[bytes]) -> Row:
    log = EmbeddedLog(folder / "log.db")
    envelopes = _envelopes(said)
    many, _ = rates(len(said), lambda: [log.append([one]) for one in envelopes])
    one = (0, encode_envelope(said[:1], stamp=START))
    single, _ = rates(200, lambda: [log.append([one]) for _ in range(200)])
    log.close()
    return Row("log: envelopes of 500 appended, on disk", many, "mentions/s", "envelopes of 1", single)


def _work(ledger: SqlLedger | MemoryLedger, file: Path, said: Sequence[bytes], judge: Scorer) -> tuple[float, float]:
    """Mentions a second of one lane, from its log into a ledger."""
    log = EmbeddedLog(file)
    log.append(_envelopes(said))
    lane = LaneLoop(log, ledger, 0, lambda: judge, ledger.progress, Metrics(CollectorRegistry()))

    def work() -> None:
        while lane.step():
            pass

    found = rates(len(said), work)
    log.close()
    return found


def _stored(url: str, file: Path, said: Sequence[bytes], judge: Scorer) -> tuple[float, float]:
    database = Database(url)
    database.migrate()
    make_ahead(database, START)
    found = _work(SqlLedger(database), file, said, judge)
    database.close()
    return found


def _postgres(folder: Path, said: Sequence[bytes], judge: Scorer, sqlite: float) -> Row | Skipped:
    if binaries() is None:
        return Skipped(POSTGRES, "no PostgreSQL 15 or later here (Debian: apt-get install postgresql)")
    say("mentions into PostgreSQL")
    with postgres.running() as server:
        wall, cpu = _stored(server.url(), folder / "b.db", said, judge)
    return Row(POSTGRES, wall, "mentions/s", "the same into SQLite", sqlite, max(1_000, 0.6 * sqlite), cpu=cpu)


def _envelopes(said: Sequence[bytes]) -> list[tuple[int, bytes]]:
    return [
        (0, encode_envelope(said[n : n + ENVELOPE], stamp=START + timedelta(milliseconds=3 * (n + ENVELOPE))))
        for n in range(0, len(said), ENVELOPE)
    ]
