"""A query made ready to be asked: its patterns are cut once, and in AND what is rare is looked at first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from resonance.matching.cover import share
from resonance.matching.evidence import Evidence, Span
from resonance.matching.fields import FieldKey, field_key
from resonance.matching.pattern import Pattern, pattern
from resonance.matching.query import And, Field, Not, Or, Tree
from resonance.matching.rarity import Rarity


@dataclass(frozen=True, slots=True)
class _Words:
    wanted: Pattern

    def holds(self, evidence: Evidence) -> bool:
        return evidence.holds(self.wanted)

    def spans(self, evidence: Evidence) -> Iterator[Span]:
        return evidence.spans(self.wanted)


@dataclass(frozen=True, slots=True)
class _Property:
    wanted: FieldKey

    def holds(self, evidence: Evidence) -> bool:
        return self.wanted in evidence.fields

    def spans(self, evidence: Evidence) -> Iterator[Span]:
        return iter(())


@dataclass(frozen=True, slots=True)
class _All:
    parts: tuple[Program, ...]

    def holds(self, evidence: Evidence) -> bool:
        for part in self.parts:  # noqa: SIM110 (a loop is twice as fast as all() of a generator)
            if not part.holds(evidence):
                return False
        return True

    def spans(self, evidence: Evidence) -> Iterator[Span]:
        for part in self.parts:
            yield from part.spans(evidence)


@dataclass(frozen=True, slots=True)
class _Any:
    parts: tuple[Program, ...]

    def holds(self, evidence: Evidence) -> bool:
        for part in self.parts:  # noqa: SIM110 (as above)
            if part.holds(evidence):
                return True
        return False

    def spans(self, evidence: Evidence) -> Iterator[Span]:
        for part in self.parts:
            if part.holds(evidence):
                yield from part.spans(evidence)


@dataclass(frozen=True, slots=True)
class _None:
    part: Program

    def holds(self, evidence: Evidence) -> bool:
        return not self.part.holds(evidence)

    def spans(self, evidence: Evidence) -> Iterator[Span]:
        return iter(())


Program = _Words | _Property | _All | _Any | _None
"""`holds` says whether it is true of a mention; `spans` (asked only where it holds) where its words stand."""


def program(tree: Tree, rarity: Rarity) -> Program:
    """The program of a tree."""
    if isinstance(tree, And):
        return _All(tuple(program(part, rarity) for part in sorted(tree.parts, key=lambda part: share(part, rarity))))
    if isinstance(tree, Or):
        return _Any(tuple(program(part, rarity) for part in tree.parts))
    if isinstance(tree, Not):
        return _None(program(tree.part, rarity))
    if isinstance(tree, Field):
        return _Property(field_key(tree))
    return _Words(pattern(tree))
