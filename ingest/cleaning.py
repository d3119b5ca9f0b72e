"""Makes a public event fit to be logged, or says everything that is wrong with it. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import structs

from resonance.errors import Invalid, Problem
from resonance.model import AuthorSeen, Mention, PublicEvent, Upsert
from resonance.wire import EVENT_LIMIT, encode_event

EXTRA_LIMIT = 4096


def clean(event: PublicEvent, *, source: str, observed_at: datetime) -> PublicEvent:
    """The event with its platform, source, site and observed time set, and without NUL characters.

    Raises Invalid naming every mistake: an empty text with nothing in its place, too great an event or `extra`,
    half surrogate pairs.
    """
    problems: list[Problem] = []
    try:
        size = len(encode_event(event))
    except (UnicodeEncodeError, msgspec.MsgspecError):
        raise Invalid([Problem("holds half of a surrogate pair, which is no character", code="surrogate")]) from None
    if size > EVENT_LIMIT:
        raise Invalid([Problem(f"the event has {size:,} bytes; at most {EVENT_LIMIT:,} are taken", code="too_large")])
    event = _without_nul(event)
    if isinstance(event, AuthorSeen) and not event.platform:
        problems.append(Problem("is required", "/platform", "missing"))
    if isinstance(event, Upsert):
        problems += _mistakes(event.mention)
        event = structs.replace(event, mention=_completed(event.mention, source))
    if problems:
        raise Invalid(problems)
    return structs.replace(event, observed_at=observed_at)


def _mistakes(mention: Mention) -> list[Problem]:
    problems = []
    if not mention.text.strip() and not (mention.repost_of or mention.quote_of or mention.media or mention.rating or mention.title):
        detail = "may be empty only where repost_of, quote_of, media, rating or title is present"
        problems.append(Problem(detail, "/mention/text", "empty"))
    if mention.extra is not None and len(msgspec.json.encode(mention.extra)) > EXTRA_LIMIT:
        problems.append(Problem(f"has more than {EXTRA_LIMIT:,} bytes", "/mention/extra", "too_large"))
    return problems


def _completed(mention: Mention, source: str) -> Mention:
    language = mention.language.strip().replace("_", "-") if mention.language else None
    return structs.replace(
        mention,
        platform=mention.platform or mention.id.partition(":")[0],
        source=source,
        site=mention.site or site_of(mention.url),
        language=language or None,
        links=tuple(dict.fromkeys(mention.links)),
        hashtags=tuple(dict.fromkeys(tag.removeprefix("#") for tag in mention.hashtags if tag.strip("#"))),
    )


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
    """NUL cannot be stored by PostgreSQL and means nothing."""
    if b"\\u0000" not in encode_event(event):
        return event
    cleaned: PublicEvent = msgspec.convert(_stripped(msgspec.to_builtins(event)), type(event))
    return cleaned


def _stripped(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, dict):
        return {_stripped(key): _stripped(item) for key, item in value.items()}
    return [_stripped(item) for item in value] if isinstance(value, list | tuple) else value
