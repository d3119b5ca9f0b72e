"""What is written to the log is read back as it was; fields of tomorrow pass, a major version of tomorrow does not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from resonance.errors import DeadLetter, NewerVersion
from resonance.model import Event, Mention, Upsert
from resonance.ports import Mode
from resonance.wire import (
    MAJOR,
    Envelope,
    decode_envelope,
    decode_event,
    encode_envelope,
    encode_event,
    read_event,
)
from tests.support.machine import at

chars = st.characters(exclude_categories=["Cs"])
words = st.text(chars, max_size=10)
short = st.text(chars, min_size=1, max_size=10)
ids = st.builds(
    "{}:{}".format, st.sampled_from(["x", "bluesky", "a-b.c_1"]), st.text(chars.filter(lambda c: c != "\0"), min_size=1)
)
instants = st.datetimes(timezones=st.just(UTC))
counts = st.integers(0, 2**40)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "id": ids, "reply_to": ids, "thread_root": ids, "repost_of": ids, "quote_of": ids, "language": st.text(chars, max_size=35),
    "kind": st.sampled_from(["post", "comment", "article", "review", "repost", "quote"]), "country": st.text(chars, max_size=8),
    "links": st.lists(words, max_size=2).map(tuple), "hashtags": st.lists(words, max_size=2).map(tuple),
    "sample_rate": st.floats(0.01, 1), "store_until": st.dates(), "extra": st.dictionaries(words, plain, max_size=3),
    "published_at": instants, "edited_at": instants, "engagement_at": instants, "created_at": instants, "observed_at": instants, "at": instants,
    "verified": st.booleans(), "followers": counts, "reactions": st.dictionaries(words, counts, max_size=2),
    "value": st.floats(0, 10), "best": st.floats(1, 10), "ids": st.lists(ids, max_size=3).map(tuple), "without": st.lists(ids, max_size=3).map(tuple), "topic": short,
    "label": st.sampled_from(["negative", "neutral", "positive", "uncertain"]), "author_key": st.binary(min_size=16, max_size=16).map(bytes.hex),
}  # fmt: skip


def records(kind: Any) -> st.SearchStrategy[Any]:
    """Any record of this type, field by field: what is not required is sometimes left out."""
    needed: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for field in msgspec.structs.fields(kind):
        (needed if field.required else optional)[field.name] = values(kind, field.name, field.type)
    return st.fixed_dictionaries(needed, optional=optional).map(lambda given: kind(**given))


def values(kind: Any, name: str, type_: Any) -> st.SearchStrategy[Any]:
    if name == "media":
        return st.lists(records(get_args(type_)[0]), max_size=2).map(tuple)
    inner = [part for part in (type_, *get_args(type_)) if isinstance(part, type) and issubclass(part, msgspec.Struct)]
    if inner:
        return records(inner[0])
    if kind.__name__ == "DeleteAuthor" and name == "author":
        return ids
    if kind.__name__ == "Author" and name == "id":
        return short
    if kind.__name__ == "Engagement" and name != "reactions":
        return counts
    return BY_NAME.get(name, words)


events = st.one_of([records(kind) for kind in get_args(Event)])


@settings(max_examples=100, deadline=None)
@given(event=events)
def test_every_event_is_read_back_as_it_was_written(event: Event) -> None:
    assert decode_event(encode_event(event)) == event


@settings(max_examples=40, deadline=None)
@given(
    written=st.lists(events, max_size=5),
    stamp=instants,
    mode=st.sampled_from(get_args(Mode)),
    source=words,
)
def test_an_envelope_holds_its_events_in_order_with_stamp_and_mode(
    written: list[Event], stamp: datetime, mode: Mode, source: str
) -> None:
    found = decode_envelope(encode_envelope([encode_event(e) for e in written], stamp=stamp, mode=mode, source=source))
    assert [decode_event(raw) for raw in found.events] == written
    assert (found.v, found.stamp, found.mode, found.source) == (MAJOR, stamp, mode, source)


@settings(max_examples=100, deadline=None)
@given(event=events, name=short.map("tomorrow_{}".format), value=plain, where=st.randoms(use_true_random=False))
def test_fields_of_tomorrow_pass_at_any_depth(event: Event, name: str, value: Any, where: Any) -> None:
    document = json.loads(encode_event(event))
    holders = [document]
    for holder in holders:
        holders += [
            inner for key, inner in holder.items() if isinstance(inner, dict) and key not in ("extra", "reactions")
        ]
    where.choice(holders)[name] = value
    assert decode_event(json.dumps(document).encode()) == event


@settings(max_examples=100, deadline=None)
@given(mention=records(Mention), name=short.map("tomorrow_{}".format), value=plain)
def test_a_pushed_mention_may_hold_fields_that_nobody_knows(mention: Mention, name: str, value: Any) -> None:
    bare = json.loads(msgspec.json.encode(mention))
    event = read_event({**bare, name: value})
    assert event == read_event({"op": "upsert", "mention": bare, name: value}) == read_event(bare)
    assert event == Upsert(mention=mention)


@pytest.mark.parametrize("more", [{}, {"events": "another shape"}, {"stamp": None}])
def test_a_record_of_the_next_major_version_is_refused_however_it_looks(more: dict[str, Any]) -> None:
    today = json.loads(zstandard.ZstdDecompressor().decompress(encode_envelope([], stamp=at(0)), max_output_size=10**6))
    tomorrow = {**today, "v": MAJOR + 1, "a field of tomorrow": True, **more}
    with pytest.raises(NewerVersion, match=f"version {MAJOR + 1}"):
        decode_envelope(zstandard.compress(json.dumps(tomorrow).encode()))


def test_fields_of_tomorrow_pass_in_an_envelope_too() -> None:
    today = Envelope(stamp=at(0), events=[msgspec.Raw(b'{"op":"delete","id":"x:1"}')])
    document = json.loads(msgspec.json.encode(today)) | {"tomorrow": [1]}
    assert decode_envelope(zstandard.compress(json.dumps(document).encode())).stamp == at(0)


@settings(max_examples=100, deadline=None)
@given(
    data=st.binary(max_size=60)
    | st.binary(max_size=60).map(zstandard.compress)
    | plain.map(lambda v: zstandard.compress(json.dumps(v).encode()))
)
def test_no_bytes_break_the_reader(data: bytes) -> None:
    try:
        decode_envelope(data)
    except DeadLetter as error:
        assert error.reason == "undecodable"


def test_a_record_that_unpacks_to_gigabytes_is_set_aside() -> None:
    bomb = zstandard.ZstdCompressor(level=1, write_content_size=True).compress(bytes(65 * 1024 * 1024))
    with pytest.raises(DeadLetter):
        decode_envelope(bomb)
