"""When what set an alert off began: the minute within the rule's window at which more arrived than before. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from math import log

_GAIN = 2.0
"""Two rates and an instant must explain the counts so much better than one rate does (log-likelihood; Akaike, 1974)."""


def onset(minutes: Mapping[int, int], start: int, end: int) -> int:
    """The minute (epoch s) from which more arrived in [start, end); `start` where one rate explains it as well. `minutes`:
    start of a minute (epoch s) → how many arrived in it.

    The most likely instant between two Poisson rates, among those that have at least half of the arrivals behind them.

    >>> onset({60: 1, 2460: 9, 2520: 8, 3000: 9}, 0, 3600)
    2460
    >>> onset({at: 2 for at in range(0, 3600, 60)}, 0, 3600)
    0
    """
    known = sorted((at, count) for at, count in minutes.items() if start <= at < end and count)
    total, before, since = sum(count for _, count in known), 0, start
    best = _fit(total, end - start) + _GAIN
    for at, count in known:
        after = total - before
        if at > start and 2 * after >= total:
            found = _fit(before, at - start) + _fit(after, end - at)
            if found > best and after * (at - start) > before * (end - at):
                best, since = found, at
        before += count
    return since


def _fit(count: int, span: int) -> float:
    """The log-likelihood of so many arrivals in so much time at their own rate, but for what all such have in common."""
    return count * log(count / span) if count else 0.0
