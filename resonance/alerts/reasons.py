"""Why an alert fired, as codes and numbers: read from the mentions of its minutes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from math import sqrt
from typing import Any, Protocol

from msgspec import Struct

from resonance.alerts.rules import Verdict
from resonance.catalogue import Condition, NegativeShare, Silent

_LISTED, _MENTIONS = 5, 5
_STIRRING = 0.1
"""What draws reactions counts also where it has none of the alert's words, as if it had a tenth of them."""


class Term(Protocol):
    """A word and in how many mentions it stands."""

    @property
    def term(self) -> str: ...
    @property
    def mentions(self) -> int: ...


KeyTerms = Callable[..., Sequence[Term]]
"""(texts with languages, limit=, exclude=) → terms, the most telling first."""


class Said(Struct, frozen=True):
    """A mention of the alert's minutes."""

    key: str
    text: str
    language: str | None
    platform: str
    author_key: str | None
    links: tuple[str, ...]
    reach: int | None
    engagement: int
    kind: str = "post"
    voice: str = "earned"
    label: str | None = None


def reasons(
    condition: Condition,
    verdict: Verdict,
    since: int,
    said: Sequence[Said],
    key_terms: KeyTerms,
    exclude: Iterable[str],
) -> list[dict[str, Any]]:
    """[{"code", "values"}] of what began at `since` (epoch s); texts of reposts are not read twice."""
    found: list[dict[str, Any]] = []
    if isinstance(condition, NegativeShare):
        share = round(verdict.value or 0.0, 3)
        facts = {"share": share, "mentions": verdict.mentions, "window": condition.window, "since": since}
        found.append(_reason("negative_share", facts))
    elif not isinstance(condition, Silent):
        volume = {
            "count": verdict.mentions,
            "expected": verdict.expected,
            "score": verdict.score,
            "window": condition.window,
            "since": since,
        }
        volume["factor"] = round(verdict.mentions / verdict.expected, 2) if verdict.expected else None
        found.append(_reason("volume", volume))
    texts = [(one.text, one.language) for one in said if one.kind != "repost"]
    terms = key_terms(texts, limit=8, exclude=tuple(exclude)) if texts else ()
    found.append(_reason("top_terms", [{"term": term.term, "mentions": term.mentions} for term in terms]))
    found.append(_reason("platforms", _counted("platform", (one.platform for one in said))))
    found.append(_reason("languages", _counted("language", (one.language for one in said))))
    found.append(_reason("top_authors", _counted("author", (one.author_key for one in said))))
    found.append(_reason("top_links", _counted("url", (link for one in said for link in one.links))))
    return [reason for reason in found if reason["values"]]


def top_mentions(condition: Condition, said: Sequence[Said], why: Sequence[dict[str, Any]]) -> list[str]:
    """The keys of the mentions that tell most: those that say what `why` (of `reasons`) says the alert is about and draw
    reactions, then those that reach many; what one has said already counts a quarter in the next. What others say comes before
    our own voice, originals before reposts, and where criticism set the alert off, criticism before the rest."""
    critical = isinstance(condition, NegativeShare)
    terms = [term for reason in why if reason["code"] == "top_terms" for term in reason["values"]]
    total = sum(term["mentions"] for term in terms) or 1
    weights: dict[str, float] = {term["term"].casefold(): term["mentions"] / total for term in terms}
    left = [(one, {term for term in weights if term in one.text.casefold()}) for one in said]

    def rank(choice: tuple[Said, set[str]]) -> tuple[object, ...]:
        one, about = choice
        told = (_STIRRING + sum(weights[term] for term in about)) * (1 + sqrt(one.engagement))
        harmless = critical and one.label != "negative"
        return (one.voice != "earned", one.kind == "repost", harmless, -told, -(one.reach or 0), one.key)

    chosen: list[str] = []
    while left and len(chosen) < _MENTIONS:
        best = min(left, key=rank)
        left.remove(best)
        chosen.append(best[0].key)
        weights |= {term: weights[term] / 4 for term in best[1]}
    return chosen


def _counted(name: str, values: Iterable[str | None]) -> list[dict[str, Any]]:
    counts = Counter(value for value in values if value)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{name: value, "mentions": count} for value, count in ordered[:_LISTED]]


def _reason(code: str, values: Any) -> dict[str, Any]:
    return {"code": code, "values": values}
