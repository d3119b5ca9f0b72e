"""The recorded feeds from a server on loopback: every one is read or refused with a reason, and nothing comes twice."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path

import pytest

from ingest.cleaning import clean
from ingest.fetching import Web
from ingest.sources.feed_documents import Document, Unreadable, read_document
from ingest.sources.feed_places import Place, news
from ingest.sources.feeds import Feeds
from resonance.clock import ManualClock
from resonance.model import Upsert
from tests.support.data import data_path
from tests.support.fake_feeds import FakeFeeds, Feed
from tests.support.machine import at
from tests.support.serving import Serving

EXPECTED = {"AmazonWebServicesBlog.xml": 10, "DuplicateContentAtomFeed.xml": 10, "HuffPostCanada.xml": 2, "InvalidDateFormat.xml": 2, "RSSWithComments.xml": 30, "TechCrunch.xml": 20, "a10.xml": 5, "google_alerts_atom.xml": 20, "json_feed.json": 20, "pet_atom.xml": 10, "youtube_atom.xml": 15}  # fmt: skip


def recorded(under: str = "recorded/rss") -> list[Path]:
    return sorted(path for path in data_path(under).rglob("*") if path.is_file() and path.suffix != ".md")


def read(path: Path) -> Document:
    return read_document(path.read_bytes(), {}, f"https://feeds.example/{path.name}", at(0))


def test_the_real_feeds_give_all_of_their_items() -> None:
    assert {path.name: len(read(path).items) for path in recorded("recorded/rss/feedjira")} == EXPECTED


def test_every_recorded_document_is_read_or_refused_and_what_is_read_can_be_logged() -> None:
    refused = set()
    for path in recorded():
        try:
            document = read(path)
        except Unreadable:
            refused.add(path.name)
            continue
        for item in document.items:
            clean(Upsert(mention=item), source="s", observed_at=at(0))
        place = news(document, Place(), "a", at(0)).place
        assert news(read(path), place, "a", at(60)).events == []
    pages = {path.name for path in recorded("recorded/rss/article_html")}
    assert refused - pages == {"illformed__rss_empty_document.xml"}


def test_google_alerts_lead_to_the_articles_themselves() -> None:
    items = read(data_path("recorded/rss/feedjira/google_alerts_atom.xml")).items
    assert not [item for item in items if "google." in (item.url or "") or "<b>" in (item.title or "") + item.text]
    assert all(item.id == f"rss:{item.url}" for item in items)


def test_views_of_a_youtube_channel_are_counted() -> None:
    items = read(data_path("recorded/rss/feedjira/youtube_atom.xml")).items
    assert all(item.engagement and (item.engagement.views or 0) > 0 for item in items)
    assert items[0].id == "rss:yt:video:5shykyfmb28"


@pytest.mark.parametrize("packed", [False, True])
def test_all_recorded_feeds_by_one_source_no_item_twice(packed: bool) -> None:
    paths = recorded()
    assert len(paths) > 90
    fake = FakeFeeds({f"/{p.name}": Feed(p.read_bytes, kind="", packed=packed, etag=not packed) for p in paths})

    async def story(address: str) -> list[str]:
        feeds = tuple(f"{address}/{path.name}" for path in paths)
        source = Feeds(feeds, timedelta(seconds=0.05), ManualClock(at(0)), Web(spacing=0.0))
        seen: list[str] = []
        async with asyncio.timeout(60), aclosing(source.batches(None)) as batches:
            coming = asyncio.ensure_future(anext(batches))
            while min(len(fake.asked[f"/{path.name}"]) for path in paths) < 3:
                if (await asyncio.wait({coming}, timeout=0.05))[0]:
                    seen += [f"{n}" for e in coming.result().events if isinstance(e, Upsert) for n in [e.mention.id]]
                    coming = asyncio.ensure_future(anext(batches))
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
        return seen

    with Serving(fake.app()) as server:
        seen = asyncio.run(story(server.url))
    assert len(seen) >= sum(EXPECTED.values())
    own = [name for name in seen if "#" in name]
    assert len(own) == len(set(own))
