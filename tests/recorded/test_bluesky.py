"""Recorded Bluesky events through a Jetstream that hangs up in every way: what was served is what was written."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ingest.sources.bluesky import Bluesky, Malformed, parse_v1, parse_v2
from ingest.worker import SourceWorker
from resonance.catalogue import Source
from resonance.clock import SystemClock
from resonance.errors import Retry
from resonance.model import Delete, DeleteAuthor, Event, Upsert
from resonance.ports import Mode
from resonance.stores.database import Database
from resonance.stores.source_states import SourceStates
from tests.support.data import data_path
from tests.support.fake_jetstream import Script, fake_jetstream, frame_of


def recorded() -> list[dict[str, Any]]:
    text = data_path("recorded/bluesky/jetstream_v1_window_152events.jsonl").read_text("utf-8")
    # The server's time is its cursor; events of one microsecond are told apart here as they are there, by order.
    return sorted(map(json.loads, filter(None, text.splitlines())), key=lambda event: event["time_us"])


def expected(events: Sequence[dict[str, Any]]) -> set[tuple[str, str]]:
    wanted = set()
    for event in events:
        commit = event.get("commit", {})
        if commit.get("collection") in ("app.bsky.feed.post", "app.bsky.feed.repost"):
            op = "delete" if commit["operation"] == "delete" else "upsert"
            wanted.add((op, f"bluesky:at://{event['did']}/{commit['collection']}/{commit['rkey']}"))
    return wanted


class Collector:
    """A sink that refuses every third write."""

    def __init__(self, *, fails: bool = True) -> None:
        self.events: list[Event] = []
        self.calls = 0
        self.fails = fails

    def write(self, events: Sequence[Event], *, source: str, mode: Mode = "live") -> None:
        self.calls += 1
        if self.fails and self.calls % 3 == 0:
            raise Retry("not now")
        self.events += events

    @property
    def seen(self) -> set[tuple[str, str]]:
        return {
            ("upsert", event.mention.id) if isinstance(event, Upsert) else ("delete", event.id)
            for event in self.events
            if isinstance(event, Upsert | Delete)
        }


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
    events = recorded()
    ends: list[int | str | None] = [1000, 1001, 1006, 1011, 1012, "cut", "slow"]
    script = Script(events, per_connection=25, ends=ends, versions=versions, zstd=zstd)
    sink = Collector()
    asyncio.run(run_until(script, sink, states, expected(events)))
    assert sink.seen == expected(events)
    assert script.connections >= 7


def test_a_forgotten_place_is_a_gap_that_a_person_sees(states: SourceStates) -> None:
    events = recorded()
    lease = states.take("bluesky", "engine", 0)
    assert lease is not None
    address_unknown = '{"version":2,"host":"HOST","place":5,"at":1}'
    script = Script(events, versions=(2,), floor=50)

    async def story() -> Collector:
        sink = Collector(fails=False)
        async with fake_jetstream(script) as address:
            states.keep(lease, 1, token=address_unknown.replace("HOST", address), at=None, counters={})
            worker = SourceWorker(
                Source(id="bluesky", kind="bluesky"),
                Bluesky(address),
                sink,
                states,
                SystemClock(),
                sleep=lambda _: asyncio.sleep(0),
            )
            task = asyncio.create_task(worker.run())
            async with asyncio.timeout(10):
                while sink.seen != expected(events):  # noqa: ASYNC110 - a sink is polled, as a person would look
                    await asyncio.sleep(0.02)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return sink

    asyncio.run(story())
    with states._database.read() as connection:
        assert "forgotten" in connection.exec_driver_sql("SELECT reason FROM gap").scalar_one()
        assert connection.exec_driver_sql("SELECT count(*) FROM change WHERE type = 'source.gap'").scalar_one() == 1


def test_both_versions_tell_the_same_story() -> None:
    for number, event in enumerate(recorded()):
        one, two = parse_v1(frame_of(event, 1, number)), parse_v2(frame_of(event, 2, number))
        assert two is not None
        if isinstance(one.event, Upsert) and isinstance(two.event, Upsert):
            assert one.event.mention == two.event.mention
        else:
            assert one.event == two.event


def test_the_golden_events_are_read_as_they_are() -> None:
    lines = data_path("recorded/bluesky/jetstream_v1_golden.jsonl").read_text("utf-8").splitlines()
    kinds = Counter(type(parse_v1(line).event).__name__ for line in lines if line.strip())
    assert kinds == {"NoneType": 8, "Upsert": 2} or kinds["Upsert"] == 2
    reply = next(e.mention for line in lines if isinstance(e := parse_v1(line).event, Upsert) and e.mention.reply_to)
    assert (reply.kind, reply.language, reply.thread_root is not None) == ("comment", "en", True)


def test_an_account_that_is_gone_takes_what_it_said_along() -> None:
    frame = {"did": "did:plc:x", "time_us": 1, "kind": "account", "account": {"active": False, "status": "deleted"}}
    assert parse_v1(json.dumps(frame)).event == DeleteAuthor(author="bluesky:did:plc:x")


@pytest.mark.parametrize("data", ["", "[]", "{", '{"kind":"commit"}', '{"did":1,"time_us":"x","kind":"commit"}'])
def test_a_frame_that_is_none_is_malformed(data: str) -> None:
    with pytest.raises(Malformed):
        parse_v1(data)


def test_unknown_kinds_are_passed_over() -> None:
    parsed = parse_v1('{"did":"did:plc:x","time_us":7,"kind":"surprise"}')
    assert (parsed.event, parsed.known, parsed.place) == (None, False, 7)
