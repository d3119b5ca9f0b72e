"""What became of notifications, for people: read beside the Outbox, which hands them out."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from msgspec import Struct

from resonance.stores import schema
from resonance.stores.database import Database
from resonance.stores.outbox import DONE

State = Literal["waiting", "sent", "merged", "failed"]


class Delivery(Struct, frozen=True):
    """A notification and how it stands: waiting (also while it is being sent), sent, merged into a later one, failed (given
    up). `kind`: firing, resolved, acknowledged, silenced or test; `at`: when it was decided (µs of log time); `problem`: why the last attempt failed."""

    channel: str
    alert: str
    kind: str
    at: int
    state: State
    problem: str | None


class Deliveries:
    """Reads outbox and delivery on a Database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_alert(self, alert: str) -> list[Delivery]:
        """All that was to be told of an alert, in the order in which it was decided."""
        return self._read(_ALL.where(_BOX.alert == alert).order_by(_BOX.id))

    def latest(self) -> dict[str, Delivery]:
        """Channel → its newest notification."""
        newest = sa.select(sa.func.max(_BOX.id)).group_by(_BOX.channel)
        return {one.channel: one for one in self._read(_ALL.where(_BOX.id.in_(newest)))}

    def waiting(self) -> dict[str, int]:
        """Channel → how many notifications it has yet to take; channels that wait for none are left out."""
        undone = sa.or_(_DELIVERY.state.is_(None), _DELIVERY.state.not_in(DONE))
        query = sa.select(_BOX.channel, sa.func.count()).select_from(_JOINED).where(undone).group_by(_BOX.channel)
        with self._database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def _read(self, query: sa.Select[Any]) -> list[Delivery]:
        with self._database.read() as connection:
            return [
                Delivery(channel, alert, kind, at, state if state in DONE else "waiting", problem)
                for channel, alert, kind, at, state, problem in connection.execute(query)
            ]


_BOX, _DELIVERY = schema.outbox.c, schema.delivery.c
_JOINED = schema.outbox.outerjoin(schema.delivery, _DELIVERY.outbox == _BOX.id)
_ALL = sa.select(_BOX.channel, _BOX.alert, _BOX.kind, _BOX.at, _DELIVERY.state, _DELIVERY.problem).select_from(_JOINED)
