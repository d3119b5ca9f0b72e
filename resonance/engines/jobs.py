"""Carries out the jobs that the API and the command line ask for: backfill, purge, erase.

A job never touches a mention's rows: it sends internal events through the log, a few hundred at a time and only while
processing keeps up, and is done when every lane has passed them. Each step is one short transaction, so that a job goes
on after a restart where it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from resonance.clock import Clock
from resonance.engines.erasing import Erasing, Progress
from resonance.engines.passage import Passage
from resonance.errors import Conflict
from resonance.model import Rematch, micros
from resonance.ports import Sink
from resonance.stores import schema
from resonance.stores.database import Database, append_changes
from resonance.stores.entries import rise
from resonance.update import Change

_IDS = 500
_DAY = 86_400_000_000


class _Cursor(msgspec.Struct):
    """How far a job is: the last row it sent, how many there were at the start, and where the log's lanes ended after the last event."""

    row: int = 0
    sent: int = 0
    total: int | None = None
    ends: list[int] | None = None


@dataclass
class Jobs:
    """One step at a time, on a Database and a Log."""

    database: Database
    sink: Sink
    passage: Passage
    clock: Clock
    erasing: Erasing

    def step(self) -> bool:
        """Advance the oldest open erasure, which waits for nobody, and the oldest other job; returns whether there was
        one."""
        erasure, other = self._oldest(erase=True), self._oldest(erase=False)
        if erasure is not None:
            self._erase(erasure)
        if other is not None and self.passage.keeps_up():
            self._advance(other)
        return erasure is not None or other is not None

    def _oldest(self, *, erase: bool) -> sa.RowMapping | None:
        job = schema.job
        query = sa.select(job).where(job.c.state.in_(("queued", "running")), (job.c.kind == "erase") == erase)
        with self.database.read() as connection:
            return connection.execute(query.order_by(job.c.created_at, job.c.id).limit(1)).mappings().first()

    def _advance(self, row: sa.RowMapping) -> None:
        cursor = msgspec.json.decode(row["cursor"], type=_Cursor) if row["cursor"] else _Cursor()
        request = msgspec.json.decode(row["request"])
        if cursor.ends is None:
            self._rematch(row, request, cursor)
        elif self.passage.passed(cursor.ends):
            self._done(row, request, cursor)

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
            cursor.ends = self.passage.ends()
        self._save(job, cursor, min(cursor.sent / max(cursor.total, 1), 0.99))

    def _chosen(self, kind: str, request: dict[str, Any]) -> sa.Select[Any]:
        mention, match = schema.mention, schema.match
        query = sa.select(mention.c.row, mention.c.id)
        if kind == "purge":
            return query.where(mention.c.row.in_(sa.select(match.c.row).where(match.c.topic == request["topic"])))
        days = request.get("days")
        return query.where(mention.c.placed_at >= micros(self.clock.now()) - int(days) * _DAY) if days else query

    # ---- erasure --------------------------------------------------------------------------------------------

    def _erase(self, row: sa.RowMapping) -> None:
        author = msgspec.json.decode(row["request"])["author_key"]
        before = msgspec.json.decode(row["cursor"], type=Progress) if row["cursor"] else Progress()
        try:
            done = self.erasing.step(row["id"], author, before)
        except Conflict as error:
            self._end(row, [], state="failed", problem=str(error))
            return
        if done.stage == "done":
            self._end(row, [], result=self.erasing.receipt(author, done))
        else:
            self._save(row, done, 0.5)

    # ---- the end --------------------------------------------------------------------------------------------

    def _done(self, row: sa.RowMapping, request: dict[str, Any], cursor: _Cursor) -> None:
        changes = []
        if row["kind"] == "purge":
            with self.database.write() as connection:
                _forget_topic(connection, request["topic"])
        else:
            now = micros(self.clock.now())
            changes.append(Change("topic.rebuild", request["topic"], request["topic"], now))
        self._end(row, changes, result={"mentions": cursor.sent})

    def _end(
        self,
        row: sa.RowMapping,
        changes: list[Change],
        *,
        state: str = "done",
        result: dict[str, Any] | None = None,
        problem: str | None = None,
    ) -> None:
        now = micros(self.clock.now())
        values = {
            "state": state,
            "progress": 1.0,
            "result": msgspec.json.encode(result).decode() if result else None,
            "problem": problem,
            "changed_at": now,
        }
        with self.database.write() as connection:
            connection.execute(sa.update(schema.job).where(schema.job.c.id == row["id"]).values(values))
            append_changes(connection, [*changes, Change("job.done", None, row["id"], now)])

    def _save(self, row: sa.RowMapping, cursor: msgspec.Struct, progress: float) -> None:
        values = {
            "state": "running",
            "cursor": msgspec.json.encode(cursor).decode(),
            "progress": progress,
            "changed_at": micros(self.clock.now()),
        }
        open_ = sa.and_(schema.job.c.id == row["id"], schema.job.c.state.in_(("queued", "running")))
        with self.database.write() as connection:
            connection.execute(sa.update(schema.job).where(open_).values(values))


def _forget_topic(connection: sa.Connection, topic: str) -> None:
    for table in (schema.window, schema.arrival, schema.feature, schema.sketch, schema.tracker):
        connection.execute(sa.delete(table).where(table.c.topic == topic))
    connection.execute(sa.delete(schema.entry).where(schema.entry.c.kind == "topic", schema.entry.c.id == topic))
    rise(connection)
