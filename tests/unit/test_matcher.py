"""The matcher, case by case: what a query finds in a mention, and where."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from resonance.errors import InvalidQuery
from resonance.matching import Matcher
from resonance.matching.query import Not, Term
from resonance.model import Author, Mention


def mention(text: str = "", **more: Any) -> Mention:
    return Mention(**{"id": "demo:1", "published_at": datetime(2026, 1, 1, tzinfo=UTC), "text": text, **more})


def found(query: str, text: str) -> list[str] | None:
    """The matched stretches of a text, None where the query does not match."""
    matches = Matcher.compile({"t": query}).match(mention(text))
    return [text[start:end] for start, end in matches[0][1]] if matches else None


@pytest.mark.parametrize(
    ("query", "text", "expected"),
    [
        ("apple", "An apple, Apple’s APPLE #Apple", ["apple", "Apple’s", "APPLE", "#Apple"]),
        ("apple", "pineapple @apple https://apple.example apples", None),
        ("apple's", "Apple", None),
        ("#apple", "apple #Apple", ["#Apple"]),
        ("@apple", "apple #apple @Apple", ["@Apple"]),
        ("@jane", "by @jane.bsky.social", ["@jane.bsky.social"]),
        ("social", "by @jane.bsky.social", None),
        ("app*", "Apple #apps snapp @appo www.app.example", ["Apple", "#apps"]),
        ('"fast food"', "fast, food fast-food food fast", ["fast, food", "fast-food"]),
        ('"fast food"', "I love #FastFood", ["FastFood"]),
        ("food", "#FastFood #fastfood", ["Food"]),
        ("fastfood", "#FastFood", ["#FastFood"]),
        ('"love fastfood today"', "love #FastFood today", ["love #FastFood today"]),
        ('"love fast food today"', "love #FastFood today", ["love #FastFood today"]),
        ('"der müller"', "mueller der mueller", ["der mueller"]),
        ("müller", "Müller MUELLER Muller Mu\u0308ller", ["Müller", "MUELLER", "Mu\u0308ller"]),
        ("mueller", "Müller", None),
        ("größe", "GRÖSSE groesse grösse", ["GRÖSSE", "groesse", "grösse"]),
        ("mül*", "Müllerin muellerin", ["Müllerin", "muellerin"]),
        ("istanbul", "İstanbul", ["İstanbul"]),
        ("京都", "東京都 #京都タワー", ["京都", "京都"]),
        ("AT&T", "at t AT&T", ["at t", "AT&T"]),
        ("sunset_madness", "#sunset_madness sunset_madness", ["sunset_madness", "sunset_madness"]),
        ("apple NOT pie", "apple cake", ["apple"]),
        ("apple NOT pie", "apple pie", None),
        ("apple OR pie*", "apple pies", ["apple", "pies"]),
        ("(apple pear) OR pie", "apple pie", ["pie"]),
        ('apple OR "apple pie"', "apple pie", ["apple", "apple pie"]),
        ('"bora bora"', "bora bora bora", ["bora bora", "bora bora"]),
        ("apple (pear OR NOT plum)", "apple plum", None),
        ("apple (pear OR NOT plum)", "apple", ["apple"]),
    ],
)
def test_a_query_finds_these_stretches(query: str, text: str, expected: list[str] | None) -> None:
    assert found(query, text) == expected


def test_title_thread_quote_and_hashtags_are_searched_but_have_no_spans() -> None:
    matcher = Matcher.compile({"t": "apple"})
    for more in ({"title": "Apple"}, {"thread_title": "apple!"}, {"quoted_text": "#apple"}, {"hashtags": ("Apple",)}):
        assert matcher.match(mention("no fruit", **more)) == [("t", ())]
    assert matcher.match(mention("apple", title="apple")) == [("t", ((0, 5),))]


def test_a_phrase_does_not_reach_from_one_text_into_the_next() -> None:
    matcher = Matcher.compile({"t": '"fast food"'})
    assert matcher.match(mention("so fast", title="food")) == []
    assert matcher.match(mention("", hashtags=("fast", "food"))) == []
    assert matcher.match(mention("", hashtags=("#FastFood",))) == [("t", ())]


@pytest.mark.parametrize(
    ("query", "more", "matches"),
    [
        ("platform:Reddit", {"platform": "reddit"}, True),
        ("platform:demo", {}, True),
        ("platform:reddit", {}, False),
        ("lang:de", {"language": "de-AT"}, True),
        ("lang:de-CH", {"language": "DE"}, True),
        ("lang:de", {"language": "den"}, False),
        ("lang:de", {}, False),
        ("site:example.com", {"site": "www.Example.com"}, True),
        ("site:example.com", {"url": "https://u@blog.example.com:8080/x"}, True),
        ("site:www.example.com", {"url": "http://example.com"}, True),
        ("site:example.com", {"url": "https://badexample.com/example.com"}, False),
        ("site:müller.example", {"url": "https://xn--mller-kva.example/"}, True),
        ("site:example.com", {"url": "https://[::1"}, False),
        ("author:@Jane", {"author": Author(id="7", handle="jane")}, True),
        ("author:did:plc:x", {"author": Author(id="did:plc:x")}, True),
        ('author:"jane  DOE"', {"author": Author(id="7", name="Jane Doe")}, True),
        ("author:jane", {"author": Author(id="7", name="Jane Doe")}, False),
        ("author:jane", {}, False),
    ],
)
def test_a_field_holds_by_its_own_rule(query: str, more: dict[str, Any], matches: bool) -> None:
    assert Matcher.compile({"t": query}).match(mention("x", **more)) == ([("t", ())] if matches else [])
    beside = Matcher.compile({"t": f"word {query}"}).match(mention("word", **more))
    assert beside == ([("t", ((0, 4),))] if matches else [])


def test_the_language_given_goes_before_the_mentions_own() -> None:
    matcher = Matcher.compile({"t": "lang:de"})
    assert matcher.match(mention("x", language="en"), language="de") == [("t", ())]


def test_a_topic_of_some_languages_lets_the_unknown_language_pass() -> None:
    matcher = Matcher.compile({"de": "apple", "all": "apple"}, languages={"de": ("de",), "all": ()})
    topics = {
        tag: [topic for topic, _ in matcher.match(mention("apple", language=tag))] for tag in ("de-CH", "en", None)
    }
    assert topics == {"de-CH": ["all", "de"], "en": ["all"], None: ["all", "de"]}


def test_topics_come_and_go_without_touching_the_matcher_that_was() -> None:
    first = Matcher.compile({"a": "apple", "b": "pear"})
    second = first.with_({"b": "plum", "c": "app*"}).without("a")
    fruit = mention("apple pear plum")
    assert [topic for topic, _ in first.match(fruit)] == ["a", "b"]
    assert second.match(fruit) == [("b", ((11, 15),)), ("c", ((0, 5),))]
    assert second.topics == ("b", "c")
    assert second.match_batch([fruit, mention("none")]) == [second.match(fruit), []]


def test_compile_names_the_mistakes_of_all_topics() -> None:
    with pytest.raises(InvalidQuery) as refused:
        Matcher.compile({"good": "apple", "one": "a AND", "two": "*x"})
    assert [(p.pointer, p.code, p.column) for p in refused.value.problems] == [
        ("one", "missing_operand", 3),
        ("two", "leading_wildcard", 1),
    ]
    with pytest.raises(InvalidQuery, match="positive"):
        Matcher.compile({"t": Not(Term("apple"))})


def test_tokens_beyond_the_memory_are_still_matched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resonance.matching.matcher._REMEMBERED", 3)
    matcher = Matcher.compile({"t": "apple", "long": "x" * 70})
    text = " ".join(map(str, range(20))) + " apple " + "x" * 70
    assert [topic for topic, _ in matcher.match(mention(text))] == ["long", "t"]
    assert [topic for topic, _ in matcher.match(mention(text))] == ["long", "t"]
