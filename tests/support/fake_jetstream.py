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


@dataclass
class Script:
    """What the server does. Each connection serves at most `per_connection` frames and then ends as the next of `ends`
    says: a close code, "cut" (in the middle of a message), "slow" (an error frame), or None (stay open)."""

    events: Sequence[dict[str, Any]]
    per_connection: int = 40
    ends: list[int | str | None] = field(default_factory=list)
    versions: tuple[int, ...] = (1, 2)
    floor: int = 0
    """The least cursor that is not too old (version 2)."""
    zstd: bool = False
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


@asynccontextmanager
async def fake_jetstream(script: Script) -> AsyncIterator[str]:
    """The server's address."""

    async def check(connection: ServerConnection, request: Request) -> Response | None:
        parts = urlsplit(request.path)
        version = 2 if parts.path == V2 else 1
        if version not in script.versions:
            return connection.respond(HTTPStatus.NOT_FOUND, "no such version\n")
        cursor = int(parse_qs(parts.query).get("cursor", ["0"])[0])
        if version == 2 and 0 < cursor < script.floor:
            return connection.respond(HTTPStatus.BAD_REQUEST, f"CursorTooOld: the floor is {script.floor}\n")
        return None

    async def handle(connection: ServerConnection) -> None:
        assert connection.request is not None
        parts = urlsplit(connection.request.path)
        version = 2 if parts.path == V2 else 1
        cursor = int(parse_qs(parts.query).get("cursor", ["0"])[0])
        script.connections += 1
        sent = 0
        end = script.ends.pop(0) if script.ends else None
        for number, event in enumerate(script.events):
            if place_of(event, version, number) < cursor:
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
