"""Carries out the jobs that the API and the command line ask for: backfill, purge, erase.

A job never touches a mention's rows: it sends internal events through the log, a few hundred at a time and only while
processing keeps up, and is done when every lane has passed them. Each step is one short transaction, so that a job goes
on after a restart where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from resonance.clock import Clock
from resonance.model import EraseAuthor, Rematch, micros
from resonance.ports import Backlog, Ledger, LogShape, Sink
from resonance.stores import dialect, schema
from resonance.stores.database import Database, append_changes, upsert
from resonance.stores.entries import rise
from resonance.update import Change

_IDS = 500
_BACKLOG = 4
_LAG = 1.0
"""A job waits while more envelopes a lane, or older ones (s), are not processed yet."""
_DAY = 86_400_000_000


class _Cursor(msgspec.Struct):
    """How far a job is: the last row it sent, how many there were at the start, and where the log's lanes ended after the last event."""

    row: int = 0
    sent: int = 0
    total: int | None = None
    ends: list[int] | None = None


@dataclass
class Jobs:
    """One step at a time, on a Database and a Log. `backlog` tells how far processing is behind the log."""

    database: Database
    sink: Sink
    log: LogShape
    ledger: Ledger
    clock: Clock
    backlog: Callable[[], Backlog]

    def step(self) -> bool:
        """Advance the oldest open job; returns whether there was one."""
        job = schema.job
        with self.database.read() as connection:
            query = sa.select(job).where(job.c.state.in_(("queued", "running"))).order_by(job.c.created_at).limit(1)
            row = connection.execute(query).mappings().first()
        if row is None or not self._keeps_up():
            return row is not None
        cursor = msgspec.json.decode(row["cursor"], type=_Cursor) if row["cursor"] else _Cursor()
        request = msgspec.json.decode(row["request"])
        if cursor.ends is not None:
            if self._passed(cursor.ends):
                self._done(row, request, cursor)
        elif row["kind"] == "erase":
            self._erase(row, request, cursor)
        else:
            self._rematch(row, request, cursor)
        return True

    # ---- backfill and purge ---------------------------------------------------------------------------------

    def _rematch(self, job: sa.RowMapping, request: dict[str, Any], cursor: _Cursor) -> None:
        chosen = self._chosen(job["kind"], request)
        with self.database.read() as connection:
            if cursor.total is None:
                cursor.total = connection.scalar(sa.select(sa.func.count()).select_from(chosen.subquery())) or 0
            found = connection.execute(
                chosen.where(schema.mention.c.row > cursor.row).order_by(schema.mention.c.row).limit(_IDS)
            ).all()
        if found:
            self.sink.write([Rematch(ids=tuple(row[1] for row in found))], source="job", mode="backfill")
            cursor.row, cursor.sent = int(found[-1][0]), cursor.sent + len(found)
        if len(found) < _IDS:
            cursor.ends = self._ends()
        self._save(job, cursor, min(cursor.sent / max(cursor.total, 1), 0.99))

    def _chosen(self, kind: str, request: dict[str, Any]) -> sa.Select[Any]:
        mention, match = schema.mention, schema.match
        query = sa.select(mention.c.row, mention.c.id)
        if kind == "purge":
            return query.where(mention.c.row.in_(sa.select(match.c.row).where(match.c.topic == request["topic"])))
        days = request.get("days")
        return query.where(mention.c.placed_at >= micros(self.clock.now()) - int(days) * _DAY) if days else query

    # ---- erasure --------------------------------------------------------------------------------------------

    def _erase(self, row: sa.RowMapping, request: dict[str, Any], cursor: _Cursor) -> None:
        key = bytes.fromhex(request["author_key"])
        with self.database.write() as connection:
            listed = {"author_key": key, "at": micros(self.clock.now()), "receipt": row["id"]}
            upsert(connection, schema.erasure, [listed], keep=("at", "receipt"))
        self.sink.write([EraseAuthor(author_key=request["author_key"])], source="job")
        cursor.ends = self._ends()
        self._save(row, cursor, 0.5)

    # ---- the end --------------------------------------------------------------------------------------------

    def _done(self, row: sa.RowMapping, request: dict[str, Any], cursor: _Cursor) -> None:
        now = micros(self.clock.now())
        result: dict[str, Any] = {"mentions": cursor.sent}
        changes = [Change("job.done", None, row["id"], now)]
        with self.database.write() as connection:
            if row["kind"] == "purge":
                _forget_topic(connection, request["topic"])
            elif row["kind"] == "backfill":
                changes.append(Change("topic.rebuild", request["topic"], request["topic"], now))
            elif row["kind"] == "erase":
                dialect.free_deleted(connection)
                result = {"author_key": request["author_key"], "store": "erased", "log": "forgets it within 24 h"}
            values = {
                "state": "done",
                "progress": 1.0,
                "result": msgspec.json.encode(result).decode(),
                "changed_at": now,
            }
            connection.execute(sa.update(schema.job).where(schema.job.c.id == row["id"]).values(values))
            append_changes(connection, changes)

    def _save(self, row: sa.RowMapping, cursor: _Cursor, progress: float) -> None:
        values = {
            "state": "running",
            "cursor": msgspec.json.encode(cursor).decode(),
            "progress": progress,
            "changed_at": micros(self.clock.now()),
        }
        open_ = sa.and_(schema.job.c.id == row["id"], schema.job.c.state.in_(("queued", "running")))
        with self.database.write() as connection:
            connection.execute(sa.update(schema.job).where(open_).values(values))

    def _ends(self) -> list[int]:
        return [self.log.bounds(lane)[1] for lane in range(self.log.lanes)]

    def _passed(self, ends: Sequence[int]) -> bool:
        """Heartbeats move every lane, so each gets past any place soon."""
        return all(self.ledger.position(lane).offset >= end for lane, end in enumerate(ends))

    def _keeps_up(self) -> bool:
        backlog = self.backlog()
        return backlog.envelopes < _BACKLOG * self.log.lanes and backlog.seconds < _LAG


def _forget_topic(connection: sa.Connection, topic: str) -> None:
    for table in (schema.window, schema.arrival, schema.feature, schema.sketch, schema.tracker):
        connection.execute(sa.delete(table).where(table.c.topic == topic))
    connection.execute(sa.delete(schema.entry).where(schema.entry.c.kind == "topic", schema.entry.c.id == topic))
    rise(connection)
