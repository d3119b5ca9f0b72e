"""Looks at the topics that something happened to, or that are due; decides from committed rows, and commits what follows."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec
import structlog

from resonance.alerts.lifecycle import Incident, Step, close, fingerprint, step
from resonance.alerts.onset import onset
from resonance.alerts.reasons import KeyTerms, reasons, top_mentions
from resonance.alerts.rules import MINUTE, Verdict, window_seconds
from resonance.baseline import fresh
from resonance.catalogue import Catalogue, Condition, NegativeShare, Rule, Silent, Topic, duration
from resonance.changes import REBUILDS
from resonance.clock import Clock
from resonance.engines.closing import Closing
from resonance.errors import Fenced, Full, Retry
from resonance.matching import parse
from resonance.matching.query import leaves, word_of
from resonance.model import micros
from resonance.stores.dialect import Place
from resonance.stores.evaluations import AlertRow, Decided, Evaluations, News, Notice, Remembered, SourceSeen
from resonance.tracker import Happened, TrackerState, begin, evaluate, needed_since
from resonance.update import Change

_HISTORY = 35 * 86_400
_BATCH = 50
_IDLE, _GATHER, _AGAIN = 1.1, 0.03, 0.1
_LONGEST_PAUSE = 0.5
_SETTLE = 2.0
"""Real seconds without another backfilled match before a topic's history is read anew."""

log = structlog.get_logger()


@dataclass
class Evaluator:
    """Looks at the topics (and sources) that `owns` says are its own; by default all are. `default_channels` are told of
    everything, beside the departments' own. `evaluated` is told how many topics were looked at, and how old (seconds of log
    time since they were committed) the mentions were that they were looked at for; `fenced` of each decision that another
    owner made void."""

    store: Evaluations
    catalogue: Callable[[], Catalogue]
    clock: Clock
    key_terms: KeyTerms
    default_channels: tuple[str, ...] = ()
    real: Callable[[], float] = time.time
    evaluated: Callable[[int, Sequence[float]], object] = lambda *_: None
    fenced: Callable[[], object] = lambda: None
    owns: Callable[[str], bool] = lambda _: True
    idle: float = _IDLE
    """Seconds between two looks for what other processes have committed …"""
    stirred: threading.Event = field(default_factory=threading.Event)
    """… or until somebody in this process sets it."""
    peeks: bool = True
    """Whether the open minute is looked at, too. What is decided then depends on when; where simulated time runs fast,
    the next minute is near."""
    cursor: Place | None = None
    due: dict[str, int | None] = field(default_factory=dict)
    rebuilds: dict[str, tuple[float, int]] = field(default_factory=dict)
    """Topic → when its history was last added to (real s), and the entry of the change feed that says so."""
    catalogue_version: int = -1
    anew: bool = False
    closing: Closing = field(init=False)

    def __post_init__(self) -> None:
        self.closing = Closing(self.store)

    def step(self) -> int:
        """Look at what needs it; returns how many topics were decided."""
        news = self.store.news(self._since())
        progress = self.closing.progress(news.progress)
        committed = self._touched(news)
        touched = set(committed)
        catalogue = self.catalogue()
        if catalogue.version != self.catalogue_version:
            touched |= {topic.id for topic in catalogue.topics.values()}
            self.catalogue_version = catalogue.version
        ready = {name: entry for name, (at, entry) in self.rebuilds.items() if self.real() - at >= _SETTLE}
        late = {name for name, at in self.due.items() if at is not None and at * 1_000_000 <= progress}
        chosen = (
            sorted(filter(self.owns, (touched | late | ready.keys()) & catalogue.topics.keys())) if progress else []
        )
        for first in range(0, len(chosen), _BATCH):
            names = chosen[first : first + _BATCH]
            known = self.store.remembered(names)
            decided = [
                self._look(catalogue, catalogue.topics[name], known.get(name), progress, ready.get(name))
                for name in names
            ]
            self._commit([one for one in decided if _news(one, known.get(one.topic))])
        if progress:
            self.rebuilds = {name: since for name, since in self.rebuilds.items() if name not in ready}
        now = micros(self.clock.now())
        self.evaluated(len(chosen), [(now - at) / 1e6 for name in chosen for at in committed.get(name, ())])
        return len(chosen) + self._silence(catalogue, news.sources)

    def run(self, stop: threading.Event) -> None:
        """Until told to stop."""
        patience = self.idle
        while not stop.is_set():
            started = time.monotonic()
            try:
                busy = self.step()
            except (Retry, Full) as error:
                log.warning("evaluate.retry", problem=str(error))
                self.cursor, busy = None, 0
            # At most a fifth of the time: under load, more happens to a topic between two looks, and processing goes on.
            if busy:
                stop.wait(min(max(0.02, 4 * (time.monotonic() - started)), _LONGEST_PAUSE))
                patience = self.idle
            elif self.stirred.wait(patience):
                # All lanes hear what time it is at the same moment.
                stop.wait(_GATHER)
                self.stirred.clear()
                # An older transaction of somebody else may hide what was committed for a moment.
                patience = _AGAIN
            else:
                patience = self.idle

    def begin_anew(self) -> None:
        """What is owned has changed: look at everything once, as after a start. Other threads may call it."""
        self.anew = True

    # ---- which topics ---------------------------------------------------------------------------------------

    def _since(self) -> Place:
        """The place in the change feed up to which it was looked at."""
        if self.anew:
            self.anew, self.cursor, self.catalogue_version = False, None, -1
        if self.cursor is None:
            # After a start everything is looked at once: so no cursor has to be kept.
            self.cursor = self.store.last_change()
            self.due = dict(self.store.known())
            # What asked for them may lie before the place, or whoever read it may have died before the rebuild.
            self.rebuilds = {topic: (0.0, entry) for topic, entry in self.store.rebuilds().items()}
            self.catalogue_version = -1
        return self.cursor

    def _touched(self, news: News) -> dict[str, list[int]]:
        """Topic → when (µs of log time) each of its mentions that changed since the last look was committed."""
        touched: dict[str, list[int]] = {}
        for number, kind, topic, at in news.changes:
            self.cursor = number
            if topic is None:
                continue
            if kind in REBUILDS:
                # Places are in the order of commits, entries in that of writing.
                newest = max(number[1], self.rebuilds.get(topic, (0.0, 0))[1])
                self.rebuilds[topic] = (self.real() if kind == "topic.backfilled" else 0.0, newest)
            committed = touched.setdefault(topic, [])
            if kind.startswith("mention."):
                committed.append(at)
        return touched

    # ---- one topic ------------------------------------------------------------------------------------------

    def _look(
        self, catalogue: Catalogue, topic: Topic, known: Remembered | None, progress: int, rebuild: int | None
    ) -> Decided:
        zone = catalogue.zone_of(topic.id)
        rules = [
            rule for rule in catalogue.rules.values() if rule.covers(topic.id) and not isinstance(rule.when, Silent)
        ]
        state = known.state if known else None
        if state is None or state.version != topic.version or rebuild is not None:
            state = self._begin(topic, state, rebuild or 0)
        arrivals = self.store.arrivals(topic.id, topic.version, needed_since(state, rules))
        watched = rules if topic.status == "active" else []
        tracked = evaluate(state, topic.id, watched, arrivals, progress, zone, peek=self.peeks)
        self.due[topic.id] = tracked.due
        decided = Decided(topic=topic.id, rev=known.rev if known else 0, state=tracked.state, due=tracked.due)
        for happened in tracked.happened:
            self._tell(catalogue, topic, happened, decided)
        return decided

    def _begin(self, topic: Topic, old: TrackerState | None, entry: int) -> TrackerState:
        """The topic's history, read anew. What was decided stays decided, open incidents stay open."""
        assert topic.valid_from is not None
        live_from = micros(topic.valid_from) // 1_000_000
        history = self.store.history(topic.id, topic.version, live_from - _HISTORY, live_from)
        state = begin(topic.version, live_from, history, self.catalogue().zone_of(topic.id))
        state = msgspec.structs.replace(state, taught=max(entry, old.taught if old else 0))
        if old is None:
            return state
        decided = max(old.decided, state.decided) if old.version == topic.version else state.decided
        arrivals = self.store.arrivals(topic.id, topic.version, state.live_from)
        taught = evaluate(state, topic.id, [], arrivals, decided * 1_000_000, self.catalogue().zone_of(topic.id)).state
        return msgspec.structs.replace(taught, decided=decided, incidents=old.incidents)

    # ---- what is told ---------------------------------------------------------------------------------------

    def _tell(self, catalogue: Catalogue, topic: Topic, happened: Happened, decided: Decided) -> None:
        rule = catalogue.rules.get(happened.rule)
        old = self.store.alert(happened.incident.id) or next(
            (row for row in decided.alerts if row.id == happened.incident.id), None
        )
        decided.alerts[:] = [row for row in decided.alerts if row.id != happened.incident.id]
        row = self._row(topic, rule, happened, old)
        decided.alerts.append(row)
        if happened.action in ("fire", "resolve"):
            kind = "firing" if happened.action == "fire" else "resolved"
            decided.changes.append(Change(f"alert.{kind}", topic.id, row.id, happened.at))
            decided.notices.extend(self._notices(catalogue, rule, row, kind, happened.at, decided))

    def _row(self, topic: Topic, rule: Rule | None, happened: Happened, old: AlertRow | None) -> AlertRow:
        incident, verdict = happened.incident, happened.verdict
        states = {"pending": "pending", "fire": "firing", "resolve": "resolved", "drop": "resolved"}
        why, mentions = (old.reasons, old.mentions) if old else ("[]", "[]")
        if happened.action == "fire" and rule is not None:
            why, mentions = self._why(topic, rule, happened)
        keeps = old is not None and happened.action in ("resolve", "drop")
        return AlertRow(
            id=incident.id,
            fingerprint=fingerprint(happened.rule, topic.id),
            rule=happened.rule,
            topic=topic.id,
            departments=msgspec.json.encode(list((rule.notify if rule else ()) or topic.departments)).decode(),
            severity=rule.severity if rule else (old.severity if old else "notice"),
            state=states[happened.action],
            pending_at=incident.pending_at,
            fired_at=incident.fired_at,
            resolved_at=happened.at if happened.action in ("resolve", "drop") else None,
            value=old.value if keeps and old else verdict.value,
            expected=old.expected if keeps and old else verdict.expected,
            score=old.score if keeps and old else verdict.score,
            bucket=incident.bucket,
            reasons=why,
            mentions=mentions,
        )

    def _why(self, topic: Topic, rule: Rule, happened: Happened) -> tuple[str, str]:
        start = happened.at - (window_seconds(rule.when) + MINUTE) * 1_000_000
        said = self.store.said(topic.id, start, happened.at + 1)
        if isinstance(rule.when, Silent):
            silent = {"source": topic.name, "since": happened.incident.bucket}
            return msgspec.json.encode([{"code": "silent", "values": silent}]).decode(), "[]"
        words = [word for leaf in leaves(parse(topic.query)) if (word := word_of(leaf))]
        # What was imported meanwhile was not counted; it is older than what was.
        counted = said[: happened.verdict.mentions]
        since = self._began(topic, rule.when, happened.at)
        found = reasons(rule.when, happened.verdict, since, counted, self.key_terms, words)
        # The newest are not all there were: what drew the most reactions may be older.
        candidates = {one.key: one for one in (*counted, *self.store.stirring(topic.id, start, happened.at + 1))}
        quoted = top_mentions(rule.when, list(candidates.values()), found)
        return msgspec.json.encode(found).decode(), msgspec.json.encode(quoted).decode()

    def _began(self, topic: Topic, condition: Condition, at: int) -> int:
        """Since when (epoch s) more arrived of what the condition counts."""
        end = -(-at // (MINUTE * 1_000_000)) * MINUTE
        start = end - window_seconds(condition)
        arrived = self.store.arrivals(topic.id, topic.version, start)
        critical = isinstance(condition, NegativeShare)
        return onset(
            {minute: sum_.negative if critical else sum_.mentions for minute, sum_ in arrived.items()}, start, end
        )

    def _notices(
        self, catalogue: Catalogue, rule: Rule | None, row: AlertRow, kind: str, at: int, decided: Decided
    ) -> list[Notice]:
        """One per channel. A resolution is told where the firing was."""
        if kind == "resolved":
            now = [notice.channel for notice in decided.notices if notice.alert == row.id]
            channels: Sequence[str] = now or self.store.told(row.id)
        elif self.store.silenced(row.rule, row.topic, at):
            channels = ()
        else:
            departments = msgspec.json.decode(row.departments, type=list[str])
            routed = [
                c for name in departments if name in catalogue.departments for c in catalogue.departments[name].channels
            ]
            channels = list(dict.fromkeys([*routed, *self.default_channels]))
        values = {"alert": row.id, "topic": row.topic, "rule": row.rule, "value": row.value, "expected": row.expected}
        return [
            Notice(
                idempotency_key=hashlib.blake2b(
                    f"{row.id}\x1f{kind}\x1f{channel}".encode(), digest_size=12
                ).hexdigest(),
                channel=channel,
                grouping=row.fingerprint,
                alert=row.id,
                kind=kind,
                at=at,
                real_at=int(self.real() * 1e6),
                values=msgspec.json.encode(values).decode(),
            )
            for channel in channels
        ]

    # ---- silent sources -------------------------------------------------------------------------------------

    def _silence(self, catalogue: Catalogue, heard: Sequence[SourceSeen]) -> int:
        """Sources that delivered before and do not any more; returns how many changed."""
        sources = [seen for seen in heard if self.owns(f"source:{seen.source}")]
        known = self.store.remembered(f"source:{seen.source}" for seen in sources) if sources else {}
        now = micros(self.clock.now())
        looked = [self._listen(catalogue, seen, known.get(f"source:{seen.source}"), now) for seen in sources]
        # An incident that merely goes on is not written again: the source's last event says since when.
        decided = [one for one in looked if one.alerts]
        self._commit(decided)
        return len(decided)

    def _listen(self, catalogue: Catalogue, seen: SourceSeen, known: Remembered | None, now: int) -> Decided:
        """What the rules say of one source; a rule that is gone closes its incident."""
        name = f"source:{seen.source}"
        rules = {rule.id: rule.when for rule in catalogue.rules.values() if _listens(rule, seen.source)}
        state = known.state if known and known.state else TrackerState(0, 0, 0, fresh(0))
        one = Decided(topic=name, rev=known.rev if known else 0, state=state, due=None)
        stand_in = _stand_in(name, seen.source, catalogue)
        incidents = dict(state.incidents)
        for rule in sorted(rules.keys() | incidents.keys()):
            outcome, verdict = _heard(rules.get(rule), incidents.pop(rule, None), fingerprint(rule, name), seen, now)
            if outcome.incident is not None:
                incidents[rule] = outcome.incident
            for action, incident in outcome.happened:
                self._tell(catalogue, stand_in, Happened(rule, action, incident, now, verdict), one)
                if action == "fire":
                    one.changes.append(Change("source.silent", None, seen.source, now))
        return msgspec.structs.replace(one, state=msgspec.structs.replace(state, incidents=incidents))

    def _commit(self, decided: Sequence[Decided]) -> None:
        if not decided:
            return
        try:
            self.store.commit(decided)
        except Fenced:
            self.cursor = None
            self.fenced()
            raise


def _news(one: Decided, known: Remembered | None) -> bool:
    """Whether there is anything to write: a bucket learned, history read anew, or an incident that began, fired or
    ended. Minutes that were only looked at are looked at again after a crash, with the same outcome."""
    if known is None or known.state is None or one.alerts:
        return True
    before, after = known.state, one.state
    return (after.version, after.baseline, after.taught) != (before.version, before.baseline, before.taught)


def _listens(rule: Rule, source: str) -> bool:
    """Whether the rule watches this source."""
    when = rule.when
    return isinstance(when, Silent) and rule.status == "active" and ("*" in when.sources or source in when.sources)


def _heard(
    when: Condition | None, incident: Incident | None, print_: str, seen: SourceSeen, now: int
) -> tuple[Step, Verdict]:
    """What became of a source's incident: it begins with the last that was heard, and ends with the next."""
    if not isinstance(when, Silent):
        return (close(incident) if incident else Step(None)), Verdict(False)
    holds = now - seen.last_event_at > duration(when.after).total_seconds() * 1_000_000
    minute = seen.last_event_at // 60_000_000 * MINUTE
    return step(incident, holds, now, print_=print_, bucket=minute, for_=0, keep=0), Verdict(holds)


def _stand_in(name: str, source: str, catalogue: Catalogue) -> Topic:
    """A source in the place of a topic: every department is told of it."""
    everybody = Topic(id="source", name=source, query="x", departments=tuple(catalogue.departments))
    return msgspec.structs.replace(everybody, id=name)
