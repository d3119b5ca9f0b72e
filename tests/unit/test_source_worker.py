"""The worker of a source: what it does when the source, the sink or the store fail, and what it never does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ingest.source import AuthFailed, Batch, Gap, TokenTooOld, Transient
from ingest.worker import SourceWorker
from resonance.catalogue import Source
from resonance.clock import ManualClock
from resonance.errors import Full, RateLimited, Retry, Stop
from resonance.model import Delete, Event, PublicEvent, Upsert
from resonance.ports import Mode
from resonance.stores.database import Database
from resonance.stores.source_states import SourceStates
from resonance.wire import read_event
from tests.support.machine import at


def event(number: int, text: str = "hallo") -> PublicEvent:
    return read_event({"id": f"x:{number}", "text": text, "published_at": "2026-05-04T12:00:00Z"})


class Scripted:
    """A source of numbered events; before event n it does once what `story` says (raise, or wait for ever)."""

    def __init__(self, count: int, story: dict[int, Exception | None] | None = None) -> None:
        self.count, self.story = count, dict(story or {})
        self.began: list[str | None] = []
        self.closed = 0

    async def batches(self, token: str | None) -> AsyncGenerator[Batch, None]:
        self.began.append(token)
        try:
            for number in range(int(token or 0), self.count):
                if number in self.story:
                    step = self.story.pop(number)
                    if step is not None:
                        raise step
                    await asyncio.Event().wait()
                yield Batch([event(number)], str(number + 1))
            await asyncio.Event().wait()
        finally:
            self.closed += 1


class Written:
    """A sink; call n first does what `story` says."""

    def __init__(self, story: dict[int, Callable[[], None]] | None = None) -> None:
        self.ids: list[str] = []
        self.story = story or {}
        self.calls = 0

    def hold(self, source: str) -> None:
        raise AssertionError("no times of its own")

    def write(
        self, events: Sequence[Event], *, source: str, mode: Mode = "live", until: datetime | None = None
    ) -> None:
        self.calls += 1
        if self.calls in self.story:
            self.story[self.calls]()
        self.ids += [e.mention.id if isinstance(e, Upsert) else e.id for e in events if isinstance(e, Upsert | Delete)]


def fails(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


@pytest.fixture
def states(tmp_path: Path) -> Iterator[SourceStates]:
    database = Database(f"sqlite:///{tmp_path / 'store.db'}")
    database.migrate()
    yield SourceStates(database)
    database.close()


class Pauses(list[float]):
    """Remembers every pause, and makes none."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)
        await asyncio.sleep(0)


def worker(source: Any, sink: Any, states: SourceStates, pauses: Pauses, **more: Any) -> SourceWorker:
    more = {"jitter": lambda: 1.0, **more}
    return SourceWorker(Source(id="s"), source, sink, states, ManualClock(at(0)), sleep=pauses, **more)


def run(made: SourceWorker, done: Callable[[], bool]) -> None:
    """Until `done`, or until it ends by itself."""

    async def story() -> None:
        task = asyncio.create_task(made.run())
        try:
            async with asyncio.timeout(10):
                while not done() and not task.done():  # noqa: ASYNC110 - a sink is polled, as a person would look
                    await asyncio.sleep(0.005)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    asyncio.run(story())


@pytest.mark.parametrize(
    "error", [Transient("cut"), OSError("no route"), KeyError("a mistake of ours"), RateLimited("slower")]
)
def test_it_comes_again_from_the_saved_place_whatever_breaks_in_the_source(
    states: SourceStates, error: Exception
) -> None:
    source, sink = Scripted(6, {3: error}), Written()
    run(worker(source, sink, states, Pauses()), lambda: len(sink.ids) == 6)
    assert sink.ids == [f"x:{n}" for n in range(6)]
    assert source.began == [None, "3"]
    assert states.all()[0].counters["reconnects"] == 1


@pytest.mark.parametrize("error", [Retry("busy"), Full("no room")])
def test_a_batch_that_the_log_did_not_take_comes_again(states: SourceStates, error: Exception) -> None:
    source, sink = Scripted(4), Written({2: fails(error)})
    run(worker(source, sink, states, Pauses()), lambda: len(sink.ids) == 4)
    assert sink.ids == [f"x:{n}" for n in range(4)]
    assert source.began == [None, "1"]
    assert source.closed == 2


def test_the_place_is_saved_only_after_the_log_has_taken_the_batch(states: SourceStates) -> None:
    seen: list[tuple[int, str | None]] = []

    class Looking(Written):
        def hold(self, source: str) -> None:
            raise AssertionError("no times of its own")

        def write(
            self, events: Sequence[Event], *, source: str, mode: Mode = "live", until: datetime | None = None
        ) -> None:
            seen.append((len(self.ids), states.all()[0].token))
            super().write(events, source=source)

    sink = Looking()
    run(worker(Scripted(5), sink, states, Pauses()), lambda: len(sink.ids) == 5)
    assert seen == [(0, None), (1, "1"), (2, "2"), (3, "3"), (4, "4")]


def test_cancelling_while_the_log_writes_loses_nothing(states: SourceStates) -> None:
    writing, go_on = threading.Event(), threading.Event()

    def slowly() -> None:
        writing.set()
        assert go_on.wait(5)

    source, sink = Scripted(3), Written({2: slowly})

    async def story() -> None:
        task = asyncio.create_task(worker(source, sink, states, Pauses()).run())
        while not writing.is_set():  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(0.005)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        go_on.set()

    asyncio.run(story())
    assert states.all()[0].token == "1"
    run(worker(source, sink, states, Pauses()), lambda: "x:2" in sink.ids)
    assert set(sink.ids) == {"x:0", "x:1", "x:2"}


def test_pauses_grow_with_full_jitter_up_to_a_minute_and_start_anew_after_a_healthy_minute(
    states: SourceStates,
) -> None:
    class Broken:
        def __init__(self) -> None:
            self.count = 0

        async def batches(self, token: str | None) -> AsyncGenerator[Batch, None]:
            self.count += 1
            now[0] += 61.0 if self.count == 9 else 1.0
            raise Transient("cut")
            yield Batch()

    now, source, pauses = [0.0], Broken(), Pauses()
    made = worker(source, Written(), states, pauses, jitter=lambda: 0.5, monotonic=lambda: now[0])
    run(made, lambda: len(pauses) >= 10)
    assert pauses[:10] == [0.5, 1, 2, 4, 8, 16, 30, 30, 0.5, 1]


def test_it_pauses_at_least_as_long_as_the_other_side_asked_for(states: SourceStates) -> None:
    source, sink, pauses = Scripted(2, {1: RateLimited("slower", timedelta(seconds=90))}), Written(), Pauses()
    run(worker(source, sink, states, pauses), lambda: len(sink.ids) == 2)
    assert pauses == [91.0]


def test_a_source_that_does_not_know_us_is_asked_once_and_says_so(states: SourceStates) -> None:
    source, pauses = Scripted(2, {1: AuthFailed("the key is not valid")}), Pauses()
    run(worker(source, Written(), states, pauses), lambda: False)
    state = states.all()[0]
    assert (len(source.began), list(pauses)) == (1, [])
    assert (state.connected, state.problem) == (False, "the key is not valid")


def test_an_error_of_ours_that_needs_a_person_is_raised_and_named(states: SourceStates) -> None:
    with pytest.raises(Stop, match="read-only"):
        run(worker(Scripted(2), Written({1: fails(Stop("read-only"))}), states, Pauses()), lambda: False)
    assert states.all()[0].problem == "read-only"


def test_a_forgotten_place_is_a_gap_and_the_next_attempt_begins_anew(states: SourceStates) -> None:
    source, sink = Scripted(4, {2: TokenTooOld("forgotten")}), Written()
    run(worker(source, sink, states, Pauses()), lambda: len(sink.ids) == 6)
    assert source.began == [None, None]
    assert [gap.reason for gap in states.gaps("s")] == ["forgotten"]


def test_a_gap_is_remembered_together_with_the_place_after_it_and_only_then(states: SourceStates) -> None:
    class Gapped:
        async def batches(self, token: str | None) -> AsyncGenerator[Batch, None]:
            if token is None:
                yield Batch([event(0)], "1", Gap("missing", at(0), at(60)))
            await asyncio.Event().wait()

    sink = Written({1: fails(Retry("busy")), 2: fails(Retry("busy"))})
    run(worker(Gapped(), sink, states, Pauses()), lambda: bool(sink.ids) and states.all()[0].token == "1")
    assert len(states.gaps("s")) == 1


def test_what_cannot_be_cleaned_is_counted_and_the_rest_is_taken(states: SourceStates) -> None:
    class Mixed:
        async def batches(self, token: str | None) -> AsyncGenerator[Batch, None]:
            yield Batch(
                [event(0), event(1, ""), Delete(id="x:9")], "3", malformed=2, ignored=5, unknown=1, duplicates=4
            )
            await asyncio.Event().wait()

    sink = Written()
    run(worker(Mixed(), sink, states, Pauses()), lambda: states.all() != [] and states.all()[0].token == "3")
    assert sink.ids == ["x:0", "x:9"]
    expected = {"events": 2, "deletes": 1, "rejected": 3, "ignored": 5, "unknown": 1, "duplicates": 4}
    assert {name: states.all()[0].counters[name] for name in expected} == expected


def test_of_two_workers_one_reads_and_the_other_takes_over_when_it_is_gone(states: SourceStates) -> None:
    first, second, sink, pauses = Scripted(2), Scripted(4), Written(), Pauses()

    async def story() -> None:
        one = asyncio.create_task(worker(first, sink, states, Pauses(), owner="one").run())
        async with asyncio.timeout(5):
            while len(sink.ids) < 2:  # noqa: ASYNC110 - a sink is polled, as a person would look
                await asyncio.sleep(0.005)
        other = asyncio.create_task(worker(second, sink, states, pauses, owner="other").run())
        await asyncio.sleep(0.1)
        assert second.began == []
        one.cancel()
        async with asyncio.timeout(5):
            while len(sink.ids) < 4:  # noqa: ASYNC110 - a sink is polled, as a person would look
                await asyncio.sleep(0.005)
        other.cancel()
        await asyncio.gather(one, other, return_exceptions=True)

    asyncio.run(story())
    assert sink.ids == ["x:0", "x:1", "x:2", "x:3"]
    assert second.began == ["2"]
    assert pauses[0] == 5.0


def test_a_worker_whose_lease_was_taken_stops_reading_although_nothing_comes(states: SourceStates) -> None:
    source = Scripted(2, {1: None})
    made = worker(source, Written(), states, Pauses(), owner="one", renew_seconds=0.02)

    async def story() -> None:
        task = asyncio.create_task(made.run())
        async with asyncio.timeout(5):
            while not states.all() or states.all()[0].token != "1":  # noqa: ASYNC110 - the store is polled
                await asyncio.sleep(0.005)
            # As after a long sleep of this machine: the lease is over.
            assert states.take("s", "other", 2**62) is not None
            while not source.closed:  # noqa: ASYNC110 - the source is polled
                await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(story())
    assert (states.all()[0].owner, states.all()[0].token) == ("other", "1")


def test_nothing_is_taken_while_the_log_is_far_ahead_of_its_readers(states: SourceStates) -> None:
    sink, pauses = Written(), Pauses()
    busy = iter([True, True, True])
    run(worker(Scripted(1), sink, states, pauses, busy=lambda: next(busy, False)), lambda: bool(sink.ids))
    assert pauses == [0.5, 0.5, 0.5]
