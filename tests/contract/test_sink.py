"""What a sink promises, on each log that it may write."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from datetime import timedelta

from ingest.log_sink import LogSink
from ingest.placement import lane_of
from resonance.clock import ManualClock
from resonance.model import Author, AuthorSeen, Delete, EraseAuthor, Event, Mention, RestoreAuthor, Upsert
from resonance.wire import Envelope, decode_envelope, decode_event
from tests.support.logs import LANES, Opened
from tests.support.machine import at


def said(number: int, words: int = 2) -> Upsert:
    return Upsert(
        mention=Mention(
            id=f"test:{number}", platform="test", source="test", text="die bahn " * words, published_at=at(0)
        )
    )


def envelopes(opened: Opened) -> list[list[Envelope]]:
    """Of each lane."""
    return [[decode_envelope(body) for body in opened.read(lane)] for lane in range(LANES)]


def events(opened: Opened) -> list[list[Event]]:
    """Of each lane."""
    return [[decode_event(raw) for one in lane for raw in one.events] for lane in envelopes(opened)]


def test_each_mention_lies_in_its_own_lane_and_what_is_told_of_it_in_the_order_of_telling(opened: Opened) -> None:
    sink = LogSink(opened.log, ManualClock(at(0)))
    for begin in range(0, 200, 20):
        sink.write([said(number) for number in range(begin, begin + 20)], source="test")
        sink.write([Delete(id=f"test:{number}") for number in range(begin, begin + 20, 2)], source="test")
    told: dict[str, list[str]] = defaultdict(list)
    for lane, found in enumerate(events(opened)):
        for event in found:
            name = event.mention.id if isinstance(event, Upsert) else event.id  # type: ignore[union-attr]
            assert lane_of(name, LANES) == lane
            told[name].append(type(event).__name__)
    expected = {f"test:{n}": ["Upsert", "Delete"] if n % 2 == 0 else ["Upsert"] for n in range(200)}
    assert told == expected


def test_a_large_batch_becomes_several_envelopes_and_nothing_is_left_out(opened: Opened) -> None:
    batch = [said(number, words=2_000) for number in range(300)]
    LogSink(opened.log, ManualClock(at(0))).write(batch, source="test")
    assert all(len(lane) > 1 for lane in envelopes(opened))
    found = {event.mention.id for lane in events(opened) for event in lane if isinstance(event, Upsert)}
    assert found == {f"test:{number}" for number in range(300)}


def test_stamps_never_fall_and_say_who_wrote(opened: Opened) -> None:
    clock = ManualClock(at(60))
    sink = LogSink(opened.log, clock, ingester="i")
    sink.write([Delete(id="x:1")], source="s")
    clock.advance(timedelta(seconds=-30))
    sink.write([Delete(id="x:1")], source="s", mode="backfill")
    found = envelopes(opened)[lane_of("x:1", LANES)]
    assert [(e.stamp, e.mode, e.source, e.ingester) for e in found] == [
        (at(60), "live", "s", "i"),
        (at(60), "backfill", "s", "i"),
    ]


def test_many_threads_write_in_the_order_of_their_stamps(opened: Opened) -> None:
    class Ticking(ManualClock):
        def now(self) -> object:  # type: ignore[override]
            self.advance(timedelta(milliseconds=1))
            return super().now()

    sink = LogSink(opened.log, Ticking(at(0)))

    def write() -> None:
        for number in range(30):
            sink.write([Delete(id=f"x:{number}")], source="s")

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = envelopes(opened)
    assert sum(map(len, found)) == 120
    for lane in found:
        stamps = [one.stamp for one in lane]
        assert stamps == sorted(stamps)


def test_no_stamp_passes_what_a_source_with_times_of_its_own_has_told(opened: Opened) -> None:
    sink = LogSink(opened.log, ManualClock(at(60)))
    sink.hold("past")
    sink.heartbeat()
    assert envelopes(opened) == [[], [], []]
    sink.write([Delete(id="x:1", observed_at=at(5))], source="past", until=at(10))
    sink.write([Delete(id="x:1")], source="now")
    sink.write([], source="past", until=at(20))
    sink.write([Delete(id="x:1")], source="now")
    sink.hold("past")
    sink.write([Delete(id="x:1")], source="now")
    lane = lane_of("x:1", LANES)
    assert [one.stamp for one in envelopes(opened)[lane]] == [at(10), at(10), at(20), at(20)]
    assert [event.observed_at for event in events(opened)[lane]] == [at(5), at(60), at(60), at(60)]


def test_a_heartbeat_tells_every_quiet_lane_the_time_and_nothing_else(opened: Opened) -> None:
    sink = LogSink(opened.log, ManualClock(at(60)), ingester="i")
    sink.write([Delete(id="x:1")], source="s")
    # As long as a lane counts as written to just now.
    time.sleep(0.25)
    sink.heartbeat()
    last = [lane[-1] for lane in envelopes(opened)]
    assert [(one.stamp, list(one.events), one.ingester) for one in last] == [(at(60), [], "i")] * LANES


def test_news_of_an_author_goes_to_one_lane_and_what_erases_or_restores_one_to_all(opened: Opened) -> None:
    sink = LogSink(opened.log, ManualClock(at(0)))
    sink.write([AuthorSeen(author=Author(id="7"), platform="x")], source="s")
    assert [len(lane) for lane in events(opened)] == [int(lane == lane_of("x:7", LANES)) for lane in range(LANES)]
    sink.write([EraseAuthor(author_key="00"), RestoreAuthor(author="x:7")], source="s")
    assert [[type(event).__name__ for event in lane][-2:] for lane in events(opened)] == [
        ["EraseAuthor", "RestoreAuthor"]
    ] * LANES
