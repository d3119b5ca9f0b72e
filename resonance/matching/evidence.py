"""What one mention offers to the queries: its words by position, its properties, and spans where they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from resonance.matching.fields import FieldKey, field_keys
from resonance.matching.pattern import Pattern
from resonance.matching.text import BREAK, answers, fold, open_tags, spans, tokens, tokens_of_folded
from resonance.model import Mention

Span = tuple[int, int]


def searched_tokens(mention: Mention) -> list[str]:
    """The tokens of everything that is searched, the text first; texts are parted by BREAK.

    A text with hashtags that can be cut (#FastFood) stands twice, the second time with the parts as words.
    """
    text = mention.text
    found = tokens_of_folded(fold(text))
    if ("#" in text or "\uff03" in text) and (opened := open_tags(text)):
        found.append(BREAK)
        found += tokens(opened.text)
    if mention.title or mention.thread_title or mention.quoted_text or mention.hashtags:
        _add_further(mention, found)
    return found


def _add_further(mention: Mention, found: list[str]) -> None:
    further = [part for part in (mention.title, mention.thread_title, mention.quoted_text) if part]
    further += ["#" + tag.lstrip("#\uff03") for tag in mention.hashtags]
    for part in further:
        found.append(BREAK)
        found += tokens(part)
        if opened := open_tags(part):
            found.append(BREAK)
            found += tokens(opened.text)


class Evidence:
    """One mention, ready to be asked; everything dear is computed when it is first needed."""

    def __init__(self, mention: Mention, language: str | None, found: list[str]) -> None:
        self._mention = mention
        self._language = language
        self.answers = [answers(token) for token in found]
        index: dict[str, list[int]] = {}
        for at, words in enumerate(self.answers):
            for word in words:
                if word in index:
                    index[word].append(at)
                else:
                    index[word] = [at]
        self.index = index
        """Positions of each word, rising."""

    @cached_property
    def fields(self) -> set[FieldKey]:
        """The mention's properties."""
        return field_keys(self._mention, self._language)

    @cached_property
    def _spans(self) -> list[Span]:
        """Spans of the positions that stand in the text; positions after them are not of the text."""
        text = self._mention.text
        found = spans(text)
        if opened := open_tags(text):
            found.append((0, 0))  # the BREAK
            found += [(opened.original(start), opened.original(end)) for start, end in spans(opened.text)]
        return found

    def positions(self, pattern: Pattern) -> Iterator[int]:
        """Where a pattern begins."""
        if len(pattern.words) == 1:
            for word in self._candidates(pattern, 0):
                yield from self.index[word]
            return
        rarest = min(range(len(pattern.words)), key=lambda k: sum(map(self._count, self._candidates(pattern, k))))
        for word in self._candidates(pattern, rarest):
            for at in self.index[word]:
                if self._stands_at(pattern, at - rarest):
                    yield at - rarest

    def holds(self, pattern: Pattern) -> bool:
        """True where the pattern stands somewhere in the mention."""
        if len(pattern.words) == 1 and not pattern.prefix:
            index = self.index
            return any(word in index for word in pattern.words[0])
        return next(self.positions(pattern), None) is not None

    def spans(self, pattern: Pattern) -> Iterator[Span]:
        """Where the pattern stands in the mention's text, in code points."""
        places = self._spans
        last = len(pattern.words) - 1
        for at in self.positions(pattern):
            if at < len(places):  # and so is its end: no pattern reaches across a BREAK
                yield (places[at][0], places[at + last][1])

    def _count(self, word: str) -> int:
        return len(self.index[word])

    def _candidates(self, pattern: Pattern, k: int) -> list[str]:
        """The words of this mention that may stand at the k-th place of a pattern."""
        if pattern.prefix and k == len(pattern.words) - 1:
            return [word for word in self.index if word.startswith(pattern.words[k])]
        return [word for word in pattern.words[k] if word in self.index]

    def _stands_at(self, pattern: Pattern, at: int) -> bool:
        if at < 0 or at + len(pattern.words) > len(self.answers):
            return False
        last = len(pattern.words) - 1
        for k, spelled in enumerate(pattern.words):
            here = self.answers[at + k]
            if pattern.prefix and k == last:
                if not any(word.startswith(spelled) for word in here):
                    return False
            elif not any(word in here for word in spelled):
                return False
        return True
