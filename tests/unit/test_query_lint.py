"""Warnings about queries that probably mean something else."""

from __future__ import annotations

import pytest

from resonance.matching import lint, parse


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("aa AND bb OR cc", [("mixed_operators", 4)]),
        ("aa bb OR cc dd", [("mixed_operators", 4), ("mixed_operators", 13)]),
        ("(aa AND bb) OR cc", []),
        ("aa AND (bb OR cc)", []),
        ("aa AND (bb cc OR dd)", [("mixed_operators", 12)]),
        ("aa or bb", [("operator_as_word", 4)]),
        ("aa und bb Oder cc", [("operator_as_word", 4), ("operator_as_word", 11)]),
        ("aa not bb", [("operator_as_word", 4)]),
        ('aa "or" bb', []),
        ("or OR und", []),
        ("C++ aa", [("one_letter", 1)]),
        ("京 aa", []),
        ('"aa*"', [("wildcard_in_quotes", 1)]),
        ("lang:de platform:reddit", [("no_word_asked", 1)]),
        ("lang:de aa", []),
        ("author:jane", []),
    ],
)
def test_a_doubtful_query_is_warned_of(query: str, expected: list[tuple[str, int]]) -> None:
    assert [(problem.code, problem.column) for problem in lint(parse(query))] == expected
