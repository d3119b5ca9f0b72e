"""Notifications between decision and delivery: leased one by one, sent outside the transaction, in order within a group.

All times here are real time (µs), except an outbox row's own `at`.
"""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct, field

from resonance.model import key_bytes
from resonance.stores import schema
from resonance.stores.database import Database, upsert

LEASE = 60_000_000
_DONE = ("sent", "merged", "failed")


class Claimed(Struct, frozen=True):
    """A notification that is ours to send until the lease ends."""

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


class Shown(Struct, frozen=True):
    """A mention that still exists, as a message may quote it."""

    key: str
    platform: str
    text: str
    url: str | None
    author: str | None
    reach: int | None


class Material(Struct, frozen=True):
    """What a message is written from. `fired_at` and the like are µs of log time."""

    id: str
    rule: str
    topic: str
    topic_name: str
    severity: str
    departments: tuple[str, ...] = ()
    fired_at: int | None = None
    resolved_at: int | None = None
    value: float | None = None
    expected: float | None = None
    score: float | None = None
    reasons: list[dict[str, Any]] = field(default_factory=list)
    mentions: list[Shown] = field(default_factory=list)
    authors: dict[str, str] = field(default_factory=dict)


class Outbox:
    """The outbox and its deliveries on a Database. Deliveries are written by notify alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, owner: str, now: int, limit: int = 20) -> list[Claimed]:
        """Lease what can be sent: of each (channel, group) only the oldest that is not done, and only when it is due."""
        with self._database.read() as connection:
            if not connection.execute(_open_rows().limit(1)).first():
                return []
        with self._database.write() as connection:
            claimed: list[Claimed] = []
            seen: set[tuple[str, str]] = set()
            for row in connection.execute(_open_rows().order_by(schema.outbox.c.id)).mappings():
                place = (row["channel"], row["grouping"])
                if place in seen or len(claimed) >= limit:
                    continue
                seen.add(place)
                if (row["lease_until"] or 0) > now or (row["next_at"] or 0) > now:
                    continue
                attempts = (row["attempts"] or 0) + 1
                _deliver(
                    connection, row["id"], state="sending", attempts=attempts, owner=owner, lease_until=now + LEASE
                )
                claimed.append(_claimed(row, attempts))
        return claimed

    def merge(self, firing: Claimed, now: int) -> Claimed | None:
        """After a catch-up: where the same incident's resolution waits unsent behind it, one message tells both. Marks
        the firing as merged and returns the leased resolution."""
        box, delivery = schema.outbox, schema.delivery
        with self._database.write() as connection:
            query = (
                sa.select(box)
                .outerjoin(delivery, delivery.c.outbox == box.c.id)
                .where(box.c.channel == firing.channel, box.c.alert == firing.alert, box.c.kind == "resolved")
                .where(sa.or_(delivery.c.state.is_(None), delivery.c.state.not_in(_DONE)))
            )
            row = connection.execute(query).mappings().first()
            if row is None:
                return None
            _deliver(connection, firing.id, state="merged", attempts=firing.attempts, done_at=now)
            _deliver(connection, row["id"], state="sending", attempts=1, lease_until=now + LEASE)
        return _claimed(row, 1)

    def sent(self, item: Claimed, now: int) -> None:
        """It is delivered."""
        self._set(item, state="sent", done_at=now)

    def retry(self, item: Claimed, at: int, problem: str) -> None:
        """Try again at `at`."""
        self._set(item, state="waiting", next_at=at, problem=problem)

    def failed(self, item: Claimed, now: int, problem: str) -> None:
        """Given up; the reason stays visible."""
        self._set(item, state="failed", done_at=now, problem=problem)

    def _set(self, item: Claimed, **values: Any) -> None:
        with self._database.write() as connection:
            _deliver(connection, item.id, attempts=item.attempts, **values)

    # ---- what a message is written from ---------------------------------------------------------------------

    def material(self, item: Claimed) -> Material:
        """The alert with what still exists of its mentions and authors; an outbox row without alert (a test) gives its
        own values."""
        with self._database.read() as connection:
            alert = (
                connection.execute(sa.select(schema.alert).where(schema.alert.c.id == item.alert)).mappings().first()
            )
            if alert is None:
                return Material(item.alert, item.values.get("rule", ""), "", "", "notice")
            reasons = msgspec.json.decode(alert["reasons"])
            names = _names(connection)
            return Material(
                id=alert["id"],
                rule=alert["rule"],
                topic=alert["topic"],
                topic_name=names.get(("topic", alert["topic"]), alert["topic"]),
                severity=alert["severity"],
                departments=tuple(
                    names.get(("department", name), name) for name in msgspec.json.decode(alert["departments"])
                ),
                fired_at=alert["fired_at"],
                resolved_at=alert["resolved_at"],
                value=alert["value"],
                expected=alert["expected"],
                score=alert["score"],
                reasons=reasons,
                mentions=_mentions(connection, msgspec.json.decode(alert["mentions"])),
                authors=_authors(connection, reasons),
            )


def _open_rows() -> sa.Select[Any]:
    box, delivery = schema.outbox, schema.delivery
    columns = (delivery.c.state, delivery.c.attempts, delivery.c.lease_until, delivery.c.next_at)
    query = sa.select(box, *columns).outerjoin(delivery, delivery.c.outbox == box.c.id)
    return query.where(sa.or_(delivery.c.state.is_(None), delivery.c.state.not_in(_DONE)))


def _claimed(row: sa.RowMapping, attempts: int) -> Claimed:
    return Claimed(
        id=row["id"],
        idempotency_key=row["idempotency_key"],
        channel=row["channel"],
        group=row["grouping"],
        alert=row["alert"],
        kind=row["kind"],
        at=row["at"],
        real_at=row["real_at"],
        attempts=attempts,
        values=msgspec.json.decode(row["values"]),
    )


def _deliver(connection: sa.Connection, number: int, **values: Any) -> None:
    row = {"owner": None, "lease_until": None, "next_at": None, "done_at": None, "problem": None}
    upsert(connection, schema.delivery, [{"outbox": number, **row, **values}])


def _names(connection: sa.Connection) -> dict[tuple[str, str], str]:
    query = sa.select(schema.entry).where(schema.entry.c.kind.in_(("topic", "department")))
    rows = connection.execute(query).mappings()
    return {(row["kind"], row["id"]): msgspec.json.decode(row["body"])["name"] for row in rows}


def _mentions(connection: sa.Connection, keys: list[str]) -> list[Shown]:
    mention, author = schema.mention, schema.author
    query = (
        sa.select(mention, author.c.handle, author.c.name)
        .outerjoin(author, author.c.author_key == mention.c.author_key)
        .where(mention.c.key.in_([key_bytes(key) for key in keys]))
    )
    rows = {row["key"]: row for row in connection.execute(query).mappings()}
    found = [(key, rows[key_bytes(key)]) for key in keys if key_bytes(key) in rows]
    return [
        Shown(
            key,
            row["platform"],
            row["text"] or row["title"] or "",
            row["url"],
            row["handle"] or row["name"],
            row["reach"],
        )
        for key, row in found
    ]


def _authors(connection: sa.Connection, reasons: list[dict[str, Any]]) -> dict[str, str]:
    keys = [item["author"] for reason in reasons if reason["code"] == "top_authors" for item in reason["values"]]
    query = sa.select(schema.author).where(schema.author.c.author_key.in_([bytes.fromhex(key) for key in keys]))
    rows = connection.execute(query).mappings()
    return {row["author_key"].hex(): row["handle"] or row["name"] or row["platform"] for row in rows}
