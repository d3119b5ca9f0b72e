"""What a person did about an alert, put into the outbox for the channels that can edit what they told of it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Literal

import msgspec
import sqlalchemy as sa

from resonance.access import Actor
from resonance.catalogue import Channel
from resonance.model import micros
from resonance.stores import schema


def tell_done(
    connection: sa.Connection,
    alert: str,
    kind: Literal["acknowledged", "silenced"],
    actor: Actor,
    at: datetime,
    real_at: int | None,
) -> None:
    """One message to each such channel in which the alert's firing was put, in the transaction of the deed itself."""
    box, entry = schema.outbox.c, schema.entry.c
    told = sa.select(box.channel, box.grouping, entry.body).join(schema.entry, entry.id == box.channel)
    told = told.where(box.alert == alert, box.kind == "firing", entry.kind == "channel")
    for channel, grouping, body in connection.execute(told).all():
        if msgspec.json.decode(body, type=Channel).room is None:
            continue
        row = {
            "idempotency_key": uuid.uuid4().hex,
            "channel": channel,
            "grouping": grouping,
            "alert": alert,
            "kind": kind,
            "at": micros(at),
            "real_at": micros(at) if real_at is None else real_at,
            "values": msgspec.json.encode({"alert": alert, "by": str(actor)}).decode(),
        }
        connection.execute(sa.insert(schema.outbox), row)
