"""Takes rows away whose time is over, in short transactions. Counts stay: what was said then is still counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct, field

from resonance.model import instant, micros
from resonance.records import row_after
from resonance.stores import partitions, schema
from resonance.stores.database import Database
from resonance.stores.feed import KEPT, forget
from resonance.stores.folding import fold, hours, topics

IDENTITY = timedelta(days=7)
"""For how long a mention is still recognised after its row is gone: so that it is neither kept nor counted again."""

_MENTIONS, _ROWS = 200, 500
"""Rows in one transaction: about 20 ms of SQLite, full text and all, so that no writer waits for longer."""

_ARRIVALS = timedelta(days=35)
_IDEMPOTENCY = timedelta(hours=24)
_MARKS, _DAY_DONE = "retention.marks", "retention.day"
_OTHERS = ""
_DAY = 86_400
_HOUR = 3_600


class Terms(Struct, frozen=True):
    """How many days what is kept; `sources`: source → days where a source has its own."""

    mentions_days: int = 400
    minutes_days: int = 30
    sources: dict[str, int] = field(default_factory=dict)

    @property
    def longest(self) -> int:
        """Days after which no mention of any source is kept."""
        return max(self.mentions_days, *self.sources.values(), 1)


class _Marks(Struct):
    """Up to which row each source's mentions are gone (`""`: all without days of their own), under which terms."""

    terms: Terms
    rows: dict[str, int] = field(default_factory=dict)


class Retention:
    """GUARANTEES section 11 on a Database. Several processes may run it at once: every step leaves the same behind."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def run(self, now: datetime, terms: Terms) -> int:
        """All steps at once; returns the number of rows taken."""
        return sum(self.steps(now, terms))

    def steps(self, now: datetime, terms: Terms) -> Iterator[int]:
        """Take away what is older at `now` (log time), a short transaction a step, so that whoever runs it can let others
        write in between; what needs a look at all sums, once a day. Makes the days ahead on PostgreSQL. Gives the number
        of rows taken; a dropped day counts as one."""
        partitions.make_ahead(self._database, now)
        yield from self._mentions(now, terms)
        yield from self._identities(now, terms)
        yield from self._changes(now)
        yield from self._delete(schema.idempotency, schema.idempotency.c.at < micros(now - _IDEMPOTENCY))
        day = now.astimezone(UTC).date().isoformat()
        if self._database.meta(_DAY_DONE) != day:
            yield from self._minutes(now, terms)
            yield from self._arrivals(now)
            yield from fold(self._database, int(now.timestamp()))
            yield from self._authors(now, terms)
            self._database.set_meta(_DAY_DONE, day)

    # ---- mentions -------------------------------------------------------------------------------------------

    def _mentions(self, now: datetime, terms: Terms) -> Iterator[int]:
        # Those that are kept longest go by whole days of UTC, so that PostgreSQL can drop each day as one.
        midnight = instant(micros(now - timedelta(days=terms.longest)) // (_DAY * 1_000_000) * _DAY * 1_000_000)
        yield len(partitions.drop_before(self._database, midnight))
        marks = self._marks(terms)
        for source, days in {**terms.sources, _OTHERS: terms.mentions_days}.items():
            before = midnight if days == terms.longest else now - timedelta(days=days)
            end = row_after(0, micros(before), 0)
            yield from self._of_source(source, marks.rows.get(source, 0), end, now, terms)
            marks.rows[source] = max(end, marks.rows.get(source, 0))
        self._database.set_meta(_MARKS, msgspec.json.encode(marks).decode())
        until = schema.mention.c.store_until
        yield from self._take(sa.and_(until.is_not(None), until < now.date().toordinal()), now)

    def _marks(self, terms: Terms) -> _Marks:
        """Where the last run ended; from the start where the terms have changed."""
        known = self._database.meta(_MARKS)
        marks = msgspec.json.decode(known, type=_Marks) if known else _Marks(terms)
        return marks if marks.terms == terms else _Marks(terms)

    def _of_source(self, source: str, after: int, end: int, now: datetime, terms: Terms) -> Iterator[int]:
        mention = schema.mention.c
        theirs = mention.source.not_in(list(terms.sources)) if source == _OTHERS else mention.source == source
        return self._take(sa.and_(mention.row >= after, mention.row < end, theirs), now)

    def _take(self, condition: sa.ColumnElement[bool], now: datetime) -> Iterator[int]:
        """Take mentions and their matches away. Their identities remember on which day, as a negative row."""
        mention, identity = schema.mention.c, schema.identity
        gone = -now.date().toordinal()
        while True:
            with self._database.read() as connection:
                found = connection.execute(
                    sa.select(mention.row, mention.key).where(condition).order_by(mention.row).limit(_MENTIONS)
                ).all()
            if not found:
                return
            rows, keys = [row[0] for row in found], [row[1] for row in found]
            known = sa.and_(identity.c.key.in_(keys), identity.c.row.in_(rows))
            with self._database.write() as connection:
                connection.execute(sa.delete(schema.match).where(schema.match.c.row.in_(rows)))
                connection.execute(sa.delete(schema.mention).where(mention.row.in_(rows)))
                connection.execute(sa.update(identity).where(known).values(row=gone))
            yield len(found)

    def _identities(self, now: datetime, terms: Terms) -> Iterator[int]:
        identity = schema.identity
        oldest = micros(now - timedelta(days=terms.longest) - IDENTITY)
        gone = -(now - IDENTITY).date().toordinal()
        yield from self._delete(identity, identity.c.observed_at < oldest)
        yield from self._delete(identity, sa.and_(identity.c.row < 0, identity.c.row > gone))

    def _authors(self, now: datetime, terms: Terms) -> Iterator[int]:
        """Authors of whom nothing is kept any more."""
        author, mention = schema.author.c, schema.mention.c
        silent = ~sa.exists().where(mention.author_key == author.author_key)
        return self._delete(
            schema.author, sa.and_(author.seen_at < micros(now - timedelta(days=terms.longest)), silent)
        )

    # ---- sums -----------------------------------------------------------------------------------------------

    def _minutes(self, now: datetime, terms: Terms) -> Iterator[int]:
        before = int((now - timedelta(days=terms.minutes_days)).timestamp())
        window = schema.window.c
        for topic in topics(self._database, schema.window):
            for hour in hours(self._database, topic, 60, before):
                span = (window.bucket >= hour, window.bucket < min(hour + _HOUR, before))
                yield self._execute(
                    sa.delete(schema.window).where(window.topic == topic, window.resolution == 60, *span)
                )

    def _arrivals(self, now: datetime) -> Iterator[int]:
        before, table = int((now - _ARRIVALS).timestamp()), schema.arrival
        for topic in topics(self._database, table):
            with self._database.read() as connection:
                kinds = sa.select(table.c.version, table.c.platform).where(table.c.topic == topic).distinct()
                found = connection.execute(kinds).all()
            for version, platform in found:
                place = (table.c.topic == topic, table.c.version == version, table.c.platform == platform)
                yield self._execute(sa.delete(table).where(*place, table.c.minute < before))

    # ---- the rest -------------------------------------------------------------------------------------------

    def _changes(self, now: datetime) -> Iterator[int]:
        while True:
            with self._database.write() as connection:
                gone = forget(connection, micros(now - KEPT), _ROWS)
            yield gone
            if gone < _ROWS:
                return

    def _delete(self, table: sa.Table, condition: sa.ColumnElement[bool]) -> Iterator[int]:
        """By key, a slice at a time: what is looked for is looked for without the write lock."""
        keys: Sequence[sa.Column[Any]] = list(table.primary_key)
        while True:
            with self._database.read() as connection:
                found = connection.execute(sa.select(*keys).where(condition).limit(_ROWS)).all()
            if not found:
                return
            these = sa.tuple_(*keys).in_(found) if len(keys) > 1 else keys[0].in_([row[0] for row in found])
            yield self._execute(sa.delete(table).where(these, condition))

    def _execute(self, statement: sa.Delete) -> int:
        with self._database.write() as connection:
            return connection.execute(statement).rowcount


def terms_of(sources: Mapping[str, int | None], *, mentions_days: int, minutes_days: int) -> Terms:
    """The terms of these sources; None: as all others."""
    own = {name: days for name, days in sorted(sources.items()) if days is not None}
    return Terms(mentions_days, minutes_days, own)
