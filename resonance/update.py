"""The hinge: what the core says has happened, as plain records. Engines carry out an `Update`, nothing else.

A `Record` is everything the store holds of one mention. A slice turns some records into others; sums (windows) are the
difference of what the records contribute, so that any order and repetition of events gives the same numbers.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from msgspec import Struct, field

from resonance.model import Author, Label, Mention, Stamp, Voice

FORMULA = 1
"""Version of the formulas behind the sums of a window (reach, sentiment thousandths)."""


class Counts(NamedTuple):
    """Sums over mentions; all integers, additive. Probabilities are in thousandths, `weight` in thousandths of a mention."""

    mentions: int = 0
    originals: int = 0
    reposts: int = 0
    weight: int = 0
    p_negative: int = 0
    p_neutral: int = 0
    p_positive: int = 0
    negative: int = 0
    neutral: int = 0
    positive: int = 0
    uncertain: int = 0
    reach: int = 0
    reach_unknown: int = 0
    likes: int = 0
    replies: int = 0
    reposted: int = 0
    quotes: int = 0
    views: int = 0


class WindowKey(NamedTuple):
    """One cell of the sums for people: `bucket` is the epoch second at which the `resolution` (60 or 900 s) begins."""

    topic: str
    resolution: int
    bucket: int
    environment: int
    voice: str
    lane: int


class ArrivalKey(NamedTuple):
    """One cell of what detectors see: `minute` is an epoch second by observed time; only ever grows."""

    topic: str
    version: int
    platform: str
    minute: int
    lane: int


class Match(Struct, frozen=True):
    """One mention matched by one topic. `p` are the probabilities negative, neutral, positive in thousandths. `since`:
    when it began to say so itself (observed, µs), 0 where that is as old as the mention, or inherited."""

    topic: str
    version: int
    spans: tuple[tuple[int, int], ...]
    p: tuple[int, int, int]
    label: Label
    model: str
    inherited: bool = False
    corrected: bool = False
    since: int = 0

    @property
    def polarity(self) -> float:
        """p(positive) − p(negative), in [−1, 1]."""
        return (self.p[2] - self.p[0]) / 1000

    @property
    def confidence(self) -> float:
        """The greatest of the three probabilities."""
        return max(self.p) / 1000


class Record(Struct, frozen=True, kw_only=True):
    """All that the store holds of one mention. `mention` is None for a tombstone (`deleted_at`) and for an edit of
    something that is not kept. `row` 0: no row yet. Instants are microseconds since 1970, UTC.

    `engagement` maps a kind to (count, known at). `unmatched` names "topic@version" that arrived once and no longer match.
    """

    key: bytes
    id: str
    lane: int
    placed_at: int
    observed_at: int
    stamp: Stamp
    row: int = 0
    deleted_at: int | None = None
    unmatched: tuple[str, ...] = ()
    mention: Mention | None = None
    author_key: bytes | None = None
    followers: int | None = None
    engagement: dict[str, tuple[int, int]] = field(default_factory=dict)
    language: str | None = None
    language_by: str = "unknown"
    language_confidence: float | None = None
    environment: int = 0
    voice: Voice = "earned"
    weight: int = 1000
    reach: int | None = None
    reach_by: str = "unknown"
    time_suspect: bool = False
    logged_at: int = 0
    matches: tuple[Match, ...] = ()

    @property
    def erased(self) -> bool:
        """Whether it was an erased author's: a tombstone without a name."""
        return not self.id and self.deleted_at is not None

    @property
    def expired(self) -> bool:
        """Whether retention took its content away: it is counted for good, and never again."""
        return self.row != 0 and self.mention is None


class AuthorRow(Struct, frozen=True):
    """What is known of an author, as of `seen_at`; the only place where a name stands."""

    key: bytes
    platform: str
    author: Author
    seen_at: int


class Environment(Struct, frozen=True):
    """Platform × community × language; `id` is derived from them."""

    id: int
    platform: str
    community: str | None
    language: str | None


class Waiting(Struct, frozen=True):
    """Something that came early and looks again until `due_at`: a delete or engagement of an unknown id, or a reply or
    repost whose root has not been seen (`key` is then the root's)."""

    lane: int
    kind: Literal["delete", "engagement", "child"]
    key: bytes
    due_at: int
    event: bytes
    mode: Literal["live", "backfill"] = "live"


class Rejected(Struct, frozen=True):
    """A dead letter: what could not be taken, why, and where it stood."""

    lane: int
    offset: int
    index: int
    at: int
    source: str
    reason: str
    problem: str
    payload: bytes


class Change(Struct, frozen=True):
    """One entry of the change feed; `key` is a mention's key as text, an alert's id, a source's or a job's."""

    type: str
    topic: str | None
    key: str
    at: int
    data: dict[str, Any] | None = None


class Position(Struct, frozen=True, kw_only=True):
    """How far a lane is: the next event to take is number `event` of the envelope at or after `offset`.

    `epoch` names the owner; `progress` is the highest stamp seen (µs); `last_row` the last row key given out;
    `closed` the minute (epoch s) below which nothing may be booked any more although this lane was silent.
    """

    lane: int
    incarnation: str = ""
    offset: int = 0
    event: int = 0
    epoch: int = 0
    progress: int = 0
    closed: int = 0
    catalogue_version: int = 0
    last_row: int = 0


class Update(Struct, kw_only=True):
    """What one slice of an envelope changes, to be carried out in one transaction with the position.

    `departed` are authors whom their platform took away: what is known of them goes before `authors` comes.
    `speakers` are the authors of whom it tells: none of them may be erased when it takes effect.
    Records in `dropped` are no longer kept, not even their identity. `settled` are ids of waiting events that are done; replies to and reposts of `roots` have to look at them again.
    `inherited` are the (row, topic) of other lanes' matches on which it rests: they must stand when it takes effect.
    """

    before: dict[bytes, Record] = field(default_factory=dict)
    after: dict[bytes, Record] = field(default_factory=dict)
    dropped: frozenset[bytes] = frozenset()
    windows: dict[WindowKey, Counts] = field(default_factory=dict)
    arrivals: dict[ArrivalKey, Counts] = field(default_factory=dict)
    authors: dict[bytes, AuthorRow] = field(default_factory=dict)
    departed: frozenset[bytes] = frozenset()
    speakers: frozenset[bytes] = frozenset()
    environments: dict[int, Environment] = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)
    settled: list[int] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    roots: tuple[bytes, ...] = ()
    inherited: frozenset[tuple[int, str]] = frozenset()
    last_row: int = 0


def plus(one: Counts, other: Counts) -> Counts:
    """The sum, field by field."""
    return Counts(*map(int.__add__, one, other))


def minus(one: Counts, other: Counts) -> Counts:
    """The difference, field by field."""
    return Counts(*map(int.__sub__, one, other))
