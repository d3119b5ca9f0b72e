"""Who changed what: a row written in the transaction of the change itself."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from resonance.access import Actor
from resonance.model import micros
from resonance.stores import schema


def record(
    connection: sa.Connection, actor: Actor, action: str, subject: str, at: datetime, detail: str | None = None
) -> None:
    """Write it down: `subject` as "kind:id", `detail` the new content as JSON where there is one."""
    row = {"at": micros(at), "actor": str(actor), "action": action, "subject": subject, "detail": detail}
    connection.execute(sa.insert(schema.audit), row)
