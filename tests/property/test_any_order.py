"""Whatever the order, repetition and lateness of the same events: the same rows, and sums that are GROUP BY."""

from __future__ import annotations

from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec import structs

from resonance.model import Author, Delete, Engagement, EngagementSeen, Event, Mention, Upsert, content_stamp
from resonance.update import Record
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
            counts = draw(st.none() | st.builds(Engagement, likes=st.integers(0, 5)))
            mention = said(draw(st.sampled_from(TEXTS)), version)
            events.append(Upsert(mention=structs.replace(mention, engagement=counts), observed_at=seen))
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


def visible(story: list[Event], machine: Machine) -> dict[bytes, Record]:
    """The rows, without tombstones of replies and reposts: whether one is left depends on whether the mention was kept, for
    its root's words, at the moment of its deletion. Either way nothing of it shows."""
    answers = {event.mention.id for event in story if isinstance(event, Upsert) and event.mention.root}
    return {
        key: record
        for key, record in rows_of(machine.ledger).items()
        if record.deleted_at is None or record.id not in answers
    }


@settings(max_examples=150, deadline=None, phases=FAST)
@given(story=stories(), data=st.data())
def test_any_order_and_repetition_of_the_same_events_leaves_the_same_rows(
    story: list[Event], data: st.DataObject
) -> None:
    expected = outcome(story)
    shuffled = data.draw(st.permutations(story + data.draw(st.lists(st.sampled_from(story), max_size=3))))
    lanes, chunk = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 4))
    actual = outcome(list(shuffled), lanes, chunk)
    assert visible(story, actual) == visible(story, expected)
    assert sums_of(actual.ledger.windows) == sums_of(expected.ledger.windows)


@settings(max_examples=100, deadline=None, phases=FAST)
@given(story=stories(), lanes=st.integers(1, 3), chunk=st.integers(1, 4))
def test_windows_are_the_group_by_of_the_mentions(story: list[Event], lanes: int, chunk: int) -> None:
    ledger = outcome(story, lanes, chunk).ledger
    assert sums_of(ledger.windows) == grouped(ledger)


def test_a_reply_that_looked_at_its_root_within_a_slice_looks_again_when_the_slice_deletes_it() -> None:
    def said(number: int, text: str, root: str | None = None) -> Mention:
        return Mention(
            id=f"test:{number}", platform="test", source="test", text=text, published_at=at(-300), reply_to=root
        )

    story: list[Event] = [
        Upsert(mention=said(0, "kaffee und bahn"), observed_at=at(0)),
        Upsert(mention=said(1, "nichts davon", "test:0"), observed_at=at(1)),
        Delete(id="test:0", observed_at=at(5)),
    ]
    assert rows_of(outcome(story, chunk=3).ledger) == rows_of(outcome(story, chunk=1).ledger)


def test_counts_survive_an_edit_that_does_not_match_between_two_that_do() -> None:
    def said(text: str, version: int) -> Event:
        edited = at(version) if version else None
        mention = Mention(
            id="test:1", platform="test", source="test", text=text, published_at=at(-300), edited_at=edited
        )
        return Upsert(mention=mention, observed_at=at(1))

    first, second, third = said("bahn", 0), said("nichts", 1), said("die bahn ist schlecht", 2)
    counted = EngagementSeen(
        id="test:1", engagement=Engagement(likes=3, reactions={"haha": 2}), at=at(0), observed_at=at(1)
    )
    expected = rows_of(outcome([first, second, third, counted]).ledger)
    assert rows_of(outcome([first, counted, second, third]).ledger) == expected
    assert [record.engagement for record in expected.values()] == [
        {"likes": (3, 1777896000000000), "reaction:haha": (2, 1777896000000000)}
    ]


@settings(max_examples=60, deadline=None, phases=FAST)
@given(story=stories(), chunk=st.integers(2, 12))
def test_what_arrived_does_not_depend_on_where_slices_are_cut(story: list[Event], chunk: int) -> None:
    def arrived(by: int) -> dict[tuple[object, ...], int]:
        machine = Machine(SCORER)
        for first in range(0, len(story), by):
            machine.put(story[first : first + by], stamp=at(0))
            machine.work()
        return {tuple(key): counts.mentions for key, counts in machine.ledger.arrivals.items()}

    assert arrived(chunk) == arrived(1)


@settings(max_examples=40, deadline=None, phases=FAST)
@given(
    tellings=st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "hashtags": st.sampled_from([("acme",), ("ACME", "x"), ()]),
                "language": st.sampled_from(["de", "en"]),
                "author": st.sampled_from([Author(id="a"), Author(id="b", followers=7), Author(id="a", handle="h")]),
                "kind": st.sampled_from(["post", "article"]),
                "community": st.sampled_from(["r/bahn", "r/zug"]),
                "title": st.sampled_from(["zug", "kaffee"]),
                "repost_of": st.just("test:elsewhere"),
                "extra": st.sampled_from([{"a": 1, "b": 2}, {"a": 2}]),
            },
        ),
        min_size=2,
        max_size=3,
    ),
    data=st.data(),
)
def test_of_tellings_that_claim_the_same_time_the_same_one_wins_in_any_order(
    tellings: list[dict[str, Any]], data: st.DataObject
) -> None:
    events: list[Event] = [
        Upsert(
            mention=Mention(
                id="test:1", platform="test", source="test", text="die bahn", published_at=at(-300), **told
            ),
            observed_at=at(1),
        )
        for told in tellings
    ]
    other = outcome(list(data.draw(st.permutations(events))), chunk=data.draw(st.integers(1, 3)))
    expected = outcome(events)
    assert rows_of(other.ledger) == rows_of(expected.ledger)
    assert sums_of(other.ledger.windows) == sums_of(expected.ledger.windows)


def test_the_order_in_which_an_extra_is_written_makes_no_other_content() -> None:
    base = Mention(id="test:1", text="x", published_at=at(0), extra={"a": 1, "b": 2})
    assert content_stamp(base) == content_stamp(structs.replace(base, extra={"b": 2, "a": 1}))
    assert content_stamp(base) == content_stamp(structs.replace(base, engagement=Engagement(likes=1), source="s"))
    assert content_stamp(base) != content_stamp(structs.replace(base, hashtags=("a",)))
