"""All topics at once against one mention: which match, and where in the text.

In two stages. Each query is filed under the few words that it cannot match without (`cover`); a mention's tokens are
looked up once each, and only the queries so found are evaluated. The answer is exactly that of evaluating every query.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from resonance.errors import InvalidQuery, Problem
from resonance.matching.cover import Key, cover
from resonance.matching.evidence import Evidence, Span, searched_tokens
from resonance.matching.fields import FieldKey, field_keys, primary
from resonance.matching.parser import parse
from resonance.matching.program import Program, program
from resonance.matching.query import Tree, is_positive
from resonance.matching.rarity import Rarity
from resonance.matching.text import answers
from resonance.model import Mention

Match = tuple[str, tuple[Span, ...]]
"""A topic's id, and sorted unique spans in code points of the mention's text (none where only title or quote match)."""

_REMEMBERED: Final = 100_000  # tokens whose postings are kept: about 15 MB; then it begins anew
_LONGEST_REMEMBERED: Final = 64


@dataclass(frozen=True, slots=True)
class _Listening:
    """One topic, compiled."""

    topic: str
    tree: Tree
    languages: frozenset[str]
    program: Program
    keys: tuple[Key, ...]


_Posting = tuple[tuple[str, ...], _Listening]


class _Postings(dict[str, tuple[_Posting, ...]]):
    """Token -> the queries that it leads to, each with its guard; a token is resolved when it is first seen."""

    def __init__(self, listening: Iterable[_Listening]) -> None:
        super().__init__()
        self._words: dict[str, list[_Posting]] = {}
        self._prefixes: dict[str, list[_Posting]] = {}
        self.fields: dict[FieldKey, list[_Posting]] = {}
        for each in listening:
            for key in each.keys:
                self._file(key).append((key.guard, each))
        self._lengths = sorted({len(stem) for stem in self._prefixes})

    def _file(self, key: Key) -> list[_Posting]:
        if key.kind == "field":
            return self.fields.setdefault((key.name, key.value), [])
        return (self._words if key.kind == "word" else self._prefixes).setdefault(key.value, [])

    def __missing__(self, token: str) -> tuple[_Posting, ...]:
        found: list[_Posting] = []
        for word in answers(token):
            found += self._words.get(word, ())
            for length in self._lengths:
                if length > len(word):
                    break
                found += self._prefixes.get(word[:length], ())
        postings = tuple(found)
        if len(token) <= _LONGEST_REMEMBERED:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[token] = postings
        return postings


class Matcher:
    """Matches mentions against topics.

    It never changes: `with_` and `without` give a new one that shares the compiled topics.
    """

    def __init__(self, listening: Mapping[str, _Listening], rarity: Rarity) -> None:
        self._listening = dict(listening)
        self._rarity = rarity
        self._postings = _Postings(self._listening.values())

    @classmethod
    def compile(
        cls,
        queries: Mapping[str, str | Tree],
        *,
        languages: Mapping[str, tuple[str, ...]] | None = None,
        rarity: Rarity | None = None,
    ) -> Matcher:
        """A matcher of these queries by topic id.

        `languages` restricts topics to primary language tags (none: all); a mention whose language is unknown passes.
        Raises InvalidQuery with the mistakes of all queries, `pointer` naming the topic.
        """
        return cls({}, rarity or Rarity()).with_(queries, languages=languages)

    def with_(
        self, queries: Mapping[str, str | Tree], *, languages: Mapping[str, tuple[str, ...]] | None = None
    ) -> Matcher:
        """A matcher that has these topics too, or instead of those with the same id."""
        listening = dict(self._listening)
        problems: list[Problem] = []
        for topic, query in queries.items():
            try:
                listening[topic] = _listening(topic, query, (languages or {}).get(topic, ()), self._rarity)
            except InvalidQuery as refused:
                problems += [_at_topic(problem, topic) for problem in refused.problems]
        if problems:
            raise InvalidQuery(problems)
        return Matcher(listening, self._rarity)

    def without(self, *topics: str) -> Matcher:
        """A matcher that no longer has these topics."""
        kept = {topic: each for topic, each in self._listening.items() if topic not in topics}
        return Matcher(kept, self._rarity)

    @property
    def topics(self) -> tuple[str, ...]:
        """The ids of the topics, in the order in which they came."""
        return tuple(self._listening)

    def match(self, mention: Mention, *, language: str | None = None) -> list[Match]:
        """The topics that match, by id, with spans; `language` goes before the mention's own.

        >>> from datetime import UTC, datetime
        >>> matcher = Matcher.compile({"fruit": 'apple AND NOT "apple pie"', "pie": "pie*"})
        >>> matcher.match(Mention(id="demo:1", published_at=datetime(2026, 1, 1, tzinfo=UTC), text="Apple's pies"))
        [('fruit', ((0, 7),)), ('pie', ((8, 12),))]
        """
        found = searched_tokens(mention)
        postings = self._postings
        hits = [*filter(None, map(postings.__getitem__, found))]
        if postings.fields:
            hits += [tuple(postings.fields[key]) for key in field_keys(mention, language) if key in postings.fields]
        if not hits:
            return []
        evidence = Evidence(mention, language, found)
        index = evidence.index
        candidates: dict[str, _Listening] = {}
        for hit in hits:
            for guard, each in hit:
                if not guard or any(word in index for word in guard):
                    candidates[each.topic] = each
        if not candidates:
            return []
        spoken = language or mention.language
        tag = primary(spoken) if spoken else ""
        return [
            (topic, tuple(sorted(set(each.program.spans(evidence)))))
            for topic, each in sorted(candidates.items())
            if (not each.languages or not tag or tag in each.languages) and each.program.holds(evidence)
        ]

    def match_batch(self, mentions: Iterable[Mention]) -> list[list[Match]]:
        """The matches of each mention, in order."""
        match = self.match
        return [match(mention) for mention in mentions]


def _listening(topic: str, query: str | Tree, languages: tuple[str, ...], rarity: Rarity) -> _Listening:
    tree = parse(query) if isinstance(query, str) else query
    if not is_positive(tree):
        raise InvalidQuery([Problem(detail="NOT needs something positive beside it", code="not_alone")])
    tags = frozenset(map(primary, languages))
    return _Listening(topic, tree, tags, program(tree, rarity), cover(tree, rarity).keys)


def _at_topic(problem: Problem, topic: str) -> Problem:
    return Problem(detail=problem.detail, pointer=topic, code=problem.code, line=problem.line, column=problem.column)
