"""/live: tells an open page that something has changed; the page then asks again for its own address."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from api.parts import Parts
from api.problems import Refused
from api.routes.changes import Topics, counted
from api.security import Caller, PartsOf, Reader
from resonance.stores.feed import Forgotten

router = APIRouter(include_in_schema=False)
_POLL, _PAUSE, _AGE = 0.5, 2.0, 30.0
"""Seconds between two looks, between two calls at least, and at most: times of day on the page grow old by themselves."""


def _room(request: Request, parts: PartsOf) -> None:
    if getattr(request.app.state, "streams", 0) >= parts.streams:
        raise Refused("unavailable", "too many streams are open", headers={"Retry-After": "5"})


@router.get("/live")
async def live(
    request: Request, parts: PartsOf, caller: Reader, topics: Topics, room: Annotated[None, Depends(_room)]
) -> StreamingResponse:
    """Server-sent events named `changed`; topics and permission are checked before the stream opens."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_calls(request, parts, caller, topics), media_type="text/event-stream", headers=headers)


async def _calls(request: Request, parts: Parts, caller: Caller, topics: tuple[str, ...]) -> AsyncIterator[bytes]:
    with counted(request, parts):
        place = await run_in_threadpool(parts.feed.end)
        # The first call makes up for what changed between the page and this stream, also after a restart.
        yield b"retry: 2000\n\nevent: changed\ndata: .\n\n"
        last = time.monotonic()
        while not parts.stopping() and not await request.is_disconnected():
            await asyncio.sleep(_POLL)
            try:
                entries, place = await run_in_threadpool(parts.feed.after, place, caller.scope, topics=topics)
            except Forgotten:
                return
            since = time.monotonic() - last
            if since >= _AGE or (entries and since >= _PAUSE):
                last = time.monotonic()
                yield b"event: changed\ndata: .\n\n"
            elif entries:
                await asyncio.sleep(max(0.0, _PAUSE - since))
                last = time.monotonic()
                yield b"event: changed\ndata: .\n\n"
