"""A Jetstream on loopback: serves recorded events as version 1 or 2, and hangs up as the real one does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

import zstandard
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

V2 = "/xrpc/network.bsky.jetstream.subscribeEvents"
TIMES = 10**15


@dataclass
class Script:
    """What the server does. Each connection serves at most `per_connection` frames and then ends as the next of `ends`
    says: a close code, "cut" (in the middle of a message), "slow" (an error frame), or None (stay open)."""

    events: Sequence[dict[str, Any]]
    per_connection: int = 40
    ends: list[int | str | None] = field(default_factory=list)
    versions: tuple[int, ...] = (1, 2)
    floor: int = 0
    """How many of the events are forgotten: version 2 says so, version 1 does not."""
    zstd: bool = False
    between: Sequence[str] = ()
    """Frames that stand before the events of every connection."""
    refusals: list[Response] = field(default_factory=list)
    """Answers in place of the next connections."""
    cursors: list[int] = field(default_factory=list)
    served: list[int] = field(default_factory=list)
    connections: int = 0


def place_of(event: dict[str, Any], version: int, number: int) -> int:
    """The event's cursor."""
    return event["time_us"] if version == 1 else number + 1


def frame_of(event: dict[str, Any], version: int, number: int) -> str:
    """The event on the wire: version 1 nests the commit, version 2 flattens it beside seq, did and time."""
    if version == 1:
        return json.dumps(event)
    kind = event["kind"]
    time = datetime.fromtimestamp(event["time_us"] / 1e6, UTC).isoformat().replace("+00:00", "Z")
    payload: dict[str, Any] = {
        "$type": f"network.bsky.jetstream.subscribeEvents#{kind}",
        "seq": number + 1,
        "did": event["did"],
        "time": time,
    }
    payload |= event["commit"] if kind == "commit" else {kind: event.get(kind)}
    return json.dumps({"$type": "message", "payload": payload})


def cursor_of(request: Request) -> int:
    """Where a connection wants to begin; 0: it does not say."""
    return int(parse_qs(urlsplit(request.path).query).get("cursor", ["0"])[0])


def notices(script: Script, version: int, cursor: int) -> list[str]:
    """What version 2 says to somebody whose time is before all that it remembers."""
    if version == 1 or not script.floor or not TIMES <= cursor < script.events[script.floor]["time_us"]:
        return []
    payload = {"$type": "network.bsky.jetstream.subscribeEvents#info", "name": "OutdatedCursor"}
    return [json.dumps({"$type": "message", "payload": payload})]


@asynccontextmanager
async def fake_jetstream(script: Script) -> AsyncIterator[str]:
    """The server's address."""

    async def check(connection: ServerConnection, request: Request) -> Response | None:
        parts = urlsplit(request.path)
        version = 2 if parts.path == V2 else 1
        if version not in script.versions:
            return connection.respond(HTTPStatus.NOT_FOUND, "no such version\n")
        if script.refusals:
            return script.refusals.pop(0)
        cursor = cursor_of(request)
        if version == 2 and 0 < cursor <= script.floor:
            said = {"error": "CursorTooOld", "message": f"the floor is {script.floor + 1}"}
            return connection.respond(HTTPStatus.BAD_REQUEST, json.dumps(said))
        return None

    async def handle(connection: ServerConnection) -> None:
        assert connection.request is not None
        version = 2 if urlsplit(connection.request.path).path == V2 else 1
        cursor = cursor_of(connection.request)
        script.connections += 1
        script.cursors.append(cursor)
        sent = 0
        end = script.ends.pop(0) if script.ends else None
        for text in [*notices(script, version, cursor), *script.between]:
            await connection.send(text)
        for number, event in enumerate(script.events):
            # A cursor of version 2 may be a time, too.
            place = event["time_us"] if cursor >= TIMES else place_of(event, version, number)
            if number < script.floor or place < cursor:
                continue
            if end is not None and sent >= script.per_connection:
                break
            text = frame_of(event, version, number)
            await connection.send(zstandard.compress(text.encode()) if script.zstd else text)
            script.served.append(number)
            sent += 1
        await _end(connection, end)

    async with serve(
        handle, "127.0.0.1", 0, process_request=check, subprotocols=["xrpc.v1.json"], select_subprotocol=_choose
    ) as server:  # type: ignore[list-item]
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}"


def _choose(_connection: ServerConnection, offered: Sequence[Any]) -> Any:
    return offered[0] if offered else None


async def _end(connection: ServerConnection, end: int | str | None) -> None:
    if end is None:
        await connection.wait_closed()
    elif end == "cut":
        # The header of a text frame of 100 bytes, ten of them, and nothing more.
        connection.transport.write(b"\x81\x64" + b'{"did":"di')
        await asyncio.sleep(0.02)
        connection.transport.abort()
    elif end == "slow":
        await connection.send(json.dumps({"$type": "error", "error": "ConsumerTooSlow", "message": "too slow"}))
        await connection.close(1008)
    elif end == 1006:
        connection.transport.abort()
    else:
        await connection.close(int(end))
