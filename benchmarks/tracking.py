"""Deciding a topic: one minute that passes, a day that nobody spoke in, and a month of history learned."""

from __future__ import annotations

import time
from collections.abc import Callable
from zoneinfo import ZoneInfo

from benchmarks.row import Row, say
from resonance.alerts.rules import Sum
from resonance.baseline import BUCKET, DAY
from resonance.catalogue import Change, NegativeShare, Rule, Threshold
from resonance.tracker import TrackerState, begin, evaluate

_ZONE = ZoneInfo("Europe/Berlin")
_LIVE = 1_767_225_600
_RULES = [Rule(id="surge", when=Change()), Rule(id="many", when=Threshold()), Rule(id="angry", when=NegativeShare())]


def measure() -> list[Row]:
    """The baseline of the later ones is the first of them."""
    say("deciding topics")
    state = _learned()
    minute = _seconds(lambda: _step(state, {_LIVE - 60: Sum(2, 1), _LIVE: Sum(2, 1)}, 60), 300)
    day = _seconds(lambda: _step(state, {}, DAY), 10)
    month = _seconds(_learned, 3)
    one = "a minute of a topic decided"
    return [
        Row(one, minute * 1e6, "CPU µs", "itself", minute * 1e6, 1_000, most=True),
        Row("a silent day of a topic caught up with", day * 1e6, "CPU µs", one, minute * 1e6),
        Row("28 days of a topic's history learned", month * 1e6, "CPU µs", one, minute * 1e6),
    ]


def _learned() -> TrackerState:
    history = [(at, at // BUCKET % 3) for at in range(_LIVE - 28 * DAY, _LIVE, BUCKET)]
    return begin(1, _LIVE, history, _ZONE)


def _step(state: TrackerState, arrivals: dict[int, Sum], seconds: int) -> None:
    evaluate(state, "acme", _RULES, arrivals, (_LIVE + seconds) * 1_000_000, _ZONE)


def _seconds(work: Callable[[], object], times: int) -> float:
    started = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - started) / times
