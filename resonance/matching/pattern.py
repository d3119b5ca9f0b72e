"""What a leaf of a query looks for: a row of words, each in any of its spellings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from resonance.matching.query import Handle, Hashtag, Phrase, Prefix, Term, TextLeaf
from resonance.matching.text import is_unspaced, spellings, tokens


@dataclass(frozen=True, slots=True)
class Pattern:
    """`words[k]` are the spellings of the k-th word; with `prefix` the last word only has to begin so."""

    words: tuple[tuple[str, ...], ...]
    prefix: bool = False


@lru_cache(maxsize=4096)
def pattern(leaf: TextLeaf) -> Pattern:
    """The words of a leaf, cut and folded as texts are.

    >>> pattern(Phrase("Müller & Sons")).words
    (('müller', 'mueller'), ('sons',))
    """
    match leaf:
        case Term(text=written) | Phrase(text=written) | Prefix(stem=written):
            found = tokens(written)
        case Hashtag(tag=tag):
            found = tokens("#" + tag)
        case Handle(name=name):
            found = tokens("@" + name)
    words = tuple(map(spellings, found))
    # in scripts without spaces every character is a token: what begins so is what contains it
    return Pattern(words, isinstance(leaf, Prefix) and not is_unspaced(found[-1]))
