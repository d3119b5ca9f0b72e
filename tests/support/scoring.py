"""A scorer for tests: the real matcher and detector, a sentiment model of three words."""

from __future__ import annotations

from collections.abc import Sequence

from resonance.catalogue import Catalogue, Source, Topic
from resonance.language.detect import LanguageDetector
from resonance.scoring import Scorer, author_keys
from resonance.sentiment.model import Polarity


class ThreeWords:
    """ "gut" is positive, "schlecht" negative, all else neutral."""

    name = "three-words"

    def score(self, texts: Sequence[str]) -> list[Polarity]:
        return [self._one(text) for text in texts]

    def score_windows(self, asked: Sequence[tuple[str, Sequence[tuple[int, int]]]]) -> list[Polarity]:
        return [self._one(text) for text, _ in asked]

    def _one(self, text: str) -> Polarity:
        if "gut" in text:
            return Polarity(0.1, 0.2, 0.7)
        return Polarity(0.8, 0.15, 0.05) if "schlecht" in text else Polarity(0.2, 0.6, 0.2)


TOPICS = {"bahn": "bahn OR zug", "kaffee": "kaffee NOT tee", "brand": '"acme gmbh" OR #acme'}


def catalogue(topics: dict[str, str] | None = None, keep: str = "matched", version: int = 1) -> Catalogue:
    """A catalogue with these queries and one source, "test"."""
    chosen = TOPICS if topics is None else topics
    return Catalogue(
        version=version,
        topics={name: Topic(id=name, name=name, query=query) for name, query in chosen.items()},
        sources={"test": Source(id="test", keep=keep)},
    )


DETECTOR = LanguageDetector(("de", "en"))


def scorer(given: Catalogue | None = None) -> Scorer:
    """A scorer of the catalogue."""
    return Scorer(given or catalogue(), model=ThreeWords(), detector=DETECTOR, authors=author_keys(b"test key"))
