"""Events into the log: all or none, with stamps that never fall, and a heartbeat for every quiet lane."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from ingest import log_sink
from ingest.log_sink import LogSink
from ingest.placement import lane_of, murmur2
from resonance.clock import ManualClock
from resonance.errors import Full
from resonance.model import Author, AuthorSeen, Delete, EraseAuthor, RestoreAuthor
from resonance.wire import decode_envelope, decode_event
from tests.support.machine import ListLog, at


def in_lane(lane: int, lanes: int) -> Delete:
    return Delete(id=next(name for name in (f"x:{n}" for n in range(1000)) if lane_of(name, lanes) == lane))


def lanes_of(log: ListLog) -> list[int]:
    return [lane for lane, _ in log.envelopes]


def test_only_quiet_lanes_get_a_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(log_sink.time, "monotonic", lambda: now[0])
    log = ListLog(lanes=3)
    sink = LogSink(log, ManualClock(at(0)))
    sink.heartbeat()
    assert lanes_of(log) == [0, 1, 2]
    now[0] += 0.5
    sink.write([in_lane(1, 3)], source="s")
    log.envelopes.clear()
    now[0] += 0.1
    sink.heartbeat()
    assert lanes_of(log) == [0, 2]
    now[0] += 0.11
    log.envelopes.clear()
    sink.heartbeat()
    assert lanes_of(log) == [1]


def test_stamps_never_fall_although_the_clock_does() -> None:
    log, clock = ListLog(), ManualClock(at(60))
    sink = LogSink(log, clock, ingester="i")
    sink.write([Delete(id="x:1")], source="s")
    clock.advance(timedelta(seconds=-30))
    sink.write([Delete(id="x:2")], source="s", mode="backfill")
    envelopes = [decode_envelope(body) for _, body in log.envelopes]
    assert [envelope.stamp for envelope in envelopes] == [at(60), at(60)]
    assert [(e.mode, e.source, e.ingester) for e in envelopes] == [("live", "s", "i"), ("backfill", "s", "i")]


def test_no_stamp_passes_what_a_source_with_times_of_its_own_has_told() -> None:
    log, clock = ListLog(), ManualClock(at(60))
    sink = LogSink(log, clock)
    sink.hold("past")
    sink.heartbeat()
    assert log.envelopes == []
    sink.write([Delete(id="x:1", observed_at=at(5))], source="past", until=at(10))
    sink.write([Delete(id="x:2")], source="now")
    sink.write([], source="past", until=at(20))
    sink.write([Delete(id="x:3")], source="now")
    sink.hold("past")
    sink.write([Delete(id="x:4")], source="now")
    assert [decode_envelope(body).stamp for _, body in log.envelopes] == [at(10), at(10), at(20), at(20)]
    event = decode_event(decode_envelope(log.envelopes[1][1]).events[0])
    assert event.observed_at == at(60)


def test_what_is_stamped_keeps_its_stamp_and_the_rest_gets_log_time() -> None:
    log = ListLog()
    LogSink(log, ManualClock(at(60))).write([Delete(id="x:1", observed_at=at(5)), Delete(id="x:2")], source="s")
    events = [decode_event(raw) for raw in decode_envelope(log.envelopes[0][1]).events]
    assert [event.observed_at for event in events] == [at(5), at(60)]


def test_what_the_log_refused_was_not_written_and_does_not_count_as_written() -> None:
    class FullOnce(ListLog):
        def append(self, envelopes: Sequence[tuple[int, bytes]]) -> Callable[[], None]:
            self.append = super().append  # type: ignore[method-assign]
            raise Full("no room")

    log = FullOnce()
    sink = LogSink(log, ManualClock(at(0)))
    with pytest.raises(Full):
        sink.write([Delete(id="x:1")], source="s")
    sink.heartbeat()
    assert [len(decode_envelope(body).events) for _, body in log.envelopes] == [0]


def test_many_threads_write_in_the_order_of_their_stamps() -> None:
    class Ticking(ManualClock):
        def now(self) -> object:  # type: ignore[override]
            self.advance(timedelta(milliseconds=1))
            return super().now()

    log = ListLog()
    sink = LogSink(log, Ticking(at(0)))
    threads = [
        threading.Thread(target=lambda: [sink.write([Delete(id="x:1")], source="s") for _ in range(50)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stamps = [decode_envelope(body).stamp for _, body in log.envelopes]
    assert len(stamps) == 200
    assert stamps == sorted(stamps)


@pytest.mark.parametrize("data", [b"", b"a", b"ab", b"abc", b"abcd", "bluesky:at://did:plc:ü/1".encode(), b"x" * 257])
def test_placement_agrees_with_the_client_that_writes_to_kafka(data: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the client itself, while it is imported
        from kafka.partitioner.default import murmur2 as kafkas
    assert murmur2(data) == kafkas(data) % 2**32


def test_news_of_an_author_goes_to_one_lane_and_what_erases_or_restores_one_to_all() -> None:
    log = ListLog(lanes=4)
    sink = LogSink(log, ManualClock(at(0)))
    sink.write([AuthorSeen(author=Author(id="7"), platform="x")], source="s")
    assert lanes_of(log) == [lane_of("x:7", 4)]
    log.envelopes.clear()
    sink.write([EraseAuthor(author_key="00"), RestoreAuthor(author="x:7")], source="s")
    assert lanes_of(log) == [0, 1, 2, 3]
    assert all(len(decode_envelope(body).events) == 2 for _, body in log.envelopes)
