"""Sources of a real instance under kill -9, cut connections and refusals: what was served is what is stored."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web

from ingest.sources.feed_places import read_token
from tests.support.fake_feeds import FakeFeeds, Feed, Item, rss
from tests.support.pulled import Pulled, configuration
from tests.support.serving import Serving

pytestmark = pytest.mark.slow


def test_feeds_lose_nothing_over_kill_9_and_edits_arrive(tmp_path: Path) -> None:
    served: dict[str, list[Item]] = {f"/{name}": [] for name in "abcdef"}
    fake = FakeFeeds({path: Feed(lambda items=items: rss(items)) for path, items in served.items()})  # type: ignore[misc]
    expected: dict[str, str] = {}

    def write(number: int) -> None:
        for path, items in served.items():
            feed = fake.feeds[path]
            feed.before = [["cut"], [web.Response(status=503, headers={"Retry-After": "1"})], []][number % 3]  # type: ignore[assignment]
            for part in range(10):
                item = Item(10 * number + part, text=f"text {number}", guid=f"urn:{path}:{number}.{part}")
                items.insert(0, item)
                expected[f"rss:{item.guid}"] = item.text
            if number and number % 2:
                old = items.index(next(i for i in items if i.guid == f"urn:{path}:{number - 1}.3"))
                items[old] = Item(items[old].number, text=f"changed {number}", guid=items[old].guid)
                expected[f"rss:{items[old].guid}"] = items[old].text
            del items[200:]

    with Serving(fake.app()) as server:
        feeds = ", ".join(f'"{server.url}{path}"' for path in served)
        config = configuration("feeds", None, f'{{ feeds = [{feeds}], every = "1s", spacing = "0s" }}')
        pulled = Pulled(tmp_path / "up", config)
        try:
            pulled.killed_again_and_again(write)
            pulled.until(lambda: pulled.stored == expected)
            health = pulled.health()
            assert (health["connected"], health["gaps"], health["problem"]) == (True, 0, None)
            assert pulled.token is not None and len(read_token(pulled.token)) == 6
            assert len(pulled.token) < 6 * 11_000
            assert "deletions are not told" in health["coverage_note"]
        finally:
            pulled.up.stop()
