"""Sentences from words: fills slots, puts parts together, and lets people write as people do."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from random import Random
from typing import Final, TypeVar

from ingest.demo import sentences_de, sentences_en, words_de, words_en
from ingest.demo.company import BY_ID, Moods
from ingest.demo.crises import LEADS, QUOTES, REPLIES, TAILS, TITLES, Scenario
from ingest.demo.lexicon import CrisisWords, Lexicon, Tongue

_T = TypeVar("_T")

MOODS: Final = ("complaint", "praise", "question", "report")
TONGUES: Final[dict[str, Tongue]] = {"de": sentences_de.TONGUE, "en": sentences_en.TONGUE}
WORDS: Final[dict[str, dict[str, Lexicon]]] = {"de": words_de.WORDS, "en": words_en.WORDS}

_SLOT = re.compile(r"\{(\w+)\}")
_SENTENCE = re.compile(r"(?:^|[.!?] )[a-zäöü]")
_SHORT: Final = {
    "bei dem": "beim",
    "von dem": "vom",
    "zu dem": "zum",
    "Bei dem": "Beim",
    "Von dem": "Vom",
    "Zu dem": "Zum",
}
_CONTRACTED = re.compile(r"\b(?:[Bb]ei|[Vv]on|[Zz]u) dem\b")
_EMOJI: Final = {
    "complaint": "😤😡🙄😩👎💔", "praise": "😍🥳👍💚😋🙌", "question": "🤔🙋👀❓", "report": "📌📰🗞✏"
}  # fmt: skip
_SPELLED: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})
_REMEMBERED: Final = 15_000
_CLAIM_MOODS: Final[Moods] = (0.8, 0.0, 0.12, 0.08)


@lru_cache(maxsize=8192)
def _pieces(text: str) -> tuple[str, ...]:
    """Literals and slot names in turn."""
    return tuple(_SLOT.split(text))


class Writer:
    """Writes texts from one stream of chance and avoids repeating itself within some weeks of texts."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._recent: set[str] = set()
        self._older: set[str] = set()

    def ordinary(self, topic: str, language: str, mood: str, shape: str) -> str:
        """A text on a topic; `shape` is post, reply, bare, quote, headline, title, own, own_reply or spam."""
        return self._fresh(lambda: self._ordinary(topic, language, mood, shape))

    def elsewhere(self, language: str) -> str:
        """A text that belongs to no topic."""
        return self._fresh(
            lambda: self._rough(self._fill(_pick(self._rng, TONGUES[language].elsewhere), language), language)
        )

    def crisis(self, scenario: Scenario, language: str, shape: str) -> str:
        """A text of the crisis; `shape` is post, reply, quote, headline, title or statement. It always names the topic."""
        return self._fresh(lambda: self._crisis(scenario, language, shape))

    def correction(self, text: str, language: str, topic: str | None) -> str:
        """A text as it stands after its author has looked at it again."""
        note = self._fill(_pick(self._rng, TONGUES[language].corrections), language, topic)
        return f"{text} {note}"

    def mood(self, topic: str | None) -> str:
        """A mood as usual for the topic."""
        weights = BY_ID[topic].moods if topic else _CLAIM_MOODS
        return self._rng.choices(MOODS, weights)[0]

    def tags(self, topic: str) -> tuple[str, ...]:
        """Hashtags that somebody adds: mostly none."""
        roll = self._rng.random()
        known = BY_ID[topic].tags
        return () if roll > 0.22 else tuple(self._rng.sample(known, 1 if roll > 0.08 else 2))

    def _fresh(self, make: Callable[[], str]) -> str:
        text = make()
        for _ in range(12):
            if text not in self._recent and text not in self._older:
                break
            text = make()
        self._recent.add(text)
        if len(self._recent) > _REMEMBERED:
            self._older, self._recent = self._recent, set()
        return text

    def _ordinary(self, topic: str, language: str, mood: str, shape: str) -> str:
        tongue, rng = TONGUES[language], self._rng
        if shape == "post":
            parts = [_pick(rng, tongue.cores[mood])]
            if rng.random() < 0.55:
                parts.insert(0, _pick(rng, tongue.openers[mood]))
            if rng.random() < 0.6:
                parts.append(_pick(rng, tongue.tails[mood]))
            return self._rough(self._fill(" ".join(parts), language, topic), language, mood)
        written = {
            "reply": tongue.replies[mood],
            "bare": tongue.bare_replies,
            "quote": tongue.quotes,
            "headline": tongue.headlines,
            "title": tongue.titles[mood],
            "own": tongue.own,
            "own_reply": tongue.own_replies,
            "spam": tongue.spam,
        }[shape]
        core = _pick(rng, written)
        if shape in ("reply", "quote") and rng.random() < 0.45:
            core = f"{core} {_pick(rng, tongue.tails[mood])}"
        text = self._fill(core, language, topic)
        return self._rough(text, language, mood) if shape in ("reply", "bare", "quote") else text

    def _crisis(self, scenario: Scenario, language: str, shape: str) -> str:
        rng, words = self._rng, _crisis_words(scenario, language)
        if shape in ("headline", "title"):
            written = words.headlines if shape == "headline" else TITLES[language]
            return self._fill(_pick(rng, written), language, scenario.topic, words)
        if shape == "statement":
            return words.statement
        if shape == "post":
            parts = ["{claim}"]
            if rng.random() < 0.6:
                parts.insert(0, _pick(rng, LEADS[language]))
            if rng.random() < 0.75:
                parts.append("{detail}.")
            if rng.random() < 0.6:
                parts.append(_pick(rng, TAILS[language]))
        else:
            parts = [_pick(rng, (REPLIES if shape == "reply" else QUOTES)[language])]
            if rng.random() < 0.5:
                parts.append(_pick(rng, TAILS[language]))
        text = self._fill(" ".join(parts), language, scenario.topic, words)
        return self._rough(text, language, "complaint")

    def _fill(self, text: str, language: str, topic: str | None = None, crisis: CrisisWords | None = None) -> str:
        """The text with every slot filled; the same slot twice is filled twice."""
        lexicon = WORDS[language][topic] if topic else None
        names = self._names(lexicon, crisis)
        filled = self._filled(text, TONGUES[language], lexicon, names, crisis)
        if language == "de":
            filled = _CONTRACTED.sub(lambda found: _SHORT[found[0]], filled)
        return _SENTENCE.sub(lambda found: found[0][:-1] + found[0][-1].upper(), filled)

    def _names(self, lexicon: Lexicon | None, crisis: CrisisWords | None) -> tuple[str, str, str]:
        """One name for the whole text; in a crisis one that names no other topic."""
        if lexicon is None:
            return ("", "", "")
        return _pick(self._rng, lexicon.names[:3] if crisis else lexicon.names)

    def _filled(
        self,
        text: str,
        tongue: Tongue,
        lexicon: Lexicon | None,
        names: tuple[str, str, str],
        crisis: CrisisWords | None,
    ) -> str:
        pieces = _pieces(text)
        if len(pieces) == 1:
            return text
        out, said = [pieces[0]], ""
        for index in range(1, len(pieces), 2):
            value = self._value(pieces[index], tongue, lexicon, names, crisis, said)
            if "{" in value:
                value = self._filled(value, tongue, lexicon, names, crisis)
            if pieces[index] in ("flaw", "merit", "fact"):
                said = value
            out += (value, pieces[index + 1])
        return "".join(out)

    def _value(
        self,
        slot: str,
        tongue: Tongue,
        lexicon: Lexicon | None,
        names: tuple[str, str, str],
        crisis: CrisisWords | None,
        said: str,
    ) -> str:
        rng = self._rng
        if slot in ("n", "n2"):
            return str(rng.randrange(2, 10) if slot == "n" and rng.random() < 0.6 else rng.randrange(11, 60))
        if slot in ("N", "A", "D"):
            return names["NAD".index(slot)]
        if crisis and slot in ("claim", "detail"):
            return _pick(rng, crisis.claims if slot == "claim" else crisis.details)
        if slot == "Who":
            who = _pick(rng, tongue.slots["who"])
            return who[0].upper() + who[1:]
        if slot in tongue.slots:
            return _pick(rng, tongue.slots[slot])
        assert lexicon is not None
        known = {
            "flaw": lexicon.flaws,
            "merit": lexicon.merits,
            "ask": lexicon.asks,
            "use": lexicon.uses,
            "fact": lexicon.facts,
        }
        if slot.endswith("2"):
            return _pick(rng, tuple(other for other in known[slot[:-1]] if other != said))
        return _pick(rng, known[slot])

    def _rough(self, text: str, language: str, mood: str = "report") -> str:
        """The text as typed by somebody in a hurry: sometimes without capitals, umlauts or the last stop, with an emoji."""
        rng = self._rng
        roll = rng.random()
        if roll < 0.07:
            text = text.lower()
        elif roll < 0.11 and language == "de":
            text = text.translate(_SPELLED)
        elif roll < 0.17 and text.endswith("."):
            text = text[:-1]
        elif roll < 0.20:
            text = text.replace(".", "!")
        if rng.random() < 0.13:
            text = f"{text} {rng.choice(_EMOJI[mood])}"
        return text


def _crisis_words(scenario: Scenario, language: str) -> CrisisWords:
    return scenario.de if language == "de" else scenario.en


def _pick(rng: Random, options: tuple[_T, ...]) -> _T:
    return options[int(rng.random() * len(options))]
