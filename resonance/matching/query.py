"""The query as an immutable tree, and its one normal spelling.

Trees are what `parse` gives: AND inside AND and OR inside OR are flat, NOT NOT x is x. Two trees are equal
when they ask for the same words in the same order: places in the source and superfluous brackets do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

FIELDS: Final = ("platform", "lang", "author", "site")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the source: `line`, `column` from 1, `start`, `end` from 0, all in code points."""

    line: int = 1
    column: int = 1
    start: int = 0
    end: int = 0


NOWHERE: Final = Place()


@dataclass(frozen=True, slots=True)
class Term:
    """A word as it was written without quotes (`apple`, `AT&T`): what it is cut into must stand side by side."""

    text: str
    at: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words in quotes: they must stand side by side, in this order; signs between them do not count."""

    text: str
    at: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Prefix:
    """Every word that begins with `stem`."""

    stem: str
    at: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Hashtag:
    """The hashtag `#tag`, and not the word."""

    tag: str
    at: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Handle:
    """`@name` in the text."""

    name: str
    at: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Field:
    """A property of the mention; `name` is one of `FIELDS`, `value` as written."""

    name: str
    value: str
    at: Place = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more parts; `at` is the first operator (or the second part of two that stand side by side)."""

    parts: tuple[Tree, ...]
    at: Place = field(default=NOWHERE, compare=False)
    bracketed: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of two or more parts."""

    parts: tuple[Tree, ...]
    at: Place = field(default=NOWHERE, compare=False)
    bracketed: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """What must not hold."""

    part: Tree
    at: Place = field(default=NOWHERE, compare=False)


TextLeaf = Term | Phrase | Prefix | Hashtag | Handle
Leaf = TextLeaf | Field
Tree = Leaf | And | Or | Not


def all_of(parts: Iterable[Tree], at: Place = NOWHERE, *, bracketed: bool = True) -> Tree:
    """All of the parts, flat; a single part is itself.

    >>> normal_form(all_of([Term("a"), all_of([Term("b"), Term("c")])]))
    'a AND b AND c'
    """
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, And) else (part,))]
    return flat[0] if len(flat) == 1 else And(tuple(flat), at, bracketed)


def any_of(parts: Iterable[Tree], at: Place = NOWHERE, *, bracketed: bool = True) -> Tree:
    """At least one of the parts, flat; a single part is itself."""
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, Or) else (part,))]
    return flat[0] if len(flat) == 1 else Or(tuple(flat), at, bracketed)


def negate(part: Tree, at: Place = NOWHERE) -> Tree:
    """The opposite of a part; NOT NOT x is x."""
    return part.part if isinstance(part, Not) else Not(part, at)


def leaves(tree: Tree) -> Iterator[Leaf]:
    """Every leaf from left to right, those under NOT too."""
    if isinstance(tree, And | Or):
        for part in tree.parts:
            yield from leaves(part)
    elif isinstance(tree, Not):
        yield from leaves(tree.part)
    else:
        yield tree


def is_positive(tree: Tree) -> bool:
    """True where a match needs something to be there: a NOT alone has nothing to be found by."""
    if isinstance(tree, And):
        return any(map(is_positive, tree.parts))
    if isinstance(tree, Or):
        return all(map(is_positive, tree.parts))
    return not isinstance(tree, Not)


_BARE_VALUE = re.compile(r"[\w.@-]+")


def _leaf_form(leaf: Leaf) -> str:
    match leaf:
        case Term(text=text):
            return text
        case Phrase(text=text):
            return f'"{text}"'
        case Prefix(stem=stem):
            return f"{stem}*"
        case Hashtag(tag=tag):
            return f"#{tag}"
        case Handle(name=name):
            return f"@{name}"
    value = leaf.value if _BARE_VALUE.fullmatch(leaf.value) else f'"{leaf.value}"'
    return f"{leaf.name}:{value}"


def normal_form(tree: Tree) -> str:
    """The query spelled out, every operator written and every mixture bracketed; `parse` reads it back as this tree.

    >>> normal_form(Or((And((Term("apple"), Not(Phrase("apple pie")))), Hashtag("Apple"))))
    '(apple AND NOT "apple pie") OR #Apple'
    """
    if isinstance(tree, And | Or):
        return (" AND " if isinstance(tree, And) else " OR ").join(map(_inner_form, tree.parts))
    if isinstance(tree, Not):
        return f"NOT {_inner_form(tree.part)}"
    return _leaf_form(tree)


def _inner_form(tree: Tree) -> str:
    form = normal_form(tree)
    return f"({form})" if isinstance(tree, And | Or) else form


def word_of(leaf: Leaf) -> str | None:
    """What a leaf asks for, as it was written; None for a field.

    >>> word_of(Prefix("strom"))
    'strom'
    """
    match leaf:
        case Term(text=word) | Phrase(text=word) | Prefix(stem=word) | Hashtag(tag=word) | Handle(name=word):
            return word
    return None
