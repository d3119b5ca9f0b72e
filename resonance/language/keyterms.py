"""What a set of texts talks about: words and pairs counted by texts."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from msgspec import Struct

from resonance.language.lemmas import Lemmas

TOGETHER: Final = 0.7
"""A pair is shown instead of its words where it stands in at least this part of the texts with the rarer one."""
AT_LEAST: Final = 2
"""A term of one text only is no theme; in fewer than 4 texts it may be."""
_MINOR: Final = 0.5
"""What a verb or adjective counts, against a noun."""
READ: Final = 5_000
"""So many characters are read of a text."""
_noise = re.compile(r"https?://\S+|www\.\S+|[@%][\w.-]+|&\w+;")
_words = re.compile(r"#?[^\W\d_][\w'’-]*|\S")
_OFTEN: Final = frozenset(
    [
        "rt",
        "via",
        "amp",
        "http",
        "https",
        "heute",
        "morgen",
        "gestern",
        "mal",
        "echt",
        "halt",
        "eben",
        "sowie",
        "today",
        "tomorrow",
        "yesterday",
        "really",
        "actually",
        "like",
        "get",
        "got",
        "just",
        "gonna",
        "im",
        "dont",
        "i'm",
        "don't",
        "it's",
        "ja",
        "nein",
        "yes",
        "no",
        "ok",
        "okay",
        "bitte",
        "danke",
        "please",
        "thanks",
        "thank",
        "you",
        "geht",
        "gibt",
        "schon",
    ]
)
"""Words of talk that no list of stop words holds, and that name no theme."""


class KeyTerm(Struct, frozen=True):
    """A word, pair or hashtag as most texts write it; in how many texts it stands, and their share of all in [0, 1]."""

    term: str
    mentions: int
    share: float


class _Counts:
    """In how many texts each term stands, and how it is written there."""

    def __init__(self, lemmas: Mapping[str, Lemmas], excluded: Collection[str]) -> None:
        self.texts = 0
        self.words: Counter[str] = Counter()
        self.pairs: Counter[tuple[str, str]] = Counter()
        self.minor: Counter[str] = Counter()
        """In how many German texts a word is written small: there, what names a theme is a noun, and written large."""
        self._written: dict[object, Counter[str]] = defaultdict(Counter)
        self._lemmas = lemmas
        self._excluded = excluded

    def add(self, text: str, language: str | None) -> None:
        """Count one text."""
        self.texts += 1
        table = self._lemmas.get(language or "", self._lemmas["en"])
        words: dict[str, str] = {}
        pairs: dict[tuple[str, str], str] = {}
        before: tuple[str, str] | None = None
        for written in _words.findall(_noise.sub(" . ", text[:READ])):
            lemma = self._theme(written, table)
            if lemma is None:
                before = None
                continue
            words.setdefault(lemma, written)
            if before and before[0] != lemma:
                pairs.setdefault((before[0], lemma), f"{before[1]} {written}")
            before = None if written[0] == "#" else (lemma, written)
        self.words.update(words.keys())
        if language == "de":
            self.minor.update(lemma for lemma, written in words.items() if written[0].islower())
        self.pairs.update(pairs.keys())
        for key, written in (*words.items(), *pairs.items()):
            self._written[key][written] += 1

    def _theme(self, written: str, table: Lemmas) -> str | None:
        """The lemma under which a word is counted; None for stop words, excluded ones, single letters and signs."""
        word = written.rstrip("'’-")
        for ending in ("'s", "’s"):
            word = word.removesuffix(ending)
        lower = word.lower()
        bare = lower.lstrip("#")
        if len(bare) < 3 or not bare[0].isalpha() or bare in table.stops or bare in _OFTEN:
            return None
        lemma = table.of(word.lstrip("#"))
        if bare in self._excluded or lemma in self._excluded or lemma in table.stops:
            return None
        return lemma

    def name(self, key: object) -> str:
        """The term as most texts write it; of two alike the first in the alphabet."""
        return min(self._written[key].items(), key=lambda item: (-item[1], item[0]))[0]


def key_terms(
    texts: Iterable[tuple[str, str | None]],
    *,
    lemmas: Mapping[str, Lemmas],
    limit: int = 8,
    exclude: Collection[str] = (),
    background: Mapping[str, float] | None = None,
) -> list[KeyTerm]:
    """The terms that most of the texts share, most telling first; texts come with their language.

    Texts are counted, not occurrences; forms of one word count together, by `lemmas` (language → table; a text in any
    other language is read as English). `exclude` are words that need not be told
    (the topic's own). `background` says in what share of usual texts a word stands (lower-case lemma → share): with
    it, terms are ordered by mentions × log of how much more often than usual they stand here; without, by mentions.
    """
    counts = _Counts(lemmas, _excluded(exclude, lemmas))
    for text, language in texts:
        counts.add(text, language)
    if not counts.texts:
        return []
    least = AT_LEAST if counts.texts >= 4 else 1
    words = {word: n for word, n in counts.words.items() if n >= least}
    pairs = {
        pair: n
        for pair, n in counts.pairs.items()
        if n >= max(2, least) and n >= TOGETHER * min(counts.words[pair[0]], counts.words[pair[1]])
    }
    for (first, second), n in pairs.items():
        for part in (first, second):
            if n >= TOGETHER * counts.words[part]:
                words.pop(part, None)
    ranked = [
        (
            _weight(n, counts.texts, (word,), background) * (_MINOR if 2 * counts.minor[word] > n else 1),
            n,
            counts.name(word),
        )
        for word, n in words.items()
    ]
    ranked += [(_weight(n, counts.texts, pair, background), n, counts.name(pair)) for pair, n in pairs.items()]
    ranked.sort(key=lambda row: (-row[0], -row[1], row[2].casefold(), row[2]))
    return [KeyTerm(name, n, n / counts.texts) for _, n, name in ranked[:limit]]


def _excluded(words: Collection[str], lemmas: Mapping[str, Lemmas]) -> frozenset[str]:
    """The words to leave out, their parts, and their lemmas in each language."""
    parts = {part for word in words for part in (word.lower(), *re.findall(r"\w+", word.lower()))}
    return frozenset(parts | {table.of(part) for table in lemmas.values() for part in parts})


def _weight(n: int, texts: int, lemmas: tuple[str, ...], background: Mapping[str, float] | None) -> float:
    if background is None:
        return float(n)
    usual = min(background.get(lemma, 0.0) for lemma in lemmas)
    return n * max(0.0, math.log((n / texts) / max(usual, 1e-4)))
