"""Items of Hacker News (its Firebase API, version 0) as mentions, and the place in their walk. Pure."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from ingest.markup import plain
from resonance.model import Author, Engagement, Mention

RECENT = 300
"""So many of the latest items are remembered in the token (4 bytes each), and looked at again after a restart."""
WAITING = 300
"""So many ids that are not there yet are remembered; more than that is no hole but an outage."""
_PAGE = "https://news.ycombinator.com/item?id="
_LATEST = 2**33


class Malformed(ValueError):
    """Not what Hacker News sends."""


class Thread(NamedTuple):
    """The story under which a comment stands."""

    id: int
    title: str | None


class Item(NamedTuple):
    """`gone`: deleted, or taken off the page (dead). `mention` None: it is nothing that is said. `parent`: what a comment answers;
    `thread`: what a story is for its comments."""

    id: int
    gone: bool
    deleted: bool
    parent: int | None
    thread: Thread | None
    mention: Mention | None


class Place(Struct, frozen=True, omit_defaults=True):
    """`next`: the first id that was not asked for; `waiting`: ids below it that were not there, and since when (s); `recent`: packed
    marks of the items before `next`."""

    next: int
    waiting: tuple[tuple[int, int], ...] = ()
    recent: str = ""


def read_item(data: Any) -> Item | None:
    """An item from a plain value; None for null: it is not there, or not yet. Raises Malformed."""
    if data is None:
        return None
    try:
        number, kind = int(data["id"]), data.get("type")
        deleted = data.get("deleted") is True
        gone = deleted or data.get("dead") is True
        parent = int(data["parent"]) if kind == "comment" and data.get("parent") else None
        title = plain(str(data.get("title") or "")).text[:8192] or None
        thread = Thread(number, title) if kind in ("story", "job", "poll") else None
        said = None if gone or kind not in ("story", "job", "poll", "comment") else _mention(data, number, title)
        return Item(number, gone, deleted, parent, thread, said)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise Malformed(f"{type(error).__name__}: {error}") from error


def mention_id(number: int) -> str:
    """The mention's id."""
    return f"hackernews:{number}"


def in_thread(mention: Mention, parent: int, thread: Thread | None) -> Mention:
    """A comment with what it answers, and under which story; None: that could not be found out."""
    return msgspec.structs.replace(
        mention,
        reply_to=mention_id(parent),
        thread_root=mention_id(thread.id) if thread else None,
        thread_title=thread.title if thread else None,
    )


def _mention(data: dict[str, Any], number: int, title: str | None) -> Mention | None:
    body = plain(str(data.get("text") or ""))
    if not (body.text or title):
        return None
    seconds = int(data["time"])
    if not 0 < seconds < _LATEST:
        raise Malformed("a time that is none")
    address = data.get("url")
    links = [address] if isinstance(address, str) and 0 < len(address) <= 8192 else []
    by = data.get("by")
    return Mention(
        id=mention_id(number),
        platform="hackernews",
        kind="comment" if data["type"] == "comment" else "post",
        title=title,
        text=body.text[:40_000],
        url=f"{_PAGE}{number}",
        site="news.ycombinator.com",
        published_at=datetime.fromtimestamp(seconds, UTC),
        author=Author(id=by[:512], handle=by[:512]) if isinstance(by, str) and by else None,
        links=tuple(links + [link for link in body.links[:50] if len(link) <= 8192]),
        engagement=_engagement(data),
    )


def _engagement(data: dict[str, Any]) -> Engagement | None:
    """Points and comments of a story; those of a comment are not told."""
    points, comments = data.get("score"), data.get("descendants")
    likes = points if isinstance(points, int) and points >= 0 else None
    replies = comments if isinstance(comments, int) and comments >= 0 else None
    return Engagement(likes=likes, replies=replies) if likes is not None or replies is not None else None


def mark(mention: Mention) -> bytes:
    """What tells one version of an item from another, in 4 bytes, never four zeros."""
    parts = msgspec.json.encode([mention.title, mention.text, mention.links])
    return hashlib.blake2b(parts, digest_size=4).digest().replace(b"\0\0\0\0", b"\1\0\0\0")


def packed(marks: dict[int, bytes], following: int) -> str:
    """The marks of the items before `following`; zeros where there is none."""
    first = max(following - RECENT, 0)
    return base64.b64encode(b"".join(marks.get(n, bytes(4)) for n in range(first, following))).decode()


def unpacked(place: Place) -> dict[int, bytes]:
    """The inverse of `packed`."""
    raw = base64.b64decode(place.recent)
    first = place.next - len(raw) // 4
    marks = {first + n: raw[4 * n : 4 * n + 4] for n in range(len(raw) // 4)}
    return {number: found for number, found in marks.items() if any(found)}


def read_token(token: str) -> Place:
    """A place."""
    return msgspec.json.decode(token, type=Place)


def write_token(place: Place) -> str:
    """The inverse of `read_token`."""
    return msgspec.json.encode(place).decode()
