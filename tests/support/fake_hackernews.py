"""Hacker News' API on loopback: items by number, holes, errors, what has changed lately."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TIME = 1_790_000_000


@dataclass
class FakeHackerNews:
    """`hidden` items are null although their number is given away; `errors`: so many of a hundred answers are refusals."""

    items: dict[int, dict[str, Any]] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    changed: list[int] = field(default_factory=list)
    errors: float = 0.0
    before: list[web.Response] = field(default_factory=list)
    asked: int = 0
    refused: int = 0
    _chance: random.Random = field(default_factory=lambda: random.Random(3))

    def story(self, number: int, **more: Any) -> None:
        """A new one."""
        self.items[number] = {"id": number, "type": "story", "by": "kim", "time": TIME + number, "title": f"number {number}", "text": f"text {number}", "score": 1, "descendants": 0} | more  # fmt: skip

    def comment(self, number: int, parent: int, **more: Any) -> None:
        """A new one."""
        self.items[number] = {"id": number, "type": "comment", "by": "alex", "time": TIME + number, "parent": parent, "text": f"text <i>{number}</i>"} | more  # fmt: skip

    def change(self, number: int, **more: Any) -> None:
        """And stand in the list of changes, which is short."""
        self.items[number] = self.items[number] | more
        self.changed = [number, *self.changed][:30]

    def app(self) -> web.Application:
        made = web.Application()
        made.router.add_get("/v0/{name:.*}.json", self._answer)
        return made

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.before:
            return self.before.pop(0)
        if self._chance.random() * 100 < self.errors:
            self.refused += 1
            return web.Response(status=503 if self.refused % 2 else 502, headers={})
        match request.match_info["name"].split("/"):
            case ["maxitem"]:
                return web.json_response(max(self.items, default=0))
            case ["updates"]:
                return web.json_response({"items": self.changed, "profiles": []})
            case ["item", number]:
                return web.json_response(None if int(number) in self.hidden else self.items.get(int(number)))
            case _:
                return web.Response(status=404)
