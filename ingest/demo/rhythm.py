"""When people write: the hours of a day, and random instants drawn from them."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

HOURS: Final = (
    1.1, 0.6, 0.35, 0.25, 0.35, 1.0, 2.5, 4.2, 5.1, 5.5, 5.8, 6.2, 6.6, 6.6, 6.4, 6.4, 6.4, 6.6, 6.9, 7.3, 7.0, 5.9, 4.1, 2.3,
)  # fmt: skip
"""Relative activity in each local hour (ours: quiet nights, a plain afternoon, a peak after supper)."""

QUARTERS: Final = 96
QUARTER: Final = timedelta(minutes=15)


def _quarter_shares() -> tuple[float, ...]:
    """The share of a day that falls into each quarter of an hour, without steps between the hours."""
    weights = []
    for quarter in range(QUARTERS):
        at = quarter / 4 - 0.375
        low = math.floor(at)
        part = at - low
        weights.append(HOURS[low % 24] * (1 - part) + HOURS[(low + 1) % 24] * part)
    total = sum(weights)
    return tuple(weight / total for weight in weights)


SHARES: Final = _quarter_shares()


def poisson(rng: Random, mean: float) -> int:
    """A Poisson count: multiplied uniforms (Knuth) for small means, the rounded normal law for means above 40."""
    if mean <= 0:
        return 0
    if mean > 40:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count


def quarter_starts(day: date, zone: ZoneInfo) -> list[datetime]:
    """The 96 quarters of a local day as UTC instants; a day on which clocks change keeps its local hours."""
    return [
        datetime.combine(day, time(quarter // 4, quarter % 4 * 15), zone).astimezone(UTC) for quarter in range(QUARTERS)
    ]


def instants(rng: Random, mean: float, starts: list[datetime], busy_evening: float = 1.0) -> list[datetime]:
    """Instants of one day's mentions, unsorted: Poisson in each quarter, `busy_evening` times as many from 19 to 22 h."""
    found = []
    for quarter, start in enumerate(starts):
        factor = busy_evening if 76 <= quarter < 88 else 1.0
        for _ in range(poisson(rng, mean * SHARES[quarter] * factor)):
            found.append(start + timedelta(milliseconds=rng.randrange(900_000)))
    return found


def last_working_day(before: date) -> date:
    """The last Monday-to-Friday before a date.

    >>> last_working_day(date(2026, 6, 22))
    datetime.date(2026, 6, 19)
    """
    day = before - timedelta(days=1)
    while day.weekday() > 4:
        day -= timedelta(days=1)
    return day
