"""Timelines of Mastodon on their way: holes closed, the stream read on, the latest looked at again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from msgspec import structs

from ingest.fetching import Answer, Web, refusal
from ingest.source import Batch, Gap
from ingest.sources.mastodon_places import RECENT, Known, Place, later, packed, unpacked, write_token
from ingest.sources.mastodon_statuses import Lines, Malformed, Status, engagement_of, mention_id, read_json, read_status
from resonance.clock import Clock
from resonance.model import Delete, EngagementSeen, PublicEvent, Upsert

_PAGE, _AT_ONCE = 40, 20
_SILENCE = 60.0
_GONE = (404, 410)


class Timeline(NamedTuple):
    """One timeline of one instance: where it is asked for, and where it is streamed."""

    instance: str
    stream: str
    path: str
    live: str
    token: str | None

    @property
    def name(self) -> str:
        """Names it in places and problems."""
        return f"{self.instance} {self.stream}"

    @property
    def headers(self) -> dict[str, str]:
        """Who we are."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


@dataclass
class Piece:
    """What was read of one timeline. `last`: the greatest id; `seen`: what is known now; `gone`: ids that are no more."""

    timeline: str
    events: list[PublicEvent] = field(default_factory=list)
    last: str = ""
    seen: list[Status] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    gap: Gap | None = None
    malformed: int = 0
    ignored: int = 0
    unknown: int = 0
    duplicates: int = 0


class Reading:
    """All timelines of a source between two connections of its worker: what they bring goes into one bounded queue, and becomes
    part of the place when it is handed out."""

    def __init__(
        self, web: Web, clock: Clock, queue: asyncio.Queue[Piece], places: dict[str, Place], only_indexable: bool
    ) -> None:
        self._web, self._clock, self._queue, self._places = web, clock, queue, places
        self._only_indexable = only_indexable
        self._recent = {name: unpacked(place.recent) for name, place in places.items()}
        self._known: dict[str, Known] = {}
        for name, recent in self._recent.items():
            for status, (uri, edited) in recent.items():
                self._of(name.partition(" ")[0]).add(status, uri, edited)
        self._live: dict[str, str] = {}
        self._cannot_recheck: set[str] = set()

    def handed_out(self, pieces: Sequence[Piece], problem: str | None) -> Batch:
        """The pieces as a batch, with the place after them."""
        now = int(self._clock.now().timestamp())
        for piece in pieces:
            if not (piece.last or piece.seen or piece.gone):
                continue
            place = self._places.get(piece.timeline, Place())
            recent = self._recent.setdefault(piece.timeline, {})
            for name in piece.gone:
                recent.pop(name, None)
            for status in piece.seen:
                recent.pop(status.id, None)
                recent[status.id] = (status.uri, status.edited_at)
            for name in list(recent)[:-RECENT]:
                del recent[name]
            self._places[piece.timeline] = Place(later(place.last, piece.last), now, packed(recent))
        return Batch(
            [event for piece in pieces for event in piece.events],
            write_token(self._places),
            next((piece.gap for piece in pieces if piece.gap), None),
            malformed=sum(piece.malformed for piece in pieces),
            ignored=sum(piece.ignored for piece in pieces),
            unknown=sum(piece.unknown for piece in pieces),
            duplicates=sum(piece.duplicates for piece in pieces),
            problem=problem,
        )

    async def say(self, timeline: Timeline) -> None:
        """Have a batch made, though nothing came: something is to be told of the timeline."""
        await self._queue.put(Piece(timeline.name))

    async def follow(self, timeline: Timeline, every: float, recheck: float) -> AsyncGenerator[None, None]:
        """Reads the timeline until it breaks; yields whenever it is seen to stand."""
        loop = asyncio.get_running_loop()
        if timeline.token is None:
            due = loop.time()
            while True:
                await self._close_hole(timeline)
                yield
                if loop.time() >= due:
                    await self._recheck(timeline)
                    due = loop.time() + recheck
                await asyncio.sleep(every)
        address = f"{await self._streaming(timeline)}/api/v1/streaming/{timeline.live}"
        # Opened before the hole is closed: what comes meanwhile waits in the connection.
        async with self._web.stream(address, timeline.headers, silence=_SILENCE) as incoming:
            await self._close_hole(timeline)
            await self._recheck(timeline)
            yield
            due, lines = loop.time() + recheck, Lines()
            async for raw in incoming:
                piece = Piece(timeline.name)
                for name, data in lines.feed(raw):
                    self._take(timeline, piece, name, data)
                if piece != Piece(timeline.name):
                    await self._queue.put(piece)
                if loop.time() >= due:
                    await self._recheck(timeline)
                    due = loop.time() + recheck

    def _of(self, instance: str) -> Known:
        return self._known.setdefault(instance, Known())

    async def _get(self, timeline: Timeline, path: str, *, allowed: tuple[int, ...] = ()) -> Answer:
        answer = await self._web.get(timeline.instance + path, timeline.headers)
        said = f"{timeline.instance} answered {answer.status}"
        if answer.status in (401, 403):
            token = "with this token" if timeline.token else "without a token"
            said = f"{timeline.instance} does not show its timeline {timeline.stream} {token} ({answer.status})"
        wrong = refusal(answer.status, answer.headers, said, datetime.now(UTC))
        if wrong and answer.status not in allowed:
            raise wrong
        return answer

    async def _streaming(self, timeline: Timeline) -> str:
        """Where the instance streams: it may have a host of its own for that."""
        if timeline.instance not in self._live:
            found = (await self._get(timeline, "/api/v2/instance", allowed=_GONE)).json()
            told = found.get("configuration") if isinstance(found, dict) else None
            urls = told.get("urls") if isinstance(told, dict) else None
            address = urls.get("streaming") if isinstance(urls, dict) else None
            usable = isinstance(address, str) and address.startswith(("ws://", "wss://", "http://", "https://"))
            live = (
                str(address).replace("wss://", "https://").replace("ws://", "http://") if usable else timeline.instance
            )
            self._live[timeline.instance] = live.rstrip("/")
        return self._live[timeline.instance]

    # ---- what comes ---------------------------------------------------------------------------------------------

    def _take(self, timeline: Timeline, piece: Piece, name: str, data: str) -> None:
        """One event of the stream; one that cannot be read is counted."""
        try:
            if name in ("update", "status.update"):
                self._status(timeline, piece, read_json(data))
            elif name == "delete":
                self._gone(timeline, piece, data.strip())
            else:
                piece.ignored += 1
        except Malformed:
            piece.malformed += 1

    def _status(self, timeline: Timeline, piece: Piece, data: Any) -> None:
        """A status that is new, changed, or known already."""
        known = self._of(timeline.instance)
        status = read_status(data, timeline.instance, known.uri, only_indexable=self._only_indexable)
        piece.last = later(piece.last, status.id)
        if known.has(status.id, status.edited_at):
            piece.duplicates += 1
            return
        known.add(status.id, status.uri, status.edited_at)
        if status.mention is None:
            piece.ignored += 1
            return
        piece.seen.append(status._replace(mention=None))
        piece.events.append(Upsert(mention=structs.replace(status.mention, engagement_at=self._clock.now())))

    def _gone(self, timeline: Timeline, piece: Piece, name: str) -> None:
        known = self._of(timeline.instance)
        uri = known.uri(name)
        if uri is None:
            piece.unknown += 1
            return
        known.remove(name)
        piece.gone.append(name)
        piece.events.append(Delete(id=mention_id(uri)))

    # ---- what came meanwhile ------------------------------------------------------------------------------------

    async def _close_hole(self, timeline: Timeline) -> None:
        """Everything since the place, page by page upward; without a place, it is at the newest."""
        place = self._places.get(timeline.name)
        if place is None:
            newest = await self._page(timeline, {"limit": 1})
            await self._queue.put(Piece(timeline.name, last=_id(newest[0]) if newest else "0"))
            await self._handed_out(timeline)
            return
        since, first = place.since, True
        before = [name for name in self._recent.get(timeline.name, {}) if _order(name) > _order(since)]
        while page := await self._page(timeline, {"limit": _PAGE, "min_id": since}):
            page.sort(key=lambda data: _order(_id(data)))
            piece = Piece(timeline.name)
            if first and before and _order(_id(page[0])) > max(map(_order, before)):
                piece.gap = Gap(
                    f"{timeline.name} does not reach back to where we were", _instant(place.at), self._clock.now()
                )
            for data in page:
                try:
                    self._status(timeline, piece, data)
                except Malformed:
                    piece.malformed += 1
            await self._queue.put(piece)
            first, before_page, since = False, since, later(since, _id(page[-1]))
            if since == before_page:
                break

    async def _handed_out(self, timeline: Timeline) -> None:
        """Until the first place stands: before it nothing may be told."""
        while timeline.name not in self._places:  # noqa: ASYNC110 - once, at the very first start
            await asyncio.sleep(0.02)

    async def _page(self, timeline: Timeline, parameters: dict[str, Any]) -> list[Any]:
        answer = await self._get(timeline, timeline.path + urlencode(parameters))
        return [data for data in answer.json(list[Any]) if isinstance(data, dict) and _id(data)]

    async def _recheck(self, timeline: Timeline) -> None:
        """What became of the latest: counts, edits, and deletions, each of which is asked for again by itself before it is believed."""
        names = list(self._recent.get(timeline.name, {}))
        for start in range(0, len(names), _AT_ONCE):
            if timeline.instance in self._cannot_recheck:
                return
            asked = names[start : start + _AT_ONCE]
            answer = await self._get(
                timeline, "/api/v1/statuses?" + urlencode([("id[]", n) for n in asked]), allowed=(400, 404, 405, 422)
            )
            if answer.status != 200:
                # Before version 4.3 there is no such call.
                self._cannot_recheck.add(timeline.instance)
                return
            await self._compare(timeline, asked, answer.json(list[Any]))

    async def _compare(self, timeline: Timeline, asked: list[str], found: list[Any]) -> None:
        piece = Piece(timeline.name)
        there = {_id(data): data for data in found if isinstance(data, dict)}
        for name in asked:
            if data := there.get(name):
                known = self._of(timeline.instance).uri(name)
                counted = engagement_of(data)
                if known and any(structs.astuple(counted)):
                    piece.events.append(EngagementSeen(id=mention_id(known), engagement=counted, at=self._clock.now()))
                try:
                    self._status(timeline, piece, data)
                except Malformed:
                    piece.malformed += 1
            elif (await self._get(timeline, f"/api/v1/statuses/{name}", allowed=_GONE)).status in _GONE:
                self._gone(timeline, piece, name)
        piece.duplicates, piece.last = 0, ""
        if piece != Piece(timeline.name):
            await self._queue.put(piece)


def _id(data: Any) -> str:
    name = data.get("id")
    return name if isinstance(name, str) and name.isascii() and name.isalnum() else ""


def _order(name: str) -> tuple[int, str]:
    return len(name), name


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
