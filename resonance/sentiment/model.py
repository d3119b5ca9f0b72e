"""How a text is felt: the port that every model of sentiment implements, and what it answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Protocol

from msgspec import Struct

from resonance.model import Label

SURE: Final = 0.5
"""Below this greatest probability the label is "uncertain"."""
WINDOW: Final = 5
"""So many words on either side of a topic's words are its surroundings (measured: 3 to 8 do alike, clauses do worse)."""
Spans = Sequence[tuple[int, int]]


class Polarity(Struct, frozen=True):
    """Probabilities that a reader would call the text negative, neutral, positive; they sum to 1.

    >>> felt = Polarity(0.125, 0.25, 0.625)
    >>> felt.polarity, felt.label, felt.confidence
    (0.5, 'positive', 0.625)
    """

    negative: float
    neutral: float
    positive: float

    @property
    def polarity(self) -> float:
        """positive − negative, in [-1, 1]."""
        return self.positive - self.negative

    @property
    def confidence(self) -> float:
        """The greatest of the three probabilities."""
        return max(self.negative, self.neutral, self.positive)

    @property
    def label(self) -> Label:
        """The most probable of the three; "uncertain" where none reaches 0.5."""
        confidence = self.confidence
        if confidence < SURE:
            return "uncertain"
        if self.neutral == confidence:
            return "neutral"
        return "negative" if self.negative == confidence else "positive"


class SentimentModel(Protocol):
    """Any model of sentiment. The same text gives the same answer, alone or among others; no text raises."""

    @property
    def name(self) -> str:
        """Kind and version, as it stands beside every score."""

    def score(self, texts: Sequence[str]) -> list[Polarity]:
        """How each text is felt, in the order given."""

    def score_windows(self, asked: Sequence[tuple[str, Spans]]) -> list[Polarity]:
        """How each text is felt about what stands at its spans (code points): half the whole, half the surroundings."""


def blend(whole: Polarity, part: Polarity) -> Polarity:
    """The geometric mean of two readings (.5 + .5 in log space), made to sum to 1.

    >>> blend(Polarity(0.5, 0.25, 0.25), Polarity(0.5, 0.25, 0.25))
    Polarity(negative=0.5, neutral=0.25, positive=0.25)
    """
    negative = math.sqrt(whole.negative * part.negative)
    neutral = math.sqrt(whole.neutral * part.neutral)
    positive = math.sqrt(whole.positive * part.positive)
    total = negative + neutral + positive
    if not total:  # two readings that exclude each other altogether
        return whole
    return Polarity(negative / total, neutral / total, positive / total)


def surroundings(text: str, spans: Spans, words: int = WINDOW) -> str:
    """The words at the spans (code points; those outside the text are ignored) and `words` words on either side.

    Windows that overlap are read once; separate ones are joined by a line break.

    >>> surroundings("a b c d TOPIC e f g h", [(8, 13)], words=2)
    'c d TOPIC e f'
    """
    cuts: list[tuple[int, int]] = []
    for start, end in sorted((max(0, start), min(len(text), end)) for start, end in spans):
        if start < end:
            first, last = _back(text, start, words), _forth(text, end, words)
            if cuts and first <= cuts[-1][1]:
                cuts[-1] = (cuts[-1][0], max(cuts[-1][1], last))
            else:
                cuts.append((first, last))
    return "\n".join(text[first:last] for first, last in cuts)


def _back(text: str, at: int, words: int) -> int:
    """Where the `words` words before `at` begin."""
    for _ in range(words):
        end = at
        while end and text[end - 1].isspace():
            end -= 1
        if not end:
            return at
        while end and not text[end - 1].isspace():
            end -= 1
        at = end
    return at


def _forth(text: str, at: int, words: int) -> int:
    """Where the `words` words after `at` end; what is glued to the span (a full stop) goes with it."""
    length = len(text)
    while at < length and not text[at].isspace():
        at += 1
    for _ in range(words):
        start = at
        while start < length and text[start].isspace():
            start += 1
        if start == length:
            return at
        while start < length and not text[start].isspace():
            start += 1
        at = start
    return at
