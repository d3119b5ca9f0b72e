"""The reader of Jetstream against a server on loopback: what it forgets, refuses, hides and repeats."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from websockets.datastructures import Headers
from websockets.http11 import Response

from ingest.source import AuthFailed, Batch, Transient
from ingest.sources.bluesky import Bluesky, Token
from ingest.worker import SourceWorker
from resonance.catalogue import Source
from resonance.clock import SystemClock
from resonance.errors import RateLimited
from resonance.model import Event, Upsert, instant
from resonance.ports import Mode
from resonance.stores.database import Database
from resonance.stores.source_states import SourceStates
from tests.support.fake_jetstream import Script, fake_jetstream

START = 1_783_175_888_000_000


def post(number: int, *, at: int | None = None) -> dict[str, Any]:
    """A post as version 1 tells it, one a second."""
    record = {"$type": "app.bsky.feed.post", "createdAt": "2026-07-04T14:38:08Z", "text": f"number {number}"}
    commit = {"operation": "create", "collection": "app.bsky.feed.post", "rkey": str(number), "record": record}
    return {"did": "did:plc:a", "time_us": at or START + number * 1_000_000, "kind": "commit", "commit": commit}


def token(address: str, version: int, number: int) -> str:
    """The place at post `number`."""
    at = START + number * 1_000_000
    return json.dumps({"version": version, "host": address, "place": number + 1 if version == 2 else at, "at": at})


async def first_batches(source: Bluesky, place: str | None, wanted: Callable[[list[Batch]], bool]) -> list[Batch]:
    found: list[Batch] = []
    async with asyncio.timeout(10), aclosing(source.batches(place)) as batches:
        async for batch in batches:
            found.append(batch)
            if wanted(found):
                break
    return found


def numbers(batches: list[Batch]) -> list[int]:
    return [int(e.mention.text.split()[1]) for b in batches for e in b.events if isinstance(e, Upsert)]


def read(
    script: Script, place: Callable[[str], str | None] = lambda _: None, *, until: int, version: int | None = None
) -> list[Batch]:
    """Batches until post number `until` came."""

    async def story() -> list[Batch]:
        async with fake_jetstream(script) as address:
            source = Bluesky(address, version=version)
            return await first_batches(source, place(address), lambda found: until in numbers(found))

    return asyncio.run(story())


def test_a_place_that_version_2_has_forgotten_is_a_gap_and_everything_after_its_floor_comes() -> None:
    script = Script([post(n) for n in range(40)], versions=(2,), floor=25)
    found = read(script, lambda address: token(address, 2, 3), until=39)
    assert numbers(found) == list(range(25, 40))
    gaps = [batch.gap for batch in found if batch.gap]
    assert [(g.since, g.until) for g in gaps] == [(instant(START + 3_000_000), instant(START + 25_000_000))]


def test_a_place_that_version_1_has_silently_forgotten_is_a_gap_too() -> None:
    script = Script([post(n) for n in range(200)], versions=(1,), floor=150)
    found = read(script, lambda address: token(address, 1, 3), until=199)
    assert next(batch.gap is not None for batch in found if batch.events)
    assert sum(batch.gap is not None for batch in found) == 1


@pytest.mark.parametrize("version", [1, 2])
def test_a_place_that_is_known_is_no_gap_and_the_event_at_it_does_not_come_twice(version: int) -> None:
    script = Script([post(n) for n in range(40)], versions=(version,))
    found = read(script, lambda address: token(address, version, 20), until=39)
    assert not any(batch.gap for batch in found)
    # Version 1 goes back some seconds, because its times do not rise strictly; what was logged is known downstream.
    assert numbers(found) == list(range(21 if version == 2 else 15, 40))


def test_another_host_is_asked_by_time() -> None:
    script = Script([post(n) for n in range(40)], versions=(2,))
    found = read(script, lambda _: token("ws://elsewhere", 2, 20), until=39)
    assert numbers(found) == list(range(15, 40))


def test_another_host_that_remembers_less_is_a_gap() -> None:
    script = Script([post(n) for n in range(40)], versions=(2,), floor=25)
    found = read(script, lambda _: token("ws://elsewhere", 2, 3), until=39)
    assert numbers(found) == list(range(25, 40))
    assert [batch.gap.since for batch in found if batch.gap] == [instant(START + 3_000_000)]


def test_a_server_that_knows_only_version_1_is_read_by_it() -> None:
    script = Script([post(n) for n in range(5)], versions=(1,))
    last = read(script, until=4)[-1]
    assert last.token is not None and json.loads(last.token)["version"] == 1


def test_an_event_of_equal_time_is_not_taken_for_a_repetition() -> None:
    same = [post(n, at=START) for n in range(5)] + [post(5, at=START - 1)]
    assert sorted(numbers(read(Script(same, versions=(1,)), until=5))) == [0, 1, 2, 3, 4, 5]


def test_what_could_not_be_logged_comes_again_and_what_was_logged_does_not() -> None:
    script = Script([post(n) for n in range(4)], versions=(1,))

    async def story() -> tuple[list[Batch], list[Batch]]:
        async with fake_jetstream(script) as address:
            source = Bluesky(address)
            # The reader is left while the batch is in our hands: nobody has said that it is in the log.
            await first_batches(source, None, lambda found: numbers(found) == [0, 1, 2, 3])
            again = await first_batches(source, None, lambda found: numbers(found) == [0, 1, 2, 3])
            async with aclosing(source.batches(None)) as batches:
                async for batch in batches:
                    if batch.events:
                        break
                # Asking on says that it is.
                waiting = asyncio.ensure_future(anext(batches))
                await asyncio.sleep(0.05)
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)
            late = await first_batches(source, None, lambda found: sum(b.duplicates for b in found) == 4)
        return again, late

    again, late = asyncio.run(story())
    assert numbers(again) == [0, 1, 2, 3]
    assert numbers(late) == []


def test_frames_that_nobody_knows_or_can_read_are_counted_and_do_no_harm() -> None:
    strange = [
        '{"$type":"message","payload":{"$type":"x#surprise","seq":1,"did":"did:plc:a","time":"2026-07-04T14:38:08Z"}}',
        "{",
        '{"$type":"message"}',
    ]
    found = read(Script([post(0)], versions=(2,), between=strange), until=0)
    assert (sum(b.unknown for b in found), sum(b.malformed for b in found)) == (1, 2)


@pytest.mark.parametrize("number", [1000, 1001, 1006, 1011, 1012, "cut", "slow"])
def test_whatever_ends_the_stream_what_was_read_is_handed_out_before_it_is_said(number: int | str) -> None:
    script = Script([post(n) for n in range(3)], per_connection=3, ends=[number], versions=(2,))

    async def story() -> list[Batch]:
        found: list[Batch] = []
        async with fake_jetstream(script) as address, aclosing(Bluesky(address).batches(None)) as batches:
            with pytest.raises(Transient):
                async for batch in batches:
                    found.append(batch)
        return found

    assert numbers(asyncio.run(story())) == [0, 1, 2]


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (401, {}, AuthFailed("Jetstream answered 401: no")),
        (403, {}, AuthFailed("Jetstream answered 403: no")),
        (429, {"Retry-After": "7"}, RateLimited("Jetstream answered 429: no", timedelta(seconds=7))),
        (503, {}, Transient("Jetstream answered 503: no")),
        (400, {}, Transient("Jetstream answered 400: no")),
    ],
)
def test_a_refusal_says_what_to_do(status: int, headers: dict[str, str], expected: Exception) -> None:
    answer = Response(status, "said", Headers({"Content-Length": "2", **headers}), b"no")
    with pytest.raises(type(expected)) as caught:
        read(Script([post(0)], refusals=[answer]), until=0)
    assert str(caught.value) == str(expected)
    assert getattr(caught.value, "after", None) == getattr(expected, "after", None)


def test_nobody_there_is_transient() -> None:
    async def story() -> None:
        async with fake_jetstream(Script([])) as address:
            pass
        async with aclosing(Bluesky(address).batches(None)) as batches:
            await anext(batches)

    with pytest.raises(Transient, match="no connection"):
        asyncio.run(story())


def test_a_frame_that_unpacks_to_gigabytes_is_refused_unseen() -> None:
    bomb = zstandard.compress(b"0" * 20_000_000)
    script = Script([post(0)], versions=(2,), between=[bomb])  # type: ignore[list-item]
    found = read(script, until=0)
    assert sum(batch.malformed for batch in found) == 1


def test_the_token_is_read_by_the_next_program() -> None:
    assert msgspec.json.decode(token("h", 2, 1), type=Token) == Token(2, "h", 2, START + 1_000_000)


# ---- with the worker ------------------------------------------------------------------------------------------


class Written:
    """A sink that is slow to answer, as a disk is."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def hold(self, source: str) -> None:
        raise AssertionError("no times of its own")

    def write(self, events: list[Event], *, source: str, mode: Mode = "live", until: datetime | None = None) -> None:
        self.numbers += [int(e.mention.text.split()[1]) for e in events if isinstance(e, Upsert)]


async def _soon(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not done():  # noqa: ASYNC110 - a sink is polled, as a person would look
            await asyncio.sleep(0.01)


async def _at_once(_: float) -> None:
    await asyncio.sleep(0)


def test_workers_that_are_cancelled_again_and_again_lose_nothing(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'store.db'}")
    database.migrate()
    states, sink = SourceStates(database), Written()
    script = Script([post(n) for n in range(300)], per_connection=15, ends=[1001] * 19, versions=(2,))

    async def story() -> None:
        sleep: Callable[[float], Awaitable[None]] = _at_once
        async with fake_jetstream(script) as address:
            for stop_at in (10, 60, 61, 150, 299):
                worker = SourceWorker(
                    Source(id="b", kind="bluesky"), Bluesky(address), sink, states, SystemClock(), sleep=sleep
                )
                task = asyncio.create_task(worker.run())
                await _soon(lambda stop_at=stop_at: len(set(sink.numbers)) > stop_at)  # type: ignore[misc]
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    asyncio.run(story())
    assert sorted(set(sink.numbers)) == list(range(300))
    state = states.all()[0]
    assert (state.connected, state.owner) == (False, None)
    assert state.counters["events"] <= len(sink.numbers)
    database.close()


def test_a_gap_is_told_once_to_a_person_and_in_the_change_feed(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'store.db'}")
    database.migrate()
    states, sink = SourceStates(database), Written()
    script = Script([post(n) for n in range(40)], versions=(2,), floor=25)

    async def story() -> None:
        async with fake_jetstream(script) as address:
            lease = states.take("b", "engine", 0)
            assert lease is not None
            states.keep(lease, 1, token=token(address, 2, 3), at=None, counters={})
            worker = SourceWorker(Source(id="b", kind="bluesky"), Bluesky(address), sink, states, SystemClock())
            task = asyncio.create_task(worker.run())
            await _soon(lambda: 39 in sink.numbers and bool(states.gaps("b")))
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(story())
    (gap,) = states.gaps("b")
    assert (gap.since, gap.until) == (START + 3_000_000, START + 25_000_000)
    assert "forgotten" in gap.reason
    with database.read() as connection:
        kinds = connection.exec_driver_sql("SELECT type, key FROM change").all()
    assert [tuple(row) for row in kinds] == [("source.gap", "b")]
    assert states.all()[0].counters["gaps"] == 1
    database.close()
