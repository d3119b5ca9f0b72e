"""The loop of one machine: reads the embedded log lane by lane and commits slice after slice.

A slice is cut so that its transaction lasts about 25 ms: a page's write never waits long. Small envelopes share a slice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from msgspec import structs

from resonance.engines.slices import Batch, Reader
from resonance.errors import DeadLetter, Fenced, Full, ResonanceError, Retry, Stop, WrongStream
from resonance.metrics import Metrics
from resonance.model import Event
from resonance.ports import Known, Ledger, Log, Wanted
from resonance.processor import Slice, process
from resonance.scoring import Scorer
from resonance.update import Position, Rejected, Update
from resonance.wanted import roots_of, wanted

_TARGET = 0.025
_SMALLEST, _GREATEST = 96, 1000
_IDLE = 0.03

log = structlog.get_logger()


@dataclass
class LaneLoop:
    """One lane of the log, from where the store says it is. `target`: how many seconds a transaction may take;
    `now`: log time (µs), for the metrics."""

    log: Log
    ledger: Ledger
    lane: int
    scorer: Callable[[], Scorer]
    progress: Callable[[], dict[int, int]]
    metrics: Metrics
    position: Position | None = None
    size: int = 128
    target: float = _TARGET
    now: Callable[[], int] | None = None

    def claim(self) -> None:
        """Own the lane under a new epoch: whoever worked on it before is fenced off from now on."""
        old = self.ledger.position(self.lane)
        if old.incarnation not in ("", self.log.incarnation):
            raise WrongStream(
                f"lane {self.lane} was read from another log ({old.incarnation}, not {self.log.incarnation})"
            )
        if old.offset > self.log.bounds(self.lane)[1]:
            raise WrongStream(
                f"the log ends before offset {old.offset} of lane {self.lane}, which the store has already seen"
            )
        new = structs.replace(old, incarnation=self.log.incarnation, epoch=old.epoch + 1)
        self.ledger.commit(Update(last_row=old.last_row), old, new)
        self.position = new

    def step(self) -> int:
        """Commit one slice, or look at what waited; returns how many events were handled (0: nothing to do)."""
        if self.position is None:
            self.claim()
        assert self.position is not None
        batch = Reader(self.log, self.lane).read(self.position, self.size)
        if batch.moved(self.position):
            self._commit(batch)
            return max(len(batch.events) + len(batch.rejected), 1)
        return self._sweep()

    # ---- one slice ------------------------------------------------------------------------------------------

    def _commit(self, batch: Batch) -> None:
        assert self.position is not None
        scorer = self.scorer()
        started = time.perf_counter()
        update, rejected = self._compute([(index, event) for index, event in batch.events], batch, scorer)
        update.rejected = [*batch.rejected, *rejected]
        computed = time.perf_counter()
        new = structs.replace(
            batch.end,
            progress=max(self.position.progress, batch.stamp),
            catalogue_version=scorer.catalogue.version,
            last_row=update.last_row,
        )
        self.ledger.commit(update, self.position, new)
        self.position = new
        committed = time.perf_counter()
        self._adapt(committed - computed, len(batch.events))
        self.metrics.slice(
            update,
            events=len(batch.events),
            computed=computed - started,
            committed=committed - computed,
            now=self.now() if self.now else None,
        )

    def _compute(
        self, events: Sequence[tuple[tuple[int, int], Event]], batch: Batch, scorer: Scorer
    ) -> tuple[Update, list[Rejected]]:
        """The update of these events; what cannot be computed is found by halving and set aside."""
        try:
            return self._process([event for _, event in events], batch, scorer), []
        except ResonanceError:
            raise
        except Exception as error:
            log.exception("event.failed", lane=self.lane, events=len(events))
            bad = self._find_bad(list(events), batch, scorer, error)
        good = [event for place, event in events if place not in bad]
        return self._process(good, batch, scorer), list(bad.values())

    def _find_bad(
        self, events: list[tuple[tuple[int, int], Event]], batch: Batch, scorer: Scorer, error: Exception
    ) -> dict[tuple[int, int], Rejected]:
        if len(events) == 1:
            place, event = events[0]
            return {place: batch.reject(place, event, DeadLetter("failed", f"{type(error).__name__}: {error}"))}
        bad: dict[tuple[int, int], Rejected] = {}
        for half in (events[: len(events) // 2], events[len(events) // 2 :]):
            try:
                self._process([event for _, event in half], batch, scorer)
            except ResonanceError:
                raise
            except Exception as inner:
                bad |= self._find_bad(half, batch, scorer, inner)
        return bad

    def _process(self, events: list[Event], batch: Batch, scorer: Scorer) -> Update:
        assert self.position is not None
        part = Slice(
            lane=self.lane,
            events=events,
            mode=batch.mode,
            logged_at=batch.stamp or self.position.progress,
            progress=self.position.progress,
            last_row=self.position.last_row,
            closed=self.position.closed,
        )
        return process(part, know(self.ledger, events, scorer), scorer)

    def _adapt(self, seconds: float, events: int) -> None:
        if seconds > 1.5 * self.target:
            self.size = max(_SMALLEST, self.size // 2)
        elif seconds < self.target / 2 and events >= self.size:
            self.size = min(_GREATEST, self.size * 2)

    # ---- what waited ----------------------------------------------------------------------------------------

    def _sweep(self) -> int:
        """Look again at what waited long enough, by what every lane has reached."""
        assert self.position is not None
        reached = self.progress()
        slowest = min((reached.get(lane, 0) for lane in range(self.log.lanes)), default=0)
        due = self.ledger.due(self.lane, slowest, self.size)
        for mode in ("live", "backfill"):
            chosen = [(number, waiting) for number, waiting in due if waiting.mode == mode]
            if chosen:
                children = [waiting for _, waiting in chosen if waiting.kind == "child"]
                batch = Batch.again(children, self.position, mode, slowest)
                update, rejected = self._compute(batch.events, batch, self.scorer())
                update.rejected, update.settled = rejected, [number for number, _ in chosen]
                new = structs.replace(self.position, last_row=update.last_row)
                self.ledger.commit(update, self.position, new)
                self.position = new
                self.metrics.expired(len(chosen) - len(children))
        return len(due)


def know(ledger: Ledger, events: Sequence[Event], scorer: Scorer) -> Known:
    """What the store knows of the events, with the roots of what is to be looked at again."""
    known = ledger.read(wanted(events, scorer))
    roots = roots_of(known)
    if not roots:
        return known
    more = ledger.read(Wanted(roots))
    return structs.replace(known, records={**more.records, **known.records})


def run(lanes: Sequence[LaneLoop], stop: threading.Event) -> None:
    """Work on all lanes until told to stop. What needs a person is raised; anything passing is tried again in place."""
    pause = 0.0
    while not stop.wait(pause):
        pause = _IDLE
        for lane in lanes:
            try:
                if lane.step():
                    pause = 0.0
            except Fenced:
                log.warning("lane.fenced", lane=lane.lane)
                lane.position, pause = None, 1.0
            except (Retry, Full) as error:
                log.warning("store.retry", lane=lane.lane, problem=str(error))
                lane.position, pause = None, 0.5
            except Stop:
                log.exception("lane.stopped", lane=lane.lane)
                raise
