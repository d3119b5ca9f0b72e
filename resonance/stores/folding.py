"""Sums grow coarser with age, and nothing that is counted is lost.

Quarter-hours by environment become two sums that are kept for ever: quarter-hours over all environments, and days of UTC
by environment. The lanes of old sums become one. What a late mention or deletion adds afterwards stands in its own lane
beside them, as every reader adds up whatever rows there are, and is folded in its turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from resonance.stores import schema
from resonance.stores.database import Database, upsert
from resonance.update import Counts, WindowKey, plus

EVERYWHERE = 0
"""The environment of a sum over all of them; no environment has this id."""

QUARTER, DAY, _HOUR = 900, 86_400, 3_600
BY_ENVIRONMENT = timedelta(days=90)
"""For how long quarter-hours are told apart by environment."""

LANES = timedelta(days=8)
"""After which time nothing is gained by keeping the lanes apart."""

_ONE_LANE = 0


def fold(database: Database, now: int) -> Iterator[int]:
    """Fold what is old enough at `now` (epoch s), an hour of one topic in a transaction; gives how many rows became
    fewer."""
    lanes_before = now - int(LANES.total_seconds())
    quarters_before = folded_before(now)
    window = schema.window.c
    several, apart = window.lane != _ONE_LANE, window.environment != EVERYWHERE
    for topic in topics(database, schema.window):
        for first in hours(database, topic, QUARTER, quarters_before, apart):
            yield _fold(database, _within(topic, QUARTER, first, quarters_before, apart), _for_ever)
        for resolution in (60, QUARTER, DAY):
            for first in hours(database, topic, resolution, lanes_before, several):
                yield _fold(database, _within(topic, resolution, first, lanes_before, several), _one_lane)


def folded_before(now: float) -> int:
    """The midnight (UTC, epoch s) before which quarter-hours are not told apart by environment any more."""
    return int(now - BY_ENVIRONMENT.total_seconds()) // DAY * DAY


def topics(database: Database, table: sa.Table) -> Iterator[str]:
    """The topics that a table has rows of, each found by one look at its key."""
    last = ""
    while True:
        with database.read() as connection:
            found = connection.scalar(sa.select(sa.func.min(table.c.topic)).where(table.c.topic > last))
        if found is None:
            return
        yield found
        last = found


def hours(
    database: Database, topic: str, resolution: int, before: int, condition: sa.ColumnElement[bool] | None = None
) -> Iterator[int]:
    """The hours (epoch s) before an instant in which a topic has such sums."""
    window = schema.window.c
    place = sa.select(window.bucket).where(window.topic == topic, window.resolution == resolution)
    place = place.where(window.bucket < before).order_by(window.bucket).limit(1)
    if condition is not None:
        place = place.where(condition)
    first = -(2**62)
    while True:
        with database.read() as connection:
            found = connection.scalar(place.where(window.bucket >= first))
        if found is None:
            return
        yield found // _HOUR * _HOUR
        first = found // _HOUR * _HOUR + _HOUR


def _within(topic: str, resolution: int, first: int, before: int, condition: sa.ColumnElement[bool]) -> Any:
    window = schema.window.c
    hour = (window.bucket >= first, window.bucket < min(first + _HOUR, before))
    return sa.and_(window.topic == topic, window.resolution == resolution, *hour, condition)


def _fold(database: Database, condition: Any, coarser: Any) -> int:
    """Put the sums in the place of the rows, in one transaction: a writer in between finds either."""
    table = schema.window
    with database.write() as connection:
        gone = connection.execute(sa.delete(table).where(condition).returning(*table.c)).mappings().all()
        sums = _added(
            (key, Counts(*(row[name] for name in schema.COUNTS)))
            for row in gone
            for key in coarser(WindowKey(**{name: row[name] for name in WindowKey._fields}))
        )
        rows = [{**key._asdict(), **counts._asdict()} for key, counts in sorted(sums.items())]
        upsert(connection, table, rows, add=schema.COUNTS)
    return len(gone) - len(rows)


def _for_ever(key: WindowKey) -> tuple[WindowKey, WindowKey]:
    day = key._replace(resolution=DAY, bucket=key.bucket // DAY * DAY, lane=_ONE_LANE)
    return key._replace(environment=EVERYWHERE, lane=_ONE_LANE), day


def _one_lane(key: WindowKey) -> tuple[WindowKey]:
    return (key._replace(lane=_ONE_LANE),)


def _added(items: Iterable[tuple[WindowKey, Counts]]) -> Mapping[WindowKey, Counts]:
    """Summed up by key; what adds up to nothing is left out."""
    sums: dict[WindowKey, Counts] = {}
    for key, counts in items:
        sums[key] = plus(sums.get(key, Counts()), counts)
    return {key: counts for key, counts in sums.items() if counts != Counts()}
