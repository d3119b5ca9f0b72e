"""The words for one topic, or for one language, from which sentences are made."""

from __future__ import annotations

from dataclasses import dataclass

Names = tuple[tuple[str, str, str], ...]
"""A name in the nominative, accusative and dative."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What is said of one topic in one language."""

    names: Names
    flaws: tuple[str, ...]
    merits: tuple[str, ...]
    asks: tuple[str, ...]
    uses: tuple[str, ...]
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tongue:
    """How a language puts it: by mood openers, cores and tails; small words for slots; talk that belongs to no topic.

    `cores[mood]` name the topic, `openers` and `tails` do not. Moods: complaint, praise, question, report.
    """

    openers: dict[str, tuple[str, ...]]
    cores: dict[str, tuple[str, ...]]
    tails: dict[str, tuple[str, ...]]
    replies: dict[str, tuple[str, ...]]
    bare_replies: tuple[str, ...]
    quotes: tuple[str, ...]
    headlines: tuple[str, ...]
    titles: dict[str, tuple[str, ...]]
    corrections: tuple[str, ...]
    own: tuple[str, ...]
    own_replies: tuple[str, ...]
    spam: tuple[str, ...]
    elsewhere: tuple[str, ...]
    slots: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class CrisisWords:
    """What is said in one language when it happens: claims name the topic; details are main clauses."""

    claims: tuple[str, ...]
    details: tuple[str, ...]
    headlines: tuple[str, ...]
    statement: str
