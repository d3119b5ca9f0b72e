"""Idempotency-Key: a POST that is sent again gets the answer of the first time and does nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute

from api.problems import Refused
from api.security import caller, parts
from resonance.errors import Invalid, Problem
from resonance.stores.idempotency import Kept

HEADER = "Idempotency-Key"
_CARRIED = ("location", "etag", "content-type")


class Repeatable(APIRoute):
    """A route whose POST honours the header. Answers that refuse are not kept: nothing was done, so that it may be tried
    again with the same key."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's handler, inside the memory of what was asked before."""
        handle = super().get_route_handler()

        async def remembering(request: Request) -> Response:
            key = request.headers.get(HEADER)
            if request.method != "POST" or key is None:
                return await handle(request)
            if not 1 <= len(key) <= 255:
                raise Invalid([Problem("has 1 to 255 characters", HEADER, "length")])
            return await _once(request, key, handle)

        return remembering


async def _once(request: Request, key: str, handle: Callable[[Request], Coroutine[Any, Any, Response]]) -> Response:
    made = parts(request)
    actor = str((await run_in_threadpool(caller, request)).actor)
    asked = f"{request.method} {request.url.path}?{request.url.query}\n".encode() + await request.body()
    print_ = hashlib.sha256(asked).hexdigest()
    kept = await run_in_threadpool(made.idempotency.claim, key, actor, print_, made.clock.now())
    if kept is not None:
        return _again(kept, print_)
    try:
        response = await handle(request)
    except BaseException:
        await run_in_threadpool(made.idempotency.release, key, actor)
        raise
    headers = {name: response.headers[name] for name in _CARRIED if name in response.headers}
    body = msgspec.json.encode([headers, bytes(response.body).decode()]).decode()
    await run_in_threadpool(made.idempotency.keep, key, actor, response.status_code, body)
    return response


def _again(kept: Kept, print_: str) -> Response:
    if kept.fingerprint != print_:
        raise Invalid([Problem("was used for another request already", HEADER, "reused")])
    if kept.status == 0:
        raise Refused("conflict", "the first request with this key is still at work", headers={"Retry-After": "1"})
    headers, body = msgspec.json.decode(kept.body, type=tuple[dict[str, str], str])
    return Response(body, kept.status, {**headers, "Idempotency-Replayed": "true"})
