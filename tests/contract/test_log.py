"""What every log promises those who write it."""

from __future__ import annotations

import threading

from tests.support.logs import LANES, Opened


def test_what_was_appended_lies_in_its_lane_in_order_once_it_is_durable(opened: Opened) -> None:
    opened.log.append([(0, b"a"), (1, b"x"), (0, b"b")])()
    opened.log.append([(0, b"c" * 2_000_000), (0, b"d")])()
    assert [[body[:1] for body in opened.read(lane)] for lane in range(LANES)] == [
        [b"a", b"b", b"c", b"d"],
        [b"x"],
        [],
    ]


def test_bounds_grow_by_what_is_appended_and_an_empty_lane_has_none(opened: Opened) -> None:
    first, end = opened.log.bounds(2)
    assert first == end
    opened.log.append([(2, b"a")])()
    begun, after = opened.log.bounds(2)
    opened.log.append([(2, b"b"), (2, b"c")])()
    assert begun < after < opened.log.bounds(2)[1]
    assert opened.log.bounds(2)[0] == begun
    assert opened.log.ends() == [opened.log.bounds(lane)[1] for lane in range(LANES)]


def test_several_writers_lose_nothing_and_each_ones_order_stays(opened: Opened) -> None:
    logs = [opened.log, opened.again()]

    def write(number: int) -> None:
        for index in range(30):
            logs[number % 2].append([(index % LANES, f"{number} {index:02}".encode())])()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [opened.read(lane) for lane in range(LANES)]
    assert sorted(body for lane in found for body in lane) == sorted(
        f"{n} {i:02}".encode() for n in range(4) for i in range(30)
    )
    for lane in found:
        for number in range(4):
            theirs = [body for body in lane if body.startswith(f"{number} ".encode())]
            assert theirs == sorted(theirs)


def test_another_process_sees_the_same_log(opened: Opened) -> None:
    opened.log.append([(1, b"a")])()
    other = opened.again()
    assert (other.incarnation, other.lanes) == (opened.log.incarnation, LANES)
    assert [other.bounds(lane) for lane in range(LANES)] == [opened.log.bounds(lane) for lane in range(LANES)]


def test_a_log_made_anew_is_empty_and_another_incarnation(opened: Opened) -> None:
    before = opened.log.incarnation
    opened.log.append([(0, b"a")])()
    made = opened.anew()
    assert made.incarnation != before
    first, end = made.bounds(0)
    assert first == end
