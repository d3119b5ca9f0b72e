"""/: what is unusual now, what is calm, and every topic against the same time last week."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from api.sources import sources
from api.web.page import COOKIE, Page, PageOf, Viewed, back, share
from api.web.telling import tell_all
from resonance.catalogue import Topic
from resonance.stores.expectations import Usual
from resonance.stores.figures import Span
from resonance.stores.incidents import AlertFilter
from resonance.update import Counts

router = APIRouter(include_in_schema=False, route_class=Viewed)
_WEEK, _HOUR, _DAY = timedelta(days=7), timedelta(hours=1), timedelta(days=1)
_YEAR = 31_536_000
_FIRST = {"alarm": 0, "lively": 1}
"""States whose topics stand above the others."""
_SHOWN = ("volume", "negative")


@router.get("/")
def today(page: PageOf) -> HTMLResponse:
    """Above the fold one sentence an open alert; below it numbers."""
    rows, _ = page.parts.incidents.page(AlertFilter(state=("firing",)), page.caller.scope, limit=20)
    alarmed = {row["topic"] for row in rows}
    usual = _usual(page)
    lines = [_line(topic, usual[topic.id], topic.id in alarmed, sums) for topic, sums in _sums(page)]
    topics = sorted(lines, key=lambda line: _FIRST.get(line["state"], len(_FIRST)))
    return page.render(
        "today.html",
        alerts=tell_all(page, rows),
        topics=topics,
        calm=[line["topic"].name for line in topics if line["state"] in ("usual", "quiet", "new")],
        sources=sources(page.parts) if page.caller.scope.topics is None else [],
    )


@router.get("/language/{code}")
def choose_language(code: str, request: Request, to: str = "/") -> RedirectResponse:
    """Remember the language for a year."""
    answer = back(to)
    if code in ("de", "en"):
        answer.set_cookie(COOKIE, code, max_age=_YEAR, samesite="lax", httponly=True)
    return answer


def topics_of(page: Page) -> list[Topic]:
    """The topics that the reader may see."""
    known = page.catalogue.topics.values()
    return [topic for topic in known if topic.status != "archived" and page.caller.scope.sees(topic.id)]


def midnight(page: Page) -> datetime:
    """When today began."""
    return page.now.astimezone(page.zone).replace(hour=0, minute=0, second=0, microsecond=0)


def week_before(page: Page, at: datetime) -> datetime:
    """The same time of day a week ago, also where the clocks have changed since."""
    local = at.astimezone(page.zone)
    return (local.replace(tzinfo=None) - _WEEK).replace(tzinfo=page.zone)


def _sums(page: Page) -> list[tuple[Topic, dict[str, Any]]]:
    topics = topics_of(page)
    names, now, begin = [topic.id for topic in topics], page.now, midnight(page)
    figures = page.parts.figures
    spans = {
        "hour": (now - _HOUR, now),
        "hour_before": (week_before(page, now - _HOUR), week_before(page, now)),
        "day": (begin, now),
        "day_before": (week_before(page, begin), week_before(page, now)),
    }
    sums = {
        name: figures.totals(names, start, end, group="topic", metrics=_SHOWN) for name, (start, end) in spans.items()
    }
    series = figures.series(names, "volume", Span(now - _DAY, now, "1h", page.zone)) if names else {}
    hours = {name: [point.value or 0 for point in points] for name, points in series.items()}
    return [
        (
            topic,
            {
                **{name: found.get(topic.id, Counts()) for name, found in sums.items()},
                # The hour that has only begun would seem to be a fall: the last sixty minutes stand for it.
                "series": [*hours.get(topic.id, [])[:-1], sums["hour"].get(topic.id, Counts()).mentions],
            },
        )
        for topic in topics
    ]


def _usual(page: Page) -> dict[str, Usual | None]:
    """Topic → what is usual for the last hour."""
    zones = {topic.id: page.catalogue.zone_of(topic.id) for topic in topics_of(page)}
    found = page.parts.expectations.usual(zones, [page.now - _HOUR, page.now])
    return {name: bands[0] for name, bands in found.items()}


def _line(topic: Topic, usual: Usual | None, alarmed: bool, sums: dict[str, Any]) -> dict[str, Any]:
    hour = sums["hour"].mentions
    return {
        "topic": topic,
        "state": "alarm" if alarmed else _state(hour, usual),
        "hour": hour,
        "hour_before": sums["hour_before"].mentions,
        "usual": usual,
        "day": sums["day"].mentions,
        "day_before": sums["day_before"].mentions,
        "negative": share(sums["day"].negative, sums["day"].mentions),
        "negative_before": share(sums["day_before"].negative, sums["day_before"].mentions),
        "points": sparkline(sums["series"]),
    }


def _state(count: int, usual: Usual | None) -> str:
    """How a count lies: new (nothing is known yet), lively, quiet, usual."""
    if usual is None:
        return "new"
    if count > usual.high:
        return "lively"
    return "quiet" if count < usual.low else "usual"


def sparkline(values: list[float], width: int = 120, height: int = 28) -> str:
    """Points of an SVG polyline, the greatest value at the top.

    >>> sparkline([0, 2], 10, 5)
    '0.0,4.0 10.0,1.0'
    """
    if len(values) < 2:
        return ""
    step, top = width / (len(values) - 1), max(*values, 1)
    return " ".join(f"{n * step:.1f},{height - 1 - value / top * (height - 2):.1f}" for n, value in enumerate(values))
