"""The process side of the store in memory: for tests, and the plainest statement of what a ledger guarantees."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from resonance.errors import Fenced, Outdated
from resonance.model import Rematch, mention_key
from resonance.ports import ERASED_AT_ONCE, Known, Wanted
from resonance.update import (
    ArrivalKey,
    AuthorRow,
    Change,
    Counts,
    Environment,
    Position,
    Record,
    Rejected,
    Update,
    Waiting,
    WindowKey,
    plus,
)
from resonance.wire import encode_event

Key = TypeVar("Key")


@dataclass
class MemoryLedger:
    """`ports.Ledger` in dictionaries."""

    records: dict[bytes, Record] = field(default_factory=dict)
    windows: dict[WindowKey, Counts] = field(default_factory=dict)
    arrivals: dict[ArrivalKey, Counts] = field(default_factory=dict)
    authors: dict[bytes, AuthorRow] = field(default_factory=dict)
    environments: dict[int, Environment] = field(default_factory=dict)
    waiting: dict[int, Waiting] = field(default_factory=dict)
    rejected: dict[tuple[int, int, int], Rejected] = field(default_factory=dict)
    erased: set[bytes] = field(default_factory=set)
    changes: list[Change] = field(default_factory=list)
    positions: dict[int, Position] = field(default_factory=dict)
    numbers: int = 0

    def position(self, lane: int) -> Position:
        """How far the lane is."""
        return self.positions.get(lane, Position(lane=lane))

    def progress(self) -> dict[int, int]:
        """Lane → progress (µs)."""
        return {lane: position.progress for lane, position in self.positions.items()}

    def read(self, wanted: Wanted) -> Known:
        """What is known."""
        keys = wanted.keys | {key for key, record in self.records.items() if record.author_key in wanted.of_authors}
        for author in wanted.to_erase:
            theirs = sorted(key for key, record in self.records.items() if record.author_key == author)
            keys |= set(theirs[:ERASED_AT_ONCE])
        waiting: dict[bytes, list[Waiting]] = {}
        for _, item in sorted(self.waiting.items()):
            if item.key in wanted.keys:
                waiting.setdefault(item.key, []).append(item)
        records = {key: self.records[key] for key in keys if key in self.records}
        named = wanted.authors | {record.author_key for record in records.values() if record.author_key}
        return Known(
            records=records,
            authors={key: self.authors[key] for key in wanted.authors if key in self.authors},
            waiting=waiting,
            erased=frozenset(named & self.erased),
        )

    def due(self, lane: int, at: int, limit: int) -> list[tuple[int, Waiting]]:
        """Waiting events of the lane that are due, oldest first."""
        found = [(number, w) for number, w in self.waiting.items() if w.lane == lane and w.due_at <= at]
        return sorted(found, key=lambda item: (item[1].due_at, item[0]))[:limit]

    def lanes_due(self, lanes: Collection[int]) -> frozenset[int]:
        """Those of the lanes that have a waiting event which is due by what all lanes have reached."""
        slowest = min((position.progress for position in self.positions.values()), default=-1)
        return frozenset(w.lane for w in self.waiting.values() if w.due_at <= slowest and w.lane in lanes)

    def advance(self, moves: Sequence[tuple[Position, Position]]) -> None:
        """Move positions past what said nothing; raises Fenced where one was moved by somebody else."""
        for old, _ in moves:
            if self.position(old.lane) != old:
                raise Fenced(f"lane {old.lane} was moved by another owner")
        self.positions |= {new.lane: new for _, new in moves}

    def commit(self, update: Update, old: Position, new: Position) -> None:
        """Carry out the update and advance the position; raises Fenced where it is not at `old`, Outdated where a
        speaker was erased, or what it inherits is no longer so."""
        if self.position(old.lane) != old:
            raise Fenced(f"lane {old.lane} was moved by another owner")
        if update.speakers & self.erased:
            raise Outdated("an author was erased meanwhile")
        if not update.inherited <= {
            (r.row, m.topic) for r in self.records.values() for m in r.matches if not m.inherited
        }:
            raise Outdated("what a reply inherits was changed meanwhile")
        self.positions[old.lane] = new
        self.records.update(update.after)
        for key in update.dropped:
            self.records.pop(key, None)
        for key in update.departed:
            self.authors.pop(key, None)
        self.authors.update(update.authors)
        self.environments.update(update.environments)
        _add(self.windows, update.windows.items())
        _add(self.arrivals, update.arrivals.items())
        self.rejected.update({(r.lane, r.offset, r.index): r for r in update.rejected})
        self.changes += update.changes
        for number in update.settled:
            self.waiting.pop(number, None)
        self._wait(update.waiting)
        self._wake_children(set(update.roots))

    def _wait(self, items: Iterable[Waiting]) -> None:
        for item in items:
            self.numbers += 1
            self.waiting[self.numbers] = item

    def _wake_children(self, roots: set[bytes]) -> None:
        for number, item in self.waiting.items():
            if item.kind == "child" and item.key in roots:
                self.waiting[number] = Waiting(item.lane, "child", item.key, 0, item.event, item.mode)
        for record in list(self.records.values()):
            root = record.mention.root if record.mention else None
            if root and mention_key(root) in roots:
                again = encode_event(Rematch(ids=(record.id,)))
                self._wait([Waiting(record.lane, "child", mention_key(root), 0, again)])


def _add(sums: dict[Key, Counts], items: Iterable[tuple[Key, Counts]]) -> None:
    for key, counts in items:
        sums[key] = plus(sums.get(key, Counts()), counts)
