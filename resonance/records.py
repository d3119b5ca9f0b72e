"""How one record changes: engagement merged, a label corrected, a row given. Small pure steps of the processor."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable

from msgspec import structs

from resonance.model import (
    ENGAGEMENT_KINDS,
    Delete,
    Engagement,
    EngagementSeen,
    Label,
    Mention,
    Stamp,
    instant,
    mention_key,
    micros,
)
from resonance.update import Record, Waiting
from resonance.wire import decode_event

WAIT = 3_600_000_000
"""How long a delete or an engagement waits for its mention (µs)."""

UNSTAMPED = Stamp(0, "", "")
"""Older than any content."""

_CLOCKS = 60_000_000
"""How far (µs) the clocks of others may differ from ours."""

_LEAST_RATE = 1e-6
"""A smaller part of all mentions counts as this one, so that weights and their sums fit their columns."""

_CORRECTED: dict[str, tuple[int, int, int]] = {
    "negative": (1000, 0, 0),
    "neutral": (0, 1000, 0),
    "positive": (0, 0, 1000),
    "uncertain": (333, 334, 333),
}


def merge_engagement(known: dict[str, tuple[int, int]], seen: Engagement | None, at: int) -> dict[str, tuple[int, int]]:
    """Field by field the newest known count (of equally new ones the greater); unknown never overwrites.

    >>> merge_engagement({"likes": (3, 10)}, Engagement(likes=2, replies=1), 20)
    {'likes': (2, 20), 'replies': (1, 20)}
    """
    if seen is None:
        return known
    merged = dict(known)
    for kind in ENGAGEMENT_KINDS:
        count = getattr(seen, kind)
        if count is not None and (at, count) > _reversed(merged.get(kind)):
            merged[kind] = (count, at)
    for name, count in (seen.reactions or {}).items():
        if (at, count) > _reversed(merged.get(f"reaction:{name}")):
            merged[f"reaction:{name}"] = (count, at)
    return dict(sorted(merged.items()))


def _reversed(known: tuple[int, int] | None) -> tuple[int, int]:
    return (known[1], known[0]) if known else (-(2**62), -1)


def engaged(record: Record, seen: Engagement | None, at: int) -> Record:
    """The record with newer counts; the same object where nothing is newer."""
    merged = merge_engagement(record.engagement, seen, at)
    return record if merged == record.engagement else structs.replace(record, engagement=merged)


def met(record: Record, waiting: Iterable[Waiting], at: int) -> Record:
    """The record with what had come before it and waited until `at` (µs): deletions and counts."""
    for early in waiting:
        event = decode_event(early.event) if early.kind != "child" and early.due_at > at else None
        if isinstance(event, Delete):
            deleted = micros(event.observed_at) if event.observed_at else early.due_at - WAIT
            record = structs.replace(record, deleted_at=min(deleted, record.deleted_at or deleted))
        elif isinstance(event, EngagementSeen):
            counted = event.at or event.observed_at
            record = engaged(record, event.engagement, micros(counted) if counted else 0)
    return record


def live_engagement(record: Record) -> dict[str, int]:
    """Kind → count."""
    return {name: count for name, (count, _) in record.engagement.items()}


def engagement_events(record: Record) -> list[EngagementSeen]:
    """What is known of its engagement as events, one for each time at which some of it was counted: an edit that takes
    a mention's content away must not take its counts, for the next edit may bring the content back."""
    by_time: dict[int, dict[str, int]] = {}
    for name, (count, at) in record.engagement.items():
        by_time.setdefault(at, {})[name] = count
    events = []
    for at, counts in sorted(by_time.items()):
        named = {name.removeprefix("reaction:"): n for name, n in counts.items() if name.startswith("reaction:")}
        plain = {name: n for name, n in counts.items() if not name.startswith("reaction:")}
        seen = Engagement(**plain, reactions=named or None)
        events.append(EngagementSeen(id=record.id, engagement=seen, at=instant(at), observed_at=instant(at)))
    return events


def engagement_total(record: Record) -> int:
    """Likes, replies, reposts, quotes, saves and named reactions together; what mentions are ordered by."""
    return sum(count for name, count in live_engagement(record).items() if name not in ("views", "dislikes"))


def followers_of(mention: Mention) -> int | None:
    """The author's followers at the time, None where the source does not say."""
    return mention.author.followers if mention.author else None


def labelled(record: Record, topic: str, label: Label) -> Record:
    """The record with one match's sentiment as a person corrected it."""
    return structs.replace(
        record,
        matches=tuple(
            structs.replace(match, label=label, p=_CORRECTED[label], corrected=True) if match.topic == topic else match
            for match in record.matches
        ),
    )


def is_ahead(mention: Mention, observed_at: int) -> bool:
    """Whether it claims a time that was in the future (by more than clocks differ) when it was observed (µs)."""
    return micros(mention.published_at) > observed_at + _CLOCKS


def keeps(mention: Mention, keep: str) -> int | None:
    """The weight in thousandths with which a mention counts; None where the source's sample leaves it out.

    A sample is drawn by the id's hash, so that every version of a mention is in it or none is.
    """
    rate = float(keep.removeprefix("sample:")) if keep.startswith("sample:") else 1.0
    if rate < 1:
        digest = hashlib.blake2b(mention.id.encode("utf-8", "surrogatepass"), digest_size=8, person=b"sample").digest()
        if int.from_bytes(digest, "big") >= rate * 2**64:
            return None
    return round(1000 / max(rate * (mention.sample_rate or 1.0), _LEAST_RATE))


def row_after(last: int, observed_at: int, lane: int) -> int:
    """The next row key of a lane: milliseconds (43 bits), lane (8 bits), a running number (12 bits). Rows of all lanes
    are ordered by when they became known, without anybody handing out numbers.

    >>> row_after(0, 1_000, 3), row_after(row_after(0, 1_000, 3), 1_000, 3)
    (1060864, 1060865)
    """
    first = (max(observed_at, 0) // 1000) << 20 | lane << 12
    if last < first:
        return first
    following = last + 1
    # The running number is used up: go on in the next millisecond.
    return following if following & 0xFFF else ((last >> 20) + 1) << 20 | lane << 12


def without(mention: Mention, gone: Collection[str]) -> Mention | None:
    """The mention without what it repeats of others that were erased: their ids, the quoted text, the thread's title.
    None where it says nothing but that.

    >>> reply = Mention(id="x:2", published_at=instant(0), text="no!", reply_to="x:1", thread_root="x:0")
    >>> without(reply, {"x:1"}).references
    ('x:0',)
    >>> without(Mention(id="x:3", published_at=instant(0), kind="repost", repost_of="x:1"), {"x:1"})
    """
    if mention.kind == "repost" and mention.repost_of in gone:
        return None
    kept = {
        name: None for name in ("repost_of", "thread_root", "reply_to", "quote_of") if getattr(mention, name) in gone
    }
    if mention.quote_of in gone:
        kept["quoted_text"] = None
    if mention.thread_root in gone:
        kept["thread_title"] = None
    return structs.replace(mention, **kept)


def nameless(record: Record) -> Record:
    """What is left of an erased author's mention: that there was one, in its place in time."""
    return structs.replace(bare(record), id="", author_key=None, stamp=UNSTAMPED)


def unsaid(mention: Mention, lane: int, at: int) -> Record:
    """The same of one that came after the erasure."""
    placed_at = min(micros(mention.published_at), at)
    return Record(
        key=mention_key(mention.id),
        id="",
        lane=lane,
        placed_at=placed_at,
        observed_at=at,
        stamp=UNSTAMPED,
        deleted_at=at,
    )


def bare(record: Record) -> Record:
    """The record without its content: a tombstone, or an edit of something that is not kept."""
    return structs.replace(
        record,
        mention=None,
        matches=(),
        engagement={},
        reach=None,
        reach_by="unknown",
        row=0,
        language=None,
        language_by="unknown",
        language_confidence=None,
        environment=0,
        voice="earned",
        followers=None,
        time_suspect=False,
    )
