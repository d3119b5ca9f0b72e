"""When an alert's matter began: two rates told apart, one left alone."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from resonance.alerts.onset import onset

HOUR, MINUTE = 3600, 60
MINUTES = st.dictionaries(st.integers(-60, 120).map(lambda minute: minute * MINUTE), st.integers(0, 500), max_size=60)


@given(MINUTES)
def test_it_lies_within_the_window_with_half_of_the_arrivals_behind_it(minutes: dict[int, int]) -> None:
    since = onset(minutes, 0, HOUR)
    inside = {at: count for at, count in minutes.items() if 0 <= at < HOUR}
    assert 0 <= since < HOUR and since % MINUTE == 0
    assert 2 * sum(count for at, count in inside.items() if at >= since) >= sum(inside.values())


@given(MINUTES)
def test_neither_the_order_nor_what_lies_outside_matters(minutes: dict[int, int]) -> None:
    again = {at: count for at, count in reversed(minutes.items()) if 0 <= at < HOUR} | {-MINUTE: 9, HOUR: 9}
    assert onset(again, 0, HOUR) == onset(minutes, 0, HOUR)


@given(MINUTES, st.integers(0, 10**6))
def test_it_moves_with_the_arrivals(minutes: dict[int, int], later: int) -> None:
    far = later * MINUTE
    assert onset({at + far: count for at, count in minutes.items()}, far, HOUR + far) == onset(minutes, 0, HOUR) + far


@given(st.integers(15, 45), st.integers(1, 300), st.randoms(use_true_random=False))
def test_a_rise_to_eight_times_is_found_within_minutes(rise: int, few: int, chance: random.Random) -> None:
    before = [chance.randrange(0, rise) for _ in range(few * rise // 15)]
    after = [chance.randrange(rise, 60) for _ in range(8 * few * (60 - rise) // 15)]
    minutes = {minute * MINUTE: count for minute, count in Counter([*before, *after]).items()}
    assert abs(onset(minutes, 0, HOUR) - rise * MINUTE) <= 10 * MINUTE


@given(st.integers(1, 10_000))
def test_one_rate_all_along_began_with_the_window(count: int) -> None:
    assert onset(dict.fromkeys(range(0, HOUR, MINUTE), count), 0, HOUR) == 0


def test_an_empty_window_began_with_itself() -> None:
    assert onset({}, 0, HOUR) == 0
