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
from resonance.ports import LogReader

_IDLE_SECONDS, _LOOK_SECONDS = 1.1, 0.9
"""A little more, and a little less, than between two heartbeats: so that one waking-up serves for both."""

_GATHER_SECONDS = 0.03

log = structlog.get_logger()


def run(lanes: Callable[[], Sequence[LaneLoop]], reader: LogReader, stop: threading.Event) -> None:
    """Work on the lanes of what is read, whichever they are at the moment, until told to stop."""
    looked, known = 0.0, 0
    while not stop.is_set():
        mine = lanes()
        busy = sum(lane.attempt() for lane in mine)
        if not busy and any(lane.beat for lane in mine):
            # The other lanes' heartbeats come at the same time.
            stop.wait(_GATHER_SECONDS)
            busy = sum(lane.attempt() for lane in mine)
        moved = advance(mine)
        if time.monotonic() >= looked + _LOOK_SECONDS:
            looked = time.monotonic()
            look(mine)
        if not (busy or moved):
            known = reader.wait(known, _IDLE_SECONDS)


def advance(lanes: Sequence[LaneLoop]) -> bool:
    """Commit in one transaction where envelopes without a word have brought the lanes; returns whether there were any."""
    with ExitStack() as held:
        for lane in lanes:
            held.enter_context(lane.working)
        moved = [lane for lane in lanes if lane.beat is not None and not lane.stopped]
        if not moved:
            return False
        try:
            moved[0].ledger.advance([(lane.position, lane.beat) for lane in moved])  # type: ignore[misc]
        except Fenced:
            pass
        except (Full, Retry) as error:
            log.warning("store.retry", lanes=[lane.lane for lane in moved], problem=str(error))
            for lane in moved:
                lane.pause()
        else:
            for lane in moved:
                lane.advanced()
            return True
    # One of them is somebody else's, or all have to wait: each finds out for itself.
    for lane in moved:
        lane.attempt(alone=True)
    return True


def look(lanes: Sequence[LaneLoop]) -> None:
    """Find the lanes in which something that waited is due."""
    names = [lane.lane for lane in lanes]
    if names:
        try:
            due = lanes[0].ledger.lanes_due(names)
        except (Full, Retry) as error:
            log.warning("store.retry", lanes=names, problem=str(error))
        else:
            for lane in lanes:
                lane.waits = lane.waits or lane.lane in due
