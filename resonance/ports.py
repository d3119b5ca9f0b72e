"""The doors of the core: small protocols that the edges implement. Every implementation passes the same contract suite."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

from msgspec import Struct, field

from resonance.errors import Problem
from resonance.model import Event
from resonance.update import AuthorRow, Position, Record, Update, Waiting

Mode = Literal["live", "backfill"]


class LogShape(Protocol):
    """The stream of envelopes: `lanes` ordered partitions."""

    @property
    def incarnation(self) -> str:
        """Told apart from a log that was deleted and made anew."""

    @property
    def lanes(self) -> int: ...

    def bounds(self, lane: int) -> tuple[int, int]:
        """The first offset still there and the one after the last."""

    def ends(self) -> list[int]:
        """The offset after the last of each lane."""


class LogWriter(LogShape, Protocol):
    """The stream as ingest sees it. Several processes may append."""

    def append(self, envelopes: Sequence[tuple[int, bytes]]) -> Callable[[], None]:
        """Append (lane, envelope) in order; durable once the answer was called, which waits for it. Both raise Full or
        Retry; what is sent again after that may come twice, which changes nothing."""


class LogReader(LogShape, Protocol):
    """The stream as process sees it."""

    @property
    def forgets(self) -> bool:
        """Whether it also forgets what was not read yet. Offsets then follow each other without a gap."""

    def read(self, lane: int, offset: int, limit: int) -> list[tuple[int, bytes]]:
        """Up to `limit` (offset, envelope) at or after `offset`, in order."""

    def wait(self, known: int, seconds: float) -> int:
        """Wait until something may have been appended since the call that answered `known`, at most so long."""


class Log(LogWriter, LogReader, Protocol):
    """Both in one, as on one machine."""


class Backlog(Struct, frozen=True):
    """How far processing is behind the log: envelopes that wait, and the age of the oldest in seconds."""

    envelopes: int
    seconds: float


ERASED_AT_ONCE = 200
"""How many mentions of an author one event erases: a transaction must not last."""


class Wanted(Struct, frozen=True):
    """What a slice needs to know: mentions by key, authors by key, waiting events by mention key; everything of
    `of_authors`, and the first `ERASED_AT_ONCE` mentions of each of `to_erase`."""

    keys: frozenset[bytes]
    authors: frozenset[bytes] = frozenset()
    of_authors: frozenset[bytes] = frozenset()
    to_erase: frozenset[bytes] = frozenset()


class Known(Struct, frozen=True):
    """What the store knows of a slice's mentions and authors when it is computed. `erased` are those of the slice's authors,
    and of its known mentions' authors, who are on the list."""

    records: Mapping[bytes, Record] = field(default_factory=dict)
    authors: Mapping[bytes, AuthorRow] = field(default_factory=dict)
    waiting: Mapping[bytes, Sequence[Waiting]] = field(default_factory=dict)
    erased: frozenset[bytes] = frozenset()
    progress: Mapping[int, int] = field(default_factory=dict)


class Ledger(Protocol):
    """The process side of the store."""

    def position(self, lane: int) -> Position:
        """How far the lane is; a fresh one where nothing was committed yet."""

    def read(self, wanted: Wanted) -> Known:
        """What is known, in one snapshot."""

    def due(self, lane: int, at: int, limit: int) -> list[tuple[int, Waiting]]:
        """Waiting events of the lane with `due_at` ≤ `at` (µs), with their ids, oldest first."""

    def lanes_due(self, lanes: Collection[int]) -> frozenset[int]:
        """Those of these lanes that have a waiting event with `due_at` ≤ the progress (µs) of the slowest of all lanes."""

    def advance(self, moves: Sequence[tuple[Position, Position]]) -> None:
        """Move positions of several lanes from `old` to `new` past what said nothing, in one transaction; raises Fenced
        where any position is no longer `old`, and then has moved none."""

    def commit(self, update: Update, old: Position, new: Position) -> None:
        """Carry out the update and move the position from `old` to `new`, in one transaction; raises Fenced where the
        position is no longer `old`, Outdated where one of its `speakers` was erased or what is `inherited` was changed meanwhile,
        and then has changed nothing."""


class Sink(Protocol):
    """Where sources put events; on return they are durable in the log."""

    def hold(self, source: str) -> None:
        """The source has observed times of its own, and says with `until` how far it has told them."""

    def write(
        self, events: Sequence[Event], *, source: str, mode: Mode = "live", until: datetime | None = None
    ) -> None: ...


class Rejection(Struct, frozen=True):
    """One pushed item that was not taken, and every mistake in it."""

    index: int
    problems: list[Problem]

    @property
    def problem(self) -> str:
        """All of it in one sentence."""
        return "; ".join(map(str, self.problems))


class Receipt(Struct, frozen=True):
    """What became of a push. `duplicate` counts repeats within the push."""

    accepted: int
    duplicate: int
    rejected: list[Rejection]


class Intake(Protocol):
    """Takes pushed events. Good items are taken beside bad ones."""

    def take(self, items: Sequence[Any], *, source: str, mode: Mode) -> Receipt:
        """Decode, clean and log plain JSON values; raises Full or Retry where the log does not take them."""


class Clocked(Protocol):
    """Log time."""

    def now(self) -> datetime: ...
