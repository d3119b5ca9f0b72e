"""One topic, what arrived, and the instants that have passed since it was last looked at: what is to be told. Pure.

Every closed minute is decided once, in order, from what was known at its end; the open minute is peeked at by rules that
more arrivals can only make truer. Closed five-minute buckets teach the baseline, each once, after they were decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo

from msgspec import Struct, field, structs

from resonance.alerts.lifecycle import Action, Incident, Step, close, fingerprint, step
from resonance.alerts.rules import MINUTE, Sum, Verdict, is_monotone, judge, longest_window
from resonance.baseline import BUCKET, Baseline, fresh, learn
from resonance.catalogue import Rule, duration

_SECOND = 1_000_000


class TrackerState(Struct, frozen=True):
    """What is remembered of a topic, ≤ 2 kB packed. `decided`: every minute before it (epoch s) is decided. `taught`: the
    newest entry of the change feed that had added to its history when that was read."""

    version: int
    live_from: int
    decided: int
    baseline: Baseline
    incidents: dict[str, Incident] = field(default_factory=dict)
    taught: int = 0


class Happened(Struct, frozen=True):
    """Something to be told or shown: what became of an incident of a rule, and what was measured then."""

    rule: str
    action: Action
    incident: Incident
    at: int
    verdict: Verdict


class Tracked(Struct, frozen=True):
    """The outcome: the state after, what happened in order, and when (epoch s) the topic is due again (None: when
    something arrives)."""

    state: TrackerState
    happened: list[Happened]
    due: int | None


def begin(version: int, live_from: int, history: Sequence[tuple[int, int]], zone: tzinfo) -> TrackerState:
    """A new topic version, or a rebuild: taught by its history, (start of five minutes in epoch s, mentions) before
    `live_from`, with gaps meaning none. History teaches, it never fires."""
    first = live_from - live_from % BUCKET
    known = dict(history)
    since = min(known, default=first)
    baseline = learn(fresh(since), ((at, known.get(at, 0)) for at in range(since, first, BUCKET)), zone)
    return TrackerState(version, first, first, baseline)


def needed_since(state: TrackerState, rules: list[Rule]) -> int:
    """From which minute on (epoch s) arrivals are needed."""
    return min(state.decided - longest_window(rules), state.baseline.until)


def evaluate(
    state: TrackerState,
    topic: str,
    rules: list[Rule],
    arrivals: Mapping[int, Sum],
    now: int,
    zone: tzinfo,
    *,
    peek: bool = True,
) -> Tracked:
    """Decide every minute that closed by `now` (µs of progress), then peek at the open one unless told not to."""
    work = _Work(state, topic, rules, arrivals, zone)
    closed = now // _SECOND // MINUTE * MINUTE
    for minute in range(state.decided, closed, MINUTE):
        if work.stirs(minute):
            work.decide(minute, (minute + MINUTE) * _SECOND, rules)
        work.learn(minute + MINUTE)
    if peek:
        work.decide(closed, max(now, 1), [rule for rule in rules if is_monotone(rule.when)], peek=True)
    work.drop_unwatched(now)
    recent = any(at >= closed - longest_window(rules) for at in arrivals)
    due = closed + MINUTE if work.incidents or recent else None
    after = structs.replace(state, decided=max(closed, state.decided), baseline=work.baseline, incidents=work.incidents)
    return Tracked(after, work.happened, due)


class _Work:
    """The state while minutes are gone through."""

    def __init__(
        self, state: TrackerState, topic: str, rules: list[Rule], arrivals: Mapping[int, Sum], zone: tzinfo
    ) -> None:
        self.topic, self.rules, self.arrivals, self.zone = topic, rules, arrivals, zone
        self.baseline = state.baseline
        self.incidents = dict(state.incidents)
        self.happened: list[Happened] = []
        self.longest = longest_window(rules)
        self.coming = sorted(arrivals, reverse=True)
        self.latest = 0

    def stirs(self, minute: int) -> bool:
        """Whether anything can be decided: without an open incident and arrivals that a window still sees, nothing
        can. So a month that nobody spoke in is caught up with in no time. Minutes are asked for in order."""
        while self.coming and self.coming[-1] <= minute:
            self.latest = self.coming.pop()
        return bool(self.incidents) or self.latest >= minute + MINUTE - self.longest

    def decide(self, minute: int, at: int, rules: Sequence[Rule], *, peek: bool = False) -> None:
        """Judge the window that ends with `minute`; a peek only ever finds that something holds."""
        for rule in rules:
            verdict = judge(rule.when, self.arrivals, minute + MINUTE, self.baseline, self.zone)
            if peek and not verdict.holds:
                continue
            outcome = step(
                self.incidents.get(rule.id),
                verdict.holds,
                at,
                print_=fingerprint(rule.id, self.topic),
                bucket=minute,
                for_=_micros(rule.for_),
                keep=_micros(rule.keep_firing_for),
            )
            self._note(rule.id, outcome, at, verdict)

    def drop_unwatched(self, at: int) -> None:
        """Close what no rule watches any more."""
        watched = {rule.id for rule in self.rules}
        for name in sorted(self.incidents.keys() - watched):
            self._note(name, close(self.incidents[name]), at, Verdict(False))

    def learn(self, end: int) -> None:
        """Teach the bucket that ends here, if one does."""
        if end % BUCKET == 0 and end > self.baseline.until:
            buckets = range(self.baseline.until, end, BUCKET)
            self.baseline = learn(self.baseline, ((at, self._bucket(at)) for at in buckets), self.zone)

    def _bucket(self, start: int) -> int:
        return sum(self.arrivals[at].mentions for at in range(start, start + BUCKET, MINUTE) if at in self.arrivals)

    def _note(self, rule: str, outcome: Step, at: int, verdict: Verdict) -> None:
        if outcome.incident is None:
            self.incidents.pop(rule, None)
        else:
            self.incidents[rule] = outcome.incident
        self.happened += [Happened(rule, action, incident, at, verdict) for action, incident in outcome.happened]


def _micros(span: str) -> int:
    return int(duration(span).total_seconds()) * _SECOND
