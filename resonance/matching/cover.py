"""The cheapest cover of a query: keys of which every mention that matches it has at least one.

AND is covered by its rarest part, OR only by all of its parts together, a phrase by its rarest word, NOT by nothing.
A second cover of an AND or a phrase serves as guard: a mention that has a key but none of its guard cannot match.
(The idea is that of term extraction for percolation, as in Lucene's monitor; costs are expected numbers of mentions.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf
from typing import Final, Literal, NamedTuple

from resonance.matching.fields import field_key
from resonance.matching.pattern import Pattern, pattern
from resonance.matching.query import And, Field, Not, Or, TextLeaf, Tree
from resonance.matching.rarity import Rarity

_FIELD_SHARES: Final = {"author": 1e-4, "site": 1e-2, "platform": 0.2, "lang": 0.3}
_MOST_GUARDS = 8  # more words in a guard cost more to look at than the evaluation that they save


class Key(NamedTuple):
    """A word, the beginning of a word, or a property (`name` its field) that leads to a query.

    `guard`: at least one of these words must be there too (empty: no guard).
    """

    kind: Literal["word", "prefix", "field"]
    value: str
    name: str = ""
    guard: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cover:
    """Keys, and about the share of mentions that have one of them."""

    cost: float
    keys: tuple[Key, ...]


_UNCOVERED: Final = Cover(inf, ())


def share(tree: Tree, rarity: Rarity) -> float:
    """About the share of mentions that the tree finds; infinite where it does not depend on anything being there."""
    return cover(tree, rarity).cost


def cover(tree: Tree, rarity: Rarity) -> Cover:
    """The cheapest cover; for a tree that is not positive it has infinite cost and no keys.

    >>> from resonance.matching.parser import parse
    >>> [key.value for key in cover(parse("(the OR of) AND zebra AND NOT lion"), Rarity()).keys]
    ['zebra']
    """
    if isinstance(tree, And):
        return _cover_all([cover(part, rarity) for part in tree.parts])
    if isinstance(tree, Or):
        covers = [cover(part, rarity) for part in tree.parts]
        if any(part.cost == inf for part in covers):
            return _UNCOVERED
        return Cover(
            sum(part.cost for part in covers), tuple(dict.fromkeys(key for part in covers for key in part.keys))
        )
    if isinstance(tree, Not):
        return _UNCOVERED
    if isinstance(tree, Field):
        name, value = field_key(tree)
        return Cover(_FIELD_SHARES[name], (Key("field", value, name),))
    return _cover_leaf(tree, rarity)


def _cover_all(covers: list[Cover]) -> Cover:
    """The cheapest part, guarded by the next cheapest one that is made of few plain words."""
    first, *others = sorted(covers, key=lambda part: part.cost)
    for other in others:
        words = tuple(key.value for key in other.keys)
        if 0 < len(words) <= _MOST_GUARDS and all(key.kind == "word" for key in other.keys):
            return replace(first, keys=tuple(key if key.guard else key._replace(guard=words) for key in first.keys))
    return first


def _cover_leaf(leaf: TextLeaf, rarity: Rarity) -> Cover:
    wanted = pattern(leaf)
    parts = [_cover_word(wanted, k, rarity) for k in range(len(wanted.words))]
    whole = _cover_all(parts)
    if len(parts) == 1:
        return whole
    # two words must meet, and side by side: about as rare as the rarest times (a little more than) the next
    first, second = sorted(part.cost for part in parts)[:2]
    return replace(whole, cost=first * min(1.0, 10 * second))


def _cover_word(wanted: Pattern, k: int, rarity: Rarity) -> Cover:
    if wanted.prefix and k == len(wanted.words) - 1:
        keys = tuple(Key("prefix", stem) for stem in wanted.words[k])
        return Cover(sum(rarity.prefix(stem) for stem in wanted.words[k]), keys)
    return Cover(sum(map(rarity.word, wanted.words[k])), tuple(Key("word", word) for word in wanted.words[k]))
