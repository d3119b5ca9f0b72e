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


class Lease(Struct, frozen=True):
    """The right to read a source, until somebody else has a greater epoch."""

    source: str
    epoch: int
    token: str | None


class SourceStates:
    """source_state and gap on a Database. Lease times are real time (µs)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, source: str, owner: str, now: int) -> Lease | None:
        """The lease with the next epoch; None while another owner holds it."""
        table = schema.source_state
        with self._database.write() as connection:
            row = connection.execute(sa.select(table).where(table.c.source == source)).mappings().first()
            if row and row["owner"] not in (None, owner) and (row["lease_until"] or 0) > now:
                return None
            epoch = (row["epoch"] if row else 0) + 1
            values = {"epoch": epoch, "owner": owner, "lease_until": now + LEASE}
            insert = dialect.insert(connection, table).values(source=source, **values)
            connection.execute(insert.on_conflict_do_update(index_elements=["source"], set_=values))
        return Lease(source, epoch, row["token"] if row else None)

    def keep(self, lease: Lease, now: int, *, token: str | None, at: int | None, counters: dict[str, int]) -> None:
        """What the log has acknowledged: the token, when the last event came (log time), and totals to add. Renews the
        lease; raises Fenced where somebody else took it."""
        values: dict[str, Any] = {"lease_until": now + LEASE, "connected": 1, "problem": None, "changed_at": now}
        if token is not None:
            values["token"] = token
        if at is not None:
            values["last_event_at"] = at
        self._update(lease, values, counters)

    def broken(self, lease: Lease, now: int, problem: str, counters: dict[str, int]) -> None:
        """The connection is gone, and why."""
        self._update(lease, {"connected": 0, "problem": problem, "changed_at": now}, counters)

    def gap(self, lease: Lease, *, since: int | None, until: int, reason: str) -> None:
        """Something was missed: a person sees it."""
        with self._database.write() as connection:
            row = {"source": lease.source, "since_at": since, "until_at": until, "reason": reason}
            connection.execute(sa.insert(schema.gap), row)
            append_changes(connection, [Change("source.gap", None, lease.source, until, {"reason": reason})])

    def _update(self, lease: Lease, values: dict[str, Any], counters: dict[str, int]) -> None:
        table = schema.source_state
        mine = sa.and_(table.c.source == lease.source, table.c.epoch == lease.epoch)
        with self._database.write() as connection:
            row = connection.execute(sa.select(table.c.counters).where(mine)).first()
            if row is None:
                raise Fenced(f"the source {lease.source!r} is read by somebody else now")
            totals: dict[str, int] = msgspec.json.decode(row[0])
            for name, count in counters.items():
                totals[name] = totals.get(name, 0) + count
            text = msgspec.json.encode(totals).decode()
            connection.execute(sa.update(table).where(mine).values(counters=text, **values))
