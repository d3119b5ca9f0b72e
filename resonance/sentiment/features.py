"""What the linear model sees of a text: tokens, and the rows of its table of weights that they point to.

Every feature belongs to one token (the word, its character 3- to 5-grams) or to two neighbours (the pair): a token's part
of a score can be remembered, and the pairs of many texts are found at once. Nothing here depends on the language.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Final, NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt

VERSION: Final = 1
"""Rises with every change of what a text turns into: weights fit exactly one version."""
BITS: Final = 19
"""Features are hashed into 2**BITS rows."""
ROWS: Final = 1 << BITS
LONGEST: Final = 40
"""Longer tokens are cut: a wall of letters must not cost a second."""
SCOPE: Final = 3
"""So many words after a negation carry its mark."""

_EMOTICON = (
    r"[<>]?[:;=8xX][-o*']?(?:[()\[\]dDpPoO/\\|*<>@]+|3+)"  # :) ;-( =D xD :'( :*
    r"|[()\[\]dD/\\|]+[-o*']?[:;=]"  # (: D:
    r"|</?3+|\^[_.]?\^|-[_.]+-|\*_+\*|[oO][_.]?[oO]|>[_.]<|;_;|T_T"
)
_EMOJI = (
    "[\U0001f1e6-\U0001f1ff]{2}"
    "|[\u203c\u2049\u2190-\u21ff\u2600-\u27bf\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
    "(?:\ufe0f|\u200d[\u2600-\u27bf\U0001f300-\U0001faff]|[\U0001f3fb-\U0001f3ff])*"
)
_surfaces = re.compile(
    r"(?![xXdDoOT8][xXdDpPoO3_.:;=()-]|https?\b|www\.)[^\W\d_]+(?:['’\-][^\W\d_]+)*"  # most are words: tried first
    r"|https?://\S+|www\.\S+|\bhttps?\b"
    rf"|[@%]\w+|(?:{_EMOTICON})(?=\s|$|\W)|{_EMOJI}|\#\w+|\d+(?:[.,:]\d+)*%?"
    r"|[^\W\d_]+(?:['’\-][^\W\d_]+)*|[!?]+|\.{2,}|[^\w\s]"
).findall
_is_emoticon = re.compile(rf"(?:{_EMOTICON})\Z").match
_is_emoji = re.compile(rf"(?:{_EMOJI})\Z").match
_is_address = re.compile(r"https?\b|www\.").match
_is_number = re.compile(r"\d").match
_repeated = re.compile(r"(.)\1{2,}", re.DOTALL)

NEGATIONS: Final = frozenset(
    [
        "not",
        "no",
        "never",
        "none",
        "nobody",
        "nothing",
        "neither",
        "nor",
        "without",
        "hardly",
        "barely",
        "cannot",
        "can't",
        "cant",
        "don't",
        "dont",
        "doesn't",
        "doesnt",
        "didn't",
        "didnt",
        "won't",
        "wont",
        "isn't",
        "isnt",
        "aren't",
        "arent",
        "wasn't",
        "wasnt",
        "weren't",
        "couldn't",
        "wouldn't",
        "shouldn't",
        "ain't",
        "aint",
        "haven't",
        "hasn't",
        "hadn't",
        "nicht",
        "nich",
        "net",
        "ned",
        "kein",
        "keine",
        "keinen",
        "keinem",
        "keiner",
        "keines",
        "keins",
        "nie",
        "niemals",
        "niemand",
        "nichts",
        "nix",
        "weder",
        "ohne",
        "kaum",
        "ni",
        "nunca",
        "jamás",
        "nada",
        "nadie",
        "sin",
        "tampoco",
        "ne",
        "pas",
        "jamais",
        "rien",
        "aucun",
        "aucune",
        "sans",
        "non",
        "mai",
        "niente",
        "nessun",
        "nessuno",
        "nessuna",
        "senza",
        "né",
        "não",
        "nem",
        "sem",
        "ninguém",
    ]
)
_TURNS: Final = frozenset(
    [
        ".",
        ",",
        ";",
        ":",
        "(",
        ")",
        '"',
        "-",
        "–",
        "|",
        "…",
        "but",
        "however",
        "although",
        "aber",
        "doch",
        "sondern",
        "jedoch",
        "obwohl",
        "mais",
        "pero",
        "ma",
        "però",
        "mas",
    ]
)


class Surface(NamedTuple):
    """How one piece of text is read: its token, what comes before it as marks, and what it does to a negation."""

    token: str
    marks: tuple[str, ...] = ()
    negates: bool = False
    turns: bool = False
    word: bool = False


def _word(piece: str) -> Surface:
    lower = piece.lower().replace("’", "'")[:LONGEST]
    marks: tuple[str, ...] = ()
    if _repeated.search(lower):
        lower = _repeated.sub(r"\1\1", lower)
        marks = ("<long>",)
    if len(piece) > 2 and piece.isupper():
        marks += ("<caps>",)
    return Surface(lower, marks, lower in NEGATIONS, lower in _TURNS, True)


def read(piece: str) -> Surface:
    """The reading of one piece of text as the tokeniser cuts it.

    >>> read("SOOOO"), read("https://a.example").token, read("?!?!").token
    (Surface(token='soo', marks=('<long>', '<caps>'), negates=False, turns=False, word=True), '<url>', '?!')
    """
    first = piece[0]
    if _is_address(piece):
        return Surface("<url>")
    if first in "@%" and len(piece) > 1:
        return Surface("<user>")
    if first == "#" and len(piece) > 1:
        return Surface(piece.lower()[:LONGEST])
    if _is_emoticon(piece):
        return Surface(_repeated.sub(r"\1\1", piece)[:LONGEST])
    if _is_emoji(piece):
        return Surface(piece if "\U0001f1e6" <= first <= "\U0001f1ff" else first)  # the colour of a thumb says nothing
    if _is_number(piece):
        return Surface("<number>")
    if first.isalpha():
        return _word(piece)
    if first in "!?":
        return Surface(piece[:3] if len(set(piece)) == 1 else "?!", turns=True)
    if len(piece) > 1:
        return Surface("…", turns=True)
    return Surface(piece, turns=piece in _TURNS)


class Entry(NamedTuple):
    """The numbers of a piece of text: of its token, plain and under a negation, and of its marks."""

    plain: int
    negated: int
    marks: tuple[int, ...]
    negates: bool
    turns: bool


class Vocabulary:
    """Turns texts into numbers of tokens. `number` is asked once for each new token; the memory is bounded by the caller
    through `size` and a new vocabulary."""

    def __init__(self, number: Callable[[str], int]) -> None:
        self._number = number
        self._entries: dict[str, Entry] = {}

    @property
    def size(self) -> int:
        """How many different pieces of text are remembered."""
        return len(self._entries)

    def numbers(self, text: str) -> list[int]:
        """The numbers of the text's tokens in their order."""
        if "&" in text:
            text = html.unescape(text)
        known = self._entries
        found: list[int] = []
        scope = 0
        for piece in _surfaces(text):
            entry = known.get(piece)
            if entry is None:
                entry = self._enter(piece)
            plain, negated, marks, negates, turns = entry
            if marks:
                found.extend(marks)
            if negates:
                scope = SCOPE
                found.append(plain)
            elif turns:
                scope = 0
                found.append(plain)
            elif scope and negated >= 0:
                scope -= 1
                found.append(negated)
            else:
                found.append(plain)
        return found

    def _enter(self, piece: str) -> Entry:
        token, marks, negates, turns, word = read(piece)
        number = self._number
        negated = number("¬" + token) if word and not negates and not turns else -1
        entry = Entry(number(token), negated, tuple(map(number, marks)), negates, turns)
        if len(piece) <= LONGEST:
            self._entries[piece] = entry
        return entry


def tokens(text: str) -> list[str]:
    """The tokens of a text.

    >>> tokens("Not good at ALL, but sooo funny 😂👍🏽 :-) @jane https://a.example")
    ['not', '¬good', '¬at', '<caps>', '¬all', ',', 'but', '<long>', 'soo', 'funny', '😂', '👍', ':-)', '<user>', '<url>']
    """
    names: list[str] = []

    def number(token: str) -> int:
        names.append(token)
        return len(names) - 1

    return [names[i] for i in Vocabulary(number).numbers(text)]


def hash_of(token: str) -> int:
    """The 32 bits under which a token is known; its row is the lowest bits.

    >>> hash_of("gut") & (ROWS - 1)
    80929
    """
    return crc32(token.encode("utf-8", "surrogatepass"))


def character_rows(token: str) -> list[int]:
    """The rows of a word's character 3- to 5-grams, with its beginning and end marked; none for signs and marks."""
    negated = token[0] == "¬"
    bare = token[1:] if negated or token[0] == "#" else token
    if len(bare) < 3 or token[0] == "<" or not bare[0].isalpha():
        return []
    edged = f"^{bare}$"
    seed = 0x5EED if negated else 0xC4A2
    mask = ROWS - 1
    return [
        crc32(edged[at : at + size].encode("utf-8", "surrogatepass"), seed) & mask
        for size in (3, 4, 5)
        for at in range(len(edged) - size + 1)
    ]


_LEFT: Final = np.uint32(0x9E3779B1)
_RIGHT: Final = np.uint32(0x85EBCA77)
_EDGE: Final = np.uint32(0x5BD1E995)


def pair_rows(hashes: npt.NDArray[np.uint32], starts: npt.NDArray[np.intp]) -> npt.NDArray[np.uint32]:
    """The row of each token with its left neighbour; at `starts` a text begins, and the neighbour is its edge."""
    left = np.empty_like(hashes)
    left[1:] = hashes[:-1]
    left[starts] = _EDGE
    mixed = (left * _LEFT) ^ (hashes * _RIGHT)
    mixed ^= mixed >> np.uint32(15)
    mixed *= _LEFT
    return mixed >> np.uint32(32 - BITS)
