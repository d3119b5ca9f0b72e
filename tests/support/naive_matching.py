"""Matching as its rules read, one query and one mention at a time: no anchors, no index, no guards.

It shares with the product how text is cut into tokens, and nothing else.
"""

from __future__ import annotations

from resonance.matching.query import And, Field, Handle, Hashtag, Not, Or, Phrase, Prefix, Term, Tree
from resonance.matching.text import answers, is_unspaced, open_tags, spans, spellings, tokens
from resonance.model import Mention

Row = list[tuple[str, tuple[int, int] | None]]
"""The tokens of one text; with spans where it is the mention's own text."""


def rows(mention: Mention) -> list[Row]:
    """Every text that is searched, and once more with its hashtags cut."""
    found: list[Row] = [list(zip(tokens(mention.text), spans(mention.text), strict=True))]
    if opened := open_tags(mention.text):
        found.append(
            [
                (token, (opened.original(start), opened.original(end)))
                for token, (start, end) in zip(tokens(opened.text), spans(opened.text), strict=True)
            ]
        )
    further = [text for text in (mention.title, mention.thread_title, mention.quoted_text) if text]
    for text in [*further, *("#" + tag.lstrip("#＃") for tag in mention.hashtags)]:
        found.append([(token, None) for token in tokens(text)])
        if opened := open_tags(text):
            found.append([(token, None) for token in tokens(opened.text)])
    return found


Spans = tuple[tuple[int, int], ...]


def naive_match(tree: Tree, mention: Mention, language: str | None = None) -> Spans | None:
    """Sorted unique spans where the tree matches the mention, None where it does not."""
    return naive_matches([tree], mention, language)[0]


def naive_matches(trees: list[Tree], mention: Mention, language: str | None = None) -> list[Spans | None]:
    """The same of many trees, one after the other, the mention being cut into tokens only once."""
    texts, spoken = rows(mention), language or mention.language
    every = [_ask(tree, texts, mention, spoken) for tree in trees]
    return [None if found is None else tuple(sorted(set(found))) for found in every]


def _ask(tree: Tree, texts: list[Row], mention: Mention, language: str | None) -> list[tuple[int, int]] | None:
    if isinstance(tree, And):
        answers_of_parts = [_ask(part, texts, mention, language) for part in tree.parts]
        if any(found is None for found in answers_of_parts):
            return None
        return [span for found in answers_of_parts for span in found or ()]
    if isinstance(tree, Or):
        held = [found for part in tree.parts if (found := _ask(part, texts, mention, language)) is not None]
        return [span for found in held for span in found] if held else None
    if isinstance(tree, Not):
        return [] if _ask(tree.part, texts, mention, language) is None else None
    if isinstance(tree, Field):
        return [] if _has(tree, mention, language) else None
    return _look(tree, texts)


def _look(leaf: Term | Phrase | Prefix | Hashtag | Handle, texts: list[Row]) -> list[tuple[int, int]] | None:
    match leaf:
        case Term(text=written) | Phrase(text=written) | Prefix(stem=written):
            wanted = tokens(written)
        case Hashtag(tag=tag):
            wanted = tokens(f"#{tag}")
        case Handle(name=name):
            wanted = tokens(f"@{name}")
    open_end = isinstance(leaf, Prefix) and not is_unspaced(wanted[-1])
    held, found = False, []
    for row in texts:
        for start in range(len(row) - len(wanted) + 1):
            stretch = row[start : start + len(wanted)]
            if all(
                _is(token, word, open_end and at == len(wanted) - 1)
                for at, ((token, _), word) in enumerate(zip(stretch, wanted, strict=True))
            ):
                held = True
                first, last = stretch[0][1], stretch[-1][1]
                if first and last:
                    found.append((first[0], last[1]))
    return found if held else None


def _is(token: str, word: str, begins: bool) -> bool:
    for answer in answers(token):
        for spelling in spellings(word):
            if answer == spelling or (begins and answer.startswith(spelling)):
                return True
    return False


def _has(field: Field, mention: Mention, language: str | None) -> bool:
    value = field.value.casefold()
    if field.name == "lang":
        return bool(language) and language.casefold().split("-")[0] == value.split("-")[0]
    if field.name == "platform":
        return (mention.platform or mention.id.split(":")[0]).casefold() == value
    if field.name == "author":
        author = mention.author
        names = [author.handle, author.id, author.name] if author else []
        return any(name and name.casefold().lstrip("@") == value.lstrip("@") for name in names)
    host = mention.site or (mention.url or "").partition("://")[2].split("/")[0]
    return bool(host) and f".{host.casefold()}".endswith("." + value.removeprefix("www."))
