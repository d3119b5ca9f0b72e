"""Why an alert fired, as codes and numbers: read from the mentions of its minutes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from msgspec import Struct

from resonance.alerts.rules import Verdict
from resonance.catalogue import Condition, NegativeShare, Silent

_LISTED, _MENTIONS = 5, 5


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
    condition: Condition, verdict: Verdict, said: Sequence[Said], key_terms: KeyTerms, exclude: Iterable[str]
) -> list[dict[str, Any]]:
    """[{"code", "values"}]; texts of reposts are not read twice."""
    found: list[dict[str, Any]] = []
    if isinstance(condition, NegativeShare):
        share = round(verdict.value or 0.0, 3)
        found.append(
            _reason("negative_share", {"share": share, "mentions": verdict.mentions, "window": condition.window})
        )
    elif not isinstance(condition, Silent):
        volume = {
            "count": verdict.mentions,
            "expected": verdict.expected,
            "score": verdict.score,
            "window": condition.window,
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
    """The keys of the mentions that draw the most reactions, then of those that say most of what `why` (of `reasons`) says
    the alert is about, then of those that reach the most people. What others say comes before our own voice, originals
    before reposts, and where criticism set the alert off, criticism before the rest."""
    critical = isinstance(condition, NegativeShare)
    terms = [term for reason in why if reason["code"] == "top_terms" for term in reason["values"]]
    weights: dict[str, int] = {term["term"].casefold(): term["mentions"] for term in terms}

    def rank(one: Said) -> tuple[object, ...]:
        harmless = critical and one.label != "negative"
        text = one.text.casefold()
        about = sum(weight for term, weight in weights.items() if term in text)
        return (
            one.voice != "earned",
            one.kind == "repost",
            harmless,
            -one.engagement,
            -about,
            -(one.reach or 0),
            one.key,
        )

    return [one.key for one in sorted(said, key=rank)[:_MENTIONS]]


def _counted(name: str, values: Iterable[str | None]) -> list[dict[str, Any]]:
    counts = Counter(value for value in values if value)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{name: value, "mentions": count} for value, count in ordered[:_LISTED]]


def _reason(code: str, values: Any) -> dict[str, Any]:
    return {"code": code, "values": values}
