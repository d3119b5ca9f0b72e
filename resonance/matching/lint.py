"""Warnings about queries that can be read but probably mean something else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from resonance.errors import Problem
from resonance.matching.pattern import pattern
from resonance.matching.query import And, Field, Not, Or, Phrase, Place, Term, TextLeaf, Tree, leaves
from resonance.matching.text import is_unspaced

OPERATOR_WORDS: Final = {"and": "AND", "und": "AND", "or": "OR", "oder": "OR", "not": "NOT", "nicht": "NOT"}


def lint(tree: Tree) -> list[Problem]:
    """What in this query is probably not meant, in the order of the source.

    Codes: mixed_operators operator_as_word one_letter wildcard_in_quotes no_word_asked.

    >>> from resonance.matching.parser import parse
    >>> [str(problem) for problem in lint(parse("apple or pear"))]
    ['line 1, column 7: "or" is read as a word; the operator is written OR']
    """
    found = [*_of_operators(tree), *_of_leaves(tree)]
    return sorted(found, key=lambda problem: (problem.line or 0, problem.column or 0))


def _warning(code: str, detail: str, at: Place) -> Problem:
    return Problem(detail=detail, code=code, line=at.line, column=at.column)


def _of_operators(tree: Tree) -> Iterator[Problem]:
    if isinstance(tree, Not):
        yield from _of_operators(tree.part)
    elif isinstance(tree, And | Or):
        for part in tree.parts:
            if isinstance(tree, Or) and isinstance(part, And) and not part.bracketed:
                detail = "AND and OR are mixed: AND binds first; write brackets to say what is meant"
                yield _warning("mixed_operators", detail, part.at)
            if isinstance(tree, And) and isinstance(part, Term) and part.text.casefold() in OPERATOR_WORDS:
                operator = OPERATOR_WORDS[part.text.casefold()]
                detail = f'"{part.text}" is read as a word; the operator is written {operator}'
                yield _warning("operator_as_word", detail, part.at)
            yield from _of_operators(part)


def _of_leaves(tree: Tree) -> Iterator[Problem]:
    every = list(leaves(tree))
    for leaf in every:
        if not isinstance(leaf, Field):
            yield from _of_text_leaf(leaf)
    if all(isinstance(leaf, Field) and leaf.name in ("platform", "lang") for leaf in every):
        detail = "no word is asked for: this matches every mention of a platform or language"
        yield _warning("no_word_asked", detail, every[0].at)


def _of_text_leaf(leaf: TextLeaf) -> Iterator[Problem]:
    words = pattern(leaf).words
    if len(words) == 1 and len(words[0][0].lstrip("#@")) == 1 and not is_unspaced(words[0][0].lstrip("#@")):
        yield _warning("one_letter", f'this searches for the single letter "{words[0][0]}"', leaf.at)
    if isinstance(leaf, Phrase) and "*" in leaf.text:
        yield _warning("wildcard_in_quotes", "inside quotes * is a sign like any other, not a wildcard", leaf.at)
