"""Cleaning, placement, envelopes, pushes and files: nothing bad gets in, nothing good is lost beside it."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.cleaning import clean
from ingest.envelopes import EVENTS, pack
from ingest.files import Line, read_file
from ingest.log_sink import LogSink
from ingest.placement import lane_of, murmur2, placed
from ingest.push import PushIntake
from ingest.times import read_time
from resonance.clock import ManualClock
from resonance.errors import Invalid, InvalidSetting
from resonance.model import Delete, DeleteAuthor, Mention, Rematch, Upsert
from resonance.wire import decode_envelope, decode_event, read_event
from tests.support.data import data_path
from tests.support.machine import ListLog, at


def problems_of(item: Any) -> list[str]:
    try:
        clean(read_event(item), source="s", observed_at=at(0))
    except Invalid as error:
        return [str(problem) for problem in error.problems]
    return []


def nested(levels: int, leaf: Any = 1) -> dict[str, Any]:
    """An object of so many levels."""
    value = leaf
    for _ in range(levels - 1):
        value = [value]
    return {"a": value}


GOOD: dict[str, Any] = {"id": "x:1", "text": "hallo", "published_at": "2026-05-04T12:00:00Z"}


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"id": None}, "/mention/id: Expected `str`, got `null`"),
        (
            {"published_at": "2026-05-04T12:00:00"},
            "/mention/published_at: Expected `datetime` with a timezone component",
        ),
        ({"engagement": {"likes": -1}}, "/mention/engagement/likes: Expected `int` >= 0"),
        ({"engagement": {"views": 10**30}}, "/mention/engagement/views: Expected `int` <= 1099511627776"),
        ({"text": ""}, "/mention/text: may be empty only where repost_of, quote_of, media, rating or title is present"),
        ({"extra": {"a": "b" * 5000}}, "/mention/extra: has more than 4,096 bytes"),
        ({"text": "x" * 1_000_000}, "the event has 1,000,"),
        ({"extra": nested(33)}, "/mention/extra: is nested deeper than 32 levels"),
        ({"extra": nested(900, "\x00")}, "/mention/extra: is nested deeper than 32 levels"),
    ],
)
def test_each_mistake_is_named_with_its_place(wrong: dict[str, Any], expected: str) -> None:
    found = problems_of({**GOOD, **wrong})
    assert any(problem.startswith(expected) for problem in found), found


def test_as_deep_as_allowed_is_taken() -> None:
    assert problems_of({**GOOD, "extra": nested(32)}) == []


def test_every_mistake_is_named_at_once() -> None:
    found = problems_of({"id": "x", "text": 3, "engagement": {"likes": -1}})
    assert len(found) == 4


def test_a_date_far_in_the_future_is_taken_and_nul_is_removed() -> None:
    event = clean(
        read_event({**GOOD, "published_at": "9999-12-31T23:59:59Z", "text": "a\x00b"}), source="s", observed_at=at(0)
    )
    assert isinstance(event, Upsert)
    assert event.mention.text == "ab"
    assert event.mention.published_at.year == 9999


def test_half_a_surrogate_pair_is_refused_by_name() -> None:
    mention = Mention(id="x:1", text="a\ud800", published_at=at(0))
    with pytest.raises(Invalid, match="surrogate"):
        clean(Upsert(mention=mention), source="s", observed_at=at(0))


def test_placement_is_that_of_kafkas_clients() -> None:
    signed = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536, b"abc": 479470107}
    assert {data: murmur2(data) for data in signed} == {data: value % 2**32 for data, value in signed.items()}


def test_what_concerns_an_author_goes_to_every_lane_and_lists_of_ids_are_split() -> None:
    assert [lane for lane, _ in placed(DeleteAuthor(author="x:7"), 3)] == [0, 1, 2]
    names = tuple(f"x:{n}" for n in range(50))
    parts = placed(Rematch(ids=names), 4)
    assert sorted(name for _, part in parts for name in part.ids) == sorted(names)  # type: ignore[union-attr]
    assert all(lane_of(name, 4) == lane for lane, part in parts for name in part.ids)  # type: ignore[union-attr]


@settings(max_examples=30, deadline=None)
@given(count=st.integers(0, 1200), lanes=st.integers(1, 4))
def test_envelopes_hold_every_event_once_in_order_and_are_bounded(count: int, lanes: int) -> None:
    events = [Delete(id=f"x:{n}", observed_at=at(n)) for n in range(count)]
    found: dict[int, list[str]] = {}
    for lane, body in pack(events, lanes=lanes, stamp=at(count)):
        envelope = decode_envelope(body)
        assert 0 < len(envelope.events) <= EVENTS
        found.setdefault(lane, []).extend(decode_event(raw).id for raw in envelope.events)  # type: ignore[union-attr]
    expected: dict[int, list[str]] = {}
    for event in events:
        expected.setdefault(lane_of(event.id, lanes), []).append(event.id)
    assert found == expected


def test_a_push_takes_the_good_beside_the_bad_and_counts_repeats() -> None:
    log = ListLog()
    intake = PushIntake(LogSink(log, ManualClock(at(0))), ManualClock(at(0)))
    receipt = intake.take([GOOD, {"id": "x"}, GOOD, 7, {"op": "delete", "id": "x:9"}], source="push")
    assert (receipt.accepted, receipt.duplicate, [r.index for r in receipt.rejected]) == (2, 1, [1, 3])
    assert sum(len(decode_envelope(body).events) for _, body in log.envelopes) == 2


def test_fields_of_a_push_that_nobody_knows_are_ignored_and_counted() -> None:
    log, counted = ListLog(), list[int]()
    intake = PushIntake(LogSink(log, ManualClock(at(0))), ManualClock(at(0)), counted.append)
    odd = GOOD | {"mood": "sour", "author": {"id": "7", "shoe_size": 44}, "engagement": {"claps": 3, "likes": 1}}
    items = [
        odd,
        {"op": "upsert", "mention": odd, "more": 1},
        {"op": "delete", "id": "x:9", "why": ""},
        {"id": "x", "y": 1},
    ]
    assert intake.take(items, source="push").accepted == 2
    assert counted == [3 + 4 + 1]
    assert intake.take([GOOD], source="push").accepted == 1
    assert counted == [8, 0]


# ---- files -----------------------------------------------------------------------------------------------------


def lines(
    path: Path, mapping: dict[str, str] | None = None, preset: str | None = None, zone: str | None = None
) -> list[Line]:
    return list(read_file(path, mapping=mapping or {}, preset=preset, zone=zone, default_source="import"))


def test_the_airline_corpus_gives_its_usable_lines_and_names_the_damaged_ones() -> None:
    found = lines(data_path("corpora/airline_us_2015/Tweets.csv"), preset="airline")
    usable = [line for line in found if line.event]
    assert len(usable) == 14_520
    assert len(found) - len(usable) == 85
    assert all(line.problems and line.number > 1 for line in found if not line.event)
    assert lines(data_path("corpora/airline_us_2015/Tweets.csv"), preset="airline")[0] == found[0]


def test_a_german_export_is_read_with_its_decimal_commas_and_its_encoding(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_bytes("Datum;Inhalt;Gefällt\n04.05.2026 14:00;Schöne Grüße;1.234\n;leer;1\n".encode("cp1252"))
    mapping = {"text": "Inhalt", "published_at": "Datum", "likes": "Gefällt"}
    first, second = lines(file, mapping, zone="Europe/Berlin")
    assert isinstance(first.event, Upsert)
    assert first.event.mention.text == "Schöne Grüße"
    assert first.event.mention.published_at.isoformat() == "2026-05-04T12:00:00+00:00"
    assert first.event.mention.engagement is not None and first.event.mention.engagement.likes == 1234
    assert second.event is None and second.number == 3


def test_a_time_without_zone_is_refused_and_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text("text,date\nhallo,2026-05-04 12:00\n")
    assert "--zone" in str(lines(file)[0].problems[0])
    assert lines(file, zone="Europe/Berlin")[0].event is not None
    with pytest.raises(ValueError, match="no time"):
        read_time("gestern", ZoneInfo("Europe/Berlin"))


def test_a_wrong_mapping_names_every_mistake_and_the_columns_there_are(tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(InvalidSetting) as caught:
        lines(file, {"text": "Tweet", "nonsense": "a"})
    text = str(caught.value)
    assert "there is no column 'Tweet'; columns are a, b" in text
    assert "--map nonsense: is no field" in text
    assert "published_at: no column for it" in text


def test_jsonl_may_be_compressed_and_a_broken_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "some.jsonl.gz"
    file.write_bytes(
        gzip.compress(
            b'{"id":"x:1","text":"a","published_at":"2026-05-04T12:00:00Z"}\n{broken\n{"op":"delete","id":"x:1"}\n'
        )
    )
    assert [(line.number, line.event is not None) for line in lines(file)] == [(1, True), (2, False), (3, True)]
