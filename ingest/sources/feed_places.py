"""What is remembered of a feed between two readings, and what a new document means in its light. Pure.

An item is remembered in 16 bytes, and a feed remembers twice as many as its last document held, at most 500: at most 11 kB
of the token a feed, usually less than one.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct, structs

from ingest.source import Gap
from ingest.sources.feed_documents import ITEMS, Document
from resonance.model import EngagementSeen, Mention, PublicEvent, Upsert

_FORM = struct.Struct(">6s4s2sI")
_LEAST = 40


class Place(Struct, frozen=True, omit_defaults=True):
    """Where we are in one feed. `at`: when it was read last (s), 0 never; `moved`: its new address; `gone`: it is asked no
    more; `items`: what is known of its items."""

    at: int = 0
    etag: str = ""
    modified: str = ""
    moved: str = ""
    gone: bool = False
    items: str = ""

    @property
    def conditions(self) -> dict[str, str]:
        """The headers that ask for news only."""
        found = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in found.items() if value}


class _Known(NamedTuple):
    content: bytes
    counts: bytes
    published: int


class News(NamedTuple):
    """What a document brings. `old`: it is the feed's first, so that all of it was said before we listened."""

    events: list[PublicEvent]
    place: Place
    duplicates: int
    gap: Gap | None
    old: bool


def read_token(token: str | None) -> dict[str, Place]:
    """Address → place."""
    return msgspec.json.decode(token, type=dict[str, Place]) if token else {}


def write_token(places: Mapping[str, Place]) -> str:
    """The inverse of `read_token`."""
    return msgspec.json.encode(places).decode()


def news(document: Document, place: Place, address: str, now: datetime, read_at: datetime | None = None) -> News:
    """The items that are new or changed, and the place after them.

    A changed item keeps the date under which it was first told, whatever it claims now, and gets the time at which the change was seen as its
    version: so every change is later than the one before it. A document that shares no item with the one before it
    follows a gap, which begins when the feed was `read_at` last.
    """
    known = _unpacked(place.items)
    found: dict[bytes, _Known] = {}
    events: list[PublicEvent] = []
    duplicates = 0
    for item in document.items:
        key = _digest(item.id, 6)
        before = known.get(key)
        seen = _seen(item, before)
        found[key] = seen
        if before is None or before.content != seen.content:
            events.append(Upsert(mention=_dated(item, before, now)))
        elif item.engagement is not None and before.counts != seen.counts:
            events.append(EngagementSeen(id=item.id, engagement=item.engagement, at=now))
        else:
            duplicates += 1
    lost = bool(known) and bool(found) and not known.keys() & found.keys()
    gap = Gap(f"{address} has moved on by more than it holds", read_at or _instant(place.at), now) if lost else None
    after = structs.replace(place, at=int(now.timestamp()), items=_packed(_remembered(known, found)))
    return News(events, after, duplicates, gap, not place.at)


def _seen(item: Mention, before: _Known | None) -> _Known:
    published = before.published if before else int(item.published_at.timestamp())
    counts = _digest(item.engagement, 2) if item.engagement else b"\0\0"
    return _Known(_digest([item.title, item.text], 4), counts, published)


def _dated(item: Mention, before: _Known | None, now: datetime) -> Mention:
    at = now if item.engagement else None
    if before is None:
        return structs.replace(item, engagement_at=at)
    version = now.astimezone(UTC).isoformat(timespec="microseconds")
    return structs.replace(item, engagement_at=at, published_at=_instant(before.published), version=version)


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _remembered(known: Mapping[bytes, _Known], found: Mapping[bytes, _Known]) -> Iterable[tuple[bytes, _Known]]:
    """The items of this document, and after them the latest of those before it."""
    most = min(max(2 * len(found), _LEAST), ITEMS)
    everything = {**found, **{key: value for key, value in known.items() if key not in found}}
    return list(everything.items())[:most]


def _packed(items: Iterable[tuple[bytes, _Known]]) -> str:
    raw = b"".join(_FORM.pack(key, *value) for key, value in items)
    return base64.b64encode(raw).decode()


def _unpacked(text: str) -> dict[bytes, _Known]:
    return {key: _Known(*rest) for key, *rest in _FORM.iter_unpack(base64.b64decode(text))}


def _digest(value: Any, size: int) -> bytes:
    return hashlib.blake2b(msgspec.json.encode(value), digest_size=size).digest()
