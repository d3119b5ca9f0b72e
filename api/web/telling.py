"""An alert for people: in one sentence, with what carries furthest since it began, and how it stands now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from msgspec import Struct, structs

from api.web.page import Page
from resonance.alerts.message import Material, Message, Part, Shown
from resonance.alerts.wording import message, sentence
from resonance.model import instant, key_text, micros
from resonance.stores.figures import value_of
from resonance.stores.mentions import Found, MentionFilter
from resonance.update import Counts

_BEFORE, _AFTER = timedelta(minutes=20), timedelta(minutes=20)
"""What set an alert off was said around the moment at which it fired."""


class Told(Struct, frozen=True):
    """An alert as a view shows it."""

    row: Mapping[str, Any]
    material: Material
    sentence: tuple[Part, ...]
    facts: dict[str, Any]


def tell(page: Page, row: Mapping[str, Any]) -> Told:
    """The alert with its sentence; numbers are those of now."""
    material = page.parts.incidents.material(row, names=not page.parts.pseudonymous)
    sparks = _sparks(page, row)
    material = structs.replace(material, mentions=sparks or material.mentions)
    said = sentence(material, language=page.language, zone=str(page.zone), now=int(page.now.timestamp() * 1e6))
    return Told(row, material, said, _facts(page, row))


def as_sent(page: Page, row: Mapping[str, Any]) -> Message:
    """The message as a channel gets it."""
    material = page.parts.incidents.material(row, names=not page.parts.pseudonymous)
    kind = "resolved" if row["state"] == "resolved" else "firing"
    url = str(page.request.base_url).rstrip("/")
    return message(material, kind, language=page.language, zone=str(page.zone), url=url)


def _sparks(page: Page, row: Mapping[str, Any]) -> list[Shown]:
    """The earned originals around its beginning that drew the most reactions."""
    if row["fired_at"] is None or row["topic"].startswith("source:"):
        return []
    fired = instant(row["fired_at"])
    chosen = MentionFilter(
        topic=(row["topic"],),
        voice=("earned",),
        kind=("post", "article", "review"),
        label=("negative", "uncertain"),
        start=int((fired - _BEFORE).timestamp() * 1e6),
        end=int((fired + _AFTER).timestamp() * 1e6),
        order="engagement",
    )
    return [_shown(page, one) for one in page.parts.mentions.page(chosen, page.caller.scope, limit=3).items]


def _shown(page: Page, found: Found) -> Shown:
    row, author = found.row, None
    if found.author is not None and not page.parts.pseudonymous:
        author = found.author["handle"] or found.author["name"]
    return Shown(
        key_text(row["key"]), row["platform"], row["text"] or row["title"] or "", row["url"], author, row["reach"]
    )


def _facts(page: Page, row: Mapping[str, Any]) -> dict[str, Any]:
    """Since shortly before it fired: mentions, how they are felt, reach; and the same time a week before."""
    if row["fired_at"] is None or row["topic"].startswith("source:"):
        return {}
    start = instant(row["fired_at"]) - timedelta(minutes=15)
    end = instant(row["resolved_at"]) if row["resolved_at"] else page.now
    week = timedelta(days=7)
    now, before = (
        page.parts.figures.totals([row["topic"]], start - back, end - back, group="topic").get(row["topic"], Counts())
        for back in (timedelta(), week)
    )
    mood = now.p_negative + now.p_neutral + now.p_positive
    return {
        "since": micros(start),
        "mentions": now.mentions,
        "before": before.mentions,
        "negative": now.p_negative / mood if mood else None,
        "reach": value_of("reach", now),
    }
