"""An alert for people: in one sentence, and how it stands now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from msgspec import Struct

from api.web.page import Page
from resonance.alerts.message import Material, Message, Part
from resonance.alerts.wording import began, message, sentence
from resonance.model import instant, micros
from resonance.stores.figures import value_of
from resonance.update import Counts


class Told(Struct, frozen=True):
    """An alert as a view shows it."""

    row: Mapping[str, Any]
    material: Material
    sentence: tuple[Part, ...]
    facts: dict[str, Any]
    fired: dict[str, str]


def tell(page: Page, row: Mapping[str, Any]) -> Told:
    """The alert with its sentence; numbers are those of now."""
    material = page.parts.incidents.material(row, names=not page.parts.pseudonymous)
    said = sentence(material, language=page.language, zone=str(page.zone), now=int(page.now.timestamp() * 1e6))
    return Told(row, material, said, _facts(page, row, material), _when_it_fired(page, material))


def as_sent(page: Page, row: Mapping[str, Any]) -> Message:
    """The message as a channel gets it."""
    material = page.parts.incidents.material(row, names=not page.parts.pseudonymous)
    kind = "resolved" if row["state"] == "resolved" else "firing"
    url = str(page.request.base_url).rstrip("/")
    return message(material, kind, language=page.language, zone=str(page.zone), url=url)


def _facts(page: Page, row: Mapping[str, Any], material: Material) -> dict[str, Any]:
    """Since it began: mentions, how they are felt, reach; and the same time a week before."""
    since = began(material)
    if since is None or row["topic"].startswith("source:"):
        return {}
    start = instant(since)
    end = instant(row["resolved_at"]) if row["resolved_at"] else page.now
    week = timedelta(days=7)
    now, before = (
        page.parts.figures.totals([row["topic"]], start - back, end - back, group="topic").get(row["topic"], Counts())
        for back in (timedelta(), week)
    )
    return {
        "start": micros(start),
        "end": micros(end),
        "mentions": now.mentions,
        "before": before.mentions,
        "negative": now.negative,
        "unclear": now.uncertain,
        "share": now.negative / now.mentions if now.mentions else 0.0,
        "reach": value_of("reach", now),
    }


def _when_it_fired(page: Page, material: Material) -> dict[str, str]:
    """The two numbers whose ratio the sentence tells, in words; empty where it tells none."""
    values = next((reason["values"] for reason in material.reasons if reason["code"] == "volume"), None)
    if values is None or values.get("expected") is None:
        return {}
    return {
        "count": page.speech.number(values["count"]),
        "usual": page.speech.number(values["expected"], 1 if values["expected"] < 10 else 0),
        "window": page.speech.span(values["window"]),
    }
