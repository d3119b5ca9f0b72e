"""Jobs as rows: asked for by the API or the command line, carried out by the engine."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from resonance.access import EVERYTHING, Actor, Scope
from resonance.errors import Conflict, NotFound
from resonance.model import micros
from resonance.stores import schema
from resonance.stores.audit import record
from resonance.stores.database import Database

JobKind = Literal["backfill", "purge", "erase"]


class JobRows:
    """Jobs on a Database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, kind: JobKind, request: dict[str, Any], *, actor: Actor, at: datetime) -> str:
        """Ask for a job; returns its id."""
        with self._database.write() as connection:
            return ask(connection, kind, request, actor=actor, at=at)

    def get(self, name: str, scope: Scope = EVERYTHING) -> sa.RowMapping:
        """One job; raises NotFound where it is not there, or not about a topic that may be seen."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(schema.job).where(schema.job.c.id == name)).mappings().first()
        if row is None or not _visible(row, scope):
            raise NotFound(f"there is no job {name!r}")
        return row

    def open(self) -> int:
        """How many jobs are not done."""
        with self._database.read() as connection:
            query = sa.select(sa.func.count()).where(schema.job.c.state.in_(("queued", "running")))
            return connection.scalar(query) or 0

    def cancel(self, name: str, *, actor: Actor, at: datetime, scope: Scope = EVERYTHING) -> None:
        """Stop a job that is not done; what it did stays. Raises NotFound, or Conflict for one that is done. An erasure
        cannot be cancelled."""
        job = self.get(name, scope)
        if job["kind"] == "erase":
            raise Conflict("an erasure cannot be cancelled")
        table = schema.job
        with self._database.write() as connection:
            running = sa.and_(table.c.id == name, table.c.state.in_(("queued", "running")))
            values = {"state": "cancelled", "changed_at": micros(at)}
            if connection.execute(sa.update(table).where(running).values(values)).rowcount == 0:
                raise Conflict(f"the job {name!r} is {job['state']} already")
            record(connection, actor, "cancel", f"job:{name}", at)


def ask(connection: sa.Connection, kind: JobKind, request: dict[str, Any], *, actor: Actor, at: datetime) -> str:
    """Ask for a job in the caller's transaction; returns its id."""
    name = uuid.uuid4().hex[:16]
    asked = msgspec.json.encode(request).decode()
    row = {
        "id": name,
        "kind": kind,
        "state": "queued",
        "request": asked,
        "created_at": micros(at),
        "changed_at": micros(at),
        "by": str(actor),
    }
    connection.execute(sa.insert(schema.job), row)
    record(connection, actor, kind, f"job:{name}", at, asked)
    return name


def _visible(row: sa.RowMapping, scope: Scope) -> bool:
    if scope.topics is None:
        return True
    topic = msgspec.json.decode(row["request"]).get("topic")
    return topic is not None and scope.sees(topic)
