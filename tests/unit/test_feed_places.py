"""What a feed's next document brings: nothing twice, changes in their order, a gap where it has moved on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from ingest.sources.feed_documents import ITEMS, Document, read_document
from ingest.sources.feed_places import News, Place, news, read_token, write_token
from resonance.model import Engagement, EngagementSeen, Mention, Upsert, content_stamp
from tests.support.fake_feeds import Item, rss
from tests.support.machine import at

ADDRESS = "https://news.example/feed.xml"


def document(items: Sequence[Item], seconds: float) -> Document:
    return read_document(rss(items), {}, ADDRESS, at(seconds))


def after(place: Place, items: Sequence[Item], seconds: float) -> News:
    return news(document(items, seconds), place, ADDRESS, at(seconds))


def told(found: News) -> list[Mention]:
    return [event.mention for event in found.events if isinstance(event, Upsert)]


def test_the_first_document_is_what_was_said_before_we_listened() -> None:
    first = after(Place(), [Item(1), Item(2)], 0)
    assert (len(first.events), first.old) == (2, True)
    second = after(first.place, [Item(3), Item(1), Item(2)], 60)
    assert ([m.id for m in told(second)], second.old, second.duplicates) == (["rss:urn:item:3"], False, 2)


def test_a_date_that_changes_is_no_news() -> None:
    first = after(Place(), [Item(1)], 0)
    assert after(first.place, [Item(1, date="Mon, 04 May 2026 12:30:00 GMT")], 60).events == []


def test_each_change_is_later_than_the_one_before_it_whatever_date_it_claims() -> None:
    dates = ["Mon, 04 May 2026 12:00:00 GMT", "Mon, 04 May 2026 14:00:00 GMT", "Mon, 04 May 2026 09:00:00 GMT", None]
    place, stamps = Place(), []
    for number, date in enumerate(dates):
        found = after(place, [Item(1, text=f"version {number}", date=date)], 60.0 * number)
        place = found.place
        (mention,) = told(found)
        stamps.append(content_stamp(mention))
        assert mention.is_edit == (number > 0)
    assert stamps == sorted(stamps) and len(set(stamps)) == 4


def test_counts_that_change_are_told_without_a_new_version() -> None:
    def seen(views: int) -> Document:
        found = document([Item(1)], 0)
        return found._replace(items=[structs.replace(found.items[0], engagement=Engagement(views=views))])

    first = news(seen(1), Place(), ADDRESS, at(0))
    assert news(seen(1), first.place, ADDRESS, at(60)).events == []
    (event,) = news(seen(2), first.place, ADDRESS, at(60)).events
    assert event == EngagementSeen(id="rss:urn:item:1", engagement=Engagement(views=2), at=at(60))


def test_a_document_without_anything_known_follows_a_gap_since_the_feed_was_read() -> None:
    first = after(Place(), [Item(1), Item(2)], 0)
    gap = news(document([Item(8), Item(9)], 600), first.place, ADDRESS, at(600), at(300)).gap
    assert gap is not None and (gap.since, gap.until) == (at(300), at(600))
    assert after(first.place, [Item(2), Item(9)], 600).gap is None
    assert after(first.place, [], 600).gap is None


def test_an_item_that_falls_out_of_the_feed_and_comes_back_is_known() -> None:
    place = after(Place(), [Item(n) for n in range(20)], 0).place
    place = after(place, [Item(n) for n in range(10, 30)], 60).place
    assert after(place, [Item(n) for n in range(5, 30)], 120).events == []


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 60), max_size=30), max_size=8))
def test_the_memory_survives_its_token_and_stays_small(polls: list[list[int]]) -> None:
    place, seen = Place(), set()
    for number, items in enumerate(polls):
        found = after(place, [Item(n) for n in items], 60.0 * number)
        assert {m.id for m in told(found)} >= {f"rss:urn:item:{n}" for n in set(items) - seen}
        seen |= set(items)
        place = read_token(write_token({"a": found.place}))["a"]
        assert place == found.place
        assert after(place, [Item(n) for n in items], 60.0 * number + 1).events == []


def test_the_greatest_place_of_a_feed_has_eleven_kilobytes() -> None:
    items = [Item(n, title=str(n)) for n in range(ITEMS)]
    place = after(Place(), items, 0).place
    place = after(place, [Item(n + 250) for n in range(ITEMS)], 60).place
    assert len(write_token({ADDRESS: place})) < 11_000


def test_a_date_far_in_the_past_or_future_does_not_break_the_place() -> None:
    found = document([Item(1)], 0)
    for year in (1971, 2105):
        item = structs.replace(found.items[0], published_at=datetime(year, 1, 1, tzinfo=UTC))
        place = news(found._replace(items=[item]), Place(), ADDRESS, at(0)).place
        changed = structs.replace(item, text="other")
        (mention,) = told(news(found._replace(items=[changed]), place, ADDRESS, at(9)))
        assert mention.published_at.year == year
