"""Cuts the log into slices: the next events of a lane, across small envelopes, with what could not be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from msgspec import structs

from resonance.errors import DeadLetter, NewerVersion
from resonance.model import Event, micros
from resonance.ports import LogReader, Mode
from resonance.update import Position, Rejected, Waiting
from resonance.wire import Envelope, decode_envelope, decode_event, encode_event

Place = tuple[int, int]
"""Where an event stands: the offset of its envelope and its number in it."""

_ENVELOPES = 64


@dataclass
class Batch:
    """The next events of a lane, all of one mode; `end` is the position after them, `stamp` the highest stamp of the
    envelopes that are complete (µs, 0 where none is)."""

    end: Position
    mode: Mode = "live"
    stamp: int = 0
    source: str = ""
    events: list[tuple[Place, Event]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)
    """Ids of waiting events that are done with this batch."""
    expired: int = 0
    """How many of them waited in vain."""
    fills: list[int] = field(default_factory=list)
    """How many events each envelope has that begins here; those that only tell the time are left out."""

    def moved(self, start: Position) -> bool:
        """Whether there is anything to commit."""
        return (self.end.offset, self.end.event) != (start.offset, start.event)

    @property
    def silent(self) -> bool:
        """Whether its envelopes say nothing but the time."""
        return not (self.events or self.rejected or self.settled)

    def set_aside(self, error: Exception) -> None:
        """Make dead letters of the events."""
        letter = error if isinstance(error, DeadLetter) else DeadLetter("failed", f"{type(error).__name__}: {error}")
        self.rejected += [self._letter(place, encode_event(event), letter) for place, event in self.events]
        self.events = []

    def _letter(self, place: Place, payload: bytes, error: DeadLetter) -> Rejected:
        # What made the store refuse the event must not make it refuse the letter.
        problem = str(error).replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
        return Rejected(self.end.lane, *place, self.stamp, self.source, error.reason, problem, payload)

    def take(self, offset: int, envelope: Envelope, start: int, size: int) -> None:
        """Up to `size` events of an envelope from number `start` on."""
        self.source = envelope.source
        if start == 0 and envelope.events:
            self.fills.append(len(envelope.events))
        for index in range(start, min(start + size, len(envelope.events))):
            raw = envelope.events[index]
            try:
                self.events.append(((offset, index), decode_event(raw)))
            except DeadLetter as error:
                self.rejected.append(self._letter((offset, index), bytes(raw), error))
        if start + size >= len(envelope.events):
            self.stamp = max(self.stamp, micros(envelope.stamp))
            self.end = structs.replace(self.end, offset=offset + 1, event=0)
        else:
            self.end = structs.replace(self.end, offset=offset, event=start + size)

    def refuse(self, offset: int, data: bytes, error: DeadLetter) -> None:
        """A whole envelope that cannot be read."""
        self.rejected.append(self._letter((offset, 0), data, error))
        self.end = structs.replace(self.end, offset=offset + 1, event=0)

    @classmethod
    def again(
        cls, waited: Sequence[tuple[int, Waiting]], position: Position, mode: Literal["live", "backfill"], at: int
    ) -> Batch:
        """What waited, as a batch that moves nothing: replies look at their roots again, the rest waited in vain."""
        batch = cls(end=position, mode=mode, stamp=at, settled=[number for number, _ in waited])
        children = [(number, item) for number, item in waited if item.kind == "child"]
        # A place that no envelope has: the waiting event's own number.
        batch.events = [((-1, number), decode_event(item.event)) for number, item in children]
        batch.expired = len(waited) - len(children)
        return batch


@dataclass(frozen=True)
class Reader:
    """Reads one lane."""

    log: LogReader
    lane: int

    def read(self, start: Position, size: int) -> Batch:
        """The next up to `size` events after the position. Raises NewerVersion where a record that stops the lane is next."""
        batch = Batch(end=start)
        for offset, data in self.log.read(self.lane, start.offset, _ENVELOPES):
            room = size - len(batch.events) - len(batch.rejected)
            if room <= 0:
                break
            try:
                envelope = decode_envelope(data)
            except DeadLetter as error:
                batch.refuse(offset, data, error)
                continue
            except NewerVersion:
                if batch.moved(start):
                    break
                raise
            if envelope.mode != batch.mode:
                if batch.moved(start):
                    break
                batch.mode = envelope.mode
            first = start.event if offset == start.offset else 0
            batch.take(offset, envelope, first, room)
        return batch
