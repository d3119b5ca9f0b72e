"""The scanner of the query language: brackets, operators, leaves, each with its place.

Operators of other dialects, and of later versions of this one, are refused by name and never read as words.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from resonance.errors import InvalidQuery, Problem
from resonance.matching.pattern import pattern
from resonance.matching.query import FIELDS, Field, Handle, Hashtag, Leaf, Phrase, Place, Prefix, Term
from resonance.matching.text import fold, is_address, is_unspaced, tokens

Sign = Literal["(", ")", "AND", "OR", "NOT", "leaf", "wrong", "end"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a query may cost: code points, nesting of brackets, words and fields, letters in front of a *."""

    characters: int = 20_000
    depth: int = 50
    leaves: int = 500
    prefix: int = 2


DEFAULT_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True)
class Piece:
    """One sign of the query; a `wrong` one stands where a leaf was refused, so that its neighbours are still read."""

    sign: Sign
    at: Place
    leaf: Leaf | None = None


_BLANK = re.compile(r"[\s\u200b\u200e\u200f\u2060\ufeff]+")
_BARE = re.compile(r'[^\s()"„“”‟«»\[\]{}\u200b\u200e\u200f\u2060\ufeff]+')
_QUOTES = "„“”‟«»"
_CLOSING: Final = {'"': re.compile('"'), **{quote: re.compile('["„“”‟«»]') for quote in _QUOTES}}
_FIELD = re.compile(r"([^\W\d]\w*):(.*)", re.DOTALL)
_WEIGHT = re.compile(r"[~^][\d.]*")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]+)*")
_DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)*")
_BLOCKS: Final = {"[": ("]", "a range […]"), "{": ("}", "case-sensitive {…}"), "<": (">>>", "a comment <<<…>>>")}
_ALIASES: Final = {"language": "lang"}
_LATER_FIELDS: Final = frozenset({"raw", "title", "content", "url", "is", "has", "links", "country", "followers"})

_LATER_WORDS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"O?NEAR(?:/\S*)?"), "{word} (words near each other) is not offered yet"),
    (re.compile(r"O?SENTENCE"), "{word} (words in one sentence) is not offered yet"),
    (re.compile(r"&+"), "{word} is not an operator: write AND"),
    (re.compile(r"\|+"), "{word} is not an operator: write OR"),
    (re.compile(r"~[\d.]*"), "~n (words near each other) is not offered yet"),
    (re.compile(r"\^[\d.]*"), "^n (a weight) is not offered"),
    (re.compile(r".*\w~[\d.]*"), "word~n (a fuzzy word) is not offered; put it into quotes if the sign is meant"),
    (re.compile(r"\++(?:\w.*)?"), "+ (exact spelling) is not offered yet; put it into quotes if the sign is meant"),
    (re.compile(r"!(?:\w.*)?"), "! is not an operator: write NOT, or put it into quotes if the sign is meant"),
    (re.compile(r"[–—−‑‒].+"), "{word} begins with a long dash: NOT is written NOT or -"),
)


class Scanner:
    """Reads one query into `pieces`; mistakes are collected in `problems`."""

    def __init__(self, text: str, limits: Limits) -> None:
        self.text = text
        self.limits = limits
        self.pieces: list[Piece] = []
        self.problems: list[Problem] = []
        self._lines = [0, *(found.end() for found in re.finditer("\n", text))]
        self._at = 0
        self._depth = 0
        self._leaves = 0

    def scan(self) -> list[Piece]:
        """All pieces, an `end` last; raises InvalidQuery at once where the query is far too large."""
        if len(self.text) > self.limits.characters:
            detail = f"the query has {len(self.text):,} characters, at most {self.limits.characters:,} are allowed"
            self.refuse("too_long", detail, self.place(self.limits.characters, len(self.text)))
            raise InvalidQuery(self.problems)
        while self._skip_blank():
            self._piece()
        self._add("end", len(self.text), len(self.text))
        return self.pieces

    def place(self, start: int, end: int) -> Place:
        """Where a part of the source stands."""
        line = bisect_right(self._lines, start)
        return Place(line, start - self._lines[line - 1] + 1, start, end)

    def refuse(self, code: str, detail: str, at: Place) -> None:
        """Notes a mistake."""
        self.problems.append(Problem(detail=detail, code=code, line=at.line, column=at.column))

    def _skip_blank(self) -> bool:
        found = _BLANK.match(self.text, self._at)
        if found:
            self._at = found.end()
        return self._at < len(self.text)

    def _add(self, sign: Sign, start: int, end: int, leaf: Leaf | None = None) -> None:
        self.pieces.append(Piece(sign, self.place(start, end), leaf))
        self._at = end

    def _wrong(self, code: str, detail: str, start: int, end: int) -> None:
        self.refuse(code, detail, self.place(start, end))
        self._add("wrong", start, end)

    def _piece(self) -> None:
        start, char = self._at, self.text[self._at]
        if char in "()":
            self._bracket("(" if char == "(" else ")")
        elif char in _CLOSING:
            self._quoted()
        elif char in "[{" or self.text.startswith("<<<", start):
            self._block(start)
        elif char in "]}":
            self._wrong("unexpected", f"{char} closes nothing", start, start + 1)
        elif char == "-" and not self.text.startswith(")", start + 1) and _followed(self.text, start + 1):
            self._add("NOT", start, start + 1)
        else:
            self._bare()

    def _bracket(self, char: Literal["(", ")"]) -> None:
        start = self._at
        self._depth = self._depth + 1 if char == "(" else max(0, self._depth - 1)
        self._add(char, start, start + 1)
        if self._depth > self.limits.depth:
            detail = f"brackets are nested more than {self.limits.depth} deep"
            self.refuse("too_deep", detail, self.place(start, start + 1))
            raise InvalidQuery(self.problems)

    def _leaf(self, start: int, end: int, build: Callable[[Place], Leaf]) -> None:
        leaf = build(self.place(start, end))
        self._leaves += 1 if isinstance(leaf, Field) else len(pattern(leaf).words)
        if self._leaves > self.limits.leaves:
            self.refuse("too_many_leaves", f"the query has more than {self.limits.leaves} words", leaf.at)
            raise InvalidQuery(self.problems)
        self._add("leaf", start, end, leaf)

    def _read_quoted(self, start: int) -> tuple[str, int] | None:
        """The text in quotes that open at `start`, and the offset after them; None where they stay open."""
        closing = _CLOSING[self.text[start]].search(self.text, start + 1)
        if closing is None:
            self._wrong("unclosed_quote", "this quote is never closed", start, start + 1)
            self._at = len(self.text)
            return None
        return " ".join(self.text[start + 1 : closing.start()].split()), closing.end()

    def _quoted(self) -> None:
        start = self._at
        read = self._read_quoted(start)
        if read is None:
            return None
        text, end = read
        if weight := _WEIGHT.match(self.text, end):
            detail = '"…"~n (words near each other) is not offered yet'
            if weight[0][0] == "^":
                detail = '"…"^n (a weight) is not offered'
            return self._wrong("unsupported", detail, start, weight.end())
        if self.text.startswith("*", end):
            return self._wrong(
                "wildcard", "* stands only at the end of a single word, not after quotes", start, end + 1
            )
        if self._is_searchable(text, start, end):
            self._leaf(start, end, lambda at: Phrase(text, at))
        return None

    def _block(self, start: int) -> None:
        """A bracketed thing of another dialect: refused as a whole."""
        closing, name = _BLOCKS[self.text[self._at]]
        found = self.text.find(closing, self._at)
        end = len(self.text) if found < 0 else found + len(closing)
        self._wrong("unsupported", f"{name} is not offered yet", start, end)

    def _bare(self) -> None:
        start = self._at
        found = _BARE.match(self.text, start)
        end = found.end() if found else start + 1
        comment = self.text.find("<<<", start, end)
        end = comment if comment > start else end
        word = self.text[start:end]
        if word in ("AND", "OR", "NOT"):
            return self._add("AND" if word == "AND" else "OR" if word == "OR" else "NOT", start, end)
        for refused, detail in _LATER_WORDS:
            if refused.fullmatch(word):
                if word.strip("+") == "" and self.text[end : end + 1] in _CLOSING:
                    end = (self._read_quoted(end) or ("", len(self.text)))[1]
                return self._wrong("unsupported", detail.format(word=word), start, end)
        if is_address(fold(word)) or "://" in word:
            return self._wrong("address", "an address matches no words: write site:example.com", start, end)
        if (named := _FIELD.fullmatch(word)) is not None:
            return self._field(named[1], named[2], start, end)
        return self._word(word, start, end)

    def _word(self, word: str, start: int, end: int) -> None:
        if "?" in word:
            detail = "? (one unknown letter) is not offered yet; put the word into quotes if the sign is meant"
            return self._wrong("unsupported", detail, start + word.index("?"), end)
        if "*" in word:
            return self._wildcard(word, start, end)
        if word[0] in "#@":
            return self._tag(word, start, end)
        if self._is_searchable(word, start, end):
            self._leaf(start, end, lambda at: Term(word, at))
        return None

    def _wildcard(self, word: str, start: int, end: int) -> None:
        star = word.index("*")
        stem = word[:star]
        found = tokens(stem)
        if star == 0:
            detail = "* at the beginning of a word is not offered: write the beginning of the word, as in sun*"
            return self._wrong("leading_wildcard", detail, start, end)
        if star < len(word) - 1 or not found or found[-1][0] in "#@" or not fold(stem).endswith(found[-1]):
            detail = "* stands only at the end of a plain word, as in sun*"
            return self._wrong("wildcard", detail, start + star, end)
        if len(found[-1]) < self.limits.prefix and not is_unspaced(found[-1]):
            detail = f"* needs at least {self.limits.prefix} letters in front of it"
            return self._wrong("short_wildcard", detail, start, end)
        if self._is_searchable(stem, start, end):
            self._leaf(start, end, lambda at: Prefix(stem, at))
        return None

    def _tag(self, word: str, start: int, end: int) -> None:
        found = tokens(word)
        name = "hashtag" if word[0] == "#" else "handle"
        if "".join(found) != fold(word) or any(token[0] != word[0] or len(token) < 2 for token in found):
            detail = f"{word[:60]} is not one {name}: letters, digits and _ only"
            return self._wrong(f"bad_{name}", detail, start, end)
        kind = Hashtag if word[0] == "#" else Handle
        return self._leaf(start, end, lambda at: kind(word[1:], at))

    def _is_searchable(self, text: str, start: int, end: int) -> bool:
        found = tokens(text)
        if not found:
            self._wrong("no_word", f"there is no word to search for in {text[:60]!r}", start, end)
        elif any(map(is_address, found)):
            self._wrong("address", "an address matches no words: write site:example.com", start, end)
        return bool(found) and not any(map(is_address, found))

    def _field(self, written: str, value: str, start: int, end: int) -> None:
        name = _ALIASES.get(written.lower(), written.lower())
        after = self.text[end : end + 1]
        if not value and after in _CLOSING:
            read = self._read_quoted(end)
            if read is None:
                return None
            value, end = read
        if name not in FIELDS:
            return self._unknown_field(written, value, start, end)
        if not value and after == "[":
            return self._block_of_field(start, end)
        if not value and after == "(":
            detail = f"{name}: takes one value: write ({name}:a OR {name}:b)"
            return self._wrong("field_group", detail, start, end)
        mistake = _field_mistake(name, value)
        if mistake:
            return self._wrong("field_value", mistake, start, end)
        return self._leaf(start, end, lambda at: Field(name, value, at))

    def _block_of_field(self, start: int, end: int) -> None:
        self._at = end
        self._block(start)

    def _unknown_field(self, written: str, value: str, start: int, end: int) -> None:
        if not value and self.text[end : end + 1] == "[":
            found = self.text.find("]", end)
            end = len(self.text) if found < 0 else found + 1
        if written.lower() in _LATER_FIELDS:
            return self._wrong("unsupported", f"the field {written}: is not offered yet", start, end)
        known = ", ".join(f"{name}:" for name in FIELDS)
        detail = f"there is no field {written[:60]}: (there are {known}); put it into quotes if the sign is meant"
        return self._wrong("unknown_field", detail, start, end)


def _followed(text: str, at: int) -> bool:
    return at < len(text) and _BLANK.match(text, at) is None


def _field_mistake(name: str, value: str) -> str:
    """What is wrong with a field's value, or ""."""
    if not fold(value).strip().lstrip("@"):
        return f"{name}: needs a value, with no space before it"
    if name == "lang" and not _LANGUAGE.fullmatch(value):
        return f"lang: takes a language code such as de or en, not {value[:60]!r}"
    if name == "site" and not _DOMAIN.fullmatch(value):
        return f"site: takes a domain such as example.com, not {value[:60]!r}"
    if name != "author" and ("*" in value or "?" in value):
        return f"{name}: takes no wildcards"
    return ""
