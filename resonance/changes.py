"""What two states of the same records mean to others: arrivals for detectors, entries for the change feed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from msgspec import structs

from resonance.model import key_text
from resonance.update import ArrivalKey, Change, Counts, Match, Record, plus
from resonance.windows import bucket_of, counts_of

Pair = tuple[Record | None, Record]


class _Lane(Protocol):
    """Where the records change, and up to where its minutes are closed."""

    @property
    def lane(self) -> int: ...
    @property
    def progress(self) -> int: ...
    @property
    def closed(self) -> int: ...


class _Part(Protocol):
    """How events came, and when (µs)."""

    @property
    def mode(self) -> str: ...
    @property
    def logged_at(self) -> int: ...


REBUILDS = ("topic.rebuild", "topic.backfilled")
"""Entries of the change feed after which a topic's history is to be read anew."""


class First(NamedTuple):
    """The record as it was when one of its matches was first seen; `at`: when that was observed (µs), None where it is
    no arrival."""

    record: Record
    match: Match
    at: int | None


def arrivals_of(
    pairs: Sequence[Pair], firsts: Mapping[bytes, Mapping[str, First]], lane: _Lane
) -> tuple[dict[ArrivalKey, Counts], dict[bytes, Record]]:
    """First live matches of (mention, topic version), booked by observed time but never in a closed minute; and the
    records, which remember what arrived and no longer matches.

    `firsts`: key → name → each match at its first moment since the old records: what an edit or a deletion took away
    again has arrived all the same, wherever slices are cut.
    """
    found: dict[ArrivalKey, Counts] = {}
    records: dict[bytes, Record] = {}
    floor = max(bucket_of(lane.progress, 60), lane.closed)
    for old, new in pairs:
        prior = match_names(old) | set(old.unmatched if old else ())
        seen = firsts.get(new.key, {})
        lost = () if new.deleted_at is not None else tuple(sorted((prior | seen.keys()) - match_names(new)))
        records[new.key] = structs.replace(new, unmatched=lost) if lost != new.unmatched else new
        for name in sorted(seen.keys() - prior):
            record, match, at = seen[name]
            if at is None or record.mention is None:
                continue
            minute = max(bucket_of(at, 60), floor)
            key = ArrivalKey(match.topic, match.version, record.mention.platform, minute, record.lane)
            found[key] = plus(found.get(key, Counts()), counts_of(record, match))
    return found, records


def match_names(record: Record | None) -> set[str]:
    """The matches as an arrival names them: topic@version."""
    return {match_name(match) for match in record.matches} if record else set()


def match_name(match: Match) -> str:
    """One match as an arrival names it."""
    return f"{match.topic}@{match.version}"


def changes_of(pairs: Sequence[Pair], at: int) -> list[Change]:
    """One entry per topic of each mention: matched, updated or deleted (which a lost match is, too)."""
    changes = []
    for old, new in pairs:
        was = {match.topic for match in old.matches} if old else set()
        now = {match.topic for match in new.matches}
        key = key_text(new.key)
        changes += [Change("mention.matched", topic, key, at) for topic in sorted(now - was)]
        changes += [Change("mention.updated", topic, key, at) for topic in sorted(now & was)]
        changes += [Change("mention.deleted", topic, key, at) for topic in sorted(was - now)]
    return changes


def backfilled(topics: Collection[str], part: _Part) -> list[Change]:
    """A backfill leaves no arrivals: what is usual for these topics has to be learned anew."""
    if part.mode == "live":
        return []
    return [Change("topic.backfilled", topic, topic, part.logged_at) for topic in sorted(topics)]


def says_otherwise(old: Record | None, new: Record) -> bool:
    """Whether replies and reposts of it have to look again: its topics changed, or how it feels about one."""

    def said(record: Record | None) -> set[tuple[str, tuple[int, int, int], str]]:
        return {(m.topic, m.p, m.label) for m in record.matches if not m.inherited} if record else set()

    return said(old) != said(new)
