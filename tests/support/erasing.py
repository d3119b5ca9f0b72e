"""A store whose lanes and jobs erase an author, and what others may keep of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from ingest.log_sink import LogSink
from resonance.access import SYSTEM
from resonance.clock import ManualClock
from resonance.engines.erasing import Erasing
from resonance.engines.jobs import Jobs
from resonance.engines.passage import Passage
from resonance.model import (
    Author,
    Delete,
    EngagementSeen,
    Event,
    Mention,
    Upsert,
    key_text,
    mention_key,
)
from resonance.model import Engagement as Counted
from resonance.ports import Backlog
from resonance.stores import schema
from resonance.stores.database import Database
from resonance.stores.erasure import ErasureList
from resonance.stores.jobs import JobRows
from resonance.stores.ledger import SqlLedger
from resonance.wire import encode_event
from tests.support.machine import Machine, at
from tests.support.scoring import catalogue, scorer

ANNA = Author(id="did:plc:anna", handle="anna.example", name="Anna Beispiel", description="zwergspitz", followers=12)
BERT = Author(id="did:plc:bert", handle="bert.example", name="Bert")
WORDS = ("quietschend", "zugluft", "verspätung")
NEEDLES = (ANNA.id, "anna.example", "Anna Beispiel", "zwergspitz", *WORDS)
SCORER = scorer(catalogue())
KEY = SCORER.author_key(f"sky:{ANNA.id}")


@dataclass
class Site:
    """A store with its lanes, its jobs and the list outside it."""

    url: str
    folder: Path
    lanes: int = 2
    clock: ManualClock = field(default_factory=lambda: ManualClock(at(0)))

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        self.database = Database(self.url)
        self.database.migrate()
        self.machine = Machine(SCORER, self.lanes, SqlLedger(self.database))
        self.machine.ledger.open(self.lanes)
        self.list = ErasureList(self.folder / "erased.list")
        sink = LogSink(self.machine.log, self.clock)
        passage = Passage(self.machine.log, self.machine.ledger, lambda: Backlog(0, 0))
        erasing = Erasing(
            self.database, sink, passage, self.list, SCORER.author_key, self.clock, real=ManualClock(at(0))
        )
        self.jobs = Jobs(self.database, sink, passage, self.clock, erasing)

    def tell(self, *events: Event) -> None:
        self.machine.put(list(events), stamp=at(60))
        self.machine.beat(at(60))
        self.machine.work()

    def erase(self, key: bytes = KEY) -> dict[str, Any]:
        """Ask for it, wait for it; returns the receipt."""
        rows = JobRows(self.database)
        name = rows.create("erase", {"author_key": key.hex()}, actor=SYSTEM, at=at(0))
        self.carry_out()
        job = rows.get(name)
        assert job["state"] == "done", job["problem"]
        return dict(msgspec.json.decode(job["result"]))

    def carry_out(self) -> None:
        for _ in range(200):
            if not self.jobs.step():
                return
            self.machine.beat(at(90))
            self.machine.work()
        raise AssertionError("the job does not end")

    def many(self, table: sa.Table, *conditions: Any) -> int:
        with self.database.read() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(table).where(*conditions)) or 0

    def insert(self, table: sa.Table, **values: Any) -> None:
        with self.database.write() as connection:
            connection.execute(sa.insert(table), values)

    def counted(self, topic: str = "bahn") -> int:
        window = schema.window.c
        query = sa.select(sa.func.sum(window.mentions)).where(window.topic == topic, window.resolution == 900)
        with self.database.read() as connection:
            return int(connection.scalar(query) or 0)


def said(number: int, author: Author | None = ANNA, text: str = "die bahn ist quietschend", **more: Any) -> Upsert:
    """A mention whose id holds its author's, as on some platforms."""
    who = author.id if author else "nobody"
    facts = {"platform": "sky", "source": "test", "text": text, "published_at": at(-number), "author": author, **more}
    return Upsert(mention=Mention(id=name_of(number, who), **facts), observed_at=at(number))


def name_of(number: int, who: str = ANNA.id) -> str:
    return f"sky:at://{who}/{number}"


STORY: list[Event] = [
    *(said(number) for number in range(5)),
    said(5, text="zugluft im zug"),
    said(5, text="verspätung im zug", edited_at=at(7)),
    said(6, text="nichts davon, nur zugluft", edited_at=at(8)),
    said(7, text="zugluft", reply_to="sky:unknown"),
    Delete(id=name_of(1), observed_at=at(9)),
    EngagementSeen(id=name_of(2), engagement=Counted(likes=3), observed_at=at(9)),
    EngagementSeen(id=name_of(999), engagement=Counted(likes=3), observed_at=at(9)),
    *(said(20 + number, BERT, "die bahn kommt", reply_to=name_of(2)) for number in range(3)),
    said(30, BERT, "genau", reply_to=name_of(2), thread_title="quietschend"),
    said(31, BERT, "bahn! siehe", quote_of=name_of(3), quoted_text="quietschend die bahn"),
    said(32, BERT, "", kind="repost", repost_of=name_of(2)),
    said(34, BERT, "bahn!", reply_to=name_of(99)),
    said(33, BERT, "bahn", reply_to=name_of(21, BERT.id), thread_root=name_of(20, BERT.id)),
]


def with_traces(site: Site) -> None:
    """Everything that others keep of Anna: what went wrong, what waits, alerts, labels, answers, the audit."""
    for table, rows in TRACES.items():
        for row in rows:
            site.insert(table, **row)


def _letters() -> list[dict[str, Any]]:
    payloads = [
        encode_event(said(50)),
        b'{"op":"upsert","mention":{"author":{"handle":"anna.example"',
        b"{",
        encode_event(said(51, BERT, "hallo")),
    ]
    place = {"lane": 0, "event": 0, "at": 0, "source": "s", "reason": "r", "problem": "p"}
    return [{**place, "offset": number, "payload": payload} for number, payload in enumerate(payloads)]


def _alert() -> dict[str, Any]:
    reasons = [
        {"code": "volume", "values": {"count": 9, "window": "5m"}},
        {"code": "top_authors", "values": [{"author": KEY.hex(), "mentions": 4}, {"author": "0" * 32, "mentions": 2}]},
        {"code": "top_terms", "values": [{"term": "zugluft", "mentions": 1}, {"term": "bahn", "mentions": 9}]},
        {"code": "top_links", "values": [{"url": "https://anna.example/x", "mentions": 2}]},
    ]
    keys = [key_text(mention_key(name)) for name in NAMED]
    rule = {"fingerprint": "f", "rule": "r", "topic": "bahn", "departments": "[]", "severity": "notice"}
    return {
        **rule,
        "id": "a1",
        "state": "firing",
        "pending_at": 0,
        "bucket": 0,
        "mentions": msgspec.json.encode(keys).decode(),
        "reasons": msgspec.json.encode(reasons).decode(),
    }


NAMED = (name_of(2), name_of(21, BERT.id))
"""A mention of Anna's and one of Bert's."""

_ANSWER = {"actor": "a", "fingerprint": "f", "status": 200, "at": 0}
_MESSAGE = {"idempotency_key": "i", "channel": "c", "grouping": "g", "alert": "a1", "kind": "firing"}
_LABEL = {"topic": "bahn", "label": "neutral", "at": 0, "by": "user:x"}
_AUDIT = {"at": 0, "actor": "user:x", "action": "silence", "subject": "silence:1"}
_SILENCE = {"id": "s", "starts_at": 0, "ends_at": 1, "by": "user:x"}

TRACES: dict[sa.Table, list[dict[str, Any]]] = {
    schema.dead_letter: _letters(),
    schema.alert: [_alert()],
    schema.tracker: [{"topic": "bahn", "rev": 7, "state": b""}],
    schema.sketch: [{"topic": "bahn", "name": "terms", "cursor": "", "state": b"quietschend"}],
    schema.correction: [{**_LABEL, "key": mention_key(name)} for name in NAMED],
    schema.idempotency: [
        {**_ANSWER, "key": "k", "body": '{"author":"anna.example"}'},
        {**_ANSWER, "key": "k2", "body": "{}"},
    ],
    schema.audit: [{**_AUDIT, "detail": "von @anna.example"}],
    schema.acknowledgement: [
        {"alert": "a1", "at": 0, "by": "user:x", "comment": "das ist Anna Beispiel (did:plc:anna)"}
    ],
    schema.silence: [{**_SILENCE, "comment": "nur anna.example, Johanna nicht"}],
    schema.outbox: [{**_MESSAGE, "at": 0, "real_at": 0, "values": '{"topic": "bahn", "said": "@anna.example"}'}],
}
"""Table → rows that others keep, some with Anna in them."""
