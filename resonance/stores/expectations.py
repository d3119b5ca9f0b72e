"""What is usual for a topic, for people: the baseline that its tracker has learned, as a band around a series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from itertools import pairwise
from math import sqrt

from msgspec import Struct

from resonance.baseline import Expectation, Outlook
from resonance.stores.database import Database
from resonance.stores.evaluations import Evaluations

WIDTH = 2.0
"""Standard deviations on either side: what lies within happens on ordinary days."""


class Usual(Struct, frozen=True):
    """Mentions in a stretch of time: the mean, and the band of ordinary days."""

    mean: float
    low: float
    high: float


class Expectations:
    """Reads baselines of a Database."""

    def __init__(self, database: Database) -> None:
        self._trackers = Evaluations(database)

    def usual(self, zones: Mapping[str, tzinfo], edges: Sequence[datetime]) -> dict[str, list[Usual | None]]:
        """Topic → one a step between two edges; None with less than a day of history. `zones`: the topics, each with the
        zone whose hours and weekdays it keeps."""
        found = self._trackers.remembered(zones)
        states = {topic: found[topic].state if topic in found else None for topic in zones}
        steps = list(pairwise(int(edge.timestamp()) for edge in edges))
        outlooks = {topic: Outlook(state.baseline, zones[topic]) for topic, state in states.items() if state}
        return {
            topic: [
                _band(outlooks[topic].expected(start, end)) if topic in outlooks and end > start else None
                for start, end in steps
            ]
            for topic in zones
        }


def _band(usual: Expectation | None) -> Usual | None:
    """The counts whose score is ±`WIDTH`: the inverse of `Expectation.score`.

    >>> band = _band(Expectation(4.0, 1.0))
    >>> band and (round(band.low, 1), round(band.high, 1))
    (0.8, 9.2)
    """
    if usual is None:
        return None
    root, reach = sqrt(usual.mean + 0.375), WIDTH / 2 * sqrt(usual.dispersion)
    low = max(0.0, root - reach) ** 2 - 0.375
    return Usual(usual.mean, max(0.0, low), (root + reach) ** 2 - 0.375)
