"""What an installation listens for and whom it tells: topics, rules, departments, channels, accounts, sources.

A `Catalogue` is one immutable, numbered state of it. Rows of the store hold it; TOML seeds it once.
"""

from __future__ import annotations

import re
from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct, field

from resonance.errors import Invalid, Problem
from resonance.model import Instant, Voice

Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Title = Annotated[str, Meta(min_length=1, max_length=200)]
Span = Annotated[str, Meta(pattern=r"^[0-9]{1,6}(s|m|h|d|w)$")]
"""A duration as people write it: "90s", "15m", "1h", "7d", "2w"."""

Note = Annotated[str, Meta(max_length=1000)]
Least = Annotated[int, Meta(ge=1, le=2**53)]

T = TypeVar("T", bound=Struct)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@lru_cache(maxsize=1024)
def duration(text: str) -> timedelta:
    """The timedelta of a `Span`; raises Invalid for anything else.

    >>> duration("15m")
    datetime.timedelta(seconds=900)
    """
    if not re.fullmatch(r"[0-9]{1,6}[smhdw]", text):
        raise Invalid([Problem(f"{text!r} is no duration; write for example 90s, 15m, 1h, 7d", code="duration")])
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})


class Topic(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody listens for. `version` rises with every change of what it matches; it counts from `valid_from`."""

    id: Name
    name: Title
    query: Annotated[str, Meta(min_length=1)]
    kind: Literal["brand", "product", "person", "competitor", "issue", "campaign"] = "brand"
    languages: tuple[str, ...] = ()
    zone: str | None = None
    departments: tuple[Name, ...] = ()
    owner: Note | None = None
    tags: tuple[Note, ...] = ()
    status: Literal["active", "paused", "archived"] = "active"
    version: int = 1
    valid_from: Instant | None = None


class Department(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part of the organisation that the social media manager advises; `multiplicator` is its contact person."""

    id: Name
    name: Title
    channels: tuple[Name, ...] = ()
    multiplicator: Note | None = None
    zone: str | None = None
    hours: Note | None = None
    goals: tuple[Note, ...] = ()


Address = Annotated[str, Meta(pattern=r"^[^\s@<>,;:\"()]+@[^\s@<>,;:\"()]+$", max_length=254)]


class Channel(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where notifications go. `secret` names where the secret is: "env:NAME" or "file:/path"; never the secret itself.
    `url` is where a webhook is posted to, `secret` then what it is signed with (whsec_…); `to` are addresses of mail.
    A Slack channel with a `room` (its id) speaks by an app's token, one without by an incoming webhook: that is its secret."""

    id: Name
    kind: Literal["log", "slack", "webhook", "email"] = "log"
    secret: Annotated[str, Meta(pattern=r"^(env:[A-Z][A-Z0-9_]*|file:/.+)$")] | None = None
    url: Annotated[str, Meta(pattern=r"^https?://[^\s@/?#]+([/?][^\s#]*)?$", max_length=2000)] | None = None
    to: Annotated[tuple[Address, ...], Meta(max_length=50)] = ()
    room: Annotated[str, Meta(pattern=r"^[CDG][A-Z0-9]{2,20}$")] | None = None
    language: Literal["de", "en"] = "de"
    zone: str | None = None


class Account(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An author whose voice is known: ours, an employee's, a paid one's or a competitor's."""

    platform: str
    author: str
    department: str | None = None
    voice: Voice = "own"


class Threshold(Struct, frozen=True, kw_only=True, tag="threshold", tag_field="kind"):
    """At least `mentions` within `window`."""

    mentions: Least = 50
    window: Span = "15m"


class Change(Struct, frozen=True, kw_only=True, tag="change", tag_field="kind"):
    """More within `window` than is usual at this hour of this weekday: at least `factor` times the expected volume,
    at least `mentions`, and so unlikely that the score reaches `score` (in standard deviations)."""

    factor: Annotated[float, Meta(gt=1)] = 2.5
    mentions: Least = 10
    score: Annotated[float, Meta(gt=0)] = 4.0
    window: Span = "15m"


class NegativeShare(Struct, frozen=True, kw_only=True, tag="negative_share", tag_field="kind"):
    """At least `share` of the mentions within `window` are negative, of at least `mentions`."""

    share: Annotated[float, Meta(gt=0, le=1)] = 0.6
    mentions: Least = 20
    window: Span = "1h"


class Silent(Struct, frozen=True, kw_only=True, tag="silent", tag_field="kind"):
    """A source that used to deliver has delivered nothing for `after`."""

    after: Span = "15m"
    sources: tuple[str, ...] = ("*",)


Condition = Threshold | Change | NegativeShare | Silent


class Rule(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When to tell somebody. `topics` and `notify` name ids; "*" is every topic; without `notify` the topic's
    departments are told."""

    id: Name
    when: Condition
    topics: tuple[str, ...] = ("*",)
    for_: Span = field(name="for", default="0m")
    keep_firing_for: Span = "15m"
    severity: Literal["notice", "warning", "critical"] = "warning"
    notify: tuple[Name, ...] = ()
    status: Literal["active", "paused", "archived"] = "active"

    def covers(self, topic: str) -> bool:
        """Whether the rule watches this topic."""
        return self.status == "active" and ("*" in self.topics or topic in self.topics)


class Source(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A configured connector. `keep` says what is stored: "matched", "all" or "sample:0.1". Which kinds there are, and which
    options each has, ingest knows."""

    id: Name
    kind: Name = "push"
    keep: Annotated[str, Meta(pattern=r"^(matched|all|sample:(0?\.[0-9]+|1(\.0)?))$")] = "matched"
    retention_days: Annotated[int, Meta(ge=1)] | None = None
    url: str | None = None
    languages: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)


ENTRY_TYPES: dict[str, type[Struct]] = {
    "topic": Topic,
    "rule": Rule,
    "department": Department,
    "channel": Channel,
    "account": Account,
    "source": Source,
}


class Catalogue(Struct, frozen=True, kw_only=True):
    """One state of the catalogue; `version` rises with every change of any entry."""

    version: int = 0
    zone: str = "Europe/Berlin"
    topics: dict[str, Topic] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    departments: dict[str, Department] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)

    def zone_of(self, topic: str | None) -> ZoneInfo:
        """The time zone that counts for a topic: its own, else its first department's, else the installation's."""
        known = self.topics.get(topic or "")
        names = [known.zone] if known else []
        names += [self.departments[d].zone for d in (known.departments if known else ()) if d in self.departments]
        return ZoneInfo(next((name for name in names if name), self.zone))

    def active_topics(self) -> list[Topic]:
        """The topics that are matched."""
        return [topic for topic in self.topics.values() if topic.status == "active"]

    def voice_of(self, platform: str, names: tuple[str | None, ...]) -> Voice:
        """Whose voice an author is: "earned" unless an account says otherwise; `names` are its id and handle."""
        for name in names:
            account = self.accounts.get(account_id(platform, name)) if name else None
            if account:
                return account.voice
        return "earned"


def account_id(platform: str, author: str) -> str:
    """The id of an account entry."""
    return f"{platform}:{author.removeprefix('@').casefold()}"


def entry_id(kind: str, entry: Struct) -> str:
    """The id under which an entry stands in the catalogue."""
    if isinstance(entry, Account):
        return account_id(entry.platform, entry.author)
    return str(msgspec.structs.asdict(entry)["id"])


def read_entry(kind: str, data: Any, pointer: str = "") -> Struct:
    """An entry from plain data; raises Invalid naming every field that is wrong or unknown."""
    return read_table(ENTRY_TYPES[kind], data, pointer)


def read_table(known: type[T], data: Any, pointer: str, join: str = "/") -> T:
    """Plain data as a record; raises Invalid naming every field that is wrong or unknown. `join` stands between the pointer and a field."""
    fields = {f.encode_name: f for f in msgspec.structs.fields(known)}
    if not isinstance(data, dict):
        raise Invalid([Problem("a table is expected", pointer, "type")])
    problems = [
        Problem(f"unknown key; known are {', '.join(sorted(fields))}", f"{pointer}{join}{key}", "unknown")
        for key in data
        if key not in fields
    ]
    for name, spec in fields.items():
        if name in data:
            try:
                value = msgspec.convert(data[name], spec.type, strict=True)
            except msgspec.ValidationError as error:
                problems.append(Problem(str(error), f"{pointer}{join}{name}"))
                continue
            if not _lasts(value, spec.type):
                detail = "holds an infinite number, or a character that is none"
                problems.append(Problem(detail, f"{pointer}{join}{name}", "range"))
        elif spec.required:
            problems.append(Problem("is required", f"{pointer}{join}{name}", "missing"))
    if problems:
        raise Invalid(problems)
    return msgspec.convert(data, known)


def _lasts(value: Any, type_: Any) -> bool:
    """Whether it can be written and read again: one row that cannot would leave the installation without a catalogue."""
    try:
        msgspec.json.decode(msgspec.json.encode(value), type=type_)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return False
    return True
