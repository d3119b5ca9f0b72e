"""What was asked under an Idempotency-Key, and what was answered; kept for 24 h."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from msgspec import Struct

from resonance.model import micros
from resonance.stores import schema
from resonance.stores.database import Database

KEPT = timedelta(hours=24)
ABANDONED = timedelta(minutes=1)
"""A request whose process died never says what became of it: after this time somebody else may try."""


class Kept(Struct, frozen=True):
    """A request under a key: `status` 0 while it is at work, then its answer."""

    fingerprint: str
    status: int
    body: str


class Idempotency:
    """The memory of repeatable requests on a Database, for each actor apart."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, key: str, actor: str, fingerprint: str, at: datetime) -> Kept | None:
        """None: the caller is the first, and has to `keep` or `release`; else what is known of the first."""
        table = schema.idempotency
        mine = _mine(key, actor)
        now = micros(at)
        with self._database.write() as connection:
            row = connection.execute(sa.select(table).where(mine)).mappings().first()
            if row is not None and row["at"] > now - _us(ABANDONED if row["status"] == 0 else KEPT):
                return Kept(row["fingerprint"], row["status"], row["body"])
            connection.execute(sa.delete(table).where(mine))
            values = {"key": key, "actor": actor, "fingerprint": fingerprint, "status": 0, "body": "", "at": now}
            connection.execute(sa.insert(table), values)
        return None

    def keep(self, key: str, actor: str, status: int, body: str) -> None:
        """The answer to a claimed request."""
        with self._database.write() as connection:
            connection.execute(sa.update(schema.idempotency).where(_mine(key, actor)).values(status=status, body=body))

    def release(self, key: str, actor: str) -> None:
        """Nothing was done: the key may be used again."""
        with self._database.write() as connection:
            connection.execute(sa.delete(schema.idempotency).where(_mine(key, actor)))


def _mine(key: str, actor: str) -> sa.ColumnElement[bool]:
    return sa.and_(schema.idempotency.c.key == key, schema.idempotency.c.actor == actor)


def _us(span: timedelta) -> int:
    return int(span.total_seconds()) * 1_000_000
