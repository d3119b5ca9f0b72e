"""What is remembered of sources: one reads, by epoch; a place moves only with its lease."""

from __future__ import annotations

import threading

import pytest

from resonance.errors import Fenced
from resonance.stores.database import Database
from resonance.stores.source_states import LEASE, Lease, Missed, SourceStates


@pytest.fixture
def states(database: Database) -> SourceStates:
    return SourceStates(database)


def taken(states: SourceStates, owner: str, now: int) -> Lease:
    lease = states.take("s", owner, now)
    assert lease is not None
    return lease


def test_a_lease_is_one_owners_until_it_lapses_or_is_released(states: SourceStates) -> None:
    first = taken(states, "one", 0)
    assert states.take("s", "two", LEASE - 1) is None
    assert taken(states, "one", 5).epoch == first.epoch + 1
    assert states.take("s", "two", LEASE + 4) is None
    second = taken(states, "two", LEASE + 5)
    states.release(second)
    assert taken(states, "three", LEASE + 6).epoch == second.epoch + 1


def test_renewing_holds_it(states: SourceStates) -> None:
    states.renew(taken(states, "one", 0), LEASE)
    assert states.take("s", "two", LEASE + 1) is None


def test_a_place_is_saved_and_found_by_the_next(states: SourceStates) -> None:
    lease = taken(states, "one", 0)
    states.keep(lease, 1, token="a", at=7, counters={"events": 2})
    states.keep(lease, 2, token=None, at=None, counters={"events": 3, "deletes": 1})
    (state,) = states.all()
    assert (state.token, state.last_event_at, state.connected) == ("a", 7, True)
    assert state.counters == {"events": 5, "deletes": 1}
    assert taken(states, "one", 3).token == "a"


def test_a_stale_owner_moves_nothing_and_tells_nobody(states: SourceStates, database: Database) -> None:
    stale = taken(states, "one", 0)
    fresh = taken(states, "two", LEASE + 1)
    states.keep(fresh, LEASE + 2, token="b", at=None, counters={})
    gap = Missed(None, 9, "missing")
    with pytest.raises(Fenced):
        states.keep(stale, LEASE + 3, token="a", at=1, counters={"events": 1}, gap=gap)
    with pytest.raises(Fenced):
        states.broken(stale, LEASE + 3, "cut", {}, gap=gap)
    with pytest.raises(Fenced):
        states.renew(stale, LEASE + 3)
    states.release(stale)
    (state,) = states.all()
    assert (state.token, state.owner, state.counters) == ("b", "two", {})
    assert states.gaps("s") == []
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM change").scalar_one() == 0


def test_a_gap_is_a_row_and_a_change(states: SourceStates, database: Database) -> None:
    lease = taken(states, "one", 0)
    states.broken(lease, 1, "forgotten", {"reconnects": 1}, gap=Missed(3, 9, "forgotten"))
    assert states.gaps("s") == [Missed(3, 9, "forgotten")]
    (state,) = states.all()
    assert (state.token, state.connected, state.problem) == (None, False, "forgotten")
    assert state.counters == {"reconnects": 1, "gaps": 1}
    with database.read() as connection:
        rows = connection.exec_driver_sql("SELECT type, key, at FROM change").all()
    assert [tuple(row) for row in rows] == [("source.gap", "s", 9)]


def test_of_many_that_ask_at_once_one_gets_it(states: SourceStates) -> None:
    found: list[Lease | None] = []

    def ask(number: int) -> None:
        found.append(states.take("s", f"owner {number}", 1000))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert sum(lease is not None for lease in found) == 1
