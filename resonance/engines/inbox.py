"""What the stream has delivered and process has not committed yet: the reading side of a log that is pushed to us."""

from __future__ import annotations

import threading
from collections import deque
from itertools import islice
from typing import Literal

from resonance.ports import LogShape

_ENVELOPES = 256
_BYTES = 8_000_000
"""A lane of which so many envelopes, or so many bytes of them, wait here is crowded."""

Offered = Literal["taken", "known", "early"]


class Inbox:
    """`ports.LogReader` over what is offered, lane by lane. Filled by one thread, read by others.

    `bounds` and `ends` ask the stream itself. A lane takes nothing before it was read from for the first time: only then it is known
    from where it has to go on. Whoever offers is to stop while a lane is crowded.
    """

    forgets = True

    def __init__(self, stream: LogShape) -> None:
        self.incarnation, self.lanes = stream.incarnation, stream.lanes
        self.bounds, self.ends = stream.bounds, stream.ends
        self._lock = threading.Lock()
        self._arrived = threading.Condition(self._lock)
        self._stirred = 0
        self._lanes = {lane: _Lane() for lane in range(stream.lanes)}

    def empty(self, lane: int) -> None:
        """Forget the lane: it is somebody else's, or begins anew."""
        with self._lock:
            self._lanes[lane] = _Lane()
            self._stir()

    def offer(self, lane: int, offset: int, body: bytes) -> Offered:
        """Take the next envelope of a lane. "known": it was taken or committed before; "early": something before it is
        missing, see `following`."""
        with self._lock:
            offered = self._lanes[lane].offer(offset, body)
            if offered == "taken":
                self._stir()
            return offered

    def following(self, lane: int) -> int | None:
        """The offset that the lane has to be offered next; None while it does not know."""
        with self._lock:
            return self._lanes[lane].following

    def crowded(self, lane: int, part: float = 1.0) -> bool:
        """Whether as much waits as should, or a part of it."""
        with self._lock:
            waiting = self._lanes[lane]
            return len(waiting.waiting) >= _ENVELOPES * part or waiting.size >= _BYTES * part

    def read(self, lane: int, offset: int, limit: int) -> list[tuple[int, bytes]]:
        """Up to `limit` (offset, envelope) at or after `offset`; what lies before it is done with."""
        with self._lock:
            return self._lanes[lane].read(offset, limit)

    def wait(self, known: int, seconds: float) -> int:
        """Wait until something was taken, or a lane emptied, since the call that answered `known`, at most so long."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._stirred != known, seconds)
            return self._stirred

    def _stir(self) -> None:
        self._stirred += 1
        self._arrived.notify_all()


class _Lane:
    """The waiting envelopes of one lane, without a gap."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[int, bytes]] = deque()
        self.following: int | None = None
        self.size = 0

    def offer(self, offset: int, body: bytes) -> Offered:
        if self.following is None or offset > self.following:
            return "early"
        if offset < self.following:
            return "known"
        self.waiting.append((offset, body))
        self.size += len(body)
        self.following = offset + 1
        return "taken"

    def read(self, offset: int, limit: int) -> list[tuple[int, bytes]]:
        while self.waiting and self.waiting[0][0] < offset:
            self.size -= len(self.waiting.popleft()[1])
        if self.waiting and self.waiting[0][0] > offset:
            # Somebody moved the position back: what waits here does not come next.
            self.waiting.clear()
            self.size = 0
        if not self.waiting:
            self.following = offset
        return list(islice(self.waiting, limit))
