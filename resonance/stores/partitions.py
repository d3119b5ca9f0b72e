"""PostgreSQL keeps each day's mentions and matches apart: made ahead, and dropped as one when their time is over."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa

from resonance.records import row_after
from resonance.stores.database import Database

PARTED = ("mention", "match")
AHEAD = timedelta(days=3)


def make_ahead(database: Database, now: datetime) -> list[str]:
    """Make the partitions of today and the next days; returns the names of new ones. Nothing on SQLite.

    A day that already has rows in the default partition keeps them there: they are found all the same.
    """
    made: list[str] = []
    if database.engine.dialect.name != "postgresql":
        return made
    first = now.astimezone(UTC).date()
    for offset in range(AHEAD.days + 1):
        made += _make(database, first + timedelta(days=offset))
    return made


def drop_before(database: Database, before: datetime) -> list[str]:
    """Drop the partitions of days that lie wholly before an instant; returns their names."""
    if database.engine.dialect.name != "postgresql":
        return []
    dropped = []
    for name in sorted(_existing(database)):
        day = _day_of(name)
        if day is not None and _start(day + timedelta(days=1)) <= before:
            with database.write() as connection:
                connection.execute(sa.text(f"DROP TABLE {name}"))
            dropped.append(name)
    return dropped


def _make(database: Database, day: date) -> list[str]:
    made: list[str] = []
    existing = _existing(database)
    low, high = (row_after(0, int(_start(d).timestamp()) * 1_000_000, 0) for d in (day, day + timedelta(days=1)))
    for table in PARTED:
        name = f"{table}_{day:%Y%m%d}"
        inside = sa.text(f"SELECT 1 FROM {table}_other WHERE row >= {low} AND row < {high} LIMIT 1")
        with database.write() as connection:
            if name in existing or connection.execute(inside).first() is not None:
                continue
            # What somebody writes meanwhile would be of that day, too: looked at again when nobody can.
            connection.execute(sa.text(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
            if connection.execute(inside).first() is None:
                range_ = f"FOR VALUES FROM ({low}) TO ({high})"
                connection.execute(sa.text(f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table} {range_}"))
                made.append(name)
    return made


def _existing(database: Database) -> set[str]:
    # Several installations may share a database, each in a schema of its own.
    query = sa.text(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE c.relnamespace = current_schema()::regnamespace"
    )
    with database.read() as connection:
        return set(connection.scalars(query))


def _day_of(name: str) -> date | None:
    table, _, digits = name.rpartition("_")
    if table not in PARTED or len(digits) != 8 or not digits.isdigit():
        return None
    return datetime.strptime(digits, "%Y%m%d").replace(tzinfo=UTC).date()


def _start(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
