"""Packs events into envelopes, lane by lane."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from ingest.placement import IDS, placed
from resonance.model import Event, Rematch, Rescore
from resonance.ports import Mode
from resonance.wire import encode_envelope, encode_event

EVENTS = IDS
"""At most so many events an envelope; one that names many mentions counts as many."""
BYTES = 256_000
"""At most so much JSON an envelope …"""
_FRAME = 1_000
"""… of which this is kept for what stands around the events."""


def pack(
    events: Sequence[Event], *, lanes: int, stamp: datetime, mode: Mode = "live", source: str = "", ingester: str = ""
) -> list[tuple[int, bytes]]:
    """(lane, envelope) of at most 500 events or 256 kB each; the order within a lane is kept."""
    by_lane: dict[int, list[tuple[int, bytes]]] = {}
    for event in events:
        for lane, part in placed(event, lanes):
            by_lane.setdefault(lane, []).append((_count(part), encode_event(part)))
    return [
        (lane, encode_envelope(chunk, stamp=stamp, mode=mode, source=source, ingester=ingester))
        for lane, encoded in sorted(by_lane.items())
        for chunk in _chunks(encoded)
    ]


def _count(event: Event) -> int:
    return max(1, len(event.ids)) if isinstance(event, Rematch | Rescore) else 1


def _chunks(encoded: Sequence[tuple[int, bytes]]) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    size, count = _FRAME, 0
    for number, item in encoded:
        if chunk and (count + number > EVENTS or size + len(item) + 1 > BYTES):
            yield chunk
            chunk, size, count = [], _FRAME, 0
        chunk.append(item)
        size += len(item) + 1
        count += number
    if chunk:
        yield chunk
