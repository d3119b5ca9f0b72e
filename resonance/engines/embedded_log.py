"""The log of one machine: a SQLite file of its own, to which several processes append.

Durable on return (WAL, synchronous=FULL); offsets rise for ever (AUTOINCREMENT), over all lanes together.
"""

from __future__ import annotations

import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from resonance.errors import Conflict, Full, Retry, Stop

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS envelope (
    "offset" INTEGER PRIMARY KEY AUTOINCREMENT, lane INTEGER NOT NULL, at REAL NOT NULL DEFAULT (unixepoch()), body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS envelope_lane ON envelope (lane, "offset");
"""


_WAIT, _CUT_WAIT = 15_000, 100
"""Milliseconds for which a writer, and a checkpoint, waits for others."""
_MOMENT = 0.03
"""Seconds between two looks for what another process may have appended."""


class _Held:
    """Closes a thread's connection when the thread has ended."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __del__(self) -> None:
        self._connection.close()


class EmbeddedLog:
    """`ports.Log` in one file. `lanes` counts when the file is made; a file of another number raises Conflict."""

    forgets = False

    def __init__(self, path: Path, lanes: int = 1) -> None:
        self._path = path
        self._local = threading.local()
        self._lanes = lanes
        with self._write() as connection:
            connection.execute("INSERT OR IGNORE INTO meta VALUES ('incarnation', ?)", (uuid.uuid4().hex,))
            connection.execute("INSERT OR IGNORE INTO meta VALUES ('lanes', ?)", (str(lanes),))
            facts = dict(connection.execute("SELECT name, value FROM meta").fetchall())
        self._incarnation: str = facts["incarnation"]
        if int(facts["lanes"]) != lanes:
            raise Conflict(
                f"the log at {path} has {facts['lanes']} lanes, not {lanes}; drain it before changing their number"
            )

    @property
    def incarnation(self) -> str:
        """Told apart from a log that was deleted and made anew."""
        return self._incarnation

    @property
    def lanes(self) -> int:
        """How many ordered parts it has."""
        return self._lanes

    def append(self, envelopes: Sequence[tuple[int, bytes]]) -> Callable[[], None]:
        """Append (lane, envelope) in order, all or none; on disk on return, so that there is nothing to wait for."""
        if envelopes:
            with self._write() as connection:
                connection.executemany("INSERT INTO envelope (lane, body) VALUES (?, ?)", envelopes)
        return _nothing

    def read(self, lane: int, offset: int, limit: int) -> list[tuple[int, bytes]]:
        """Up to `limit` (offset, envelope) of the lane at or after `offset`."""
        query = 'SELECT "offset", body FROM envelope WHERE lane = ? AND "offset" >= ? ORDER BY "offset" LIMIT ?'
        with self._open() as connection:
            return connection.execute(query, (lane, offset, limit)).fetchall()

    def wait(self, known: int, seconds: float) -> int:
        """Wait a moment: any process may append."""
        time.sleep(min(seconds, _MOMENT))
        return known

    def ends(self) -> list[int]:
        """The offset after the last that was ever given out, for each lane: they count together."""
        return [self.bounds(lane)[1] for lane in range(self.lanes)]

    def bounds(self, lane: int) -> tuple[int, int]:
        """The first offset still there and the one after the last that was ever given out (0 where nothing was)."""
        with self._open() as connection:
            first = connection.execute('SELECT min("offset") FROM envelope WHERE lane = ?', (lane,)).fetchone()[0]
            last = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'envelope'").fetchone()
        end = (last[0] + 1) if last else 0
        return (end if first is None else first), end

    def backlog(self, lane: int, offset: int) -> tuple[int, float]:
        """How many envelopes wait at or after `offset`, and the age of the oldest in seconds of real time."""
        query = 'SELECT count(*), coalesce(unixepoch() - min(at), 0) FROM envelope WHERE lane = ? AND "offset" >= ?'
        with self._open() as connection:
            count, age = connection.execute(query, (lane, offset)).fetchone()
        return count, float(max(age, 0))

    def trim(self, lane: int, offset: int, keep_seconds: int, limit: int = 2000) -> int:
        """Forget envelopes before `offset` that are older than `keep_seconds`, in the file, too; returns how many went."""
        query = (
            'DELETE FROM envelope WHERE "offset" IN (SELECT "offset" FROM envelope WHERE lane = ? AND "offset" < ?'
            " AND at < unixepoch() - ? LIMIT ?)"
        )
        with self._write() as connection:
            gone = connection.execute(query, (lane, offset, keep_seconds, limit)).rowcount
        if 0 < gone < limit:
            self._cut()
        return gone

    def _cut(self) -> None:
        """Cut the write-ahead log, which still holds what was deleted; left for the next time while somebody reads."""
        with self._open() as connection:
            connection.execute(f"PRAGMA busy_timeout={_CUT_WAIT}")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            connection.execute(f"PRAGMA busy_timeout={_WAIT}")

    def close(self) -> None:
        """Close this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            self._local.connection = None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        try:
            if connection is None:
                connection = self._local.connection = self._connect()
            yield connection
        except sqlite3.OperationalError as error:
            if connection is not None and connection.in_transaction:
                connection.rollback()
            raise _judged(error, self._path) from error

    def _connect(self) -> sqlite3.Connection:
        # Another thread may collect it, once its own has ended.
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=_WAIT / 1000, check_same_thread=False)
        self._local.held = _Held(connection)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        # What is forgotten must not be found in free pages.
        connection.execute("PRAGMA secure_delete=ON")
        connection.executescript(_SCHEMA)
        return connection

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:
                    connection.rollback()
                raise
            connection.execute("COMMIT")


def _nothing() -> None:
    """What there is to wait for."""


def _judged(error: sqlite3.OperationalError, path: Path) -> Exception:
    text = str(error)
    if "full" in text or "I/O error" in text:
        return Full(f"no room for the log at {path}: {text}")
    if "readonly" in text or "unable to open" in text:
        return Stop(f"the log at {path} cannot be opened or written: {text}")
    return Retry(f"the log at {path} did not answer: {text}")
