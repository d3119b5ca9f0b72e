"""Test messages: put into the outbox like any other, and what became of them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from resonance.access import Actor
from resonance.model import micros
from resonance.stores import schema
from resonance.stores.audit import record
from resonance.stores.database import Database


class Trial(Struct, frozen=True):
    """A test message. `state`: waiting (`problem` says what failed so far, None where nobody has tried), sent, failed."""

    id: str
    channel: str
    state: str = "waiting"
    problem: str | None = None


class Trials:
    """Test messages on a Database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, channel: str, *, actor: Actor, at: datetime, real_at: int) -> Trial:
        """A message to this channel, written down with who wanted it. `real_at`: µs of the wall clock."""
        key = uuid.uuid4().hex
        row = {
            "idempotency_key": key,
            "channel": channel,
            "grouping": f"test-{key}",
            "alert": f"test-{key}",
            "kind": "test",
            "at": micros(at),
            "real_at": real_at,
            "values": msgspec.json.encode({"rule": "test"}).decode(),
        }
        with self._database.write() as connection:
            connection.execute(sa.insert(schema.outbox), row)
            record(connection, actor, "test", f"channel:{channel}", at)
        return Trial(key, channel)

    def get(self, key: str) -> Trial | None:
        """How it stands; None where there is no such test."""
        box, delivery = schema.outbox, schema.delivery
        query = sa.select(box.c.channel, delivery.c.state, delivery.c.problem)
        query = query.outerjoin(delivery, delivery.c.outbox == box.c.id)
        query = query.where(box.c.idempotency_key == key, box.c.kind == "test")
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        return Trial(key, row[0], row[1] if row[1] in ("sent", "failed") else "waiting", row[2])

    def wait(self, trial: Trial, seconds: float, sleep: Callable[[float], object]) -> Trial:
        """How it stands once it was tried, at the latest after so many seconds of `sleep`."""
        step = 0.1
        for _ in range(round(seconds / step)):
            found = self.get(trial.id) or trial
            if found.state != "waiting" or found.problem is not None:
                return found
            sleep(step)
        return self.get(trial.id) or trial
