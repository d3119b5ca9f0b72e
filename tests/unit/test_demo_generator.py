"""The demo's four weeks and its afternoon, judged by the product's own matcher."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from bisect import bisect_right
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from hashlib import blake2b
from itertools import islice, pairwise
from pathlib import Path
from statistics import fmean, pvariance
from zoneinfo import ZoneInfo

import msgspec
import pytest

from ingest.demo import Demo, Truth, demo_lines, endless, generate, last_working_day
from ingest.demo.company import BY_ID, TOPICS
from resonance.matching import Matcher
from resonance.model import Delete, EngagementSeen, Event, Mention, Upsert

ZONE = ZoneInfo("Europe/Berlin")
MATCHER = Matcher.compile({topic.id: topic.query for topic in TOPICS})
QUARTER = timedelta(minutes=15)
CRISES = range(1, 11)
QUIET = range(1, 6)


@dataclass(frozen=True)
class Seen:
    """A demo with its mentions as first seen."""

    demo: Demo
    past: list[Mention]
    live: list[tuple[datetime, Mention]]


@dataclass(frozen=True)
class Afternoon:
    """What was observed of each topic in an afternoon, in order."""

    truth: Truth
    mentions: dict[str, list[Mention]]
    observed: dict[str, list[datetime]]

    def peak(self, topic: str) -> tuple[int, datetime]:
        """The most mentions in any quarter of an hour that ends at a minute of the afternoon, and its end."""
        ends = [self.truth.afternoon_at + timedelta(minutes=minute) for minute in range(1, 301)]
        return max(((_within(self.observed[topic], end), end) for end in ends), key=lambda found: found[0])


@lru_cache(maxsize=2)
def _seen(seed: int) -> Seen:
    demo = generate(seed)
    live = [(at, e.mention) for at, e in demo.afternoon if isinstance(e, Upsert) and e.mention.edited_at is None]
    return Seen(demo, _first(demo.history), live)


@cache
def _afternoon(seed: int, quiet: bool = False) -> Afternoon:
    demo = generate(seed, quiet=quiet)
    known = {m.id: m for m in _first(demo.history)}
    live = [(at, e.mention) for at, e in demo.afternoon if isinstance(e, Upsert) and e.mention.edited_at is None]
    known |= {m.id: m for _, m in live}
    found = Afternoon(demo.truth, {t.id: [] for t in TOPICS}, {t.id: [] for t in TOPICS})
    for at, mention in live:
        for topic in _topics(mention, known):
            found.mentions[topic].append(mention)
            found.observed[topic].append(at)
    return found


@cache
def _history_topics() -> dict[str, frozenset[str]]:
    """The topics of each mention of one demo's history."""
    known = {m.id: m for m in _seen(1).past}
    return {name: _topics(m, known) for name, m in known.items()}


def _topics(mention: Mention, known: dict[str, Mention]) -> frozenset[str]:
    """A mention's own topics, and those of what it answers or passes on."""
    own = frozenset(topic for topic, _ in MATCHER.match(mention))
    return own | _topics(known[mention.root], known) if mention.root else own


@cache
def _usual(topic: str) -> float:
    """Mentions of a topic in a quarter of an hour of the 28 afternoons before; the same expectation for every seed."""
    return fmean(_quarters(topic))


def _quarters(topic: str) -> list[int]:
    """Counts of the 20 quarters of each of the 28 afternoons before."""
    seen = _seen(1)
    begin = seen.demo.truth.afternoon_at
    at = Counter((m.published_at - begin) // QUARTER for m in seen.past if topic in _history_topics()[m.id])
    return [at[-96 * back + number] for back in range(1, 29) for number in range(20)]


def _first(events: Iterable[Event]) -> list[Mention]:
    return [e.mention for e in events if isinstance(e, Upsert) and e.mention.edited_at is None]


def _within(at: list[datetime], end: datetime, width: timedelta = QUARTER) -> int:
    return bisect_right(at, end) - bisect_right(at, end - width)


def test_two_runs_give_the_same_bytes() -> None:
    assert list(demo_lines(generate(1))) == list(demo_lines(_seen(1).demo))


def test_another_process_gives_the_same_bytes() -> None:
    program = (
        "from hashlib import blake2b; from ingest.demo import *;"
        "print(blake2b(b'\\n'.join(demo_lines(generate(1)))).hexdigest())"
    )
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONHASHSEED": "77", "TZ": "Asia/Tokyo", "PYTHONPATH": str(root)}
    answer = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=root, capture_output=True, check=True, text=True
    )
    assert answer.stdout.strip() == blake2b(b"\n".join(demo_lines(_seen(1).demo))).hexdigest()


def test_the_truth_of_a_seed_is_the_same_on_every_version_of_python() -> None:
    assert msgspec.to_builtins(generate(7).truth) == GOLDEN


def test_another_seed_is_another_demo() -> None:
    texts = {m.text for m in _seen(1).past}
    assert len({m.text for m in _seen(2).past} & texts) < len(texts) / 10
    assert {m.id for m in _seen(1).past}.isdisjoint(m.id for m in _seen(2).past)


def test_the_crisis_does_not_touch_what_was_before_it() -> None:
    loud, quiet = generate(4), generate(4, quiet=True)
    onset = loud.truth.onset_at
    assert onset is not None
    assert [m.text for m in _first(loud.history)] == [m.text for m in _first(quiet.history)]
    before = [[m.text for m in _first(e for at, e in demo.afternoon if at < onset)] for demo in (loud, quiet)]
    assert before[0] == before[1] != []


def test_there_are_about_twenty_thousand_mentions_of_four_weeks() -> None:
    seen = _seen(1)
    assert 19_000 < len(seen.past) < 23_500
    begin = seen.demo.truth.afternoon_at
    first, last = seen.past[0].published_at, seen.past[-1].published_at
    assert first.astimezone(ZONE).date() == begin.astimezone(ZONE).date() - timedelta(days=28)
    assert begin - timedelta(hours=1) < last < begin


def test_the_afternoon_is_13_to_18_h_of_the_given_day() -> None:
    day = date(2026, 11, 20)
    demo = generate(2, afternoon=day)
    assert demo.truth.afternoon_at == datetime(2026, 11, 20, 13, tzinfo=ZONE)
    begin, end = demo.truth.afternoon_at, datetime(2026, 11, 20, 18, tzinfo=ZONE)
    assert all(begin <= at < end for at, _ in demo.afternoon)
    assert end - demo.afternoon[-1][0] < timedelta(minutes=10)


def test_the_last_working_day_is_no_weekend() -> None:
    assert last_working_day(date(2026, 6, 22)) == last_working_day(date(2026, 6, 20)) == date(2026, 6, 19)
    assert last_working_day(date(2026, 6, 19)) == date(2026, 6, 18)


def _instant(event: Event) -> datetime:
    match event:
        case Upsert(mention=mention):
            return mention.edited_at or mention.published_at
        case EngagementSeen(at=at) if at is not None:
            return at
    raise AssertionError(event)


def test_history_is_in_the_order_of_publication_and_the_afternoon_in_that_of_observation() -> None:
    demo = _seen(1).demo
    published = [m.published_at for m in _first(demo.history)]
    assert published == sorted(published)
    assert all(a[0] <= b[0] for a, b in pairwise(demo.afternoon))
    stamps = [_instant(e) for e in demo.history if not isinstance(e, Delete)]
    assert all(b - a > -timedelta(seconds=5) for a, b in pairwise(stamps))
    assert all(_instant(e) <= at for at, e in demo.afternoon if not isinstance(e, Delete))


def test_every_mention_is_valid_on_the_wire_and_no_id_comes_twice() -> None:
    seen = _seen(1)
    for line, event in zip(demo_lines(seen.demo), seen.demo.history, strict=False):
        assert b'"op":"' in line
        if isinstance(event, Upsert):
            assert msgspec.json.decode(line, type=Upsert) == event
    names = [m.id for m in seen.past] + [m.id for _, m in seen.live]
    assert len(set(names)) == len(names)
    assert all(m.id.startswith(f"{m.platform}:demo-1-") for m in seen.past)


def test_answers_edits_counts_and_deletions_refer_to_what_came_before() -> None:
    demo = _seen(1).demo
    known: dict[str, Mention] = {}
    gone: set[str] = set()
    edits = 0
    for event in [*demo.history, *(e for _, e in demo.afternoon)]:
        match event:
            case Upsert(mention=mention):
                referred = (mention.reply_to, mention.thread_root, mention.repost_of, mention.quote_of)
                assert all(name in known for name in referred if name)
                if mention.edited_at:
                    assert known[mention.id].text != mention.text
                    assert mention.edited_at > known[mention.id].published_at
                    edits += 1
                known[mention.id] = mention
            case EngagementSeen(id=name) | Delete(id=name):
                assert name in known
                gone |= {name} if isinstance(event, Delete) else set()
    assert edits > 100
    assert len(gone) > 100


def test_counts_of_a_mention_only_grow() -> None:
    last: dict[str, EngagementSeen] = {}
    for event in _seen(1).demo.history:
        if isinstance(event, EngagementSeen):
            before = last.get(event.id)
            if before is not None:
                assert (before.engagement.likes or 0) <= (event.engagement.likes or 0)
                assert (before.engagement.reposts or 0) <= (event.engagement.reposts or 0)
            last[event.id] = event
    assert len(last) > 1000


def test_languages_platforms_and_kinds_have_their_shares() -> None:
    past = _seen(1).past
    languages, platforms, kinds = (Counter(getattr(m, name) for m in past) for name in ("language", "platform", "kind"))
    assert 0.64 < languages["de"] / len(past) < 0.76
    assert languages["de"] + languages["en"] == len(past)
    assert set(platforms) == {"bluesky", "mastodon", "reddit", "instagram", "news"}
    assert min(platforms.values()) > 0.03 * len(past)
    assert set(kinds) == {"post", "comment", "repost", "quote", "article"}
    assert all(kinds[kind] > 0.015 * len(past) for kind in kinds)


def test_audiences_have_a_heavy_tail_and_are_unknown_where_the_platform_does_not_say() -> None:
    past = _seen(1).past
    authors = {m.author.id: m.author for m in past if m.author and m.platform in ("bluesky", "mastodon", "instagram")}
    followers = sorted(a.followers for a in authors.values() if a.followers is not None)
    assert len(followers) == len(authors)
    assert sum(followers[-len(followers) // 10 :]) > 0.5 * sum(followers)
    assert all(m.author and m.author.followers is None for m in past if m.platform in ("reddit", "news"))


def test_people_sleep_and_every_topic_has_its_week() -> None:
    seen = _seen(1)
    hours = Counter(m.published_at.astimezone(ZONE).hour for m in seen.past)
    assert sum(hours[hour] for hour in (1, 2, 3, 4)) < 0.03 * len(seen.past)
    assert max(hours, key=lambda hour: hours[hour]) in (18, 19, 20)
    days: dict[str, Counter[int]] = defaultdict(Counter)
    for m in seen.past:
        for topic in _history_topics()[m.id]:
            days[topic][m.published_at.astimezone(ZONE).weekday()] += 1
    assert days["ruehrspecht"][5] > 1.1 * days["ruehrspecht"][0]
    assert days["finkdienst"][0] > 1.2 * days["finkdienst"][6]


def test_every_topic_has_enough_to_learn_from_and_some_mentions_have_none() -> None:
    seen = _seen(1)
    topics = _history_topics()
    per_day = Counter(topic for found in topics.values() for topic in found)
    assert all(per_day[topic.id] / 28.5 > 60 for topic in TOPICS)
    none = sum(not topics[m.id] for m in seen.past) / len(seen.past)
    assert 0.04 < none < 0.12


def test_some_mentions_are_observed_late() -> None:
    seen = _seen(1)
    late = [m for at, m in seen.live if at - m.published_at > timedelta(minutes=4)]
    assert 3 <= len(late) < 0.06 * len(seen.live)


def test_hardly_two_texts_are_the_same_or_nearly_so() -> None:
    written = [m for m in [*_seen(1).past, *(m for _, m in _seen(1).live)] if m.kind != "repost"]
    assert 1 - len({m.text for m in written}) / len(written) < 0.01
    assert _nearly_same(written) / len(written) < 0.05


def _nearly_same(mentions: list[Mention]) -> int:
    """Texts whose pairs of words overlap by 0.8 (Jaccard) with those of one of the day before."""
    recent: deque[tuple[datetime, int]] = deque()
    pairs: dict[int, frozenset[tuple[str, str]]] = {}
    holders: dict[tuple[str, str], set[int]] = defaultdict(set)
    near = 0
    for number, mention in enumerate(sorted(mentions, key=lambda m: m.published_at)):
        words = re.findall(r"\w+", mention.text.lower())
        own = frozenset(pairwise(words))
        while recent and mention.published_at - recent[0][0] > timedelta(days=1):
            _, old = recent.popleft()
            for pair in pairs.pop(old):
                holders[pair].discard(old)
        common = Counter(other for pair in own for other in holders[pair])
        near += any(count / (len(own) + len(pairs[other]) - count) >= 0.8 for other, count in common.items())
        recent.append((mention.published_at, number))
        pairs[number] = own
        for pair in own:
            holders[pair].add(number)
    return near


@pytest.mark.parametrize("seed", CRISES)
def test_the_crisis_has_the_shape_that_the_truth_tells(seed: int) -> None:
    seen = _afternoon(seed)
    truth = seen.truth
    assert truth.onset_at is not None and truth.topic is not None
    assert truth.departments == BY_ID[truth.topic].departments
    begin, onset = truth.afternoon_at, truth.onset_at
    assert timedelta(minutes=10) <= onset - begin <= timedelta(minutes=40)
    at, usual = seen.observed[truth.topic], _usual(truth.topic)
    assert _within(at, onset + timedelta(minutes=8), timedelta(minutes=8)) >= 10
    assert _within(at, onset + timedelta(minutes=10)) >= max(15, 4 * usual)
    count, end = seen.peak(truth.topic)
    assert 14 * usual < count < 28 * usual
    assert timedelta(minutes=35) <= end - onset <= timedelta(minutes=85)
    last_hour = _within(at, begin + timedelta(hours=5), timedelta(hours=1)) / 4
    assert last_hour < count / 6


@pytest.mark.parametrize("seed", CRISES)
def test_the_crisis_spreads_from_one_platform_to_all_and_turns_no_other_topic(seed: int) -> None:
    seen = _afternoon(seed)
    truth = seen.truth
    assert truth.onset_at is not None and truth.topic is not None
    hit = [m for m in seen.mentions[truth.topic] if m.published_at >= truth.onset_at]
    early = Counter(m.platform for m in hit if m.published_at < truth.onset_at + timedelta(minutes=5))
    assert early.most_common(1)[0][1] >= 0.6 * early.total()
    assert {m.platform for m in hit} == {"bluesky", "mastodon", "reddit", "instagram", "news"}
    assert 0.08 < sum(m.language == "en" for m in hit) / len(hit) < 0.45
    assert {"post", "comment", "repost", "article"} <= {m.kind for m in hit}
    for topic in BY_ID:
        if topic != truth.topic:
            assert seen.peak(topic)[0] <= max(9, 4 * _usual(topic)), topic


@pytest.mark.parametrize("seed", QUIET)
def test_a_quiet_afternoon_is_ordinary_chance(seed: int) -> None:
    seen = _afternoon(seed, quiet=True)
    truth = seen.truth
    assert (truth.onset_at, truth.topic, truth.kind, truth.departments, truth.cause) == (None, None, None, (), None)
    ratios = []
    for topic in BY_ID:
        counts = [_within(seen.observed[topic], truth.afternoon_at + QUARTER * number) for number in range(1, 21)]
        ratios.append(pvariance(counts) / fmean(counts))
        assert seen.peak(topic)[0] <= max(9, 4 * _usual(topic)), topic
    assert fmean(ratios) < 1.4
    assert max(ratios) < 2.2  # twenty counts are few: chance alone (chi-square of 19 degrees) reaches 2 now and then


@pytest.mark.parametrize("topic", BY_ID)
def test_counts_of_ordinary_afternoons_are_hardly_more_dispersed_than_poisson(topic: str) -> None:
    counts = _quarters(topic)
    assert 0.85 < pvariance(counts) / fmean(counts) < 1.8


def test_seeds_bring_at_least_four_kinds_of_crisis() -> None:
    assert len({_afternoon(seed).truth.kind for seed in CRISES}) >= 4


def test_after_the_afternoon_ordinary_traffic_goes_on_in_order_with_new_ids() -> None:
    start = datetime(2026, 6, 18, 16, tzinfo=UTC)
    events = list(islice(endless(1, start), 3000))
    assert events == list(islice(endless(1, start), 3000))
    assert events[0][0] >= start
    assert all(a[0] <= b[0] for a, b in pairwise(events))
    span = (events[-1][0] - start) / timedelta(days=1)
    mentions = _first(e for _, e in events)
    assert 450 < len(mentions) / span < 1100
    ids = {m.id for m in mentions}
    assert len(ids) == len(mentions)
    assert ids.isdisjoint(_history_topics())


GOLDEN = {
    "seed": 7,
    "afternoon_at": "2026-06-18T11:00:00Z",
    "onset_at": "2026-06-18T11:36:43Z",
    "topic": "dampfkauz",
    "kind": "safety_hazard",
    "departments": ("presse", "produktentwicklung"),
    "cause": "Beim Dampfkauz springt der Siebträger unter Druck ab, Menschen verbrühen sich.",
}
