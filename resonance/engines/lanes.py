"""The lanes of one thread: each commits its own slices; what quiet ones need is done for all of them at once.

So a lane to which nobody says anything costs next to nothing, however many there are.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import structlog

from resonance.engines.lane import LaneLoop
from resonance.errors import Fenced, Full, Retry

_IDLE_SECONDS = _LOOK_SECONDS = 0.9
"""A little less than between two heartbeats, so that one waking-up serves for all."""

_GATHER_SECONDS = 0.03

log = structlog.get_logger()


def run(lanes: Callable[[], Sequence[LaneLoop]], stop: threading.Event) -> None:
    """Work on the lanes, whichever they are at the moment, until told to stop."""
    looked, known = 0.0, 0
    while not stop.is_set():
        mine = lanes()
        if not mine:
            stop.wait(_IDLE_SECONDS)
            continue
        busy = sum(lane.attempt() for lane in mine)
        if not busy and any(lane.beat for lane in mine):
            # The other lanes' heartbeats come at the same time.
            stop.wait(_GATHER_SECONDS)
            busy = sum(lane.attempt() for lane in mine)
        advance(mine)
        if time.monotonic() >= looked + _LOOK_SECONDS:
            looked = time.monotonic()
            look(mine)
        if not busy:
            known = mine[0].log.wait(known, _IDLE_SECONDS)


def advance(lanes: Sequence[LaneLoop]) -> None:
    """Commit in one transaction what was said by nobody. Where it fails, each lane does its own part."""
    with ExitStack() as held:
        for lane in lanes:
            held.enter_context(lane.working)
        moved = [lane for lane in lanes if lane.beat is not None and not lane.stopped]
        if not moved:
            return
        try:
            moved[0].ledger.advance([(lane.position, lane.beat) for lane in moved])  # type: ignore[misc]
        except (Fenced, Full, Retry):
            for lane in moved:
                lane.guarded(lane.step)
        else:
            for lane in moved:
                lane.position = lane.beat
            moved[0].committed()
        for lane in moved:
            lane.beat = None


def look(lanes: Sequence[LaneLoop]) -> None:
    """Find the lanes in which something that waited is due."""
    reached = {lane.lane: lane.position.progress for lane in lanes if lane.position is not None}
    if reached:
        try:
            due = lanes[0].ledger.lanes_due(reached)
        except (Full, Retry) as error:
            log.warning("store.retry", lanes=sorted(reached), problem=str(error))
        else:
            for lane in lanes:
                lane.look = lane.look or lane.lane in due
