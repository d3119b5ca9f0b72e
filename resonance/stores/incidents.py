"""Alerts as people see them, their acknowledgement, and silences."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from resonance.access import Actor, Scope
from resonance.alerts.message import Material
from resonance.errors import NotFound
from resonance.model import key_bytes, micros
from resonance.stores import schema
from resonance.stores.audit import record
from resonance.stores.database import Database, append_changes
from resonance.stores.done import tell_done
from resonance.stores.materials import material_of
from resonance.stores.mentions import read_named_cursor, write_cursor
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
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Newest first, with what still exists of their mentions; and the cursor of the rest."""
        alert = schema.alert.c
        query = _alerts()
        if chosen.state:
            query = query.where(alert.state.in_(chosen.state))
        if chosen.topic:
            query = query.where(alert.topic.in_(chosen.topic))
        if scope.topics is not None:
            query = query.where(alert.topic.in_(scope.topics))
        with self._database.read() as connection:
            ordered = _from(query, alert.pending_at, alert.id, cursor, chosen).limit(limit + 1)
            rows = _of_what_exists(connection, list(connection.execute(ordered).mappings()))
        more = _after(chosen, rows[limit - 1]["pending_at"], rows[limit - 1]["id"]) if len(rows) > limit else None
        return rows[:limit], more

    def get(self, name: str, scope: Scope) -> dict[str, Any]:
        """One alert, with what still exists of its mentions; raises NotFound where it is not there, or not to be seen."""
        with self._database.read() as connection:
            rows = list(connection.execute(_alerts().where(schema.alert.c.id == name)).mappings())
            found = _of_what_exists(connection, rows)
        if not found or not scope.sees(found[0]["topic"]):
            raise NotFound(f"there is no alert {name!r}")
        return found[0]

    def material(self, alert: Mapping[str, Any], *, names: bool) -> Material:
        """What is to be told of an alert that the reader may see."""
        with self._database.read() as connection:
            return material_of(connection, alert, names=names)

    def acknowledge(
        self,
        name: str,
        scope: Scope,
        *,
        actor: Actor,
        at: datetime,
        real_at: int | None = None,
        comment: str | None = None,
    ) -> dict[str, Any]:
        """Somebody looks after it. The first acknowledgement stands; channels that can edit what they told are told of it.
        `real_at`: µs of the wall clock, where that is not `at`."""
        alert = self.get(name, scope)
        known = sa.select(schema.acknowledgement.c.alert).where(schema.acknowledgement.c.alert == name)
        if alert["acknowledged_at"] is None:
            with self._database.write() as connection:
                # Looked at again under the write lock: of two at once only one is the first.
                if connection.execute(known).first() is not None:
                    return self.get(name, scope)
                row = {"alert": name, "at": micros(at), "by": str(actor), "comment": comment}
                connection.execute(sa.insert(schema.acknowledgement), row)
                record(connection, actor, "acknowledge", f"alert:{name}", at)
                append_changes(connection, [Change("alert.acknowledged", alert["topic"], name, micros(at))])
                tell_done(connection, name, "acknowledged", actor, at, real_at)
        return self.get(name, scope)

    # ---- silences -------------------------------------------------------------------------------------------

    def silences(
        self, scope: Scope, *, limit: int = 200, cursor: str | None = None
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Silences, the ones that end last first, and the cursor of the rest; to a bounded reader those of its topics,
        and those of all topics."""
        silence, chosen = schema.silence.c, AlertFilter()
        query = sa.select(schema.silence)
        if scope.topics is not None:
            query = query.where(sa.or_(silence.topic.is_(None), silence.topic.in_(scope.topics)))
        with self._database.read() as connection:
            ordered = _from(query, silence.ends_at, silence.id, cursor, chosen).limit(limit + 1)
            rows = [dict(row) for row in connection.execute(ordered).mappings()]
        more = _after(chosen, rows[limit - 1]["ends_at"], rows[limit - 1]["id"]) if len(rows) > limit else None
        return rows[:limit], more

    def get_silence(self, name: str) -> dict[str, Any]:
        """One silence; raises NotFound."""
        with self._database.read() as connection:
            row = connection.execute(sa.select(schema.silence).where(schema.silence.c.id == name)).mappings().first()
        if row is None:
            raise NotFound(f"there is no silence {name!r}")
        return dict(row)

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
        alert: str | None = None,
        real_at: int | None = None,
    ) -> dict[str, Any]:
        """Tell nobody of these alerts for a while. `alert`: where somebody said so, which says it there in return."""
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
            if alert is not None:
                tell_done(connection, alert, "silenced", actor, at, real_at)
        return row

    def unsilence(self, name: str, *, actor: Actor, at: datetime) -> None:
        """End a silence; raises NotFound."""
        with self._database.write() as connection:
            if connection.execute(sa.delete(schema.silence).where(schema.silence.c.id == name)).rowcount == 0:
                raise NotFound(f"there is no silence {name!r}")
            record(connection, actor, "unsilence", f"silence:{name}", at)


def _from(
    query: sa.Select[Any], at: sa.Column[Any], name: sa.Column[Any], cursor: str | None, chosen: AlertFilter
) -> sa.Select[Any]:
    """The query in the order of time, the newest first, after a cursor."""
    if cursor:
        place, last = read_named_cursor(cursor, chosen)
        query = query.where(sa.or_(at < place, sa.and_(at == place, name < last)))
    return query.order_by(at.desc(), name.desc())


def _after(chosen: AlertFilter, place: int, name: str) -> str:
    return write_cursor(chosen, place, name)


def _of_what_exists(connection: sa.Connection, rows: Sequence[sa.RowMapping]) -> list[dict[str, Any]]:
    """Alerts name no mention that was deleted or is no longer kept."""
    named = {row["id"]: msgspec.json.decode(row["mentions"], type=list[str]) for row in rows}
    keys = {key_bytes(key) for keys in named.values() for key in keys}
    mention = schema.mention.c.key
    found = set(connection.scalars(sa.select(mention).where(mention.in_(keys)))) if keys else set()
    exists = {name: [key for key in keys if key_bytes(key) in found] for name, keys in named.items()}
    return [{**row, "mentions": msgspec.json.encode(exists[row["id"]]).decode()} for row in rows]


def _alerts() -> sa.Select[Any]:
    ack = schema.acknowledgement.c
    return sa.select(schema.alert, ack.at.label("acknowledged_at"), ack.by.label("acknowledged_by")).outerjoin(
        schema.acknowledgement, ack.alert == schema.alert.c.id
    )
