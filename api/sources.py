"""The configured sources with what is known of each: connected, last event, lag, gaps, totals."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from api import shapes
from api.parts import Parts
from resonance.stores import schema

_TOTALS = ("events", "duplicates", "rejected", "reconnects", "deletes", "unknown")


def sources(parts: Parts) -> list[dict[str, Any]]:
    """One object a source, by id. `connected` None: nobody reads it here (pushes, imports). `quota` and `coverage` are
    None: no source tells them yet."""
    gap = schema.gap.c
    with parts.database.read() as connection:
        states = {row["source"]: row for row in connection.execute(sa.select(schema.source_state)).mappings()}
        missed = sa.select(gap.source, sa.func.count(), sa.func.max(gap.until_at)).group_by(gap.source)
        gaps = {row[0]: (row[1], row[2]) for row in connection.execute(missed)}
    now = parts.clock.now().timestamp()
    return [_one(stored.entry, states, gaps, now) for stored in parts.entries.list("source")]


def _one(entry: Any, states: dict[str, Any], gaps: dict[str, tuple[int, int]], now: float) -> dict[str, Any]:
    state = states.get(entry.id)
    last = state["last_event_at"] if state else None
    count, until = gaps.get(entry.id, (0, None))
    totals = msgspec.json.decode(state["counters"]) if state else {}
    return {
        **shapes.entry(entry),
        "connected": bool(state["connected"]) if state else None,
        "last_event_at": shapes.time_text(last),
        "lag_s": None if last is None else max(0.0, now - last / 1e6),
        **{name: totals.get(name, 0) for name in _TOTALS},
        **totals,
        "gaps": count,
        "last_gap_at": shapes.time_text(until),
        "problem": state["problem"] if state else None,
        "quota": None,
        "coverage": None,
    }
