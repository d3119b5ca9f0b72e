"""Whatever the order, repetition and lateness of the same events: the same rows, and sums that are GROUP BY."""

from __future__ import annotations

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from resonance.model import Author, Delete, Engagement, EngagementSeen, Event, Mention, Upsert
from tests.support.machine import Machine, at, grouped, rows_of, sums_of
from tests.support.scoring import scorer

TEXTS = ["die bahn ist schlecht", "der zug war gut", "nichts davon", "kaffee und bahn", "kaffee tee", ""]
SCORER = scorer()
FAST = (Phase.explicit, Phase.reuse, Phase.generate)
"""A story is short enough to be read as it is; shrinking one would take minutes."""


@st.composite
def stories(draw: st.DrawFn) -> list[Event]:
    """Up to four mentions, some answering or repeating others, with edits, counts and deletions of each."""
    events: list[Event] = []
    names = [f"test:{n}" for n in range(draw(st.integers(1, 4)))]
    for number, name in enumerate(names):
        root = draw(st.sampled_from([None, *names[:number], "test:elsewhere"]))
        repost = root is not None and draw(st.booleans())
        seen = at(number)

        def said(text: str, version: int, name: str = name, root: str | None = root, repost: bool = repost) -> Mention:
            return Mention(
                id=name,
                platform="test",
                source="test",
                text=text or "…",
                kind="repost" if repost else "post",
                published_at=at(-300),
                edited_at=at(version) if version else None,
                author=Author(id=f"author-{name}", handle=name, followers=100),
                repost_of=root if repost else None,
                reply_to=None if repost else root,
            )

        for version in range(draw(st.integers(1, 3))):
            events.append(Upsert(mention=said(draw(st.sampled_from(TEXTS)), version), observed_at=seen))
        if draw(st.booleans()):
            for when in range(draw(st.integers(1, 2))):
                counted = Engagement(likes=draw(st.integers(0, 5)), views=draw(st.none() | st.integers(0, 9)))
                events.append(EngagementSeen(id=name, engagement=counted, at=at(when), observed_at=seen))
        if draw(st.integers(0, 3)) == 0:
            events.append(Delete(id=name, observed_at=at(number + 5)))
    return events


def outcome(events: list[Event], lanes: int = 1, chunk: int = 1) -> Machine:
    machine = Machine(SCORER, lanes)
    for first in range(0, len(events), chunk):
        machine.put(events[first : first + chunk], stamp=at(10))
        machine.work()
    machine.beat(at(11))
    machine.work()
    return machine


@settings(max_examples=150, deadline=None, phases=FAST)
@given(story=stories(), data=st.data())
def test_any_order_and_repetition_of_the_same_events_leaves_the_same_rows(
    story: list[Event], data: st.DataObject
) -> None:
    expected = outcome(story).ledger
    shuffled = data.draw(st.permutations(story + data.draw(st.lists(st.sampled_from(story), max_size=3))))
    lanes, chunk = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 4))
    actual = outcome(list(shuffled), lanes, chunk).ledger
    assert rows_of(actual) == rows_of(expected)
    assert sums_of(actual.windows) == sums_of(expected.windows)


@settings(max_examples=100, deadline=None, phases=FAST)
@given(story=stories(), lanes=st.integers(1, 3), chunk=st.integers(1, 4))
def test_windows_are_the_group_by_of_the_mentions(story: list[Event], lanes: int, chunk: int) -> None:
    ledger = outcome(story, lanes, chunk).ledger
    assert sums_of(ledger.windows) == grouped(ledger)
