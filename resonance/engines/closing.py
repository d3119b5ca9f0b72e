"""Up to when everything observed has been seen: the slowest lane says it, unless it is silent for too long."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from resonance.alerts.rules import MINUTE

SILENT = 60.0
"""Real seconds without progress after which a lane is left out. Far longer than a worker takes to follow another."""

log = structlog.get_logger()


class _Lanes(Protocol):
    def close_lanes(self, lanes: frozenset[int], until: int) -> None: ...


@dataclass
class Closing:
    """Remembers when each lane last got on. `real` is real time in seconds."""

    store: _Lanes
    real: Callable[[], float] = time.monotonic
    silent: float = SILENT
    _heard: dict[int, tuple[int, float]] = field(default_factory=dict)
    _left_out: frozenset[int] = frozenset()

    def progress(self, lanes: Mapping[int, int]) -> int:
        """Of what each lane has seen (lane → µs): every one that is not silent has seen what was observed before. Of one
        that is silent while others get on, the store remembers that its minutes are closed up to here; so whoever works
        on it books later."""
        now = self.real()
        for lane, progress in lanes.items():
            if self._heard.get(lane, (-1, 0.0))[0] != progress:
                self._heard[lane] = progress, now
        heard = [progress for lane, progress in lanes.items() if now - self._heard[lane][1] < self.silent]
        slowest = min(lanes.values(), default=0)
        if not heard or min(heard) <= slowest:
            self._left_out = frozenset()
            return slowest
        behind = frozenset(lane for lane, progress in lanes.items() if progress < min(heard))
        if behind != self._left_out:
            log.error("lanes.silent", lanes=sorted(behind), since=slowest)
            self._left_out = behind
        self.store.close_lanes(behind, min(heard) // 1_000_000 // MINUTE * MINUTE)
        return min(heard)
