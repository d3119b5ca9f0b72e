"""How far the lanes are: what travels through the log has happened when each of them has passed it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from resonance.ports import Backlog, Ledger, LogShape

_BACKLOG = 4
_LAG = 1.0
"""A job waits while more envelopes a lane, or older ones (s), are not processed yet."""


@dataclass(frozen=True)
class Passage:
    """A log, and how far the store is with it; `backlog` tells how much lies between the two."""

    log: LogShape
    ledger: Ledger
    backlog: Callable[[], Backlog]

    def ends(self) -> list[int]:
        """The place after everything that is in each lane now."""
        return self.log.ends()

    def passed(self, ends: Sequence[int]) -> bool:
        """Whether every lane is past its place. Heartbeats move every lane, so each gets past any place soon."""
        return all(self.ledger.position(lane).offset >= end for lane, end in enumerate(ends))

    def keeps_up(self) -> bool:
        """Whether little waits to be processed, so that more would not delay what is new."""
        backlog = self.backlog()
        return backlog.envelopes < _BACKLOG * self.log.lanes and backlog.seconds < _LAG
