"""The configured sources with what is known of each: connected, last event, lag, gaps, totals."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec
import sqlalchemy as sa

from api import shapes
from api.parts import Parts
from resonance.model import micros
from resonance.stores import schema

_DAY = 86_400_000_000
_TOTALS = ("events", "duplicates", "rejected", "reconnects", "deletes", "unknown")


def sources(parts: Parts) -> list[dict[str, Any]]:
    """One object a source, by id. `connected` None: nobody reads it here (pushes, imports). `coverage` is the share
    of the last 24 hours that lies in no gap, None where nobody reads it here; `coverage_note` says in words what cannot be
    had this way at all; `quota` None: the source has none."""
    gap = schema.gap.c
    with parts.database.read() as connection:
        states = {row["source"]: row for row in connection.execute(sa.select(schema.source_state)).mappings()}
        missed = sa.select(gap.source, sa.func.count(), sa.func.max(gap.until_at)).group_by(gap.source)
        gaps = {row[0]: (row[1], row[2]) for row in connection.execute(missed)}
        now = micros(parts.clock.now())
        recent = connection.execute(sa.select(gap.source, gap.since_at, gap.until_at).where(gap.until_at > now - _DAY))
        spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for source, since, until in recent:
            spans[source].append((max(until if since is None else since, now - _DAY), min(until, now)))
    entries = [stored.entry for stored in parts.entries.list("source")]
    return [{**_one(entry, states, gaps, spans, now), "coverage_note": parts.coverage(entry)} for entry in entries]


def _one(
    entry: Any,
    states: dict[str, Any],
    gaps: dict[str, tuple[int, int]],
    spans: dict[str, list[tuple[int, int]]],
    now: int,
) -> dict[str, Any]:
    state = states.get(entry.id)
    # What is pushed has counts, too, but nobody who is connected.
    read = state is not None and state["epoch"] > 0
    last = state["last_event_at"] if state else None
    count, until = gaps.get(entry.id, (0, None))
    totals = msgspec.json.decode(state["counters"]) if state else {}
    return {
        **shapes.entry(entry),
        "connected": bool(state["connected"]) if state and read else None,
        "last_event_at": shapes.time_text(last),
        "lag_s": None if last is None else max(0.0, (now - last) / 1e6),
        **{name: totals.get(name, 0) for name in _TOTALS},
        **totals,
        "gaps": count,
        "last_gap_at": shapes.time_text(until),
        "problem": state["problem"] if state else None,
        "quota": None,
        "coverage": 1 - _length(spans[entry.id]) / _DAY if read else None,
    }


def _length(spans: list[tuple[int, int]]) -> int:
    """How much time the spans cover together.

    >>> _length([(0, 10), (5, 20), (30, 40), (32, 33)])
    30
    """
    covered, end = 0, 0
    for since, until in sorted(spans):
        covered += max(0, until - max(since, end))
        end = max(end, until)
    return covered
