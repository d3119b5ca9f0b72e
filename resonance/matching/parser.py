"""Reads a query into a tree. NOT binds tighter than AND, AND tighter than OR; words side by side are joined by AND.

    apple AND (pie OR "apple cake") NOT car    #apple   @apple   app*   -word
    platform:reddit   lang:de   author:jane   site:example.com

Codes of the problems: too_long too_deep too_many_leaves unclosed_quote unclosed_bracket unopened_bracket empty_brackets
missing_operand empty_query not_alone no_word address wildcard leading_wildcard short_wildcard bad_hashtag bad_handle
field_value field_group unknown_field unsupported unexpected.
"""

from __future__ import annotations

from typing import Final

from resonance.errors import InvalidQuery, Problem
from resonance.matching.query import And, Not, Or, Tree, all_of, any_of, is_positive, negate
from resonance.matching.scanner import DEFAULT_LIMITS, Limits, Piece, Scanner

MOST_PROBLEMS: Final = 50
"""So many mistakes of one query are listed; the rest is not looked for."""


def parse(text: str, *, limits: Limits = DEFAULT_LIMITS) -> Tree:
    """The tree of a query; raises InvalidQuery with every mistake and its place.

    >>> from resonance.matching.query import normal_form
    >>> normal_form(parse('apple pie OR "apple cake" -car'))
    '(apple AND pie) OR ("apple cake" AND NOT car)'
    """
    scanner = Scanner(text, limits)
    reader = _Reader(scanner.scan(), scanner)
    tree = reader.read()
    if not scanner.problems and tree is not None:
        _refuse_lonely_not(tree, scanner)
    if scanner.problems or tree is None:
        raise InvalidQuery(_in_order(scanner.problems))
    return tree


def _in_order(problems: list[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: (problem.line or 0, problem.column or 0))[:MOST_PROBLEMS]


def _refuse_lonely_not(tree: Tree, scanner: Scanner) -> None:
    """A NOT can only take away from what something else has found."""
    if is_positive(tree):
        return
    if isinstance(tree, Not):
        detail = "NOT needs something positive beside it: what is to be found, without this?"
        scanner.refuse("not_alone", detail, tree.at)
    elif isinstance(tree, And | Or):
        for part in tree.parts:
            _refuse_lonely_not(part, scanner)


class _Reader:
    """Precedence by one method a level; after a mistake it goes on, so that the next one is seen too.

    Its recursion is bounded: the scanner refuses deep brackets, and a row of NOTs is counted, not descended.
    """

    def __init__(self, pieces: list[Piece], scanner: Scanner) -> None:
        self._pieces = pieces
        self._scanner = scanner
        self._next = 0

    def read(self) -> Tree | None:
        if len(self._pieces) == 1:
            self._refuse("empty_query", "the query is empty", self._pieces[0])
            return None
        tree = self._or(None)
        while self._sign() != "end":  # only a bracket can have stopped it
            self._refuse("unopened_bracket", "this bracket closes nothing", self._take())
            if self._sign() not in ("end", ")"):
                self._or(None, quiet=True)
        return tree

    def _sign(self) -> str:
        return self._pieces[self._next].sign

    def _take(self) -> Piece:
        piece = self._pieces[self._next]
        self._next += 1
        return piece

    def _refuse(self, code: str, detail: str, piece: Piece) -> None:
        self._scanner.refuse(code, detail, piece.at)

    def _starts_operand(self) -> bool:
        return self._sign() in ("leaf", "wrong", "(", "NOT")

    def _or(self, opened: Piece | None, *, quiet: bool = False) -> Tree | None:
        parts = [self._and(opened, quiet=quiet)]
        first: Piece | None = None
        while self._sign() == "OR":
            operator = self._take()
            first = first or operator
            parts.append(self._and(operator))
        known = [part for part in parts if part is not None]
        if first is None or not known:
            return known[0] if known else None
        return any_of(known, first.at, bracketed=opened is not None)

    def _and(self, before: Piece | None, *, quiet: bool = False) -> Tree | None:
        parts: list[Tree | None] = []
        first: Piece | None = None
        if self._starts_operand():
            parts.append(self._not())
        elif not quiet:
            self._refuse_missing(before)
        while self._sign() == "AND" or self._starts_operand():
            here = self._pieces[self._next]
            first = first or here
            if here.sign == "AND":
                self._take()
                if not self._starts_operand():
                    self._refuse("missing_operand", "AND needs something on its right", here)
                    continue
            parts.append(self._not())
        known = [part for part in parts if part is not None]
        if first is None or not known:
            return known[0] if known else None
        bracketed = before is not None and before.sign == "(" and self._sign() == ")"
        return all_of(known, first.at, bracketed=bracketed)

    def _refuse_missing(self, before: Piece | None) -> None:
        """Nothing stands where a part should begin: names the operator that misses it."""
        here = self._pieces[self._next]
        if before is not None and before.sign == "OR":
            self._refuse("missing_operand", "OR needs something on its right", before)
        elif here.sign in ("AND", "OR"):
            self._refuse("missing_operand", f"{here.sign} needs something on its left", here)
        elif before is not None:
            self._refuse("empty_brackets", "there is nothing in these brackets", before)

    def _not(self) -> Tree | None:
        nots: list[Piece] = []
        while self._sign() == "NOT":
            nots.append(self._take())
        if not self._starts_operand():
            self._refuse("missing_operand", "NOT needs something on its right", nots[-1])
            return None
        part = self._operand()
        if part is not None and len(nots) % 2:
            return negate(part, nots[0].at)
        return part

    def _operand(self) -> Tree | None:
        piece = self._take()
        if piece.sign != "(":
            return piece.leaf
        tree = self._or(piece)
        if self._sign() == ")":
            self._take()
        else:
            self._refuse("unclosed_bracket", "this bracket is never closed", piece)
        return tree
