"""The demo's events: four weeks of history, one afternoon with or without a crisis, and ordinary days for ever after.

Everything follows from the seed (`random.Random` of texts, which is stable across processes and versions).
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from ingest.demo.aftermath import aftermath
from ingest.demo.cascade import Outbreak, Spread, outbreak
from ingest.demo.company import BY_ID, TOPICS, ZONE
from ingest.demo.crises import SCENARIOS
from ingest.demo.people import people
from ingest.demo.rhythm import QUARTER, SHARES, instants, poisson, quarter_starts
from ingest.demo.said import Said
from ingest.demo.talk import Talk, Turn
from ingest.demo.writer import Writer
from resonance.model import Event, Upsert

AFTERNOON: Final = date(2026, 6, 18)
"""The demo's day where none is given: a Thursday, with no change of clocks in the four weeks before."""

HISTORY_DAYS: Final = 28
BEGIN: Final = time(13)
END: Final = time(18)
_ZONE: Final = ZoneInfo(ZONE)
_ELSEWHERE: Final = 48.0
"""Mentions a day that match no topic."""

_MOST: Final = 7
"""Ordinary mentions of a topic in a quarter of an hour of the afternoon, at most: about three times what is usual
(ours: a Poisson count of mean 2.5 is greater once in 700 quarters, and a demo that is called quiet has to be quiet)."""


class Truth(Struct, frozen=True, kw_only=True):
    """What a detector should find: `kind` and `cause` of the crisis; all None and no departments on a quiet day."""

    seed: int
    afternoon_at: datetime
    onset_at: datetime | None
    topic: str | None
    kind: str | None
    departments: tuple[str, ...]
    cause: str | None


@dataclass(frozen=True)
class Demo:
    """`history` in the order of publication (changes where they were seen), `afternoon` with the instant of observation."""

    history: list[Event]
    afternoon: list[tuple[datetime, Event]]
    truth: Truth


def generate(seed: int, *, quiet: bool = False, afternoon: date | None = None) -> Demo:
    """The demo of a seed. `afternoon` is the local day on which it plays, which moves everything along."""
    day = afternoon or AFTERNOON
    begin, end = (datetime.combine(day, at, _ZONE).astimezone(UTC) for at in (BEGIN, END))
    crisis = None if quiet else _outbreak(seed, day, begin)
    turns = _turns(seed, day, begin, end, crisis.scenario.topic if crisis else None)
    talk = Talk(Random(f"{seed}:talk"), people(seed), f"demo-{seed}", Writer(Random(f"{seed}:words")))
    said = [talk.take(turn) for turn in turns if turn.at < begin]
    said += _afternoon(seed, talk, [turn for turn in turns if turn.at >= begin], crisis, end)
    history, live = _split(seed, said, begin, end)
    truth = Truth(
        seed=seed,
        afternoon_at=begin,
        onset_at=crisis.onset_at if crisis else None,
        topic=crisis.scenario.topic if crisis else None,
        kind=crisis.scenario.kind if crisis else None,
        departments=BY_ID[crisis.scenario.topic].departments if crisis else (),
        cause=crisis.scenario.cause if crisis else None,
    )
    return Demo(history, live, truth)


def demo_lines(demo: Demo) -> Iterator[bytes]:
    """Every event as one line of JSON with its `op`, without the line's end: history, then the afternoon."""
    encoder = msgspec.json.Encoder()
    for event in demo.history:
        yield encoder.encode(event)
    for _, event in demo.afternoon:
        yield encoder.encode(event)


def endless(seed: int, start: datetime) -> Iterator[tuple[datetime, Event]]:
    """Ordinary traffic from `start` (aware) for ever, by instant of observation; the same for the same arguments."""
    name = f"{seed}:{start.astimezone(UTC):%Y%m%d%H%M%S}"
    rng = Random(f"{name}:times")
    talk = Talk(Random(f"{name}:talk"), people(seed), f"demo-{name.replace(':', '-')}", Writer(Random(f"{name}:words")))
    after, fixes = Random(f"{name}:after"), Writer(Random(f"{name}:fixes"))
    waiting: list[tuple[datetime, int, Callable[[], Event]]] = []
    order = 0
    at = start.astimezone(UTC)
    while True:
        for turn in sorted(_quarter(rng, at), key=_when):
            said = talk.take(turn)
            for seen_at, make in ((said.observed_at, _first(said)), *aftermath(said, after, fixes)):
                order += 1
                heapq.heappush(waiting, (seen_at, order, make))
        at += QUARTER
        while waiting and waiting[0][0] < at:
            seen_at, _, make = heapq.heappop(waiting)
            yield seen_at, make()


def _when(turn: Turn) -> datetime:
    return turn.at


def _first(said: Said) -> Callable[[], Event]:
    return lambda: Upsert(mention=said.mention())


def _volumes(weekday: int) -> Iterator[tuple[str | None, float]]:
    """Every topic, and None for the rest, with the mentions of such a day."""
    for topic in TOPICS:
        yield topic.id, topic.daily * topic.week[weekday]
    yield None, _ELSEWHERE


def _quarter(rng: Random, at: datetime) -> list[Turn]:
    """The turns of the quarter of an hour that begins at an instant."""
    local = at.astimezone(_ZONE)
    share = SHARES[local.hour * 4 + local.minute // 15]
    return [
        Turn(at + timedelta(milliseconds=rng.randrange(900_000)), topic)
        for topic, volume in _volumes(local.weekday())
        for _ in range(poisson(rng, volume * share))
    ]


def _turns(seed: int, last: date, begin: datetime, end: datetime, crisis: str | None) -> list[Turn]:
    """All ordinary turns of four weeks and the last day, in order; a stir now and then."""
    turns: list[Turn] = []
    for back in range(HISTORY_DAYS, -1, -1):
        day = last - timedelta(days=back)
        rng = Random(f"{seed}:day:{back}")
        starts = quarter_starts(day, _ZONE)
        for topic, volume in _volumes(day.weekday()):
            wobble = rng.lognormvariate(0, 0.05)
            evening = 1.6 if rng.random() < 0.12 else 1.0
            turns += [Turn(at, topic) for at in instants(rng, volume * wobble, starts, evening)]
        if back and rng.random() < 0.4:
            turns += _stir(rng, f"{seed}:{back}", rng.choice(TOPICS).id, starts[0])
    turns += _afternoon_stir(Random(f"{seed}:stir"), f"{seed}:0", begin, crisis)
    return _calm(sorted((turn for turn in turns if turn.at < end), key=_when), begin)


def _calm(turns: list[Turn], begin: datetime) -> list[Turn]:
    """The turns without those of the afternoon that chance alone would heap up to what looks like a crisis."""
    kept: list[Turn] = []
    latest: dict[str, deque[datetime]] = {}
    for turn in turns:
        if turn.at >= begin and turn.topic is not None:
            most = _MOST - 1 if BY_ID[turn.topic].beside else _MOST
            last = latest.setdefault(turn.topic, deque(maxlen=most))
            if len(last) == most and turn.at - last[0] < QUARTER:
                continue
            last.append(turn.at)
        kept.append(turn)
    return kept


def _stir(rng: Random, name: str, topic: str, midnight: datetime) -> Iterator[Turn]:
    """A post of the evening that ten or twenty people pass on within some hours."""
    at = midnight + timedelta(hours=rng.uniform(17, 21))
    yield Turn(at, topic, name)
    for _ in range(rng.randrange(10, 24)):
        minutes = max(4.0, rng.lognormvariate(math.log(60), 0.7))
        yield Turn(at + timedelta(seconds=round(minutes * 60)), topic, name)


def _afternoon_stir(rng: Random, name: str, begin: datetime, crisis: str | None) -> Iterator[Turn]:
    """The little stir that every afternoon has, on another topic than the crisis."""
    at = begin + timedelta(seconds=rng.randrange(300, 4500))
    topics = [topic.id for topic in TOPICS]
    topic = rng.choice(topics)
    if topic == crisis:
        topic = topics[(topics.index(topic) + 1) % len(topics)]
    yield Turn(at, topic, name)
    for _ in range(rng.randrange(5, 9)):
        at += timedelta(seconds=rng.randrange(700, 1500))
        yield Turn(at, topic, name)


def _outbreak(seed: int, day: date, begin: datetime) -> Outbreak:
    """The crisis of a seed; how loud it becomes depends on what is usual for its topic at that hour."""
    rng = Random(f"{seed}:crisis")
    scenario = rng.choice(SCENARIOS)
    topic = BY_ID[scenario.topic]
    usual = (topic.daily * topic.week[day.weekday()] + topic.beside) * SHARES[BEGIN.hour * 4 + 2] / 15
    return outbreak(rng, scenario, begin, usual)


def _afternoon(seed: int, talk: Talk, turns: Iterable[Turn], crisis: Outbreak | None, end: datetime) -> Iterator[Said]:
    """What is said in the afternoon: the ordinary, and between it the crisis."""
    due: list[tuple[datetime, Turn | None]] = [(turn.at, turn) for turn in turns]
    spread = None
    if crisis:
        spread = Spread(crisis, talk)
        due += [(at, None) for at in crisis.instants(Random(f"{seed}:pace"), end)]
    for at, turn in sorted(due, key=lambda pair: pair[0]):
        if turn is not None:
            yield talk.take(turn)
        elif spread is not None:
            yield spread.take(at)


def _split(
    seed: int, said: list[Said], begin: datetime, end: datetime
) -> tuple[list[Event], list[tuple[datetime, Event]]]:
    """The events before `begin` in the order of publication, and those until `end` in the order of observation."""
    after, fixes = Random(f"{seed}:after"), Writer(Random(f"{seed}:fixes"))
    past: list[tuple[datetime, Callable[[], Event]]] = []
    live: list[tuple[datetime, Callable[[], Event]]] = []
    for each in said:
        if each.observed_at < begin:
            past.append((each.at, _first(each)))
        else:
            live.append((each.observed_at, _first(each)))
        for seen_at, make in aftermath(each, after, fixes):
            (past if seen_at < begin else live).append((seen_at, make))
    history = [make() for _, make in sorted(past, key=lambda pair: pair[0])]
    return history, [(at, make()) for at, make in sorted(live, key=lambda pair: pair[0]) if at < end]
