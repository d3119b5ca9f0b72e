"""What the product thinks of mentions: their language, their topics, how they are felt, how far they carry.

Works on batches; holds nothing but the compiled catalogue and the models.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Protocol

from msgspec import Struct

from resonance.catalogue import Catalogue
from resonance.language.detect import Detected, LanguageDetector
from resonance.matching.matcher import Matcher
from resonance.model import REMEMBERED, Mention
from resonance.reach import Reach, ReachRates, reach_of
from resonance.sentiment.model import Polarity
from resonance.update import Environment, Match, Record

Spans = tuple[tuple[int, int], ...]


class Sentiment(Protocol):
    """Any model of sentiment: the same text gives the same answer."""

    @property
    def name(self) -> str: ...

    def score(self, texts: Sequence[str]) -> list[Polarity]: ...

    def score_windows(self, asked: Sequence[tuple[str, Sequence[tuple[int, int]]]]) -> list[Polarity]: ...


class Reading(Struct, frozen=True):
    """What was found in one mention: the topics that its own words match, and how it is felt about each."""

    language: Detected
    matches: tuple[Match, ...]


class Scorer:
    """Reads and scores mentions against one state of the catalogue.

    `authors` turns "platform:id" into the 16 bytes under which an author is kept.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        model: Sentiment,
        detector: LanguageDetector,
        authors: Callable[[str], bytes],
        rates: ReachRates | None = None,
    ) -> None:
        self.catalogue = catalogue
        self.author_key = authors
        self._model = model
        self._detector = detector
        self._rates = rates or ReachRates()
        topics = catalogue.active_topics()
        self._versions = {topic.id: topic.version for topic in topics}
        self._needs_language = any(topic.languages or "lang" in topic.query.casefold() for topic in topics)
        self._matcher = Matcher.compile(
            {topic.id: topic.query for topic in topics}, languages={t.id: t.languages for t in topics if t.languages}
        )

    def read(self, mentions: Sequence[Mention]) -> list[Reading]:
        """Language and topics of each mention. Where no topic asks for a language, only what matches is identified."""
        languages: list[Detected] = []
        topics: list[list[tuple[str, Spans]]] = []
        for mention in mentions:
            language = self._identify(mention) if self._needs_language else None
            found = self._matcher.match(mention, language=language.language if language else None)
            if found and language is None:
                language = self._identify(mention)
            languages.append(language or UNREAD)
            topics.append(found)
        return [Reading(*found) for found in zip(languages, self.felt(mentions, topics), strict=True)]

    def _identify(self, mention: Mention) -> Detected:
        return self._detector.detect(mention.text or mention.title or "", mention.language)

    def felt(
        self, mentions: Sequence[Mention], topics: Sequence[Sequence[tuple[str, Spans]]]
    ) -> list[tuple[Match, ...]]:
        """The matches of each mention with their sentiment. Where two topics or more match one text, each is scored
        by half the whole text and half its own surroundings."""
        pairs = list(zip(mentions, topics, strict=True))
        whole = iter(self._model.score([text_of(mention) for mention, found in pairs if found]))
        near = iter(
            self._model.score_windows([(m.text, s) for m, found in pairs if len(found) > 1 for _, s in found if s])
        )
        scored: list[tuple[Match, ...]] = []
        for _, found in pairs:
            if found:
                several, polarity = len(found) > 1, next(whole)
                felt = [(topic, spans, next(near) if several and spans else polarity) for topic, spans in found]
                scored.append(tuple(itertools.starmap(self._match, felt)))
            else:
                scored.append(())
        return scored

    def _match(self, topic: str, spans: Spans, polarity: Polarity) -> Match:
        return Match(
            topic=topic,
            version=self._versions[topic],
            spans=spans,
            p=thousandths(polarity),
            label=polarity.label,
            model=self._model.name,
        )

    def versions(self) -> dict[str, int]:
        """Topic → version of every topic that is matched."""
        return self._versions

    def reach(self, mention: Mention, followers: int | None, views: int | None, shares: int | None) -> Reach:
        """How many people may have seen it."""
        return reach_of(mention.platform, followers, views, shares, self._rates)


UNREAD = Detected(language=None, by="unknown", confidence=None)


def text_of(mention: Mention) -> str:
    """What is read for sentiment: the title and the text."""
    return f"{mention.title}\n{mention.text}" if mention.title else mention.text


def thousandths(polarity: Polarity) -> tuple[int, int, int]:
    """Probabilities as integers that add up to exactly 1,000, so that sums are exact.

    >>> thousandths(Polarity(1 / 3, 1 / 3, 1 / 3))
    (333, 334, 333)
    """
    negative, positive = round(polarity.negative * 1000), round(polarity.positive * 1000)
    return negative, 1000 - negative - positive, positive


@lru_cache(maxsize=4096)
def environment_of(platform: str, community: str | None, language: str | None) -> Environment:
    """The environment, with an id that every process derives alike."""
    name = "\x1f".join((platform, community or "", language or ""))
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return Environment(int.from_bytes(digest, "big") >> 1, platform, community, language)


def environments_of(records: Iterable[Record]) -> dict[int, Environment]:
    """The environments in which these were said, by id."""
    found = (environment_of(r.mention.platform, r.mention.community, r.language) for r in records if r.mention)
    return {environment.id: environment for environment in found}


def author_keys(installation_key: bytes) -> Callable[[str], bytes]:
    """HMAC of "platform:id" under the installation's key, 16 bytes: what everything but one table knows of an author."""

    @lru_cache(maxsize=REMEMBERED)
    def key(author: str) -> bytes:
        return hmac.digest(installation_key, author.encode("utf-8", "surrogatepass"), "sha256")[:16]

    return key
