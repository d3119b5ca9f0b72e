"""Whatever is pushed, it is taken and can be read back, or every mistake in it is named; nothing else happens."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from ingest.cleaning import admit, clean
from ingest.envelopes import BYTES, EVENTS, pack
from ingest.log_sink import LogSink
from ingest.push import PushIntake
from resonance.clock import ManualClock
from resonance.errors import Invalid
from resonance.model import Event, Rematch, Upsert, mention_key
from resonance.wire import EVENT_LIMIT, decode_envelope, decode_event, encode_event
from tests.support.machine import ListLog, at

texts = st.text(max_size=12) | st.sampled_from(
    ["", " ", "\x00", "x:1", "a\x00b", "2026-05-04T12:00:00Z", "de_DE", "#A"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
times = st.sampled_from(
    [
        "2026-05-04T12:00:00Z",
        "9999-12-31T23:59:59-08:00",
        "0001-01-01T00:00:00+08:00",
        "9999-12-31T23:59:59Z",
        "gestern",
    ]
)
mentions = st.fixed_dictionaries(
    {"id": st.sampled_from(["x:1", "x:2", "y:at://a/b", "nothing"]), "text": texts, "published_at": times},
    optional={
        "author": values | st.fixed_dictionaries({"id": texts}, optional={"created_at": times}),
        "engagement": values,
        "hashtags": values | st.lists(texts, max_size=3),
        "links": st.lists(texts, max_size=3),
        "language": texts,
        "media": values,
        "rating": values,
        "extra": values,
        "url": texts | st.just("https://www.example.org/a"),
        "edited_at": times,
        "repost_of": texts,
        "sample_rate": values,
        "store_until": times | st.just("2030-01-01"),
        "unknown": values,
    },
)
items = (
    values
    | mentions
    | st.fixed_dictionaries({"op": values | st.just("upsert"), "mention": mentions})
    | st.fixed_dictionaries({"op": st.sampled_from(["delete", "engagement", "author", "rematch"]), "id": texts})
)


@settings(max_examples=200, deadline=None)
@given(item=items)
def test_an_item_is_taken_as_something_that_can_be_read_back_or_its_mistakes_are_named(item: Any) -> None:
    try:
        event = admit(item, source="s", observed_at=at(0))
    except Invalid as error:
        assert error.problems and all(problem.detail for problem in error.problems)
        return
    assert decode_event(encode_event(event)) == event
    assert b"\\u0000" not in encode_event(event)
    # What is clean stays as it is.
    assert clean(event, source="s", observed_at=at(0)) == event


@settings(max_examples=100, deadline=None)
@given(pushed=st.lists(items, max_size=8))
def test_every_pushed_item_is_accounted_for_once(pushed: list[Any]) -> None:
    log = ListLog(lanes=3)
    receipt = PushIntake(LogSink(log, ManualClock(at(0))), ManualClock(at(0))).take(pushed, source="s")
    assert receipt.accepted + receipt.duplicate + len(receipt.rejected) == len(pushed)
    logged = {bytes(raw) for _, body in log.envelopes for raw in decode_envelope(body).events}
    assert len(logged) == receipt.accepted


@settings(max_examples=50, deadline=None)
@given(sizes=st.lists(st.sampled_from([1, 50, 20_000, 190_000]), max_size=40), lanes=st.integers(1, 3))
def test_no_envelope_is_greater_than_agreed_and_each_event_is_in_one(sizes: list[int], lanes: int) -> None:
    item = {"id": "x:1", "text": "x", "published_at": "2026-05-04T12:00:00Z"}
    base = admit(item, source="s", observed_at=at(0))
    assert isinstance(base, Upsert)
    events: list[Event] = [
        structs.replace(base, mention=structs.replace(base.mention, id=f"x:{n}", text="x" * size))
        for n, size in enumerate(sizes)
    ]
    assert all(len(encode_event(event)) < EVENT_LIMIT for event in events)
    packed = [decode_envelope(body) for _, body in pack(events, lanes=lanes, stamp=at(0), source="s" * 64)]
    assert all(len(json.dumps(structs.asdict(e) | {"events": []}, default=str)) < 1000 for e in packed)
    assert all(sum(len(bytes(raw)) + 1 for raw in e.events) + 1000 <= BYTES for e in packed)
    assert sorted(bytes(raw) for e in packed for raw in e.events) == sorted(map(encode_event, events))


@settings(max_examples=30, deadline=None)
@given(count=st.integers(0, 3000), length=st.sampled_from([1, 900]), lanes=st.integers(1, 3))
def test_lists_of_ids_are_cut_to_what_an_envelope_holds(count: int, length: int, lanes: int) -> None:
    names = [f"x:{n}{'y' * length}" for n in range(count)]
    asked = [Rematch(ids=tuple(names[: count // 3])), Rematch(ids=tuple(names[count // 3 :]))]
    found: list[str] = []
    for _, body in pack(asked, lanes=lanes, stamp=at(0)):
        envelope = decode_envelope(body)
        events = [decode_event(raw) for raw in envelope.events]
        ids = [name for event in events if isinstance(event, Rematch) for name in event.ids]
        assert len(ids) <= EVENTS
        assert sum(len(bytes(raw)) for raw in envelope.events) <= BYTES
        found += ids
    assert sorted(map(mention_key, found)) == sorted(map(mention_key, names))
