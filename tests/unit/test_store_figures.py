"""Sums for people: steps of local time, minutes at the edges, and what is unknown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from resonance.errors import Invalid
from resonance.stores.database import Database
from resonance.stores.figures import MADE_OF, POINTS, Figures, Group, Metric, Span, steps, value_of
from resonance.update import Counts
from tests.support.seeding import Seed

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
ONE = Counts(mentions=1, p_negative=700, p_neutral=200, p_positive=100, negative=1, reach_unknown=1)


@pytest.fixture
def seed(store_url: str) -> Iterator[Seed]:
    database = Database(store_url)
    database.migrate()
    yield Seed(database)
    database.close()


def span(start: datetime, end: datetime, step: str = "15m") -> Span:
    return Span(start, end, step, BERLIN)


@pytest.mark.parametrize(("day", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25), ((2026, 5, 4), 24)])
def test_a_local_day_has_as_many_hours_as_the_zone_gives_it(day: tuple[int, int, int], hours: int) -> None:
    start = datetime(*day, tzinfo=BERLIN)
    edges = steps(span(start.astimezone(UTC), start.astimezone(UTC) + timedelta(hours=hours), "1d"))
    assert edges[0] == start and edges[-1] - edges[0] == timedelta(hours=hours) and len(edges) == 2


def test_weeks_begin_on_mondays_in_the_zone() -> None:
    edges = steps(span(NOON, NOON + timedelta(days=20), "1w"))
    assert [edge.astimezone(BERLIN).strftime("%a %H:%M") for edge in edges[:-1]] == ["Mon 00:00"] * 3


@pytest.mark.parametrize("step", ["0", "59", "61", "-60", "1x", "", "٦٠", "9" * 5000])
def test_what_is_no_step_is_refused(step: str) -> None:
    with pytest.raises(Invalid):
        steps(span(NOON, NOON + timedelta(hours=1), step))


def test_as_many_points_as_allowed_are_given_and_not_one_more() -> None:
    assert len(steps(span(NOON, NOON + timedelta(minutes=POINTS), "1m"))) == POINTS + 1
    with pytest.raises(Invalid, match="points"):
        steps(span(NOON, NOON + timedelta(minutes=POINTS + 1), "1m"))


def test_the_end_is_not_part_of_a_series_and_the_start_is(seed: Seed) -> None:
    for minutes in (-1, 0, 29, 30):
        seed.window("bahn", NOON + timedelta(minutes=minutes), ONE)
    points = Figures(seed.database).series(["bahn"], "volume", span(NOON, NOON + timedelta(minutes=30)))["bahn"]
    assert [(point.at, point.value) for point in points] == [(NOON, 1), (NOON + timedelta(minutes=15), 1)]


@pytest.mark.parametrize("offset", [0, 1, 7, 14])
@pytest.mark.parametrize("length", [3, 15, 31, 120])
def test_quarter_hours_and_minutes_together_count_each_mention_once(seed: Seed, offset: int, length: int) -> None:
    for minute in range(0, 180, 1):
        moment = NOON + timedelta(minutes=minute)
        seed.window("bahn", moment, ONE, only=60)
        if minute % 15 == 0:
            seed.window("bahn", moment, Counts(mentions=15), only=900)
    start = NOON + timedelta(minutes=offset)
    total = Figures(seed.database).totals(["bahn"], start, start + timedelta(minutes=length), group="topic")
    assert total["bahn"].mentions == length


def test_a_long_time_is_counted_although_its_minutes_are_forgotten(seed: Seed) -> None:
    seed.progress(NOON)
    seed.window("bahn", NOON - timedelta(days=50), ONE, only=900)
    seed.window("bahn", NOON - timedelta(days=1), ONE)
    start = NOON - timedelta(days=60, minutes=7)
    total = Figures(seed.database).totals(["bahn"], start, NOON + timedelta(minutes=1), group="topic")
    assert total["bahn"].mentions == 2


def test_where_minutes_are_forgotten_the_quarter_hour_of_the_start_is_counted_whole(seed: Seed) -> None:
    seed.progress(NOON)
    seed.window("bahn", NOON - timedelta(days=50), ONE, only=900)
    start = NOON - timedelta(days=50) + timedelta(minutes=7)
    total = Figures(seed.database).totals(["bahn"], start, start + timedelta(hours=1), group="topic")
    assert total["bahn"].mentions == 1


def test_forgotten_minutes_are_unknown_and_quiet_ones_are_zero(seed: Seed) -> None:
    seed.progress(NOON)
    figures = Figures(seed.database, minutes_days=30)
    old = NOON - timedelta(days=30, minutes=2)
    points = figures.series(["bahn"], "volume", span(old, old + timedelta(minutes=4), "1m"))["bahn"]
    assert [point.value for point in points] == [None, None, 0, 0]


def test_a_quiet_step_is_zero_in_counts_and_unknown_in_ratios(seed: Seed) -> None:
    figures = Figures(seed.database)
    hour = span(NOON, NOON + timedelta(hours=1), "1h")
    assert figures.series(["bahn"], "volume", hour)["bahn"][0].value == 0
    assert figures.series(["bahn"], "net_sentiment", hour)["bahn"][0].value is None


def test_a_reach_that_nobody_knows_is_none_and_not_zero() -> None:
    assert value_of("reach", ONE) is None
    assert value_of("reach", Counts(mentions=2, reach=50, reach_unknown=1)) == 50
    assert value_of("reach", Counts()) == 0


def test_a_step_is_complete_when_every_lane_is_past_it(seed: Seed) -> None:
    seed.progress(NOON + timedelta(hours=3), lane=0)
    seed.progress(NOON + timedelta(minutes=90), lane=1)
    points = Figures(seed.database).series(["bahn"], "volume", span(NOON, NOON + timedelta(hours=3), "1h"))["bahn"]
    assert [point.complete for point in points] == [True, False, False]


def test_lanes_and_environments_are_added_up_and_groups_kept_apart(seed: Seed) -> None:
    seed.environment(1, "x", "de")
    seed.environment(2, "y")
    seed.window("bahn", NOON, ONE, lane=0)
    seed.window("bahn", NOON, ONE, lane=1)
    seed.window("bahn", NOON, ONE, environment=2)
    seed.window("bahn", NOON, ONE, environment=3)
    figures, end = Figures(seed.database), NOON + timedelta(hours=1)

    def shares(group: Group) -> dict[str, int]:
        return {name: sums.mentions for name, sums in figures.totals(["bahn"], NOON, end, group=group).items()}

    assert shares("topic") == {"bahn": 4}
    assert shares("platform") == {"unknown": 1, "x": 2, "y": 1}
    assert shares("language") == {"de": 2, "und": 2}
    assert shares("label")["negative"] == 4
    both = figures.mentions(["bahn"], NOON, end, groups=("platform", "language"))
    assert both == {"platform": shares("platform"), "language": shares("language")}


@pytest.mark.parametrize("group", ["topic", "platform", "language", "label", "environment", "voice"])
@pytest.mark.parametrize("step", ["60", "15m", "5400", "1h", "1d"])
def test_each_metric_reads_the_same_from_its_own_sums_as_from_all(seed: Seed, group: Group, step: str) -> None:
    seed.environment(1, "x", "de")
    for minutes, reach in ((1, 5), (14, 0), (16, 7), (89, 1), (200, 2)):
        counts = ONE._replace(reach=reach, reach_unknown=0, likes=reach, replies=1, positive=1, neutral=2, uncertain=3)
        seed.window("bahn", NOON + timedelta(minutes=minutes), counts, environment=minutes % 2 + 1)
    figures, chosen = Figures(seed.database), span(NOON - timedelta(minutes=7), NOON + timedelta(hours=4), step)
    whole = figures.counted(["bahn"], chosen, tuple(MADE_OF), group=group)
    for metric in get_args(Metric):
        values = {
            name: [one.value for one in points]
            for name, points in figures.series(["bahn"], metric, chosen, group=group).items()
        }
        assert values == {
            name: [None if one.counts is None else value_of(metric, one.counts) for one in steps]
            for name, steps in whole.items()
        }
    assert sum(one.counts.mentions for steps in whole.values() for one in steps if one.counts) in (5, 35)


def test_an_answer_of_many_groups_is_bounded(seed: Seed) -> None:
    names = [f"t{number}" for number in range(12)]
    with pytest.raises(Invalid, match="points"):
        Figures(seed.database).series(names, "volume", span(NOON, NOON + timedelta(minutes=POINTS), "1m"))
