"""Numbers for people, from the window sums: series, summaries, shares."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from msgspec import Struct

from resonance.errors import Invalid, Problem
from resonance.stores import schema
from resonance.stores.database import Database
from resonance.stores.folding import DAY, EVERYWHERE, QUARTER, folded_before
from resonance.update import Counts, plus

Metric = Literal["volume", "reach", "engagement", "positive", "neutral", "negative", "net_sentiment", "resonance"]
Group = Literal["topic", "platform", "language", "label", "environment", "voice"]
POINTS = 11_000
ALL_POINTS = 10 * POINTS
"""Of all groups of one answer together."""
_DIGITS = 9
_NAMES = ("1m", "15m", "1h", "1d", "1w")
_SECONDS = {"1m": 60, "15m": 900, "1h": 3600}
_BY_ENVIRONMENT = ("platform", "language", "environment")
UNITS: dict[str, str] = {
    "volume": "mentions",
    "reach": "people",
    "engagement": "reactions",
    "positive": "mentions",
    "neutral": "mentions",
    "negative": "mentions",
    "net_sentiment": "ratio",
    "resonance": "index",
}


class Span(Struct, frozen=True):
    """[start, end) in steps of a zone's time."""

    start: datetime
    end: datetime
    step: str
    zone: ZoneInfo


class Point(Struct, frozen=True):
    """One step of a series. `value` None: unknown. `complete`: nothing observed is still to be counted in it."""

    at: datetime
    value: float | None
    complete: bool
    low: float | None = None
    high: float | None = None
    expected: float | None = None


def steps(span: Span) -> list[datetime]:
    """The instants at which the steps begin, and the end; local days and weeks follow the zone, DST included.

    Raises Invalid for an unknown step or too many points.
    """
    if span.step in ("1d", "1w"):
        found = _local(span)
    else:
        seconds = _seconds(span.step)
        if seconds < 60 or seconds % 60:
            detail = f"is one of {', '.join(_NAMES)}, or a number of seconds that is a multiple of 60"
            raise Invalid([Problem(detail, "step", "step")])
        first = int(span.start.timestamp()) // seconds * seconds
        count = -(-(int(span.end.timestamp()) - first) // seconds)
        if count > POINTS:
            raise Invalid([Problem(f"makes {count:,} points; at most {POINTS:,} are given", "step", "too_many")])
        found = [datetime.fromtimestamp(first + n * seconds, UTC) for n in range(count)]
    return [*found, span.end]


def _seconds(step: str) -> int:
    """The length of a step that is no local day or week; 0 for what is no step."""
    number = step.isascii() and step.isdecimal() and len(step) <= _DIGITS
    return _SECONDS.get(step) or (int(step) if number else 0)


def _local(span: Span) -> list[datetime]:
    day = span.start.astimezone(span.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    length = 1
    if span.step == "1w":
        day -= timedelta(days=day.weekday())
        length = 7
    found = []
    while day < span.end:
        found.append(day.astimezone(UTC))
        # Wall time plus days, not hours: a day of summer time has 23 or 25 of them.
        day = (day.replace(tzinfo=None) + timedelta(days=length)).replace(tzinfo=span.zone)
        if len(found) > POINTS:
            raise Invalid([Problem(f"makes more than {POINTS:,} points", "step", "too_many")])
    return found


def value_of(metric: str, counts: Counts) -> float | None:
    """A metric of some sums; None where it is not known.

    >>> value_of("net_sentiment", Counts(mentions=2, p_negative=1500, p_neutral=300, p_positive=200))
    -0.65
    """
    match metric:
        case "volume":
            return counts.mentions
        case "reach":
            return counts.reach if counts.mentions > counts.reach_unknown else (None if counts.mentions else 0)
        case "engagement":
            return counts.likes + counts.replies + counts.reposted + counts.quotes
        case "positive" | "neutral" | "negative":
            return int(getattr(counts, metric))
        case "net_sentiment":
            total = counts.p_negative + counts.p_neutral + counts.p_positive
            return round((counts.p_positive - counts.p_negative) / total, 4) if total else None
    return None


class Figures:
    """Sums on a Database; only the voices asked for are counted."""

    def __init__(self, database: Database, minutes_days: int = 30) -> None:
        """`minutes_days`: for how long sums of single minutes are kept; quarter-hours stay for ever, environments are told
        apart in them for 90 days and in days of UTC afterwards."""
        self._database = database
        self._minutes = minutes_days * 86_400

    def series(
        self,
        topics: Sequence[str],
        metric: str,
        span: Span,
        *,
        group: str = "topic",
        voices: Sequence[str] = ("earned",),
    ) -> dict[str, list[Point]]:
        """Group → its points, in the order of time; every step is there."""
        edges = steps(span)
        starts = [int(edge.timestamp()) for edge in edges[:-1]]
        sums: dict[str, dict[int, Counts]] = defaultdict(dict)
        complete = self.complete_until()
        fine = span.step not in ("1d", "1w") and _seconds(span.step) % QUARTER != 0
        known = self._known_since(span, group, fine=fine, now=complete)
        for name, bucket, counts in self._rows(topics, span, group, voices, fine=fine, now=complete):
            index = _index(starts, bucket)
            for label, part in _parts(group, name, counts):
                sums[label][index] = plus(sums[label].get(index, Counts()), part)
        if group == "topic":
            for topic in topics:
                sums.setdefault(topic, {})
        if len(sums) * len(starts) > ALL_POINTS:
            detail = f"makes {len(sums) * len(starts):,} points; at most {ALL_POINTS:,} are given"
            raise Invalid([Problem(detail, "step", "too_many")])
        return {
            label: [
                Point(
                    edges[i],
                    value_of(metric, cells.get(i, Counts())) if starts[i] >= known else None,
                    edges[i + 1].timestamp() <= complete,
                )
                for i in range(len(starts))
            ]
            for label, cells in sorted(sums.items())
        }

    def totals(
        self, topics: Sequence[str], start: datetime, end: datetime, *, group: str, voices: Sequence[str] = ("earned",)
    ) -> dict[str, Counts]:
        """Group → its sums over the whole time."""
        span = Span(start, end, "15m", ZoneInfo("UTC"))
        sums: dict[str, Counts] = {}
        for name, _, counts in self._rows(
            topics, span, group, voices, fine=False, now=self.complete_until(), whole=True
        ):
            for label, part in _parts(group, name, counts):
                sums[label] = plus(sums.get(label, Counts()), part)
        return dict(sorted(sums.items()))

    def _known_since(self, span: Span, group: str, *, fine: bool, now: float) -> float:
        """Since when (epoch s) such steps are known: what is no longer kept so finely is unknown, not empty."""
        since = now - self._minutes if fine else float("-inf")
        if group in _BY_ENVIRONMENT and span.step not in ("1d", "1w") and _seconds(span.step) % DAY != 0:
            since = max(since, folded_before(now))
        return since

    def complete_until(self) -> float:
        """Epoch seconds up to which every lane has seen what was observed."""
        position = schema.position.c
        with self._database.read() as connection:
            return (connection.scalar(sa.select(sa.func.min(position.progress))) or 0) / 1e6

    def _pieces(self, span: Span, group: str, *, fine: bool, now: float) -> list[tuple[int, int, int]]:
        """(resolution, first, end) of which the time is made: quarter-hours, and minutes where they do not fit. Days where
        environments are asked for: a day counts where its middle lies."""
        first, end = int(span.start.timestamp()) // 60 * 60, math.ceil(span.end.timestamp())
        days = [(DAY, first - DAY // 2, end - DAY // 2)] if group in _BY_ENVIRONMENT else []
        # Where minutes are gone, the whole quarter-hour is nearer to the truth than nothing.
        begin = first // QUARTER * QUARTER if first < now - self._minutes else -(-first // QUARTER) * QUARTER
        if fine or begin >= end:
            return [(60, first, end), *days]
        until = max(end // QUARTER * QUARTER, begin)
        pieces = [(60, first, begin), (QUARTER, begin, until), (60, until, end), *days]
        return [piece for piece in pieces if piece[1] < piece[2]]

    def _rows(
        self,
        topics: Sequence[str],
        span: Span,
        group: str,
        voices: Sequence[str],
        *,
        fine: bool,
        now: float,
        whole: bool = False,
    ) -> list[tuple[str, int, Counts]]:
        """(group's name, bucket, sums); with `whole` all buckets together, as bucket 0."""
        window, environment = schema.window.c, schema.environment.c
        names: dict[str, sa.ColumnElement[str]] = {
            "topic": window.topic.expression,
            "label": sa.literal(""),
            "voice": window.voice.expression,
            "platform": sa.func.coalesce(environment.platform, "unknown"),
            "language": sa.func.coalesce(environment.language, "und"),
            "environment": sa.func.coalesce(environment.platform, "unknown")
            .concat("/")
            .concat(sa.func.coalesce(environment.community, "-"))
            .concat("/")
            .concat(sa.func.coalesce(environment.language, "und")),
        }
        sums = [sa.func.sum(window[name]) for name in schema.COUNTS]
        name = names[group].label("name")
        found: list[tuple[str, int, Counts]] = []
        with self._database.read() as connection:
            for resolution, first, end in self._pieces(span, group, fine=fine, now=now):
                middle = DAY // 2 if resolution == DAY else 0
                bucket = sa.literal(0) if whole else window.bucket + middle
                query = (
                    sa.select(name, bucket.label("at"), *sums)
                    .select_from(schema.window.outerjoin(schema.environment, environment.id == window.environment))
                    .where(window.topic.in_(topics), window.resolution == resolution, window.voice.in_(voices))
                    .where(window.bucket >= first, window.bucket < end)
                    .group_by(*([name] if whole else [name, window.bucket]))
                )
                if group in _BY_ENVIRONMENT:
                    query = query.where(window.environment != EVERYWHERE)
                found += [(row[0], row[1], Counts(*map(int, row[2:]))) for row in connection.execute(query)]
        return found


def _index(starts: Sequence[int], bucket: int) -> int:
    return max(0, bisect_right(starts, bucket) - 1)


def _parts(group: str, name: str, counts: Counts) -> list[tuple[str, Counts]]:
    """A group's name with its sums; labels are taken apart."""
    if group != "label":
        return [(name, counts)]
    return [
        (label, Counts(mentions=getattr(counts, label))) for label in ("negative", "neutral", "positive", "uncertain")
    ]
