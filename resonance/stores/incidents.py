"""Alerts as people see them, their acknowledgement, and silences."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from resonance.access import Actor, Scope
from resonance.errors import NotFound
from resonance.model import micros
from resonance.stores import schema
from resonance.stores.audit import record
from resonance.stores.database import Database, append_changes, upsert
from resonance.stores.mentions import read_cursor, write_cursor
from resonance.update import Change


class AlertFilter(Struct, frozen=True):
    """Which alerts."""

    state: tuple[str, ...] = ()
    topic: tuple[str, ...] = ()


class Incidents:
    """Alerts and silences on a Database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, chosen: AlertFilter, scope: Scope, *, limit: int, cursor: str | None = None
    ) -> tuple[list[sa.RowMapping], str | None]:
        """Newest first; and the cursor of the rest."""
        alert = schema.alert.c
        query = _alerts()
        if chosen.state:
            query = query.where(alert.state.in_(chosen.state))
        if chosen.topic:
            query = query.where(alert.topic.in_(chosen.topic))
        if scope.topics is not None:
            query = query.where(alert.topic.in_(scope.topics))
        if cursor:
            at, skip = read_cursor(cursor, chosen)
            query = query.where(alert.pending_at <= at)
        else:
            skip = 0
        with self._database.read() as connection:
            ordered = query.order_by(alert.pending_at.desc(), alert.id).offset(skip).limit(limit + 1)
            rows = list(connection.execute(ordered).mappings())
        if len(rows) <= limit:
            return rows, None
        last = rows[limit - 1]["pending_at"]
        same = sum(1 for row in rows[:limit] if row["pending_at"] == last)
        carried = skip if rows[0]["pending_at"] == last and same == limit else 0
        return rows[:limit], write_cursor(chosen, last, same + carried)

    def get(self, name: str, scope: Scope) -> sa.RowMapping:
        """One alert; raises NotFound where it is not there, or not to be seen."""
        with self._database.read() as connection:
            row = connection.execute(_alerts().where(schema.alert.c.id == name)).mappings().first()
        if row is None or not scope.sees(row["topic"]):
            raise NotFound(f"there is no alert {name!r}")
        return row

    def acknowledge(
        self, name: str, scope: Scope, *, actor: Actor, at: datetime, comment: str | None = None
    ) -> sa.RowMapping:
        """Somebody looks after it. The first acknowledgement stands."""
        alert = self.get(name, scope)
        if alert["acknowledged_at"] is None:
            with self._database.write() as connection:
                row = {"alert": name, "at": micros(at), "by": str(actor), "comment": comment}
                upsert(connection, schema.acknowledgement, [row], keep=("at", "by", "comment"))
                record(connection, actor, "acknowledge", f"alert:{name}", at)
                append_changes(connection, [Change("alert.acknowledged", alert["topic"], name, micros(at))])
        return self.get(name, scope)

    # ---- silences -------------------------------------------------------------------------------------------

    def silences(self) -> list[dict[str, Any]]:
        """All silences, the ones that end last first."""
        with self._database.read() as connection:
            query = sa.select(schema.silence).order_by(schema.silence.c.ends_at.desc())
            return [dict(row) for row in connection.execute(query).mappings()]

    def silence(
        self,
        *,
        topic: str | None,
        rule: str | None,
        starts: datetime,
        ends: datetime,
        comment: str,
        actor: Actor,
        at: datetime,
    ) -> dict[str, Any]:
        """Tell nobody of these alerts for a while."""
        row = {
            "id": uuid.uuid4().hex[:16],
            "topic": topic,
            "rule": rule,
            "starts_at": micros(starts),
            "ends_at": micros(ends),
            "by": str(actor),
            "comment": comment,
        }
        with self._database.write() as connection:
            connection.execute(sa.insert(schema.silence), row)
            record(connection, actor, "silence", f"silence:{row['id']}", at, msgspec.json.encode(row).decode())
        return row

    def unsilence(self, name: str, *, actor: Actor, at: datetime) -> None:
        """End a silence; raises NotFound."""
        with self._database.write() as connection:
            if connection.execute(sa.delete(schema.silence).where(schema.silence.c.id == name)).rowcount == 0:
                raise NotFound(f"there is no silence {name!r}")
            record(connection, actor, "unsilence", f"silence:{name}", at)


def _alerts() -> sa.Select[Any]:
    ack = schema.acknowledgement.c
    return sa.select(schema.alert, ack.at.label("acknowledged_at"), ack.by.label("acknowledged_by")).outerjoin(
        schema.acknowledgement, ack.alert == schema.alert.c.id
    )
