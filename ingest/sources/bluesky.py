"""Bluesky by Jetstream: version 2 of its stream, or version 1 where the server knows no other.

The parser is pure; the reader keeps a connection and hands out batches. On every close it comes again (the worker's
business); the token is the place after the last event that was handed out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
import zstandard
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from ingest.source import Batch, Gap, TokenTooOld, Transient
from resonance.model import Author, Delete, DeleteAuthor, Media, Mention, PublicEvent, Upsert, instant, micros

POST, REPOST = "app.bsky.feed.post", "app.bsky.feed.repost"
HOST = "wss://jetstream.us-east.bsky.network"
_GONE = {"deleted", "suspended", "takendown", "deactivated"}
_EVENTS, _SECONDS = 500, 0.2
_MARGIN = 5_000_000
_LONGEST_FRAME = 4_000_000


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


# ---- the parser ---------------------------------------------------------------------------------------------


def parse_v1(data: bytes | str) -> Parsed:
    """A frame of version 1: the event nests under its kind. Raises Malformed."""
    frame = _decode(data)
    try:
        at = int(frame["time_us"])
        kind = str(frame["kind"])
        return _event(kind, str(frame["did"]), frame.get(kind) or {}, at, at)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Malformed(f"{type(error).__name__}: {error}") from error


def parse_v2(data: bytes | str) -> Parsed | None:
    """A frame of version 2 (`xrpc.v1.json`): the commit's fields lie beside seq, did and time. None for a notice. Raises
    ServerError for an error frame, Malformed otherwise."""
    frame = _decode(data)
    if frame.get("$type") == "error":
        raise ServerError(str(frame.get("error", "")), str(frame.get("message", "")))
    try:
        payload = frame["payload"]
        kind = str(payload["$type"]).rpartition("#")[2]
        if kind == "info":
            return None
        at = micros(_time(payload["time"]))
        inner = payload if kind == "commit" else payload.get(kind) or {}
        return _event(kind, str(payload["did"]), inner, int(payload["seq"]), at)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Malformed(f"{type(error).__name__}: {error}") from error


def _decode(data: bytes | str) -> dict[str, Any]:
    try:
        frame = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"no JSON: {error}") from error
    if not isinstance(frame, dict):
        raise Malformed("no object")
    return frame


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _event(kind: str, did: str, inner: dict[str, Any], place: int, at: int) -> Parsed:
    if kind == "account":
        gone = inner.get("active") is False and inner.get("status") in _GONE
        return Parsed(DeleteAuthor(author=f"bluesky:{did}") if gone else None, place, at)
    if kind != "commit":
        return Parsed(None, place, at, known=kind in ("identity", "sync"))
    collection = inner["collection"]
    if collection not in (POST, REPOST):
        return Parsed(None, place, at)
    name = f"bluesky:at://{did}/{collection}/{inner['rkey']}"
    if inner["operation"] == "delete":
        return Parsed(Delete(id=name), place, at)
    return Parsed(Upsert(mention=_mention(name, did, inner, at)), place, at)


def _mention(name: str, did: str, commit: dict[str, Any], at: int) -> Mention:
    record = commit["record"]
    update = commit["operation"] == "update"
    embed = record.get("embed") or {}
    reply = record.get("reply") or {}
    quoted = _quoted(embed)
    repost = commit["collection"] == REPOST
    facets = [feature for facet in record.get("facets") or () for feature in facet.get("features") or ()]
    languages = record.get("langs") or []
    return Mention(
        id=name,
        platform="bluesky",
        kind="repost" if repost else "quote" if quoted else "comment" if reply else "post",
        text=str(record.get("text") or ""),
        language=str(languages[0]) if languages else None,
        url=None if repost else f"https://bsky.app/profile/{did}/post/{commit['rkey']}",
        site="bsky.app",
        # The time is claimed by whoever posts; where it cannot be read, the server's stands in.
        published_at=_claimed(record.get("createdAt"), at),
        edited_at=instant(at) if update else None,
        version=str(commit.get("cid") or "") or None if update else None,
        author=Author(id=did),
        links=tuple(str(f["uri"]) for f in facets if f.get("$type", "").endswith("#link") and f.get("uri")),
        hashtags=tuple(str(f["tag"]) for f in facets if f.get("$type", "").endswith("#tag") and f.get("tag")),
        media=_media(embed),
        reply_to=_id((reply.get("parent") or {}).get("uri")),
        thread_root=_id((reply.get("root") or {}).get("uri")),
        repost_of=_id((record.get("subject") or {}).get("uri")) if repost else None,
        quote_of=_id(quoted),
    )


def _claimed(text: Any, at: int) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if _has_zone(text) else instant(at)
    except (TypeError, ValueError, OverflowError):
        return instant(at)


def _has_zone(text: str) -> bool:
    return text.endswith("Z") or "+" in text[10:] or "-" in text[10:]


def _id(uri: Any) -> str | None:
    return f"bluesky:{uri}" if uri else None


def _quoted(embed: dict[str, Any]) -> str | None:
    record = embed.get("record") or {}
    uri = (record.get("record") or record).get("uri")
    return str(uri) if uri and f"/{POST}/" in str(uri) else None


def _media(embed: dict[str, Any]) -> tuple[Media, ...]:
    embed = embed.get("media") or embed
    found = [Media(type="image", alt=str(image.get("alt") or "") or None) for image in embed.get("images") or ()]
    external = embed.get("external") or {}
    if external.get("uri"):
        found.append(Media(type="link", url=str(external["uri"]), alt=str(external.get("title") or "") or None))
    if embed.get("video"):
        found.append(Media(type="video", alt=str(embed.get("alt") or "") or None))
    return tuple(found)


# ---- the reader ---------------------------------------------------------------------------------------------


class Token(msgspec.Struct, frozen=True):
    """Where to go on: `place` in the numbering of `version` at `host`, `at` (µs) for everybody else."""

    version: int
    host: str
    place: int
    at: int


class Bluesky:
    """`ingest.source.Source` for one Jetstream host; `version` None: 2, falling back to 1."""

    def __init__(self, host: str = HOST, *, version: int | None = None) -> None:
        self._host = host.rstrip("/")
        self._version = version

    async def batches(self, token: str | None) -> AsyncIterator[Batch]:
        """Everything from the token on; ends only by Transient or TokenTooOld."""
        known = msgspec.json.decode(token, type=Token) if token else None
        connection, version = await self._connect(known)
        try:
            async for batch in self._read(connection, version, known):
                yield batch
        except ConnectionClosed as error:
            raise Transient(f"the stream was closed: {error}") from error
        except ServerError as error:
            raise Transient(str(error)) from error
        finally:
            await connection.close()

    async def _connect(self, known: Token | None) -> tuple[ClientConnection, int]:
        for version in (2, 1) if self._version is None else (self._version,):
            try:
                return await self._open(version, known), version
            except InvalidStatus as error:
                body = bytes(error.response.body or b"").decode("utf-8", "replace")
                if "CursorTooOld" in body:
                    raise TokenTooOld(f"the stream has forgotten our place: {body[:200]}") from error
                if error.response.status_code != 404 or version == 1:
                    raise Transient(f"Jetstream answered {error.response.status_code}: {body[:200]}") from error
            except (OSError, InvalidHandshake, TimeoutError) as error:
                raise Transient(f"no connection: {error}") from error
        raise Transient("no version of Jetstream was found")

    async def _open(self, version: int, known: Token | None) -> ClientConnection:
        if version == 2:
            path, wanted = "/xrpc/network.bsky.jetstream.subscribeEvents", {"collections": [POST, REPOST]}
        else:
            path, wanted = "/subscribe", {"wantedCollections": [POST, REPOST]}
        query: dict[str, Any] = dict(wanted)
        if known is not None:
            same = (known.version, known.host) == (version, self._host)
            query["cursor"] = known.place if same else known.at - _MARGIN
        protocols = [Subprotocol("xrpc.v1.json")] if version == 2 else None
        url = f"{self._host}{path}?{urlencode(query, doseq=True)}"
        return await connect(url, subprotocols=protocols, max_size=_LONGEST_FRAME, open_timeout=15, ping_interval=20)

    async def _read(self, connection: ClientConnection, version: int, known: Token | None) -> AsyncIterator[Batch]:
        """Batches of at most 500 events or 0.2 s. What was read before the connection broke is handed out first."""
        last = known.place if known and (known.version, known.host) == (version, self._host) else -1
        while True:
            batch = _Collected()
            broken: Exception | None = None
            deadline = time.monotonic() + _SECONDS
            try:
                await self._collect(connection, version, batch, last, deadline)
            except (ConnectionClosed, ServerError) as error:
                broken = error
            if batch.place is not None:
                last = batch.place
                yield batch.batch(version, self._host)
            if broken is not None:
                raise broken

    async def _collect(
        self, connection: ClientConnection, version: int, batch: _Collected, last: int, deadline: float
    ) -> None:
        while len(batch.events) < _EVENTS and time.monotonic() < deadline:
            # The first frame is waited for as long as it takes; the rest only until the batch is due.
            patience = None if batch.place is None else max(deadline - time.monotonic(), 0.001)
            try:
                data = await asyncio.wait_for(connection.recv(), patience)
            except TimeoutError:
                return
            if batch.place is None:
                deadline = time.monotonic() + _SECONDS
            batch.take(data, version, last)


class _Collected:
    """Frames on their way into a batch."""

    def __init__(self) -> None:
        self.events: list[PublicEvent] = []
        self.place: int | None = None
        self.at = 0
        self.ignored = self.malformed = 0
        self.gap: Gap | None = None

    def take(self, data: bytes | str, version: int, last: int) -> None:
        """One frame; a repeated one (the cursor is inclusive) is dropped, a broken one counted."""
        try:
            plain = zstandard.ZstdDecompressor().decompress(data, _LONGEST_FRAME) if isinstance(data, bytes) else data
            parsed = parse_v2(plain) if version == 2 else parse_v1(plain)
        except (Malformed, zstandard.ZstdError):
            self.malformed += 1
            return
        if parsed is None or parsed.place <= last:
            return
        self.place, self.at = parsed.place, parsed.at
        if parsed.event is None:
            self.ignored += 1
        else:
            self.events.append(parsed.event)

    def batch(self, version: int, host: str) -> Batch:
        """What was collected, with the token after it."""
        token = Token(version, host, self.place or 0, self.at)
        text = msgspec.json.encode(token).decode()
        return Batch(self.events, text, self.gap, self.malformed, self.ignored)
