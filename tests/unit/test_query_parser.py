"""The query language: what is read, and each mistake with its exact place."""

from __future__ import annotations

import time

import pytest

from resonance.errors import InvalidQuery
from resonance.matching import Limits, parse
from resonance.matching.query import (
    And,
    Field,
    Handle,
    Hashtag,
    Not,
    Or,
    Phrase,
    Place,
    Prefix,
    Term,
    leaves,
    normal_form,
)

A, B, C = Term("aa"), Term("bb"), Term("cc")


def problems(query: str, limits: Limits | None = None) -> list[tuple[str, int | None, int | None]]:
    with pytest.raises(InvalidQuery) as refused:
        parse(query, limits=limits or Limits())
    return [(problem.code, problem.line, problem.column) for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        ("aa", A),
        ("aa AND bb", And((A, B))),
        ("aa bb", And((A, B))),
        ("aa OR bb", Or((A, B))),
        ("aa OR bb AND cc", Or((A, And((B, C))))),
        ("aa bb OR cc", Or((And((A, B)), C))),
        ("aa AND (bb OR cc)", And((A, Or((B, C))))),
        ("aa NOT bb OR cc", Or((And((A, Not(B))), C))),
        ("aa -bb", And((A, Not(B)))),
        ("aa -(bb cc)", And((A, Not(And((B, C)))))),
        ('aa -"bb cc"', And((A, Not(Phrase("bb cc"))))),
        ("aa NOT NOT bb", And((A, B))),
        ("aa NOT NOT NOT bb", And((A, Not(B)))),
        ("((aa)) AND (bb AND cc)", And((A, B, C))),
        ("aa AND NOT (bb OR NOT cc)", And((A, Not(Or((B, Not(C))))))),
        ("aa or bb", And((A, Term("or"), B))),
        ('"AND"', Phrase("AND")),
        ('"NEAR/3 *x ?"', Phrase("NEAR/3 *x ?")),
        ('"aa  \n bb"', Phrase("aa bb")),
        ("„aa bb“ «cc dd»", And((Phrase("aa bb"), Phrase("cc dd")))),
        ("app*", Prefix("app")),
        (
            "#Apple @jane.bsky.social @u@inst.example",
            And((Hashtag("Apple"), Handle("jane.bsky.social"), Handle("u@inst.example"))),
        ),
        ("platform:reddit", Field("platform", "reddit")),
        ("language:de-AT LANG:en", And((Field("lang", "de-AT"), Field("lang", "en")))),
        ('author:"Jane Doe" site:example.com', And((Field("author", "Jane Doe"), Field("site", "example.com")))),
        ("AT&T C++ e-mail l'oréal 10:30", And(tuple(map(Term, ("AT&T", "C++", "e-mail", "l'oréal", "10:30"))))),
        ("near sentence to", And((Term("near"), Term("sentence"), Term("to")))),
        ("lang:de NOT bb", And((Field("lang", "de"), Not(B)))),
        ("\ufeffaa\u00a0AND\u200bbb", And((A, B))),
    ],
)
def test_a_query_is_read_as_this_tree(query: str, tree: object) -> None:
    assert parse(query) == tree
    assert parse(normal_form(parse(query))) == tree


def test_leaves_know_where_they_stand_in_code_points() -> None:
    query = '🙂🙂x OR\n  ("zwei Worte" AND\r\n #tag)'
    found = [leaf.at for leaf in leaves(parse(query))]
    assert found == [Place(1, 1, 0, 3), Place(2, 4, 10, 22), Place(3, 2, 29, 33)]
    assert [query[at.start : at.end] for at in found] == ["🙂🙂x", '"zwei Worte"', "#tag"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [("empty_query", 1, 1)]),
        (" \n ", [("empty_query", 2, 2)]),
        ("AND aa", [("missing_operand", 1, 1)]),
        ("aa AND", [("missing_operand", 1, 4)]),
        ("OR aa", [("missing_operand", 1, 1)]),
        ("aa OR", [("missing_operand", 1, 4)]),
        ("aa AND AND bb", [("missing_operand", 1, 4)]),
        ("aa OR OR bb", [("missing_operand", 1, 4)]),
        ("aa NOT", [("missing_operand", 1, 4)]),
        ("aa NOT OR bb", [("missing_operand", 1, 4)]),
        ("()", [("empty_brackets", 1, 1)]),
        ("aa ( ) bb", [("empty_brackets", 1, 4)]),
        ("(aa", [("unclosed_bracket", 1, 1)]),
        ("aa)", [("unopened_bracket", 1, 3)]),
        ("aa ) bb ) cc", [("unopened_bracket", 1, 4), ("unopened_bracket", 1, 9)]),
        ('aa "bb', [("unclosed_quote", 1, 4)]),
        ('aa "" bb', [("no_word", 1, 4)]),
        ("aa !!! 🙂", [("no_word", 1, 4), ("no_word", 1, 8)]),
        ("- aa", [("no_word", 1, 1)]),
        ("NOT aa", [("not_alone", 1, 1)]),
        ("-aa -bb", [("not_alone", 1, 1), ("not_alone", 1, 5)]),
        ("aa OR NOT bb", [("not_alone", 1, 7)]),
        ("aa\nNEAR bb", [("unsupported", 2, 1)]),
        ("aa NEAR/3f bb ONEAR cc ONEAR/2 dd", [("unsupported", 1, 4), ("unsupported", 1, 15), ("unsupported", 1, 24)]),
        ("aa SENTENCE bb OSENTENCE cc", [("unsupported", 1, 4), ("unsupported", 1, 16)]),
        ('"aa bb"~3', [("unsupported", 1, 1)]),
        ("(aa AND bb)~3", [("unsupported", 1, 12)]),
        ("roam~1", [("unsupported", 1, 1)]),
        ('(aa)^9 "bb"^2', [("unsupported", 1, 5), ("unsupported", 1, 8)]),
        ("customi?e", [("unsupported", 1, 8)]),
        ("*phone", [("leading_wildcard", 1, 1)]),
        ("*", [("leading_wildcard", 1, 1)]),
        ("co*te", [("wildcard", 1, 3)]),
        ('#tag* "aa bb"*', [("wildcard", 1, 5), ("wildcard", 1, 7)]),
        ("a*", [("short_wildcard", 1, 1)]),
        ('raw:"C++" aa', [("unsupported", 1, 1)]),
        ("title:aa", [("unsupported", 1, 1)]),
        ("foo:[1 TO 2] größe:(aa)", [("unknown_field", 1, 1), ("unknown_field", 1, 14)]),
        ("lang:[a TO b]", [("unsupported", 1, 1)]),
        ("[a TO b] {BT} <<<a note>>> aa", [("unsupported", 1, 1), ("unsupported", 1, 10), ("unsupported", 1, 15)]),
        ("aa ] bb }", [("unexpected", 1, 4), ("unexpected", 1, 9)]),
        (
            '+"aa" ++"bb" +cc !dd',
            [("unsupported", 1, 1), ("unsupported", 1, 7), ("unsupported", 1, 14), ("unsupported", 1, 18)],
        ),
        ("aa && bb || cc", [("unsupported", 1, 4), ("unsupported", 1, 10)]),
        ("aa –bb", [("unsupported", 1, 4)]),
        (
            'https://x.example www.x.example "see http://x.example"',
            [("address", 1, 1), ("address", 1, 19), ("address", 1, 33)],
        ),
        ("lang:", [("field_value", 1, 1)]),
        ("lang:german1 site:a/b platform:re*", [("field_value", 1, 1), ("field_value", 1, 14), ("field_value", 1, 23)]),
        ("lang:(de OR en)", [("field_group", 1, 1)]),
        ("#foo-bar @ #", [("bad_hashtag", 1, 1), ("bad_handle", 1, 10), ("bad_hashtag", 1, 12)]),
        ("aa AND\n(bb OR\n?c", [("unclosed_bracket", 2, 1), ("unsupported", 3, 1)]),
    ],
)
def test_a_mistake_is_named_where_it_stands(query: str, expected: list[tuple[str, int, int]]) -> None:
    assert problems(query) == expected


def test_all_mistakes_are_named_at_once_in_their_order() -> None:
    query = 'AND *x OR (foo:bar NEAR/2 "y'
    assert [code for code, _, _ in problems(query)] == [
        "missing_operand", "leading_wildcard", "unclosed_bracket", "unknown_field", "unsupported", "unclosed_quote",
    ]  # fmt: skip


def test_messages_name_what_was_refused() -> None:
    for query, name in [
        ("a NEAR/3 b", "NEAR/3"), ("a ONEAR b", "ONEAR"), ("a SENTENCE b", "SENTENCE"), ('"a b"~2', '"…"~n'),
        ("raw:x", "raw:"), ("title:x", "title:"), ("shoe:x", "shoe:"), ("a?", "?"), ("{A}", "{…}"),
        ("<<<a>>>", "<<<…>>>"),
    ]:  # fmt: skip
        with pytest.raises(InvalidQuery, match=name.replace("?", r"\?").replace("{", r"\{")):
            parse(query)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("(" * 10_000, [("too_deep", 1, 51)]),
        ("(" * 9_000 + "aa" + ")" * 9_000, [("too_deep", 1, 51)]),
        ("-(" * 9_000, [("too_deep", 1, 102)]),
        ("aa\n" + "b" * 100_000, [("too_long", 2, 19_998)]),
        ("aa " * 6_000, [("too_many_leaves", 1, 1501)]),
        ('"' + "aa " * 6_000 + '"', [("too_many_leaves", 1, 1)]),
        ("NOT " * 4_998 + "NOT aa", [("not_alone", 1, 1)]),
    ],
)
def test_a_monstrous_query_is_refused_quickly(query: str, expected: list[tuple[str, int, int]]) -> None:
    started = time.perf_counter()
    assert problems(query) == expected
    assert time.perf_counter() - started < 2


def test_the_number_of_mistakes_listed_is_bounded() -> None:
    assert len(problems("? " * 9_000)) == 50


def test_limits_can_be_set() -> None:
    assert problems("((aa))", Limits(depth=1)) == [("too_deep", 1, 2)]
    assert problems("aa bb cc", Limits(leaves=2)) == [("too_many_leaves", 1, 7)]
    assert parse("a*", limits=Limits(prefix=1)) == Prefix("a")
