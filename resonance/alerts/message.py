"""What is told of an alert: the facts that it is written from, and the words in which it reaches people."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field


class Shown(Struct, frozen=True):
    """A mention that still exists, as a message may quote it."""

    key: str
    platform: str
    text: str
    url: str | None
    author: str | None
    reach: int | None
    at: int = 0
    """When it was said (µs)."""


class Material(Struct, frozen=True):
    """What a message is written from. `fired_at` and `resolved_at` are µs of log time; `peak` is the most mentions that
    arrived within one window of the rule while the incident lasted, None where that is no longer known."""

    id: str
    rule: str
    topic: str
    topic_name: str
    severity: str
    departments: tuple[str, ...] = ()
    fired_at: int | None = None
    resolved_at: int | None = None
    value: float | None = None
    expected: float | None = None
    score: float | None = None
    reasons: list[dict[str, Any]] = field(default_factory=list)
    mentions: list[Shown] = field(default_factory=list)
    authors: dict[str, str] = field(default_factory=dict)
    contacts: tuple[str | None, ...] = ()
    """Contact persons, one a department."""
    peak: int | None = None
    taken_by: str | None = None
    """Who has acknowledged it, as "kind:id"."""


class SoFar(Struct, frozen=True):
    """What has been counted since an alert's matter began: mentions, those of them that are negative, how many of each are
    usual in that time (mentions; the negative ones' share of all; None: not known), and mentions by platform."""

    mentions: int
    negative: int
    usual: float | None = None
    usual_share: float | None = None
    platforms: tuple[tuple[str, int], ...] = ()


class Part(Struct, frozen=True):
    """A piece of a sentence; `strong` is what the eye should find first."""

    text: str
    strong: bool = False


Clauses = tuple[tuple[Part, ...], ...]
"""A sentence; the first clause stands for itself."""


class Quote(Struct, frozen=True):
    """A mention in a message: the excerpt, who said it where, and its address (http or https) if it has one."""

    text: str
    who: str
    url: str | None = None


class Message(Struct, frozen=True):
    """A notification in words: plain text throughout, cleaned of control characters, nothing escaped yet.

    `title` is one line; `lines` say how unusual, where, why, who; `quotes` are mentions, introduced by `quotes_title`;
    `links` are (words, address). `mark` is firing, resolved, silent or test. For programs: `alert`, `rule` and `topic` are
    ids, `fired_at` and `resolved_at` µs of log time; empty and None in a test. `taken`: somebody
    has acknowledged it; `by` is who did what the first line tells, if a person did; `why` repeats in a resolution what the
    firing told, for channels that show one message only.
    """

    title: str
    lines: tuple[str, ...] = ()
    quotes: tuple[Quote, ...] = ()
    quotes_title: str = ""
    quotes_link: str = ""
    links: tuple[tuple[str, str], ...] = ()
    mark: str = "firing"
    severity: str = "warning"
    alert: str = ""
    rule: str = ""
    topic: str = ""
    fired_at: int | None = None
    resolved_at: int | None = None
    taken: bool = False
    by: str = ""
    why: tuple[str, ...] = ()
