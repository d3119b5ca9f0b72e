"""/v1/changes and /v1/events: what happened, resumable; as a list, and as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from api import shapes
from api.parts import Parts
from api.problems import Refused
from api.security import Caller, PartsOf, Reader, known_parameters
from resonance.stores.feed import Entry, Forgotten

router = APIRouter(tags=["changes"], dependencies=[Depends(known_parameters)])
_POLL, _KEEP_ALIVE = 0.5, 15.0
Names = Annotated[list[str], Query()]


def _topics(caller: Reader, parts: PartsOf, topic: Names = []) -> tuple[str, ...]:  # noqa: B006 - FastAPI copies defaults
    """Checked before anything is sent: inside a stream it would be too late."""
    return caller.topics(tuple(topic), frozenset(item.entry.id for item in parts.entries.list("topic")))


Topics = Annotated[tuple[str, ...], Depends(_topics)]


def _shown(entry: Entry) -> dict[str, Any]:
    data = {"key": entry.key, "topic": entry.topic, **(entry.data or {})}
    return {"schema": 1, "id": entry.cursor, "type": entry.type, "at": shapes.time_text(entry.at), "data": data}


@router.get("/v1/changes", summary="What happened since")
def list_changes(
    parts: PartsOf,
    caller: Reader,
    topics: Topics,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 200,
) -> dict[str, Any]:
    """In commit order; `next` is the place to go on from, also when nothing new is there. Without `after`: from now on."""
    place = after or parts.feed.end()
    entries, following = parts.feed.after(place, caller.scope, topics=topics, limit=limit)
    return {"items": [_shown(entry) for entry in entries], "next": following}


def _start(
    parts: PartsOf, caller: Reader, topics: Topics, last_event_id: Annotated[str | None, Header()] = None
) -> str:
    """The place to begin at; an impossible one is refused before the stream opens."""
    place = last_event_id or parts.feed.end()
    parts.feed.after(place, caller.scope, topics=topics, limit=1)
    return place


@contextmanager
def counted(request: Request, parts: Parts) -> Iterator[None]:
    """One of the streams that are open, for as long as it is sent. Counted in the event loop only, hence without a lock."""
    app = request.app.state
    app.streams = getattr(app, "streams", 0) + 1
    try:
        yield
    finally:
        app.streams -= 1


@router.get("/v1/events", summary="What happens, as server-sent events", response_class=StreamingResponse)
async def stream_events(
    request: Request, parts: PartsOf, caller: Reader, topics: Topics, start: Annotated[str, Depends(_start)]
) -> StreamingResponse:
    """Resumes after `Last-Event-ID`; a comment every 15 s keeps the line open. At most so many readers at once as are
    configured."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    if getattr(request.app.state, "streams", 0) >= parts.streams:
        raise Refused("unavailable", "too many streams are open", headers={"Retry-After": "5"})
    return StreamingResponse(
        _events(request, parts, caller, topics, start), media_type="text/event-stream", headers=headers
    )


async def _events(
    request: Request, parts: Parts, caller: Caller, topics: tuple[str, ...], place: str
) -> AsyncIterator[bytes]:
    with counted(request, parts):
        yield b"retry: 2000\n\n"
        async for piece in _pieces(request, parts, caller, topics, place):
            yield piece


async def _pieces(
    request: Request, parts: Parts, caller: Caller, topics: tuple[str, ...], place: str
) -> AsyncIterator[bytes]:
    quiet = 0.0
    while not parts.stopping() and not await request.is_disconnected():
        try:
            entries, place = await run_in_threadpool(parts.feed.after, place, caller.scope, topics=topics)
        except Forgotten:
            # The reader was too slow for seven days of changes: it has to begin anew.
            return
        for entry in entries:
            data = msgspec.json.encode(_shown(entry)).decode()
            yield f"id: {entry.cursor}\nevent: {entry.type}\ndata: {data}\n\n".encode()
        quiet = 0.0 if entries else quiet + _POLL
        if quiet >= _KEEP_ALIVE:
            yield b": still here\n\n"
            quiet = 0.0
        if not entries:
            await asyncio.sleep(_POLL)
