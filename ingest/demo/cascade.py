"""The crisis: how it grows from a handful on one platform to everywhere, and dies away."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Final

from ingest.demo.crises import Scenario
from ingest.demo.said import Said
from ingest.demo.talk import Talk
from resonance.model import Kind

_FIRST: Final = 1.75
"""Mentions a minute in the first ten minutes: as few as stand out at once from two or three in a quarter of an hour."""

_TIMES_USUAL: Final = 21.0
_DECAY: Final = 55.0  # minutes until the rate has fallen to 1/e after its peak
_STEP: Final = 0.05  # minutes
_ARRIVES: Final = {"bluesky": 4.0, "mastodon": 5.0, "reddit": 7.0, "instagram": 11.0, "news": 16.0}
"""Minutes after which a platform hears of it that is not the first."""

_LOUD: Final = {"bluesky": 0.42, "mastodon": 0.22, "reddit": 0.22, "instagram": 0.12, "news": 0.02}
_ENGLISH_FROM: Final = 6.0
_PROGRAMME: Final = (
    (17.0, None, "de"),
    (34.0, "bluesky:kesselfink.example", "de"),
    (41.0, "mastodon:kesselfink@lauterwald.example", "en"),
    (52.0, None, "en"),
)
"""When a newspaper (None) reports, or one of the company's accounts answers, and in which language."""


@dataclass(frozen=True, slots=True)
class Outbreak:
    """A crisis that begins at `onset_at` and peaks `peak` minutes later at `rate` mentions a minute."""

    scenario: Scenario
    onset_at: datetime
    peak: float
    rate: float

    def per_minute(self, minute: float) -> float:
        """Mentions a minute, `minute` minutes after the onset."""
        if minute < 10:
            return _FIRST
        if minute < self.peak:
            return _FIRST + (self.rate - _FIRST) * (minute - 10) / (self.peak - 10)
        return self.rate * math.exp((self.peak - minute) / _DECAY)

    def instants(self, rng: Random, until: datetime) -> Iterator[datetime]:
        """The instants of its mentions, the first at the onset. Even, not Poisson: so every seed's start is alike."""
        yield self.onset_at
        passed, due, minute = 0.0, 1 + rng.random() - 0.5, 0.0
        count = 1
        while (at := self.onset_at + timedelta(minutes=minute)) < until:
            passed += self.per_minute(minute) * _STEP
            minute += _STEP
            if passed >= due:
                yield at + timedelta(milliseconds=rng.randrange(1000))
                count += 1
                due = count + rng.random() - 0.5


def outbreak(rng: Random, scenario: Scenario, begin: datetime, usual: float) -> Outbreak:
    """The scenario with its onset 10 to 40 minutes after `begin`; `usual` is the topic's mentions a minute."""
    onset_at = begin + timedelta(seconds=rng.randrange(600, 2400))
    return Outbreak(scenario, onset_at, rng.uniform(45, 58), usual * _TIMES_USUAL)


@dataclass
class Spread:
    """Makes up what is said of an outbreak."""

    outbreak: Outbreak
    talk: Talk
    _roots: dict[str, list[Said]] = field(default_factory=dict)
    _held: int = 0

    def take(self, at: datetime) -> Said:
        """What is said of it at this instant."""
        minute = (at - self.outbreak.onset_at) / timedelta(minutes=1)
        if self._held < len(_PROGRAMME) and minute >= _PROGRAMME[self._held][0]:
            return self._programme(at)
        platform = self._platform(minute)
        kind = self._kind(minute, platform)
        roots = self._roots.get(platform, [])
        if kind == "post" or not roots:
            return self._post(at, minute, platform)
        return self._answer(at, kind, roots)

    def _platform(self, minute: float) -> str:
        weights = []
        for platform, loud in _LOUD.items():
            known = max(0.0, min(1.0, (minute - _ARRIVES[platform]) / 12))
            weights.append(1.0 if platform == self.outbreak.scenario.platform and minute < 12 else loud * known)
        if not any(weights):
            return self.outbreak.scenario.platform
        return self.talk.rng.choices(tuple(_LOUD), weights)[0]

    def _kind(self, minute: float, platform: str) -> Kind:
        grown = min(1.0, 0.3 + minute / 15)
        roll = self.talk.rng.random()
        if platform == "news":
            return "post"
        if platform in ("bluesky", "mastodon"):
            if roll < 0.36 * grown:
                return "repost"
            if roll < 0.42 * grown:
                return "quote"
            return "comment" if roll < 0.68 * grown else "post"
        return "comment" if roll < 0.6 * grown else "post"

    def _post(self, at: datetime, minute: float, platform: str) -> Said:
        rng = self.talk.rng
        english = max(0.0, min(0.34, (minute - _ENGLISH_FROM) / 60))
        language = "en" if rng.random() < english else "de"
        person = self.talk.people.someone(rng, platform, language)
        said = self.talk.crisis_post(at, self.outbreak.scenario, person, language)
        self._roots.setdefault(platform, []).append(said)
        return said

    def _answer(self, at: datetime, kind: Kind, roots: list[Said]) -> Said:
        """The more a post has been passed on, the more it is passed on."""
        rng, scenario = self.talk.rng, self.outbreak.scenario
        parent = rng.choices(roots, list(map(_draws, roots)))[0]
        person = self.talk.people.someone(rng, parent.platform, parent.language)
        text = parent.text
        if kind != "repost":
            text = self.talk.writer.crisis(scenario, parent.language, "quote" if kind == "quote" else "reply")
        return self.talk.say(
            at, person, kind, text, topic=scenario.topic, language=parent.language, parent=parent, crisis=True
        )

    def _programme(self, at: datetime) -> Said:
        _, account, language = _PROGRAMME[self._held]
        self._held += 1
        talk, scenario = self.talk, self.outbreak.scenario
        if account is None:
            return talk.crisis_post(at, scenario, talk.people.someone(talk.rng, "news", language), language)
        text = talk.writer.crisis(scenario, language, "statement")
        person = talk.people.accounts[account]
        return talk.say(at, person, "post", text, topic=scenario.topic, language=language, crisis=True)


def _draws(root: Said) -> float:
    """How strongly a post draws answers; the English-speaking audience of a firm from Bad Lauterwald is the smaller one."""
    heard = root.person.pull * (1 + len(root.reposts) + len(root.replies))
    return heard if root.language == "de" else 0.5 * heard
