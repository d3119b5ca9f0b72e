"""Which message in a channel tells of an incident, where it can be edited later. Written by notify alone."""

from __future__ import annotations

import sqlalchemy as sa
from msgspec import Struct

from resonance.stores import dialect, schema
from resonance.stores.database import Database


class Head(Struct, frozen=True):
    """`place` is the channel's own name of the message; None: whoever began to post it did not come to say. `begun_at`:
    µs of the wall clock."""

    begun_at: int
    place: str | None


class Heads:
    """Heads on a Database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, channel: str, alert: str) -> Head | None:
        """What is known; None where nobody has begun to post it."""
        table = schema.head.c
        query = sa.select(table.begun_at, table.place).where(table.channel == channel, table.alert == alert)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return Head(row[0], row[1]) if row else None

    def begin(self, channel: str, alert: str, at: int) -> None:
        """It is about to be posted: noted before, so that who comes after a crash knows to look for it."""
        self._write(channel, alert, {"begun_at": at, "place": None})

    def keep(self, channel: str, alert: str, place: str) -> None:
        """It is posted."""
        self._write(channel, alert, {"begun_at": 0, "place": place})

    def _write(self, channel: str, alert: str, values: dict[str, object]) -> None:
        row = dialect.insert
        with self._database.write() as connection:
            insert = row(connection, schema.head).values(channel=channel, alert=alert, **values)
            connection.execute(insert.on_conflict_do_update(index_elements=["channel", "alert"], set_=values))
