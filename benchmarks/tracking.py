"""Deciding a topic: one minute that passes, a day that nobody spoke in, and a month of history learned."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from resonance.alerts.rules import Sum
from resonance.baseline import BUCKET, DAY
from resonance.catalogue import Change, NegativeShare, Rule, Threshold
from resonance.tracker import TrackerState, begin, evaluate

_ZONE = ZoneInfo("Europe/Berlin")
_LIVE = 1_767_225_600
_RULES = [Rule(id="surge", when=Change()), Rule(id="many", when=Threshold()), Rule(id="angry", when=NegativeShare())]


def measure() -> list[dict[str, Any]]:
    """Rows of figures; the named baseline is the first of them, measured in the same run."""
    state = _learned()
    minute = _seconds(lambda: _step(state, {_LIVE - 60: Sum(2, 1), _LIVE: Sum(2, 1)}, 60), 300)
    day = _seconds(lambda: _step(state, {}, DAY), 10)
    month = _seconds(_learned, 3)
    return [
        _row("decide a minute of a topic", minute * 1e6, "µs", minute, 1000),
        _row("catch up with a silent day", day * 1e3, "ms", day / minute, None),
        _row("learn 28 days of history", month * 1e3, "ms", month / minute, None),
    ]


def _learned() -> TrackerState:
    history = [(at, at // BUCKET % 3) for at in range(_LIVE - 28 * DAY, _LIVE, BUCKET)]
    return begin(1, _LIVE, history, _ZONE)


def _step(state: TrackerState, arrivals: dict[int, Sum], seconds: int) -> None:
    evaluate(state, "acme", _RULES, arrivals, (_LIVE + seconds) * 1_000_000, _ZONE)


def _seconds(work: Callable[[], object], times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - started) / times


def _row(what: str, value: float, unit: str, ratio: float, goal: float | None) -> dict[str, Any]:
    baseline = "decide a minute of a topic"
    shown = 1.0 if what == baseline else ratio
    return {"what": what, "value": value, "unit": unit, "baseline": baseline, "ratio": shown, "goal": goal}
