"""A store with alerts and an outbox to send from."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import msgspec
import sqlalchemy as sa

from resonance.alerts.message import Message
from resonance.catalogue import Department, Topic
from resonance.errors import Retry
from resonance.model import key_text, mention_key
from resonance.stores import schema
from resonance.stores.database import Database
from resonance.stores.outbox import Outbox

NOW = 1_795_527_120_000_000
"""Tuesday, 24 November 2026, 14:32 in Berlin."""

MINUTE = 60_000_000
AUTHOR = b"a" * 16
REASONS: list[dict[str, Any]] = [
    {"code": "volume", "values": {"count": 24, "expected": 4.0, "factor": 6.0, "score": 7.1, "window": "15m"}},
    {"code": "top_terms", "values": [{"term": "Rückruf", "mentions": 17}]},
    {"code": "top_authors", "values": [{"author": AUTHOR.hex(), "mentions": 3}]},
]


@cache
def _empty() -> Path:
    """A migrated store, made once."""
    path = Path(mkdtemp(prefix="outbox-")) / "store.db"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    with database.write() as connection:
        connection.exec_driver_sql("SELECT 1")
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


def fresh(folder: Path) -> Database:
    """A migrated store in this folder."""
    path = folder / "store.db"
    shutil.copy(_empty(), path)
    return Database(f"sqlite:///{path}")


@dataclass
class World:
    """Puts rows where evaluate and process would; `now` is real time in µs."""

    database: Database
    now: int = NOW
    number: int = 0

    @property
    def outbox(self) -> Outbox:
        """As a process that has just started sees it."""
        return Outbox(self.database)

    def seconds(self) -> float:
        return self.now / 1e6

    def later(self, seconds: float) -> None:
        self.now += int(seconds * 1e6)

    def add(self, table: sa.Table, **values: Any) -> None:
        with self.database.write() as connection:
            connection.execute(sa.insert(table), values)

    def alert(self, name: str, *, resolved_at: int | None = None, mentions: tuple[str, ...] = ()) -> None:
        keys = [key_text(mention_key(one)) for one in mentions]
        with self.database.write() as connection:
            connection.execute(sa.delete(schema.alert).where(schema.alert.c.id == name))
        self.add(
            schema.alert,
            id=name,
            fingerprint=f"print-{name}",
            rule="surge",
            topic="nordlicht",
            departments='["presse", "gone"]',
            severity="warning",
            state="firing" if resolved_at is None else "resolved",
            pending_at=NOW,
            fired_at=NOW,
            resolved_at=resolved_at,
            bucket=NOW // 1_000_000,
            reasons=msgspec.json.encode(REASONS).decode(),
            mentions=msgspec.json.encode(keys).decode(),
        )

    def notice(self, kind: str, alert: str, *, channel: str = "slack", group: str | None = None) -> str:
        """Put into the outbox; returns its idempotency key."""
        self.number += 1
        key = f"key-{self.number}"
        place = {"channel": channel, "grouping": group or f"print-{alert}", "alert": alert, "kind": kind}
        self.add(schema.outbox, idempotency_key=key, at=NOW, real_at=self.now, values="{}", **place)
        return key

    def catalogue(self) -> None:
        entries = {
            "topic": Topic(id="nordlicht", name="Nordlicht", query="nordlicht"),
            "department": Department(id="presse", name="Presse und PR", multiplicator="Ottilie Sandvoss"),
        }
        for kind, entry in entries.items():
            body = msgspec.json.encode(entry).decode()
            self.add(schema.entry, kind=kind, id=getattr(entry, "id", ""), revision=1, body=body, changed_at=NOW)

    def mention(self, name: str) -> None:
        self.number += 1
        times = dict.fromkeys(("published_at", "placed_at", "observed_at", "logged_at"), NOW)
        self.add(
            schema.mention,
            row=self.number,
            key=mention_key(name),
            id=name,
            platform="bluesky",
            source="demo",
            environment=1,
            voice="earned",
            kind="post",
            language_by="mention",
            text=f"Text von {name}",
            url=f"https://bluesky.example/{name}",
            author_key=AUTHOR,
            engagement="{}",
            reach=1234,
            reach_by="followers",
            document="{}",
            **times,
        )

    def deliveries(self) -> dict[str, tuple[str, str | None]]:
        """Idempotency key → (state, problem)."""
        box, delivery = schema.outbox, schema.delivery
        query = sa.select(box.c.idempotency_key, delivery.c.state, delivery.c.problem).join(
            delivery, delivery.c.outbox == box.c.id
        )
        with self.database.read() as connection:
            return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


@dataclass
class Ear:
    """A channel that hears; `problems` are raised first, one a message."""

    heard: list[tuple[str, Message]] = field(default_factory=list)
    problems: list[Exception] = field(default_factory=list)
    attempts: list[str] = field(default_factory=list)
    language: str = "de"
    zone: str = "Europe/Berlin"
    pause: float = 0.0

    def send(self, message: Message, idempotency_key: str) -> None:
        self.attempts.append(idempotency_key)
        if self.problems:
            raise self.problems.pop(0)
        self.heard.append((idempotency_key, message))

    @property
    def keys(self) -> list[str]:
        return [key for key, _ in self.heard]


def down() -> Retry:
    """What a channel says that is not there."""
    return Retry("down")
