"""Notifications between decision and delivery: leased one by one, sent outside the transaction, in order within a group.

All times here are real time (µs since 1970), except an outbox row's own `at` and the alert's instants, which are log time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from resonance.alerts.message import Material
from resonance.stores import dialect, schema
from resonance.stores.database import Database
from resonance.stores.materials import material_of

LEASE = 60_000_000
"""µs. Longer than any channel takes to send one message, so that only a crash lets it run out."""

DONE = ("sent", "merged", "failed")
"""States of a delivery that is never touched again."""
_UNTOLD = ("merged", "failed")
_SETTLED = 3_600_000_000
"""µs. Rows are committed out of order by seconds at most: what is done and older than this need not be looked at again."""


class Claimed(Struct, frozen=True):
    """A notification that is ours to send until the lease ends. `whole`: a resolution whose firing was never told (they
    collapsed, or the firing was given up), so it tells both. `attempts` counts this one, too, and is the lease's fence."""

    id: int
    idempotency_key: str
    channel: str
    group: str
    alert: str
    kind: str
    at: int
    real_at: int
    attempts: int
    values: dict[str, Any]
    whole: bool = False


class Outbox:
    """The outbox and its deliveries on a Database. Deliveries are written by notify alone."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._settled = 0

    # ---- whose turn it is -----------------------------------------------------------------------------------

    def claim(
        self, owner: str, now: int, limit: int = 20, *, skip: Collection[str] = (), per_channel: int | None = None
    ) -> list[Claimed]:
        """Lease what can be sent: of each (channel, group) only the oldest that is not done, and only when it is due.

        Channels in `skip` are left alone; of each other at most `per_channel`. A firing behind which the same
        incident's resolution waits is marked merged, and the resolution is leased in its place.
        """
        with self._database.read() as connection:
            ready = _ready(self._open(connection, now), now, skip, per_channel, limit)
        if not ready:
            return []
        claimed: list[Claimed] = []
        with self._database.write() as connection:
            for row in ready:
                taken = _lease(connection, row, owner, now)
                if taken is not None:
                    claimed.append(taken)
        return claimed

    def _open(self, connection: sa.Connection, now: int) -> list[sa.RowMapping]:
        """What is not done, oldest first. Remembers up to which row everything is done for good, so that an old outbox
        costs nothing."""
        rows = list(connection.execute(_OPEN, {"after": self._settled}).mappings())
        before = rows[0]["id"] if rows else _NEVER
        asked = {"after": self._settled, "before": before, "old": now - _SETTLED}
        self._settled = connection.scalar(_OLD, asked) or self._settled
        return rows

    # ---- what became of it ----------------------------------------------------------------------------------

    def sent(self, item: Claimed, now: int) -> None:
        """It is delivered; true even where the lease has run out meanwhile."""
        with self._database.write() as connection:
            changed = {"state": "sent", "done_at": now, "lease_until": None, "next_at": None, "problem": None}
            place = schema.delivery.c.outbox == item.id
            connection.execute(sa.update(schema.delivery).where(place).values(changed))

    def retry(self, item: Claimed, at: int, problem: str) -> None:
        """Try again at `at`. Changes nothing where somebody else has it by now."""
        self._release(item, state="waiting", next_at=at, problem=problem)

    def failed(self, item: Claimed, now: int, problem: str) -> None:
        """Given up; the reason stays visible. Changes nothing where somebody else has it by now."""
        self._release(item, state="failed", done_at=now, problem=problem)

    def _release(self, item: Claimed, **values: Any) -> None:
        table = schema.delivery.c
        ours = sa.and_(table.outbox == item.id, table.attempts == item.attempts, table.state == "sending")
        with self._database.write() as connection:
            changed = {"lease_until": None, **values}
            connection.execute(sa.update(schema.delivery).where(ours).values(changed))

    # ---- channels that are off ------------------------------------------------------------------------------

    def off(self, channel: str) -> str | None:
        """Why nothing is sent to this channel; None where it is on. A change of its entry turns it on."""
        box = schema.channel_off.c
        with self._database.read() as connection:
            query = sa.select(box.problem).where(box.channel == channel, box.revision == _revision(connection, channel))
            return connection.scalar(query)

    def turn_off(self, channel: str, problem: str, now: int) -> None:
        """The receiver wants no more messages."""
        self._turn(channel, problem, now)

    def turn_on(self, channel: str) -> None:
        """It took one, so it wants them again."""
        self._turn(channel, None, 0)

    def _turn(self, channel: str, problem: str | None, now: int) -> None:
        table = schema.channel_off
        with self._database.write() as connection:
            connection.execute(sa.delete(table).where(table.c.channel == channel))
            if problem is not None:
                row = {"channel": channel, "problem": problem, "at": now, "revision": _revision(connection, channel)}
                connection.execute(sa.insert(table), row)

    # ---- what a message is written from ---------------------------------------------------------------------

    def material(self, item: Claimed, *, names: bool = True) -> Material:
        """The alert with what still exists of its mentions and authors. Without `names` no author is named. An outbox
        row without alert (a test) gives its own values."""
        with self._database.read() as connection:
            alert = (
                connection.execute(sa.select(schema.alert).where(schema.alert.c.id == item.alert)).mappings().first()
            )
            if alert is None:
                topic = str(item.values.get("topic", ""))
                return Material(item.alert, str(item.values.get("rule", "")), topic, topic, "notice")
            return material_of(connection, alert, names=names)


def _open_rows() -> sa.Select[Any]:
    box, delivery = schema.outbox, schema.delivery
    columns = (delivery.c.state, delivery.c.attempts, delivery.c.lease_until, delivery.c.next_at)
    query = sa.select(box, *columns).outerjoin(delivery, delivery.c.outbox == box.c.id)
    query = query.where(box.c.id > sa.bindparam("after"))
    return query.where(sa.or_(delivery.c.state.is_(None), delivery.c.state.not_in(DONE))).order_by(box.c.id)


# Asked ten times a second: building them would cost more than asking.
_OPEN = _open_rows()
_OLD = sa.select(sa.func.max(schema.outbox.c.id)).where(
    schema.outbox.c.id > sa.bindparam("after"),
    schema.outbox.c.id < sa.bindparam("before"),
    # Not the newest row but the newest old one: one with a smaller id may still be uncommitted beside a new row.
    schema.outbox.c.real_at < sa.bindparam("old"),
)
_NEVER = 2**62


def _ready(
    rows: Iterable[sa.RowMapping], now: int, skip: Collection[str], per_channel: int | None, limit: int
) -> list[sa.RowMapping]:
    """The first of each group, where it is due."""
    seen: set[tuple[str, str]] = set()
    taken: dict[str, int] = {}
    ready: list[sa.RowMapping] = []
    for row in rows:
        place = (row["channel"], row["grouping"])
        if place in seen:
            continue
        seen.add(place)
        due = (row["lease_until"] or 0) <= now and (row["next_at"] or 0) <= now
        full = per_channel is not None and taken.get(row["channel"], 0) >= per_channel
        if due and not full and row["channel"] not in skip and len(ready) < limit:
            taken[row["channel"]] = taken.get(row["channel"], 0) + 1
            ready.append(row)
    return ready


def _lease(connection: sa.Connection, row: sa.RowMapping, owner: str, now: int) -> Claimed | None:
    """Ours, or None where somebody else was faster."""
    later = _resolution(connection, row) if row["kind"] == "firing" else None
    if later is None:
        if not _take(connection, row, state="sending", owner=owner, lease_until=now + LEASE):
            return None
        whole = row["kind"] == "resolved" and _firing_untold(connection, row)
        return _claimed(row, whole)
    if not _take(connection, row, state="merged", owner=owner, done_at=now):
        return None
    if not _take(connection, later, state="sending", owner=owner, lease_until=now + LEASE):
        return None
    return _claimed(later, True)


def _take(connection: sa.Connection, row: sa.RowMapping, **values: Any) -> bool:
    """Write the delivery if nobody has touched it since `row` was read: two notifiers never hold the same row."""
    table = schema.delivery
    changed = {"lease_until": None, "next_at": None, "problem": None, **values, "attempts": (row["attempts"] or 0) + 1}
    if row["state"] is None:
        fresh = dialect.insert(connection, table).values(outbox=row["id"], **changed).on_conflict_do_nothing()
        return connection.execute(fresh.returning(table.c.outbox)).first() is not None
    same = sa.and_(table.c.outbox == row["id"], table.c.attempts == row["attempts"], table.c.state == row["state"])
    return connection.execute(sa.update(table).where(same).values(changed)).rowcount == 1


def _resolution(connection: sa.Connection, firing: sa.RowMapping) -> sa.RowMapping | None:
    """The resolution of the same incident that waits behind its firing, in the same channel."""
    box = schema.outbox.c
    query = _OPEN.where(box.channel == firing["channel"], box.alert == firing["alert"], box.kind == "resolved")
    return connection.execute(query.limit(1), {"after": firing["id"]}).mappings().first()


def _firing_untold(connection: sa.Connection, row: sa.RowMapping) -> bool:
    box, delivery = schema.outbox.c, schema.delivery.c
    query = sa.select(delivery.outbox).join(schema.outbox, box.id == delivery.outbox)
    query = query.where(box.channel == row["channel"], box.alert == row["alert"], box.kind == "firing")
    return connection.execute(query.where(delivery.state.in_(_UNTOLD))).first() is not None


def _revision(connection: sa.Connection, channel: str) -> int:
    entry = schema.entry.c
    query = sa.select(entry.revision).where(entry.kind == "channel", entry.id == channel)
    return connection.scalar(query) or 0


def _claimed(row: sa.RowMapping, whole: bool) -> Claimed:
    return Claimed(
        id=row["id"],
        idempotency_key=row["idempotency_key"],
        channel=row["channel"],
        group=row["grouping"],
        alert=row["alert"],
        kind=row["kind"],
        at=row["at"],
        real_at=row["real_at"],
        attempts=(row["attempts"] or 0) + 1,
        values=msgspec.json.decode(row["values"]),
        whole=whole,
    )
