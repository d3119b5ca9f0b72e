"""When what set an alert off began: the instant within the rule's window at which more was said than before. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from math import log

MINUTE = 60_000_000
_GAIN = 2.0
"""Two rates and an instant must explain the times so much better than one rate does (log-likelihood; Akaike, 1974)."""


def onset(times: Iterable[int], start: int, end: int) -> int:
    """The minute (µs) from which [start, end) holds events at a higher rate; `start` where one rate explains them as well.

    The most likely instant between two Poisson rates, among those that have at least half of the events behind them.

    >>> onset([1 * MINUTE, *range(41 * MINUTE, 60 * MINUTE, MINUTE)], 0, 60 * MINUTE) // MINUTE
    41
    >>> onset(range(0, 60 * MINUTE, MINUTE), 0, 60 * MINUTE)
    0
    """
    known = sorted(time for time in times if start <= time < end)
    total, since = len(known), start
    best = _fit(total, end - start) + _GAIN
    for before, time in enumerate(known):
        at = time // MINUTE * MINUTE
        after = total - before
        if at <= start or (before and at == known[before - 1] // MINUTE * MINUTE) or 2 * after < total:
            continue
        found = _fit(before, at - start) + _fit(after, end - at)
        if found > best and after * (at - start) > before * (end - at):
            best, since = found, at
    return since


def _fit(count: int, span: int) -> float:
    """The log-likelihood of so many events in so much time at their own rate, but for what all such have in common."""
    return count * log(count / span) if count else 0.0
