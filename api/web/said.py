"""/mentions: the list with filters in the address, and one mention with its thread."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from api.web.page import Page, PageOf, Viewed
from api.web.today import topics_of
from resonance.alerts.speech import web_address
from resonance.errors import NotFound
from resonance.model import key_bytes, key_text
from resonance.stores.mentions import Found, MentionFilter

router = APIRouter(include_in_schema=False, route_class=Viewed)
Order = Literal["newest", "oldest", "reach", "engagement"]
Since = Literal["", "1h", "24h", "7d"]
_SINCE = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7)}
_PAGE, _EXCERPT = 25, 700
_COUNTED = 1000
"""So far the mentions of a filter are counted; beyond, nobody reads them one by one."""


@router.get("/mentions")
def mentions_view(
    page: PageOf,
    q: Annotated[str, Query(max_length=200)] = "",
    topic: str = "",
    platform: str = "",
    language: str = "",
    label: str = "",
    since: Since = "",
    order: Order = "newest",
    cursor: str | None = None,
) -> HTMLResponse:
    """A page of mentions."""
    chosen = {"q": q, "topic": topic, "platform": platform, "language": language, "label": label, "since": since}
    if topic:
        page.caller.topics((topic,), frozenset(page.catalogue.topics))
    wanted = _filter(page, chosen, order)
    found = page.parts.mentions.page(wanted, page.caller.scope, limit=_PAGE, cursor=cursor)
    kept = {
        name: value
        for name, value in {**chosen, "order": order}.items()
        if value and (name, value) != ("order", "newest")
    }
    return page.render(
        "mentions.html",
        chosen={**chosen, "order": order},
        topics=topics_of(page),
        platforms=_platforms(page),
        count=page.parts.mentions.count(wanted, page.caller.scope, most=_COUNTED + 1),
        most=_COUNTED,
        items=[shown(page, one, topic) for one in found.items],
        more=f"/mentions?{urlencode({**kept, 'cursor': found.next})}" if found.next else None,
        first=cursor is None,
    )


def _filter(page: Page, chosen: dict[str, str], order: Order) -> MentionFilter:
    start = page.now - _SINCE[chosen["since"]] if chosen["since"] else None
    sets: dict[str, Any] = {
        name: (chosen[name],) for name in ("topic", "platform", "language", "label") if chosen[name]
    }
    return MentionFilter(
        q=chosen["q"].strip() or None,
        # Rounded down to a minute, so that the next page still has the same filter.
        start=int(start.timestamp()) // 60 * 60_000_000 if start else None,
        order=order,
        **sets,
    )


def _platforms(page: Page) -> list[str]:
    names = [topic.id for topic in topics_of(page)]
    week = page.parts.figures.mentions(names, page.now - _SINCE["7d"], page.now, groups=("platform",))["platform"]
    return [name for name, mentions in week.items() if mentions and name != "unknown"]


@router.get("/mentions/{key}")
def mention_view(key: str, page: PageOf) -> HTMLResponse:
    """Why it matched, how it was judged, and the conversation that it is part of."""
    try:
        raw = key_bytes(key)
    except ValueError:
        raise NotFound("there is no such mention") from None
    found = page.parts.mentions.get(raw, page.caller.scope)
    names = {topic.id: topic.name for topic in topics_of(page)}
    thread = page.parts.mentions.thread(found, page.caller.scope)
    return page.render(
        "mention.html",
        item=shown(page, found, whole=True),
        matches=[match for match, _ in found.matches],
        names=names,
        thread=[shown(page, one) for one in thread] if len(thread) > 1 else [],
    )


def shown(page: Page, found: Found, topic: str = "", *, whole: bool = False) -> dict[str, Any]:
    """A mention as the templates show it; `pieces` are its text with what matched marked."""
    row = found.row
    matches = [match for match, _ in found.matches if not topic or match.topic == topic]
    spans = [(span[0], span[1]) for match in matches for span in match.spans]
    text = row["text"]
    cut = not whole and len(text) > _EXCERPT
    author = None
    if found.author is not None and not page.parts.pseudonymous:
        author = found.author["handle"] or found.author["name"]
    return {
        "key": key_text(row["key"]),
        "id": row["id"],
        "at": row["placed_at"],
        "platform": row["platform"],
        "community": row["community"],
        "language": row["language"],
        "kind": row["kind"],
        "voice": row["voice"],
        "author": author,
        "followers": row["followers"],
        "title": row["title"],
        "pieces": marked(text[:_EXCERPT] if cut else text, spans),
        "cut": cut,
        "label": matches[0].label if matches else None,
        "reach": row["reach"],
        "engagement": row["engagement_total"] if row["engagement"] != "{}" else None,
        "url": web_address(row["url"]),
    }


def marked(text: str, spans: Iterable[tuple[int, int]]) -> list[tuple[str, bool]]:
    """The text in pieces, and whether each is part of a span (code points); overlapping spans become one.

    >>> marked("der Dampfkauz zischt", [(4, 13), (4, 9)])
    [('der ', False), ('Dampfkauz', True), (' zischt', False)]
    """
    pieces: list[tuple[str, bool]] = []
    place = 0
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        start, end = max(start, place), min(end, len(text))
        if start >= end:
            continue
        pieces += [(text[place:start], False), (text[start:end], True)]
        place = end
    pieces.append((text[place:], False))
    return [piece for piece in pieces if piece[0]]
