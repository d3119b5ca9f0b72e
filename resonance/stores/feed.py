"""The change feed as others read it: in commit order, resumable, bound to this store's incarnation."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from resonance.access import Scope
from resonance.errors import Invalid, Problem, ResonanceError
from resonance.stores import dialect, schema
from resonance.stores.database import Database, upsert

KEPT = timedelta(days=7)
_FORGOTTEN = "changes.forgotten"
_PLACE = re.compile(r"([^-]*)-([0-9]{1,18})-([0-9]{1,18})")
PUBLIC = (
    "mention.matched",
    "mention.updated",
    "mention.deleted",
    "alert.firing",
    "alert.acknowledged",
    "alert.resolved",
    "source.silent",
    "source.gap",
    "topic.changed",
    "job.done",
)


class Forgotten(ResonanceError):
    """The place is older than what is kept, or of another store: start anew."""


class Entry(Struct, frozen=True):
    """One change. `cursor` is the place after it."""

    cursor: str
    type: str
    topic: str | None
    key: str
    at: int
    data: dict[str, Any] | None


class Feed:
    """Reads the change feed of a Database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._incarnation = (database.meta("incarnation") or "")[:8]

    def end(self) -> str:
        """The place after the newest change."""
        with self._database.read() as connection:
            return self._cursor(dialect.changes_end(connection))

    def after(
        self, cursor: str, scope: Scope, *, topics: tuple[str, ...] = (), limit: int = 200
    ) -> tuple[list[Entry], str]:
        """Changes after a place that may be seen, and the place up to which was looked. Raises Forgotten or Invalid."""
        place = self._place(cursor)
        with self._database.read() as connection:
            if place < _forgotten(connection):
                raise Forgotten("changes of that time are no longer kept")
            if place > dialect.changes_end(connection):
                raise Forgotten("the place belongs to another store")
            rows = list(connection.execute(dialect.changes_after(connection, place).limit(limit)).mappings())
        entries = [self._entry(row) for row in rows if row["type"] in PUBLIC and _seen(row["topic"], scope, topics)]
        return entries, self._cursor(_place(rows[-1])) if rows else cursor

    def _entry(self, row: sa.RowMapping) -> Entry:
        data = msgspec.json.decode(row["data"]) if row["data"] else None
        return Entry(self._cursor(_place(row)), row["type"], row["topic"], row["key"], row["at"], data)

    def _cursor(self, place: dialect.Place) -> str:
        return f"{self._incarnation}-{place[0]}-{place[1]}"

    def _place(self, cursor: str) -> dialect.Place:
        read = _PLACE.fullmatch(cursor)
        if read is None:
            raise Invalid([Problem("is no place in the change feed", "after", "cursor")])
        if read[1] != self._incarnation:
            raise Forgotten("the place belongs to another store")
        return int(read[2]), int(read[3])


def forget(connection: sa.Connection, before: int, limit: int) -> int:
    """Take away the oldest changes before an instant (µs), at most `limit`, remembering up to where. Returns how many."""
    change = schema.change.c
    old = sa.select(change.xid, change.id).where(change.at < before).order_by(change.xid, change.id).limit(limit)
    rows = connection.execute(old).mappings().all()
    if not rows:
        return 0
    place = max(_place(rows[-1]), _forgotten(connection))
    upsert(connection, schema.meta, [{"name": _FORGOTTEN, "value": f"{place[0]}-{place[1]}"}])
    return connection.execute(sa.delete(schema.change).where(change.id.in_([row["id"] for row in rows]))).rowcount


def _forgotten(connection: sa.Connection) -> dialect.Place:
    """The place of the last change that is no longer kept."""
    written = connection.scalar(sa.select(schema.meta.c.value).where(schema.meta.c.name == _FORGOTTEN)) or "0-0"
    xid, _, number = written.partition("-")
    return int(xid), int(number)


def _place(row: sa.RowMapping) -> dialect.Place:
    return row["xid"], row["id"]


def _seen(topic: str | None, scope: Scope, topics: tuple[str, ...]) -> bool:
    if topic is None:
        return scope.topics is None and not topics
    return scope.sees(topic) and (not topics or topic in topics)
