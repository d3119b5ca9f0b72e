"""How many people may have seen a mention: the platform's own count of views, or an estimate from followers and shares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from resonance.model import MOST


class Visibility(Struct, frozen=True):
    """What part of its author's followers a mention reaches: `small` up to `low` followers, `large` from `high` on,
    linear in log(followers) between; `per_share` of a sharer's `audience` (people) is reached by each share."""

    small: float
    large: float
    low: int = 100_000
    high: int = 10_000_000
    per_share: float = 0.0
    audience: float = 0.0
    source: str = "assumed, configurable"

    def __post_init__(self) -> None:
        rates = (self.small, self.large, self.per_share)
        if (
            not all(0 <= rate <= 1 for rate in rates)
            or not 0 <= self.audience <= MOST
            or not 1 <= self.low < self.high <= MOST
        ):
            raise ValueError("rates lie in [0, 1], an audience is a number of people, and 1 ≤ low < high")

    def at(self, followers: float) -> float:
        """The rate for so many followers.

        >>> round(Visibility(0.15, 0.06).at(1_000_000), 6)
        0.105
        """
        if followers <= self.low:
            return self.small
        if followers >= self.high:
            return self.large
        along = math.log(followers / self.low) / math.log(self.high / self.low)
        return self.small + (self.large - self.small) * along


_ASSUMED: Final[Mapping[str, Visibility]] = {
    # X: 0.15 → 0.06 (Sprinklr's benchmarking FAQ) bounds it from above, 0.0005 (Radarr 2020) from below, whose 707 is the audience
    "x": Visibility(0.15, 0.06, per_share=0.05, audience=707),
    "facebook": Visibility(0.055, 0.055, per_share=0.055, audience=200),  # Radarr, 2020
    "instagram": Visibility(
        0.34, 0.34, per_share=0.05, audience=200
    ),  # Radarr, 2020; later unchecked sources say 0.04-0.09
}


class ReachRates(Struct, frozen=True):
    """The rates of each platform, and those of every other one. Replace them by measured ones where you have them."""

    platforms: Mapping[str, Visibility] = msgspec.field(default_factory=lambda: dict(_ASSUMED))
    other: Visibility = Visibility(0.15, 0.06, per_share=0.05, audience=200)

    def of(self, platform: str) -> Visibility:
        """The rates of a platform by its name in any case."""
        return self.platforms.get(platform.casefold(), self.other)


class Reach(Struct, frozen=True):
    """People who may have seen a mention, how that is known, and the numbers that it was computed from.

    `value` None: neither views nor followers are known. It is never 0 for unknown.
    """

    value: int | None
    by: Literal["views", "followers", "unknown"]
    inputs: dict[str, Any] = msgspec.field(default_factory=dict)


def reach_of(platform: str, followers: int | None, views: int | None, shares: int | None, rates: ReachRates) -> Reach:
    """Views where the platform tells them; else v(platform, followers) · followers + s · audience · shares (ours,
    after Radarr's and Sprinklr's published rules; each rate is an assumption until it is measured).

    The estimate never falls when followers or shares rise: v falls with the followers, but v · followers is held
    to its greatest value so far. Unknown shares add nothing, which `inputs` tells.

    >>> reach_of("x", followers=1_000, views=4_200, shares=3, rates=ReachRates()).value
    4200
    >>> reach_of("x", followers=1_000, views=None, shares=None, rates=ReachRates()).value
    150
    >>> reach_of("x", followers=None, views=None, shares=3, rates=ReachRates())
    Reach(value=None, by='unknown', inputs={'shares': 3})
    """
    if views is not None:
        return Reach(min(MOST, max(0, views)), "views", {"views": views})
    if followers is None:
        return Reach(None, "unknown", {} if shares is None else {"shares": shares})
    visibility = rates.of(platform)
    people = min(max(0, followers), MOST)
    passed_on = visibility.per_share * visibility.audience * min(max(0, shares or 0), MOST)
    seen = _greatest(visibility, people)
    value = min(MOST, round(seen + passed_on))
    inputs: dict[str, Any] = {
        "followers": followers,
        "shares": shares,
        "rate": seen / people if people else visibility.small,
        "share_rate": visibility.per_share,
        "share_audience": visibility.audience,
        "source": visibility.source,
    }
    return Reach(value, "followers", inputs)


def _greatest(visibility: Visibility, followers: int) -> float:
    """The greatest rate · n over all n ≤ followers.

    Between the anchors f(n) = n·(a − b·ln n) has one peak, at ln n = a/b − 1; past the upper anchor it rises again.
    """
    best = visibility.at(followers) * followers
    if followers <= visibility.low or visibility.small <= visibility.large:
        return best
    slope = (visibility.small - visibility.large) / math.log(visibility.high / visibility.low)
    peak_log = visibility.small / slope + math.log(visibility.low) - 1
    peak = math.exp(min(max(peak_log, math.log(visibility.low)), math.log(visibility.high)))
    peak = min(peak, followers)
    return max(best, visibility.at(peak) * peak)
