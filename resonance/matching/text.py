"""How text becomes words: folding, tokens, what a token answers to, and the way back to the original's code points.

Folding is NFKC and casefold (so ß is ss), typographic apostrophes become ', İ becomes i, invisible joiners vanish,
a trade mark sign parts. Tokens: addresses, #hashtags, @handles, words (letters, digits and marks; an apostrophe inside
belongs to the word), and single characters of scripts written without spaces. Signs and emoji are no tokens.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

BREAK: Final = "\x00"
"""Stands between two texts in a list of tokens, so that no phrase reaches across; never a token of a text."""

_APOSTROPHES = "\u2018\u2019\u201b\u02bc\u2032\u00b4\uff07`"
_SPACES = "\u2122\u2120\u200b"  # ™ and ℠ would become letters glued to the brand; a zero-width space parts words
_VANISHING = (
    "\u00ad\u034f\u061c\u180b\u180c\u180d\u180e\u180f\u200c\u200d\u200e\u200f\ufeff"
    + "".join(map(chr, [*range(0x202A, 0x202F), *range(0x2060, 0x2070), *range(0xFE00, 0xFE10)]))
)  # fmt: skip
_PREPARED: Final = {
    **dict.fromkeys(_APOSTROPHES, "'"),
    **dict.fromkeys(_SPACES, " "),
    **dict.fromkeys(_VANISHING, ""),
}
_prepare: Final = re.compile("[" + "".join(map(re.escape, sorted(_PREPARED))) + "]").sub
_UNSPACED: Final = (
    (0x0E01, 0x0E3A), (0x0E40, 0x0E4E), (0x0E81, 0x0EBD), (0x0EC0, 0x0ECE), (0x1000, 0x103F), (0x1050, 0x109D),
    (0x1780, 0x17D3), (0x2E80, 0x2FDF), (0x3005, 0x3005), (0x3007, 0x3007), (0x3021, 0x3029), (0x3041, 0x3096),
    (0x309D, 0x309F), (0x30A1, 0x30FA), (0x30FC, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
)  # fmt: skip
"""Thai, Lao, Myanmar, Khmer, Chinese, Japanese: one token a character, so a word of a query is an exact substring."""


def _is_unspaced(code: int) -> bool:
    return any(low <= code <= high for low, high in _UNSPACED)


def _ranges(belongs: Callable[[int], bool]) -> str:
    """The body of a character class, BMP only: one range above it turns off the engine's bitmap (7 times slower)."""
    body, start = [], -1
    for code in range(0x10000 + 1):
        inside = code < 0x10000 and belongs(code)
        if inside and start < 0:
            start = code
        elif not inside and start >= 0:
            body.append(re.escape(chr(start)) + ("-" + re.escape(chr(code - 1)) if code - 1 > start else ""))
            start = -1
    return "".join(body)


def _is_word_character(code: int) -> bool:
    category = unicodedata.category(chr(code))
    return (category[0] in "LN" or category in ("Mn", "Mc")) and chr(code) not in _PREPARED and not _is_unspaced(code)


_WORD = _ranges(_is_word_character)
_SINGLE = _ranges(_is_unspaced)
_PART = rf"[{_WORD}{_SINGLE}_]+"
_ASTRAL = "\U00010280-\U0001cfff\U0001e000-\U0001efff"  # letters of rare scripts; symbols and emoji lie outside
_TOKEN = re.compile(
    r"(?:https?://|www\.)\S+"
    rf"|#{_PART}"
    rf"|@{_PART}(?:(?:-{_PART})*(?:\.{_PART}(?:-{_PART})*)+)?"  # @jane, and a domain as a handle: @jane.bsky.social
    rf"|[{_WORD}]+(?:'[{_WORD}]+)*"
    rf"|[{_SINGLE}]"
    rf"|[{_ASTRAL}]+|[\U00020000-\U0003ffff]"
)
tokens_of_folded: Final[Callable[[str], list[str]]] = _TOKEN.findall
_ADDRESS = ("http://", "https://", "www.")


def fold(text: str) -> str:
    """The text as it is compared.

    >>> fold("STRASSE Straße İstanbul Apple’s Ｆｕｌｌ")
    "strasse strasse istanbul apple's full"
    """
    if text.isascii():
        return text.lower().replace("`", "'")
    text = _prepare(_replacement, text)
    return unicodedata.normalize("NFKC", text).casefold().replace("i\u0307", "i")


def _replacement(found: re.Match[str]) -> str:
    return _PREPARED[found[0]]


def tokens(text: str) -> list[str]:
    """The tokens of a text, folded, in their order.

    >>> tokens("Ada’s #FastFood @jane.bsky.social 東京 https://a.example/b")
    ["ada's", '#fastfood', '@jane.bsky.social', '東', '京', 'https://a.example/b']
    """
    return tokens_of_folded(fold(text))


def is_address(token: str) -> bool:
    """True for a token that is a web address: it answers to nothing."""
    return token.startswith(_ADDRESS)


def is_unspaced(token: str) -> bool:
    """True for a token of a script written without spaces."""
    return len(token) == 1 and (_is_unspaced(ord(token)) or ord(token) >= 0x20000)


@lru_cache(maxsize=1 << 13)
def answers(token: str) -> tuple[str, ...]:
    """The words to which a token answers: a hashtag to its word too, x's to x, a domain as handle to its first part.

    >>> answers("#apple"), answers("apple's"), answers("@jane.bsky.social"), answers("www.apple.com")
    (('#apple', 'apple'), ("apple's", 'apple'), ('@jane.bsky.social', '@jane'), ())
    """
    first = token[0]
    if first == "#":
        return (token, token[1:])
    if first == "@":
        return (token, token.partition(".")[0]) if "." in token else (token,)
    if token == BREAK or (first in "hw" and token.startswith(_ADDRESS)):
        return ()
    if token.endswith("'s"):
        return (token, token[:-2])
    return (token,)


_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


def spellings(token: str) -> tuple[str, ...]:
    """How a word of a query may be spelled in a text: with umlauts, or all of them written out.

    Only queries are widened, texts never: `neue` is not `neü`.

    >>> spellings("müller"), spellings("mueller"), spellings("#grün")
    (('müller', 'mueller'), ('mueller',), ('#grün', '#gruen'))
    """
    written_out = token.translate(_UMLAUTS)
    return (token,) if written_out == token or token[0] == "@" else (token, written_out)


_TAG = re.compile(rf"[#\uff03]({_PART})")


def _seams(tag: str) -> list[int]:
    """Where a new word begins inside a hashtag: fastFood, HTMLPage, Euro2024."""
    found = []
    for at in range(1, len(tag)):
        before, here = tag[at - 1], tag[at]
        if here.isupper():
            seam = before.islower() or before.isdigit() or (before.isupper() and tag[at + 1 : at + 2].islower())
        else:
            seam = here != "_" and before != "_" and here.isdigit() != before.isdigit()
        if seam:
            found.append(at)
    return found


@dataclass(frozen=True, slots=True)
class Opened:
    """A text whose hashtags are cut into their words; `inserted` are the offsets in `text` of the spaces added."""

    text: str
    inserted: tuple[int, ...]

    def original(self, offset: int) -> int:
        """The offset in the text before it was opened."""
        return offset - bisect_left(self.inserted, offset)


def open_tags(text: str) -> Opened | None:
    """The text with #FastFood as Fast Food, so that its parts are words too; None where there is nothing to cut.

    >>> open_tags("I love #FastFood").text
    'I love  Fast Food'
    """
    if "#" not in text and "\uff03" not in text:
        return None
    pieces: list[str] = []
    inserted: list[int] = []
    done = length = 0
    for found in _TAG.finditer(text):
        tag, start = found[1], found.start()
        if tag.isascii() and tag.isalpha() and (tag.islower() or tag.isupper() or tag.istitle()):
            continue
        seams = _seams(tag)
        if not seams and "_" not in tag and not any(map(is_unspaced, tag)):
            continue
        pieces += (text[done:start], " ")  # in place of the sign
        length += start - done + 1
        for begin, end in pairwise((0, *seams)):
            length += end - begin
            pieces += (tag[begin:end], " ")
            inserted.append(length)
            length += 1
        last = tag[seams[-1] :] if seams else tag
        pieces.append(last)
        length += len(last)
        done = found.end()
    return Opened("".join(pieces) + text[done:], tuple(inserted)) if pieces else None


@lru_cache(maxsize=4096)
def _joins(char: str) -> bool:
    """True where a character may melt into what stands before it, so that both are folded as one."""
    if char in _VANISHING:
        return True
    first = unicodedata.normalize("NFKD", char)[0]
    return unicodedata.category(first)[0] == "M" or "\u1160" <= first <= "\u11ff"


_alone: Final = re.compile(r"[\x00-\x7f]+(?![^\x00-\x7f])").match
"""Characters that are folded one by one: plain ASCII, each before another or the end, so that nothing melts into it."""


@lru_cache(maxsize=4096)
def _fold_together(piece: str) -> tuple[str, int]:
    """A character with all that melts into it: folded, and how much of it is seen."""
    end = len(piece)
    while end > 1 and piece[end - 1] in _VANISHING:
        end -= 1
    return fold(piece), end


def _fold_with_offsets(text: str) -> tuple[str, list[int], list[int]]:
    """The folded text, and for each of its characters start and end in the original."""
    folded: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at, length = 0, len(text)
    while at < length:
        start = at
        if plain := _alone(text, at):
            at = plain.end()
            folded.append(fold(plain[0]))
            starts += range(start, at)
            ends += range(start + 1, at + 1)
            continue
        at += 1
        while at < length and _joins(text[at]):
            at += 1
        piece, seen = _fold_together(text[start:at])
        folded.append(piece)
        starts += [start] * len(piece)
        ends += [start + seen] * len(piece)
    return "".join(folded), starts, ends


def spans(text: str) -> list[tuple[int, int]]:
    """Start and end of each of `tokens(text)`, in code points of the text as it was given.

    >>> spans("Straße, Äpfel")
    [(0, 6), (8, 13)]
    """
    if text.isascii():
        return [found.span() for found in _TOKEN.finditer(fold(text))]
    folded, starts, ends = _fold_with_offsets(text)
    return [(starts[found.start()], ends[found.end() - 1]) for found in _TOKEN.finditer(folded)]
