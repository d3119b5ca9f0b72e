"""/topics: one topic in volume with its expected band, sentiment, reach and shares."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import reduce
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, RedirectResponse

from api.web.page import Page, PageOf, Viewed, share
from api.web.said import shown
from api.web.telling import tell_all
from api.web.today import topics_of, week_before
from resonance.catalogue import Topic
from resonance.errors import NotFound
from resonance.model import micros
from resonance.stores.figures import LABELS, MADE_OF, Span, Step, value_of
from resonance.stores.incidents import AlertFilter
from resonance.stores.mentions import MentionFilter
from resonance.update import Counts, plus

router = APIRouter(include_in_schema=False, route_class=Viewed)
Period = Literal["6h", "24h", "7d", "28d"]
PERIODS: dict[str, tuple[timedelta, str]] = {
    "6h": (timedelta(hours=6), "900"),
    "24h": (timedelta(hours=24), "900"),
    "7d": (timedelta(days=7), "10800"),
    "28d": (timedelta(days=28), "43200"),
}
_NUMBERS = ("volume", "negative", "net_sentiment", "reach", "engagement")
_WIDTH, _HEIGHT = 720, 200
_SHOWN, _MARKED = 6, 50


@router.get("/topics")
def first_topic(page: PageOf) -> RedirectResponse:
    """The first of the list; without any, the start."""
    known = topics_of(page)
    return RedirectResponse(f"/topics/{known[0].id}" if known else "/", 303)


@router.get("/topics/{name}")
def topic_view(name: str, page: PageOf, period: Annotated[Period, Query()] = "24h") -> HTMLResponse:
    """The topic over a period."""
    known = topics_of(page)
    topic = next((one for one in known if one.id == name), None)
    if topic is None:
        raise NotFound(f"there is no topic {name!r}")
    length, step = PERIODS[period]
    start = page.now - length
    rows, _ = page.parts.incidents.page(AlertFilter(state=("firing",), topic=(name,)), page.caller.scope, limit=5)
    steps = page.parts.figures.counted([name], Span(start, page.now, step, page.zone), tuple(MADE_OF))[name]
    sums = reduce(plus, (one.counts or Counts() for one in steps), Counts())
    before = _before(page, name, start)
    latest = page.parts.mentions.page(MentionFilter(topic=(name,)), page.caller.scope, limit=4)
    return page.render(
        "topic.html",
        topic=topic,
        topics=known,
        period=period,
        periods=tuple(PERIODS),
        alerts=tell_all(page, rows),
        departments=_departments(page, topic),
        numbers=_numbers(sums),
        before=before,
        chart=_chart(
            page, name, _drawable(steps, start, page.now, timedelta(seconds=int(step))), timedelta(seconds=int(step))
        ),
        share=share(sums.negative, sums.mentions),
        share_before=share(before["negative"], before["volume"]) if before else None,
        shares=_shares(page, name, start, sums),
        latest=[shown(page, one, name) for one in latest.items],
    )


def _departments(page: Page, topic: Topic) -> list[str]:
    known = page.catalogue.departments
    return [known[name].name if name in known else name for name in topic.departments]


def _totals(page: Page, name: str, start: datetime, end: datetime) -> Counts:
    found = page.parts.figures.totals([name], start, end, group="topic", metrics=_NUMBERS)
    return found.get(name, Counts())


def _before(page: Page, name: str, start: datetime) -> dict[str, float | None] | None:
    """The same time a week ago, or, where that would overlap, the time before; None where nothing is known of that."""
    length = page.now - start
    if length <= timedelta(days=7):
        return _numbers(_totals(page, name, week_before(page, start), week_before(page, page.now)))
    counts = _totals(page, name, start - length, start)
    return _numbers(counts) if counts.mentions else None


def _numbers(counts: Counts) -> dict[str, float | None]:
    return {metric: value_of(metric, counts) for metric in _NUMBERS}


def _shares(page: Page, name: str, start: datetime, sums: Counts) -> dict[str, list[dict[str, Any]]]:
    """Group → its greatest parts."""
    found = page.parts.figures.mentions([name], start, page.now, groups=("platform", "language"))
    found["label"] = {label: getattr(sums, label) for label in LABELS}
    return {group: _greatest(parts) for group, parts in found.items()}


def _greatest(parts: dict[str, int]) -> list[dict[str, Any]]:
    total = sum(parts.values())
    ordered = sorted(parts.items(), key=lambda part: (-part[1], part[0]))[:_SHOWN]
    return [{"name": key, "mentions": count, "share": count / total} for key, count in ordered if count]


def _drawable(steps: list[Step], start: datetime, now: datetime, width: timedelta) -> list[Step]:
    """Those that began within the period. One that has hardly begun would seem to be a fall."""
    return [one for one in steps if one.at >= start and now - one.at >= width / 3]


def _chart(page: Page, name: str, steps: list[Step], width: timedelta) -> dict[str, Any]:
    """The series of whole steps with its band: rows for a table and for uPlot, and the same drawn as SVG for those without
    script. The last step is open: it has not ended yet, and is drawn apart."""
    edges = [*(step.at for step in steps), steps[-1].at + width]
    fired = _fired(page, name, micros(edges[0]))
    usual = page.parts.expectations.usual({name: page.catalogue.zone_of(name)}, edges)[name]
    rows: list[dict[str, Any]] = [
        {
            "at": micros(step.at),
            "value": None if step.counts is None else step.counts.mentions,
            "negative": None if step.counts is None else step.counts.negative,
            "usual": band,
            "open": step.at + width > page.now,
            "fired": next((at for at in fired if micros(step.at) <= at < micros(step.at + width)), None),
        }
        for step, band in zip(steps, usual, strict=True)
    ]
    top = max([*(row["value"] or 0 for row in rows), *(band.high for band in usual if band), 1])
    return {"rows": rows, "top": top, **_drawn(rows, top, width), "width": _WIDTH, "height": _HEIGHT}


def _fired(page: Page, name: str, start: int) -> list[int]:
    """When alerts of the topic went off since `start` (µs)."""
    rows, _ = page.parts.incidents.page(AlertFilter(topic=(name,)), page.caller.scope, limit=_MARKED)
    return sorted(row["fired_at"] for row in rows if row["fired_at"] and row["fired_at"] >= start)


def _drawn(rows: list[dict[str, Any]], top: float, width: timedelta) -> dict[str, Any]:
    """Points of the steps and of the band, and where alerts were raised."""
    step = _WIDTH / len(rows)
    closed = [row for row in rows if not row["open"]]

    def high(value: float) -> str:
        return f"{_HEIGHT - value / top * (_HEIGHT - 4):.1f}"

    def stairs(name: str) -> list[str]:
        levels = [(n, high(row[name] or 0)) for n, row in enumerate(closed)]
        return [f"{x * step:.1f},{y}" for n, y in levels for x in (n, n + 1)]

    def line(name: str) -> list[str]:
        edge = [getattr(row["usual"], name) if row["usual"] else 0 for row in rows]
        return [f"{(n + 0.5) * step:.1f},{high(value)}" for n, value in enumerate(edge)]

    seconds = [(row["fired"] - rows[0]["at"]) / 1e6 for row in rows if row["fired"]]
    return {
        "line": " ".join(stairs("value")),
        "open": (f"{_WIDTH - 3}", high(rows[-1]["value"] or 0)) if len(closed) < len(rows) else None,
        "negative": " ".join([f"0,{_HEIGHT}", *stairs("negative"), f"{len(closed) * step:.1f},{_HEIGHT}"]),
        "band": " ".join([*line("high"), *reversed(line("low"))]),
        "marks": [f"{one / width.total_seconds() * step:.1f}" for one in seconds],
    }
