"""What is being written, or waits, while an author is erased keeps nothing of them and is held up by nothing."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from msgspec import structs

from resonance.access import SYSTEM
from resonance.engines.lane import know
from resonance.errors import Retry
from resonance.model import (
    Delete,
    DeleteAuthor,
    EngagementSeen,
    Event,
)
from resonance.model import Engagement as Counted
from resonance.processor import Slice, process
from resonance.stores import dialect, schema
from resonance.stores.database import Database
from resonance.stores.erasure import enlist, refuse_erased
from resonance.stores.jobs import JobRows
from resonance.stores.ledger import SqlLedger
from resonance.update import Position
from tests.support.erasing import ANNA, BERT, KEY, NEEDLES, SCORER, STORY, Site, name_of, said
from tests.support.machine import at
from tests.support.scan import found_in_rows


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
    second = Database(site.url)
    with site.database.write() as connection:
        refuse_erased(connection, {KEY})
        with second.write() as other:
            other.exec_driver_sql("SET LOCAL lock_timeout = '100ms'")
            with pytest.raises(sa.exc.OperationalError):
                dialect.lock_erasures(other, shared=False)
            other.rollback()
    enlist(second, site.list, KEY, at=at(0), receipt="job")
    second.close()


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


def test_an_erasure_does_not_wait_behind_a_long_job(site: Site) -> None:
    rows = JobRows(site.database)
    site.tell(*STORY)
    rows.create("backfill", {"topic": "bahn"}, actor=SYSTEM, at=at(-10))
    name = rows.create("erase", {"author_key": KEY.hex()}, actor=SYSTEM, at=at(0))
    site.jobs.step()
    assert site.list.read() == {KEY} and rows.get(name)["state"] == "running"
