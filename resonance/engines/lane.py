"""One lane of the log: commits slice after slice, from where the store says it is. The same on one machine and on a cluster.

A slice is cut so that its transaction takes about as long as `target`: on one machine 25 ms, so that a page's write never
waits long. Small envelopes share a slice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog
from msgspec import structs

from resonance.engines.slices import Batch, Reader
from resonance.errors import DeadLetter, Fenced, Full, NewerVersion, Outdated, ResonanceError, Retry, WrongStream
from resonance.metrics import Metrics
from resonance.model import Event
from resonance.ports import Known, Ledger, LogReader, Wanted
from resonance.processor import Slice, process
from resonance.scoring import Scorer
from resonance.stores.traces import json_of, people_in
from resonance.update import Change, Position, Rejected, Update
from resonance.wanted import roots_of, wanted

_TARGET = 0.025
_SMALLEST, _GREATEST = 96, 3000
_MINUTE = 60_000_000
_FENCED_PAUSE, _RETRY_PAUSE = 1.5, 0.5
"""Seconds until another attempt: whoever was fenced off may be about to learn that the lane is not its own any more."""

log = structlog.get_logger()


@dataclass
class LaneLoop:
    """`target`: how many seconds a transaction may take; `now`: log time (µs), for the metrics; `committed` is called after
    each transaction in which evaluate may find something. `step` does everything by itself; `attempt` leaves to whoever
    runs several lanes what is cheaper for all of them at once (see `lanes`)."""

    log: LogReader
    ledger: Ledger
    lane: int
    scorer: Callable[[], Scorer]
    progress: Callable[[], dict[int, int]]
    metrics: Metrics
    position: Position | None = None
    size: int = 128
    target: float = _TARGET
    now: Callable[[], int] | None = None
    committed: Callable[[], object] = lambda: None
    stopped: bool = False
    """The lane is somebody else's now, or a record of a newer version is next: a newer program has to take over."""
    beat: Position | None = None
    """Where envelopes in which nothing was said have brought it, to be committed with those of other lanes."""
    waits: bool = True
    """Whether something may wait that is due."""
    working: threading.Lock = field(default_factory=threading.Lock)
    """Held while a transaction is under way."""
    _resume: float = 0.0

    def attempt(self, *, alone: bool = False) -> bool:
        """One step, if it is time for one; returns whether anything was done. Unless `alone`, past what said nothing it
        goes only as far as `beat`, and at what waits it looks only if it `waits`. What passes is tried again a little later
        from what the store says by then; a record of a newer version stops this lane alone; what else needs a person is
        raised."""
        with self.working:
            return not self.stopped and time.monotonic() >= self._resume and self._guarded(alone)

    def advanced(self) -> None:
        """The store has it where `beat` is."""
        assert self.position is not None and self.beat is not None
        old, self.position, self.beat = self.position, self.beat, None
        self._tell(old, ())

    def retire(self, seconds: float) -> bool:
        """Not to be worked on any more; returns whether a transaction that was under way has ended within the time."""
        self.stopped = True
        ended = self.working.acquire(timeout=seconds)
        if ended:
            self.working.release()
        return ended

    def _guarded(self, alone: bool) -> bool:
        """A step, and what is to be done where it fails."""
        try:
            return self._step(alone=alone) > 0
        except Outdated as error:
            log.info("slice.outdated", lane=self.lane, problem=str(error))
            return True
        except Fenced:
            log.warning("lane.fenced", lane=self.lane)
            self.metrics.fenced.inc()
            self.pause(_FENCED_PAUSE)
        except (Retry, Full) as error:
            log.warning("store.retry", lane=self.lane, problem=str(error))
            self.pause()
        except NewerVersion as error:
            log.critical("lane.stopped", lane=self.lane, problem=str(error))
            self.stopped = True
        return False

    def pause(self, seconds: float = _RETRY_PAUSE) -> None:
        """Try again only then, from what the store says by then."""
        self.position, self.beat, self._resume = None, None, time.monotonic() + seconds

    def claim(self) -> None:
        """Own the lane under a new epoch: whoever worked on it before is fenced off from now on. What the log has
        forgotten before it was read is a gap that the change feed tells."""
        old = self.ledger.position(self.lane)
        if old.incarnation not in ("", self.log.incarnation):
            raise WrongStream(
                f"lane {self.lane} was read from another log ({old.incarnation}, not {self.log.incarnation})"
            )
        first, end = self.log.bounds(self.lane)
        if old.offset > end:
            raise WrongStream(
                f"the log ends before offset {old.offset} of lane {self.lane}, which the store has already seen"
            )
        new = structs.replace(old, incarnation=self.log.incarnation, epoch=old.epoch + 1)
        changes: list[Change] = []
        if self.log.forgets and old.offset < first:
            new = structs.replace(new, offset=first, event=0)
            if old.incarnation:
                log.error("lane.gap", lane=self.lane, since=old.offset, until=first)
                missed = {"lane": self.lane, "since": old.offset, "until": first}
                changes.append(Change("source.gap", None, "log", old.progress, missed))
        self.ledger.commit(Update(last_row=old.last_row, changes=changes), old, new)
        self.position = new

    def step(self) -> int:
        """Commit one slice, or look at what waited; returns how many events were handled (0: nothing to do)."""
        return self._step(alone=True)

    def _step(self, *, alone: bool) -> int:
        """A slice that cannot be computed, or holds a value that the store refuses, is tried again with half as many events:
        so the one that is bad is found, set aside as a dead letter, and nothing else with it."""
        if self.position is None:
            self.claim()
        assert self.position is not None
        # Since it was found, more may have come.
        self.beat = None
        size = self.size
        while batch := self._next(self.position, size, alone=alone):
            if batch.silent and not alone:
                self.beat = self._after(batch, self.scorer(), self.position.last_row)
                return 0
            try:
                return self._commit(batch)
            except Exception as error:
                if isinstance(error, ResonanceError) and not isinstance(error, DeadLetter):
                    raise
                if not batch.events:
                    raise
                if len(batch.events) == 1:
                    log.exception("event.failed", lane=self.lane)
                    batch.set_aside(error)
                    return self._commit(batch)
                size = len(batch.events) // 2
        return 0

    def _next(self, position: Position, size: int, *, alone: bool) -> Batch | None:
        batch = Reader(self.log, self.lane).read(position, size)
        if batch.moved(position):
            return batch
        looks, self.waits = alone or self.waits, False
        return self._waited(position, size) if looks else None

    def _waited(self, position: Position, size: int) -> Batch | None:
        """What waited long enough, by what every lane has reached."""
        # The slowest lane is not ahead of this one: where nothing is due by what this one has reached, the others need not be asked.
        waited = self.ledger.due(self.lane, position.progress, size)
        reached = self.progress() if waited else {}
        slowest = min((reached.get(lane, 0) for lane in range(self.log.lanes)), default=0)
        due = [item for item in waited if item[1].due_at <= slowest]
        if not due:
            return None
        mode = due[0][1].mode
        return Batch.again([item for item in due if item[1].mode == mode], position, mode, slowest)

    def _commit(self, batch: Batch) -> int:
        assert self.position is not None
        scorer = self.scorer()
        started = time.perf_counter()
        update = self._process([event for _, event in batch.events], batch, scorer)
        update.rejected, update.settled = allowed(batch.rejected, self.ledger, scorer), batch.settled
        computed = time.perf_counter()
        new = self._after(batch, scorer, update.last_row)
        moved = batch.moved(self.position)
        # One moment stands in the feed and in the metrics: where a mention's way to the store ends, evaluate's begins.
        now = self.now() if self.now else None
        if now is not None:
            update.changes = [structs.replace(change, at=now) for change in update.changes]
        self.ledger.commit(update, self.position, new)
        old, self.position = self.position, new
        committed = time.perf_counter()
        self._tell(old, update.changes)
        self.metrics.expired(batch.expired)
        if batch.events or batch.settled:
            # What waited may be due now, or was woken by what has just been committed.
            self.waits = True
        if moved:
            self._adapt(committed - computed, len(batch.events))
            self.metrics.slice(
                update,
                events=len(batch.events),
                fills=batch.fills,
                computed=computed - started,
                committed=committed - computed,
                now=now,
            )
        return max(len(batch.events) + len(batch.rejected), len(batch.settled), 1)

    def _tell(self, old: Position, changes: Sequence[Change]) -> None:
        """Have evaluate look, where something changed or a minute has passed."""
        assert self.position is not None
        if changes or old.progress // _MINUTE != self.position.progress // _MINUTE:
            self.committed()

    def _after(self, batch: Batch, scorer: Scorer, last_row: int) -> Position:
        assert self.position is not None
        return structs.replace(
            batch.end,
            progress=max(self.position.progress, batch.stamp),
            catalogue_version=scorer.catalogue.version,
            last_row=last_row,
        )

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
            heard=0 if batch.moved(self.position) else batch.stamp,
        )
        return process(part, know(self.ledger, events, scorer), scorer)

    def _adapt(self, seconds: float, events: int) -> None:
        """Halfway to the size whose transaction would take as long as it may: the more, the less each event costs. A slice
        that was not full says nothing of how many would fit."""
        fits = int(self.size * self.target / max(seconds, 0.001))
        if fits < self.size or events >= self.size:
            self.size = min(max((self.size + fits) // 2, _SMALLEST), 2 * self.size, _GREATEST)


def allowed(rejected: list[Rejected], ledger: Ledger, scorer: Scorer) -> list[Rejected]:
    """The dead letters in which no erased author speaks."""
    if not rejected:
        return rejected
    speakers = [frozenset(map(scorer.author_key, people_in(json_of(letter.payload)))) for letter in rejected]
    erased = ledger.read(Wanted(frozenset(), frozenset[bytes]().union(*speakers))).erased
    return [letter for letter, theirs in zip(rejected, speakers, strict=True) if not theirs & erased]


def know(ledger: Ledger, events: Sequence[Event], scorer: Scorer) -> Known:
    """What the store knows of the events, with the roots of what is to be looked at again."""
    known = ledger.read(wanted(events, scorer))
    roots = roots_of(known)
    if not roots:
        return known
    more = ledger.read(Wanted(roots))
    return structs.replace(known, records={**more.records, **known.records})
