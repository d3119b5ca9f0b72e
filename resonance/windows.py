"""What one record adds to the sums: a window is the sum of its mentions' contributions, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from resonance.update import Counts, Match, Record, WindowKey, minus, plus

RESOLUTIONS = (60, 900)
"""Minutes for detail, quarter-hours because every zone of the world is a multiple of them off UTC."""

_NOTHING = Counts()


def bucket_of(at: int, resolution: int) -> int:
    """The epoch second at which the bucket holding `at` (µs) begins.

    >>> bucket_of(1_767_225_661_000_000, 60)
    1767225660
    """
    seconds = at // 1_000_000
    return seconds - seconds % resolution


def counts_of(record: Record, match: Match) -> Counts:
    """What one matched mention counts; an unknown reach is counted as unknown, not as nothing."""
    kind = record.mention.kind if record.mention else "post"
    reactions = {name: count for name, (count, _) in record.engagement.items()}
    return Counts(
        mentions=1,
        originals=int(kind != "repost"),
        reposts=int(kind == "repost"),
        weight=record.weight,
        p_negative=match.p[0],
        p_neutral=match.p[1],
        p_positive=match.p[2],
        negative=int(match.label == "negative"),
        neutral=int(match.label == "neutral"),
        positive=int(match.label == "positive"),
        uncertain=int(match.label == "uncertain"),
        reach=record.reach or 0,
        reach_unknown=int(record.reach is None),
        likes=reactions.get("likes", 0),
        replies=reactions.get("replies", 0),
        reposted=reactions.get("reposts", 0),
        quotes=reactions.get("quotes", 0),
        views=reactions.get("views", 0),
    )


def contributions(record: Record | None) -> dict[WindowKey, Counts]:
    """Every cell that a record counts in; empty for a tombstone and for what is not known."""
    if record is None or record.mention is None:
        return {}
    found = {}
    for match in record.matches:
        counts = counts_of(record, match)
        for resolution in RESOLUTIONS:
            bucket = bucket_of(record.placed_at, resolution)
            found[WindowKey(match.topic, resolution, bucket, record.environment, record.voice, record.lane)] = counts
    return found


def deltas(pairs: Iterable[tuple[Record | None, Record | None]]) -> dict[WindowKey, Counts]:
    """new − old over (old, new) records; cells that do not change are left out."""
    total: dict[WindowKey, Counts] = {}
    for old, new in pairs:
        was, now = contributions(old), contributions(new)
        if was == now:
            continue
        for key, counts in now.items():
            total[key] = plus(total.get(key, _NOTHING), counts)
        for key, counts in was.items():
            total[key] = minus(total.get(key, _NOTHING), counts)
    return {key: counts for key, counts in total.items() if counts != _NOTHING}
