"""Events into the log: all or none, with stamps that never fall, and a heartbeat for every quiet lane."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import pytest

from ingest import log_sink
from ingest.log_sink import LogSink
from ingest.placement import lane_of, murmur2
from resonance.clock import ManualClock
from resonance.errors import Full
from resonance.model import Delete
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


@pytest.mark.parametrize("data", [b"", b"a", b"ab", b"abc", b"abcd", "bluesky:at://did:plc:ü/1".encode(), b"x" * 257])
def test_placement_agrees_with_the_client_that_writes_to_kafka(data: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the client itself, while it is imported
        from kafka.partitioner.default import murmur2 as kafkas
    assert murmur2(data) == kafkas(data) % 2**32
