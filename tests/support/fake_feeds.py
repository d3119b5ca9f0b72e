"""Feeds on loopback that behave as feeds do: conditional answers, redirections, refusals, slow and packed bodies."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from html import escape

from aiohttp import web


@dataclass
class Feed:
    """One address. `body` is made anew for each answer; `before` are answers in place of the next ones."""

    body: Callable[[], bytes] = lambda: b""
    kind: str = "application/xml"
    etag: bool = True
    packed: bool = False
    seconds: float = 0.0
    """So long stands between the first and the second half of a body."""
    before: list[web.Response | str] = field(default_factory=list)
    """ "cut" hangs up in the middle."""


@dataclass
class FakeFeeds:
    """Path → feed. `asked`: what the requests to each path carried, `answered`: with which status."""

    feeds: dict[str, Feed] = field(default_factory=dict)
    asked: dict[str, list[dict[str, str]]] = field(default_factory=lambda: defaultdict(list))
    answered: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def app(self) -> web.Application:
        made = web.Application()
        made.router.add_get("/{path:.*}", self._answer)
        return made

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        self.asked[path].append(dict(request.headers))
        answer = await self._made(request, self.feeds.get(path))
        self.answered[path].append(answer.status)
        return answer

    async def _made(self, request: web.Request, feed: Feed | None) -> web.StreamResponse:
        if feed is None:
            return web.Response(status=404, text="nothing here")
        body = feed.body()
        if feed.before:
            first = feed.before.pop(0)
            if isinstance(first, web.Response):
                return first
            return await self._cut(request, body)
        tag = f'"{hashlib.md5(body).hexdigest()}"'
        headers = {"Content-Type": feed.kind} | ({"ETag": tag} if feed.etag else {})
        if feed.etag and request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        if feed.packed:
            body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
        if not feed.seconds:
            return web.Response(body=body, headers=headers)
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        await asyncio.sleep(feed.seconds)
        await response.write(body[len(body) // 2 :])
        return response

    async def _cut(self, request: web.Request, body: bytes) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(body))})
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        assert request.transport is not None
        request.transport.abort()
        return response


@dataclass(frozen=True)
class Item:
    """What stands in a feed; `guid` None: it has none."""

    number: int
    title: str = ""
    text: str = "text"
    guid: str | None = ""
    link: str | None = ""
    date: str | None = "Mon, 04 May 2026 12:00:00 GMT"

    def xml(self) -> str:
        parts = [f"<title>{escape(self.title or f'number {self.number}')}</title>"]
        parts.append(f"<description>{escape(self.text)}</description>")
        if self.guid is not None:
            parts.append(f'<guid isPermaLink="false">{escape(self.guid or f"urn:item:{self.number}")}</guid>')
        if self.link is not None:
            parts.append(f"<link>{escape(self.link or f'https://news.example/{self.number}')}</link>")
        if self.date is not None:
            parts.append(f"<pubDate>{self.date}</pubDate>")
        return f"<item>{''.join(parts)}</item>"


def rss(
    items: Iterable[Item], *, encoding: str = "utf-8", declared: str | None = None, ttl: int | None = None
) -> bytes:
    """An RSS document."""
    more = f"<ttl>{ttl}</ttl>" if ttl is not None else ""
    channel = f"<title>News</title><link>https://news.example/</link><language>de</language>{more}"
    text = f'<?xml version="1.0" encoding="{declared or encoding}"?><rss version="2.0"><channel>{channel}'
    return (text + "".join(item.xml() for item in items) + "</channel></rss>").encode(encoding)
