"""How much of a topic is usual at this hour of this weekday, learned online from closed five-minute buckets.

The model (ours): rate = rate of the hour (24 slots, interpolated, half-life 14 days) × weekday × recent level (two
days). Each factor is a quotient of decayed sums, mentions / exposure, shrunk towards what is known without it: so a
topic with 0.2 mentions a bucket still has a profile after a few weeks. Counts are cut at 3 standard deviations before
they teach: a burst does not become usual in an hour, but a lasting change does in days. Around the rate, counts spread
with variance = dispersion × mean; the dispersion is learned over quarter-hours and hours, never below 1 (Poisson).
Nothing here knows the future: the state after a bucket depends on the buckets up to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from math import log, sqrt
from typing import NamedTuple

from msgspec import Struct, structs

BUCKET = 300
"""Seconds of what is learned at once."""

DAY = 86_400
FLOOR = 0.5
"""Least mean of a window in mentions: below it, how much rarer than rare says nothing about people."""

_HOUR_MEMORY = 14 * 12 / log(2)
_WEEKDAY_MEMORY = 28 / 7 * 288 / log(2)
_RECENT_MEMORY = 2 * 288 / log(2)
_SPREAD_MEMORY = 28 * 96 / log(2)
"""Memories in observations of the cell: half-lives of 14 days (12 buckets a day), 28 days (a seventh of them), 2 days
(288 buckets a day) and 28 days (96 quarter-hours a day)."""

_HOUR_PRIOR = 12.0
"""Buckets (one hour) of the overall rate mixed into each hour's."""
_WEEKDAY_PRIOR, _RECENT_PRIOR = 30.0, 20.0
"""Mentions as expected, mixed into the factors so that few mentions cannot move them far."""
_SPREAD_PRIOR, _SPREAD_USUAL = 30.0, 1.4
"""The dispersion before anything is known of it, weighing like 30 mentions."""
_CUT, _SPREAD_CUT = 3.0, 4.0
"""Standard deviations at which a count is cut before it teaches the rate, and before it teaches the dispersion."""
_SETTLED = 2 * DAY
"""Before it the profile is too rough to tell dispersion from its own error."""


class Expectation(NamedTuple):
    """What is usual for a window: `mean` mentions, with variance `dispersion` × mean, dispersion ≥ 1."""

    mean: float
    dispersion: float

    def score(self, count: float) -> float:
        """How far `count` lies above the mean in standard deviations: 2(√(n + 3/8) − √(m + 3/8)) / √dispersion
        (Anscombe, Biometrika 1948, for Poisson; divided by √dispersion for what spreads wider).

        >>> round(Expectation(4.0, 1.0).score(16), 2), round(Expectation(4.0, 4.0).score(16), 2)
        (3.91, 1.95)
        """
        return 2 * (sqrt(count + 0.375) - sqrt(max(self.mean, FLOOR) + 0.375)) / sqrt(self.dispersion)

    def factor(self, count: float) -> float:
        """How many times the usual `count` is; the usual is never taken below `FLOOR`."""
        return count / max(self.mean, FLOOR)


class Spread(Struct, frozen=True, array_like=True):
    """The dispersion over blocks of `length` seconds: Σ(n − m)² / Σm, and the block that is being filled."""

    length: int
    squares: float = _SPREAD_PRIOR * _SPREAD_USUAL
    means: float = _SPREAD_PRIOR
    count: int = 0
    mean: float = 0.0

    @property
    def value(self) -> float:
        """Variance / mean, at least 1."""
        return max(1.0, self.squares / self.means)

    def after(self, end: int, count: int, mean: float, settled: bool) -> Spread:
        """The spread after one more bucket that ends at `end` (epoch s)."""
        count, mean = self.count + count, self.mean + mean
        if end % self.length:
            return Spread(self.length, self.squares, self.means, count, mean)
        if not settled:
            return Spread(self.length, self.squares, self.means)
        least = max(mean, 0.05)
        limit = _SPREAD_CUT**2 * max(self.value * least, 1.0)
        keep = 1 - self.length / 900 / _SPREAD_MEMORY
        square = min((count - least) ** 2, limit)
        return Spread(self.length, self.squares * keep + square, self.means * keep + least)


class Baseline(Struct, frozen=True, array_like=True):
    """What has been learned of one topic, ≤ 1 kB packed. `since` and `until` are epoch seconds: buckets in
    [since, until) have taught. `hours` and `exposure`: decayed mentions and buckets by hour of the day; `weekdays`:
    mentions and what was expected of them; `recent`: mentions and what was expected of them lately."""

    since: int
    until: int
    hours: tuple[float, ...] = (0.0,) * 24
    exposure: tuple[float, ...] = (0.0,) * 24
    weekdays: tuple[tuple[float, float], ...] = ((0.0, 0.0),) * 7
    recent: tuple[float, float] = (0.0, 0.0)
    quarter: Spread = Spread(900)
    hour: Spread = Spread(3600)

    @property
    def settled(self) -> bool:
        """Whether there is enough history (a day) to expect anything."""
        return self.until - self.since >= DAY


def fresh(at: int) -> Baseline:
    """A baseline that has learned nothing and starts with the first whole bucket at or after `at` (epoch s)."""
    start = -(-at // BUCKET) * BUCKET
    return Baseline(start, start)


def learn(baseline: Baseline, buckets: Iterable[tuple[int, int]], zone: tzinfo) -> Baseline:
    """The baseline after these closed buckets, (start in epoch s, mentions), in order. A bucket that has been learned,
    or was skipped, is ignored: each teaches once.

    >>> from datetime import UTC
    >>> once = learn(fresh(0), [(0, 3), (300, 1)], UTC)
    >>> learn(once, [(0, 50), (300, 1)], UTC) == once
    True
    """
    work = _Work(baseline, zone)
    for start, count in buckets:
        if start >= work.until:
            work.take(start, count)
    return work.baseline()


def skip(baseline: Baseline, until: int) -> Baseline:
    """The baseline that will learn nothing before `until` (epoch s): of that time nothing is known."""
    bucket = until - until % BUCKET
    if bucket <= baseline.until:
        return baseline
    # Blocks that are half filled would lack what is skipped.
    quarter = Spread(900, baseline.quarter.squares, baseline.quarter.means)
    hour = Spread(3600, baseline.hour.squares, baseline.hour.means)
    since = bucket if baseline.since == baseline.until else baseline.since
    return structs.replace(baseline, since=since, until=bucket, quarter=quarter, hour=hour)


def expected(baseline: Baseline, start: int, end: int, zone: tzinfo) -> Expectation | None:
    """What is usual in [start, end) (epoch s); None with less than a day of history."""
    return Outlook(baseline, zone).expected(start, end)


class Outlook:
    """What a baseline expects of many windows: what is the same for all of them is computed once."""

    def __init__(self, baseline: Baseline, zone: tzinfo) -> None:
        self._baseline = baseline
        self._work = _Work(baseline, zone)
        self._moments: dict[tuple[int, int, int, int], tuple[float, float]] = {}

    def expected(self, start: int, end: int) -> Expectation | None:
        """What is usual in [start, end) (epoch s); None with less than a day of history."""
        if not self._baseline.settled:
            return None
        pieces = max(1, round((end - start) / 900))
        length = (end - start) / pieces
        mean = support = 0.0
        for piece in range(pieces):
            rate, rests = self._moment(start + length * (piece + 0.5))
            mean += rate * length / BUCKET
            support += rests
        # What is expected is itself an estimate from `support` mentions: its error adds to the spread.
        spread = _between(self._baseline, end - start) * (1 + mean * pieces / max(support, 1.0))
        return Expectation(mean, spread)

    def _moment(self, at: float) -> tuple[float, float]:
        """Rate and support at an instant (epoch s). They are the same at the same time of every week."""
        local = datetime.fromtimestamp(at, self._work.zone)
        key = (local.weekday(), local.hour, local.minute, local.second)
        known = self._moments.get(key)
        if known is None:
            slot = _slot(local)
            known = self._moments[key] = (self._work.rate(slot), self._work.support(slot))
        return known


def _between(baseline: Baseline, length: int) -> float:
    """The dispersion for windows of `length` seconds, between those of a quarter-hour and an hour."""
    share = min(1.0, max(0.0, log(length / 900) / log(4)))
    return (1 - share) * baseline.quarter.value + share * baseline.hour.value


class _Slot(NamedTuple):
    """A moment in the profile: two neighbouring hours with the second one's share, and the weekday."""

    first: int
    second: int
    share: float
    weekday: int


def _slot(local: datetime) -> _Slot:
    place = local.hour + local.minute / 60 + local.second / 3600 - 0.5
    first = int(place // 1) % 24
    return _Slot(first, (first + 1) % 24, place % 1, local.weekday())


class _Work:
    """A baseline in lists, while it learns."""

    def __init__(self, baseline: Baseline, zone: tzinfo) -> None:
        self.zone = zone
        self.since, self.until = baseline.since, baseline.until
        self.hours, self.exposure = list(baseline.hours), list(baseline.exposure)
        self.weekdays, self.recent = list(baseline.weekdays), baseline.recent
        self.quarter, self.hour = baseline.quarter, baseline.hour
        self.overall = self._overall()

    def _overall(self) -> float:
        return sum(self.hours) / max(sum(self.exposure), 1.0)

    def slot(self, at: float) -> _Slot:
        """Where an instant (epoch s) lies in the profile, in local time: after a change of the clocks, too."""
        return _slot(datetime.fromtimestamp(at, self.zone))

    def _hourly(self, hour: int) -> float:
        return (self.hours[hour] + _HOUR_PRIOR * self.overall) / (self.exposure[hour] + _HOUR_PRIOR)

    def profile(self, slot: _Slot) -> float:
        """Mentions a bucket by the hour alone."""
        return (1 - slot.share) * self._hourly(slot.first) + slot.share * self._hourly(slot.second)

    def weekday(self, slot: _Slot) -> float:
        """The weekday's factor."""
        seen, usual = self.weekdays[slot.weekday]
        return (seen + _WEEKDAY_PRIOR) / (usual + _WEEKDAY_PRIOR)

    def level(self) -> float:
        """How much more than the profile says there was lately, within [1/2, 3]."""
        seen, usual = self.recent
        return min(3.0, max(0.5, (seen + _RECENT_PRIOR) / (usual + _RECENT_PRIOR)))

    def rate(self, slot: _Slot) -> float:
        """Mentions a bucket."""
        return self.profile(slot) * self.weekday(slot) * self.level()

    def support(self, slot: _Slot) -> float:
        """The mentions that the profile rests on at this moment."""
        return self.hours[slot.first] + self.hours[slot.second] + _HOUR_PRIOR * self.overall

    def take(self, start: int, count: int) -> None:
        """Learn one bucket."""
        slot = self.slot(start + BUCKET / 2)
        rate = self.rate(slot)
        seen = float(count)
        if self.until - self.since >= DAY:
            seen = min(seen, rate + _CUT * sqrt(self.quarter.value * max(rate, 0.05)) + 1)
        settled = self.until - self.since >= _SETTLED
        end = start + BUCKET
        self.quarter = self.quarter.after(end, count, rate, settled)
        self.hour = self.hour.after(end, count, rate, settled)
        self._teach(slot, seen)
        self.until = end

    def _teach(self, slot: _Slot, seen: float) -> None:
        profile, weekday, level = self.profile(slot), self.weekday(slot), self.level()
        for hour, share in ((slot.first, 1 - slot.share), (slot.second, slot.share)):
            keep = 1 - share / _HOUR_MEMORY
            # Shares are those of the moment: what a mention at half past adds to one hour it takes from no other.
            self.hours[hour] = self.hours[hour] * keep + seen * share
            self.exposure[hour] = self.exposure[hour] * keep + share
        old = self.weekdays[slot.weekday]
        keep = 1 - 1 / _WEEKDAY_MEMORY
        self.weekdays[slot.weekday] = (old[0] * keep + seen, old[1] * keep + profile * level)
        keep = 1 - 1 / _RECENT_MEMORY
        self.recent = (self.recent[0] * keep + seen, self.recent[1] * keep + profile * weekday)
        self.overall = self._overall()

    def baseline(self) -> Baseline:
        """What is known now."""
        return Baseline(
            self.since,
            self.until,
            tuple(self.hours),
            tuple(self.exposure),
            tuple(self.weekdays),
            self.recent,
            self.quarter,
            self.hour,
        )
