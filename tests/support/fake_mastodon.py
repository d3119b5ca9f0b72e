"""A Mastodon instance on loopback: timelines by REST, the same as server-sent events, deletions, edits, closed doors."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from aiohttp import web

FIRST = 1_780_000_000_000
"""Milliseconds since 1970 of the first status."""


@dataclass
class FakeMastodon:
    """What is said on it: `statuses` by id. `before` are answers in place of the next ones to a path's beginning; `reach`:
    a timeline shows its latest so many; `open`: without a token, too."""

    host: str = "social.example"
    statuses: dict[str, dict[str, Any]] = field(default_factory=dict)
    before: dict[str, list[web.Response]] = field(default_factory=dict)
    reach: int = 400
    open: bool = True
    old: bool = False
    """Before version 4.3: several statuses cannot be asked for at once."""
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    _streams: dict[asyncio.Queue[bytes | None], str] = field(default_factory=dict)
    _loop: asyncio.AbstractEventLoop | None = None
    connections: int = 0
    sent: int = 0
    """Bytes of streams that somebody has taken."""

    # ---- what happens on it (from any thread) ---------------------------------------------------------------------

    def post(self, number: int, text: str = "", *, told: bool = True, ms: int | None = None, **more: Any) -> str:
        """A new status; returns its id."""
        at = FIRST + number * 1000 if ms is None else ms
        name = str((at << 16) + number % 65_536)
        status = {
            "id": name,
            "uri": f"https://{self.host}/users/kim/statuses/{name}",
            "url": f"https://{self.host}/@kim/{name}",
            "created_at": datetime.fromtimestamp(at / 1000, UTC).isoformat().replace("+00:00", "Z"),
            "edited_at": None,
            "visibility": "public",
            "language": "de",
            "content": f"<p>{text or f'number {number}'}</p>",
            "account": account(),
            "favourites_count": 0,
            "reblogs_count": 0,
            "replies_count": 0,
            "tags": [{"name": "bahn", "url": f"https://{self.host}/tags/bahn"}],
            **more,
        }
        self.statuses[name] = status
        if told:
            self.tell("update", json.dumps(status))
        return name

    def edit(self, name: str, text: str, *, told: bool = True) -> None:
        """A later version."""
        number = int(self.statuses[name].get("edits", 0)) + 1
        at = datetime.fromtimestamp((int(name) >> 16) / 1000 + number, UTC).isoformat().replace("+00:00", "Z")
        self.statuses[name] |= {"content": f"<p>{text}</p>", "edited_at": at, "edits": number}
        if told:
            self.tell("status.update", json.dumps(self.statuses[name]))

    def delete(self, name: str, *, told: bool = True) -> None:
        """It is gone."""
        del self.statuses[name]
        if told:
            self.tell("delete", name)

    def tell(self, event: str, data: str) -> None:
        """To everybody who listens."""
        self.raw(f"event: {event}\ndata: {data}\n\n".encode())

    def raw(self, text: bytes) -> None:
        """Bytes to everybody who listens."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._put, text)

    def hang_up(self) -> None:
        """On everybody who listens."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._put, None)

    def _put(self, text: bytes | None) -> None:
        for queue in self._streams:
            queue.put_nowait(text)

    # ---- how it answers -------------------------------------------------------------------------------------------

    def app(self) -> web.Application:
        made = web.Application()
        made.router.add_get("/{path:.*}", self._answer)
        return made

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self._loop = asyncio.get_running_loop()
        self.asked.append((request.path_qs, dict(request.headers)))
        for path, answers in self.before.items():
            if request.path.startswith(path) and answers:
                return answers.pop(0)
        if not (self.open or request.headers.get("Authorization", "").startswith("Bearer ")):
            return web.json_response({"error": "This method requires an authenticated user"}, status=401)
        match request.path.split("/")[3:]:
            case ["instance"]:
                urls = {"streaming": f"ws://{request.host}"}
                return web.json_response({"domain": self.host, "configuration": {"urls": urls}})
            case ["timelines", *_]:
                return self._timeline(request)
            case ["statuses"]:
                found = [self.statuses[name] for name in request.query.getall("id[]") if name in self.statuses]
                return web.json_response(found) if not self.old else web.Response(status=404)
            case ["statuses", name]:
                gone = web.json_response({"error": "Record not found"}, status=404)
                return web.json_response(self.statuses[name]) if name in self.statuses else gone
            case ["streaming", *_]:
                return await self._stream(request)
            case _:
                return web.Response(status=404)

    def _timeline(self, request: web.Request) -> web.Response:
        limit = int(request.query.get("limit", "20"))
        names = sorted(self.statuses, key=int)[-self.reach :]
        if "min_id" in request.query:
            names = [name for name in names if int(name) > int(request.query["min_id"])][:limit]
        page = [self.statuses[name] for name in reversed(names[-limit:])]
        return web.json_response(page)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            return web.json_response({"error": "Missing access token"}, status=401)
        self.connections += 1
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b":)\n")
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._streams[queue] = request.path
        try:
            while (text := await queue.get()) is not None:
                # Cut anywhere, also within a character.
                for start in range(0, len(text), 700):
                    await response.write(text[start : start + 700])
                    self.sent += len(text[start : start + 700])
        except ConnectionResetError:
            pass
        finally:
            del self._streams[queue]
        with contextlib.suppress(AttributeError):
            request.transport.abort()  # type: ignore[union-attr]
        return response


def account(**more: Any) -> dict[str, Any]:
    """Somebody who wants to be found."""
    return {
        "id": "1",
        "acct": "kim",
        "uri": "https://social.example/users/kim",
        "url": "https://social.example/@kim",
        "display_name": "Kim",
        "note": "",
        "indexable": True,
        "followers_count": 42,
        "created_at": "2020-01-01T00:00:00.000Z",
        **more,
    }


def tagged(tag: str) -> str:
    """A timeline's path."""
    return f"/api/v1/timelines/tag/{quote(tag)}"
