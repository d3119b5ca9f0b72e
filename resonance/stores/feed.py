"""The change feed as others read it: in commit order, resumable, bound to this store's incarnation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from resonance.access import Scope
from resonance.errors import Invalid, Problem, ResonanceError
from resonance.stores import dialect, schema
from resonance.stores.database import Database

KEPT = timedelta(days=7)
_DIGITS = 18
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
            return self._cursor(_newest(connection))

    def after(
        self, cursor: str, scope: Scope, *, topics: tuple[str, ...] = (), limit: int = 200
    ) -> tuple[list[Entry], str]:
        """Changes after a place that may be seen, and the place up to which was looked. Raises Forgotten or Invalid."""
        place = self._place(cursor)
        change = schema.change.c
        with self._database.read() as connection:
            oldest = connection.scalar(sa.select(sa.func.min(change.id)))
            newest = _newest(connection)
            # Where nothing is kept any more, only the place after the last change is one to go on from.
            if place + 1 < (newest + 1 if oldest is None else oldest):
                raise Forgotten("changes of that time are no longer kept")
            if place > newest:
                raise Forgotten("the place belongs to another store")
            query = sa.select(schema.change).where(change.id > place, dialect.changes_visible(connection))
            rows = list(connection.execute(query.order_by(change.id).limit(limit)).mappings())
        entries = [self._entry(row) for row in rows if row["type"] in PUBLIC and _seen(row["topic"], scope, topics)]
        return entries, self._cursor(rows[-1]["id"]) if rows else cursor

    def _entry(self, row: sa.RowMapping) -> Entry:
        data = msgspec.json.decode(row["data"]) if row["data"] else None
        return Entry(self._cursor(row["id"]), row["type"], row["topic"], row["key"], row["at"], data)

    def _cursor(self, number: int) -> str:
        return f"{self._incarnation}-{number}"

    def _place(self, cursor: str) -> int:
        incarnation, _, number = cursor.partition("-")
        if not (number.isascii() and number.isdecimal()) or len(number) > _DIGITS:
            raise Invalid([Problem("is no place in the change feed", "after", "cursor")])
        if incarnation != self._incarnation:
            raise Forgotten("the place belongs to another store")
        return int(number)


def _newest(connection: sa.Connection) -> int:
    """The number of the last change that there was, also where it is no longer kept."""
    last = connection.scalar(sa.select(sa.func.max(schema.change.c.id)))
    if last is None and connection.dialect.name == "sqlite":
        last = connection.scalar(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'change'"))
    elif last is None:
        last = connection.scalar(sa.text("SELECT last_value FROM change_id_seq WHERE is_called"))
    return int(last or 0)


def _seen(topic: str | None, scope: Scope, topics: tuple[str, ...]) -> bool:
    if topic is None:
        return scope.topics is None and not topics
    return scope.sees(topic) and (not topics or topic in topics)
