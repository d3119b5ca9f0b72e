"""Documents of feeds (RSS, Atom, JSON Feed) as items. Pure.

Feeds are written by hand and by programs of thirty years: whatever can be read of one is read.
"""

from __future__ import annotations

import calendar
import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from html import escape
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urljoin, urlsplit

import feedparser
import msgspec

from ingest.markup import plain
from resonance.model import Author, Engagement, Media, Mention

ITEMS = 500
"""At most so many items of a document are read: the newest."""
_TEXT, _TITLE, _NAME, _ADDRESS, _KEY = 40_000, 8192, 1024, 8192, 1000
_LINKS, _MEDIA, _TAGS = 50, 10, 20
_FIRST, _LAST = 0, 2**32 - 1
_GLOBAL = re.compile(r"(https?://|tag:|urn:|yt:)", re.IGNORECASE)
"""Ids that nobody else gives."""


class Unreadable(ValueError):
    """The document is no feed."""


class Document(NamedTuple):
    """A feed's items, in its order; `malformed` are those that say nothing, `left_out` those beyond the newest 500.
    `ttl`: for how many seconds the feed asks to be left alone."""

    title: str
    items: list[Mention]
    malformed: int = 0
    left_out: int = 0
    ttl: int = 0


def read_document(body: bytes, headers: Mapping[str, str], address: str, now: datetime) -> Document:
    """The items of the feed at `address` as mentions; those without a date that can be read are published `now`. Raises
    Unreadable."""
    kind = headers.get("Content-Type", "")
    if "json" in kind.lower() or body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        return _document(*_of_json(body), address, now)
    # A document is never handed over as bytes: they might be taken for the name of a file.
    told = {"content-type": kind, "content-location": address}
    try:
        found = feedparser.parse(BytesIO(body), response_headers=told, sanitize_html=False)
    except Exception as error:
        # Its parsers meet what nobody has thought of; one such document must not end the others.
        raise Unreadable(f"{address}: {type(error).__name__}: {error}"[:300]) from error
    if not found.get("version") and not found.entries:
        raise Unreadable(f"{address}: this is no feed ({str(found.get('bozo_exception', 'of no known kind'))[:200]})")
    return _document(found.feed, found.entries, address, now)


def _document(feed: Mapping[str, Any], entries: list[Any], address: str, now: datetime) -> Document:
    title = plain(_string(feed.get("title"))).text[:_NAME]
    items: dict[str, Mention] = {}
    malformed = 0
    for entry in entries:
        item = _item(feed, title, entry, address, now)
        if item is None:
            malformed += 1
        else:
            # Of two with the same id the first stands, which is the newer where a feed is in its usual order.
            items.setdefault(item.id, item)
    kept = list(items.values())
    if len(kept) > ITEMS:
        newest = {m.id for m in sorted(kept, key=lambda m: m.published_at, reverse=True)[:ITEMS]}
        kept = [item for item in kept if item.id in newest]
    minutes = _string(feed.get("ttl"))
    ttl = min(int(minutes), 1440) * 60 if minutes.isascii() and minutes.isdecimal() else 0
    return Document(title, kept, malformed, len(items) - len(kept), ttl)


def _item(
    feed: Mapping[str, Any], feed_title: str, entry: Mapping[str, Any], address: str, now: datetime
) -> Mention | None:
    body = plain(_body(entry))
    title = plain(_string(entry.get("title"))).text[:_TITLE]
    link = unwrapped(urljoin(address, _string(entry.get("link"))) if entry.get("link") else "")[:_ADDRESS]
    if not (body.text or title):
        return None
    text = body.text[:_TEXT]
    return Mention(
        id=_id(entry, link, title or text, _string(feed.get("link")), address),
        platform="rss",
        kind="article",
        community=feed_title or urlsplit(address).hostname,
        title=title or None,
        text=text,
        language=(_string(entry.get("language")) or _string(feed.get("language")))[:35] or None,
        url=link or None,
        published_at=_published(entry) or now.replace(microsecond=0),
        author=_author(entry, link or address),
        links=tuple(unwrapped(found) for found in body.links[:_LINKS] if len(found) <= _ADDRESS),
        media=tuple(_media(entry))[:_MEDIA],
        engagement=_engagement(entry),
        extra=_extra(entry),
    )


def unwrapped(address: str) -> str:
    """The address behind one of Google's that only leads there.

    >>> unwrapped("https://www.google.com/url?rct=j&url=https://a.example/x%3Fy%3D1&ct=ga")
    'https://a.example/x?y=1'
    """
    try:
        parts = urlsplit(address)
        if parts.path == "/url" and re.fullmatch(r"(www\.)?google\.[a-z.]{2,6}", parts.hostname or ""):
            query = parse_qs(parts.query)
            return next((found for name in ("url", "q") for found in query.get(name, [])), address)
    except ValueError:
        pass
    return address


def _id(entry: Mapping[str, Any], link: str, words: str, home: str, address: str) -> str:
    """The item's own id where nobody else gives the same, else its link, else what it says. Never its date: there are feeds
    in which that changes from one reading to the next."""
    own = _string(entry.get("id"))
    if own.startswith("tag:google.com,2013:googlealerts") and link:
        own = link
    if own:
        native = own if _GLOBAL.match(own) else f"{address}#{own}"
    elif link and link.rstrip("/") != home.rstrip("/"):
        native = link
    else:
        native = f"{address}#{_digest(words)}"
    native = native.replace("\x00", "").strip()
    return f"rss:{native if len(native) <= _KEY else _digest(native)}"


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=12).hexdigest()


def _published(entry: Mapping[str, Any]) -> datetime | None:
    """In whole seconds, as it is remembered; None where no year of ours can be read."""
    for name in ("published", "created", "updated"):
        if f"{name}_parsed" in entry:
            try:
                seconds = calendar.timegm(entry[f"{name}_parsed"])
            except (ValueError, OverflowError, TypeError):
                continue
            if _FIRST < seconds <= _LAST:
                return datetime.fromtimestamp(seconds, UTC)
    return None


def _body(entry: Mapping[str, Any]) -> str:
    """The longest content; the summary where there is none."""
    contents = [
        c for c in entry.get("content") or () if "text" in _string(c.get("type"), "text") or "html" in c["type"]
    ]
    return max((_string(c.get("value")) for c in contents), key=len, default="") or _string(entry.get("summary"))


def _author(entry: Mapping[str, Any], address: str) -> Author | None:
    """A name is one's own within a site only."""
    name = plain(_string(entry.get("author"))).text[:200]
    return Author(id=f"{urlsplit(address).hostname or ''}/{name}", name=name) if name else None


def _media(entry: Mapping[str, Any]) -> Iterator[Media]:
    for name, fallback in (("enclosures", "file"), ("media_content", "file"), ("media_thumbnail", "image")):
        for found in entry.get(name) or ():
            address = _string(found.get("href") or found.get("url"))
            kind = (_string(found.get("type")).partition("/")[0] or _string(found.get("medium")) or fallback)[:50]
            if address and len(address) <= _ADDRESS:
                yield Media(type=kind, url=address)


def _engagement(entry: Mapping[str, Any]) -> Engagement | None:
    """YouTube tells views, and how many have rated."""
    views = _count((entry.get("media_statistics") or {}).get("views"))
    rated = _count((entry.get("media_starrating") or {}).get("count"))
    return Engagement(likes=rated, views=views) if views is not None or rated is not None else None


def _count(value: Any) -> int | None:
    text = _string(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


def _extra(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    terms = [_string(tag.get("term"))[:100] for tag in entry.get("tags") or ()]
    categories = list(dict.fromkeys(filter(None, terms)))[:_TAGS]
    return {"categories": categories} if categories else None


def _string(value: Any, fallback: str = "") -> str:
    return value.strip() if isinstance(value, str) else str(value) if isinstance(value, int) else fallback


# ---- JSON Feed --------------------------------------------------------------------------------------------------


def _of_json(body: bytes) -> tuple[dict[str, Any], list[Any]]:
    """The document in the words of the others (jsonfeed.org, versions 1 and 1.1)."""
    try:
        found = msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Unreadable(f"no JSON: {error}") from error
    if not isinstance(found, dict) or not isinstance(found.get("items"), list):
        raise Unreadable("JSON, but no JSON Feed")
    feed = {"title": found.get("title"), "link": found.get("home_page_url"), "language": found.get("language")}
    return feed, [_entry_of_json(item) for item in found["items"] if isinstance(item, dict)]


def _entry_of_json(item: dict[str, Any]) -> dict[str, Any]:
    html = item.get("content_html")
    writers = [*_dicts(item.get("authors")), *_dicts([item.get("author")])]
    tags = item.get("tags")
    return {
        "id": item.get("id"),
        "title": item.get("title"),
        "link": item.get("url") or item.get("external_url"),
        "content": [{"type": "text/html", "value": html}] if isinstance(html, str) else [],
        "summary": escape(str(item.get("content_text") or item.get("summary") or ""), quote=False),
        "language": item.get("language"),
        "published_parsed": _when(item.get("date_published")),
        "updated_parsed": _when(item.get("date_modified")),
        "author": next((w["name"] for w in writers if isinstance(w.get("name"), str)), None),
        "enclosures": [{"href": a.get("url"), "type": a.get("mime_type")} for a in _dicts(item.get("attachments"))],
        "tags": [{"term": tag} for tag in tags] if isinstance(tags, list) else [],
    }


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _when(text: Any) -> Any:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).utctimetuple()
    except (TypeError, ValueError, OverflowError):
        return None
