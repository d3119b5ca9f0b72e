"""Folding takes rows away, not counts: whatever was said, figures of what is kept are the same before and after."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resonance.model import Delete, Engagement, Event, Mention, Upsert
from resonance.stores import schema
from resonance.stores.database import Database
from resonance.stores.figures import Figures, Point, Span
from resonance.stores.ledger import SqlLedger
from resonance.stores.retention import Retention, Terms
from resonance.update import Counts
from tests.property.test_any_order import FAST
from tests.support.machine import Machine
from tests.support.scoring import scorer

UTC_ZONE, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")
DAY = 86_400
START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 7, 20, 15, tzinfo=UTC)
SCORER = scorer()
TEXTS = ("die bahn ist schlecht", "der zug war gut", "kaffee und bahn", "kaffee bitte")


def emptied(database: Database) -> Database:
    """The same store without a row."""
    with database.write() as connection:
        for table in reversed(schema.metadata.sorted_tables):
            connection.execute(sa.delete(table))
    return database


@st.composite
def stories(draw: st.DrawFn) -> list[Mention]:
    """Mentions of 200 days on two platforms in two languages, in no order of time."""
    made = []
    for number in range(draw(st.integers(1, 9))):
        text = draw(st.sampled_from(TEXTS))
        placed = START + timedelta(seconds=draw(st.integers(0, 200 * DAY - 1)))
        made.append(
            Mention(
                id=f"test:{number}",
                platform=draw(st.sampled_from(["x", "y"])),
                source="test",
                text=text,
                language=draw(st.sampled_from(["de", "en"])),
                published_at=placed,
                engagement=Engagement(likes=draw(st.integers(0, 3))),
            )
        )
    return made


def said(database: Database, mentions: list[Mention], deleted: list[str], lanes: int = 3) -> Machine:
    """A machine that has taken these, and the deletions after them."""
    machine = Machine(SCORER, lanes, SqlLedger(database))
    events: list[Event] = [Upsert(mention=mention, observed_at=NOW) for mention in mentions]
    tell(machine, [*events, *(Delete(id=name, observed_at=NOW) for name in deleted)])
    return machine


def tell(machine: Machine, events: list[Event]) -> None:
    machine.put(events, stamp=NOW)
    machine.beat(NOW)
    machine.work()


def figures(database: Database, start: datetime, end: datetime) -> dict[str, object]:
    """Everything that is asked of sums, of quarter-hours where environments do not matter and of days where they do."""
    read, found = Figures(database), {}
    first, last = start.replace(hour=0, minute=0, second=0), end.replace(hour=0, minute=0, second=0)
    for group in ("topic", "voice", "label"):
        found[f"totals by {group}"] = nonzero(read.totals(["bahn", "kaffee"], start, end, group=group))
        days = read.series(["bahn"], "volume", Span(start, end, "1d", BERLIN), group=group)
        found[f"days in Berlin by {group}"] = lively(days)
    found["quarters"] = read.series(["bahn"], "volume", Span(first, first + timedelta(days=3), "15m", UTC_ZONE))
    for group in ("platform", "language", "environment"):
        found[f"days by {group}"] = nonzero(read.totals(["bahn", "kaffee"], first, last, group=group))
        for step in ("1d", "1w", str(2 * DAY)):
            series = read.series(["bahn"], "engagement", Span(first, last, step, UTC_ZONE), group=group)
            found[f"{step} by {group}"] = lively(series)
    return found


def lively(series: dict[str, list[Point]]) -> dict[str, list[Point]]:
    """Without groups in which nothing is left."""
    return {name: points for name, points in series.items() if any(point.value for point in points)}


def nonzero(sums: dict[str, Counts]) -> dict[str, Counts]:
    return {name: counts for name, counts in sums.items() if counts != Counts()}


@settings(max_examples=25, deadline=None, phases=FAST, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories(), data=st.data())
def test_figures_are_the_same_before_and_after_and_deletions_still_subtract(
    database: Database, story: list[Mention], data: st.DataObject
) -> None:
    quarter = timedelta(minutes=15)
    start = START + data.draw(st.integers(0, 96 * 190)) * quarter
    end = start + data.draw(st.integers(96 * 4, 96 * 150)) * quarter
    late = data.draw(st.lists(st.sampled_from([m.id for m in story]), unique=True))
    gone = data.draw(st.lists(st.sampled_from([m.id for m in story]), unique=True))
    first = [mention for mention in story if mention.id not in late]

    said(emptied(database), first, [])
    expected = figures(database, start, end)
    emptied(database)
    said(database, story, gone)
    afterwards = figures(database, start, end)

    emptied(database)
    machine = said(database, first, [])
    retention = Retention(database)
    retention.run(NOW, Terms())
    assert figures(database, start, end) == expected
    more: list[Event] = [Upsert(mention=mention, observed_at=NOW) for mention in story if mention.id in late]
    tell(machine, [*more, *(Delete(id=name, observed_at=NOW) for name in gone)])
    assert figures(database, start, end) == afterwards
    retention.run(NOW + timedelta(days=1), Terms())
    assert figures(database, start, end) == afterwards
    with database.read() as connection:
        window, old = schema.window.c, int((NOW - timedelta(days=91)).timestamp())
        left = sa.select(window.topic).where(window.bucket < old, sa.or_(window.resolution == 60, window.lane != 0))
        assert connection.execute(left).first() is None
        fine = sa.select(window.topic).where(window.bucket < old, window.resolution == 900, window.environment != 0)
        assert connection.execute(fine).first() is None


def test_hours_of_an_environment_are_unknown_once_only_days_are_kept(database: Database) -> None:
    old = NOW - timedelta(days=120)
    mention = Mention(id="test:1", platform="x", source="test", text="bahn", published_at=old)
    said(database, [mention], [])
    Retention(database).run(NOW, Terms())
    read = Figures(database)
    hours = Span(old, old + timedelta(hours=2), "1h", UTC_ZONE)
    assert sum(point.value or 0 for point in read.series(["bahn"], "volume", hours)["bahn"]) == 1
    by_platform = read.series(["bahn"], "volume", hours, group="platform")
    assert all(point.value is None for points in by_platform.values() for point in points)
