"""Takes rows away whose time is over, in short transactions. Counts stay: what was said then is still counted."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from resonance.model import instant
from resonance.stores import schema
from resonance.stores.database import Database
from resonance.stores.feed import KEPT, forget

_SLICE = 500
_IDENTITY = timedelta(days=7)
_ARRIVALS = timedelta(days=35)
_IDEMPOTENCY = timedelta(hours=24)


class Retention:
    """GUARANTEES section 11 on a Database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def run(self, *, now: int, mentions_before: int, minutes_before: int) -> int:
        """Take away what is older; all times in µs of log time. Returns the number of rows taken."""
        seconds = now // 1_000_000
        day = instant(now).date().toordinal()
        expired = sa.or_(schema.mention.c.observed_at < mentions_before, schema.mention.c.store_until < day)
        taken = self._mentions(expired)
        windows, arrivals = schema.window.c, schema.arrival.c
        identities = mentions_before - int(_IDENTITY.total_seconds()) * 1_000_000
        for table, condition in (
            (schema.identity, schema.identity.c.observed_at < identities),
            (schema.window, sa.and_(windows.resolution == 60, windows.bucket < minutes_before // 1_000_000)),
            (schema.arrival, arrivals.minute < seconds - int(_ARRIVALS.total_seconds())),
            (schema.idempotency, schema.idempotency.c.at < now - int(_IDEMPOTENCY.total_seconds()) * 1_000_000),
        ):
            with self._database.write() as connection:
                taken += connection.execute(sa.delete(table).where(condition)).rowcount
        with self._database.write() as connection:
            return taken + forget(connection, now - int(KEPT.total_seconds()) * 1_000_000)

    def _mentions(self, expired: sa.ColumnElement[bool]) -> int:
        taken = 0
        while True:
            with self._database.write() as connection:
                rows = connection.scalars(sa.select(schema.mention.c.row).where(expired).limit(_SLICE)).all()
                if not rows:
                    return taken
                connection.execute(sa.delete(schema.match).where(schema.match.c.row.in_(rows)))
                connection.execute(sa.delete(schema.mention).where(schema.mention.c.row.in_(rows)))
                connection.execute(sa.update(schema.identity).where(schema.identity.c.row.in_(rows)).values(row=0))
            taken += len(rows)
