"""How rare a word is: the estimate by which the matcher chooses the word that is looked for first.

It only decides how fast a match is found, never whether.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from itertools import accumulate
from typing import Final

UNSEEN: Final = 1e-6
"""The share of mentions that hold a word which the estimate does not know: it counts as the rarest."""

_BY_SHARE: Final[tuple[tuple[float, str], ...]] = (
    (0.3, "the to a i and of in is you die der und ich das ist in zu"),
    (0.15, "for on my it that with me this so be at are have not was we de la"),
    (0.15, "es nicht den von mit auf ein eine sie wir"),
    (
        0.07,
        "just your but all like up out if what get do can no love new now day good about how more one from by or an as",
    ),
    (
        0.07,
        "auch für im dem sich des wie aber noch nur so hat wenn was mir man am bei oder aus werden kann le et en que",
    ),
    (
        0.03,
        "time people today know see go great think want need will when who they there has had he she his her our us",
    ),
    (
        0.03,
        "heute mal schon immer mehr gut neue neuen jetzt hier diese dieser sehr nach über um einen einem bin sind war",
    ),
    (0.01, "service product customer app video news work home world life best last first next week year company phone"),
    (0.01, "kunden produkt firma arbeit leben welt woche jahr jahre menschen deutschland leute morgen danke bitte"),
)
_COMMON: Final = {word: share for share, words in reversed(_BY_SHARE) for word in words.split()}


class Rarity:
    """Shares of mentions that hold a word (0 to 1); hashtags stand with their sign. Unknown words are the rarest."""

    def __init__(self, shares: Mapping[str, float] | None = None) -> None:
        self._shares = _COMMON if shares is None else shares
        self._words = sorted(word for word in self._shares if word[:1] not in ("#", "@"))
        self._sums = [0.0, *accumulate(self._shares[word] for word in self._words)]

    def word(self, word: str) -> float:
        """The share of mentions that hold the word.

        >>> Rarity({"sun": 0.02}).word("sun"), Rarity({}).word("sun")
        (0.02, 1e-06)
        """
        return self._shares.get(word, UNSEEN)

    def prefix(self, stem: str) -> float:
        """About the share of mentions that hold a word which begins so; short beginnings count as common."""
        low, high = bisect_left(self._words, stem), bisect_left(self._words, stem + "\U0010ffff")
        return self._sums[high] - self._sums[low] + 0.1 * 0.25 ** (len(stem) - 1) + UNSEEN
