"""Frames of Bluesky's Jetstream as events, in both versions of its wire. Pure.

Clients of that network write what they like: a post with a broken facet is still a post.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from resonance.model import Author, Delete, DeleteAuthor, Media, Mention, PublicEvent, Upsert, instant, micros

POST, REPOST = "app.bsky.feed.post", "app.bsky.feed.repost"
_KINDS = ("commit", "identity", "account", "sync")
_OPERATIONS = ("create", "update", "delete")
_STILL_THERE = ("desynchronized", "throttled")
_ADDRESS, _NAME = 8192, 1024


class Parsed(NamedTuple):
    """One frame: at most one event; `place` (seq or µs) and `at` (µs) of it. `known` False: of a kind we do not know."""

    event: PublicEvent | None
    place: int
    at: int
    known: bool = True


class Malformed(ValueError):
    """A frame that is not what Jetstream sends."""


class ServerError(Exception):
    """An error frame of the server."""

    def __init__(self, name: str, message: str) -> None:
        self.name = name
        super().__init__(f"{name}: {message}")


def parse_v1(data: bytes | str) -> Parsed:
    """A frame of version 1: the event nests under its kind. Raises Malformed."""
    frame = _decode(data)
    try:
        at = int(frame["time_us"])
        kind = str(frame["kind"])
        return _event(kind, str(frame["did"]), _dict(frame.get(kind)), at, at)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Malformed(f"{type(error).__name__}: {error}") from error


def parse_v2(data: bytes | str) -> Parsed | None:
    """A frame of version 2 (`xrpc.v1.json`): the commit's fields lie beside seq, did and time. None for a notice (the
    only one there is says that the place was too old). Raises ServerError for an error frame, Malformed otherwise."""
    frame = _decode(data)
    if frame.get("$type") == "error":
        raise ServerError(str(frame.get("error", "")), str(frame.get("message", "")))
    try:
        payload = frame["payload"]
        kind = str(payload["$type"]).rpartition("#")[2]
        if kind == "info":
            return None
        at = micros(_time(payload["time"]))
        inner = payload if kind == "commit" else _dict(payload.get(kind))
        return _event(kind, str(payload["did"]), inner, int(payload["seq"]), at)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Malformed(f"{type(error).__name__}: {error}") from error


def _decode(data: bytes | str) -> dict[str, Any]:
    try:
        frame = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise Malformed(f"no JSON: {error}") from error
    if not isinstance(frame, dict):
        raise Malformed("no object")
    return frame


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())


def _text(value: Any, limit: int) -> str | None:
    """A string that is there and not too long for what it says."""
    return value if isinstance(value, str) and 0 < len(value) <= limit else None


# ---- events -------------------------------------------------------------------------------------------------


def _event(kind: str, did: str, inner: dict[str, Any], place: int, at: int) -> Parsed:
    if kind == "account":
        gone = inner.get("active") is False and inner.get("status") not in _STILL_THERE
        return Parsed(DeleteAuthor(author=f"bluesky:{did}") if gone else None, place, at)
    if kind != "commit":
        return Parsed(None, place, at, known=kind in _KINDS)
    collection, operation = inner["collection"], inner["operation"]
    if collection not in (POST, REPOST) or operation not in _OPERATIONS:
        return Parsed(None, place, at, known=operation in _OPERATIONS)
    name = f"bluesky:at://{did}/{collection}/{inner['rkey']}"
    if operation == "delete":
        return Parsed(Delete(id=name), place, at)
    record = inner["record"]
    if not isinstance(record, dict):
        raise Malformed("a record is an object")
    mention = _repost(name, did, record, at) if collection == REPOST else _post(name, did, inner, at)
    return Parsed(Upsert(mention=mention), place, at)


def _repost(name: str, did: str, record: dict[str, Any], at: int) -> Mention:
    root = _id(record["subject"]["uri"])
    return Mention(
        id=name,
        platform="bluesky",
        kind="repost",
        site="bsky.app",
        published_at=_claimed(record.get("createdAt"), at),
        author=Author(id=did),
        repost_of=root,
    )


def _post(name: str, did: str, commit: dict[str, Any], at: int) -> Mention:
    record = commit["record"]
    update = commit["operation"] == "update"
    embed, reply = _dict(record.get("embed")), _dict(record.get("reply"))
    quoted = _quoted(embed)
    features = [feature for facet in _dicts(record.get("facets")) for feature in _dicts(facet.get("features"))]
    return Mention(
        id=name,
        platform="bluesky",
        kind="quote" if quoted else "comment" if reply else "post",
        text=record.get("text") if isinstance(record.get("text"), str) else "",
        language=_language(record.get("langs")),
        url=f"https://bsky.app/profile/{did}/post/{commit['rkey']}",
        site="bsky.app",
        # The time is claimed by whoever posts; where it cannot be read, the server's stands in.
        published_at=_claimed(record.get("createdAt"), at),
        edited_at=instant(at) if update else None,
        version=_text(commit.get("cid"), _NAME) if update else None,
        author=Author(id=did),
        links=tuple(filter(None, (_text(f.get("uri"), _ADDRESS) for f in features))),
        hashtags=_hashtags(record, features),
        media=tuple(_media(embed)),
        reply_to=_id(_dict(reply.get("parent")).get("uri")),
        thread_root=_id(_dict(reply.get("root")).get("uri")),
        quote_of=quoted,
    )


def _language(found: Any) -> str | None:
    return _text(found[0], 35) if isinstance(found, list) and found else None


def _claimed(text: Any, at: int) -> datetime:
    """The claimed time where it is one: with a zone, and of a year that there is."""
    try:
        moment = datetime.fromisoformat(text)
        return instant(at) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return instant(at)


def _id(uri: Any) -> str | None:
    known = _text(uri, _NAME - len("bluesky:"))
    return f"bluesky:{known}" if known and "\x00" not in known else None


def _quoted(embed: dict[str, Any]) -> str | None:
    """What is quoted, also beside pictures; lists, feeds and starter packs are no mentions."""
    record = _dict(embed.get("record"))
    uri = (_dict(record.get("record")) or record).get("uri")
    return _id(uri) if isinstance(uri, str) and f"/{POST}/" in uri else None


def _hashtags(record: dict[str, Any], features: list[dict[str, Any]]) -> tuple[str, ...]:
    """Those in the text, as its facets name them, and those beside it."""
    beside = record.get("tags")
    tags = [feature.get("tag") for feature in features] + (beside if isinstance(beside, list) else [])
    return tuple(filter(None, (_text(tag, _NAME) for tag in tags)))


def _media(embed: dict[str, Any]) -> Iterator[Media]:
    embed = _dict(embed.get("media")) or embed
    for image in _dicts(embed.get("images")):
        yield Media(type="image", alt=_alt(image.get("alt")))
    external = _dict(embed.get("external"))
    if address := _text(external.get("uri"), _ADDRESS):
        yield Media(type="link", url=address, alt=_alt(external.get("title")))
    if embed.get("video"):
        yield Media(type="video", alt=_alt(embed.get("alt")))


def _alt(value: Any) -> str | None:
    return value[:8192] or None if isinstance(value, str) else None
