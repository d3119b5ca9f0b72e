"""/v1/series, summaries, share of voice: numbers in event time."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Annotated, Any, get_args
from zoneinfo import ZoneInfo, available_timezones

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from api import shapes
from api.parts import Parts
from api.security import Caller, PartsOf, Reader, known_parameters
from api.times import Moment
from resonance.catalogue import Catalogue
from resonance.errors import Invalid, Problem
from resonance.model import Voice
from resonance.stores.figures import UNITS, Group, Metric, Point, Span, value_of
from resonance.update import Counts

router = APIRouter(tags=["figures"], dependencies=[Depends(known_parameters)])
Names = Annotated[list[str], Query()]
Voices = Annotated[list[Voice], Query()]
_EARNED: list[Voice] = ["earned"]


class _Time:
    """start, end, step, zone of a request, with the contract's defaults."""

    def __init__(
        self,
        start: Moment | None = None,
        end: Moment | None = None,
        step: str | None = None,
        zone: str | None = None,
    ) -> None:
        self.start, self.end, self.step, self.zone = start, end, step, zone

    def span(self, parts: Parts, catalogue: Catalogue, topic: str | None) -> Span:
        """Default: the last 24 h, in a step that makes a readable number of points."""
        end = self.end or parts.clock.now()
        start = self.start or end - timedelta(days=1)
        if end <= start:
            raise Invalid([Problem("must be after start", "end", "range")])
        if self.zone is not None and self.zone not in available_timezones():
            raise Invalid([Problem(f"{self.zone!r} is no IANA time zone", "zone", "zone")])
        zone = ZoneInfo(self.zone) if self.zone else catalogue.zone_of(topic)
        return Span(start, end, self.step or _step(end - start), zone)


def _step(length: timedelta) -> str:
    if length <= timedelta(hours=6):
        return "1m"
    if length <= timedelta(days=4):
        return "15m"
    return "1h" if length <= timedelta(days=45) else "1d"


Time = Annotated[_Time, Depends()]


def _points(points: list[Point]) -> list[dict[str, Any]]:
    return [
        {
            "at": shapes.time_text(point.at),
            "value": point.value,
            "low": point.low,
            "high": point.high,
            "expected": point.expected,
            "complete": point.complete,
        }
        for point in points
    ]


def _cached(request: Request, response: Response, body: dict[str, Any]) -> Any:
    """With an ETag; 304 where the reader has it already."""
    tag = f'"{hashlib.blake2b(msgspec.json.encode(body), digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=10"}
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return body


def _known(caller: Caller, catalogue: Catalogue, topics: list[str]) -> tuple[str, ...]:
    return caller.topics(tuple(topics), frozenset(catalogue.topics))


@router.get("/v1/topics/{topic}/series", summary="One metric of a topic over time")
def topic_series(
    topic: str,
    request: Request,
    response: Response,
    parts: PartsOf,
    caller: Reader,
    time: Time,
    metric: Metric = "volume",
    voice: Voices = _EARNED,
) -> Any:
    """[start, end) in steps; every step is there; at most 11,000 points."""
    catalogue = parts.entries.load()
    _known(caller, catalogue, [topic])
    span = time.span(parts, catalogue, topic)
    points = parts.figures.series([topic], metric, span, voices=voice)[topic]
    body = {
        "metric": metric,
        "unit": UNITS[metric],
        "step": span.step,
        "zone": str(span.zone),
        "items": _points(points),
    }
    return _cached(request, response, body)


@router.get("/v1/series", summary="One metric of several topics or groups over time")
def several_series(
    request: Request,
    response: Response,
    parts: PartsOf,
    caller: Reader,
    time: Time,
    topic: Names = [],  # noqa: B006 - FastAPI copies defaults
    metric: Metric = "volume",
    group_by: Group = "topic",
    voice: Voices = _EARNED,
) -> Any:
    """Without `topic`: all that may be seen."""
    catalogue = parts.entries.load()
    topics = _known(caller, catalogue, topic) or tuple(name for name in catalogue.topics if caller.scope.sees(name))
    span = time.span(parts, catalogue, None)
    found = parts.figures.series(topics, metric, span, group=group_by, voices=voice)
    series = [{"name": name, "items": _points(points)} for name, points in found.items()]
    body = {
        "metric": metric,
        "unit": UNITS[metric],
        "step": span.step,
        "zone": str(span.zone),
        "group_by": group_by,
        "series": series,
    }
    return _cached(request, response, body)


@router.get("/v1/topics/{topic}/summary", summary="A topic in numbers, against the period before")
def topic_summary(
    topic: str,
    parts: PartsOf,
    caller: Reader,
    start: Moment | None = None,
    end: Moment | None = None,
    voice: Voices = _EARNED,
) -> dict[str, Any]:
    """Volume, reach, net sentiment and shares; default: the last 24 h."""
    catalogue = parts.entries.load()
    _known(caller, catalogue, [topic])
    span = _Time(start, end).span(parts, catalogue, topic)
    length = span.end - span.start
    whole = (span.start, span.end)
    groups = parts.figures.mentions([topic], *whole, groups=("platform", "language"), voices=voice)
    labels = parts.figures.totals([topic], *whole, group="label", voices=voice)
    groups["label"] = {name: counts.mentions for name, counts in labels.items()}
    return {
        "topic": topic,
        "start": shapes.time_text(span.start),
        "end": shapes.time_text(span.end),
        **_numbers(parts, topic, span.start, span.end, voice),
        "shares": {group: _shares(sums) for group, sums in groups.items()},
        "before": _numbers(parts, topic, span.start - length, span.start, voice),
    }


def _numbers(parts: Parts, topic: str, start: datetime, end: datetime, voices: list[Voice]) -> dict[str, Any]:
    counts = parts.figures.totals([topic], start, end, group="topic", voices=voices).get(topic, Counts())
    return {metric: value_of(metric, counts) for metric in get_args(Metric)}


def _shares(mentions: dict[str, int]) -> list[dict[str, Any]]:
    total = sum(mentions.values())
    found = [
        {"name": name, "mentions": count, "share": round(count / total, 4)} for name, count in mentions.items() if count
    ]
    return sorted(found, key=lambda item: (-int(item["mentions"]), str(item["name"])))


@router.get("/v1/share-of-voice", summary="How the volume is divided among topics")
def share_of_voice(
    parts: PartsOf,
    caller: Reader,
    topics: Names = [],  # noqa: B006 - FastAPI copies defaults
    start: Moment | None = None,
    end: Moment | None = None,
    voice: Voices = _EARNED,
) -> dict[str, Any]:
    """`topics` may be repeated, or separated by commas; without it: all that may be seen."""
    catalogue = parts.entries.load()
    chosen = _known(caller, catalogue, [name for text in topics for name in text.split(",") if name])
    chosen = chosen or tuple(name for name in catalogue.topics if caller.scope.sees(name))
    span = _Time(start, end).span(parts, catalogue, None)
    sums = parts.figures.mentions(chosen, span.start, span.end, groups=("topic",), voices=voice)["topic"]
    items = _shares({name: sums.get(name, 0) for name in chosen})
    return {"start": shapes.time_text(span.start), "end": shapes.time_text(span.end), "items": items}
