"""Around every request: its id, the size of its body, headers of every answer, and an answer even to what went wrong."""

from __future__ import annotations

import re
import traceback
import uuid
from collections.abc import Callable

import structlog
from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems

log = structlog.get_logger()
LARGEST = 9_000_000
_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")


class Frame:
    """ASGI middleware; plain, so that a stream is never buffered and its reader's leaving is seen at once."""

    def __init__(self, app: ASGIApp, extra: Callable[[], dict[str, str]]) -> None:
        self._app = app
        self._extra = extra

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        presented = headers.get("x-request-id", "")
        number = presented if _ID.fullmatch(presented) else uuid.uuid4().hex
        started = False

        async def answering(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                added = MutableHeaders(scope=message)
                added.update({"X-Request-ID": number, "X-Content-Type-Options": "nosniff", **self._extra()})
            await send(message)

        request = Request(scope, receive)
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdecimal()):
            refusal = problems.answer(request, "malformed", "Content-Length is no number")
            await refusal(scope, receive, answering)
        elif int(length) > LARGEST:
            await problems.answer(request, "too-large", "the body is too large")(scope, receive, answering)
        else:
            try:
                await self._app(scope, _bounded(receive), answering)
            except Exception as error:
                if started:
                    raise
                _report(scope, number, error)
                await problems.answer(request, "internal")(scope, receive, answering)


def _bounded(receive: Receive) -> Receive:
    """A body without a length is counted while it comes."""
    taken = 0

    async def counting() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > LARGEST:
            raise HTTPException(413)
        return message

    return counting


def _report(scope: Scope, number: str, error: Exception) -> None:
    """The place and kind only: an error's text may hold what somebody said."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    where = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames]
    log.error("request.failed", path=scope["path"], request=number, error=type(error).__name__, where=where)
