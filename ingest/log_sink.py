"""Events into the log, durable on return; and the heartbeat that lets detectors close quiet minutes."""

from __future__ import annotations

import time
from collections.abc import Sequence

from msgspec import structs

from ingest.envelopes import pack
from resonance.clock import Clock
from resonance.model import Event
from resonance.ports import Log, Mode
from resonance.wire import encode_envelope

_QUIET_SECONDS = 0.2


class LogSink:
    """`ports.Sink` on a Log. Events that nobody stamped are stamped with log time now."""

    def __init__(self, log: Log, clock: Clock, *, ingester: str = "") -> None:
        self._log = log
        self._clock = clock
        self._ingester = ingester
        self._wrote = 0.0

    def write(self, events: Sequence[Event], *, source: str, mode: Mode = "live") -> None:
        """Append all of them or none; raises what the log raises."""
        if not events:
            return
        now = self._clock.now()
        stamped = [event if event.observed_at else structs.replace(event, observed_at=now) for event in events]
        self._log.append(
            pack(stamped, lanes=self._log.lanes, stamp=now, mode=mode, source=source, ingester=self._ingester)
        )
        self._wrote = time.monotonic()

    def heartbeat(self) -> None:
        """Say to every lane what time it is, unless something was written just now."""
        if time.monotonic() - self._wrote >= _QUIET_SECONDS:
            empty = encode_envelope([], stamp=self._clock.now(), ingester=self._ingester)
            self._log.append([(lane, empty) for lane in range(self._log.lanes)])
