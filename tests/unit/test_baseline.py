"""What is usual: learned once, in local time, from sparse topics too, and not from bursts."""

from __future__ import annotations

from datetime import UTC, datetime
from math import exp
from random import Random
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resonance.baseline import BUCKET, DAY, Baseline, Outlook, expected, fresh, learn, skip

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = int(datetime(2026, 3, 2, tzinfo=BERLIN).timestamp())


def poisson(random: Random, mean: float) -> int:
    """A Poisson count (Knuth: uniforms multiplied until they fall below e^-mean)."""
    limit, product, count = exp(-mean), random.random(), 0
    while product > limit:
        product *= random.random()
        count += 1
    return count


def by_day(at: int) -> float:
    """Mentions in five minutes of a topic that is spoken of from 9 to 18 h local time."""
    return 0.6 if 9 <= datetime.fromtimestamp(at, BERLIN).hour < 18 else 0.05


def taught(days: int, *, seed: int = 1, start: int = MONDAY) -> Baseline:
    random = Random(seed)
    buckets = [(at, poisson(random, by_day(at))) for at in range(start, start + days * DAY, BUCKET)]
    return learn(fresh(start), buckets, BERLIN)


def test_the_hour_of_the_day_is_known_after_four_weeks_of_a_sparse_topic() -> None:
    baseline = taught(28)
    noon, night = (baseline.until + hour * 3600 for hour in (12, 3))
    by_noon, by_night = expected(baseline, noon, noon + 3600, BERLIN), expected(baseline, night, night + 3600, BERLIN)
    assert by_noon is not None and by_night is not None
    assert by_noon.mean == pytest.approx(7.2, rel=0.25)
    assert by_night.mean == pytest.approx(0.6, abs=0.5)
    assert 1 <= by_noon.dispersion < 1.4


def test_when_the_clocks_change_the_morning_moves_with_them() -> None:
    before = taught(26)  # the night of 29 March 2026 is an hour shorter
    after = datetime(2026, 3, 30, 9, 30, tzinfo=BERLIN).timestamp()
    usual = expected(before, int(after), int(after) + 900, BERLIN)
    assert usual is not None
    astray = expected(before, int(after), int(after) + 900, UTC)
    assert astray is not None and usual.mean > 1.5 * astray.mean


def test_less_than_a_day_says_nothing() -> None:
    baseline = learn(fresh(0), [(at, 4) for at in range(0, DAY - BUCKET, BUCKET)], UTC)
    assert expected(baseline, DAY, DAY + 900, UTC) is None
    whole = learn(baseline, [(DAY - BUCKET, 4)], UTC)
    assert expected(whole, DAY, DAY + 900, UTC) is not None


def test_a_burst_hardly_teaches() -> None:
    baseline = taught(28)
    noon = baseline.until + 12 * 3600
    calm = learn(baseline, [(at, 0) for at in range(baseline.until, noon, BUCKET)], BERLIN)
    burst = learn(calm, [(noon + n * BUCKET, 80) for n in range(12)], BERLIN)
    usual = expected(calm, noon + DAY, noon + DAY + 900, BERLIN)
    later = expected(burst, noon + DAY, noon + DAY + 900, BERLIN)
    assert usual is not None and later is not None
    assert usual.mean < later.mean < 3 * usual.mean
    assert later.score(80) > 8


def test_a_bucket_teaches_once_and_what_is_skipped_never() -> None:
    baseline = taught(3)
    assert learn(baseline, [(baseline.until - BUCKET, 500)], BERLIN) == baseline
    skipped = skip(baseline, baseline.until + DAY)
    assert skipped.until == baseline.until + DAY
    assert learn(skipped, [(baseline.until, 500)], BERLIN) == skipped
    assert skipped.hours == baseline.hours and skip(skipped, 0) == skipped


def test_learning_in_pieces_is_learning_at_once_and_packs_into_a_kilobyte() -> None:
    random = Random(3)
    buckets = [(at, poisson(random, by_day(at))) for at in range(MONDAY, MONDAY + 5 * DAY, BUCKET)]
    whole, pieces = learn(fresh(MONDAY), buckets, BERLIN), fresh(MONDAY)
    while buckets:
        size = random.randint(1, 50)
        packed = msgspec.msgpack.encode(learn(pieces, buckets[:size], BERLIN))
        pieces, buckets = msgspec.msgpack.decode(packed, type=Baseline), buckets[size:]
    assert pieces == whole
    assert len(msgspec.msgpack.encode(whole)) <= 1000


def test_quiet_afternoons_stay_quiet_and_a_crisis_does_not() -> None:
    """With the rule's defaults: of 150 afternoons none is unusual, but 40 more mentions in ten minutes always are."""
    from resonance.catalogue import Change

    rule, random = Change(), Random(5)
    false = missed = 0
    for seed in range(15):
        baseline = taught(28, seed=seed)
        start = baseline.until + 12 * 3600
        usual = [expected(baseline, start + 60 * n - 900, start + 60 * n, BERLIN) for n in range(240)]

        def fires(counts: list[int], usual: list = usual) -> bool:  # type: ignore[type-arg]
            windows = ((sum(counts[n : n + 15]), usual[n]) for n in range(len(counts) - 14))
            return any(
                total >= rule.mentions and one.score(total) >= rule.score and one.factor(total) >= rule.factor
                for total, one in windows
            )

        for _ in range(10):
            quiet = [poisson(random, by_day(start) / 5) for _ in range(254)]
            false += fires(quiet)
            missed += not fires([*quiet[:15], *(count + poisson(random, 4.0) for count in quiet[15:25])])
    assert (false, missed) == (0, 0)


@given(st.lists(st.tuples(st.integers(0, 10_000_000), st.integers(60, 8 * DAY)), min_size=1, max_size=6))
def test_an_outlook_expects_of_each_window_what_a_fresh_one_does(windows: list[tuple[int, int]]) -> None:
    baseline = learn(fresh(0), [(at, at // BUCKET % 5) for at in range(0, 9 * DAY, BUCKET)], BERLIN)
    outlook = Outlook(baseline, BERLIN)
    found = [outlook.expected(start, start + length) for start, length in windows]
    assert found == [expected(baseline, start, start + length, BERLIN) for start, length in windows]
