"""In which language a text is written: the platform's own tag, checked against a model where the model can judge."""

from __future__ import annotations

import re
import threading
from typing import Final, Literal

from msgspec import Struct
from py3langid.langid import MODEL_FILE, LanguageIdentifier

ENOUGH: Final = 3
"""Fewer letters than this tell nothing."""
LONG: Final = 40
"""From so many letters on may the model contradict the platform …"""
VERY_SURE: Final = 0.98
"""… and only with this probability."""
READ: Final = 2_000
"""So many characters are read of a text: more changes no answer."""
_NO_LANGUAGE: Final = frozenset({"", "und", "zxx", "mul", "mis", "unknown", "xx"})
_noise = re.compile(r"https?://\S+|www\.\S+|@[\w.-]+|&\w+;")


class Detected(Struct, frozen=True):
    """A language as ISO 639 code (None: unknown), who says so, and the model's probability for it (None: not asked)."""

    language: str | None
    by: Literal["platform", "model", "unknown"]
    confidence: float | None


def primary(tag: str | None) -> str | None:
    """The primary subtag of a BCP 47 tag; None where it names no language.

    >>> primary("de-AT"), primary("EN_us"), primary("und")
    ('de', 'en', None)
    """
    found = (tag or "").replace("_", "-").partition("-")[0].strip().casefold()
    return (
        None if found in _NO_LANGUAGE or not (2 <= len(found) <= 3 and found.isascii() and found.isalpha()) else found
    )


class LanguageDetector:
    """Finds the language among those configured. Texts in any other language are taken for the likest of them, so
    configure every language that you listen in. Safe to share between threads."""

    def __init__(self, languages: tuple[str, ...] = ("de", "en")) -> None:
        """`languages` are ISO 639-1 codes; raises ValueError for one that the model does not know."""
        self.languages = tuple(dict.fromkeys(languages))
        if not self.languages:
            raise ValueError("name at least one language")
        self._identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
        self._identifier.set_languages(self.languages)
        self._lock = threading.Lock()

    def detect(self, text: str, hint: str | None = None) -> Detected:
        """The text's language; `hint` is the platform's tag.

        The tag is believed unless a long text is very surely in another language. A tag outside the configured
        languages is always believed: the model cannot know it.
        """
        tag = primary(hint)
        if tag and tag not in self.languages:
            return Detected(tag, "platform", None)
        bare = _noise.sub(" ", text[:READ])
        letters = sum(map(str.isalpha, bare))
        if letters < ENOUGH:
            return Detected(tag, "platform", None) if tag else Detected(None, "unknown", None)
        language, confidence = self._classify(bare)
        if tag and tag != language and (letters < LONG or confidence < VERY_SURE):
            return Detected(tag, "platform", 1 - confidence if len(self.languages) == 2 else None)
        if tag == language:
            return Detected(language, "platform", confidence)
        return Detected(language, "model", confidence)

    def _classify(self, text: str) -> tuple[str, float]:
        with self._lock:
            language, confidence = self._identifier.classify(text)
        return str(language), float(confidence)
