"""Lanes that are worked on at their own pace leave what one lane leaves: also of replies to roots that change."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from resonance.engines.lanes import advance, look
from resonance.model import Author, Correction, Delete, DeleteAuthor, Event, Mention, Rematch, Upsert
from tests.property.test_any_order import FAST, SCORER
from tests.support.machine import Machine, at, grouped, rows_of, sums_of
from tests.support.scoring import catalogue, scorer

TEXTS = ("die bahn ist schlecht", "die bahn ist gut", "kaffee und bahn", "nichts davon")


@st.composite
def streams(draw: st.DrawFn) -> list[Event]:
    """Two roots that say this and that, and are answered and repeated meanwhile, as observed one after the other."""
    events: list[Event] = []
    seconds = 0
    for number in range(draw(st.integers(3, 14))):
        seconds += draw(st.sampled_from([0, 1, 20, 45, 61]))
        root = draw(st.sampled_from(["test:a", "test:b"]))
        what = draw(st.sampled_from(["root", "root", "root", "repost", "repost", "reply", "delete", "author"]))
        if what == "root":
            mention = said(root, draw(st.sampled_from(TEXTS)), seconds, author="anna")
            events.append(Upsert(mention=mention, observed_at=at(seconds)))
        elif what == "delete":
            events.append(Delete(id=root, observed_at=at(seconds)))
        elif what == "author":
            seconds += 1
            events.append(DeleteAuthor(author="test:anna", observed_at=at(seconds - 0.5)))
        else:
            text = "" if what == "repost" else draw(st.sampled_from(TEXTS))
            mention = said(f"test:{number}", text, seconds, root=root, repost=what == "repost")
            events.append(Upsert(mention=mention, observed_at=at(seconds)))
    return events


def said(
    name: str, text: str, seconds: int, *, author: str | None = None, root: str | None = None, repost: bool = False
) -> Mention:
    return Mention(
        id=name,
        platform="test",
        source="test",
        kind="repost" if repost else "post",
        text=text,
        published_at=at(-300),
        edited_at=None if root else at(seconds),
        author=Author(id=author) if author else None,
        repost_of=root if repost else None,
        reply_to=None if repost else root,
    )


def told(events: list[Event], lanes: int, *, at_once: bool = True) -> Machine:
    """A machine whose log holds the events, each of which it may have worked on at once."""
    machine = Machine(SCORER, lanes)
    for event in events:
        assert event.observed_at is not None
        machine.put([event], stamp=event.observed_at)
        machine.beat(event.observed_at)
        if at_once:
            machine.work()
    machine.beat(at(1000))
    if at_once:
        machine.work()
    return machine


def together(machine: Machine) -> None:
    """What a thread does with its lanes in one round."""
    for loop in machine.loops:
        loop.attempt()
    advance(machine.loops)
    look(machine.loops)


@settings(max_examples=300, deadline=None, phases=FAST)
@given(stream=streams(), lanes=st.integers(2, 3), data=st.data())
def test_lanes_at_any_pace_leave_what_one_lane_leaves(stream: list[Event], lanes: int, data: st.DataObject) -> None:
    one, several = told(stream, 1), told(stream, lanes, at_once=False)
    for loop in several.loops:
        loop.size = 1
    for turn in data.draw(st.lists(st.sampled_from([*several.loops, None]), max_size=40)):
        if turn is None:
            together(several)
        else:
            turn.step()
    several.work()
    assert rows_of(several.ledger) == rows_of(one.ledger)
    assert sums_of(several.ledger.windows) == sums_of(one.ledger.windows) == grouped(several.ledger)


@settings(max_examples=100, deadline=None, phases=FAST)
@given(stream=streams(), data=st.data())
def test_a_part_of_the_stream_that_is_told_again_changes_nothing(stream: list[Event], data: st.DataObject) -> None:
    expected, again = told(stream, 1), told(stream, 1)
    first = data.draw(st.integers(0, len(stream) - 1))
    for event in stream[first:]:
        again.put([event], stamp=at(1000))
    again.beat(at(2000))
    again.work()
    assert rows_of(again.ledger) == rows_of(expected.ledger)


def test_a_reply_looks_again_as_long_as_its_roots_lane_is_behind() -> None:
    """Its own lane is far ahead, and the root says so, does not, and says so again, all within its first minute."""
    stream: list[Event] = [
        Upsert(mention=said("test:a", "die bahn ist schlecht", 0), observed_at=at(0)),
        Upsert(mention=said("test:1", "", 1, root="test:a", repost=True), observed_at=at(1)),
        Upsert(mention=said("test:a", "nichts davon", 20), observed_at=at(20)),
        Upsert(mention=said("test:a", "wieder die bahn", 40), observed_at=at(40)),
    ]
    expected, machine = told(stream, 1), told(stream, 2, at_once=False)
    own = machine.lane_of(stream[1])
    assert own != machine.lane_of(stream[0])
    for _ in range(2):
        machine.loops[1 - own].size = 1
        machine.loops[1 - own].step()
        while machine.loops[own].step():
            pass
    machine.work()
    assert rows_of(machine.ledger) == rows_of(expected.ledger)
    assert len(machine.ledger.records) == 2


def test_what_a_new_topic_finds_in_a_root_is_inherited_however_old_the_reply_is() -> None:
    stream: list[Event] = [
        Upsert(mention=said("test:a", "kaffee und bahn", 0), observed_at=at(0)),
        Upsert(mention=said("test:1", "die bahn ist schlecht", 1, root="test:a"), observed_at=at(1)),
    ]
    machine = Machine(scorer(catalogue({"bahn": "bahn"})))
    machine.put(stream, stamp=at(1))
    machine.beat(at(900))
    machine.work()
    machine.scorer = scorer(catalogue({"bahn": "bahn", "coffee": "kaffee"}))
    machine.put([Rematch(ids=("test:a",), observed_at=at(1000))], stamp=at(1000))
    machine.work()
    assert {record.id: [match.topic for match in record.matches] for record in machine.ledger.records.values()} == {
        "test:a": ["bahn", "coffee"],
        "test:1": ["bahn", "coffee"],
    }


def test_a_bare_repost_feels_what_its_root_says_now_or_is_corrected_to() -> None:
    root = Upsert(mention=said("test:a", "die bahn ist schlecht", 0), observed_at=at(0))
    repost = Upsert(mention=said("test:1", "", 1, root="test:a", repost=True), observed_at=at(1))
    machine = told([root, repost], 2)

    def felt() -> list[str]:
        return [match.label for record in machine.ledger.records.values() for match in record.matches]

    assert felt() == ["negative", "negative"]
    machine.put([Upsert(mention=said("test:a", "die bahn ist gut", 2), observed_at=at(2))], stamp=at(1001))
    machine.work()
    assert felt() == ["positive", "positive"]
    machine.put([Correction(id="test:a", topic="bahn", label="neutral")], stamp=at(1002))
    machine.work()
    assert felt() == ["neutral", "neutral"]


@settings(max_examples=60, deadline=None, phases=FAST)
@given(stream=streams(), lanes=st.integers(1, 3))
def test_rounds_over_all_lanes_alone_leave_what_one_lane_leaves(stream: list[Event], lanes: int) -> None:
    one, several = told(stream, 1), told(stream, lanes, at_once=False)
    before = None
    while before != (before := (dict(several.ledger.positions), dict(several.ledger.waiting))):
        for _ in range(3):
            together(several)
    assert rows_of(several.ledger) == rows_of(one.ledger)
    assert sums_of(several.ledger.windows) == sums_of(one.ledger.windows)


def test_lanes_of_which_one_is_somebody_elses_each_find_out_for_themselves() -> None:
    machine = Machine(SCORER, 3)
    machine.work()
    machine.beat(at(5))
    machine.ledger.positions[1] = structs.replace(machine.ledger.positions[1], epoch=9)
    together(machine)
    reached = [machine.ledger.position(lane).progress for lane in range(3)]
    assert reached[0] == reached[2] > reached[1]
    assert [loop.position is None for loop in machine.loops] == [False, True, False]
    assert machine.ledger.position(1).epoch == 9


def test_what_arrives_between_two_looks_of_one_round_is_not_taken_back() -> None:
    machine = Machine(SCORER)
    machine.work()
    [lane] = machine.loops
    machine.beat(at(5))
    assert not lane.attempt()
    assert lane.beat is not None
    machine.put([Upsert(mention=said("test:a", "die bahn", 0), observed_at=at(6))], stamp=at(6))
    assert lane.attempt()
    assert not advance([lane])
    assert machine.ledger.position(0) == lane.position
    assert machine.ledger.position(0).offset == 2


def test_many_beats_of_a_quiet_night_are_caught_up_with_without_a_pause() -> None:
    machine = Machine(SCORER, 2)
    machine.work()
    for second in range(300):
        machine.beat(at(second))
    rounds = 0
    while any(lane.attempt() for lane in machine.loops) or advance(machine.loops):
        rounds += 1
    assert machine.ledger.position(0).progress == machine.ledger.position(1).progress
    assert rounds == -(-300 // 64)
