"""When an alert's matter began: two rates told apart, one left alone."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from resonance.alerts.onset import MINUTE, onset

HOUR = 60 * MINUTE
TIMES = st.lists(st.integers(-HOUR, 2 * HOUR), max_size=60)


@given(TIMES)
def test_it_lies_within_the_window_on_a_minute_with_half_of_the_events_behind_it(times: list[int]) -> None:
    since = onset(times, 0, HOUR)
    inside = [time for time in times if 0 <= time < HOUR]
    assert 0 <= since < HOUR and since % MINUTE == 0
    assert 2 * sum(time >= since for time in inside) >= len(inside)


@given(TIMES, st.randoms())
def test_neither_the_order_nor_what_lies_outside_matters(times: list[int], shuffled: random.Random) -> None:
    again = [time for time in times if 0 <= time < HOUR] + [-5, HOUR]
    shuffled.shuffle(again)
    assert onset(again, 0, HOUR) == onset(times, 0, HOUR)


@given(TIMES, st.integers(0, 10**6))
def test_it_moves_with_the_events(times: list[int], minutes: int) -> None:
    far = minutes * MINUTE
    assert onset([time + far for time in times], far, HOUR + far) == onset(times, 0, HOUR) + far


@given(st.integers(15, 45), st.integers(1, 3), st.randoms(use_true_random=False))
def test_a_rise_to_eight_times_is_found_within_minutes(rise: int, few: int, chance: random.Random) -> None:
    before = [chance.randrange(0, rise * MINUTE) for _ in range(few * rise // 15)]
    after = [chance.randrange(rise * MINUTE, HOUR) for _ in range(8 * few * (60 - rise) // 15)]
    assert abs(onset([*before, *after], 0, HOUR) - rise * MINUTE) <= 10 * MINUTE


@given(st.integers(0, 59))
def test_one_rate_all_along_began_with_the_window(offset: int) -> None:
    assert onset(range(offset * MINUTE // 60, HOUR, MINUTE), 0, HOUR) == 0


def test_an_empty_window_began_with_itself() -> None:
    assert onset([], 0, HOUR) == 0
