"""An erased author is gone from every table and file, stays gone, and leaves the numbers of all others right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from resonance.model import (
    AuthorSeen,
    DeleteAuthor,
    RestoreAuthor,
    key_text,
    mention_key,
    micros,
)
from resonance.stores import schema
from resonance.wire import encode_envelope, encode_event
from tests.support.erasing import ANNA, BERT, KEY, NEEDLES, STORY, Site, name_of, said, with_traces
from tests.support.machine import at
from tests.support.scan import found_in_files, found_in_rows


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
