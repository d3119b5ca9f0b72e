"""Documents of feeds: whatever can be read of one is read, and an item is the same item whatever its date says."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.cleaning import clean
from ingest.sources.feed_documents import ITEMS, Document, Unreadable, read_document, unwrapped
from resonance.model import Mention, Upsert
from tests.support.fake_feeds import Item, rss
from tests.support.machine import at

NOW = at(0)
ADDRESS = "https://news.example/feed.xml"


def read(body: bytes, kind: str = "application/xml") -> Document:
    return read_document(body, {"Content-Type": kind}, ADDRESS, NOW)


def one(item: Item) -> Mention:
    return read(rss([item])).items[0]


def test_an_item_is_an_article_with_everything_that_its_feed_tells() -> None:
    found = one(Item(1, "Die <b>Bahn</b>", 'Text &amp; <a href="https://a.example/x">mehr</a><p>Absatz</p>'))
    assert (found.title, found.text) == ("Die Bahn", "Text & mehr\n\nAbsatz")
    assert (found.platform, found.kind, found.community, found.language) == ("rss", "article", "News", "de")
    assert (found.url, found.links) == ("https://news.example/1", ("https://a.example/x",))
    assert found.published_at == datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (Item(1, guid="urn:x:1"), "rss:urn:x:1"),
        (Item(1, guid="https://blog.example/?p=1"), "rss:https://blog.example/?p=1"),
        (Item(1, guid="1"), f"rss:{ADDRESS}#1"),
        (Item(1, guid=None), "rss:https://news.example/1"),
    ],
)
def test_an_id_that_others_may_give_too_is_one_of_this_feed_only(item: Item, expected: str) -> None:
    assert one(item).id == expected


@pytest.mark.parametrize("link", [None, "https://news.example", "https://news.example/"])
def test_an_item_without_id_and_page_of_its_own_is_known_by_its_words_whatever_its_date(link: str | None) -> None:
    first = one(Item(1, "eins", guid=None, link=link))
    again = one(Item(1, "eins", guid=None, link=link, date="Tue, 05 May 2026 12:00:00 GMT"))
    other = one(Item(2, "zwei", guid=None, link=link))
    assert first.id == again.id != other.id


@pytest.mark.parametrize("date", [None, "gestern", "Mon, 04 May 1066 12:00:00 GMT", "Mon, 04 May 9999 12:00:00 GMT"])
def test_an_item_without_a_date_that_can_be_read_is_published_when_it_is_seen(date: str | None) -> None:
    assert one(Item(1, date=date)).published_at == NOW


def test_a_wrong_charset_is_seen_through() -> None:
    items = [Item(1, "Größe")]
    assert read(rss(items, encoding="cp1252", declared="utf-8")).items[0].title == "Größe"
    assert read(rss(items), "text/xml; charset=us-ascii").items[0].title == "Größe"


def test_of_many_items_the_newest_are_read_and_the_others_counted() -> None:
    items = [Item(n, date=f"Mon, 04 May 2026 {n // 60:02}:{n % 60:02}:00 GMT") for n in range(ITEMS + 100)]
    found = read(rss(items))
    assert (len(found.items), found.left_out) == (ITEMS, 100)
    assert {m.id for m in found.items} == {f"rss:urn:item:{n}" for n in range(100, ITEMS + 100)}


def test_an_item_that_says_nothing_is_counted() -> None:
    body = b"<rss version='2.0'><channel><item><guid>1</guid></item><item><title>a</title></item></channel></rss>"
    assert (len(read(body).items), read(body).malformed) == (1, 1)


def test_json_feeds_of_both_versions_are_read() -> None:
    items = [
        {"id": 2, "content_text": "a <b> c", "date_published": "2026-05-04T14:00:00+0200", "tags": ["x"]},
        {"id": "https://a.example/1", "content_html": "<p>Hallo</p>", "authors": [{"name": "Kim"}], "language": "de"},
    ]
    body = json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": items}).encode()
    first, second = read(body, "application/feed+json").items
    assert (first.id, first.text, first.published_at) == (f"rss:{ADDRESS}#2", "a <b> c", at(0))
    assert first.extra == {"categories": ["x"]}
    assert (second.id, second.text, second.language) == ("rss:https://a.example/1", "Hallo", "de")
    assert second.author is not None and second.author.name == "Kim"


def test_an_address_of_google_that_only_leads_elsewhere_is_unwrapped_and_others_are_not() -> None:
    assert unwrapped("https://www.google.de/url?q=https://a.example/%C3%A4") == "https://a.example/ä"
    for address in ("https://evil.example/url?url=https://a.example", "https://www.google.com/search?q=x", "http://[x"):
        assert unwrapped(address) == address


@pytest.mark.parametrize("body", [b"", b"/etc/passwd", b"<html><p>Wartung</p></html>", b"{}", b'{"items": 1}', b"{"])
def test_what_is_no_feed_is_refused_with_a_reason(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read(body)


def test_entities_that_grow_without_end_are_not_expanded() -> None:
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    body = f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY l0 "lol">{lol}]><rss version="2.0"><channel><item><title>&l9;</title></item></channel></rss>'
    try:
        found = read(body.encode())
    except Unreadable:
        return
    assert sum(len(item.title or "") for item in found.items) < 100_000


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_document_is_read_or_refused_and_what_is_read_can_be_logged(data: st.DataObject) -> None:
    body = bytearray(rss([Item(1, "Größe & <b>x", guid=None), Item(2, guid="\x01"), Item(3, date="x")]))
    for _ in range(data.draw(st.integers(0, 20))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read(bytes(body))
    except Unreadable:
        return
    for item in found.items:
        clean(Upsert(mention=item), source="s", observed_at=NOW)
