"""Events into the log, durable on return; and the heartbeat that lets detectors close quiet minutes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from msgspec import structs

from ingest.envelopes import pack
from resonance.clock import Clock
from resonance.model import Event
from resonance.ports import LogWriter, Mode
from resonance.wire import encode_envelope

_QUIET_SECONDS = 0.2
_NEVER = datetime.min.replace(tzinfo=UTC)


class LogSink:
    """`ports.Sink` on a Log, for any number of threads. Events that nobody stamped are stamped with log time now.

    Stamps never fall from one envelope to the next: they are taken and appended under one lock. They never pass what a
    source with observed times of its own has told so far (`hold`, `write(until=…)`).
    """

    def __init__(self, log: LogWriter, clock: Clock, *, ingester: str = "") -> None:
        self._log = log
        self._clock = clock
        self._ingester = ingester
        self._lock = threading.Lock()
        self._stamp = _NEVER
        self._wrote: dict[int, float] = {}
        self._told: dict[str, datetime] = {}

    def hold(self, source: str) -> None:
        """The source has observed times of its own: until it says up to when it has told everything, no stamp is given."""
        with self._lock:
            self._told[source] = _NEVER

    def write(
        self, events: Sequence[Event], *, source: str, mode: Mode = "live", until: datetime | None = None
    ) -> None:
        """Append all of them; on return they are durable. `until`: with these the source has told everything that it
        observed up to then. Raises what the log raises."""
        with self._lock:
            if until is not None:
                self._told[source] = until
            if not events:
                return
            now = self._clock.now()
            stamped = [event if event.observed_at else structs.replace(event, observed_at=now) for event in events]
            lanes, stamp = self._log.lanes, self._next_stamp(now)
            wait = self._append(
                pack(stamped, lanes=lanes, stamp=stamp, mode=mode, source=source, ingester=self._ingester)
            )
        wait()

    def heartbeat(self) -> None:
        """Say what time it is to every lane to which nothing was written just now."""
        with self._lock:
            stamp = self._next_stamp(self._clock.now())
            if stamp == _NEVER:
                return
            before = time.monotonic() - _QUIET_SECONDS
            quiet = [lane for lane in range(self._log.lanes) if self._wrote.get(lane, before) <= before]
            empty = encode_envelope([], stamp=stamp, ingester=self._ingester)
            wait = self._append([(lane, empty) for lane in quiet])
        wait()

    def _append(self, envelopes: Sequence[tuple[int, bytes]]) -> Callable[[], None]:
        wait = self._log.append(envelopes)
        self._wrote.update(dict.fromkeys((lane for lane, _ in envelopes), time.monotonic()))
        return wait

    def _next_stamp(self, now: datetime) -> datetime:
        self._stamp = max(self._stamp, min([now, *self._told.values()]))
        return self._stamp
