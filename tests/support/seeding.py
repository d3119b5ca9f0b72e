"""A store filled by hand, and the API in front of it: rows as process and evaluate would write them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from api.parts import Backlog, Parts
from ingest.log_sink import LogSink
from ingest.push import PushIntake
from resonance.access import SYSTEM
from resonance.catalogue import Rule, Threshold, Topic
from resonance.clock import ManualClock
from resonance.model import mention_key, micros
from resonance.stores import schema
from resonance.stores.access_keys import AccessKeys, Permission
from resonance.stores.database import Database, append_changes
from resonance.stores.entries import Entries
from resonance.update import Change, Counts
from tests.support.machine import ListLog, at

INCARNATION = "5eed5eed5eed5eed"


@dataclass
class Seed:
    """Writes rows."""

    database: Database
    rows: int = 0

    def topics(self, *names: str) -> None:
        """Topics whose query is their id, the departments' names behind a colon: "bahn:pr"."""
        entries = []
        for text in names:
            name, _, department = text.partition(":")
            departments = (department,) if department else ()
            entries.append(("topic", Topic(id=name, name=name.title(), query=name, departments=departments)))
        entries.append(("rule", Rule(id="many", when=Threshold(mentions=3, window="5m"))))
        Entries(self.database).seed(entries, at=at(0))

    def mention(self, name: str, *topics: str, placed: datetime | None = None, **columns: Any) -> bytes:
        """A mention with its matches; returns its key."""
        self.rows += 1
        key, moment = mention_key(name), micros(placed or at(self.rows))
        label = columns.pop("label", "negative")
        row: dict[str, Any] = {
            "row": self.rows,
            "key": key,
            "id": name,
            "platform": name.split(":")[0],
            "source": "push",
            "environment": 1,
            "voice": "earned",
            "kind": "post",
            "language": "de",
            "language_by": "given",
            "text": "die bahn kommt",
            "published_at": moment,
            "placed_at": moment,
            "observed_at": moment,
            "logged_at": moment,
            "engagement": "{}",
            "reach_by": "unknown",
            "topics": " ".join(topics),
            "document": msgspec.json.encode({"id": name, "published_at": at(self.rows)}).decode(),
        }
        matches = [
            {
                "topic": topic,
                "row": self.rows,
                "version": 1,
                "placed_at": moment,
                "environment": 1,
                "voice": "earned",
                "spans": "[[4,8]]",
                "p_negative": 700,
                "p_neutral": 200,
                "p_positive": 100,
                "label": label,
                "model": "test",
            }
            for topic in topics
        ]
        with self.database.write() as connection:
            connection.execute(sa.insert(schema.mention), {**row, **columns})
            if matches:
                connection.execute(sa.insert(schema.match), matches)
        return key

    def identity(self, key: bytes, row: int, root: bytes | None) -> None:
        """That a mention is known, and what it answers."""
        with self.database.write() as connection:
            placed = connection.scalar(sa.select(schema.mention.c.placed_at).where(schema.mention.c.key == key))
            known = {"key": key, "id": "", "row": row, "lane": 0, "placed_at": placed, "observed_at": placed}
            stamp = {"stamp_at": placed, "stamp_version": "", "stamp_content": "", "root": root}
            connection.execute(sa.insert(schema.identity), {**known, **stamp})

    def window(
        self,
        topic: str,
        moment: datetime,
        counts: Counts,
        *,
        only: int | None = None,
        environment: int = 1,
        lane: int = 0,
    ) -> None:
        """The cells of both resolutions (or `only` one) in which these counts stand."""
        rows = [
            {
                "topic": topic,
                "resolution": resolution,
                "bucket": int(moment.timestamp()) // resolution * resolution,
                "environment": environment,
                "voice": "earned",
                "lane": lane,
                **counts._asdict(),
            }
            for resolution in (60, 900)
            if only in (None, resolution)
        ]
        with self.database.write() as connection:
            connection.execute(sa.insert(schema.window), rows)

    def environment(self, number: int, platform: str, language: str | None = None) -> None:
        """An environment with this id."""
        with self.database.write() as connection:
            connection.execute(
                sa.insert(schema.environment), {"id": number, "platform": platform, "language": language}
            )

    def progress(self, moment: datetime, lane: int = 0) -> None:
        """How far a lane is."""
        row = {"lane": lane, "incarnation": INCARNATION, "progress": micros(moment)}
        with self.database.write() as connection:
            connection.execute(sa.insert(schema.position), row)

    def alert(self, name: str, topic: str, *, pending: datetime | None = None, **columns: Any) -> None:
        """An incident that fires."""
        moment = micros(pending or at(0))
        row = {
            "id": name,
            "fingerprint": f"{topic}-many",
            "rule": "many",
            "topic": topic,
            "departments": "[]",
            "severity": "warning",
            "state": "firing",
            "pending_at": moment,
            "fired_at": moment,
            "value": 12.0,
            "expected": 3.0,
            "bucket": 0,
            "reasons": "[]",
            "mentions": "[]",
        }
        with self.database.write() as connection:
            connection.execute(sa.insert(schema.alert), {**row, **columns})

    def changes(self, *changes: tuple[str, str | None, str]) -> None:
        """(type, topic, key) of the change feed."""
        with self.database.write() as connection:
            append_changes(connection, [Change(kind, topic, key, micros(at(0))) for kind, topic, key in changes])

    def count(self, table: sa.Table, *conditions: Any) -> int:
        """How many rows there are."""
        with self.database.read() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(table).where(*conditions)) or 0


@dataclass
class Desk:
    """The API over a seeded store; what it sends goes into a log in memory and stays there."""

    folder: Path
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clock = ManualClock(at(0))
        self.database = Database(f"sqlite:///{self.folder / 'store.db'}")
        self.database.migrate()
        self.database.set_meta("incarnation", INCARNATION)
        self.seed = Seed(self.database)
        self.log = ListLog()
        sink = LogSink(self.log, self.clock)
        self.parts = Parts(
            database=self.database,
            clock=self.clock,
            intake=PushIntake(sink, self.clock),
            sink=sink,
            **{
                "backlog": lambda: Backlog(0, 0.0),
                "await_stored": lambda seconds: True,
                "metrics": lambda: b"",
                "pending": lambda: False,
                **self.settings,
            },
        )
        self.app = create_app(self.parts)
        self.client = TestClient(
            self.app, base_url="http://127.0.0.1:8000", client=("127.0.0.1", 50000), raise_server_exceptions=False
        )

    def key(self, *permissions: Permission, topics: list[str] | None = None) -> dict[str, str]:
        """Headers of a new key."""
        made = AccessKeys(self.database).create("test", permissions, topics=topics, actor=SYSTEM, at=at(0))
        return {"X-API-Key": made}

    def get(self, path: str, headers: dict[str, str] | None = None, **parameters: Any) -> Any:
        return self.client.get(path, params=parameters or None, headers=headers)

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    def close(self) -> None:
        self.client.close()
        self.database.close()
