"""Bluesky by Jetstream: version 2 of its stream, or version 1 where the server knows no other.

A connection is read until it breaks; coming again is the worker's business. The token is the place after the last event
that was handed out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
import zstandard
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from ingest.source import AuthFailed, Batch, Gap, Source, Transient
from ingest.sources import Secrets
from ingest.sources.bluesky_frames import POST, REPOST, Malformed, Parsed, ServerError, parse_v1, parse_v2
from resonance.catalogue import Source as Configured
from resonance.clock import Clock
from resonance.errors import RateLimited
from resonance.model import Delete, DeleteAuthor, PublicEvent, Upsert, instant

__all__ = ["Bluesky", "Malformed", "ServerError", "parse_v1", "parse_v2"]

HOST = "wss://jetstream.us-east.bsky.network"
_PATHS = {1: "/subscribe", 2: "/xrpc/network.bsky.jetstream.subscribeEvents"}
_COLLECTIONS = {1: "wantedCollections", 2: "collections"}
_UNKNOWN_PATH = (404, 405, 501)
_EVENTS, _SECONDS = 500, 0.2
_MARGIN = 5_000_000
"""So far back (µs) goes a place that is told as a time: times neither rise strictly nor agree between servers."""
_LEAST_TIME = 10**15
"""Cursors of version 2 from here on are times."""
_SILENCE = 60_000_000
"""Version 1 hides that it has forgotten a place: a stream that begins so much later (µs) has."""
_REMEMBERED = 5_000
_LONGEST_FRAME = 16_000_000


COVERAGE = None


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """None."""


def problems(configured: Configured, options: Options) -> list[tuple[str, str]]:
    """An address that is none of a stream."""
    known = configured.url is None or configured.url.startswith(("ws://", "wss://"))
    return [] if known else [("url", "of a Jetstream begins with wss://")]


def open_source(configured: Configured, options: Options, clock: Clock, secrets: Secrets) -> Source:
    """The reader of the host at `url`."""
    return Bluesky(*([configured.url] if configured.url else []))


class Token(msgspec.Struct, frozen=True):
    """Where to go on: `place` in the numbering of `version` at `host`, `at` (µs) for everybody else."""

    version: int
    host: str
    place: int
    at: int


class _Forgotten(Exception):
    """The server knows our place no more."""


class Bluesky:
    """`ingest.source.Source` for one Jetstream host; `version` None: 2, falling back to 1."""

    def __init__(self, host: str = HOST, *, version: int | None = None) -> None:
        self._host = host.rstrip("/")
        self._versions = (2, 1) if version is None else (version,)
        # What is in the log already and may come again, because a cursor goes back a little.
        self._logged: dict[tuple[int, int, str], None] = {}

    async def batches(self, token: str | None) -> AsyncGenerator[Batch, None]:
        """Everything from the token on; ends only by Transient, RateLimited or AuthFailed. A place that the server has
        forgotten is a gap, after which everything comes that is still there."""
        known = msgspec.json.decode(token, type=Token) if token else None
        try:
            connection, version = await self._connect(known, forgotten=False)
            forgotten = False
        except _Forgotten:
            connection, version = await self._connect(known, forgotten=True)
            forgotten = True
        stream = _Stream(connection, version, self._host, known, forgotten, self._logged)
        try:
            yield Batch()
            async with aclosing(stream.batches()) as batches:
                async for batch in batches:
                    yield batch
                    stream.remember()
        except ConnectionClosed as error:
            raise Transient(f"the stream was closed: {error}") from error
        except ServerError as error:
            raise Transient(str(error)) from error
        finally:
            await connection.close()

    async def _connect(self, known: Token | None, *, forgotten: bool) -> tuple[ClientConnection, int]:
        for version in self._versions:
            try:
                return await self._open(version, self._cursor(version, known, forgotten)), version
            except InvalidStatus as error:
                if error.response.status_code not in _UNKNOWN_PATH or version == self._versions[-1]:
                    raise _refusal(error, may_forget=not forgotten) from error
            except (OSError, InvalidHandshake, TimeoutError) as error:
                raise Transient(f"no connection: {error}") from error
        raise AssertionError("unreachable: the last version returns or raises")

    def _cursor(self, version: int, known: Token | None, forgotten: bool) -> int | None:
        if known is None:
            return None
        if version == 2 and (known.version, known.host) == (2, self._host) and not forgotten:
            return known.place
        return max(known.at - _MARGIN, _LEAST_TIME)

    async def _open(self, version: int, cursor: int | None) -> ClientConnection:
        query: dict[str, Any] = {_COLLECTIONS[version]: [POST, REPOST]}
        if cursor is not None:
            query["cursor"] = cursor
        return await connect(
            f"{self._host}{_PATHS[version]}?{urlencode(query, doseq=True)}",
            subprotocols=[Subprotocol("xrpc.v1.json")] if version == 2 else None,
            max_size=_LONGEST_FRAME,
            open_timeout=15,
            close_timeout=2,
            ping_interval=20,
        )


def _refusal(error: InvalidStatus, *, may_forget: bool) -> Exception:
    """What an HTTP answer in place of the stream means for us."""
    body = bytes(error.response.body or b"")[:200].decode("utf-8", "replace")
    said = f"Jetstream answered {error.response.status_code}: {body}"
    match error.response.status_code:
        case 400 if "CursorTooOld" in body and may_forget:
            return _Forgotten(said)
        case 401 | 403:
            return AuthFailed(said)
        case 429:
            after = error.response.headers.get("Retry-After", "")
            return RateLimited(said, timedelta(seconds=int(after)) if after.isdecimal() else None)
        case _:
            return Transient(said)


class _Stream:
    """One connection, from the place that is known on."""

    def __init__(
        self,
        connection: ClientConnection,
        version: int,
        host: str,
        known: Token | None,
        forgotten: bool,
        logged: dict[tuple[int, int, str], None],
    ) -> None:
        self._connection = connection
        self._version, self._host, self._known = version, host, known
        self._forgotten, self._begun = forgotten, False
        self._logged = logged
        self._handed: list[tuple[int, int, str]] = []

    async def batches(self) -> AsyncGenerator[Batch, None]:
        """Batches of at most 500 events or 0.2 s. What was read before the connection broke is handed out first."""
        while True:
            batch = _Collected()
            broken: Exception | None = None
            try:
                await self._collect(batch)
            except (ConnectionClosed, ServerError) as error:
                broken = error
            if batch.frames:
                self._handed = batch.marks
                yield self._batch(batch)
            if broken is not None:
                raise broken

    def remember(self) -> None:
        """What was handed out last is in the log: when it comes again, it is a repetition."""
        self._logged.update(dict.fromkeys(self._handed))
        while len(self._logged) > _REMEMBERED:
            del self._logged[next(iter(self._logged))]
        self._handed = []

    async def _collect(self, batch: _Collected) -> None:
        """The first frame is waited for as long as it takes, the others until the batch is due."""
        self._take(batch, await self._connection.recv())
        deadline = time.monotonic() + _SECONDS
        while len(batch.events) < _EVENTS and (left := deadline - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(left):
                    data = await self._connection.recv()
            except TimeoutError:
                return
            self._take(batch, data)

    def _take(self, batch: _Collected, data: bytes | str) -> None:
        """One frame; a repeated one is dropped, a broken one counted."""
        batch.frames += 1
        try:
            plain = _unpacked(data)
            parsed = parse_v2(plain) if self._version == 2 else parse_v1(plain)
        except (Malformed, zstandard.ZstdError):
            batch.malformed += 1
            return
        if parsed is None:
            self._forgotten = True
            return
        if not self._begun:
            self._begun = True
            batch.gap = self._gap(parsed)
        batch.add(parsed, self._version, self._logged, self._is_known(parsed))

    def _is_known(self, parsed: Parsed) -> bool:
        """The cursor of version 2 is inclusive: the event at it is in the log."""
        known = self._known
        same = known is not None and (known.version, known.host) == (2, self._host) and self._version == 2
        return same and known is not None and parsed.place == known.place and not self._forgotten

    def _gap(self, first: Parsed) -> Gap | None:
        known = self._known
        if known is None or not (self._forgotten or (self._version == 1 and first.at - known.at > _SILENCE)):
            return None
        return Gap("the stream has forgotten our place", instant(known.at), instant(max(first.at, known.at)))

    def _batch(self, batch: _Collected) -> Batch:
        token = None
        if batch.last is not None:
            place = Token(self._version, self._host, batch.last.place, batch.last.at)
            token = msgspec.json.encode(place).decode()
        return Batch(
            batch.events,
            token,
            batch.gap,
            batch.malformed,
            batch.ignored,
            unknown=batch.unknown,
            duplicates=batch.duplicates,
        )


class _Collected:
    """Frames on their way into a batch."""

    def __init__(self) -> None:
        self.events: list[PublicEvent] = []
        self.marks: list[tuple[int, int, str]] = []
        self.last: Parsed | None = None
        self.gap: Gap | None = None
        self.frames = self.ignored = self.malformed = self.unknown = self.duplicates = 0

    def add(self, parsed: Parsed, version: int, logged: dict[tuple[int, int, str], None], known: bool) -> None:
        """One frame that could be read."""
        self.last = parsed
        if parsed.event is None:
            self.ignored += parsed.known
            self.unknown += not parsed.known
            return
        mark = (version, parsed.place, _name(parsed.event))
        if known or mark in logged:
            self.duplicates += 1
            return
        self.marks.append(mark)
        self.events.append(parsed.event)


def _name(event: PublicEvent) -> str:
    match event:
        case Upsert(mention=mention):
            return mention.id
        case Delete(id=name):
            return f"delete {name}"
        case DeleteAuthor(author=name):
            return f"author {name}"
        case _:
            raise AssertionError(event)


def _unpacked(data: bytes | str) -> bytes | str:
    """A binary frame is one zstd frame around the text; more than the greatest text is refused before it is unpacked."""
    if isinstance(data, str):
        return data
    if zstandard.frame_content_size(data) > _LONGEST_FRAME:
        raise Malformed("too great a frame")
    return zstandard.ZstdDecompressor().decompress(data, _LONGEST_FRAME)
