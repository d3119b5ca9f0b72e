"""A whole processing machine in memory: a log in a list, a ledger of choice, and the loop between them."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import structs
from prometheus_client import CollectorRegistry

from resonance.engines.lane import LaneLoop
from resonance.metrics import Metrics
from resonance.model import (
    AuthorSeen,
    Correction,
    Delete,
    DeleteAuthor,
    EngagementSeen,
    EraseAuthor,
    Event,
    Rematch,
    RestoreAuthor,
    Upsert,
    mention_key,
)
from resonance.ports import Mode
from resonance.scoring import Scorer
from resonance.stores.memory import MemoryLedger
from resonance.update import Counts, Record, WindowKey, plus
from resonance.windows import contributions
from resonance.wire import encode_envelope, encode_event

START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """So many seconds after the start."""
    return START + timedelta(seconds=seconds)


@dataclass
class ListLog:
    """`ports.Log` in a list."""

    lanes: int = 1
    incarnation: str = "list"
    forgets: bool = False
    envelopes: list[tuple[int, bytes]] = field(default_factory=list)

    def append(self, envelopes: Sequence[tuple[int, bytes]]) -> Callable[[], None]:
        self.envelopes += envelopes
        return lambda: None

    def read(self, lane: int, offset: int, limit: int) -> list[tuple[int, bytes]]:
        found = [(n, body) for n, (owner, body) in enumerate(self.envelopes) if owner == lane and n >= offset]
        return found[:limit]

    def wait(self, known: int, seconds: float) -> int:
        time.sleep(min(seconds, 0.01))
        return known

    def ends(self) -> list[int]:
        return [self.bounds(lane)[1] for lane in range(self.lanes)]

    def bounds(self, lane: int) -> tuple[int, int]:
        return 0, max((n + 1 for n, (owner, _) in enumerate(self.envelopes) if owner == lane), default=0)


@dataclass
class Machine:
    """Feeds events through the log into a ledger."""

    scorer: Scorer
    lanes: int = 1
    ledger: Any = field(default_factory=MemoryLedger)
    log: ListLog = field(init=False)
    loops: list[LaneLoop] = field(init=False)

    def __post_init__(self) -> None:
        self.log = ListLog(self.lanes)
        metrics = Metrics(CollectorRegistry())
        self.loops = [
            LaneLoop(self.log, self.ledger, lane, lambda: self.scorer, self.ledger.progress, metrics)
            for lane in range(self.lanes)
        ]

    def lane_of(self, event: Event) -> int:
        match event:
            case Upsert(mention=mention):
                name = mention.id
            case EngagementSeen(id=name) | Delete(id=name) | Correction(id=name) | Rematch(ids=(name, *_)):
                pass
            case AuthorSeen(author=author, platform=platform):
                name = f"{platform}:{author.id}"
            case _:
                raise AssertionError(event)
        return mention_key(name)[0] % self.lanes

    def put(self, events: Sequence[Event], *, stamp: datetime | None = None, mode: Mode = "live") -> None:
        """One envelope per lane that gets any of these."""
        by_lane: dict[int, list[bytes]] = defaultdict(list)
        for event in events:
            everywhere = isinstance(event, DeleteAuthor | EraseAuthor | RestoreAuthor)
            lanes = range(self.lanes) if everywhere else [self.lane_of(event)]
            for lane in lanes:
                by_lane[lane].append(encode_event(event))
        latest = max((event.observed_at for event in events if event.observed_at), default=START)
        for lane, encoded in by_lane.items():
            self.log.append([(lane, encode_envelope(encoded, stamp=stamp or latest, mode=mode))])

    def beat(self, stamp: datetime) -> None:
        """An empty envelope for every lane."""
        self.log.append([(lane, encode_envelope([], stamp=stamp)) for lane in range(self.lanes)])

    def work(self, order: Sequence[int] | None = None) -> None:
        """Until no lane has anything left; lanes in this order, each as far as it gets."""
        while sum(self._exhaust(lane) for lane in (order or range(self.lanes))):
            pass

    def _exhaust(self, lane: int) -> int:
        done = 0
        while count := self.loops[lane].step():
            done += count
        return done


def plain(record: Record) -> Record:
    """The record without what is internal: row, lane, memory of arrivals, when it was logged."""
    return structs.replace(record, row=0, lane=0, unmatched=(), logged_at=0)


def rows_of(ledger: MemoryLedger) -> dict[bytes, Record]:
    """Everything that must not depend on the order of events."""
    return {key: plain(record) for key, record in ledger.records.items()}


def sums_of(windows: dict[WindowKey, Counts]) -> dict[WindowKey, Counts]:
    """Windows added up over lanes, without cells that are zero."""
    total: dict[WindowKey, Counts] = {}
    for key, counts in windows.items():
        cell = key._replace(lane=0)
        total[cell] = plus(total.get(cell, Counts()), counts)
    return {key: counts for key, counts in total.items() if counts != Counts()}


def grouped(ledger: MemoryLedger) -> dict[WindowKey, Counts]:
    """GROUP BY of the mentions themselves."""
    total: dict[WindowKey, Counts] = {}
    for record in ledger.records.values():
        for key, counts in contributions(record).items():
            cell = key._replace(lane=0)
            total[cell] = plus(total.get(cell, Counts()), counts)
    return total
