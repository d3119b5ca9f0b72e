"""Packs events into envelopes, lane by lane."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from ingest.placement import placed
from resonance.model import Event
from resonance.ports import Mode
from resonance.wire import encode_envelope, encode_event

EVENTS = 500
BYTES = 256_000


def pack(
    events: Sequence[Event], *, lanes: int, stamp: datetime, mode: Mode = "live", source: str = "", ingester: str = ""
) -> list[tuple[int, bytes]]:
    """(lane, envelope) of at most 500 events or 256 kB each; the order within a lane is kept."""
    by_lane: dict[int, list[bytes]] = {}
    for event in events:
        for lane, part in placed(event, lanes):
            by_lane.setdefault(lane, []).append(encode_event(part))
    return [
        (lane, encode_envelope(chunk, stamp=stamp, mode=mode, source=source, ingester=ingester))
        for lane, encoded in sorted(by_lane.items())
        for chunk in _chunks(encoded)
    ]


def _chunks(encoded: Sequence[bytes]) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    size = 0
    for item in encoded:
        if chunk and (len(chunk) == EVENTS or size + len(item) > BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(item)
        size += len(item)
    if chunk:
        yield chunk
