"""Alerts as a state machine, and a tracker that never looks ahead."""

from __future__ import annotations

from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resonance.alerts.lifecycle import Incident, fingerprint, step
from resonance.alerts.rules import MINUTE, Sum
from resonance.catalogue import Change, NegativeShare, Rule, Threshold
from resonance.tracker import TrackerState, begin, evaluate

SECOND = 1_000_000
START = 1_767_225_600
RULES = [
    Rule(id="many", when=Threshold(mentions=8, window="5m"), keep_firing_for="5m"),
    Rule(id="lasting", when=Threshold(mentions=4, window="5m"), for_="3m", keep_firing_for="5m"),
    Rule(id="angry", when=NegativeShare(share=0.6, mentions=5, window="10m"), keep_firing_for="5m"),
    Rule(id="surge", when=Change(factor=2.0, mentions=6, score=3.0, window="10m")),
]


@settings(max_examples=200, deadline=None)
@given(
    story=st.lists(st.tuples(st.sampled_from([True, False, None]), st.integers(1, 400)), max_size=40),
    for_=st.integers(0, 600),
    keep=st.integers(0, 600),
)
def test_an_incident_fires_only_after_for_is_resolved_once_and_survives_silence(
    story: list[tuple[bool | None, int]], for_: int, keep: int
) -> None:
    incident: Incident | None = None
    open_ids: list[str] = []
    resolved: list[str] = []
    at = START * SECOND
    for holds, seconds in story:
        at += seconds * SECOND
        outcome = step(
            incident,
            holds,
            at,
            print_=fingerprint("r", "t"),
            bucket=at // SECOND // 60 * 60,
            for_=for_ * SECOND,
            keep=keep * SECOND,
        )
        if holds is None:
            assert outcome.incident == incident and outcome.happened == ()
        for action, one in outcome.happened:
            if action == "pending":
                assert not open_ids
                open_ids.append(one.id)
            elif action == "fire":
                assert open_ids == [one.id] and at - one.pending_at >= for_ * SECOND
            else:
                assert open_ids == [one.id] and one.id not in resolved
                assert action != "resolve" or (one.firing and at - one.held_at >= keep * SECOND)
                open_ids.clear()
                resolved.append(one.id)
        assert (outcome.incident is None) == (not open_ids)
        incident = outcome.incident


def fresh_state(history: list[int]) -> TrackerState:
    live = START + 2 * 86_400
    return begin(1, live, [(START + n * 300, count) for n, count in enumerate(history)], UTC)


def minutes_of(counts: list[tuple[int, int]]) -> dict[int, Sum]:
    live = START + 2 * 86_400
    return {live + n * MINUTE: Sum(total, min(bad, total)) for n, (total, bad) in enumerate(counts) if total}


Counts = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=60)
HISTORY = [1, 0, 2, 1] * 144


@settings(max_examples=60, deadline=None)
@given(counts=Counts, cut=st.integers(0, 60), pauses=st.lists(st.integers(1, 20), max_size=10))
def test_the_prefix_of_the_arrivals_gives_the_prefix_of_the_verdicts(
    counts: list[tuple[int, int]], cut: int, pauses: list[int]
) -> None:
    state = fresh_state(HISTORY)
    arrivals = minutes_of(counts)
    end = state.decided + len(counts) * MINUTE
    whole = evaluate(state, "t", RULES, arrivals, end * SECOND, UTC)
    until = state.decided + min(cut, len(counts)) * MINUTE
    known = {at: total for at, total in arrivals.items() if at < until}
    prefix = evaluate(state, "t", RULES, known, until * SECOND, UTC)
    closed = [h for h in whole.happened if h.at <= until * SECOND]
    assert [(h.rule, h.action, h.incident.id) for h in prefix.happened] == [
        (h.rule, h.action, h.incident.id) for h in closed
    ]
    stepwise, happened = state, []
    at = state.decided
    for pause in [*pauses, len(counts)]:
        at = min(at + pause * MINUTE, end)
        part = evaluate(stepwise, "t", RULES, {k: v for k, v in arrivals.items() if k < at}, at * SECOND, UTC)
        happened += part.happened
        stepwise = part.state
    assert stepwise == whole.state
    assert [(h.rule, h.action, h.incident.id) for h in happened] == [
        (h.rule, h.action, h.incident.id) for h in whole.happened
    ]


def test_a_burst_fires_in_the_open_minute_and_under_the_same_id_as_when_it_closed() -> None:
    state = fresh_state(HISTORY)
    burst = {state.decided: Sum(20, 0)}
    peeked = evaluate(state, "t", RULES, burst, (state.decided + 10) * SECOND, UTC)
    closed = evaluate(state, "t", RULES, burst, (state.decided + 60) * SECOND, UTC)
    fired = {(h.rule, h.incident.id) for h in peeked.happened if h.action == "fire"}
    assert {rule for rule, _ in fired} == {"many", "surge"}
    assert fired <= {(h.rule, h.incident.id) for h in closed.happened if h.action == "fire"}


def test_history_teaches_and_never_fires() -> None:
    loud = fresh_state([50] * 576)
    assert loud.incidents == {} and loud.baseline.settled
    assert evaluate(loud, "t", RULES[3:], {}, (loud.decided + 3600) * SECOND, UTC).happened == []


def test_without_a_day_of_history_nothing_is_unusual() -> None:
    state = begin(1, START, [], UTC)
    burst = {START: Sum(500, 0)}
    assert evaluate(state, "t", RULES[3:], burst, (START + 60) * SECOND, UTC).happened == []


def test_the_state_of_a_topic_stays_small() -> None:
    import msgspec

    state = evaluate(
        fresh_state(HISTORY), "t", RULES, minutes_of([(9, 9)] * 30), (START + 3 * 86_400) * SECOND, UTC
    ).state
    assert len(msgspec.msgpack.encode(state)) <= 2048


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_that_is_gone_closes_its_incident(rule: Rule) -> None:
    state = fresh_state(HISTORY)
    busy = minutes_of([(9, 9)] * 20)
    now = (state.decided + 20 * MINUTE) * SECOND
    during = evaluate(state, "t", [rule], busy, now, UTC)
    assert rule.id in during.state.incidents
    after = evaluate(during.state, "t", [], busy, now + 60 * SECOND, UTC)
    assert after.state.incidents == {}
    assert after.happened[-1].action == "resolve"


@settings(max_examples=60, deadline=None)
@given(busy=Counts, idle=st.integers(60, 3000), again=Counts)
def test_a_silent_stretch_is_passed_over_with_the_same_outcome_as_minute_by_minute(
    busy: list[tuple[int, int]], idle: int, again: list[tuple[int, int]]
) -> None:
    state = fresh_state(HISTORY)
    arrivals = minutes_of([*busy, *[(0, 0)] * idle, *again])
    end = state.decided + (len(busy) + idle + len(again)) * MINUTE
    whole = evaluate(state, "t", RULES, arrivals, end * SECOND, UTC)
    stepwise, happened = state, []
    for at in range(state.decided + MINUTE, end + MINUTE, MINUTE):
        part = evaluate(stepwise, "t", RULES, {k: v for k, v in arrivals.items() if k < at}, at * SECOND, UTC)
        happened += part.happened
        stepwise = part.state
    assert (stepwise, happened) == (whole.state, whole.happened)
