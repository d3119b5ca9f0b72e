"""Pushed events: each is judged alone, good ones are logged beside bad ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ingest.cleaning import admit
from resonance.clock import Clock
from resonance.errors import Invalid
from resonance.model import PublicEvent
from resonance.ports import Mode, Receipt, Rejection, Sink
from resonance.wire import encode_event, unknown_fields


class PushIntake:
    """`ports.Intake` in front of a Sink. `ignored` is told how many fields of a push nobody here knows."""

    def __init__(self, sink: Sink, clock: Clock, ignored: Callable[[int], object] = lambda count: None) -> None:
        self._sink = sink
        self._clock = clock
        self._ignored = ignored

    def take(self, items: Sequence[Any], *, source: str, mode: Mode = "live") -> Receipt:
        """Log what is good; the receipt names what is not, by its index, with every mistake."""
        now = self._clock.now()
        good: dict[bytes, PublicEvent] = {}
        rejected: list[Rejection] = []
        duplicates = unknown = 0
        for index, item in enumerate(items):
            try:
                event = admit(item, source=source, observed_at=now)
            except Invalid as error:
                rejected.append(Rejection(index, error.problems))
                continue
            unknown += unknown_fields(item)
            encoded = encode_event(event)
            duplicates += encoded in good
            good[encoded] = event
        self._sink.write(list(good.values()), source=source, mode=mode)
        self._ignored(unknown)
        return Receipt(accepted=len(good), duplicate=duplicates, rejected=rejected)
