"""An erased author is gone from every table and file, stays gone, and leaves the numbers of all others right."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from msgspec import structs

from ingest.log_sink import LogSink
from resonance.access import SYSTEM
from resonance.clock import ManualClock
from resonance.engines.erasing import Erasing
from resonance.engines.jobs import Jobs
from resonance.engines.lane import know
from resonance.engines.passage import Passage
from resonance.errors import Retry
from resonance.model import (
    Author,
    AuthorSeen,
    Delete,
    DeleteAuthor,
    EngagementSeen,
    Event,
    Mention,
    RestoreAuthor,
    Upsert,
    key_text,
    mention_key,
    micros,
)
from resonance.model import Engagement as Counted
from resonance.ports import Backlog
from resonance.processor import Slice, process
from resonance.stores import schema
from resonance.stores.database import Database
from resonance.stores.erasure import ErasureList, agree, enlist
from resonance.stores.jobs import JobRows
from resonance.stores.ledger import SqlLedger
from resonance.update import Position
from resonance.wire import encode_envelope, encode_event
from tests.support.machine import Machine, at
from tests.support.scan import found_in_files, found_in_rows
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


@pytest.fixture
def site(store_url: str, tmp_path: Path) -> Iterator[Site]:
    made = Site(store_url, tmp_path)
    yield made
    made.database.close()


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
    letters = [encode_event(said(50)), b'{"op":"upsert","mention":{"author":{"handle":"anna.example"', b"{"]
    for number, payload in enumerate([*letters, encode_event(said(51, BERT, "hallo"))]):
        site.insert(
            schema.dead_letter,
            lane=0,
            offset=number,
            event=0,
            at=0,
            source="s",
            reason="r",
            problem="p",
            payload=payload,
        )
    reasons = [
        {"code": "volume", "values": {"count": 9, "window": "5m"}},
        {"code": "top_authors", "values": [{"author": KEY.hex(), "mentions": 4}, {"author": "0" * 32, "mentions": 2}]},
        {"code": "top_terms", "values": [{"term": "zugluft", "mentions": 1}, {"term": "bahn", "mentions": 9}]},
        {"code": "top_links", "values": [{"url": "https://anna.example/x", "mentions": 2}]},
    ]
    keys = [key_text(mention_key(name)) for name in (name_of(2), name_of(21, BERT.id))]
    site.insert(
        schema.alert,
        id="a1",
        fingerprint="f",
        rule="r",
        topic="bahn",
        departments="[]",
        severity="notice",
        state="firing",
        pending_at=0,
        bucket=0,
        mentions=msgspec.json.encode(keys).decode(),
        reasons=msgspec.json.encode(reasons).decode(),
    )
    site.insert(schema.tracker, topic="bahn", rev=7, state=b"")
    site.insert(schema.sketch, topic="bahn", name="terms", cursor="", state=b"quietschend")
    for name in (name_of(2), name_of(21, BERT.id)):
        site.insert(schema.correction, key=mention_key(name), topic="bahn", label="neutral", at=0, by="user:x")
    site.insert(
        schema.idempotency, key="k", actor="a", fingerprint="f", status=200, body='{"author":"anna.example"}', at=0
    )
    site.insert(schema.idempotency, key="k2", actor="a", fingerprint="f", status=200, body="{}", at=0)
    site.insert(schema.audit, at=0, actor="user:x", action="silence", subject="silence:1", detail="von @anna.example")
    site.insert(schema.acknowledgement, alert="a1", at=0, by="user:x", comment="das ist Anna Beispiel (did:plc:anna)")
    site.insert(schema.silence, id="s", starts_at=0, ends_at=1, by="user:x", comment="nur anna.example, Johanna nicht")
    site.insert(
        schema.outbox,
        idempotency_key="i",
        channel="c",
        grouping="g",
        alert="a1",
        kind="firing",
        at=0,
        real_at=0,
        values='{"topic": "bahn", "said": "@anna.example"}',
    )


def test_nothing_of_the_author_is_left_in_any_table_or_file(site: Site, tmp_path: Path) -> None:
    site.tell(*STORY)
    with_traces(site)
    before = found_in_rows(site.database, NEEDLES)
    assert {line.split(":")[0] for line in before} > {"mention.text", "identity.id", "author.handle", "orphan.event"}
    receipt = site.erase()
    assert found_in_rows(site.database, NEEDLES) == []
    # With the store still open: its write-ahead log is one of the files.
    assert found_in_files(tmp_path, NEEDLES) == []
    assert receipt["mentions"] == 7 and receipt["dead_letters"] == 2 and receipt["references"] == 2
    assert receipt["pending"] == [{"what": "log", "until": "2026-05-05T12:00:00Z"}]


def test_the_numbers_are_those_of_all_others(site: Site) -> None:
    site.tell(*STORY)
    assert site.counted() == 13
    site.erase()
    # Three replies of Bert's, his quote, his reply to what was never kept, and that to himself; "genau" had only the root's topic, and a repost its text.
    assert site.counted() == 6
    with site.database.read() as connection:
        named = set(connection.scalars(sa.select(schema.mention.c.id)))
    assert named == {name_of(number, BERT.id) for number in (20, 21, 22, 31, 33, 34)}


def test_what_others_wrote_stays_as_they_wrote_it(site: Site) -> None:
    site.tell(*STORY)
    with_traces(site)
    site.erase()
    with site.database.read() as connection:
        documents = dict(connection.execute(sa.select(schema.mention.c.id, schema.mention.c.document)).all())
        comments = connection.scalars(sa.select(schema.silence.c.comment)).all()
        alert = connection.execute(sa.select(schema.alert)).mappings().one()
        letters = connection.scalars(sa.select(schema.dead_letter.c.payload)).all()
    answer = msgspec.json.decode(documents[name_of(33, BERT.id)])
    assert answer["reply_to"] == name_of(21, BERT.id) and answer["thread_root"] == name_of(20, BERT.id)
    assert "reply_to" not in msgspec.json.decode(documents[name_of(20, BERT.id)])
    assert comments == ["nur [erased], Johanna nicht"]
    assert msgspec.json.decode(alert["mentions"]) == [key_text(mention_key(name_of(21, BERT.id)))]
    assert [reason["code"] for reason in msgspec.json.decode(alert["reasons"])] == [
        "volume",
        "top_authors",
        "top_terms",
    ]
    assert msgspec.json.decode(alert["reasons"])[2]["values"] == [{"term": "bahn", "mentions": 9}]
    assert sorted(map(bytes, letters)) == sorted([b"{", encode_event(said(51, BERT, "hallo"))])
    assert site.many(schema.correction) == 1 and site.many(schema.idempotency) == 1
    assert site.many(schema.author) == 1


def test_the_same_events_again_bring_nothing_back(site: Site) -> None:
    site.tell(*STORY)
    site.erase()
    site.tell(*STORY, said(60), AuthorSeen(author=ANNA, platform="sky", observed_at=at(61)))
    site.tell(
        said(61, reply_to=name_of(21, BERT.id)), said(62, BERT, "kaffee", quote_of=name_of(3), quoted_text="zugluft")
    )
    # What is said of mentions that were never kept waits for an hour, like that of anybody.
    left = [line for line in found_in_rows(site.database, NEEDLES) if not line.startswith("orphan.event")]
    assert left == [] and (site.counted(), site.counted("kaffee")) == (6, 1)


def test_the_platforms_own_deletion_is_no_erasure_and_can_be_revoked(site: Site) -> None:
    site.tell(*STORY[:5], DeleteAuthor(author=f"sky:{ANNA.id}", observed_at=at(10)))
    assert site.many(schema.mention) == 0 and site.counted() == 0
    assert site.many(schema.erasure) == 0 and site.list.read() == frozenset()
    assert site.many(schema.identity, schema.identity.c.author_key == KEY, schema.identity.c.deleted_at > 0) == 5
    site.tell(said(70))
    assert site.many(schema.mention) == 1 and site.counted() == 1
    site.tell(STORY[0])
    assert site.many(schema.mention) == 1
    site.tell(RestoreAuthor(author=f"sky:{ANNA.id}", observed_at=at(71)))
    site.tell(*STORY[:5], said(70))
    assert site.many(schema.mention) == 6 and site.counted() == 6


def test_two_lanes_that_know_of_each_others_mentions_subtract_them_once(site: Site) -> None:
    site.tell(*STORY)
    deletion = DeleteAuthor(author=f"sky:{ANNA.id}", observed_at=at(10))
    ledger: SqlLedger = site.machine.ledger
    known = know(ledger, [deletion], SCORER)
    updates = [process(Slice(lane, [deletion]), known, SCORER) for lane in range(site.lanes)]
    for lane, update in enumerate(updates):
        old = ledger.position(lane)
        ledger.commit(update, old, Position(**{**_fields(old), "epoch": old.epoch + 1}))
    for loop in site.machine.loops:
        loop.position = None
    site.tell()
    with site.database.read() as connection:
        assert connection.scalar(sa.select(sa.func.min(schema.window.c.mentions))) >= 0


def _fields(position: Position) -> dict[str, Any]:
    return {name: getattr(position, name) for name in position.__struct_fields__}


def test_an_author_who_is_erased_while_a_slice_is_committed_leaves_no_row(site: Site) -> None:
    ledger: SqlLedger = site.machine.ledger
    events: list[Event] = [said(1, reply_to="sky:unknown"), said(2)]
    update = process(Slice(0, events), know(ledger, events, SCORER), SCORER)
    second = Database(site.url)
    enlist(second, site.list, KEY, at=at(0), receipt="job")
    old = ledger.position(0)
    with pytest.raises(Retry, match="erased meanwhile"):
        ledger.commit(update, old, Position(**{**_fields(old), "epoch": old.epoch + 1}))
    assert ledger.position(0) == old
    again = process(Slice(0, events), know(ledger, events, SCORER), SCORER)
    ledger.commit(again, old, Position(**{**_fields(old), "epoch": old.epoch + 1}))
    assert found_in_rows(site.database, NEEDLES) == []
    second.close()


def test_an_erasure_waits_for_the_slice_that_is_being_committed(site: Site) -> None:
    if site.database.engine.dialect.name == "sqlite":
        pytest.skip("SQLite's writers come one after the other")
    from resonance.stores.erasure import refuse_erased

    second = Database(site.url)
    with site.database.write() as connection:
        refuse_erased(connection, {KEY})
        with second.write() as other:
            other.exec_driver_sql("SET LOCAL lock_timeout = '100ms'")
            with pytest.raises(sa.exc.OperationalError):
                from resonance.stores import dialect

                dialect.lock_erasures(other, shared=False)
            other.rollback()
    enlist(second, site.list, KEY, at=at(0), receipt="job")
    second.close()


def test_a_large_author_is_erased_a_part_at_a_time(site: Site) -> None:
    site.tell(*(said(number) for number in range(450)))
    sizes = []
    commit: Callable[..., None] = site.machine.ledger.commit

    def watched(update: Any, old: Any, new: Any) -> None:
        sizes.append(len(update.after))
        commit(update, old, new)

    site.machine.ledger.commit = watched
    receipt = site.erase()
    assert receipt["mentions"] == 450 and max(sizes) <= 200
    assert found_in_rows(site.database, NEEDLES) == [] and site.counted() == 0


def test_a_restored_older_copy_of_the_store_erases_again_at_start(store_url: str, tmp_path: Path) -> None:
    if not store_url.startswith("sqlite"):
        pytest.skip("the copy is of a file")
    site = Site(store_url, tmp_path)
    site.tell(*STORY)
    site.database.close()
    shutil.copy(tmp_path / "store.db", tmp_path / "backup.db")
    site.open()
    site.erase()
    site.database.close()
    shutil.copy(tmp_path / "backup.db", tmp_path / "store.db")
    (tmp_path / "backup.db").unlink()
    site.open()
    assert found_in_rows(site.database, NEEDLES) != []
    assert agree(site.database, site.list, at=at(100)) == [KEY]
    assert agree(site.database, site.list, at=at(101)) == []
    site.carry_out()
    assert found_in_rows(site.database, NEEDLES) == [] and found_in_files(tmp_path, NEEDLES) == []
    site.database.close()


def test_a_store_that_knows_less_than_the_file_erases_at_start(site: Site) -> None:
    site.tell(*STORY)
    site.list.append([KEY])
    assert agree(site.database, site.list, at=at(100)) == [KEY]
    # From now on nothing new is taken, also before the job has begun.
    site.tell(said(80))
    assert site.many(schema.identity, schema.identity.c.id == name_of(80)) == 0
    site.carry_out()
    assert found_in_rows(site.database, NEEDLES) == []
    assert site.many(schema.job, schema.job.c.state == "done", schema.job.c.by == "system:resonance") == 1


def test_a_lost_file_is_written_anew_from_the_table(site: Site, tmp_path: Path) -> None:
    site.erase()
    (tmp_path / "erased.list").unlink()
    assert agree(site.database, site.list, at=at(1)) == []
    assert site.list.read() == {KEY}


def test_the_file_holds_keys_only_and_outlives_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "erased.list"
    path.write_bytes(b"\n" + b"a" * 32 + b"\n" + b"b" * 20)
    file = ErasureList(path)
    assert file.read() == {bytes.fromhex("a" * 32)}
    file.append([KEY, KEY])
    file.append([KEY])
    assert file.read() == {bytes.fromhex("a" * 32), KEY}
    assert path.read_text().count(KEY.hex()) == 1


def test_an_erasure_does_not_wait_behind_a_long_job(site: Site) -> None:
    rows = JobRows(site.database)
    site.tell(*STORY)
    rows.create("backfill", {"topic": "bahn"}, actor=SYSTEM, at=at(-10))
    name = rows.create("erase", {"author_key": KEY.hex()}, actor=SYSTEM, at=at(0))
    site.jobs.step()
    assert site.list.read() == {KEY} and rows.get(name)["state"] == "running"


def test_what_evaluate_decided_from_erased_mentions_is_fenced_off(site: Site) -> None:
    site.tell(*STORY)
    with_traces(site)
    site.erase()
    with site.database.read() as connection:
        assert connection.scalar(sa.select(schema.tracker.c.rev)) > 7
        assert connection.execute(sa.select(schema.sketch)).all() == []


def test_evaluate_is_fenced_off_also_where_there_is_no_alert_yet(site: Site) -> None:
    site.insert(schema.tracker, topic="bahn", rev=7, state=b"")
    site.erase()
    with site.database.read() as connection:
        assert connection.scalar(sa.select(schema.tracker.c.rev)) == 8


def test_waiting_for_the_log_is_by_real_time(site: Site) -> None:
    site.clock.advance(timedelta(days=30))
    assert site.erase()["pending"][0]["until"] == "2026-05-05T12:00:00Z"
    assert micros(at(0)) > 0


def test_an_event_about_a_listed_author_before_the_lane_is_told_erases_and_holds_nobody_up(site: Site) -> None:
    site.tell(*STORY)
    before = site.counted()
    enlist(site.database, site.list, KEY, at=at(0), receipt="job")
    site.tell(EngagementSeen(id=name_of(2), engagement=Counted(likes=9), at=at(50), observed_at=at(50)))
    site.tell(said(3, text="zug gut", edited_at=at(50)), Delete(id=name_of(4), observed_at=at(51)))
    site.tell(said(41, BERT, "bahn"))
    assert site.many(schema.identity, schema.identity.c.id == name_of(2)) == 0
    assert site.many(schema.mention, schema.mention.c.id == name_of(41, BERT.id)) == 1
    site.erase()
    assert found_in_rows(site.database, NEEDLES) == [] and site.counted() == before - 6


def test_what_goes_wrong_with_an_erased_authors_event_is_no_dead_letter(site: Site) -> None:
    site.tell(*STORY)
    site.erase()
    for author in (ANNA, BERT):
        mention = {"id": name_of(60, author.id), "text": "zugluft", "author": {"id": author.id}, "sample_rate": 9}
        raw = msgspec.json.encode({"op": "upsert", "mention": {**mention, "platform": "sky"}})
        site.machine.log.append([(0, encode_envelope([raw], stamp=at(91)))])
    site.machine.work()
    with site.database.read() as connection:
        kept = [msgspec.json.decode(payload) for payload in connection.scalars(sa.select(schema.dead_letter.c.payload))]
    assert [letter["mention"]["author"]["id"] for letter in kept] == [BERT.id]


def test_a_repost_that_comes_late_brings_nothing_back(site: Site) -> None:
    site.tell(*STORY)
    site.erase()
    before = site.counted()
    site.tell(said(43, BERT, "die bahn zugluft", kind="repost", repost_of=name_of(2)))
    site.tell(said(44, BERT, "bahn", reply_to=name_of(2), thread_root=name_of(2), thread_title="quietschend"))
    assert found_in_rows(site.database, NEEDLES) == [] and site.counted() == before + 1


@pytest.mark.parametrize("waited", [False, True])
def test_a_quote_that_is_being_committed_while_its_author_is_erased_keeps_nothing_of_it(
    site: Site, waited: bool
) -> None:
    lane_of = site.machine.lane_of
    root = next(event for event in map(said, range(100)) if lane_of(event) == 0)
    quotes = (
        said(number, BERT, "bahn! siehe", quote_of=root.mention.id, quoted_text="quietschend") for number in range(100)
    )
    quote = next(event for event in quotes if lane_of(event) == 1)
    site.tell(root)
    JobRows(site.database).create("erase", {"author_key": KEY.hex()}, actor=SYSTEM, at=at(0))
    site.jobs.step()
    site.machine.beat(at(60))
    site.machine.loops[1].step()
    # The quote looks at what it names just before the other lane erases it, and is written when nothing is left of it.
    ledger = site.machine.ledger
    old = ledger.position(1)
    if not waited:
        site.machine.put([quote], stamp=at(60))
    read = len(site.machine.log.envelopes)
    update = process(Slice(1, [quote], last_row=old.last_row), know(ledger, [quote], SCORER), SCORER)
    site.machine.loops[0].step()
    assert site.many(schema.identity, schema.identity.c.author_key == KEY) == 0
    for _ in range(5):
        site.jobs.step()
    ledger.commit(update, old, structs.replace(old, offset=read, last_row=update.last_row))
    assert found_in_rows(site.database, ["quietschend"]) != []
    site.machine.loops[1].position = None
    site.carry_out()
    assert found_in_rows(site.database, NEEDLES) == [] and site.counted() == 1
