"""Sources of a real instance under kill -9, cut connections and refusals: what was served is what is stored."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web

from ingest.sources.feed_places import read_token
from tests.support.fake_feeds import FakeFeeds, Feed, Item, rss
from tests.support.fake_hackernews import FakeHackerNews
from tests.support.fake_mastodon import FakeMastodon
from tests.support.pulled import KILLS, Pulled, configuration
from tests.support.serving import Serving
from tests.support.signing import SECRET, signed

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


def test_signed_pushes_that_are_repeated_until_they_are_taken_are_all_stored(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    pulled = Pulled(tmp_path / "up", configuration("hook", None, f'{{ secret = "file:{secret}" }}'))
    sent: dict[str, str] = {}
    stop = threading.Event()

    def send() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            when = datetime.now(UTC).isoformat()
            items = [{"id": f"shop:{number}.{n}", "text": f"text {n}", "published_at": when} for n in range(5)]
            while not posted(pulled.up.url, number, json.dumps(items).encode()):
                time.sleep(0.2)
            sent.update({item["id"]: item["text"] for item in items})

    try:
        pulled.up.wait_ready(90)
        sender = threading.Thread(target=send)
        sender.start()
        for number in range(KILLS):
            before = len(sent)
            pulled.until(lambda before=before: len(sent) > before)  # type: ignore[misc]
            pulled.killed("services.engine" if number % 3 else "services.webserver")
        stop.set()
        sender.join(60)
        pulled.until(lambda: pulled.stored == sent)
        assert len(sent) >= 5 * KILLS
        assert pulled.health()["events"] > 0
    finally:
        stop.set()
        pulled.up.stop()


def posted(url: str, number: int, body: bytes) -> bool:
    """Whether a push was taken; each attempt carries a time of its own, as a sender's do."""
    headers = signed(body, name=f"msg_{number}", stamp=int(time.time())) | {"Content-Type": "application/json"}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(f"{url}/v1/hooks/pulled", body, headers), timeout=5
        ) as answer:
            return bool(answer.status == 202)
    except (urllib.error.URLError, OSError):
        return False


def test_mastodon_loses_nothing_over_kill_9_and_deletions_are_applied(tmp_path: Path) -> None:
    fake = FakeMastodon()
    secret = tmp_path / "token"
    secret.write_text("t0ken")
    expected: dict[str, str] = {}
    names: list[str] = []
    numbers = iter(range(10**6))

    def say(text: str) -> str:
        # A hundredth of a second apart, as the clock of the instance goes.
        names.append(fake.post(next(numbers), text, ms=1_780_000_000_000 + 10 * len(names)))
        expected[f"mastodon:{fake.statuses[names[-1]]['uri']}"] = text
        return names[-1]

    def happen(number: int) -> None:
        for part in range(12):
            say(f"text {number}.{part}")
        time.sleep(0.3)
        for part in range(6):
            say(f"text {number}.late.{part}")
        uri = fake.statuses[names[-3]]["uri"]
        fake.edit(names[-3], f"changed {number}")
        expected[f"mastodon:{uri}"] = f"changed {number}"
        uri = fake.statuses[names[-5]]["uri"]
        fake.delete(names[-5])
        del expected[f"mastodon:{uri}"]
        if number % 3 == 1:
            fake.hang_up()
        if number % 3 == 2:
            fake.before["/api/v1/timelines"] = [web.Response(status=429, headers={"Retry-After": "1"})]

    with Serving(fake.app()) as server:
        instance = f'{{ url = "{server.url}", token = "file:{secret}", streams = ["hashtag:bahn"] }}'
        options = f'{{ instances = [{instance}], spacing = "0s", recheck = "5s" }}'
        pulled = Pulled(tmp_path / "up", configuration("mastodon", None, options))
        try:
            pulled.up.wait_ready(90)
            pulled.until(lambda: pulled.token is not None)
            pulled.killed_again_and_again(happen)
            pulled.until(lambda: pulled.stored == expected)
            health = pulled.health()
            assert (health["connected"], health["gaps"]) == (True, 0)
            assert health["coverage_note"]
            assert pulled.token is not None and len(pulled.token) < 12_000
        finally:
            pulled.up.stop()


def test_hacker_news_loses_no_number_over_kill_9_and_deletions_are_applied(tmp_path: Path) -> None:
    fake = FakeHackerNews()
    fake.story(1)
    fake.errors = 2.0
    expected: dict[str, str] = {}

    def happen(number: int) -> None:
        first = max(fake.items) + 1
        fake.hidden = {first + 3}
        for n in range(first, first + 25):
            fake.comment(n, n - 1, time=int(time.time()))
            expected[f"hackernews:{n}"] = f"text {n}"
        time.sleep(0.3)
        fake.hidden = set()
        fake.change(first + 5, text=f"changed {number}")
        expected[f"hackernews:{first + 5}"] = f"changed {number}"
        fake.change(first + 6, deleted=True)
        del expected[f"hackernews:{first + 6}"]

    with Serving(fake.app()) as server:
        config = configuration("hackernews", server.url, '{ every = "0s", updates = "1s" }')
        pulled = Pulled(tmp_path / "up", config)
        try:
            pulled.up.wait_ready(90)
            pulled.until(lambda: pulled.token is not None)
            pulled.killed_again_and_again(happen)
            pulled.until(lambda: pulled.stored == expected)
            health = pulled.health()
            assert (health["connected"], health["gaps"]) == (True, 0)
            assert pulled.token is not None and len(pulled.token) < 8_000
        finally:
            pulled.up.stop()
