"""Numbers for people, from the window sums: series, summaries, shares."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Literal
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
_WHOLE = 1 << 40
"""The length of a step in seconds into which all time goes."""
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


class Step(Struct, frozen=True):
    """The sums of one step. `counts` None: unknown. `complete` as of a Point."""

    at: datetime
    counts: Counts | None
    complete: bool


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


LABELS = ("negative", "neutral", "positive", "uncertain")
MADE_OF: dict[str, tuple[str, ...]] = {
    "volume": ("mentions",),
    "reach": ("mentions", "reach", "reach_unknown"),
    "engagement": ("likes", "replies", "reposted", "quotes"),
    "positive": ("positive",),
    "neutral": ("neutral",),
    "negative": ("negative",),
    "uncertain": ("uncertain",),
    "net_sentiment": ("p_negative", "p_neutral", "p_positive"),
    "resonance": (),
}
"""The sums that a metric is read from: only those are added up."""


def _columns(metrics: Sequence[str], group: Group) -> tuple[str, ...]:
    needed = {column for metric in metrics for column in MADE_OF[metric]}
    return tuple(column for column in schema.COUNTS if column in needed or (group == "label" and column in LABELS))


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
        case "positive" | "neutral" | "negative" | "uncertain":
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
        group: Group = "topic",
        voices: Sequence[str] = ("earned",),
    ) -> dict[str, list[Point]]:
        """Group → its points, in the order of time; every step is there."""
        return {
            label: [
                Point(one.at, None if one.counts is None else value_of(metric, one.counts), one.complete)
                for one in steps
            ]
            for label, steps in self.counted(topics, span, (metric,), group=group, voices=voices).items()
        }

    def counted(
        self,
        topics: Sequence[str],
        span: Span,
        metrics: Sequence[str],
        *,
        group: Group = "topic",
        voices: Sequence[str] = ("earned",),
    ) -> dict[str, list[Step]]:
        """Group → the sums of its steps, in the order of time, from which these metrics can be read; every step is there."""
        edges = steps(span)
        starts = [int(edge.timestamp()) for edge in edges[:-1]]
        sums: dict[str, dict[int, Counts]] = defaultdict(dict)
        complete = self.complete_until()
        length = 0 if span.step in ("1d", "1w") else _seconds(span.step)
        fine = length % QUARTER != 0
        known = self._known_since(span, group, fine=fine, now=complete)
        columns = _columns(metrics, group)
        for (name,), at, counts in self._rows(
            topics, span, (group,), voices, fine=fine, now=complete, length=length or 60, columns=columns
        ):
            index = _index(starts, at)
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
                Step(
                    edges[i],
                    cells.get(i, Counts()) if starts[i] >= known else None,
                    edges[i + 1].timestamp() <= complete,
                )
                for i in range(len(starts))
            ]
            for label, cells in sorted(sums.items())
        }

    def totals(
        self,
        topics: Sequence[str],
        start: datetime,
        end: datetime,
        *,
        group: Group,
        metrics: Sequence[str] = tuple(MADE_OF),
        voices: Sequence[str] = ("earned",),
    ) -> dict[str, Counts]:
        """Group → its sums over the whole time, from which these metrics can be read."""
        sums: dict[str, Counts] = {}
        for (name,), counts in self._whole(topics, start, end, (group,), voices, _columns(metrics, group)):
            for label, part in _parts(group, name, counts):
                sums[label] = plus(sums.get(label, Counts()), part)
        return dict(sorted(sums.items()))

    def mentions(
        self,
        topics: Sequence[str],
        start: datetime,
        end: datetime,
        *,
        groups: Sequence[Group],
        voices: Sequence[str] = ("earned",),
    ) -> dict[str, dict[str, int]]:
        """Group → its parts → mentions over the whole time: several groups, of those that `totals` knows but labels, in
        one reading. They are all by environment, or none is: what is older than 90 days is told apart by day only."""
        found: dict[str, dict[str, int]] = {group: {} for group in groups}
        for names, counts in self._whole(topics, start, end, groups, voices, ("mentions",)):
            for group, name in zip(groups, names, strict=True):
                found[group][name] = found[group].get(name, 0) + counts.mentions
        return {group: dict(sorted(parts.items())) for group, parts in found.items()}

    def _whole(
        self,
        topics: Sequence[str],
        start: datetime,
        end: datetime,
        groups: Sequence[Group],
        voices: Sequence[str],
        columns: Sequence[str],
    ) -> list[tuple[tuple[str, ...], Counts]]:
        """(groups' names, sums of these columns) over the whole time."""
        span = Span(start, end, "15m", ZoneInfo("UTC"))
        now = self.complete_until()
        rows = self._rows(topics, span, groups, voices, fine=False, now=now, length=_WHOLE, columns=columns)
        return [(names, counts) for names, _, counts in rows]

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
        groups: Sequence[Group],
        voices: Sequence[str],
        *,
        fine: bool,
        now: float,
        length: int,
        columns: Sequence[str],
    ) -> list[tuple[tuple[str, ...], int, Counts]]:
        """(groups' names, start of a step of `length` seconds, sums of these columns, the others 0)."""
        query = _sums(tuple(groups), tuple(columns))
        asked = {"topics": list(topics), "voices": list(voices), "length": length}
        count = len(groups)
        found: list[tuple[tuple[str, ...], int, Counts]] = []
        with self._database.read() as connection:
            for resolution, first, end in self._pieces(span, groups[0], fine=fine, now=now):
                # A day counts where its middle lies.
                middle = DAY // 2 if resolution == DAY else 0
                piece = {"resolution": resolution, "first": first, "end": end, "middle": middle}
                for row in connection.execute(query, {**asked, **piece}):
                    sums = dict(zip(columns, map(int, row[count + 1 :]), strict=True))
                    found.append((tuple(row[:count]), row[count], Counts(**sums)))
        return found


def _named(environment: Any) -> dict[str, sa.ColumnElement[Any]]:
    """What the groups that a mention's surroundings make are called; `environment`: that table's columns."""
    platform = sa.func.coalesce(environment.platform, "unknown")
    language = sa.func.coalesce(environment.language, "und")
    community = sa.func.coalesce(environment.community, "-")
    return {
        "platform": platform,
        "language": language,
        "environment": platform.concat("/").concat(community).concat("/").concat(language),
    }


@cache
def _sums(groups: tuple[Group, ...], columns: tuple[str, ...]) -> sa.Select[Any]:
    """The statement, built once: building costs more than a short one takes."""
    window = schema.window.c
    names: dict[str, sa.ColumnElement[Any]] = {"topic": window.topic, "voice": window.voice, "label": sa.literal("")}
    told = [name for name in groups if name not in _BY_ENVIRONMENT]
    length: sa.ColumnElement[int] = sa.bindparam("length", type_=sa.BigInteger)
    step = ((window.bucket + sa.bindparam("middle", type_=sa.BigInteger)) // length * length).label("step")
    keys: list[Any] = [*(names[name].label(f"by_{name}") for name in told), step]
    summed: list[Any] = [sa.func.sum(window[column]).label(f"of_{column}") for column in columns]
    chosen: list[sa.ColumnElement[bool]] = [
        window.topic.in_(sa.bindparam("topics", expanding=True)),
        window.voice.in_(sa.bindparam("voices", expanding=True)),
        window.resolution == sa.bindparam("resolution"),
        window.bucket >= sa.bindparam("first"),
        window.bucket < sa.bindparam("end"),
    ]
    if len(told) == len(groups):
        return sa.select(*keys, *summed).where(*chosen).group_by(*keys)
    # Names come after the sums of each environment: there are few of them, and many rows.
    chosen.append(window.environment != EVERYWHERE)
    parts = sa.select(window.environment, *keys, *summed).where(*chosen).group_by(window.environment, *keys).subquery()
    environment = schema.environment.c
    named = _named(environment) | {name: parts.c[f"by_{name}"] for name in told}
    outer: list[Any] = [named[name].label(f"name_{name}") for name in groups]
    sums: list[Any] = [sa.func.sum(parts.c[f"of_{column}"]) for column in columns]
    return (
        sa.select(*outer, parts.c.step, *sums)
        .select_from(parts.outerjoin(schema.environment, environment.id == parts.c.environment))
        .group_by(*outer, parts.c.step)
    )


def _index(starts: Sequence[int], bucket: int) -> int:
    return max(0, bisect_right(starts, bucket) - 1)


def _parts(group: str, name: str, counts: Counts) -> list[tuple[str, Counts]]:
    """A group's name with its sums; labels are taken apart."""
    if group != "label":
        return [(name, counts)]
    return [(label, Counts(mentions=getattr(counts, label))) for label in LABELS]
