"""Events into the log, durable on return; and the heartbeat that lets detectors close quiet minutes."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import structs

from ingest.envelopes import pack
from resonance.clock import Clock
from resonance.model import Event
from resonance.ports import Log, Mode
from resonance.wire import encode_envelope

_QUIET_SECONDS = 0.2


class LogSink:
    """`ports.Sink` on a Log, for any number of threads. Events that nobody stamped are stamped with log time now.

    Stamps never fall from one envelope to the next: they are taken and appended under one lock.
    """

    def __init__(self, log: Log, clock: Clock, *, ingester: str = "") -> None:
        self._log = log
        self._clock = clock
        self._ingester = ingester
        self._lock = threading.Lock()
        self._stamp = datetime.min.replace(tzinfo=UTC)
        self._wrote: dict[int, float] = {}

    def write(self, events: Sequence[Event], *, source: str, mode: Mode = "live") -> None:
        """Append all of them or none; raises what the log raises."""
        if not events:
            return
        with self._lock:
            now = self._now()
            stamped = [event if event.observed_at else structs.replace(event, observed_at=now) for event in events]
            lanes = self._log.lanes
            self._append(pack(stamped, lanes=lanes, stamp=now, mode=mode, source=source, ingester=self._ingester))

    def heartbeat(self) -> None:
        """Say what time it is to every lane to which nothing was written just now."""
        with self._lock:
            before = time.monotonic() - _QUIET_SECONDS
            quiet = [lane for lane in range(self._log.lanes) if self._wrote.get(lane, before) <= before]
            empty = encode_envelope([], stamp=self._now(), ingester=self._ingester)
            self._append([(lane, empty) for lane in quiet])

    def _append(self, envelopes: Sequence[tuple[int, bytes]]) -> None:
        if envelopes:
            self._log.append(envelopes)
            self._wrote.update(dict.fromkeys((lane for lane, _ in envelopes), time.monotonic()))

    def _now(self) -> datetime:
        self._stamp = max(self._stamp, self._clock.now())
        return self._stamp
