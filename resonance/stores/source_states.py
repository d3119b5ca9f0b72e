"""What is remembered of each source: who reads it, from where to go on, how it does, and what was missed."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from resonance.errors import Fenced
from resonance.stores import dialect, schema
from resonance.stores.database import Database, append_changes
from resonance.update import Change

LEASE = 30_000_000
"""How long a lease holds without being renewed (µs)."""


class Lease(Struct, frozen=True):
    """The right to read a source, until somebody else has a greater epoch."""

    source: str
    epoch: int
    token: str | None


class Missed(Struct, frozen=True):
    """A gap: what was said between two instants (µs of log time; `since` None: unknown) will not come any more."""

    since: int | None
    until: int
    reason: str


class SourceState(Struct, frozen=True):
    """A source as it stands. Instants in µs; `last_event_at` is log time, `changed_at` and `lease_until` real time."""

    source: str
    token: str | None
    epoch: int
    owner: str | None
    lease_until: int | None
    connected: bool
    last_event_at: int | None
    changed_at: int | None
    counters: dict[str, int]
    problem: str | None


class SourceStates:
    """source_state and gap on a Database. Lease times are real time (µs)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, source: str, owner: str, now: int) -> Lease | None:
        """The lease with the next epoch; None while another owner holds it."""
        table = schema.source_state
        free = sa.or_(table.c.owner.is_(None), table.c.owner == owner, sa.func.coalesce(table.c.lease_until, 0) <= now)
        with self._database.write() as connection:
            connection.execute(dialect.insert(connection, table).values(source=source).on_conflict_do_nothing())
            # One statement decides, so that of two that ask at once only one gets it.
            claim = sa.update(table).where(table.c.source == source, free)
            values = {"epoch": table.c.epoch + 1, "owner": owner, "lease_until": now + LEASE}
            row = connection.execute(claim.values(values).returning(table.c.epoch, table.c.token)).first()
        return Lease(source, row[0], row[1]) if row else None

    def renew(self, lease: Lease, now: int) -> None:
        """Hold the lease although nothing comes; raises Fenced where somebody else took it."""
        self._update(lease, {"lease_until": now + LEASE}, {})

    def release(self, lease: Lease) -> None:
        """Let the next one read at once. Says nothing where somebody else does already."""
        table = schema.source_state
        mine = sa.and_(table.c.source == lease.source, table.c.epoch == lease.epoch)
        with self._database.write() as connection:
            connection.execute(sa.update(table).where(mine).values(owner=None, lease_until=None, connected=0))

    def keep(
        self,
        lease: Lease,
        now: int,
        *,
        token: str | None,
        at: int | None,
        counters: dict[str, int],
        gap: Missed | None = None,
        problem: str | None = None,
    ) -> None:
        """What the log has acknowledged: the token, when the last event came (log time), totals to add, what was missed
        before it, and what is wrong although it is read, all in one transaction. Renews the lease; raises Fenced where somebody else took it."""
        values: dict[str, Any] = {"lease_until": now + LEASE, "connected": 1, "problem": problem, "changed_at": now}
        if token is not None:
            values["token"] = token
        if at is not None:
            values["last_event_at"] = at
        self._update(lease, values, counters, gap)

    def pushed(self, source: str, at: int, counters: dict[str, int]) -> None:
        """What a source that is pushed to us has brought: when (log time), and totals to add."""
        table = schema.source_state
        with self._database.write() as connection:
            connection.execute(dialect.insert(connection, table).values(source=source).on_conflict_do_nothing())
            mine = table.c.source == source
            # The row is locked by the first write, so that of two pushes at once none is left out.
            connection.execute(sa.update(table).where(mine).values(last_event_at=at))
            known = connection.scalar(sa.select(table.c.counters).where(mine))
            text = _added(known, counters)
            connection.execute(sa.update(table).where(mine).values(counters=text))

    def broken(
        self, lease: Lease, now: int, problem: str, counters: dict[str, int], *, gap: Missed | None = None
    ) -> None:
        """The connection is gone, and why. With a gap the place is forgotten, too: the next one begins anew."""
        values: dict[str, Any] = {"connected": 0, "problem": problem, "changed_at": now}
        self._update(lease, values | ({"token": None} if gap else {}), counters, gap)

    def all(self) -> list[SourceState]:
        """Every source that was ever read, by name."""
        table = schema.source_state
        with self._database.read() as connection:
            rows = connection.execute(sa.select(table).order_by(table.c.source)).mappings().all()
        return [
            SourceState(
                **{**row, "connected": bool(row["connected"]), "counters": msgspec.json.decode(row["counters"])}
            )
            for row in rows
        ]

    def gaps(self, source: str, limit: int = 100) -> list[Missed]:
        """What a source has missed, newest first."""
        table = schema.gap
        query = sa.select(table.c.since_at, table.c.until_at, table.c.reason).where(table.c.source == source)
        with self._database.read() as connection:
            return [Missed(*row) for row in connection.execute(query.order_by(table.c.id.desc()).limit(limit))]

    def _update(
        self, lease: Lease, values: dict[str, Any], counters: dict[str, int], gap: Missed | None = None
    ) -> None:
        table = schema.source_state
        mine = sa.and_(table.c.source == lease.source, table.c.epoch == lease.epoch)
        with self._database.write() as connection:
            known = connection.scalar(sa.select(table.c.counters).where(mine))
            text = _added(known, {**counters, **({"gaps": 1} if gap else {})})
            done = connection.execute(sa.update(table).where(mine).values(counters=text, **values))
            if done.rowcount == 0:
                raise Fenced(f"the source {lease.source!r} is read by somebody else now")
            if gap is not None:
                _missed(connection, lease.source, gap)


def _added(known: str | None, counters: dict[str, int]) -> str:
    """Totals with more added to them, as they stand in the row."""
    totals: dict[str, int] = msgspec.json.decode(known) if known else {}
    for name, count in counters.items():
        totals[name] = totals.get(name, 0) + count
    return msgspec.json.encode(totals).decode()


def _missed(connection: sa.Connection, source: str, gap: Missed) -> None:
    """A person sees it: as a row, and in the change feed."""
    row = {"source": source, "since_at": gap.since, "until_at": gap.until, "reason": gap.reason}
    connection.execute(sa.insert(schema.gap), row)
    append_changes(connection, [Change("source.gap", None, source, gap.until, {"reason": gap.reason})])
