"""Recorded Bluesky events through a Jetstream that hangs up in every way: what was served is what was written."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ingest.cleaning import clean
from ingest.sources.bluesky import Bluesky, parse_v1, parse_v2
from ingest.worker import SourceWorker
from resonance.catalogue import Source
from resonance.clock import SystemClock
from resonance.errors import Retry
from resonance.model import Delete, DeleteAuthor, Event, Upsert, instant
from resonance.ports import Mode
from resonance.stores.database import Database
from resonance.stores.source_states import SourceStates
from tests.support import firehose
from tests.support.data import data_path
from tests.support.fake_jetstream import Script, fake_jetstream, frame_of, place_of


def recorded(*, stretched: int = 1) -> list[dict[str, Any]]:
    """The window in the order in which it was recorded, in which the server's time does not always rise; `stretched`
    times as long."""
    text = data_path("recorded/bluesky/jetstream_v1_window_152events.jsonl").read_text("utf-8")
    events = [json.loads(line) for line in text.splitlines() if line]
    first = events[0]["time_us"]
    return [{**event, "time_us": first + (event["time_us"] - first) * stretched} for event in events]


def expected(events: Sequence[dict[str, Any]]) -> set[tuple[str, str]]:
    wanted = set()
    for event in events:
        commit = event.get("commit", {})
        if commit.get("collection") in ("app.bsky.feed.post", "app.bsky.feed.repost"):
            op = "delete" if commit["operation"] == "delete" else "upsert"
            wanted.add((op, f"bluesky:at://{event['did']}/{commit['collection']}/{commit['rkey']}"))
    return wanted


class Collector:
    """A sink that refuses every third write, and looks at what is remembered while it writes."""

    def __init__(self, states: SourceStates | None = None) -> None:
        self.events: list[Event] = []
        self.tokens: list[tuple[str | None, int]] = []
        self.calls = 0
        self.states = states

    def hold(self, source: str) -> None:
        raise AssertionError("no times of its own")

    def write(
        self, events: Sequence[Event], *, source: str, mode: Mode = "live", until: datetime | None = None
    ) -> None:
        self.calls += 1
        if self.states is not None:
            self.tokens += [(state.token, len(self.events)) for state in self.states.all()]
            if self.calls % 3 == 0:
                raise Retry("not now")
        self.events += events

    @property
    def names(self) -> list[tuple[str, str]]:
        return [
            ("upsert", event.mention.id) if isinstance(event, Upsert) else ("delete", event.id)
            for event in self.events
            if isinstance(event, Upsert | Delete)
        ]

    @property
    def seen(self) -> set[tuple[str, str]]:
        return set(self.names)


async def run_until(script: Script, sink: Collector, states: SourceStates, wanted: set[tuple[str, str]]) -> None:
    async def briefly(_: float) -> None:
        await asyncio.sleep(0)

    async with fake_jetstream(script) as address:
        configured = Source(id="bluesky", kind="bluesky", url=address)
        worker = SourceWorker(configured, Bluesky(address), sink, states, SystemClock(), sleep=briefly)
        task = asyncio.create_task(worker.run())
        try:
            async with asyncio.timeout(20):
                while sink.seen != wanted:
                    assert not task.done(), task.exception()
                    await asyncio.sleep(0.02)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def states(tmp_path: Path) -> Any:
    database = Database(f"sqlite:///{tmp_path / 'store.db'}")
    database.migrate()
    yield SourceStates(database)
    database.close()


@pytest.mark.parametrize("versions", [(1,), (2,), (1, 2)])
@pytest.mark.parametrize("zstd", [False, True])
def test_nothing_is_lost_over_every_kind_of_hang_up_and_a_failing_sink(
    states: SourceStates, versions: tuple[int, ...], zstd: bool
) -> None:
    events = recorded(stretched=1000)
    ends: list[int | str | None] = [1000, 1001, 1006, 1011, 1012, "cut", "slow"]
    script = Script(events, per_connection=25, ends=ends, versions=versions, zstd=zstd)
    sink = Collector(states)
    asyncio.run(run_until(script, sink, states, expected(events)))
    assert sink.seen == expected(events)
    assert not script.ends
    # Refused writes came again from a saved place, or from the beginning while there was none.
    assert len(script.cursors) - script.cursors.count(0) >= 4
    assert_never_ahead(sink, events, 2 if 2 in versions else 1)


def assert_never_ahead(sink: Collector, events: list[dict[str, Any]], version: int) -> None:
    """Whatever token was saved when a write began: everything up to it had been written before."""
    places = {place_of(event, version, n): n for n, event in enumerate(events)}
    looked = [(json.loads(token)["place"], count) for token, count in sink.tokens if token]
    assert looked
    for place, count in looked:
        assert expected(events[: places[place] + 1]) <= set(sink.names[:count])


def test_both_versions_tell_the_same_story() -> None:
    for number, event in enumerate(recorded()):
        one, two = parse_v1(frame_of(event, 1, number)), parse_v2(frame_of(event, 2, number))
        assert two is not None
        if isinstance(one.event, Upsert) and isinstance(two.event, Upsert):
            assert one.event.mention == two.event.mention
        else:
            assert one.event == two.event


def test_what_the_parser_says_is_what_was_signed() -> None:
    """The raw frames of the relay are the witness: the same window, byte for byte, with records that bear their hash."""
    told = {}
    for event in recorded():
        parsed = parse_v1(json.dumps(event)).event
        if isinstance(parsed, Upsert):
            told["upsert", parsed.mention.id] = parsed.mention
        elif isinstance(parsed, Delete):
            told["delete", parsed.id] = parsed
        elif isinstance(parsed, DeleteAuthor):
            told["delete_author", parsed.author] = parsed
    raw = list(firehose.frames(data_path("recorded/bluesky/relay_frames_150.bin.zst").read_bytes()))
    assert Counter(kind for kind, _ in raw) == {"#commit": 148, "#identity": 1, "#account": 1}
    gone = {
        ("delete_author", f"bluesky:{body['did']}") for kind, body in raw if kind == "#account" and not body["active"]
    }
    signed = {}
    for op in (op for kind, body in raw if kind == "#commit" for op in firehose.ops(body)):
        if op.path.startswith(("app.bsky.feed.post/", "app.bsky.feed.repost/")):
            what = "delete" if op.action == "delete" else "upsert"
            signed[what, f"bluesky:at://{op.did}/{op.path}"] = op
    assert set(told) == set(signed) | gone
    assert len([key for key in signed if key[0] == "upsert"]) > 20
    for key, op in signed.items():
        if op.record is not None:
            assert_says(told[key], op, op.record)


def assert_says(mention: Any, op: firehose.Op, record: dict[str, Any]) -> None:
    """The mention says of a post or repost what its signed record says."""

    def name(reference: dict[str, Any] | None) -> str | None:
        return f"bluesky:{reference['uri']}" if reference else None

    assert mention.author.id == op.did
    assert mention.published_at == datetime.fromisoformat(record["createdAt"])
    assert mention.version == (op.cid if op.action == "update" else None)
    if op.path.startswith("app.bsky.feed.repost/"):
        assert (mention.kind, mention.repost_of) == ("repost", name(record["subject"]))
        return
    reply, embed = record.get("reply", {}), record.get("embed", {})
    features = [f for facet in record.get("facets", ()) for f in facet["features"]]
    quoted = embed.get("record", {}).get("record", embed.get("record"))
    quoted = quoted if quoted and "/app.bsky.feed.post/" in quoted["uri"] else None
    assert mention.text == record["text"]
    assert mention.language == next(iter(record.get("langs", ())), None)
    assert (mention.reply_to, mention.thread_root) == (name(reply.get("parent")), name(reply.get("root")))
    assert mention.quote_of == name(quoted)
    assert list(mention.links) == [f["uri"] for f in features if "uri" in f]
    assert list(mention.hashtags) == [f["tag"] for f in features if "tag" in f] + record.get("tags", [])
    pictures = embed.get("media", embed).get("images", [])
    assert [one.alt for one in mention.media if one.type == "image"] == [one["alt"] or None for one in pictures]


def test_the_golden_events_are_read_as_they_are() -> None:
    lines = data_path("recorded/bluesky/jetstream_v1_golden.jsonl").read_text("utf-8").splitlines()
    kinds = Counter(type(parse_v1(line).event).__name__ for line in lines if line.strip())
    assert kinds == {"NoneType": 8, "Upsert": 2}
    reply = next(e.mention for line in lines if isinstance(e := parse_v1(line).event, Upsert) and e.mention.reply_to)
    assert (reply.kind, reply.language, reply.thread_root is not None) == ("comment", "en", True)


@pytest.mark.parametrize("name", ["valid", "invalid"])
def test_a_claimed_time_is_taken_where_it_is_one_and_the_servers_stands_in_otherwise(name: str) -> None:
    lines = data_path(f"recorded/bluesky/datetime_syntax_{name}.txt").read_text("utf-8").splitlines()
    claims = [line for line in lines if line.strip() and not line.startswith("#")]
    frame = next(e for e in recorded() if e.get("commit", {}).get("record", {}).get("$type") == "app.bsky.feed.post")
    stood_in = 0
    for claim in claims:
        commit = {**frame["commit"], "record": {**frame["commit"]["record"], "createdAt": claim}}
        event = parse_v1(json.dumps({**frame, "commit": commit})).event
        assert isinstance(event, Upsert)
        clean(event, source="s", observed_at=SystemClock().now())
        stood_in += event.mention.published_at == instant(frame["time_us"])
    assert stood_in == 0 if name == "valid" else stood_in > len(claims) / 2
