"""Has the files forget what was deleted from the tables, a little at a time: deleted words stand in the full-text index
until it is merged, deleted pages in the write-ahead log until it is cut, and on PostgreSQL rows in their pages until VACUUM.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo

import sqlalchemy as sa
from msgspec import Struct, structs

from resonance.stores.database import Database

_SLICE = 0.02
_SLICES = 5
_FEWEST, _MOST = 4, 512
_CHECKPOINT_WAIT = 100
"""Milliseconds. Nobody can write while a checkpoint waits for a reader."""

_NIGHT = timedelta(hours=3)
_DONE = "forgotten.day"

_VACUUMED = ("identity", "mention", "match", "author", "orphan", "dead_letter", "idempotency", "correction", "alert")


class Forgetting(Struct, frozen=True):
    """How far it is: whether the merge has begun, and whether it has ended; how many pages fit into 20 ms."""

    begun: bool = False
    merged: bool = False
    pages: int = 16


def forget(
    database: Database,
    state: Forgetting,
    *,
    clock: Callable[[], float] = time.perf_counter,
    pause: Callable[[float], None] = time.sleep,
) -> Forgetting | None:
    """A few steps, none of which keeps others from writing for longer than about 20 ms. Returns where to go on, None when
    nothing of what was deleted before the first step can be found in the files any more."""
    if database.engine.dialect.name == "postgresql":
        _vacuum(database)
        return None
    for _ in range(_SLICES):
        if state.merged:
            break
        state = _merge(database, state, clock)
        pause(_SLICE)
    if not state.merged:
        return state
    return None if _cut(database) else state


class Nightly:
    """Once a day the files forget what was deleted since the day before: from 3 o'clock on in the installation's zone,
    at the first chance. PostgreSQL has its own vacuum."""

    def __init__(self, database: Database, zone: tzinfo) -> None:
        self._database, self._zone = database, zone
        self._state: Forgetting | None = None

    def step(self, now: datetime) -> bool:
        """A few steps, where it is time for it; returns whether there was anything to do."""
        if self._database.engine.dialect.name == "postgresql":
            return False
        day = (now.astimezone(self._zone) - _NIGHT).date().isoformat()
        if self._state is None:
            if self._database.meta(_DONE) == day:
                return False
            self._state = Forgetting()
        self._state = forget(self._database, self._state)
        if self._state is None:
            self._database.set_meta(_DONE, day)
        return True


def _merge(database: Database, state: Forgetting, clock: Callable[[], float]) -> Forgetting:
    """One slice. A negative number of pages takes all segments there are into one merge, as `optimize` does, which the
    following positive ones go on with; what is written meanwhile lies in segments of its own."""
    pages = state.pages if state.begun else -state.pages
    with database.write() as connection:
        before, started = _changes(connection), clock()
        command = "INSERT INTO mention_text(mention_text, rank) VALUES ('merge', :pages)"
        connection.execute(sa.text(command), {"pages": pages})
        done = _changes(connection) - before < 2
    took = clock() - started
    fitting = state.pages * 3 // 2 if took < _SLICE / 2 else state.pages // 2 if took > _SLICE else state.pages
    return structs.replace(state, begun=True, merged=done, pages=min(max(fitting, _FEWEST), _MOST))


def _changes(connection: sa.Connection) -> int:
    """How many rows this connection has changed: fewer than two more mean that a merge had nothing to do."""
    return int(connection.scalar(sa.text("SELECT total_changes()")) or 0)


def _cut(database: Database) -> bool:
    """Carry the write-ahead log into the database and cut it to nothing; False while somebody reads from it."""
    with database.outside() as connection:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={_CHECKPOINT_WAIT}")
        return connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar() == 0


def _vacuum(database: Database) -> None:
    with database.outside() as connection:
        connection.exec_driver_sql("SET statement_timeout = 0")
        for table in _VACUUMED:
            connection.exec_driver_sql(f'VACUUM "{table}"')
