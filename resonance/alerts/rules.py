"""What a rule says of a stretch of time: pure verdicts over sums of arrivals and what is usual."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from typing import NamedTuple

from resonance.baseline import Baseline, expected
from resonance.catalogue import Change, Condition, NegativeShare, Rule, Silent, Threshold, duration

MINUTE = 60


class Sum(NamedTuple):
    """Arrivals of a minute: mentions, and how many of them were negative."""

    mentions: int = 0
    negative: int = 0


class Verdict(NamedTuple):
    """`holds` None: cannot be said. `value` is what was measured (mentions, or a share), `mentions` of how many."""

    holds: bool | None
    value: float | None = None
    expected: float | None = None
    score: float | None = None
    mentions: int = 0


def window_seconds(condition: Condition) -> int:
    """How far back a condition looks."""
    return 0 if isinstance(condition, Silent) else int(duration(condition.window).total_seconds())


def longest_window(rules: list[Rule]) -> int:
    """The furthest that any of them looks back, in seconds."""
    return max((window_seconds(rule.when) for rule in rules), default=MINUTE)


def is_monotone(condition: Condition) -> bool:
    """Whether more arrivals can only make it truer: such a rule need not wait for a minute to close."""
    return isinstance(condition, Threshold | Change)


def judge(condition: Condition, minutes: Mapping[int, Sum], end: int, baseline: Baseline, zone: tzinfo) -> Verdict:
    """The verdict over the window that ends at `end` (epoch s, whole minutes). `minutes`: start of a minute → arrivals."""
    start = end - window_seconds(condition)
    total = Sum(
        sum(minutes[at].mentions for at in range(start, end, MINUTE) if at in minutes),
        sum(minutes[at].negative for at in range(start, end, MINUTE) if at in minutes),
    )
    match condition:
        case Threshold(mentions=least):
            return Verdict(total.mentions >= least, total.mentions, mentions=total.mentions)
        case Change():
            return _change(condition, total.mentions, start, end, baseline, zone)
        case NegativeShare(share=share, mentions=least):
            if total.mentions == 0:
                return Verdict(None)
            negative = total.negative / total.mentions
            return Verdict(total.mentions >= least and negative >= share, negative, mentions=total.mentions)
        case Silent():
            return Verdict(None)


def _change(rule: Change, count: int, start: int, end: int, baseline: Baseline, zone: tzinfo) -> Verdict:
    usual = expected(baseline, start, end, zone)
    if usual is None:
        return Verdict(None, count, mentions=count)
    score = usual.score(count)
    holds = count >= rule.mentions and score >= rule.score and usual.factor(count) >= rule.factor
    return Verdict(holds, count, round(usual.mean, 2), round(score, 2), count)
