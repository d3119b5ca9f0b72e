"""Makes a public event fit to be logged, or says everything that is wrong with it. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import structs

from resonance.errors import DeadLetter, Invalid, Problem
from resonance.model import Author, AuthorSeen, EngagementSeen, Mention, PublicEvent, Upsert
from resonance.wire import EVENT_LIMIT, decode_event, encode_event, read_event

EXTRA_LIMIT = 4096
EXTRA_DEPTH = 32
"""`extra` is nested no deeper: nobody who reads it later may run out of stack."""
_TAG = re.compile(r"[a-z]{2,3}(-[a-z0-9]{1,8})*", re.IGNORECASE)
_NO_LANGUAGE = {"und", "mul", "zxx", "mis"}


def admit(item: Any, *, source: str, observed_at: datetime) -> PublicEvent:
    """A plain JSON value as a clean event; raises Invalid naming every mistake."""
    op = item.get("op") if isinstance(item, dict) else None
    if op is not None and not isinstance(op, str):
        raise Invalid([Problem("the op is a word", "/op", "op")])
    return clean(read_event(item), source=source, observed_at=observed_at)


def clean(event: PublicEvent, *, source: str, observed_at: datetime) -> PublicEvent:
    """The event with its platform, source, site and observed time set, without NUL characters; it can be logged, read
    back and stored.

    Raises Invalid naming every mistake: an empty text with nothing in its place, too great an event, too great or too deep an `extra`,
    half surrogate pairs, an instant outside of the years 1 to 9999 (UTC).
    """
    if isinstance(event, Upsert) and not _shallow(event.mention.extra):
        detail = f"is nested deeper than {EXTRA_DEPTH} levels"
        raise Invalid([Problem(detail, "/mention/extra", "too_deep")])
    try:
        encoded = encode_event(event)
    except (UnicodeEncodeError, msgspec.MsgspecError):
        raise Invalid([Problem("holds half of a surrogate pair, which is no character", code="surrogate")]) from None
    problems: list[Problem] = []
    if len(encoded) > EVENT_LIMIT:
        detail = f"the event has {len(encoded):,} bytes; at most {EVENT_LIMIT:,} are taken"
        problems.append(Problem(detail, code="too_large"))
    if b"\\u0000" in encoded:
        event = _without_nul(event)
    problems += _mistakes(event)
    if isinstance(event, Upsert):
        event = structs.replace(event, mention=_completed(event.mention, source))
    if not problems:
        event = _in_utc(event)
        problems = _unreadable(encode_event(event))
    if problems:
        raise Invalid(problems)
    return structs.replace(event, observed_at=observed_at)


def _mistakes(event: PublicEvent) -> list[Problem]:
    match event:
        case Upsert(mention=mention):
            return [
                *_mistakes_of(mention),
                *_misplaced("/mention", mention, ("published_at", "edited_at", "engagement_at")),
                *_misplaced("/mention/author", mention.author, ("created_at",)),
            ]
        case AuthorSeen(author=author, platform=platform):
            missing = [] if platform else [Problem("is required", "/platform", "missing")]
            return missing + _misplaced("/author", author, ("created_at",))
        case EngagementSeen():
            return _misplaced("", event, ("at",))
        case _:
            return []


def _mistakes_of(mention: Mention) -> list[Problem]:
    problems = []
    instead = (mention.repost_of, mention.quote_of, mention.media, mention.rating, mention.title)
    if not mention.text.strip() and not any(instead):
        detail = "may be empty only where repost_of, quote_of, media, rating or title is present"
        problems.append(Problem(detail, "/mention/text", "empty"))
    if mention.extra is not None and len(msgspec.json.encode(mention.extra)) > EXTRA_LIMIT:
        problems.append(Problem(f"has more than {EXTRA_LIMIT:,} bytes", "/mention/extra", "too_large"))
    return problems


def _shallow(value: Any) -> bool:
    """Whether it is nested no deeper than allowed; looked at level by level, for the stack is what is to be spared."""
    level = [value]
    for _ in range(EXTRA_DEPTH):
        inner = [held for held in level if isinstance(held, dict | list)]
        level = [part for held in inner for part in (held.values() if isinstance(held, dict) else held)]
    return not any(isinstance(held, dict | list) for held in level)


def _misplaced(pointer: str, holder: Mention | Author | EngagementSeen | None, names: tuple[str, ...]) -> list[Problem]:
    """Instants that exist in their own zone only: 9999-12-31T23:00-08:00 is in the year 10000."""
    problems = []
    for name in names:
        at: datetime | None = getattr(holder, name, None)
        try:
            if at is not None:
                at.astimezone(UTC)
        except OverflowError:
            problems.append(Problem("lies outside of the years 1 to 9999 (UTC)", f"{pointer}/{name}", "range"))
    return problems


def _in_utc(event: PublicEvent) -> PublicEvent:
    """One instant, one spelling: what is answered and exported names its times in UTC."""
    if not isinstance(event, Upsert):
        return event
    names = ("published_at", "edited_at", "engagement_at")
    told = {name: at.astimezone(UTC) for name in names if (at := getattr(event.mention, name)) is not None}
    return structs.replace(event, mention=structs.replace(event.mention, **told))


def _unreadable(encoded: bytes) -> list[Problem]:
    """What the other end of the log would refuse; readers build mentions without being checked."""
    try:
        decode_event(encoded)
    except DeadLetter as error:
        detail, _, inner = str(error).partition(" - at `$.")
        pointer = "/" + inner.rstrip("`").replace(".", "/").replace("[", "/").replace("]", "") if inner else ""
        return [Problem(detail, pointer)]
    return []


def _completed(mention: Mention, source: str) -> Mention:
    tags: dict[str, str] = {}
    for tag in (tag.removeprefix("#") for tag in mention.hashtags):
        tags.setdefault(tag.casefold(), tag)
    return structs.replace(
        mention,
        platform=mention.platform or mention.id.partition(":")[0],
        source=source,
        site=mention.site or site_of(mention.url),
        language=language_tag(mention.language),
        links=tuple(dict.fromkeys(mention.links)),
        hashtags=tuple(filter(None, tags.values())),
    )


def language_tag(text: str | None) -> str | None:
    """A BCP 47 tag in its usual spelling; None for what is none, or says that it is unknown.

    >>> [language_tag(text) for text in ("DE_de", "zh-hant-TW", "und", "German", " ")]
    ['de-DE', 'zh-Hant-TW', None, None, None]
    """
    tag = (text or "").strip().replace("_", "-")
    first, *others = tag.lower().split("-")
    if not _TAG.fullmatch(tag) or first in _NO_LANGUAGE:
        return None
    spelled = [part.upper() if len(part) == 2 else part.title() if len(part) == 4 else part for part in others]
    return "-".join([first, *spelled])


def site_of(url: str | None) -> str | None:
    """The host of an address, without "www.".

    >>> site_of("https://www.Example.org:8080/a")
    'example.org'
    """
    try:
        host = urlsplit(url or "").hostname
    except ValueError:
        return None
    return host.removeprefix("www.") if host else None


def _without_nul(event: PublicEvent) -> PublicEvent:
    """NUL cannot be stored by PostgreSQL and means nothing. What is left may be too short: that is seen later."""
    builtins = _stripped(msgspec.to_builtins(event))
    try:
        cleaned: PublicEvent = msgspec.convert(builtins, type(event))
    except msgspec.ValidationError:
        raise Invalid(_unreadable(msgspec.json.encode(builtins))) from None
    return cleaned


def _stripped(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {_stripped(key): _stripped(item) for key, item in value.items()}
    return [_stripped(item) for item in value] if isinstance(value, list | tuple) else value
