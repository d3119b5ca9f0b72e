"""The matcher against the naive evaluation, the normal form, arbitrary text, and SQLite's full-text search."""

from __future__ import annotations

import random
import sqlite3
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from resonance.errors import InvalidQuery
from resonance.matching import Matcher, lint, normal_form, parse
from resonance.matching.query import (
    Field,
    Handle,
    Hashtag,
    Phrase,
    Prefix,
    Term,
    Tree,
    all_of,
    any_of,
    is_positive,
    leaves,
    negate,
)
from resonance.matching.rarity import Rarity
from resonance.model import Author, Mention
from tests.support.naive_matching import naive_match

WORDS = [
    "apple",
    "app",
    "pie",
    "müller",
    "mueller",
    "straße",
    "apple's",
    "don’t",
    "京",
    "京都",
    "the",
    "sun_set",
    "at&t",
]
TAGS = ["apple", "FastFood", "fast", "food", "京都タワー", "sun_set", "müller", "Pie2"]
NAMES = ["jane", "jane.bsky.social", "pie"]
FIELDS = [("lang", "de"), ("platform", "demo"), ("author", "jane"), ("site", "example.com"), ("site", "com")]
NOISE = [
    "fast",
    "food",
    "🙂",
    "https://apple.example",
    "APPLES",
    "Mu\u0308ller",
    "Ａｐｐｌｅ",
    "東京都",
    ",",
    "\x00",
    "\u200d",
]

LEAVES = st.one_of(
    st.sampled_from(WORDS).map(Term),
    st.lists(st.sampled_from([*WORDS, "fast", "food"]), min_size=1, max_size=3).map(
        lambda words: Phrase(" ".join(words))
    ),
    st.sampled_from(["ap", "apple", "mü", "fa", "京", "pi"]).map(Prefix),
    st.sampled_from(TAGS).map(Hashtag),
    st.sampled_from(NAMES).map(Handle),
    st.sampled_from(FIELDS).map(lambda pair: Field(*pair)),
)
TREES: st.SearchStrategy[Tree] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=4).map(all_of),
        st.lists(inner, min_size=2, max_size=4).map(any_of),
        inner.map(negate),
    ),
    max_leaves=8,
)
PIECES = st.sampled_from([*WORDS, *NOISE, *("#" + tag for tag in TAGS), *("@" + name for name in NAMES)])
TEXTS = st.tuples(st.lists(PIECES, max_size=12), st.sampled_from([" ", " ", "", "\n"])).map(
    lambda both: both[1].join(both[0])
)
AUTHORS = st.sampled_from([None, Author(id="7", handle="Jane"), Author(id="8", name="pie")])


@st.composite
def mentions(draw: st.DrawFn) -> Mention:
    return Mention(
        id="demo:1",
        published_at=datetime(2026, 1, 1, tzinfo=UTC),
        text=draw(TEXTS),
        title=draw(st.none() | TEXTS),
        quoted_text=draw(st.none() | TEXTS),
        hashtags=draw(st.lists(st.sampled_from(TAGS), max_size=2).map(tuple)),
        platform=draw(st.sampled_from(["", "reddit"])),
        language=draw(st.sampled_from([None, "de-AT", "en"])),
        url=draw(st.sampled_from([None, "https://blog.example.com/a", "https://other.example"])),
        author=draw(AUTHORS),
    )


@given(TREES)
def test_the_normal_form_is_read_back_as_the_same_tree(tree: Tree) -> None:
    if not is_positive(tree):
        tree = all_of([tree, Term("apple")])
    assert parse(normal_form(tree)) == tree
    assert normal_form(parse(normal_form(tree))) == normal_form(tree)


@settings(max_examples=200)
@given(
    st.lists(TREES.filter(is_positive), min_size=1, max_size=8),
    st.lists(mentions(), min_size=1, max_size=4),
    st.booleans(),
)
def test_the_matcher_says_what_naive_evaluation_says(trees: list[Tree], seen: list[Mention], known: bool) -> None:
    topics = {f"t{number}": tree for number, tree in enumerate(trees)}
    rarity = Rarity({word: 1 / (at + 2) for at, word in enumerate(WORDS)}) if known else None
    matcher = Matcher.compile(topics, rarity=rarity)
    for mention in seen:
        expected = [
            (topic, spans) for topic, tree in topics.items() if (spans := naive_match(tree, mention)) is not None
        ]
        assert matcher.match(mention) == expected


@given(LEAVES.filter(lambda leaf: not isinstance(leaf, Field)), TEXTS | st.text(max_size=60))
def test_what_a_span_covers_matches_the_leaf_by_itself(leaf: Tree, text: str) -> None:
    matcher = Matcher.compile({"t": leaf})
    mention = Mention(id="demo:1", published_at=datetime(2026, 1, 1, tzinfo=UTC), text=text)
    for _, spans in matcher.match(mention):
        assert list(spans) == sorted(set(spans))
        for start, end in spans:
            assert 0 <= start < end <= len(text)
            part = Mention(id="demo:2", published_at=mention.published_at, text=text[start:end])
            assert matcher.match(part), text[start:end]


ANY_TEXT = st.text(st.characters(categories=None), max_size=200) | st.sampled_from(
    [
        "\x00",
        "\ud800 apple\udfff",
        "שלום apple مرحبا",
        "👩‍👩‍👧 apple",
        "apple" * 2_000,
        "é" * 10_000,
        "#" * 500,
        "@a." * 300,
    ]
)


@given(ANY_TEXT)
def test_no_text_makes_the_matcher_fail(text: str) -> None:
    everything = {str(at): Term(word) for at, word in enumerate(WORDS)} | {"prefix": Prefix("ap"), "tag": Hashtag("a")}
    matcher = Matcher.compile(everything)
    mention = Mention(id="demo:1", published_at=datetime(2026, 1, 1, tzinfo=UTC), text=text, title=text)
    for topic, spans in matcher.match(mention):
        assert naive_match(everything[topic], mention) == spans


@given(ANY_TEXT | st.text(st.sampled_from('ab"()-*#@:[]{}<>~?|&+! \nANDORT'), max_size=40))
def test_any_query_is_read_or_refused_with_places_inside_it(query: str) -> None:
    try:
        tree = parse(query)
    except InvalidQuery as refused:
        assert refused.problems
        lines = query.split("\n")
        for problem in refused.problems:
            assert problem.line is not None and problem.column is not None
            assert 1 <= problem.line <= len(lines)
            assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
    else:
        assert parse(normal_form(tree)) == tree
        assert all(query[leaf.at.start : leaf.at.end] for leaf in leaves(tree))
        lint(tree)


def _fts(tree: Tree) -> str:
    """The tree as a query of SQLite's FTS5; a constant word stands for what NOT takes away from."""
    match tree:
        case Term(text=word):
            return f'"{word}"'
        case Phrase(text=words):
            return f'"{words}"'
        case Prefix(stem=stem):
            return f'"{stem}"*'
    kind = type(tree).__name__.upper()
    if kind == "NOT":
        return f"(everywhere NOT {_fts(tree.part)})"  # type: ignore[union-attr]
    return "(" + f" {kind} ".join(map(_fts, tree.parts)) + ")"  # type: ignore[union-attr]


def _random_tree(rng: random.Random, words: list[str], depth: int) -> Tree:
    pick = rng.random()
    if depth == 0 or pick < 0.35:
        shape = rng.random()
        if shape < 0.6:
            return Term(rng.choice(words))
        if shape < 0.8:
            return Phrase(" ".join(rng.choices(words[:12], k=2)))
        return Prefix(rng.choice(words)[:2])
    if pick < 0.5:
        return negate(_random_tree(rng, words, depth - 1))
    join = all_of if pick < 0.75 else any_of
    return join([_random_tree(rng, words, depth - 1) for _ in range(rng.randint(2, 3))])


def test_sqlites_full_text_search_finds_the_same() -> None:
    rng = random.Random(7)
    words = ["".join(rng.choices("abcde", k=rng.randint(2, 4))) for _ in range(60)]
    texts = [" ".join(words[int(len(words) * rng.random() ** 2)] for _ in range(12)) for _ in range(300)]
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE seen USING fts5(body, tokenize = 'ascii')")
    database.executemany(
        "INSERT INTO seen(rowid, body) VALUES (?, ?)", [(at, f"everywhere . {t}") for at, t in enumerate(texts)]
    )
    trees = [tree for tree in (_random_tree(rng, words, 3) for _ in range(400)) if is_positive(tree)]
    matcher = Matcher.compile({str(at): tree for at, tree in enumerate(trees)})
    ours: dict[str, set[int]] = {}
    for at, text in enumerate(texts):
        for topic, _ in matcher.match(Mention(id="demo:1", published_at=datetime(2026, 1, 1, tzinfo=UTC), text=text)):
            ours.setdefault(topic, set()).add(at)
    pairs = 0
    for at, tree in enumerate(trees):
        theirs = {row for (row,) in database.execute("SELECT rowid FROM seen WHERE seen MATCH ?", (_fts(tree),))}
        assert ours.get(str(at), set()) == theirs, normal_form(tree)
        pairs += len(theirs)
    database.close()
    assert pairs > 5_000  # the comparison has something to compare
