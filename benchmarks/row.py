"""A row of the table, and how things are timed."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure beside its baseline, both measured in this run and in `unit`. `goal` is the least that will do, or the
    most where `most`. `cpu`: the same for a second of CPU time instead of the clock's, which other work does not slow."""

    what: str
    value: float
    unit: str
    baseline: str
    other: float
    goal: float | None = None
    most: bool = False
    cpu: float | None = None

    @property
    def ratio(self) -> float:
        """How many times the baseline."""
        return self.value / self.other if self.other else float("nan")

    @property
    def reached(self) -> bool | None:
        """Whether it is good enough; None where nothing is asked for."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.most else self.value >= self.goal


@dataclass(frozen=True)
class Skipped:
    """What could not be measured here."""

    what: str
    why: str


def say(text: str) -> None:
    """A line for whoever waits."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')}  {text}\n")
    sys.stderr.flush()


def rates(count: int, work: Callable[[], object]) -> tuple[float, float]:
    """Things a second: by the clock, and by this process's CPU time."""
    started, used = time.perf_counter(), time.process_time()
    work()
    return count / (time.perf_counter() - started), count / max(1e-9, time.process_time() - used)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
