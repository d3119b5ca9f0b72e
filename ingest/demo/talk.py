"""The conversation: who says what, answering whom, instant by instant."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Final

from ingest.demo.crises import Scenario
from ingest.demo.people import PLATFORMS, SHARES, People, Person, german_share
from ingest.demo.said import Said
from ingest.demo.writer import Writer
from resonance.model import Kind

_SPREAD: Final = tuple(SHARES[platform] for platform in PLATFORMS)
_KINDS: Final[dict[str, tuple[tuple[Kind, ...], tuple[float, ...]]]] = {
    "bluesky": (("post", "comment", "repost", "quote"), (0.61, 0.20, 0.14, 0.05)),
    "mastodon": (("post", "comment", "repost", "quote"), (0.58, 0.22, 0.16, 0.04)),
    "reddit": (("post", "comment"), (0.46, 0.54)),
    "instagram": (("post", "comment"), (0.64, 0.36)),
    "news": (("article",), (1.0,)),
}
"""What kinds of mention a platform has, and how often; an answer with nothing to answer becomes a post."""

_STILL_ANSWERED: Final = timedelta(hours=14)
_OWN: Final = 0.012
_SPAM: Final = 0.010
_OWN_ACCOUNTS: Final = {
    "brodelux": ("bluesky:brodelux.example", "instagram:brodelux"),
    "finkdienst": ("bluesky:finkdienst.example",),
    "ruehrspecht": ("bluesky:kesselfink.example", "instagram:kesselfink", "mastodon:henk@werkstatt.example"),
}
_HOUSE: Final = ("bluesky:kesselfink.example", "mastodon:kesselfink@lauterwald.example", "instagram:kesselfink")


@dataclass(frozen=True, slots=True)
class Turn:
    """When somebody speaks: of a topic (None: of something else), perhaps as part of an ordinary stir."""

    at: datetime
    topic: str | None
    stir: str | None = None


@dataclass
class Talk:
    """Makes up the conversation in the order of time. Memory is bounded: only recent roots are answered."""

    rng: Random
    people: People
    prefix: str
    writer: Writer
    _count: int = 0
    _roots: dict[tuple[str, str], deque[Said]] = field(default_factory=dict)
    _stirs: dict[str, Said] = field(default_factory=dict)

    def take(self, turn: Turn) -> Said:
        """What is said at this turn."""
        if turn.topic is None:
            return self._elsewhere(turn.at)
        if turn.stir:
            return self._stir(turn.at, turn.topic, turn.stir)
        return self._ordinary(turn.at, turn.topic)

    def say(
        self,
        at: datetime,
        person: Person,
        kind: Kind,
        text: str,
        *,
        topic: str | None = None,
        language: str | None = None,
        title: str | None = None,
        parent: Said | None = None,
        hashtags: tuple[str, ...] = (),
        crisis: bool = False,
    ) -> Said:
        """Says it: numbers it, lets the parent count it, decides when it is observed."""
        self._count += 1
        said = Said(
            id=f"{person.platform}:{self.prefix}-{self._count:06d}",
            at=at,
            observed_at=at + self._delay(crisis),
            topic=topic,
            language=language or person.language,
            person=person,
            kind=kind,
            text=text,
            title=title,
            hashtags=hashtags,
            parent=parent,
            crisis=crisis,
        )
        if parent is not None:
            parent.answered_by(said)
        return said

    def crisis_post(self, at: datetime, scenario: Scenario, person: Person, language: str) -> Said:
        """Somebody tells of the crisis on their own account; a newspaper by an article."""
        write = self.writer.crisis
        titled = {"news": "headline", "reddit": "title"}.get(person.platform)
        title = write(scenario, language, titled) if titled else None
        text = write(scenario, language, "post")
        if person.site:
            text = f"{title}. {text} {write(scenario, language, 'post')}"
        tags = self.writer.tags(scenario.topic)
        kind: Kind = "article" if person.site else "post"
        text = _tagged(text, tags)
        return self.say(
            at, person, kind, text, topic=scenario.topic, language=language, title=title, hashtags=tags, crisis=True
        )

    def _delay(self, crisis: bool) -> timedelta:
        """From published to observed: seconds, for a few minutes or hours."""
        roll = self.rng.random()
        if roll < (0.012 if crisis else 0.025):
            return timedelta(seconds=self.rng.randrange(240, 2400 if crisis else 18_000))
        return timedelta(milliseconds=round(min(60.0, 2 + self.rng.lognormvariate(1.2, 0.8)) * 1000))

    def _elsewhere(self, at: datetime) -> Said:
        platform = self.rng.choices(PLATFORMS[:4], _SPREAD[:4])[0]
        language = self._language(platform, at)
        person = self.people.someone(self.rng, platform, language)
        return self.say(at, person, "post", self.writer.elsewhere(language), language=language)

    def _language(self, platform: str, at: datetime) -> str:
        return "de" if self.rng.random() < german_share(platform, at.hour) else "en"

    def _ordinary(self, at: datetime, topic: str) -> Said:
        rng = self.rng
        roll = rng.random()
        if roll < _OWN:
            return self._by_account(at, topic)
        platform = rng.choices(PLATFORMS, _SPREAD)[0]
        if roll < _OWN + _SPAM and platform != "news":
            return self._spam(at, topic, platform)
        kinds, weights = _KINDS[platform]
        kind = rng.choices(kinds, weights)[0]
        parent = self._answerable(at, topic, platform) if kind not in ("post", "article") else None
        if parent is None:
            return self._post(at, topic, platform, "article" if platform == "news" else "post")
        return self._answer(at, topic, kind, parent)

    def _post(self, at: datetime, topic: str, platform: str, kind: Kind, pull: float = 0.0) -> Said:
        language = self._language(platform, at)
        person = self.people.someone(self.rng, platform, language)
        while person.pull < pull:
            person = self.people.someone(self.rng, platform, language)
        mood = "report" if kind == "article" else self.writer.mood(topic)
        text = self.writer.ordinary(topic, language, mood, "post")
        title = None
        if kind == "article":
            text = f"{text} {self.writer.ordinary(topic, language, mood, 'post')}"
            title = self.writer.ordinary(topic, language, mood, "headline")
        elif platform == "reddit":
            title = self.writer.ordinary(topic, language, mood, "title")
        tags = self.writer.tags(topic) if kind == "post" else ()
        said = self.say(
            at, person, kind, _tagged(text, tags), topic=topic, language=language, title=title, hashtags=tags
        )
        if platform != "news":
            self._roots.setdefault((topic, platform), deque(maxlen=40)).append(said)
        return said

    def _answerable(self, at: datetime, topic: str, platform: str) -> Said | None:
        """A recent root, rather one whose author is heard by many."""
        roots = self._roots.get((topic, platform))
        if not roots:
            return None
        latest = min(len(roots), 14)
        drawn = [roots[-1 - self.rng.randrange(latest)] for _ in range(3)]
        fresh = [root for root in drawn if at - root.at < _STILL_ANSWERED]
        return max(fresh, key=lambda root: root.person.pull) if fresh else None

    def _answer(self, at: datetime, topic: str, kind: Kind, parent: Said) -> Said:
        rng, language = self.rng, parent.language
        person = self.people.someone(rng, parent.platform, language)
        if kind == "repost":
            text = parent.text if rng.random() < 0.75 else ""
            return self.say(at, person, kind, text, topic=topic, language=language, parent=parent)
        mood = self.writer.mood(topic)
        shape = "quote" if kind == "quote" else "bare" if rng.random() < 0.16 else "reply"
        text = self.writer.ordinary(topic, language, mood, shape)
        said = self.say(at, person, kind, text, topic=topic, language=language, parent=parent)
        if kind == "comment" and rng.random() < 0.25:
            self._roots[topic, parent.platform].append(said)  # answers are answered, too
        return said

    def _by_account(self, at: datetime, topic: str) -> Said:
        """One of the known accounts posts, or answers a recent mention."""
        person = self.people.accounts[self.rng.choice(_OWN_ACCOUNTS.get(topic, _HOUSE))]
        parent = self._answerable(at, topic, person.platform)
        if parent is not None and topic != "brodelux" and self.rng.random() < 0.6:
            text = self.writer.ordinary(topic, parent.language, "report", "own_reply")
            return self.say(at, person, "comment", text, topic=topic, language=parent.language, parent=parent)
        shape = "headline" if topic == "brodelux" else "own"
        return self.say(at, person, "post", self.writer.ordinary(topic, "de", "report", shape), topic=topic)

    def _spam(self, at: datetime, topic: str, platform: str) -> Said:
        language = self._language(platform, at)
        person = self.people.someone(self.rng, platform, language)
        text = self.writer.ordinary(topic, language, "report", "spam")
        return self.say(at, person, "post", text, topic=topic, language=language)

    def _stir(self, at: datetime, topic: str, stir: str) -> Said:
        """A post that more people than usual pass on; no crisis."""
        root = self._stirs.get(stir)
        if root is None:
            platform = self.rng.choice(("bluesky", "mastodon"))
            if len(self._stirs) > 50:
                self._stirs.clear()
            root = self._stirs[stir] = self._post(at, topic, platform, "post", pull=1.2)
            return root
        kind = self.rng.choices(("repost", "comment", "quote"), (0.6, 0.33, 0.07))[0]
        return self._answer(at, topic, kind, root)  # type: ignore[arg-type]


def _tagged(text: str, tags: tuple[str, ...]) -> str:
    return " ".join([text, *(f"#{tag}" for tag in tags)])
